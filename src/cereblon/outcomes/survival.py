"""Kaplan-Meier curves, medians, numbers at risk, and the same for thousands of resampled trials at once."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cereblon.errors import CereblonError

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Counts = NDArray[np.int64]

# A product of fractions such as 9/10 * 8/9 ... * 5/6 must count as one half.
_HALF = 0.5 + 1e-9


@dataclass(frozen=True)
class Curve:
    """A Kaplan-Meier step curve.

    times: (m,) days, ascending, starting at 0; survival, low, high: (m,) fractions, the value from that time
    on; low and high are the pointwise 95 % log-log limits; median: days, None when survival stays above one
    half. Before the first event, where log-log limits do not exist, low is the exact binomial limit of nobody of
    those still at risk; where survival is 0, high is that of the step before.
    """

    times: Floats
    survival: Floats
    low: Floats
    high: Floats
    median: float | None

    def at(self, time: float) -> float:
        """Return the fraction still free of the event at `time` (days)."""
        return float(self.survival[np.searchsorted(self.times, time, side="right") - 1])


def kaplan_meier(time: Floats, event: Flags) -> Curve:
    """Return the Kaplan-Meier curve of `time` (n,) days with `event` (n,) True, or False where censored.

    The estimate and its limits come from `scipy.stats.ecdf` (Kaplan and Meier, J Am Stat Assoc 1958;53:457;
    limits by Kalbfleisch and Prentice). Raises CereblonError when there is no subject or a time is not
    finite.
    """
    time = np.asarray(time, dtype=np.float64)
    event = np.asarray(event, dtype=bool)
    if time.size == 0 or not np.isfinite(time).all():
        raise CereblonError("survival: needs at least one subject, and a finite time for each")
    if not event.any():  # scipy warns and returns NaN limits here; the curve is flat
        flat, last = np.ones(2), np.array([0.0, time.max()])
        return Curve(last, flat, _nobody(time, last), flat, None)
    from scipy.stats import CensoredData, ecdf

    estimate = ecdf(CensoredData(uncensored=time[event], right=time[~event])).sf
    with warnings.catch_warnings():  # the log-log limits do not exist at survival 1 and 0; scipy says so each time
        warnings.simplefilter("ignore", RuntimeWarning)
        limits = estimate.confidence_interval(method="log-log")
    survival = np.concatenate([[1.0], estimate.probabilities])
    times = np.concatenate([[0.0], estimate.quantiles])
    low = np.concatenate([[np.nan], limits.low.probabilities])
    high = np.concatenate([[np.nan], limits.high.probabilities])
    missing = ~np.isfinite(low)
    low[missing] = np.where(survival == 1.0, _nobody(time, times), 0.0)[missing]
    high[~np.isfinite(high) & (survival == 1.0)] = 1.0
    for step in np.flatnonzero(~np.isfinite(high)):
        high[step] = high[step - 1]
    reached = np.flatnonzero(survival <= _HALF)
    return Curve(times, survival, low, high, float(times[reached[0]]) if reached.size else None)


def _nobody(time: Floats, grid: Floats) -> Floats:
    """Return the lower 95 % limit of survival while nobody has had the event, at each day of `grid`; 1 at 0."""
    at_risk = np.maximum(numbers_at_risk(time, grid), 1)
    return np.where(grid > 0, 0.025 ** (1.0 / at_risk), 1.0)


def numbers_at_risk(time: Floats, grid: Floats) -> NDArray[np.int64]:
    """Return, for each day of `grid` (g,), how many of `time` (n,) are still under observation."""
    return time.size - np.searchsorted(np.sort(time), grid, side="left")


@dataclass(frozen=True)
class Resampled:
    """Kaplan-Meier estimates of many resampled trials: times (m,), ascending; survival (replicates, m), the value from
    that time on.
    """

    times: Floats
    survival: Floats

    def medians(self) -> Floats:
        """Return the median of each replicate, infinite where it is not reached."""
        below = self.survival <= _HALF
        return np.where(below.any(axis=1), self.times[below.argmax(axis=1)], np.inf)

    def at(self, grid: Floats) -> Floats:
        """Return survival of each replicate at the times of `grid` (g,): (replicates, g)."""
        padded = np.hstack([np.ones((self.survival.shape[0], 1)), self.survival])
        return np.asarray(padded[:, np.searchsorted(self.times, grid, side="right")])


def product_limit(times: Floats, events: Counts, censored: Counts) -> Resampled:
    """Return the product-limit estimate of many trials at once.

    times: (m,), ascending; events, censored: (replicates, m), subjects with the event, or last seen, at that time. Who
    is censored on the day of an event was still at risk of it.
    """
    gone = events + censored
    at_risk = gone.sum(axis=1, keepdims=True) - np.cumsum(gone, axis=1) + gone
    factors = 1.0 - np.divide(events, at_risk, out=np.zeros(events.shape), where=at_risk > 0)
    return Resampled(times, np.cumprod(factors, axis=1))
