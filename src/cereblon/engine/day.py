"""One compiled day of a model: dose, fast clock, slow steps. The cycle and the plain simulation are loops over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from cereblon.model import Model, ModelError, Program
from cereblon.model.expr import Expr

from .fast import FastDay, Ready
from .grid import day_grid
from .slow import Ends, step
from .state import State

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Prepared:
    """Parameters of one run with every constant sub-expression evaluated."""

    values: dict[str, Any]
    fast: Ready
    slow: dict[Expr, Array]


class Day:
    """A model's day with `slow_steps` steps of the slow clock (1, 2, 4 or 8), computing in `dtype`."""

    def __init__(self, model: Model, slow_steps: int = 2, dtype: Any = jnp.float32, watch_all: bool = False) -> None:
        self.model, self.slow_steps, self.dtype = model, slow_steps, jnp.dtype(dtype)
        self.fast = FastDay(model, day_grid(slow_steps), watch_all)
        plan, bodies = model.plan, model.system.definitions
        rates = [plan.rates[s] for s in plan.slow]
        own = [plan.own[s] for s in plan.slow]
        self._both = Program([*rates, *own], bodies, model.is_constant, plan.signals)
        self._rates = Program(rates, bodies, model.is_constant, plan.signals)
        self._ends = [plan.slow.index(s) for s in chain_ends(model)]
        self._end_rates = Program([rates[k] for k in self._ends], bodies, model.is_constant, plan.signals)

    def prepare(self, individual: Values, shared: Values) -> Prepared:
        """Cast parameters to the working type and evaluate what depends on them alone."""
        values = {k: jnp.asarray(v, self.dtype) for k, v in {**shared, **individual}.items()}
        missing = [p for p in self.model.parameters if p not in values]
        if missing:
            raise ModelError(f"no value for parameter {', '.join(missing[:5])}")
        programs = (self._rates, self._both, self._end_rates)
        ready = {k: v for p in programs for k, v in p.prepare(values).items()}
        return Prepared(values, self.fast.prepare(values), ready)

    def slow_values(self, state: State) -> dict[str, Array]:
        """Slow states by name."""
        return dict(zip(self.model.slow, state.slow, strict=True))

    def all_values(self, state: State) -> dict[str, Array]:
        """All states by name."""
        return state.named(self.model)

    def build(self, state: State, prepared: Prepared) -> Any:
        """Propagators of the linear states as the slow states are now."""
        n = state.size
        return self.fast.build(self.slow_values(state), prepared, n, self.dtype)

    def refresh(self, built: Any, state: State, prepared: Prepared) -> Any:
        """`built` made anew for subjects whose linear rates have moved since; called at the start of each day."""
        return self.fast.refresh(built, self.slow_values(state), prepared, state.size, self.dtype)

    def dose(self, state: State, doses: Values) -> State:
        """Add each dose (n,) to its linear state."""
        if not doses:
            return state
        rows = []
        for name, row in zip(self.model.linear, state.linear, strict=True):
            rows.append(row + jnp.asarray(doses[name], self.dtype) if name in doses else row)
        wrong = [name for name in doses if name not in self.model.linear]
        if wrong:
            raise ModelError(f"a dose enters '{wrong[0]}', which is no linear fast state")
        return replace(state, linear=jnp.stack(rows))

    def run(self, state: State, prepared: Prepared, built: Any, free: Array) -> State:
        """24 hours. `free` (S,) or (S, n) is 0 for clamped slow states."""
        linear, relaxing, drives = self.fast.run(state.linear, state.relaxing, self.slow_values(state), prepared, built)
        mask = free.astype(self.dtype)
        mask = mask if mask.ndim == 2 else mask[:, None]
        size = len(self.model.slow)

        def advance(x: Array, drive: tuple[Array, Array, Array]) -> tuple[Array, None]:
            def ends(seen: Mapping[str, Array]) -> Ends:
                def moved(to: Array) -> Array:
                    here = {self.model.slow[k]: to[k] for k in self._ends}
                    return self._evaluate(self._end_rates, {**seen, **here}, prepared)

                return moved

            def both(at: Array) -> tuple[Array, Array, Ends]:
                seen = self._seen(at, drive, prepared)
                out = self._evaluate(self._both, seen, prepared)
                return out[:size], out[size:], ends(seen)

            def rates(at: Array) -> tuple[Array, Ends]:
                seen = self._seen(at, drive, prepared)
                return self._evaluate(self._rates, seen, prepared), ends(seen)

            return step(x, 1.0 / self.slow_steps, both, rates, mask, self._ends), None

        slow, _ = lax.scan(advance, state.slow, drives)
        return State(slow, linear, relaxing)

    def _seen(self, at: Array, drive: Any, prepared: Prepared) -> dict[str, Array]:
        """Slow states and signals by name."""
        slow = dict(zip(self.model.slow, at, strict=True))
        return {**slow, **self.fast.signals(drive, slow, prepared)}

    def _evaluate(self, program: Program, seen: Mapping[str, Array], prepared: Prepared) -> Array:
        n = seen[self.model.slow[0]].shape[-1]
        out = program.run({**prepared.values, **seen}, prepared.slow)
        return jnp.stack([jnp.broadcast_to(jnp.asarray(x, self.dtype), (n,)) for x in out])

    def start(self, individual: Values, shared: Values, n: int) -> State:
        """The model's own starting state for n subjects."""
        given = {k: jnp.asarray(v, self.dtype) for k, v in {**shared, **individual}.items()}
        values = {k: jnp.broadcast_to(jnp.asarray(v), (n,)) for k, v in self.model.initial(given).items()}
        return State.of(self.model, values, self.dtype)


def chain_ends(model: Model) -> tuple[str, ...]:
    """Slow states that move no other but each other, and are moved by one another: the maturing blood cells."""
    plan = model.plan
    reads = {s: model.needs(plan.rates[s]) for s in plan.slow}
    fast = [*plan.transfer.values(), *plan.source.values(), *plan.loss.values()]
    ends = set(plan.slow).difference(*(model.needs(e) for e in fast))
    while needed := {end for s in plan.slow if s not in ends for end in reads[s] & ends}:
        ends -= needed
    return tuple(s for s in plan.slow if s in ends and reads[s] & (ends - {s}))


def working_type(dtype: Any) -> Any:
    """`dtype`, checked: float64 needs JAX's x64 mode."""
    wanted = jnp.dtype(dtype)
    if wanted == jnp.dtype("float64") and not jax.config.jax_enable_x64:  # type: ignore[attr-defined]
        raise ModelError("float64 needs jax.config.update('jax_enable_x64', True) before the first computation")
    return wanted
