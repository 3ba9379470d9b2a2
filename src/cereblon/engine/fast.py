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

from .grid import Grid
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


class FastDay:
    """The fast clock of a model on a grid. Constant sub-expressions are evaluated once, by `prepare`."""

    def __init__(self, model: Model, grid: Grid, watch_all: bool = False) -> None:
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
        self.propagator = Propagator(len(plan.linear), pairs, grid, watched) if plan.linear else None

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

    def build(self, slow: Mapping[str, Array], prepared: Any, n: int, dtype: Any) -> tuple[Built, ...]:
        """The propagators of the linear states with the slow states as they stand now."""
        if self.propagator is None:
            return ()
        return self.propagator.build(self._coefficients(slow, prepared, n, dtype))

    def refresh(
        self, built: tuple[Built, ...], slow: Mapping[str, Array], prepared: Any, n: int, dtype: Any
    ) -> tuple[Built, ...]:
        """`built`, made anew where a subject's rates have moved (kidney function, above all)."""
        if self.propagator is None:
            return ()
        return self.propagator.refresh(built, self._coefficients(slow, prepared, n, dtype))

    def _coefficients(self, slow: Mapping[str, Array], prepared: Any, n: int, dtype: Any) -> Array:
        entries = self._transfer.run({**prepared.values, **slow}, prepared.fast.transfer)
        return jnp.stack([jnp.broadcast_to(jnp.asarray(e, dtype), (n,)) for e in entries])

    def known(
        self, linear: Array, relaxing: Array, slow: Mapping[str, Array], prepared: Any, built: Any
    ) -> tuple[dict[str, Any], Array]:
        """All values with the fast states on the grid, (K, n), and the linear states 24 h later."""
        known: dict[str, Any] = {**prepared.values, **slow}
        n, dtype = relaxing.shape[-1], relaxing.dtype
        if self.propagator is not None:
            for i, path in self.propagator.course(built, linear).items():
                known[self.model.linear[i]] = path
            linear = self.propagator.finish(built, linear)
        if not self.model.relaxing:
            return known, linear
        shape = (self.grid.hours.size, n)
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

        spans = jnp.asarray(np.concatenate([[0.0], self.grid.intervals]), dtype)
        begin = [(relaxing[p], jnp.zeros((p.size, n), dtype), jnp.zeros((p.size, n), dtype)) for p in places]
        # the drivers pass through the loop unchanged: what reads them afterwards reads them from memory
        _, (courses, passed) = lax.scan(node, begin, (given, spans))
        known.update({name: passed[:, i] for i, name in enumerate(names)})
        for group, course in zip(self._levels, courses, strict=True):
            known.update({name: course[:, k] for k, name in enumerate(group.names)})
        return known, linear

    def run(
        self, linear: Array, relaxing: Array, slow: Mapping[str, Array], prepared: Any, built: Any
    ) -> tuple[Array, Array, tuple[Array, Array, Array]]:
        """(linear, relaxing, drive) 24 h later, slow states held.

        drive = (means (steps, pure, n), inputs (steps, W, inputs, n), weights (steps, W)) is what each slow step needs.
        """
        n, dtype = relaxing.shape[-1], relaxing.dtype
        known, linear = self.known(linear, relaxing, slow, prepared, built)
        if self.model.relaxing:
            relaxing = jnp.stack([known[name][-1] for name in self.model.relaxing])
        grid, shape = self.grid, (self.grid.hours.size, n)
        weights = jnp.asarray(grid.weights, dtype)
        means = [
            jnp.dot(weights, jnp.broadcast_to(jnp.asarray(path, dtype), shape), precision="highest")
            for path in self._averaged.run(known, prepared.fast.averaged)
        ]
        paths = [jnp.broadcast_to(x, shape) for x in self._inputs.run(known, prepared.fast.inputs)]
        steps, width = grid.windows.shape
        inputs = jnp.stack(paths, axis=1)[grid.windows] if paths else jnp.zeros((steps, width, 0, n), dtype)
        averaged = jnp.stack(means, axis=1) if means else jnp.zeros((steps, 0, n), dtype)
        return linear, relaxing, (averaged, inputs, jnp.asarray(grid.window_weights, dtype))

    def signals(self, drive: tuple[Array, Array, Array], slow: Mapping[str, Array], prepared: Any) -> dict[str, Array]:
        """Mean of every signal over one slow step, with the slow states as given; `drive` is one step's slice."""
        means, inputs, weights = drive
        out = dict(zip(self.pure, means, strict=True))
        if self.mixed:
            given = {name: inputs[:, i] for i, name in enumerate(self.inputs)}
            paths = self.mixture.run({**prepared.values, **slow, **given}, prepared.fast.mixture)
            for name, path in zip(self.mixed, paths, strict=True):
                whole = jnp.broadcast_to(path, inputs.shape[:1] + inputs.shape[-1:])
                out[name] = jnp.dot(weights, whole, precision="highest")
        return out

    def course(
        self,
        linear: Array,
        relaxing: Array,
        slow: Mapping[str, Array],
        prepared: Any,
        built: Any,
        names: tuple[str, ...],
    ) -> dict[str, Array]:
        """Named quantities at the grid hours of the day that begins in this state, each (K, n)."""
        known, _ = self.known(linear, relaxing, slow, prepared, built)
        out = self.model.program(names).run(known)
        shape = (self.grid.hours.size, relaxing.shape[-1])
        return {k: jnp.broadcast_to(v, shape) for k, v in zip(names, out, strict=True)}


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
