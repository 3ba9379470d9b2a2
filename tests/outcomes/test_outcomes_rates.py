import pytest
from scipy.stats import binomtest

from cereblon.outcomes import clopper_pearson


@pytest.mark.parametrize(("events", "total"), [(0, 9), (3, 60), (39, 60), (60, 60), (1, 1), (417, 1000)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_interval_agrees_with_scipy(events: int, total: int, level: float) -> None:
    expected = binomtest(events, total).proportion_ci(level, method="exact")
    assert clopper_pearson(events, total, level) == pytest.approx((expected.low, expected.high), abs=1e-10)


def test_printed_example_of_the_exact_interval() -> None:
    # 39 of 60: Clopper-Pearson 95 % by hand from the F distribution, 51.6 to 76.9 %
    low, high = clopper_pearson(39, 60)
    assert (round(100 * low, 1), round(100 * high, 1)) == (51.6, 76.9)


@pytest.mark.parametrize(("events", "total", "level"), [(-1, 5, 0.9), (6, 5, 0.9), (0, 0, 0.9), (1, 2, 1.0)])
def test_impossible_proportions_are_refused(events: int, total: int, level: float) -> None:
    with pytest.raises(ValueError, match="not"):
        clopper_pearson(events, total, level)
