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

    States are amounts and stay positive: where a stage would take one below zero, that stage uses the first-order
    positive form x / (1 - h f/x) for it (Patankar's), which agrees with the others to first order in h.
    """
    f, own = rates_and_own(x)
    z = -h * own
    denominator = 1 + z * (1 + z * (0.5 + z * (1 / 6 + z / 24)))
    phi1 = (1 + z * (0.5 + z * (1 / 6 + z / 24))) / denominator
    phi2 = (0.5 + z * (1 / 3 + z * (0.125 + z / 24))) / denominator
    hf = h * f * free
    guess = _positive(x + phi1 * hf, x, hf)
    remainder = h * free * (rates(guess) - f) + z * (guess - x)
    return _positive(guess + phi2 * free * remainder, guess, phi2 * remainder)


def _positive(candidate: Array, before: Array, change: Array) -> Array:
    falling = jnp.minimum(change, 0.0)
    fallback = before * before / jnp.maximum(before - falling, jnp.finfo(before.dtype).tiny)
    return jnp.where(candidate < 0, fallback, candidate)
