"""A plain simulation with given doses and no clinic: oracles, notebooks, benchmarks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from cereblon.model import Model

from .cycle import DAYS
from .day import Day, Values, working_type
from .programs import Program
from .state import State


def simulate(
    model: Model,
    individual: Values | None = None,
    shared: Values | None = None,
    doses: Mapping[str, Any] | None = None,
    days: int = 28,
    save: Iterable[str] | None = None,
    slow_steps: int = 2,
    dtype: Any = jnp.float32,
    start: State | None = None,
    free: Any = None,
) -> tuple[dict[str, np.ndarray], State]:
    """Run `days` days with fixed doses.

    `individual` and `shared` override parameters, arrays (n,) or scalars; unnamed ones keep their table value.
    `doses` maps linear states to amounts per day, (days,) or (days, n), given at hour 0. `save` names what to keep
    (default: all states). `start` is a state to begin from (default: the model's own), `free` (S,) or (S, n) clamps
    slow states.

    Returns (saved, state): each saved quantity (days + 1, n) at hour 0 of every day before its dose, the last row being
    the end; and the final state. Raises ModelError for unknown names.
    """
    given = {**(individual or {}), **(shared or {})}
    values = model.values(given)
    sizes = {np.shape(v)[0] for v in values.values() if np.ndim(v)}
    sizes |= {np.shape(d)[1] for d in (doses or {}).values() if np.ndim(d) == 2}
    sizes |= {start.size} if start is not None else set()
    n = max(sizes, default=1)
    kind = working_type(dtype)
    names = tuple(model.states if save is None else save)
    model.require(names)
    compiled, day = _runner(model, names, slow_steps, kind.name)
    people = {k: jnp.broadcast_to(jnp.asarray(values[k], kind), (n,)) for k in model.individual}
    common = {k: values[k] for k in model.shared}
    for name, value in common.items():
        if np.ndim(value):  # a shared parameter given per subject: computed per subject, compiled anew
            common[name] = jnp.broadcast_to(jnp.asarray(value, kind), (n,))
    weeks = -(-days // DAYS)
    given_doses = {}
    for name, amount in (doses or {}).items():
        table = np.asarray(amount, dtype=np.float64)
        table = np.broadcast_to(table[:, None] if table.ndim == 1 else table, (days, n))
        padded = np.zeros((weeks * DAYS, n))
        padded[:days] = table
        given_doses[name] = jnp.asarray(padded.reshape(weeks, DAYS, n), kind)
    state = day.start(people, common, n) if start is None else start
    mask = jnp.ones(len(model.slow), kind) if free is None else jnp.asarray(free, kind)
    active = jnp.asarray((np.arange(weeks * DAYS) < days).reshape(weeks, DAYS))
    state, saved, last = compiled(state, people, common, mask, given_doses, active)
    out = {
        k: np.concatenate([np.asarray(v).reshape(-1, n)[:days], np.asarray(last[k])[None]]) for k, v in saved.items()
    }
    return out, state


@lru_cache(maxsize=16)
def _runner(model: Model, names: tuple[str, ...], slow_steps: int, kind: str) -> tuple[Callable[..., Any], Day]:
    day = Day(model, slow_steps, kind)
    keep = model.program(names)

    def run(
        state: State, individual: Values, shared: Values, free: Array, doses: dict[str, Array], active: Array
    ) -> tuple[State, dict[str, Array], dict[str, Array]]:
        prepared = day.prepare(individual, shared)
        ready = keep.prepare(prepared.values)
        n = state.size

        def see(now: State) -> dict[str, Array]:
            out = keep.run({**prepared.values, **day.all_values(now)}, ready)
            return {k: jnp.broadcast_to(jnp.asarray(v, day.dtype), (n,)) for k, v in zip(names, out, strict=True)}

        def week(carry: Any, given: tuple[dict[str, Array], Array]) -> tuple[Any, dict[str, Array]]:
            def one(carry: Any, today: tuple[dict[str, Array], Array]) -> tuple[Any, dict[str, Array]]:
                now, built = carry
                amounts, on = today
                seen = see(now)
                built = day.refresh(built, now, prepared)
                after = day.run(day.dose(now, amounts), prepared, built, free)
                return (jax.tree.map(lambda a, b: jnp.where(on, a, b), after, now), built), seen

            return lax.scan(one, carry, given)

        (state, _), saved = lax.scan(week, (state, day.build(state, prepared)), (doses, active))
        return state, saved, see(state)

    return Program(run), day


def course(
    model: Model,
    names: Iterable[str],
    individual: Values | None = None,
    shared: Values | None = None,
    doses: Mapping[str, Any] | None = None,
    state: State | None = None,
    dtype: Any = jnp.float32,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Fast quantities within one day: (hours (K,), name -> (K, n)), slow states held.

    `doses` maps linear states to the amount given at hour 0, a scalar or (n,); `state` is the state before the dose.
    """
    values = model.values({**(individual or {}), **(shared or {})})
    sizes = [np.shape(v)[0] for v in [*values.values(), *(doses or {}).values()] if np.ndim(v)]
    n = max(sizes, default=1) if state is None else state.size
    day = Day(model, 8, working_type(dtype), watch_all=True)
    people = {k: jnp.broadcast_to(jnp.asarray(values[k], day.dtype), (n,)) for k in model.individual}
    prepared = day.prepare(people, {k: values[k] for k in model.shared})
    now = day.start(people, {k: values[k] for k in model.shared}, n) if state is None else state
    now = day.dose(now, {k: jnp.broadcast_to(jnp.asarray(v, day.dtype), (n,)) for k, v in (doses or {}).items()})
    wanted = tuple(names)
    model.require(wanted)
    found = day.fast.course(now.linear, now.relaxing, day.slow_values(now), prepared, day.build(now, prepared), wanted)
    return day.fast.grid.hours, {k: np.asarray(v) for k, v in found.items()}
