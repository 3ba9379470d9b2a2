"""Distributions on their own scales: from normal scores and uniforms to values."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, gammaincinv, logit, ndtr, ndtri

from cereblon.parameters.subjects import Floats
from cereblon.patients.documents import Margin


def quantile(margin: Margin, score: Floats, shift: float) -> Floats:
    """Map normal scores (m,) onto a margin whose location is moved by `shift` on the margin's own scale."""
    match margin.scale:
        case "normal":
            value = margin.value + shift + margin.spread * score
        case "sqrtnormal":
            root = np.clip(
                np.sqrt(margin.value) + shift + margin.spread * score,
                np.sqrt(margin.low),
                np.sqrt(margin.high),
            )
            value = root * root
        case "lognormal":
            value = margin.value * np.exp(shift + margin.spread * score)
        case "gamma":
            median = margin.value * np.exp(shift)
            scale = median / gammaincinv(margin.spread, 0.5)
            value = scale * gammaincinv(margin.spread, ndtr(score))
        case "logitnormal":
            value = expit(logit(margin.value) + shift + margin.spread * score)
        case _:
            raise ValueError(f"margin scale {margin.scale!r} has no scores")
    return np.asarray(np.clip(value, margin.low, margin.high), dtype=np.float64)


def truncated_normal(uniform: Floats, mean: float, sd: float, low: float, high: float) -> Floats:
    """Map uniforms (m,) onto a normal held between `low` and `high`."""
    a, b = ndtr((low - mean) / sd), ndtr((high - mean) / sd)
    return np.asarray(np.clip(mean + sd * ndtri(a + uniform * (b - a)), low, high), dtype=np.float64)


def truncated_geometric(uniform: Floats, stop: float, low: int, high: int) -> Floats:
    """Map uniforms (m,) onto whole numbers `low` to `high`, stopping at each with probability `stop`."""
    if low >= high:
        return np.full_like(uniform, float(low))
    whole = 1.0 - (1.0 - stop) ** (high - low + 1)
    steps = np.ceil(np.log1p(-uniform * whole) / np.log1p(-stop))
    return np.asarray(np.clip(low + steps - 1.0, low, high), dtype=np.float64)


def own_scale(scale: str, value: float) -> float:
    """Return `value` on the scale on which a margin of this kind is moved."""
    match scale:
        case "normal":
            return value
        case "sqrtnormal":
            return float(np.sqrt(value))
        case "logitnormal":
            return float(logit(value))
        case _:
            return float(np.log(value))


def weighted_median(values: Floats, weights: Floats) -> float:
    """Return the median of `values` under `weights`."""
    order = np.argsort(values, kind="stable")
    mass = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(mass, 0.5 * mass[-1])])
