"""What docs/numerics.md says of the grid is what the grid is."""

import re
from pathlib import Path

import numpy as np
import pytest

from cereblon.engine.grid import day_grid

TEXT = " ".join((Path(__file__).parents[2] / "docs" / "numerics.md").read_text(encoding="utf-8").split())


@pytest.mark.parametrize(
    ("all_hours", "sentence"), [(False, r"looks at a day at (\d+) hours"), (True, r"looks at (\d+) hours:")]
)
def test_number_of_hours(all_hours: bool, sentence: str) -> None:
    found = re.search(sentence, TEXT)
    assert found is not None
    assert int(found[1]) == day_grid(4, all_hours).hours.size


@pytest.mark.parametrize(("all_hours", "minutes"), [(False, ("11.25", "22.5", "45")), (True, ("7.5", "15", "30"))])
def test_lengths_of_intervals(all_hours: bool, minutes: tuple[str, ...]) -> None:
    grid = day_grid(4, all_hours)
    assert sorted(set(60 * np.diff(grid.hours))) == pytest.approx([float(m) for m in minutes])
    assert all(f"every {m} " in TEXT or f"every {m}." in TEXT for m in minutes)
