"""The compiled cycle: weeks of seven days, usually four, with the clinic's decision at the start of each day."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jax import Array, lax

from cereblon.model import Model

from .day import Day, Values, working_type
from .dose import Doses, several_hours
from .grid import day_grid
from .programs import Program
from .state import State

Tree: TypeAlias = Any
Decide = Callable[[Tree, dict[str, Array], Tree, Tree, Tree, Array], tuple[Tree, Doses]]
Cycle = Callable[..., tuple[State, Tree, dict[str, Any]]]

WEEKS, DAYS = 4, 7
"""Weeks of a cycle whose orders say nothing by week, and days of a week."""


def build_cycle(
    model: Model,
    decide: Decide,
    recorded: tuple[str, ...],
    observed: tuple[str, ...],
    slow_steps: int = 2,
    dtype: Any = jnp.float32,
) -> Cycle:
    """Compile (on first call) a cycle of `model`, of some weeks (four: 28 days), under the clinic's `decide`.

    decide(clinic, observed, static, week, day, number) -> (clinic, doses) is called at the start of every day;
    `observed` maps the asked quantities to (n,), `week` and `day` are the slices of the order arrays, `number` the
    absolute day, `doses` maps linear states to the amount (n,) given at hour 0, or to a `Dose` where some are given at
    other hours or infused. Which states get a `Dose` is part of the program, what it holds is not.

    Returns cycle(state, clinic, individual, shared, free, static, weekly, daily, first_day)
    -> (state, clinic, records), `free` (S,) is 0 for
    clamped slow states, `weekly` and `daily` have leading axes weeks and days. records maps each `recorded` name to
    (weeks, n), its value at the start of each week before the dose, and "clinic" to what decide left at its end.

    Raises ModelError for unknown names. Same inputs in another lane of the batch give the same numbers.
    """
    model.require((*recorded, *observed))
    kind = working_type(dtype)
    day_grid(slow_steps)  # an error here rather than in the first call
    watch, keep = model.program(observed), model.program(recorded)

    def cycle(
        state: State,
        clinic: Tree,
        individual: Values,
        shared: Values,
        free: Array,
        static: Tree,
        weekly: Tree,
        daily: Tree,
        first_day: Array,
    ) -> tuple[State, Tree, dict[str, Any]]:
        n = state.size
        given = _doses(decide, clinic, {k: jax.ShapeDtypeStruct((n,), kind) for k in observed}, static, weekly, daily)
        day = Day(model, slow_steps, kind, doses=given, fine=several_hours(given))
        prepared = day.prepare(individual, shared)
        watch_ready, keep_ready = watch.prepare(prepared.values), keep.prepare(prepared.values)

        def see(program: Any, ready: Any, names: tuple[str, ...], now: State) -> dict[str, Array]:
            out = program.run({**prepared.values, **day.all_values(now)}, ready)
            return {k: jnp.broadcast_to(jnp.asarray(v, day.dtype), (n,)) for k, v in zip(names, out, strict=True)}

        def week(carry: tuple[State, Tree, Array, Any], orders: tuple[Tree, Tree]) -> tuple[Any, Any]:
            this_week, days = orders
            record = see(keep, keep_ready, recorded, carry[0])

            def one(carry: tuple[State, Tree, Array, Any], today: Tree) -> tuple[Any, None]:
                now, clinic, number, kept = carry
                seen = see(watch, watch_ready, observed, now)
                clinic, doses = decide(clinic, seen, static, this_week, today, number)
                now, kept = day.run(now, doses, prepared, kept, free)
                return (now, clinic, number + 1, kept), None

            carry, _ = lax.scan(one, carry, days)
            return carry, {**record, "clinic": carry[1]}

        weeks = next((len(leaf) for leaf in jax.tree.leaves(weekly)), WEEKS)
        by_week = jax.tree.map(lambda x: jnp.reshape(x, (weeks, DAYS, *jnp.shape(x)[1:])), daily)
        start = (state, clinic, jnp.asarray(first_day), day.begin(state))
        (state, clinic, _, _), records = lax.scan(week, start, (weekly, by_week), length=weeks)
        return state, clinic, records

    return Program(cycle, fuse=model.packaged)


def _doses(decide: Decide, clinic: Tree, observed: Tree, static: Tree, weekly: Tree, daily: Tree) -> Doses:
    """The structure of what `decide` gives, without computing it."""
    this_week, today = (
        jax.tree.map(lambda x: jax.ShapeDtypeStruct(jnp.shape(x)[1:], jnp.result_type(x)), t) for t in (weekly, daily)
    )
    doses: Doses
    _, doses = jax.eval_shape(decide, clinic, observed, static, this_week, today, jnp.asarray(0))
    return doses
