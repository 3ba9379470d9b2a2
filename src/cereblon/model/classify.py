"""Which clock each state runs on, and the form in which the engine advances it.

linear    fast, rate linear in fast states with coefficients of constants and slow states only: exact propagator
relaxing  fast, rate affine in the state itself: exponential step on the hour grid
slow      everything else, driven by the averages of fast signals
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .documents import Index
from .expr import ONE, ZERO, Expr, add, derivative, div, free, mul, neg, substitute
from .sbml import ModelError
from .system import System


class NotAffineError(Exception):
    """An expression is not affine in the asked names."""


@dataclass(frozen=True)
class Plan:
    """The equations sorted for the engine.

    `transfer[i, j]` is d rate_i / d x_j of the linear states; `source` and `loss` give rate = source - loss*x of the
    relaxing states, in an order in which each needs only earlier ones; `signals` are fast names that slow rates read;
    `own[i]` is d rate_i / d x_i of each slow state, signals held.
    """

    linear: tuple[str, ...]
    relaxing: tuple[str, ...]
    slow: tuple[str, ...]
    transfer: dict[tuple[str, str], Expr]
    source: dict[str, Expr]
    loss: dict[str, Expr]
    signals: tuple[str, ...]
    rates: dict[str, Expr]
    own: dict[str, Expr]


class Dependence:
    """Which states a name or expression needs, rules followed."""

    def __init__(self, states: Mapping[str, object], definitions: Mapping[str, Expr]) -> None:
        self._states, self._definitions = states, definitions
        self._memo: dict[str, frozenset[str]] = {}

    def name(self, name: str) -> frozenset[str]:
        """States that `name` needs; a state needs itself."""
        if name in self._states:
            return frozenset((name,))
        if name not in self._memo:
            body = self._definitions.get(name)
            self._memo[name] = self.expr(body) if body is not None else frozenset()
        return self._memo[name]

    def expr(self, e: Expr) -> frozenset[str]:
        """States that `e` needs."""
        out: frozenset[str] = frozenset()
        for used in free(e):
            out |= self.name(used)
        return out


def flatten_derived(system: System) -> None:
    """Make derived constants depend on constants only: a state in them stands for its starting value."""
    needs = Dependence(system.rates, system.definitions)
    bodies = system.definitions

    def replace(e: Expr) -> Expr | None:
        if e.op != "sym":
            return None
        name = str(e.value)
        body = system.starts[name] if name in system.rates else bodies[name] if needs.name(name) else None
        return None if body is None else substitute([body], replace)[0]

    for name, body in list(system.derived.items()):
        if needs.expr(body):
            system.derived[name] = substitute([body], replace)[0]


def affine(
    e: Expr, targets: frozenset[str], needs: Dependence, bodies: Mapping[str, Expr]
) -> tuple[dict[str, Expr], Expr]:
    """(coefficients, rest) with e = sum coefficient*target + rest. Raises NotAffineError."""
    seen: dict[Expr, tuple[dict[str, Expr], Expr]] = {}  # rules that use each other double the ways to one of them

    def parts(e: Expr) -> tuple[dict[str, Expr], Expr]:
        if e not in seen:
            seen[e] = split(e)
        return seen[e]

    def split(e: Expr) -> tuple[dict[str, Expr], Expr]:
        if not needs.expr(e) & targets:
            return {}, e
        if e.op == "sym":
            name = str(e.value)
            return ({name: ONE}, ZERO) if name in targets else parts(bodies[name])
        if e.op == "add":
            terms = [parts(a) for a in e.args]
            names = dict.fromkeys(n for c, _ in terms for n in c)
            return {n: add(*(c[n] for c, _ in terms if n in c)) for n in names}, add(*(r for _, r in terms))
        if e.op == "mul":
            moving = [a for a in e.args if needs.expr(a) & targets]
            if len(moving) == 1:
                factor = mul(*(a for a in e.args if a is not moving[0]))
                coefficients, rest = parts(moving[0])
                return {n: mul(factor, c) for n, c in coefficients.items()}, mul(factor, rest)
        if e.op == "div" and not needs.expr(e.args[1]) & targets:
            coefficients, rest = parts(e.args[0])
            return {n: div(c, e.args[1]) for n, c in coefficients.items()}, div(rest, e.args[1])
        raise NotAffineError

    return parts(e)


def classify(system: System, index: Index) -> Plan:
    """Sort the states. Raises ModelError for a fast state that fits no fast form."""
    bodies = system.definitions
    needs = Dependence(system.rates, bodies)
    fast = _fast_states(system, index)
    linear, transfer = _linear(system, fast, needs)
    relaxing, source, loss = _relaxing(system, index, fast - set(linear), needs)
    slow = tuple(s for s in system.rates if s not in fast)
    signals: dict[str, None] = {}
    seen: set[str] = set()

    def collect(e: Expr) -> None:
        for name in sorted(free(e)):
            if name in fast or (_is_fast_rule(name, index) and needs.name(name) & fast):
                signals[name] = None
            elif name not in seen and name in bodies:
                seen.add(name)
                collect(bodies[name])

    for state in slow:
        collect(system.rates[state])
    own = {}
    for state in slow:
        moving = {n: b for n, b in bodies.items() if n not in signals and state in needs.name(n)}
        own[state] = derivative(system.rates[state], state, moving, {})
    rates = {s: system.rates[s] for s in slow}
    return Plan(linear, relaxing, slow, transfer, source, loss, tuple(signals), rates, own)


def _is_fast_rule(name: str, index: Index) -> bool:
    place = index.rules.get(name) or index.reactions.get(name)
    return place is not None and place.clock == "fast"


def _fast_states(system: System, index: Index) -> frozenset[str]:
    out = set()
    for state in system.rates:
        if state in index.rates:
            if index.rates[state].clock == "fast":
                out.add(state)
            continue
        touching = [r.id for r in system.reactions.values() if state in r.reactants or state in r.products]
        clocks = {index.reactions[r].clock for r in touching if r in index.reactions}
        if clocks == {"fast"}:
            out.add(state)
        elif "fast" in clocks:
            raise ModelError(f"{index.place(state) or state}: '{state}' has reactions on both clocks")
    return frozenset(out)


def _linear(
    system: System, fast: frozenset[str], needs: Dependence
) -> tuple[tuple[str, ...], dict[tuple[str, str], Expr]]:
    candidates = set(fast)
    while True:
        transfer: dict[tuple[str, str], Expr] = {}
        dropped = set()
        for state in sorted(candidates):
            rate = system.rates[state]
            try:
                coefficients, rest = affine(rate, fast, needs, system.definitions)
            except NotAffineError:
                dropped.add(state)
                continue
            if (
                rest is not ZERO
                or not set(coefficients) <= candidates
                or any(needs.expr(c) & fast for c in coefficients.values())
            ):
                dropped.add(state)
            transfer.update({(state, other): c for other, c in coefficients.items() if c is not ZERO})
        if not dropped:
            return tuple(s for s in system.rates if s in candidates), transfer
        candidates -= dropped


def _relaxing(
    system: System, index: Index, states: frozenset[str], needs: Dependence
) -> tuple[tuple[str, ...], dict[str, Expr], dict[str, Expr]]:
    source: dict[str, Expr] = {}
    loss: dict[str, Expr] = {}
    for state in (s for s in system.rates if s in states):
        try:
            coefficients, rest = affine(system.rates[state], frozenset((state,)), needs, system.definitions)
        except NotAffineError:
            raise ModelError(
                f"{index.place(state) or state}: fast state '{state}' must be linear in itself; or make it slow"
            ) from None
        source[state], loss[state] = rest, neg(coefficients.get(state, ZERO))
    order: list[str] = []
    waiting = list(source)
    while waiting:
        ready = [s for s in waiting if not (needs.expr(source[s]) | needs.expr(loss[s])) & (set(waiting) - {s})]
        if not ready:
            raise ModelError(
                f"{index.place(waiting[0]) or waiting[0]}: fast states {', '.join(waiting)} drive each other in a loop"
            )
        order += ready
        waiting = [s for s in waiting if s not in ready]
    return tuple(order), {s: source[s] for s in order}, {s: loss[s] for s in order}
