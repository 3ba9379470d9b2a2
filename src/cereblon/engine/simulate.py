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
from .dose import Dose, Doses, at_hours
from .grid import SLOTS
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
    `doses` maps linear states to amounts per day, (days,) or (days, n), given at hour 0, or to a `Dose`: its amounts
    may also be (days, 4, n), at 0, 6, 12 and 18 h, its hours a scalar, (n,) or (days, n). `save` names what to keep
    (default: all states). `start` is a state to begin from (default: the model's own), `free` (S,) or (S, n) clamps
    slow states.

    Returns (saved, state): each saved quantity (days + 1, n) at hour 0 of every day before its dose, the last row being
    the end; and the final state. Raises ModelError for unknown names.
    """
    given = {**(individual or {}), **(shared or {})}
    values = model.values(given)
    sizes = {np.shape(v)[0] for v in values.values() if np.ndim(v)}
    sizes |= {np.shape(a)[-1] for d in (doses or {}).values() for a in _arrays(d)}
    sizes |= {start.size} if start is not None else set()
    n = max(sizes, default=1)
    kind = working_type(dtype)
    names = tuple(model.states if save is None else save)
    model.require(names)
    tables = at_hours(model, doses or {}, (days, n))
    structure = tuple((k, isinstance(d, Dose) and (d.hours is not None,)) for k, d in tables.items())
    compiled, day = _runner(model, names, slow_steps, kind.name, structure)
    people = {k: jnp.broadcast_to(jnp.asarray(values[k], kind), (n,)) for k in model.individual}
    common = {k: values[k] for k in model.shared}
    for name, value in common.items():
        if np.ndim(value):  # a shared parameter given per subject: computed per subject, compiled anew
            common[name] = jnp.broadcast_to(jnp.asarray(value, kind), (n,))
    weeks = -(-days // DAYS)
    given_doses = jax.tree.map(lambda table: jnp.asarray(_by_week(table, weeks), kind), tables)
    state = day.start(people, common, n) if start is None else start
    mask = jnp.ones(len(model.slow), kind) if free is None else jnp.asarray(free, kind)
    active = jnp.asarray((np.arange(weeks * DAYS) < days).reshape(weeks, DAYS))
    state, saved, last = compiled(state, people, common, mask, given_doses, active)
    out = {
        k: np.concatenate([np.asarray(v).reshape(-1, n)[:days], np.asarray(last[k])[None]]) for k, v in saved.items()
    }
    return out, state


def _arrays(dose: Any) -> list[Any]:
    """The parts of one state's doses that say how many subjects there are."""
    if not isinstance(dose, Dose):
        return [dose] if np.ndim(dose) == 2 else []
    return [a for a in (dose.amount, dose.hours) if a is not None and np.ndim(a) > (a is dose.amount)]


def _by_week(table: np.ndarray, weeks: int) -> np.ndarray:
    """Doses by day, (days, ...), as (weeks, 7, ...), filled up with none."""
    padded = np.zeros((weeks * DAYS, *table.shape[1:]))
    padded[: len(table)] = table
    return padded.reshape(weeks, DAYS, *table.shape[1:])


@lru_cache(maxsize=64)
def _runner(
    model: Model, names: tuple[str, ...], slow_steps: int, kind: str, doses: tuple[tuple[str, Any], ...]
) -> tuple[Callable[..., Any], Day]:
    like = {name: Dose(0.0, 0.0 if how[0] else None) if how else 0.0 for name, how in doses}
    day = Day(model, slow_steps, kind, doses=like)
    keep = model.program(names)

    def run(
        state: State, individual: Values, shared: Values, free: Array, doses: Doses, active: Array
    ) -> tuple[State, dict[str, Array], dict[str, Array]]:
        prepared = day.prepare(individual, shared)
        ready = keep.prepare(prepared.values)
        n = state.size

        def see(now: State) -> dict[str, Array]:
            out = keep.run({**prepared.values, **day.all_values(now)}, ready)
            return {k: jnp.broadcast_to(jnp.asarray(v, day.dtype), (n,)) for k, v in zip(names, out, strict=True)}

        def week(carry: Any, given: tuple[Doses, Array]) -> tuple[Any, dict[str, Array]]:
            def one(carry: Any, today: tuple[Doses, Array]) -> tuple[Any, dict[str, Array]]:
                now, kept = carry
                amounts, on = today
                after, kept = day.run(now, amounts, prepared, kept, free)
                return (jax.tree.map(lambda a, b: jnp.where(on, a, b), after, now), kept), see(now)

            return lax.scan(one, carry, given)

        (state, _), saved = lax.scan(week, (state, day.begin(state)), (doses, active))
        return state, saved, see(state)

    return Program(run, fuse=model.packaged), day


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

    `doses` maps linear states to the amount given at hour 0, a scalar or (n,), or to a `Dose`; `state` is the state
    before it. At an hour of dosing the values are those after the dose.
    """
    values = model.values({**(individual or {}), **(shared or {})})
    sizes = [np.shape(v)[-1] for v in jax.tree.leaves([values, dict(doses or {})]) if np.ndim(v)]
    n = max(sizes, default=1) if state is None else state.size
    day = Day(model, SLOTS, working_type(dtype), watch_all=True, doses=doses)
    people = {k: jnp.broadcast_to(jnp.asarray(values[k], day.dtype), (n,)) for k in model.individual}
    prepared = day.prepare(people, {k: values[k] for k in model.shared})
    now = day.start(people, {k: values[k] for k in model.shared}, n) if state is None else state
    wanted = tuple(names)
    model.require(wanted)
    hours, found = day.course(now, doses or {}, prepared, wanted)
    return hours, {k: np.asarray(v) for k, v in found.items()}
