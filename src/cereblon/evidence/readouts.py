"""Readouts: from courses or trial results to an effect per member, and whether it is what the claim says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cereblon.errors import CereblonError

from .runner import Courses
from .schema import Readout, Verdict

Floats = NDArray[np.floating[Any]]
TINY = 1e-12
HALF = 0.5
"""Share of an effect that must be gone in a member for it to count as blocked there."""
ENOUGH = 0.9
"""Share of the ensemble that must agree in direction for a readout to hold."""
NOTICEABLE = 0.005
"""Relative change that counts as a direction."""
WIDEST = 30.0
"""Percentage points beyond which a prediction interval reaches too many bands to tell anything; chosen here."""
BANDS = 3.0
"""An interval may also be this many times as wide as the published band."""


@dataclass(frozen=True)
class Reading:
    """What came out: the median effect with its central 90 %, in `scale`.

    met: whether the median has the size that is expected; reaches: whether the central 90 % holds that size; agree:
    share of the ensemble with the right direction (for a published band, which is of a mean, 1 or 0 with the median).
    Of a trial only: n, patients in a trial of the printed size; simulated, virtual patients it is drawn from.
    """

    readout: Readout
    effect: float
    low: float
    high: float
    scale: str
    expected: str
    met: bool
    agree: float
    reaches: bool = False
    n: int | None = None
    simulated: int | None = None

    @property
    def widest(self) -> float | None:
        """The widest interval from which `covers` can tell anything, in percentage points; None for other readouts,
        which do not hold because an interval is wide: nine in ten members must agree.
        """
        r = self.readout
        if r.expect != "covers" or r.low is None or r.high is None:
            return None
        return max(WIDEST, BANDS * (r.high - r.low))

    @property
    def tells(self) -> bool:
        """Whether the readout says anything: it has a value, and its interval is not too wide."""
        return bool(np.isfinite(self.effect)) and (self.widest is None or self.high - self.low <= self.widest)

    @property
    def holds(self) -> bool:
        """Whether the median is as expected and enough of the ensemble agrees."""
        return self.tells and self.met and self.agree >= ENOUGH

    @property
    def verdict(self) -> Verdict:
        """What this readout alone says of the claim."""
        return "holds" if self.holds else "fails" if self.tells else "cannot tell"

    def as_json(self) -> dict[str, Any]:
        """Plain data for the command line."""
        r = self.readout
        numbers = {"effect": self.effect, "low": self.low, "high": self.high, "agree": self.agree}
        return {
            "of": r.of,
            "words": r.words,
            "to": r.to,
            "against": r.against,
            "expect": r.expect,
            "expected": self.expected,
            "scale": self.scale,
            "met": self.met,
            **{k: v if np.isfinite(v) else None for k, v in numbers.items()},
            "holds": self.holds,
            "verdict": self.verdict,
            "n": self.n,
            "simulated": self.simulated,
            "widest": self.widest,
            "evidence": r.evidence,
        }


def read(readout: Readout, courses: Mapping[str, Courses]) -> Reading:
    """Judge a readout on the courses of an experiment's conditions, by condition."""
    return reading(readout, *_JUDGES[readout.expect](readout, courses))


def reading(readout: Readout, scale: str, expected: str, effect: Floats, met: Any, agrees: Any) -> Reading:
    """Return the reading of an effect per member. met: the limit that the median is held to, as low and high."""
    low, middle, high = (float(x) for x in np.quantile(effect, [0.05, 0.5, 0.95]))
    inside, reaches = bool(met[0] <= middle <= met[1]), bool(low <= met[1] and high >= met[0])
    return Reading(readout, middle, low, high, scale, expected, inside, float(np.mean(agrees)), reaches)


def value_of(readout: Readout, courses: Mapping[str, Courses], condition: str, of: str, day: int | None) -> Floats:
    """Return what is read in a condition, (n,)."""
    found = courses[condition]
    if readout.hour is not None:
        course = np.asarray(found.hourly[of])
        return np.array([np.interp(readout.hour, found.hours, column) for column in course.T])
    if readout.read == "lowest":
        return np.asarray(np.asarray(found.hourly[of]).min(axis=0))
    daily = np.asarray(found.daily[of], dtype=np.float64)
    now = daily[-1 if day is None else day]
    if readout.read == "kept":
        return np.asarray(now / np.maximum(daily[0], TINY))
    if readout.read == "lost_pct":
        return np.asarray(100.0 * (1.0 - now / np.maximum(daily[0], TINY)))
    return np.asarray(now)


Judged = tuple[str, str, Floats, Any, Any]
INF = float("inf")


def _pair(r: Readout, courses: Mapping[str, Courses]) -> tuple[Floats, Floats]:
    assert r.against is not None  # the schema asks for it
    day = r.day if r.against_day is None else r.against_day
    return value_of(r, courses, r.to, r.of, r.day), value_of(r, courses, r.against, r.against_of or r.of, day)


def _ratio(r: Readout, courses: Mapping[str, Courses]) -> Floats:
    to, against = _pair(r, courses)
    return np.asarray(to / np.where(np.abs(against) < TINY, TINY, against))


def _up(r: Readout, courses: Mapping[str, Courses]) -> Judged:
    ratio = _ratio(r, courses)
    return "fold", f"≥ {r.least:g}x", ratio, (r.least, INF), ratio > 1.0 + NOTICEABLE


def _down(r: Readout, courses: Mapping[str, Courses]) -> Judged:
    ratio = _ratio(r, courses)
    return "fold", f"≤ {1 / r.least:.2g}x", ratio, (-INF, 1.0 / r.least), ratio < 1.0 - NOTICEABLE


def _unchanged(r: Readout, courses: Mapping[str, Courses]) -> Judged:
    ratio = _ratio(r, courses)
    return "fold", _band(r), ratio, (r.low, r.high), _inside(r, ratio)


def _blocked(r: Readout, courses: Mapping[str, Courses]) -> Judged:
    to, against = _pair(r, courses)
    assert r.effect is not None  # the schema asks for it
    effect = value_of(r, courses, r.effect, r.of, r.day)
    there = np.abs(effect - against) > NOTICEABLE * np.abs(against)
    gone = 1.0 - (to - against) / np.where(there, effect - against, 1.0)
    return (
        "% gone",
        f"≥ {100 * r.share:g} %",
        100.0 * np.where(there, gone, 0.0),
        (100.0 * r.share, INF),
        there & (gone > HALF),
    )


def _within(r: Readout, courses: Mapping[str, Courses]) -> Judged:
    value = value_of(r, courses, r.to, r.of, r.day)
    if r.scale != "value":
        value = _ratio(r, courses) if r.scale == "ratio" else 100.0 * (_ratio(r, courses) - 1.0)
    if r.share_above is not None:
        members = np.ones(len(value), dtype=bool)
        if r.among is not None:
            daily = np.asarray(courses[r.to].daily[r.among])
            members = daily[-1] < r.among_below * daily[0]
        share = np.array([100.0 * np.mean(value[members] > r.share_above) if members.any() else 0.0])
        return "%", _band(r), share, (r.low, r.high), _inside(r, share)
    unit = {"value": "value", "ratio": "fold", "percent": "%"}[r.scale]
    # a published band is held against the middle of the ensemble: members differ as subjects do, the band is a mean's
    return unit, _band(r), value, (r.low, r.high), np.array([_inside(r, np.median(value))])


def _saturating(r: Readout, courses: Mapping[str, Courses]) -> Judged:
    curve = np.stack([value_of(r, courses, name, r.of, r.day) for name in r.over])
    level = courses[r.over[-1]].level
    if level not in courses[r.over[-1]].daily:
        raise CereblonError(f"readout {r.of}: expect saturating: the concentration of the drug was not recorded")
    levels = np.array([np.median(np.asarray(courses[name].daily[level])[-1]) for name in r.over]) / 1000.0
    top = curve[-1]
    rising = (np.diff(curve, axis=0) >= -TINY).all(axis=0) & (top > 0.1)
    flat = curve[-1] - curve[-2] < 0.5 * curve[-2]
    half = np.array(
        [np.exp(np.interp(0.5 * c[-1], c[1:], np.log(levels[1:]))) if c[-1] > 0 else np.nan for c in curve.T]
    )
    return "uM", _band(r), np.nan_to_num(half), (r.low, r.high), rising & flat


def _differs(r: Readout, courses: Mapping[str, Courses]) -> Judged:
    values = np.stack([value_of(r, courses, r.to, name, r.day) for name in (r.of, *r.others)])
    spread = values.max(axis=0) / np.maximum(values.min(axis=0), TINY)
    return "fold", f"≥ {r.least:g}x", spread, (r.least, INF), spread > 1.0 + NOTICEABLE


def _present(r: Readout, courses: Mapping[str, Courses]) -> Judged:
    ratio = _ratio(r, courses)
    return "fold", f"≥ {r.least:g}x", ratio, (r.least, INF), ratio >= HALF * r.least


def _shown(r: Readout, courses: Mapping[str, Courses]) -> Judged:
    value = _ratio(r, courses) if r.against else value_of(r, courses, r.to, r.of, r.day)
    return ("fold" if r.against else "value"), "", value, (-INF, INF), np.ones(len(value))


def _trial_only(r: Readout, courses: Mapping[str, Courses]) -> Judged:
    raise CereblonError(f"readout {r.of}: expect {r.expect} is for trials; give its condition a `trial`")


def _band(r: Readout) -> str:
    return f"{r.low:g} to {r.high:g}"


def _inside(r: Readout, value: Any) -> Any:
    assert r.low is not None  # the schema asks for both
    assert r.high is not None
    return (value >= r.low) & (value <= r.high)


_JUDGES = {
    "up": _up,
    "down": _down,
    "unchanged": _unchanged,
    "blocked": _blocked,
    "within": _within,
    "covers": _trial_only,
    "ranks": _trial_only,
    "saturating": _saturating,
    "differs": _differs,
    "present": _present,
    "shown": _shown,
}
