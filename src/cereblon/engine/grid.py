"""The hours at which the fast clock looks at a day, and the weights that average over them.

A day is cut into windows of equal length, none longer than the six hours between two hours of dosing. After a dose the
hours are dense, later they are not; every interval is a power of two times the finest one, so that one matrix
exponential and its squares serve them all. Each slow step is one window or several.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cereblon.errors import CereblonError

HOURS_PER_DAY = 24.0
SLOTS = 4  # hours of dosing in a day: 0, 6, 12 and 18
SLOT = HOURS_PER_DAY / SLOTS
STEPS = (1, 2, 4, 8)  # slow steps a day that end on an hour of dosing or halfway to the next
MORNING = 0.1875  # hours, the finest interval where all doses are given at hour 0. Fast absorbers peak within minutes
WHOLE_DAY = 0.125  # hours, the finest where doses come at all hours: infusions end on halves and quarters of hours
_DENSE, _DOUBLE, _TAIL = 8, 4, 2  # finest intervals after a dose, doubled ones after them, then doubled `_TAIL` times


@dataclass(frozen=True)
class Span:
    """Hours of one window, counted from its start: `hours` (K,), interval = finest * 2**`doubling` (K-1,).

    `places` (K,) are these hours among those after a dose; `weights` (K,) give the mean over the window.
    """

    hours: np.ndarray
    doubling: np.ndarray
    places: np.ndarray
    weights: np.ndarray

    @property
    def intervals(self) -> np.ndarray:
        """Lengths of the intervals in days, (K-1,)."""
        return np.asarray(np.diff(self.hours) / HOURS_PER_DAY)


@dataclass(frozen=True)
class Grid:
    """`windows` windows of `length` hours, `per_step` of them a slow step; `dense` says which may begin with a dose.

    `finest` is the shortest interval in hours, `after_dose` the hours of a window that may begin with a dose, `later`
    of one that does not.
    """

    finest: float
    length: float
    windows: int
    per_step: int
    dense: tuple[bool, ...]
    after_dose: Span
    later: Span

    def span(self, window: int) -> Span:
        """Hours of a window."""
        return self.after_dose if self.dense[window] else self.later

    @property
    def hours(self) -> np.ndarray:
        """All hours of the day in order, (H,)."""
        parts = [w * self.length + self.span(w).hours[:-1] for w in range(self.windows)]
        return np.concatenate([*parts, [HOURS_PER_DAY]])

    @property
    def weights(self) -> np.ndarray:
        """Weights of `hours` that give the mean over the day of what does not jump, (H,)."""
        out = np.zeros(self.hours.size)
        first = 0
        for w in range(self.windows):
            part = self.span(w).weights / self.windows
            out[first : first + part.size] += part
            first += part.size - 1
        return out


def day_grid(slow_steps: int, all_hours: bool = False) -> Grid:
    """The grid for a number of slow steps a day; `all_hours`: doses may come at 0, 6, 12 and 18, else at 0 only.

    Raises CereblonError unless `slow_steps` is 1, 2, 4 or 8.
    """
    if slow_steps not in STEPS:
        raise CereblonError(f"slow_steps {slow_steps}; expected one of {', '.join(map(str, STEPS))}")
    windows = max(slow_steps, SLOTS)
    length, finest = HOURS_PER_DAY / windows, WHOLE_DAY if all_hours else MORNING
    dense = tuple((w * length) % (SLOT if all_hours else HOURS_PER_DAY) == 0 for w in range(windows))
    early = finest * np.concatenate([np.arange(_DENSE), _DENSE + 2 * np.arange(_DOUBLE)])
    coarse = finest * 2**_TAIL
    hours = np.concatenate([early, np.arange(early[-1] + 2 * finest, length + coarse / 2, coarse)])
    after_dose, later = _span(hours, hours, finest), _span(np.arange(0.0, length + coarse / 2, coarse), hours, finest)
    return Grid(finest, length, windows, windows // slow_steps, dense, after_dose, later)


def _span(hours: np.ndarray, among: np.ndarray, finest: float) -> Span:
    doubling = np.rint(np.log2(np.diff(hours) / finest)).astype(np.int32)
    places = np.searchsorted(among, hours - finest / 4)
    return Span(hours, doubling, places, _simpson(hours) / hours[-1])


def _simpson(hours: np.ndarray) -> np.ndarray:
    """Positive weights: Simpson over pairs of equal intervals, 3/8 rule where three remain, else trapezoid."""
    steps = np.diff(hours)
    out = np.zeros(hours.size)
    i = 0
    while i < steps.size:
        h = steps[i]
        run = 1
        while i + run < steps.size and steps[i + run] == h:
            run += 1
        if run == 1:
            out[i : i + 2] += h / 2
            i += 1
        elif run % 2 == 0:
            out[i : i + 3] += h / 3 * np.array([1.0, 4.0, 1.0])
            i += 2
        else:
            out[i : i + 4] += 3 * h / 8 * np.array([1.0, 3.0, 3.0, 1.0])
            i += 3
    return out
