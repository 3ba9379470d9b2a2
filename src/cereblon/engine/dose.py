"""Doses at four hours of a day and infusions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from cereblon.model import Model, ModelError

from .grid import HOURS_PER_DAY, SLOT, SLOTS, Span

_LEAST = 1e-3  # hours; keeps the rate of a bolus finite, which is not used


class Dose(NamedTuple):
    """What one linear state is given on a day.

    `amount` (4, n) is given at 0, 6, 12 and 18 h, (n,) at 0 h. `hours`, (n,) or a scalar: where above 0, each amount is
    infused at a constant rate over so many hours (and over what is left of the day, where that is less); where 0, or
    None for everybody, it is given at once. None costs less than zeros.
    """

    amount: Any
    hours: Any = None


Doses = Mapping[str, Any]
"""Linear state -> amount at hour 0, (n,), or `Dose`."""


def all_hours(doses: Doses) -> bool:
    """Whether anything may be given at another hour than 0 or be infused."""
    return any(isinstance(d, Dose) for d in doses.values())


def several_hours(doses: Doses) -> bool:
    """Whether anything may be given at another hour than 0, infusions at hour 0 left aside."""
    return any(isinstance(d, Dose) and len(jnp.shape(d.amount)) > 1 for d in doses.values())


def infused(doses: Doses) -> tuple[str, ...]:
    """The states that may get an infusion."""
    return tuple(name for name, d in doses.items() if isinstance(d, Dose) and d.hours is not None)


def require_linear(model: Model, doses: Doses) -> None:
    """Raise ModelError for a dose into a state that is not linear."""
    wrong = [name for name in doses if name not in model.linear]
    if wrong:
        raise ModelError(f"a dose enters '{wrong[0]}', which is no linear fast state")


class Slots(NamedTuple):
    """The doses of a day: `at_once` (4, L, n) into the linear states; infusions `amount` (4, I, n), `hours` (I, n)."""

    at_once: Array
    amount: Array
    hours: Array


def slots(model: Model, doses: Doses, n: int, dtype: Any) -> Slots:
    """The doses of a day by hour. Raises ModelError as `require_linear`."""
    require_linear(model, doses)
    rows: dict[str, Array] = {}
    amounts, hours = [], []
    for name, given in doses.items():
        dose = given if isinstance(given, Dose) else Dose(given)
        amount = jnp.asarray(dose.amount, dtype)
        if amount.ndim < 2:
            first = jnp.broadcast_to(amount, (n,))
            amount = jnp.concatenate([first[None], jnp.zeros((SLOTS - 1, n), dtype)])
        rows[name] = amount = jnp.broadcast_to(amount, (SLOTS, n))
        if dose.hours is not None:
            length = jnp.broadcast_to(jnp.asarray(dose.hours, dtype), (n,))
            rows[name] = jnp.where(length > 0, 0.0, amount)
            amounts.append(jnp.where(length > 0, amount, 0.0))
            hours.append(length)
    nothing = jnp.zeros((SLOTS, n), dtype)
    at_once = jnp.stack([rows.get(name, nothing) for name in model.linear], axis=1)
    none = (jnp.zeros((SLOTS, 0, n), dtype), jnp.zeros((0, n), dtype))
    return Slots(at_once, *((jnp.stack(amounts, axis=1), jnp.stack(hours)) if amounts else none))


def inflow(given: Slots, start: Array, span: Span) -> Array:
    """What is infused in each interval of a window that starts at hour `start` of the day, (K-1, I, n) per day.

    In the interval in which an infusion ends, the rate is its mean: the amount is exact, its hours only where it ends
    on an hour of the grid.
    """
    dtype = given.amount.dtype
    begin = start + jnp.asarray(span.hours[:-1], dtype)
    end = start + jnp.asarray(span.hours[1:], dtype)
    out: Any = 0.0
    for slot in range(SLOTS):
        first = slot * SLOT
        length = jnp.clip(given.hours, _LEAST, HOURS_PER_DAY - first)
        lies = jnp.minimum(end[:, None, None], first + length) - jnp.maximum(begin, first)[:, None, None]
        share = jnp.maximum(lies, 0.0) / length
        out = out + share * given.amount[slot]
    return jnp.asarray(out / jnp.asarray(span.intervals, dtype)[:, None, None])


def at_hours(model: Model, doses: Doses, shape: Sequence[int]) -> dict[str, Any]:
    """Doses of several days by day, amounts (days, n) or (days, 4, n) and hours (days, n), as NumPy arrays.

    shape: (days, n). Amounts may be (days,), (days, n) or, in a `Dose`, (days, 4, n); hours a scalar, (n,), (days, n).
    """
    days, n = shape
    require_linear(model, doses)
    out: dict[str, Any] = {}
    for name, given in doses.items():
        amount = np.asarray(given.amount if isinstance(given, Dose) else given, dtype=np.float64)
        if amount.ndim == 3:
            amount = np.broadcast_to(amount, (days, SLOTS, n))
        else:
            amount = np.broadcast_to(amount[:, None] if amount.ndim == 1 else amount, (days, n))
        if not isinstance(given, Dose):
            out[name] = amount
        else:
            hours = None if given.hours is None else np.broadcast_to(np.asarray(given.hours, np.float64), (days, n))
            out[name] = Dose(amount, hours)
    return out
