"""One compiled day of a model: dose, fast clock, slow steps. The cycle and the plain simulation are loops over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from cereblon.model import Model, ModelError, Program
from cereblon.model.expr import Expr

from .fast import FastDay
from .grid import day_grid
from .slow import step

State = dict[str, Array]
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Prepared:
    """Parameters of one run with every constant sub-expression evaluated."""

    values: dict[str, Any]
    fast: list[dict[Expr, Array]]
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

    def prepare(self, individual: Values, shared: Values) -> Prepared:
        """Cast parameters to the working type and evaluate what depends on them alone."""
        values = {k: jnp.asarray(v, self.dtype) for k, v in {**shared, **individual}.items()}
        missing = [p for p in self.model.parameters if p not in values]
        if missing:
            raise ModelError(f"no value for parameter {', '.join(missing[:5])}")
        return Prepared(
            values, self.fast.prepare(values), {**self._rates.prepare(values), **self._both.prepare(values)}
        )

    def slow_values(self, state: State) -> dict[str, Array]:
        """Slow states by name."""
        return dict(zip(self.model.slow, state["slow"], strict=True))

    def all_values(self, state: State) -> dict[str, Array]:
        """All states by name."""
        model = self.model
        groups = ((model.slow, "slow"), (model.linear, "linear"), (model.relaxing, "relaxing"))
        return {n: x for names, key in groups for n, x in zip(names, state[key], strict=True)}

    def build(self, state: State, prepared: Prepared) -> Any:
        """Propagators of the linear states as the slow states are now."""
        n = state["slow"].shape[-1]
        return self.fast.build(self.slow_values(state), prepared, n, self.dtype)

    def refresh(self, built: Any, state: State, prepared: Prepared) -> Any:
        """`built` made anew for subjects whose linear rates have moved since; called at the start of each day."""
        return self.fast.refresh(built, self.slow_values(state), prepared, state["slow"].shape[-1], self.dtype)

    def dose(self, state: State, doses: Values) -> State:
        """Add each dose (n,) to its linear state."""
        if not doses:
            return state
        rows = []
        for name, row in zip(self.model.linear, state["linear"], strict=True):
            rows.append(row + jnp.asarray(doses[name], self.dtype) if name in doses else row)
        wrong = [name for name in doses if name not in self.model.linear]
        if wrong:
            raise ModelError(f"a dose enters '{wrong[0]}', which is no linear fast state")
        return {**state, "linear": jnp.stack(rows)}

    def run(self, state: State, prepared: Prepared, built: Any, free: Array) -> State:
        """24 hours. `free` (S,) or (S, n) is 0 for clamped slow states."""
        linear, relaxing, drives = self.fast.run(
            state["linear"], state["relaxing"], self.slow_values(state), prepared, built
        )
        mask = free.astype(self.dtype)
        mask = mask if mask.ndim == 2 else mask[:, None]
        size = len(self.model.slow)

        def advance(x: Array, drive: tuple[Array, Array, Array]) -> tuple[Array, None]:
            def both(at: Array) -> tuple[Array, Array]:
                out = self._evaluate(self._both, at, drive, prepared)
                return out[:size], out[size:]

            def rates(at: Array) -> Array:
                return self._evaluate(self._rates, at, drive, prepared)

            return step(x, 1.0 / self.slow_steps, both, rates, mask), None

        slow, _ = lax.scan(advance, state["slow"], drives)
        return {"slow": slow, "linear": linear, "relaxing": relaxing}

    def _evaluate(self, program: Program, at: Array, drive: Any, prepared: Prepared) -> Array:
        n = at.shape[-1]
        slow = dict(zip(self.model.slow, at, strict=True))
        moving = {**slow, **self.fast.signals(drive, slow, prepared)}
        out = program.run({**prepared.values, **moving}, prepared.slow)
        return jnp.stack([jnp.broadcast_to(jnp.asarray(x, self.dtype), (n,)) for x in out])

    def start(self, individual: Values, shared: Values, n: int) -> State:
        """The model's own starting state for n subjects."""
        given = {k: jnp.asarray(v, self.dtype) for k, v in {**shared, **individual}.items()}
        values = self.model.initial(given)
        groups = {"slow": self.model.slow, "linear": self.model.linear, "relaxing": self.model.relaxing}
        return {
            key: jnp.stack([jnp.broadcast_to(values[s], (n,)) for s in names]).astype(self.dtype)
            if names
            else jnp.zeros((0, n), self.dtype)
            for key, names in groups.items()
        }


def working_type(dtype: Any) -> Any:
    """`dtype`, checked: float64 needs JAX's x64 mode."""
    wanted = jnp.dtype(dtype)
    if wanted == jnp.dtype("float64") and not jax.config.jax_enable_x64:  # type: ignore[attr-defined]
        raise ModelError("float64 needs jax.config.update('jax_enable_x64', True) before the first computation")
    return wanted
