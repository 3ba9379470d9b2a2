"""Slow states: exponential Heun steps with each state's own derivative.

ETDRK2 (Cox and Matthews 2002, J Comput Phys 176:430) with the exponentials replaced by the quartic of their reciprocal,
so that only + - * / occur. The remainder after taking out the own derivative is integrated to second order.
"""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
from jax import Array

Rates = Callable[[Array], Array]
RatesAndOwn = Callable[[Array], tuple[Array, Array]]


def step(x: Array, h: float, rates_and_own: RatesAndOwn, rates: Rates, free: Array) -> Array:
    """One step of length `h` days. `x` (S, n); `free` (S, 1) is 0 for clamped states, else 1.

    States are amounts and stay positive: where a stage would take one below zero, it keeps a tenth of it instead. For
    small `h` that never happens, so the order of the method is untouched.
    """
    f, own = rates_and_own(x)
    z = -h * own
    inverse = 1 / (1 + z * (1 + z * (0.5 + z * (1 / 6 + z / 24))))
    phi1 = (1 + z * (0.5 + z * (1 / 6 + z / 24))) * inverse
    phi2 = (0.5 + z * (1 / 3 + z * (0.125 + z / 24))) * inverse
    guess = _positive(x + h * free * f * phi1, x)
    remainder = h * free * (rates(guess) - f) + z * (guess - x)
    return _positive(guess + phi2 * remainder, guess)


def _positive(candidate: Array, before: Array) -> Array:
    return jnp.where(candidate < 0, 0.1 * before, candidate)
