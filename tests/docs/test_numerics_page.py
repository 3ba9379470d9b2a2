"""The page on numerics counts the points of a day as the grid has them."""

from __future__ import annotations

import re
from pathlib import Path

from cereblon.engine.grid import day_grid
from cereblon.study.program import SLOW_STEPS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "numerics.md"


def test_points_of_a_day() -> None:
    told = " ".join(PAGE.read_text("utf-8").split())
    found = re.search(
        r"looks at a day at (\d+) hours, .*? every ([\d.]+) minutes .*? then every (\d+)\. "
        r".*? it looks at (\d+) hours: after each hour of dosing every ([\d.]+) minutes .*? then every (\d+)\.",
        told,
    )
    assert found is not None
    expected = []
    for grid in (day_grid(SLOW_STEPS), day_grid(SLOW_STEPS, all_hours=True)):
        minutes = grid.after_dose.intervals * 24.0 * 60.0
        expected += [grid.hours.size, round(float(minutes[0]), 6), round(float(minutes[-1]), 6)]
    assert [float(number) for number in found.groups()] == expected
