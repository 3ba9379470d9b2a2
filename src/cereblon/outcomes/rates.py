"""The exact confidence interval of a proportion.

scipy.special holds the quantile function needed and imports in a fraction of the time of scipy.stats; the tests check
the interval against `scipy.stats.binomtest`.
"""

from __future__ import annotations

from typing import NamedTuple

from scipy.special import betaincinv


class Interval(NamedTuple):
    """Two ends of an interval; None at an end that has no value (a survival median that is not reached)."""

    low: float | None
    high: float | None


def _checked(events: int, total: int, level: float) -> None:
    if total < 1 or not 0 <= events <= total:
        raise ValueError(f"{events} of {total} is not a proportion")
    if not 0 < level < 1:
        raise ValueError(f"confidence level {level} is not between 0 and 1")


def clopper_pearson(events: int, total: int, level: float = 0.95) -> Interval:
    """Return the exact binomial interval of events / total, as fractions (Clopper and Pearson, Biometrika
    1934;26:404).
    """
    _checked(events, total, level)
    tail = (1 - level) / 2
    low = 0.0 if events == 0 else float(betaincinv(events, total - events + 1, tail))
    high = 1.0 if events == total else float(betaincinv(events + 1, total - events, 1 - tail))
    return Interval(low, high)
