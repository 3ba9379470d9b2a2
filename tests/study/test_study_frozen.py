"""Every registry entry gives the figures that were frozen: nothing moves a result unnoticed.

Machine code differs between processors: a patient on an edge may fall to the other side, so counts may differ by one
patient and medians by 0.1 month. `scripts/freeze.py` alone rewrites the figures.
"""

from __future__ import annotations

import pytest
from frozen_summary import FROZEN, frozen, summary

from cereblon import trial_ids

MONTHS = 0.1
CYCLES = 0.02
"""Share of the cycles given by which a count of cycles may differ: a patient has many."""


@pytest.mark.parametrize("trial", trial_ids())
def test_the_figures_are_the_frozen_ones(trial: str) -> None:
    kept, now = frozen(trial), summary(trial)
    assert list(now) == list(kept)
    for arm, figures in kept.items():
        found = now[arm]
        assert found["patients"] == figures["patients"]
        assert found["counts"].keys() == figures["counts"].keys()
        for key, count in figures["counts"].items():
            assert abs(found["counts"][key] - count) <= 1, (arm, key)
        given = figures["cycles_given"]
        assert found["cycles_given"] == pytest.approx(given, rel=CYCLES), arm
        for key, count in figures["cycles"].items():
            assert found["cycles"][key] == pytest.approx(count, abs=CYCLES * given), (arm, key)
        for key, median in figures["medians"].items():
            if median is None:
                assert found["medians"][key] is None, (arm, key)
            else:
                assert found["medians"][key] == pytest.approx(median, abs=MONTHS), (arm, key)


def test_every_entry_is_frozen_and_nothing_else() -> None:
    assert {path.stem for path in FROZEN.iterdir()} == set(trial_ids())
