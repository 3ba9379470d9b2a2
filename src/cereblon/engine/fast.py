"""One day of the fast clock: drug concentrations, what relaxes to them, the averages handed to the slow clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from cereblon.model import Model, Program
from cereblon.model.expr import Expr, free

from .dose import Slots, inflow
from .grid import Grid, Span
from .linear import Built, Propagator

_LEAST_LOSS = 1e-6  # per day; keeps the level finite for a state that is not lost at all


@dataclass(frozen=True)
class Level:
    """Relaxing states that do not need each other, advanced together."""

    names: tuple[str, ...]
    program: Program


Constants: TypeAlias = dict[Expr, Array]


class Ready(NamedTuple):
    """Constant sub-expressions of the programs of a fast day."""

    transfer: Constants
    drivers: Constants
    levels: tuple[Constants, ...]
    averaged: Constants
    inputs: Constants
    mixture: Constants


class Kept(NamedTuple):
    """What the fast clock carries on: propagators, and the slow states it reads as the last slow step found them."""

    blocks: tuple[Built, ...]
    before: Array


class Drive(NamedTuple):
    """What a slow step needs of the fast clock: means (pure, n), inputs (K, inputs, n) and their weights (K,)."""

    means: Array
    inputs: Array
    weights: Array


class Window(NamedTuple):
    """Which hours: those of `span` after hour `start` of the day, with the doses `given` on that day."""

    span: Span
    start: Array
    given: Slots | None


class FastDay:
    """The fast clock of a model on a grid. Constant sub-expressions are evaluated once, by `prepare`."""

    def __init__(self, model: Model, grid: Grid, watch_all: bool = False, infused: tuple[str, ...] = ()) -> None:
        self.model, self.grid = model, grid
        plan = model.plan
        place = {name: i for i, name in enumerate(plan.linear)}
        self._entries = list(plan.transfer)
        bodies = model.system.definitions
        self._transfer = Program([plan.transfer[e] for e in self._entries], bodies, model.is_constant)
        self.drivers = self._driver_names()
        self._drivers = model.program(self.drivers)
        self._levels = self._sorted_levels()
        fast, slow = {*plan.linear, *plan.relaxing}, set(plan.slow)
        self.pure = tuple(s for s in plan.signals if not model.needs(s) & slow)
        self.mixed = tuple(s for s in plan.signals if model.needs(s) & slow)
        ready = [r for r in model.rules if model.needs(r) and model.needs(r) <= fast]
        self.mixture = model.program(self.mixed, tuple(ready))
        self.inputs = tuple(n for n in sorted(self.mixture.leaves()) if n in fast or n in ready)
        self._averaged = model.program(self.pure, tuple(d for d in self.drivers if d not in self.pure))
        self._inputs = model.program(self.inputs, tuple(d for d in self.drivers if d not in self.inputs))
        programs = (self._averaged, self._inputs, self._drivers, *(v.program for v in self._levels))
        needed = {n for p in programs for n in p.leaves()}
        watched = [i for name, i in place.items() if watch_all or name in needed]
        pairs = [(place[i], place[j]) for i, j in self._entries]
        into = [place[name] for name in infused]
        self.propagator = Propagator(len(plan.linear), pairs, grid, watched, into) if plan.linear else None
        read = [*plan.transfer.values(), *plan.source.values(), *plan.loss.values()]
        self._at = np.array(
            [k for k, s in enumerate(plan.slow) if any(s in model.needs(e) for e in read)], dtype=np.int32
        )

    def _sorted_levels(self) -> list[Level]:
        plan = self.model.plan
        depth: dict[str, int] = {}
        for name in plan.relaxing:
            used = self.model.needs(plan.source[name]) | self.model.needs(plan.loss[name])
            depth[name] = 1 + max((depth[u] for u in used if u in depth and u != name), default=-1)
        out = []
        for level in range(max(depth.values(), default=-1) + 1):
            names = tuple(n for n in plan.relaxing if depth[n] == level)
            exprs = [e for n in names for e in (plan.source[n], plan.loss[n])]
            bodies = self.model.system.definitions
            out.append(Level(names, Program(exprs, bodies, self.model.is_constant, self.drivers)))
        return out

    def _driver_names(self) -> tuple[str, ...]:
        """What the relaxing states read of the linear ones: the largest rules that need no relaxing state."""
        plan, bodies = self.model.plan, self.model.system.definitions
        out: dict[str, None] = {}
        stack = [e for pair in zip(plan.source.values(), plan.loss.values(), strict=True) for e in pair]
        while stack:
            for name in sorted(free(stack.pop())):
                needs = self.model.needs(name)
                if needs & set(plan.linear) and not needs & set(plan.relaxing):
                    out[name] = None
                elif name in bodies and needs & set(plan.relaxing):
                    stack.append(bodies[name])
        return tuple(out)

    def prepare(self, values: Mapping[str, Any]) -> Ready:
        """Constant sub-expressions of all programs, for one set of parameters."""
        return Ready(
            self._transfer.prepare(values),
            self._drivers.prepare(values),
            tuple(level.program.prepare(values) for level in self._levels),
            self._averaged.prepare(values),
            self._inputs.prepare(values),
            self.mixture.prepare(values),
        )

    def begin(self, slow: Array) -> Kept:
        """What is kept before a first day that begins with these slow states, (S, n): no propagators yet."""
        blocks = () if self.propagator is None else self.propagator.blank(slow.shape[-1], slow.dtype)
        return Kept(blocks, slow[self._at])

    def refresh(self, kept: Kept, slow: Array, prepared: Any, ahead: Any) -> tuple[Kept, dict[str, Array]]:
        """`kept` made anew where a subject's rates have moved, and the slow states (S, n) by name.

        Slow states that fast rates read (kidney function, above all) are taken where they will be `ahead` of a slow
        step later if they go on as in the last one.
        """
        now = slow[self._at]
        later = jnp.clip(now + jnp.asarray(ahead, now.dtype) * (now - kept.before), 0.5 * now, 2.0 * now)
        named = {**self._named(slow), **{self.model.slow[k]: row for k, row in zip(self._at, later, strict=True)}}
        if self.propagator is None:
            return kept, named
        blocks = self.propagator.refresh(kept.blocks, self._coefficients(named, prepared, slow))
        return kept._replace(blocks=blocks), named

    def follow(self, kept: Kept, slow: Array) -> Kept:
        """`kept` after a slow step that began with these slow states, (S, n)."""
        return kept._replace(before=slow[self._at])

    def _named(self, slow: Array) -> dict[str, Array]:
        return dict(zip(self.model.slow, slow, strict=True))

    def _coefficients(self, slow: Mapping[str, Array], prepared: Any, like: Array) -> Array:
        n, dtype = like.shape[-1], like.dtype
        entries = self._transfer.run({**prepared.values, **slow}, prepared.fast.transfer)
        return jnp.stack([jnp.broadcast_to(jnp.asarray(e, dtype), (n,)) for e in entries])

    def known(
        self, linear: Array, relaxing: Array, slow: Mapping[str, Array], prepared: Any, kept: Kept, at: Window
    ) -> tuple[dict[str, Any], Array]:
        """All values with the fast states at the hours of a window, (K, n), and the linear states at its end."""
        known: dict[str, Any] = {**prepared.values, **slow}
        n, dtype, span = relaxing.shape[-1], relaxing.dtype, at.span
        if self.propagator is not None:
            coming = inflow(at.given, at.start, span) if self.propagator.infused and at.given is not None else None
            paths, linear = self.propagator.advance(kept.blocks, linear, span, coming)
            known.update({self.model.linear[i]: path for i, path in paths.items()})
        if not self.model.relaxing:
            return known, linear
        shape = (span.hours.size, n)
        watched = [self.model.linear[i] for i in self.propagator.watched] if self.propagator else []
        drivers = self._drivers.run(known, prepared.fast.drivers)
        names = [*watched, *self.drivers]
        moving = [known[w] for w in watched] + [jnp.broadcast_to(jnp.asarray(d, dtype), shape) for d in drivers]
        given = jnp.stack(moving, axis=1) if moving else jnp.zeros((shape[0], 0, n), dtype)
        fixed = {**prepared.values, **slow}
        order = {name: i for i, name in enumerate(self.model.relaxing)}
        places = [np.array([order[name] for name in group.names]) for group in self._levels]

        def node(carry: list[tuple[Array, Array, Array]], now: tuple[Array, Array]) -> tuple[Any, Any]:
            at, h = now
            here = {**fixed, **dict(zip(names, at, strict=True))}
            following = []
            for group, ready, (x, rate0, level0) in zip(self._levels, prepared.fast.levels, carry, strict=True):
                out = [jnp.broadcast_to(jnp.asarray(v, dtype), (n,)) for v in group.program.run(here, ready)]
                rate = jnp.maximum(jnp.stack(out[1::2]), _LEAST_LOSS)
                level = jnp.stack(out[0::2]) / rate
                x = _relax(x, rate0, rate, level0, level, h)
                here.update(zip(group.names, x, strict=True))
                following.append((x, rate, level))
            return following, ([x for x, _, _ in following], at)

        spans = jnp.asarray(np.concatenate([[0.0], span.intervals]), dtype)
        begin = [(relaxing[p], jnp.zeros((p.size, n), dtype), jnp.zeros((p.size, n), dtype)) for p in places]
        # the drivers pass through the loop unchanged: what reads them afterwards reads them from memory
        _, (courses, passed) = lax.scan(node, begin, (given, spans))
        known.update({name: passed[:, i] for i, name in enumerate(names)})
        for group, course in zip(self._levels, courses, strict=True):
            known.update({name: course[:, k] for k, name in enumerate(group.names)})
        return known, linear

    def run(
        self,
        linear: Array,
        relaxing: Array,
        slow: Mapping[str, Array],
        prepared: Any,
        kept: Kept,
        window: Any,
        given: Slots | None = None,
    ) -> tuple[Array, Array, Drive]:
        """(linear, relaxing, drive) at the end of a window, slow states held; `window` is its number in the day."""
        grid = self.grid
        start = grid.length * jnp.asarray(window, relaxing.dtype)

        def over(span: Span) -> tuple[Array, Array, Drive]:
            known, end = self.known(linear, relaxing, slow, prepared, kept, Window(span, start, given))
            last = [known[name][-1] for name in self.model.relaxing]
            return end, jnp.stack(last) if last else relaxing, self._drive(known, prepared, relaxing, span)

        if all(grid.dense):
            return over(grid.after_dose)
        out: tuple[Array, Array, Drive] = lax.cond(
            jnp.asarray(grid.dense)[window], lambda: over(grid.after_dose), lambda: over(grid.later)
        )
        return out

    def _drive(self, known: Mapping[str, Any], prepared: Any, like: Array, span: Span) -> Drive:
        n, dtype, shape = like.shape[-1], like.dtype, (span.hours.size, like.shape[-1])
        width = self.grid.after_dose.hours.size  # a window with fewer hours repeats its last, without weight
        weights = jnp.asarray(span.weights, dtype)
        means = [
            jnp.dot(weights, jnp.broadcast_to(jnp.asarray(path, dtype), shape), precision="highest")
            for path in self._averaged.run(known, prepared.fast.averaged)
        ]
        fill = np.minimum(np.arange(width), span.hours.size - 1)
        paths = [jnp.broadcast_to(x, shape) for x in self._inputs.run(known, prepared.fast.inputs)]
        inputs = jnp.stack(paths, axis=1)[fill] if paths else jnp.zeros((width, 0, n), dtype)
        averaged = jnp.stack(means) if means else jnp.zeros((0, n), dtype)
        return Drive(averaged, inputs, jnp.pad(weights, (0, width - span.hours.size)))

    def signals(self, drive: Drive, slow: Mapping[str, Array], prepared: Any) -> dict[str, Array]:
        """Mean of every signal over one slow step, with the slow states as given; `drive` is that of the step."""
        out = dict(zip(self.pure, drive.means, strict=True))
        if self.mixed:
            given = {name: drive.inputs[:, i] for i, name in enumerate(self.inputs)}
            paths = self.mixture.run({**prepared.values, **slow, **given}, prepared.fast.mixture)
            for name, path in zip(self.mixed, paths, strict=True):
                whole = jnp.broadcast_to(path, drive.inputs.shape[:1] + drive.inputs.shape[-1:])
                out[name] = jnp.dot(drive.weights, whole, precision="highest")
        return out


def joined(windows: Drive) -> Drive:
    """The drive of a slow step from those of its windows, which are stacked along a first axis."""
    count, width, *one = windows.inputs.shape
    inputs = jnp.reshape(windows.inputs, (count * width, *one))  # -1 cannot be worked out where there are no inputs
    return Drive(jnp.mean(windows.means, axis=0), inputs, jnp.reshape(windows.weights, -1) / count)


def _relax(x: Array, rate0: Array, rate1: Array, level0: Array, level1: Array, h: Array) -> Array:
    """x' = rate*(level - x) over `h` days, all (R, n), the coefficients known at both ends.

    The rate is its mean and the level moves in a straight line, which is exact for constant coefficients and follows
    the level where the rate is high. exp(-z) is the reciprocal of its Taylor polynomial; every term is positive, so a
    state never goes below zero.
    """
    z = 0.5 * (rate0 + rate1) * h
    early = 1 / 2 + z * (1 / 6 + z * (1 / 24 + z * (1 / 120 + z / 720)))
    late = 1 / 2 + z * (1 / 3 + z * (1 / 8 + z * (1 / 30 + z * (1 / 144 + z / 720))))
    return (x + z * (late * level1 + early * level0)) / (1 + z * (1 + z * early))
