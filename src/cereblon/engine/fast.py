"""One day of the fast clock: drug concentrations, then what relaxes to them, then the averages handed to the slow clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from cereblon.model import Model, Program
from cereblon.model.expr import Expr

from .grid import Grid
from .linear import Propagator


_LEAST_LOSS = 1e-6  # per day; keeps the level finite for a state that is not lost at all


@dataclass(frozen=True)
class Level:
    """Relaxing states that do not need each other, advanced together."""

    names: tuple[str, ...]
    program: Program


class FastDay:
    """The fast clock of a model on a grid. Constant sub-expressions are evaluated once, by `prepare`."""

    def __init__(self, model: Model, grid: Grid, watch_all: bool = False) -> None:
        self.model, self.grid = model, grid
        plan = model.plan
        place = {name: i for i, name in enumerate(plan.linear)}
        self._entries = list(plan.transfer)
        bodies = model.system.definitions
        self._transfer = Program([plan.transfer[e] for e in self._entries], bodies, model.is_constant)
        self._levels = self._sorted_levels()
        fast, slow = {*plan.linear, *plan.relaxing}, set(plan.slow)
        self.pure = tuple(s for s in plan.signals if not model.needs(s) & slow)
        self.mixed = tuple(s for s in plan.signals if model.needs(s) & slow)
        ready = [r for r in model.rules if model.needs(r) and model.needs(r) <= fast]
        self.mixture = model.program(self.mixed, tuple(ready))
        self.inputs = tuple(n for n in sorted(self.mixture.leaves()) if n in fast or n in ready)
        self._averaged, self._inputs = model.program(self.pure), model.program(self.inputs)
        programs = (self._averaged, self._inputs, *(v.program for v in self._levels))
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
            out.append(Level(names, Program(exprs, self.model.system.definitions, self.model.is_constant)))
        return out

    def prepare(self, values: Mapping[str, Any]) -> list[dict[Expr, Array]]:
        """Constant sub-expressions of all programs, for one set of parameters."""
        programs = (
            self._transfer,
            *(v.program for v in self._levels),
            self._averaged,
            self._inputs,
            self.mixture,
        )
        return [p.prepare(values) for p in programs]

    def build(self, slow: Mapping[str, Array], prepared: Any, n: int, dtype: Any) -> Any:
        """Propagators of the linear states with the slow states as they stand now; rebuilt weekly."""
        if self.propagator is None:
            return ()
        entries = self._transfer.run({**prepared.values, **slow}, prepared.fast[0])
        return self.propagator.build(
            jnp.stack([jnp.broadcast_to(jnp.asarray(e, dtype), (n,)) for e in entries])
        )

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
        place = {name: i for i, name in enumerate(self.model.relaxing)}
        shape = (self.grid.hours.size, n)
        h = jnp.asarray(self.grid.intervals, dtype)[:, None, None]
        for level, ready in zip(self._levels, prepared.fast[1:-3], strict=True):
            out = level.program.run(known, ready)
            full = [jnp.broadcast_to(jnp.asarray(x, dtype), shape) for x in out]
            source, loss = jnp.stack(full[0::2], axis=1), jnp.stack(full[1::2], axis=1)
            start = relaxing[np.array([place[name] for name in level.names])]
            path = _relax(start, source, loss, h)
            known.update({name: path[:, k] for k, name in enumerate(level.names)})
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
            for path in self._averaged.run(known, prepared.fast[-3])
        ]
        paths = [jnp.broadcast_to(x, shape) for x in self._inputs.run(known, prepared.fast[-2])]
        steps, width = grid.windows.shape
        inputs = jnp.stack(paths, axis=1)[grid.windows] if paths else jnp.zeros((steps, width, 0, n), dtype)
        averaged = jnp.stack(means, axis=1) if means else jnp.zeros((steps, 0, n), dtype)
        return linear, relaxing, (averaged, inputs, jnp.asarray(grid.window_weights, dtype))

    def signals(
        self, drive: tuple[Array, Array, Array], slow: Mapping[str, Array], prepared: Any
    ) -> dict[str, Array]:
        """Mean of every signal over one slow step, with the slow states as given; `drive` is one step's slice."""
        means, inputs, weights = drive
        out = dict(zip(self.pure, means, strict=True))
        if self.mixed:
            given = {name: inputs[:, i] for i, name in enumerate(self.inputs)}
            paths = self.mixture.run({**prepared.values, **slow, **given}, prepared.fast[-1])
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


def _relax(start: Array, source: Array, loss: Array, h: Array) -> Array:
    """x' = source - loss*x for stacked states: coefficients (K, R, n), `start` (R, n) -> course (K, R, n).

    Over each interval the loss is its mean and the level source/loss moves in a straight line, which is exact for
    constant coefficients and follows the level where the loss is fast. exp(-z) is the reciprocal of its Taylor
    polynomial; every term is positive, so a course never goes below zero.
    """
    rate = loss + _LEAST_LOSS
    level = source / rate
    z = 0.5 * (rate[:-1] + rate[1:]) * h
    early = 1 / 2 + z * (1 / 6 + z * (1 / 24 + z * (1 / 120 + z / 720)))
    late = 1 / 2 + z * (1 / 3 + z * (1 / 8 + z * (1 / 30 + z * (1 / 144 + z / 720))))
    kept = 1 / (1 + z * (1 + z * early))
    pushed = z * kept * (late * level[1:] + early * level[:-1])

    def advance(x: Array, now: tuple[Array, Array]) -> tuple[Array, Array]:
        x = now[0] * x + now[1]
        return x, x

    _, course = lax.scan(advance, start, (kept, pushed), unroll=5)
    return jnp.concatenate([start[None], course])
