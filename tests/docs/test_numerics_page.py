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
        r"has (\d+) points: (\d+) in the six hours after the dose, from every ([\d.]+) hours to every ([\d.]+), "
        r".*? it has (\d+): (\d+) in each six hours, from every ([\d.]+) hours to every ([\d.]+)\.",
        told,
    )
    assert found is not None
    morning, whole = day_grid(SLOW_STEPS), day_grid(SLOW_STEPS, all_hours=True)
    expected = []
    for grid in (morning, whole):
        window = grid.after_dose
        steps = window.intervals * 24.0
        expected += [grid.hours.size, window.hours.size, round(float(steps[0]), 4), round(float(steps[-1]), 4)]
    assert [float(number) for number in found.groups()] == expected
