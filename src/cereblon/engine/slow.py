"""Slow states: exponential Heun steps with each state's own derivative.

ETDRK2 (Cox and Matthews 2002, J Comput Phys 176:430) with the exponentials replaced by the quartic of their reciprocal,
so that only + - * / occur. The remainder after taking out the own derivative is integrated to second order, and that of
the chains at the end of the equations (blood cells maturing) to third: they are fast under G-CSF, and cost little.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax.numpy as jnp
import numpy as np
from jax import Array

Ends = Callable[[Array], Array]
Rates = Callable[[Array], tuple[Array, Ends]]
RatesAndOwn = Callable[[Array], tuple[Array, Array, Ends]]


def step(x: Array, h: float, rates_and_own: RatesAndOwn, rates: Rates, free: Array, ends: Sequence[int] = ()) -> Array:
    """One step of length `h` days. `x` (S, n); `free` (S, 1) or (S, n) is 0 for clamped states, else 1.

    Both rates also give a function for the rates of the states `ends` alone, (ends, n), with these moved to their rows
    of another (S, n) and all else as it was.

    States are amounts and stay positive: where a stage would take one below zero, it keeps a tenth of it instead. For
    small `h` that never happens, so the order of the method is untouched.
    """
    f, own, ends_here = rates_and_own(x)
    z = -h * own
    inverse = 1 / (1 + z * (1 + z * (0.5 + z * (1 / 6 + z / 24))))
    phi1 = (1 + z * (0.5 + z * (1 / 6 + z / 24))) * inverse
    phi2 = (0.5 + z * (1 / 3 + z * (0.125 + z / 24))) * inverse
    straight = h * free * f
    guess = _positive(x + straight * phi1, x)
    there, ends_there = rates(guess)
    remainder = h * free * (there - f) + z * (guess - x)
    after = _positive(guess + phi2 * remainder, guess)
    if not ends:
        return after
    # the remainder of the ends as a parabola: nothing at the start, its slope there, its value at the end
    at = np.array(ends)
    time, own_loss, weight = h * jnp.broadcast_to(free, x.shape)[at], z[at], phi2[at]
    slope = time * (ends_here(x + straight) - f[at]) + own_loss * straight[at]
    value = time * (ends_there(after) - f[at]) + own_loss * (after - x)[at]
    bend = (1 / 3 + own_loss * (1 / 4 + own_loss * (1 / 12 + own_loss / 24))) * inverse[at]
    better = _positive(guess[at] + weight * slope + bend * (value - slope), after[at])
    rows = list(after)
    for place, row in zip(ends, better, strict=True):
        rows[place] = row
    return jnp.stack(rows)


def _positive(candidate: Array, before: Array) -> Array:
    return jnp.where(candidate < 0, 0.1 * before, candidate)
