"""The subjects that are simulated together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class SubjectBlock:
    """Consecutive subjects of a run: position of the block, then (n,) arm index, number of the drawn person, USUBJID.

    The number keys every random stream, so subjects of one number are one person: the same covariates, traits and luck.
    """

    index: int
    arm: NDArray[np.int64]
    number: NDArray[np.int64]
    usubjid: NDArray[np.int64]

    def padded(self, lanes: int) -> SubjectBlock:
        """Return the block with its last subject repeated up to `lanes`."""
        extra = (0, lanes - len(self.arm))
        return SubjectBlock(self.index, *(np.pad(x, extra, mode="edge") for x in (self.arm, self.number, self.usubjid)))
