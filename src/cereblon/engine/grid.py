"""The hours of a dosing day and the weights that average over each slow step.

Fine after the dose, coarse in the tail; every interval is a power of two times the finest one, so that one matrix
exponential and its squares serve them all. Each slow step begins and ends on a grid hour.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cereblon.errors import CereblonError

FINEST = 0.1875  # hours, the shortest interval; doubled seven times it is a day. Fast absorbers peak within minutes
HOURS_PER_DAY = 24.0
STEPS = (1, 2, 4, 8)  # slow steps a day that end on a grid hour
_HOURS = (*(0.1875 * k for k in range(9)), 1.875, 2.25, 2.625, *(3 + 0.75 * k for k in range(29)))


@dataclass(frozen=True)
class Grid:
    """`hours` (K,), `doubling` (K-1,): interval = `FINEST` * 2**doubling.

    `weights` (steps, K) give the mean over each slow step; `windows` (steps, W) are the places of the hours within each
    step (the last repeated to fill up) and `window_weights` (steps, W) the same weights on them.
    """

    hours: np.ndarray
    doubling: np.ndarray
    weights: np.ndarray
    windows: np.ndarray
    window_weights: np.ndarray

    @property
    def intervals(self) -> np.ndarray:
        """Lengths of the intervals in days, (K-1,)."""
        return np.asarray(np.diff(self.hours) / HOURS_PER_DAY)


def day_grid(slow_steps: int) -> Grid:
    """The grid for a number of slow steps a day. Raises CereblonError unless it is 1, 2, 4 or 8."""
    if slow_steps not in STEPS:
        raise CereblonError(f"slow_steps {slow_steps}; expected one of {', '.join(map(str, STEPS))}")
    hours = np.asarray(_HOURS, dtype=np.float64)
    length = HOURS_PER_DAY / slow_steps
    weights = np.zeros((slow_steps, hours.size))
    members = []
    for step in range(slow_steps):
        inside = np.flatnonzero((hours >= step * length) & (hours <= (step + 1) * length))
        weights[step, inside] = _simpson(hours[inside]) / length
        members.append(inside)
    widest = max(m.size for m in members)
    windows = np.stack([np.append(m, np.full(widest - m.size, m[-1])) for m in members])
    window_weights = np.take_along_axis(weights, windows, axis=1)
    for row, m in zip(window_weights, members, strict=True):
        row[m.size :] = 0.0
    doubling = np.rint(np.log2(np.diff(hours) / FINEST)).astype(np.int32)
    return Grid(hours, doubling, weights, windows, window_weights)


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
