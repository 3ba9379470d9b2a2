"""Numbers of subjects, and arrays over them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cereblon.errors import CereblonError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def flag(mask: NDArray[np.bool_]) -> Floats:
    """Return 1 where `mask` holds, else 0."""
    return mask.astype(np.float64)


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
