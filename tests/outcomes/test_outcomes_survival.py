import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from cereblon.errors import CereblonError
from cereblon.outcomes.survival import kaplan_meier, numbers_at_risk, product_limit

# Worked by hand: 6, 6, 6, 6+, 7, 9+, 10, 10+, 11+, 13, 16, 17+, 19+, 20+, 22, 23, 25+, 32+, 32+, 34+, 35+
# (6-mercaptopurine arm of Freireich et al., Blood 1963;21:699, the textbook example).
TIME = np.array([6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35], dtype=float)
EVENT = np.array([1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0], dtype=bool)
BY_HAND = {
    6: 18 / 21,
    7: 18 / 21 * 16 / 17,
    10: 18 / 21 * 16 / 17 * 14 / 15,
    13: 18 / 21 * 16 / 17 * 14 / 15 * 11 / 12,
    16: 18 / 21 * 16 / 17 * 14 / 15 * 11 / 12 * 10 / 11,
    22: 18 / 21 * 16 / 17 * 14 / 15 * 11 / 12 * 10 / 11 * 6 / 7,
    23: 18 / 21 * 16 / 17 * 14 / 15 * 11 / 12 * 10 / 11 * 6 / 7 * 5 / 6,
}


def test_curve_of_the_textbook_example() -> None:
    curve = kaplan_meier(TIME, EVENT)
    for day, expected in BY_HAND.items():
        assert curve.at(day) == pytest.approx(expected, abs=1e-12)
        assert curve.at(day - 0.5) > curve.at(day)
    assert curve.at(0) == 1.0
    assert curve.median == 23.0
    assert (curve.low <= curve.survival + 1e-12).all()
    assert (curve.high >= curve.survival - 1e-12).all()


def test_numbers_at_risk_of_the_textbook_example() -> None:
    assert numbers_at_risk(TIME, np.array([0.0, 6.0, 7.0, 10.0, 22.0, 35.0, 36.0])).tolist() == [
        21,
        21,
        17,
        15,
        7,
        1,
        0,
    ]


def test_median_is_not_reached_without_enough_events() -> None:
    assert kaplan_meier(np.array([1.0, 2, 3, 4]), np.array([1, 0, 0, 0], bool)).median is None
    flat = kaplan_meier(np.array([5.0, 9.0]), np.zeros(2, bool))
    assert flat.median is None
    assert flat.at(9.0) == 1.0


def test_limits_do_not_close_where_nothing_was_seen() -> None:
    for n in (1, 5, 60):
        flat = kaplan_meier(np.full(n, 9.0), np.zeros(n, bool))
        assert flat.low[-1] == pytest.approx(binomtest(n, n).proportion_ci(0.95, method="exact").low)
        assert flat.high[-1] == 1.0
    late = kaplan_meier(np.array([3.0, 5, 7, 8]), np.array([False, True, True, True]))
    assert late.low[np.searchsorted(late.times, 3.0)] == pytest.approx(0.025**0.25)
    assert late.at(8) == 0.0
    assert late.low[-1] == 0.0
    assert late.high[-1] == late.high[-2] > 0
    assert np.isfinite([*late.low, *late.high]).all()


def test_exactly_one_half_counts_as_reached() -> None:
    assert kaplan_meier(np.arange(1.0, 11.0), np.ones(10, bool)).median == 5.0


def test_empty_or_broken_times_are_refused() -> None:
    for time in ([], [1.0, np.nan]):
        with pytest.raises(CereblonError, match="survival"):
            kaplan_meier(np.array(time), np.ones(len(time), bool))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 12), st.booleans()), min_size=2, max_size=40), st.integers(0, 10**6))
def test_resampled_trials_agree_with_scipy_one_by_one(rows: list[tuple[int, bool]], seed: int) -> None:
    time = np.array([row[0] for row in rows], dtype=float)
    event = np.array([row[1] for row in rows])
    draws = np.random.default_rng(seed).integers(time.size, size=(4, time.size))
    times = np.unique(time)
    counts = [np.array([((time[d] == t) & (event[d] == e)).sum() for d in draws for t in times]) for e in (True, False)]
    many = product_limit(times, *(c.reshape(4, times.size) for c in counts))
    grid = np.array([0.0, 0.5, 3.0, 6.0, 12.0])
    for row, drawn in enumerate(draws):
        one = kaplan_meier(time[drawn], event[drawn])
        assert many.at(grid)[row] == pytest.approx([one.at(day) for day in grid], abs=1e-9)
        assert many.medians()[row] == (np.inf if one.median is None else one.median)


def test_a_median_that_is_exactly_one_half_is_the_first_such_day() -> None:
    # the curve lies at 1/2 from day 516 to day 532; the documented rule takes its first day, others the middle or end
    curve = kaplan_meier(np.array([300.0, 516, 532, 600]), np.ones(4, bool))
    assert curve.at(516) == 0.5
    assert curve.median == 516


def test_who_is_censored_on_the_day_of_an_event_was_at_risk_of_it() -> None:
    curve = kaplan_meier(np.array([5.0, 5, 9, 9]), np.array([True, False, True, True]))
    assert curve.at(5) == 0.75
    assert curve.at(9) == 0.0
