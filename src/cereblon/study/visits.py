"""Writes the long visits table block by block, so that ten thousand subjects never sit in memory together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cereblon.columns import ADY, AVAL, AVALU, PARAMCD, SOURCE, TWIN, USUBJID, Measure
from cereblon.storage.files import write_table

Whole = NDArray[np.integer[Any]]
Real = NDArray[np.floating[Any]]


def visit_frame(
    measures: Mapping[str, Measure],
    subjects: Whole,
    twins: Whole,
    days: Whole,
    values: Mapping[str, Real],
    present: NDArray[np.bool_] | None = None,
) -> pl.DataFrame:
    """Return the long visits table of one block of subjects.

    measures: quantity (PARAMCD) -> what it is, for all quantities of the run; subjects: (n,) numbers; twins: (n,)
    numbers of the drawn persons; days: (t,) ADY; values: quantity -> (t, n); present: (t, n), False where no visit
    took place. Values that are not finite are left out too. Rows are ordered by subject, then quantity (in the order
    of `measures`), then day.
    """
    names = [name for name in measures if name in values]
    shape = (len(subjects), len(names), len(days))
    stacked = np.stack([np.asarray(values[name], dtype=np.float32).T for name in names], axis=1)
    keep = np.isfinite(stacked)
    if present is not None:
        keep &= present.T[:, None, :]
    flat = keep.ravel()

    def spread(column: NDArray[Any], axis: int) -> NDArray[Any]:
        along: list[slice | None] = [None, None, None]
        along[axis] = slice(None)
        return np.broadcast_to(column[tuple(along)], shape).ravel()[flat]

    def named(word: Callable[[str], str]) -> pl.Series:
        words = list(dict.fromkeys(word(name) for name in measures))
        codes = np.array([words.index(word(name)) for name in names], dtype=np.uint8)
        # not an Enum: other programs would read an order into it
        return pl.Series(words, dtype=pl.Categorical).gather(spread(codes, 1))

    return pl.DataFrame(
        {
            USUBJID: spread(np.asarray(subjects, dtype=np.int32), 0),
            TWIN: spread(np.asarray(twins, dtype=np.int32), 0),
            ADY: spread(np.asarray(days, dtype=np.int32), 2),
            PARAMCD: named(lambda name: name),
            AVAL: stacked.ravel()[flat],
            AVALU: named(lambda name: measures[name].unit),
            SOURCE: named(lambda name: measures[name].source),
        }
    )


class VisitWriter:
    """Parquet parts of the visits table in one folder.

    Parts are read back in block order: the table is the same however the subjects were cut into blocks, as
    long as blocks hold consecutive subjects.
    """

    def __init__(self, folder: Path, measures: Mapping[str, Measure]) -> None:
        """Make `folder` if absent; `measures` is quantity (PARAMCD) -> what it is for all that will be written."""
        self.folder = folder
        self.measures = dict(measures)
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, block: int) -> Path:
        """Return the file of one block."""
        return self.folder / f"part-{block:06d}.parquet"

    def has(self, block: int) -> bool:
        """Say whether a block was written completely."""
        return self.path(block).exists()

    def write(
        self,
        block: int,
        subjects: Whole,
        twins: Whole,
        days: Whole,
        values: Mapping[str, Real],
        present: NDArray[np.bool_] | None = None,
    ) -> Path:
        """Write one block (arguments of `visit_frame`) and return its file, which appears only when
        complete.
        """
        target = self.path(block)
        write_table(visit_frame(self.measures, subjects, twins, days, values, present), target)
        return target

    def scan(self, blocks: Sequence[int] | None = None) -> pl.LazyFrame:
        """Return all parts (or those of `blocks`) as one lazy table, in block order."""
        chosen = sorted(self.folder.glob("part-*.parquet")) if blocks is None else map(self.path, blocks)
        return pl.scan_parquet(list(chosen))
