import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
from polars.testing import assert_frame_equal

from cereblon.columns import MEASURES, VISITS
from cereblon.study.visits import VisitWriter, visit_frame

SOME = {code: MEASURES[code] for code in ("ALC", "ANC", "SPLEEN")}
DAYS = np.array([1, 8, 15])


def _values(n: int) -> dict[str, np.ndarray]:
    base = np.arange(3 * n, dtype=np.float64).reshape(3, n)
    return {"ALC": base, "SPLEEN": base + 1000, "ANC": base + 100}


def test_table_does_not_depend_on_the_blocks(tmp_path: Path) -> None:
    values, subjects = _values(10), np.arange(10)
    whole = visit_frame(SOME, subjects, subjects + 7, DAYS, values)
    for size in (1, 3, 10):
        writer = VisitWriter(tmp_path / str(size), SOME)
        for block, start in enumerate(range(0, 10, size)):
            cut = slice(start, start + size)
            writer.write(block, subjects[cut], subjects[cut] + 7, DAYS, {k: v[:, cut] for k, v in values.items()})
        assert_frame_equal(writer.scan().collect(), whole)
        assert writer.has(0)
        assert not writer.has(99)


def test_values_land_in_their_row() -> None:
    frame = visit_frame(SOME, np.array([4, 5]), np.array([8, 9]), DAYS, _values(2))
    row = frame.filter((pl.col("USUBJID") == 5) & (pl.col("ADY") == 15))
    assert dict(row.select("PARAMCD", "AVAL").iter_rows()) == {"ALC": 5.0, "ANC": 105.0, "SPLEEN": 1005.0}
    assert row["AVALU"].to_list() == ["1e9/L", "1e9/L", "mL"]
    assert row["SOURCE"].to_list() == ["true", "measured", "true"]
    assert row["TWIN"].to_list() == [9, 9, 9]
    assert {name: str(kind).partition("(")[0] for name, kind in frame.schema.items()} == {
        name: column.dtype for name, column in VISITS.items()
    }


def test_missed_visits_and_missing_values_are_left_out() -> None:
    values = _values(2)
    values["ANC"][1, 0] = np.nan
    present = np.array([[True, True], [True, True], [True, False]])
    frame = visit_frame(SOME, np.array([4, 5]), np.array([4, 5]), DAYS, values, present)
    assert frame.height == 3 * 2 * 3 - 1 - 3
    assert frame.filter((pl.col("USUBJID") == 5) & (pl.col("ADY") == 15)).is_empty()


def test_codes_have_no_order_and_equal_bytes_whatever_the_process_held_before(tmp_path: Path) -> None:
    """An Enum is an ordered category in pandas and an ordered factor in R; no code is more than another."""
    subjects = np.array([4, 5])
    frame = visit_frame(SOME, subjects, subjects, DAYS, _values(2))
    for name in ("PARAMCD", "AVALU", "SOURCE"):
        assert isinstance(frame[name].dtype, pl.Categorical), name
    for place in ("here", "there"):
        VisitWriter(tmp_path / place, SOME).write(0, subjects, subjects, DAYS, _values(2))
    script = (
        "import sys; import numpy as np; import polars as pl; from pathlib import Path\n"
        "from cereblon.columns import MEASURES; from cereblon.study.visits import VisitWriter\n"
        "pl.Series(['SPLEEN', 'ANC', 'mL', 'true', 'measured'], dtype=pl.Categorical)\n"
        "some = {code: MEASURES[code] for code in ('ALC', 'ANC', 'SPLEEN')}\n"
        "base = np.arange(6.0).reshape(3, 2); n = np.array([4, 5])\n"
        "values = {'ALC': base, 'SPLEEN': base + 1000, 'ANC': base + 100}\n"
        "VisitWriter(Path(sys.argv[1]), some).write(0, n, n, np.array([1, 8, 15]), values)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "there")], check=True)
    one, other = (VisitWriter(tmp_path / place, SOME).path(0).read_bytes() for place in ("here", "there"))
    assert one == other
