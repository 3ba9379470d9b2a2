"""Measurement noise and event thresholds of subjects, each from the streams of its names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from cereblon.parameters.streams import Purpose, exponentials, normals
from cereblon.parameters.subjects import Floats, check_subjects


def draw_noise(
    subjects: Sequence[int] | NDArray[np.integer], seed: int, weeks: int, names: Sequence[str]
) -> NDArray[np.float32]:
    """Draw standard normal noise of measurements, (weeks, names, n); more weeks or names leave the others unchanged."""
    numbers = check_subjects(subjects, seed)
    noise = normals(seed, Purpose.VISIT_NOISE, names, numbers, range(weeks))
    return np.ascontiguousarray(np.moveaxis(noise, 0, 1), dtype=np.float32)


def draw_thresholds(
    subjects: Sequence[int] | NDArray[np.integer], seed: int, names: Iterable[str], k: int = 1
) -> dict[str, Floats]:
    """Draw the cumulated hazards at which events happen: name -> (k, n) unit exponential numbers."""
    numbers = check_subjects(subjects, seed)
    ordered = sorted(set(names))
    drawn = exponentials(seed, Purpose.THRESHOLDS, ordered, numbers, range(k))
    return dict(zip(ordered, drawn, strict=True))
