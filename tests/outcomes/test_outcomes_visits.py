from pathlib import Path

import numpy as np
import polars as pl
from polars.testing import assert_frame_equal

from cereblon.visits import VisitWriter, visit_frame

UNITS = {"ALC": "1e9/L", "ANC": "1e9/L", "SPLEEN": "mL"}
DAYS = np.array([1, 8, 15])


def _values(n: int) -> dict[str, np.ndarray]:
    base = np.arange(3 * n, dtype=np.float64).reshape(3, n)
    return {"ALC": base, "SPLEEN": base + 1000, "ANC": base + 100}


def test_table_does_not_depend_on_the_blocks(tmp_path: Path) -> None:
    values, subjects = _values(10), np.arange(10)
    whole = visit_frame(UNITS, subjects, DAYS, values)
    for size in (1, 3, 10):
        writer = VisitWriter(tmp_path / str(size), UNITS)
        for block, start in enumerate(range(0, 10, size)):
            cut = slice(start, start + size)
            writer.write(block, subjects[cut], DAYS, {k: v[:, cut] for k, v in values.items()})
        assert_frame_equal(writer.scan().collect(), whole)
        assert writer.has(0)
        assert not writer.has(99)


def test_values_land_in_their_row() -> None:
    frame = visit_frame(UNITS, np.array([4, 5]), DAYS, _values(2))
    row = frame.filter((pl.col("USUBJID") == 5) & (pl.col("ADY") == 15))
    assert dict(row.select("PARAMCD", "AVAL").iter_rows()) == {"ALC": 5.0, "ANC": 105.0, "SPLEEN": 1005.0}
    assert row["AVALU"].to_list() == ["1e9/L", "1e9/L", "mL"]


def test_missed_visits_and_missing_values_are_left_out() -> None:
    values = _values(2)
    values["ANC"][1, 0] = np.nan
    present = np.array([[True, True], [True, True], [True, False]])
    frame = visit_frame(UNITS, np.array([4, 5]), DAYS, values, present)
    assert frame.height == 3 * 2 * 3 - 1 - 3
    assert frame.filter((pl.col("USUBJID") == 5) & (pl.col("ADY") == 15)).is_empty()
