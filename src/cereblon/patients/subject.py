"""The random streams of one subject.

A subject's randomness depends on (seed, subject number, purpose) and on nothing else: not on the batch, the
cohort size, the order of arms or the number of cores.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from cereblon.errors import CereblonError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def flag(mask: NDArray[np.bool_]) -> Floats:
    """Return 1 where `mask` holds, else 0."""
    return mask.astype(np.float64)


class Stream(IntEnum):
    """What a stream of random numbers is for."""

    COVARIATES = 0
    VARIABILITY = 1
    VISIT_NOISE = 2
    THRESHOLDS = 3


def check_subjects(subjects: Sequence[int] | NDArray[np.integer], seed: int) -> Integers:
    """Return the subject numbers as an integer array; raise `CereblonError` for negative seeds or numbers."""
    numbers = np.asarray(subjects)
    if numbers.ndim != 1 or not (np.issubdtype(numbers.dtype, np.integer) or numbers.size == 0):
        raise CereblonError("subjects: expected a list of whole numbers")
    if seed < 0:
        raise CereblonError(f"seed: {seed} is negative, expected 0 or more")
    if numbers.size and int(numbers.min()) < 0:
        raise CereblonError(f"subjects: {int(numbers.min())} is negative, expected 0 or more")
    return numbers.astype(np.int64)


def generator(seed: int, subject: int, stream: Stream) -> np.random.Generator:
    """Return the counter-based generator of one subject and purpose."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, subject, int(stream)])))
