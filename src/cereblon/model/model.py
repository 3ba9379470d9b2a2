"""The compiled model: states, parameters and equations that can be evaluated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from cereblon.documents.findings import Finding
from cereblon.errors import nearest

from .cards import DrugCard, Entry, entries
from .classify import Dependence, Plan
from .documents import Document, Index, Parameter
from .equations import Equation, equations
from .evaluate import Program
from .expr import Expr, sym
from .sbml import ModelError, parsed, to_sbml, unit_findings, write
from .system import System

Values = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Model:
    """A model ready to run. Time is in days, arrays have subjects last, shape (n,); NumPy in, NumPy out.

    `parameters` holds one row per constant; those with between-subject spread or status `covariate` are `individual`
    (an array per run), all others `shared` (a scalar per run). `drugs` are those on board, in order of name.
    `fingerprint` names the equations, values and drugs of this model, and nothing else of the package.
    """

    parameters: Mapping[str, Parameter]
    drugs: tuple[DrugCard, ...]
    system: System
    plan: Plan
    index: Index
    fingerprint: str
    documents: tuple[Document, ...] = field(repr=False)
    rows: Mapping[str, Parameter] = field(repr=False)
    reading: tuple[str, list[Finding]] | None = field(default=None, repr=False)
    """SBML text and findings of a text of somebody's own, which is read once, in a child process."""

    @cached_property
    def document(self) -> Any:
        """The libSBML document of the model texts and parameter rows."""
        if self.reading is not None:
            return parsed(self.reading[0])
        return to_sbml(list(self.documents), dict(self.rows), self.index)

    @cached_property
    def sbml(self) -> str:
        """The whole model as SBML level 3 version 1 text, with units, notes and annotations."""
        return write(self.document)

    @cached_property
    def entries(self) -> Mapping[str, Entry]:
        """Where a dose of each drug on board goes, by name of the drug."""
        return entries(self.drugs)

    @property
    def packaged(self) -> bool:
        """Whether all of it is from documents of the package, none from a text of somebody else's."""
        return self.reading is None

    @property
    def states(self) -> tuple[str, ...]:
        """All states in order of definition."""
        return tuple(self.system.rates)

    @property
    def linear(self) -> tuple[str, ...]:
        """Fast states advanced by their exact propagator."""
        return self.plan.linear

    @property
    def relaxing(self) -> tuple[str, ...]:
        """Fast states advanced by exponential steps."""
        return self.plan.relaxing

    @property
    def slow(self) -> tuple[str, ...]:
        """States of the slow clock."""
        return self.plan.slow

    @property
    def rules(self) -> tuple[str, ...]:
        """Assignment rules, operands first."""
        return tuple(self.system.rules)

    @property
    def individual(self) -> tuple[str, ...]:
        """Parameters with a value per subject."""
        return tuple(p.id for p in self.parameters.values() if p.individual)

    @property
    def shared(self) -> tuple[str, ...]:
        """Parameters with one value for everybody."""
        return tuple(p.id for p in self.parameters.values() if not p.individual)

    @property
    def defaults(self) -> dict[str, float]:
        """The table value of every parameter."""
        return {p.id: p.value for p in self.parameters.values()}

    def values(self, overrides: Values | None = None) -> dict[str, Any]:
        """Defaults with overrides (scalars or (n,)). Raises ModelError for a name that is no parameter."""
        out: dict[str, Any] = dict(self.defaults)
        for name, value in (overrides or {}).items():
            if name not in out:
                raise ModelError(f"unknown parameter '{name}'{nearest(name, out)}")
            out[name] = value
        return out

    def require(self, names: Iterable[str]) -> None:
        """Raise ModelError for a name that is neither state, rule, reaction, derived constant nor parameter."""
        known = {**self.system.rates, **self.system.definitions, **self.system.constants}
        for name in names:
            if name not in known:
                raise ModelError(f"the model has no '{name}'{nearest(name, known)}")

    def initial(self, values: Values | None = None) -> dict[str, Any]:
        """Starting value of every state, shape (n,), or () if all values are scalars."""
        given = self.values(values)
        shape = np.broadcast_shapes(*(np.shape(v) for v in given.values()))
        out = zip(self.states, _instant(self._starts, given), strict=True)
        if any(isinstance(v, Array) for v in given.values()):
            return {k: jnp.broadcast_to(jnp.asarray(v), shape) for k, v in out}
        return {k: np.broadcast_to(np.asarray(v), shape) for k, v in out}

    def observe(self, names: Iterable[str], states: Values, values: Values | None = None) -> dict[str, Any]:
        """States, rules, reaction rates, derived constants or parameters by name, at this instant."""
        wanted = tuple(names)
        self.require(wanted)
        if wanted not in self._seen:
            self._seen[wanted] = self.program(wanted)
        return dict(zip(wanted, _instant(self._seen[wanted], {**self.values(values), **states}), strict=True))

    def rhs(self, states: Values, values: Values | None = None) -> dict[str, Any]:
        """d/dt of every state (1/day) at this instant, both clocks, nothing averaged."""
        return dict(zip(self.states, _instant(self._rates, {**self.values(values), **states}), strict=True))

    def program(self, names: tuple[str, ...], bound: tuple[str, ...] = ()) -> Program:
        """A program for the named quantities, to be evaluated many times."""
        return Program([sym(n) for n in names], self.system.definitions, self.is_constant, bound)

    def is_constant(self, name: str) -> bool:
        """Whether a leaf name is a parameter (and not a state)."""
        return name in self.parameters

    def needs(self, what: str | Expr) -> frozenset[str]:
        """States that a name or expression depends on, rules followed."""
        return self._dependence.expr(what) if isinstance(what, Expr) else self._dependence.name(what)

    @cached_property
    def _seen(self) -> dict[tuple[str, ...], Program]:
        return {}

    @cached_property
    def _dependence(self) -> Dependence:
        return Dependence(self.system.rates, self.system.definitions)

    def equations(self) -> list[Equation]:
        """Per state: its reactions or rate in ordinary arithmetic, with claims, sources and words."""
        return equations(self.system, self.plan)

    @cached_property
    def _starts(self) -> Program:
        bodies = {**self.system.definitions, **self.system.starts}
        return Program([sym(s) for s in self.states], bodies, self.is_constant)

    @cached_property
    def _rates(self) -> Program:
        return Program(self.system.rates.values(), self.system.definitions, self.is_constant)

    @cached_property
    def unit_findings(self) -> list[Finding]:
        """What libSBML says, units included."""
        return self.reading[1] if self.reading is not None else unit_findings(self.document, self.index)


def _instant(program: Program, values: Values) -> list[Any]:
    """One evaluation outside a compiled program; NumPy is as quiet about overflow as JAX."""
    with np.errstate(all="ignore"):
        return program.run(values)
