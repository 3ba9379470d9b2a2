"""Turning the sign of chosen influences: one model in which every listed wire has a switch.

A wire stands for the influence of some quantities on others. In the equations of its targets each source x becomes

    s*x + (1 - s)*mirror(x),   mirror(x) = r - d/(1 + |d|/c),   d = x - r

with the switch s (1 = as is, 0 = turned) and the untreated reference value r of x. The slope of the mirror at r is
exactly -1 and its value there is r: the sign of the influence turns and the reference stays where it is. The mirror
stays within c of r. c is r itself where nothing speaks against it, so that what was positive stays positive; it is less
(see `_Guard`) where a mirrored value would leave the range in which the equations mean something, such as an Ikaros
level above 1.

Everything is done on expression trees. Switches are parameters with a value per subject, so the lanes of one compiled
program can turn different wires.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .classify import classify
from .documents import Index, Parameter, Place
from .evaluate import Program
from .expr import ONE, Expr, add, call, derivative, div, free, mul, neg, num, substitute, sym
from .influence import Influence, observed, sampled_states
from .model import Model
from .sbml import ModelError
from .system import System, sorted_rules

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
_REACHES = 2.0 ** -np.arange(13)  # tried from the widest
_RESTORING = 0.2  # least share of a state's own return to rest that a turned wire must leave
_PRODUCED = 0.05  # least share of a state's production that it must leave


@dataclass(frozen=True)
class Wire:
    """The influence of `sources` on `targets`, names of states and rules; `name` names its switch."""

    name: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]

    @property
    def switch(self) -> str:
        """The parameter that turns the wire: 1 = as is, 0 = turned."""
        return f"wire_{self.name}"

    @property
    def reach(self) -> str:
        """The parameter that holds how far from the reference a mirrored value may go, relative to its scale."""
        return f"wire_{self.name}_reach"


def rewire(model: Model, wires: Sequence[Wire], closed: Iterable[str]) -> Model:
    """Return a model with a switch on every wire; with all switches at 1 it computes what `model` does.

    closed: the quantities at which an influence ends (rules between them are followed, and copied for the target, so
    that nobody else sees the change). Wires must have different names; several may share a target. A flow between a
    source and a target is turned on the target's side alone: a turned wire does not conserve mass. The documents and
    the SBML of the new model are those of the old one.

    Raises ModelError for names that the model does not have, a name given twice, or a wire whose sources do not occur
    in the equations of its targets.
    """
    closed = frozenset(closed)
    names = [w.name for w in wires]
    influence = Influence(model, closed)
    for wire in wires:
        model.require((*wire.sources, *wire.targets))
        if names.count(wire.name) > 1:
            raise ModelError(f"wire '{wire.name}' is given twice")
        if not any(influence.reached(q) & set(wire.sources) for q in wire.targets):
            raise ModelError(f"wire '{wire.name}': {', '.join(wire.sources)} not in the equations of {wire.targets[0]}")
    draft = _assembled(model, wires, closed, dict.fromkeys(names, 1.0))
    guard = _Guard(model, draft)
    reaches = {wire.name: guard.reach(wire) for wire in wires}
    return _assembled(model, wires, closed, reaches)


def _assembled(model: Model, wires: Sequence[Wire], closed: frozenset[str], reaches: Mapping[str, float]) -> Model:
    states = sampled_states(model)
    sources = sorted({x for w in wires for x in w.sources})
    scale = {k: (float(v[0]), float(np.max(np.abs(v[1:])))) for k, v in observed(model, sources, states).items()}
    system = replace(
        model.system,
        rates=dict(model.system.rates),
        rules=dict(model.system.rules),
        constants=dict(model.system.constants),
        units=dict(model.system.units),
    )
    index = replace(model.index, rules=dict(model.index.rules))
    by_target: dict[tuple[str, ...], dict[str, Expr]] = {}
    for wire in wires:
        switched = by_target.setdefault(wire.targets, {})
        for x in wire.sources:
            switched[x] = _switched(sym(x), wire, *scale[x])
    for targets, switched in by_target.items():
        _into(system, index, targets, switched, closed)
    rows = {p.id: p for w in wires for p in _parameters(w, reaches[w.name])}
    for p in rows.values():
        system.constants[p.id], system.units[p.id] = p.value, p.unit
    system.rules = sorted_rules(system, index)
    mark = hashlib.sha256(f"{model.fingerprint}{wires!r}{reaches!r}".encode()).hexdigest()[:16]
    return replace(
        model,
        parameters={**model.parameters, **rows},
        system=system,
        plan=classify(system, index),
        index=index,
        fingerprint=mark,
    )


def _parameters(wire: Wire, reach: float) -> tuple[Parameter, Parameter]:
    words = f"{', '.join(wire.sources)} on {', '.join(wire.targets)}"
    common: dict[str, Any] = {"unit": "dimensionless", "source": "definition", "organ": "switches"}
    switch = Parameter(wire.switch, 1.0, status="covariate", note=f"1 = as is, 0 = sign turned: {words}", **common)
    return switch, Parameter(wire.reach, reach, note=f"reach of the mirror: {words}", **common)


def _switched(x: Expr, wire: Wire, reference: float, scale: float) -> Expr:
    away = add(x, num(-reference))
    reach = mul(num(reference if reference > 0.0 else scale or 1.0), sym(wire.reach))
    mirror = add(num(reference), neg(div(away, add(ONE, div(call("abs", away), reach)))))
    s = sym(wire.switch)
    return add(mul(s, x), mul(add(ONE, neg(s)), mirror))


def _into(
    system: System, index: Index, targets: tuple[str, ...], switched: Mapping[str, Expr], closed: frozenset[str]
) -> None:
    """Put the switched sources into the equations of the targets, rules on the way copied."""
    bodies = {n: e for n, e in system.definitions.items() if n not in closed and n not in targets}
    holds: dict[str, bool] = {}
    copies: dict[str, str] = {}

    def reaches(name: str) -> bool:
        if name not in holds:
            holds[name] = any(u in switched or (u in bodies and reaches(u)) for u in free(bodies[name]))
        return holds[name]

    def swap(e: Expr) -> Expr | None:
        name = str(e.value) if e.op == "sym" else ""
        if name in switched:
            return switched[name]
        if name in bodies and reaches(name):
            if name not in copies:
                copies[name] = copy = f"{name}_into_{targets[0]}"
                place = index.place(name) or Place("model", 0, "slow")
                index.rules[copy] = Place(place.file, place.line, place.clock)
                system.rules[copy] = substitute([bodies[name]], swap)[0]
                system.units[copy] = system.units.get(name, "")
            return sym(copies[name])
        return None

    for q in targets:
        where = system.rates if q in system.rates else system.rules
        where[q] = substitute([where[q]], swap)[0]


class _Guard:
    """Looks for the widest reach of a turned wire at which the equations stay sound, on and off treatment.

    Sound: every state that returned to rest still does, with a fifth of its untreated rate at least; what is produced
    is still produced, a twentieth at least; every value is finite and what is never negative stays so. States that the
    untreated patient has at 0 may be driven below it, but no further than they are driven above it. All this is asked
    again where the fast states, which follow within hours, have come to rest under the turned wire.
    """

    def __init__(self, model: Model, draft: Model) -> None:
        self._states = sampled_states(model, 32)
        self._size = len(next(iter(self._states.values())))
        self._rules = tuple(model.rules)
        self._draft, self._draft_program = draft, self._program(draft)
        self._lanes = {k: np.tile(v, _REACHES.size) for k, v in self._states.items()}
        self._before = self._look(model, self._program(model), self._states, {})

    def reach(self, wire: Wire) -> float:
        """The widest sound reach, or the narrowest that is tried."""
        values = {wire.switch: 0.0, wire.reach: np.repeat(_REACHES, self._size)}
        after = self._look(self._draft, self._draft_program, self._lanes, values)
        settled = {q: self._rest(q, *after[:2]) for q in self._draft.relaxing}
        then = self._look(self._draft, self._draft_program, {**self._lanes, **settled}, values)
        lanes = self._sound(*after) & self._sound(*then)
        good = np.all(lanes.reshape(_REACHES.size, self._size), axis=1)
        return float(_REACHES[int(np.argmax(good))]) if good.any() else float(_REACHES[-1])

    def _rest(self, q: str, own: Array, made: Array) -> Array:
        """Where a fast state comes to rest with the wire turned, which may be where it never was."""
        i = self._draft.states.index(q)
        return np.where(own[i] < 0.0, made[i] / np.where(own[i] < 0.0, -own[i], 1.0), self._lanes[q])

    def _program(self, model: Model) -> Program:
        system = model.system
        own = [derivative(e, q, system.definitions, {}) for q, e in system.rates.items()]
        outputs = [*system.rates.values(), *own, *(sym(r) for r in self._rules)]
        return Program(outputs, system.definitions, model.is_constant)

    def _look(
        self, model: Model, program: Program, states: Mapping[str, Array], values: Mapping[str, Any]
    ) -> tuple[Array, Array, Array, Array]:
        """Own slopes and what is produced of all states, rates and rules, (names, lanes) each."""
        n = len(next(iter(states.values())))
        with np.errstate(all="ignore"):
            found = program.run({**model.values(values), **states})
        full = np.array([np.broadcast_to(np.asarray(v, dtype=float), (n,)) for v in found])
        count = len(model.states)
        rate, own, rules = full[:count], full[count : 2 * count], full[2 * count :]
        level = np.array([states[q] for q in model.states])
        return own, rate - own * level, rate, rules

    def _sound(self, own: Array, made: Array, rate: Array, rules: Array) -> Flags:
        """Whether each lane is sound; what was not so in the model as it is, is not asked for."""
        own0, made0, rate0, rules0 = self._before
        rest, first = own0[:, :1], made0[:, :1]
        ok = (own <= _RESTORING * rest) | _every(own0 > _RESTORING * rest) | ~(rest < 0.0)
        driven = -np.max(made0, axis=1, keepdims=True)
        least = np.where(first > 0.0, _PRODUCED * np.minimum(made0, first), driven)
        slack = 1e-9 * np.max(np.abs(made0), axis=1, keepdims=True)
        ok &= (made >= np.tile(least, _REACHES.size) - slack) | ~np.all(made0 >= 0.0, axis=1, keepdims=True)
        ok &= np.isfinite(rate) | _every(~np.isfinite(rate0))
        kept = (rules0[:, :1] > 0.0) & np.all(rules0 >= 0.0, axis=1, keepdims=True)
        fine = (np.isfinite(rules) | _every(~np.isfinite(rules0))) & ((rules >= 0.0) | ~kept)
        return np.asarray(np.all(ok, axis=0) & np.all(fine, axis=0))


def _every(flags: Flags) -> Flags:
    """The same for every reach that is tried."""
    return np.tile(flags, _REACHES.size)
