"""Kaplan-Meier curves, medians, numbers at risk, and the same for thousands of resampled trials at once."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cereblon.errors import CereblonError

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# A product of fractions such as 9/10 * 8/9 ... * 5/6 must count as one half.
_HALF = 0.5 + 1e-9


@dataclass(frozen=True)
class Curve:
    """A Kaplan-Meier step curve.

    times: (m,) days, ascending, starting at 0; survival, low, high: (m,) fractions, the value from that time
    on; low and high are the pointwise 95 % log-log limits; median: days, None when survival stays above one
    half.
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
        flat = np.ones(2)
        return Curve(np.array([0.0, time.max()]), flat, flat, flat, None)
    from scipy.stats import CensoredData, ecdf

    estimate = ecdf(CensoredData(uncensored=time[event], right=time[~event])).sf
    with warnings.catch_warnings():  # the log-log limits do not exist at survival 1 and 0; scipy says so each time
        warnings.simplefilter("ignore", RuntimeWarning)
        limits = estimate.confidence_interval(method="log-log")
    survival = np.concatenate([[1.0], estimate.probabilities])
    # Where there are no limits the point value stands in.
    low = np.concatenate([[1.0], limits.low.probabilities])
    high = np.concatenate([[1.0], limits.high.probabilities])
    low = np.where(np.isfinite(low), low, survival)
    high = np.where(np.isfinite(high), high, survival)
    times = np.concatenate([[0.0], estimate.quantiles])
    reached = np.flatnonzero(survival <= _HALF)
    return Curve(times, survival, low, high, float(times[reached[0]]) if reached.size else None)


def numbers_at_risk(time: Floats, grid: Floats) -> NDArray[np.int64]:
    """Return, for each day of `grid` (g,), how many of `time` (n,) are still under observation."""
    return time.size - np.searchsorted(np.sort(time), grid, side="left")


@dataclass(frozen=True)
class Resampled:
    """Kaplan-Meier estimates of many resampled trials: times and survival are (replicates, n), sorted along
    each row.
    """

    times: Floats
    survival: Floats

    def medians(self) -> Floats:
        """Return the median of each replicate in days, infinite where it is not reached."""
        below = self.survival <= _HALF
        first = below.argmax(axis=1)
        medians = self.times[np.arange(first.size), first]
        return np.where(below.any(axis=1), medians, np.inf)

    def at(self, grid: Floats) -> Floats:
        """Return survival of each replicate at the days of `grid` (g,): (replicates, g)."""
        out = np.empty((self.times.shape[0], grid.size))
        padded = np.hstack([np.ones((self.times.shape[0], 1)), self.survival])
        for column, day in enumerate(grid):
            passed = (self.times <= day).sum(axis=1)
            out[:, column] = padded[np.arange(passed.size), passed]
        return out


def resample(time: Floats, event: Flags, draws: NDArray[np.int64]) -> Resampled:
    """Return the product-limit estimate of each row of `draws` (replicates, n), subject indices into `time`
    and `event` (N,).

    Ties need no special care: with events sorted before censorings of the same day, the single-subject
    factors multiply to the usual 1 - d/r. All rows are computed at once because the prediction interval of a
    median needs thousands of curves.
    """
    order = np.lexsort((~event, time)).astype(np.int64)
    rank = np.empty(order.size, dtype=np.int64)
    rank[order] = np.arange(order.size)
    sorted_ranks = np.sort(rank[draws], axis=1)
    chosen = order[sorted_ranks]
    at_risk = np.arange(draws.shape[1], 0, -1, dtype=np.float64)
    factors = np.where(event[chosen], 1.0 - 1.0 / at_risk, 1.0)
    survival: Floats = np.asarray(np.cumprod(factors, axis=1), dtype=np.float64)
    return Resampled(time[chosen], survival)
