"""Days of courses as masks: which days a drug is given on, when its dose may rise, when a course ends.

Masks count from 0, so element 0 is day 1: the first day of a trial, or of a phase.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

HORIZON = 3696
"""Days of a mask: 132 blocks of 28, a little over ten years and longer than any follow-up."""
LAST_DAY = 3650
"""The last day of a trial that a document may name."""
LONGEST_REST = 366
"""Days; no planned rest within a course is longer, so a course with a dose so near the horizon goes on."""
USUAL_CYCLE = 28
"""Days of a cycle where a document does not say."""

Mask = NDArray[np.bool_]


Numbers = tuple[int, ...] | None


def dosing_days(horizon: int, cycle: int | None, days: Numbers, cycles: Numbers, first: int, shift: int) -> Mask:
    """Return the dosing days of a course as a mask of shape (horizon,).

    cycle: days, None: `days` count once. days, cycles: numbers from 1, None: all. first: position before which
    nothing is given; shift: position at which the first cycle begins.
    """
    day = np.arange(horizon)
    counted = day - shift
    given = (counted >= 0) & (day >= first)
    within = counted % cycle if cycle is not None else counted
    if days is not None:
        given &= np.isin(within + 1, days)
    if cycle is not None and cycles is not None:
        given &= np.isin(counted // cycle + 1, cycles)
    return given


def last_day(mask: Mask) -> int | None:
    """Return the day of the last dose of a mask over the horizon, from 1, 0 without any; None: it goes on."""
    given = np.flatnonzero(mask)
    last = int(given[-1]) + 1 if given.size else 0
    return None if last > len(mask) - LONGEST_REST else last


def rising_days(mask: Mask, first_after: int, every: int) -> tuple[Mask, Mask]:
    """Return the days on which the dose may rise, and those on which a course is reviewed.

    Both count from the first dose, and end with the last one.
    """
    day, during = _course(mask)
    due = during & (day > 0) & ((day - first_after) % every == 0)
    return due & (day >= first_after), due


def review_days(mask: Mask, every: int) -> Mask:
    """Return the days on which a course whose dose does not rise is reviewed: every so many days from the first."""
    day, during = _course(mask)
    due: Mask = during & (day > 0) & (day % every == 0)
    return due


def _course(mask: Mask) -> tuple[NDArray[np.int64], Mask]:
    """Return the day of the course, 0 at the first dose, and whether the last one is still to come."""
    given = np.flatnonzero(mask)
    first, last = (int(given[0]), int(given[-1])) if given.size else (len(mask), -1)
    day = np.arange(len(mask))
    return day - first, day <= last
