"""Which quantities act directly on which, and how strongly: the slopes of the equations between chosen names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .evaluate import Program
from .expr import Expr, derivative, free
from .model import Model, Values

Array = NDArray[np.float64]


class Influence:
    """Direct influences between `closed` names; every other rule, reaction or constant is followed through.

    closed: states and rules that count as quantities of their own. A state that is not closed ends a path without
    being an influence.
    """

    def __init__(self, model: Model, closed: Iterable[str]) -> None:
        self.model = model
        self.closed = frozenset(closed)
        model.require(self.closed)
        self.open = {n: e for n, e in model.system.definitions.items() if n not in self.closed}
        self._direct: dict[str, frozenset[str]] = {}
        self._slopes: dict[str, dict[Expr, Expr]] = {}

    def body(self, name: str) -> Expr:
        """The rate of a state, or the formula of a rule or reaction."""
        return self.model.system.rates.get(name) or self.model.system.definitions[name]

    def reached(self, name: str) -> frozenset[str]:
        """Closed names that the formula of `name` holds, open names followed; not `name` itself where it is open."""
        if name not in self._direct:
            found: set[str] = set()
            for used in free(self.body(name)):
                if used in self.closed:
                    found.add(used)
                elif used in self.open:
                    found |= self.reached(used)
            self._direct[name] = frozenset(found)
        return self._direct[name]

    def path(self, name: str, sources: frozenset[str]) -> tuple[str, ...]:
        """Open names between the formula of `name` and any of `sources`, in order of use."""
        found: dict[str, None] = {}

        def follow(at: str) -> None:
            for used in sorted(free(self.body(at))):
                if used in self.open and used not in found and self.reached(used) & sources:
                    found[used] = None
                    follow(used)

        follow(name)
        return tuple(found)

    def slope(self, name: str, source: str) -> Expr:
        """d(formula of `name`)/d(source), all other closed names held."""
        return derivative(self.body(name), source, self.open, self._slopes.setdefault(source, {}))

    def evaluate(
        self, what: Mapping[tuple[str, str], Expr], states: Values, values: Values | None = None
    ) -> dict[tuple[str, str], Array]:
        """Values of several expressions at the given states, (n,) each; `values` replace parameters of the table."""
        program = Program(what.values(), self.model.system.definitions, self.model.is_constant)
        size = max((np.size(v) for v in states.values()), default=1)
        with np.errstate(all="ignore"):
            found = program.run({**self.model.values(values), **states})
        return {key: np.broadcast_to(np.asarray(v, dtype=float), (size,)) for key, v in zip(what, found, strict=True)}


def sampled_states(model: Model, size: int = 64, seed: int = 0) -> dict[str, Array]:
    """States around the untreated reference and on treatment, (size + 1,) each; the first is the reference itself.

    Slow states are drawn within a factor of two, those that are 0 without the drug between 0 and 1/2. Drug amounts are
    drawn up to 10 (mg, ug), and fast states that stand at 1 without the drug (Ikaros, Aiolos) between 0.1 and 1.
    """
    random = np.random.default_rng(seed)
    out: dict[str, Array] = {}
    for name, start in model.initial().items():
        value = float(start)
        if name in model.linear:
            drawn = random.uniform(0.0, 10.0, size)
        elif value == 0.0:
            drawn = random.uniform(0.0, 0.5, size)
        elif name in model.relaxing:
            drawn = value * random.uniform(0.1, 1.0, size)
        else:
            drawn = value * 2.0 ** random.uniform(-1.0, 1.0, size)
        out[name] = np.concatenate([[value], drawn])
    return out


def observed(
    model: Model, names: Iterable[str], states: Mapping[str, Any], values: Values | None = None
) -> dict[str, Array]:
    """Values of the named quantities at states of shape (n,), as (n,) each."""
    size = max(np.size(v) for v in states.values())
    found = model.observe(names, states, values)
    return {k: np.broadcast_to(np.asarray(v, dtype=float), (size,)) for k, v in found.items()}
