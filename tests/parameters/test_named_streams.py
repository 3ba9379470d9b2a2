"""Named random streams: uniform, independent, unmoved by what else is drawn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cereblon.errors import CereblonError
from cereblon.parameters import streams
from cereblon.parameters.streams import Purpose, exponentials, normals, uniforms

MANY = np.arange(20_000)
FROZEN = [0.786223716827367, 0.6340103570487478, 0.8706123068579358, 0.43594125593304855]


def test_numbers_have_their_distributions() -> None:
    drawn = uniforms(1, Purpose.THRESHOLDS, ["a", "b"], MANY, range(3))
    assert drawn.shape == (2, 3, len(MANY))
    assert 0 < drawn.min() < drawn.max() < 1
    for row in drawn.reshape(6, -1):
        assert stats.kstest(row, "uniform").pvalue > 1e-4
    assert stats.kstest(normals(1, Purpose.THRESHOLDS, ["a"], MANY, range(1)).ravel(), "norm").pvalue > 1e-4
    assert stats.kstest(exponentials(1, Purpose.THRESHOLDS, ["a"], MANY, range(1)).ravel(), "expon").pvalue > 1e-4


def test_seed_purpose_name_position_and_subject_each_make_another_stream() -> None:
    def of(seed: int = 1, purpose: Purpose = Purpose.POOL, name: str = "a", shift: int = 0, at: int = 0) -> object:
        return uniforms(seed, purpose, [name], MANY + shift, range(at, at + 1)).ravel()

    others = [of(), of(2), of(2**64 + 1), of(purpose=Purpose.PRIORS), of(name="b"), of(shift=10**6), of(at=1)]
    found = np.corrcoef(np.stack(others))  # type: ignore[arg-type]
    assert np.abs(found - np.eye(len(others))).max() < 0.04


def test_neighbours_in_the_counter_are_independent() -> None:
    one = uniforms(1, Purpose.POOL, ["a"], MANY, range(1)).ravel()
    for lag in (1, 2, 3, 4, 5, 64):
        assert abs(np.corrcoef(one[:-lag], one[lag:])[0, 1]) < 0.03


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**130), st.lists(st.integers(0, 2**45), min_size=1, max_size=9), st.text(max_size=9))
def test_a_subject_alone_is_the_subject_in_company(seed: int, subjects: list[int], name: str) -> None:
    numbers = np.array(subjects, dtype=np.int64)
    together = uniforms(seed, Purpose.COVARIATES, [name, name + "x"], numbers, range(3))
    for i in range(len(numbers)):
        alone = uniforms(seed, Purpose.COVARIATES, [name + "x"], numbers[i : i + 1], range(1, 2))
        assert alone.ravel() == together[1, 1, i]


def test_seeds_side_by_side_are_independent() -> None:
    """One subject over many seeds is as good as many subjects of one seed: the key is a hash, not the seed itself."""
    of = [uniforms(s, Purpose.VARIABILITY, ["a", "b"], MANY[:2], range(1))[:, 0].ravel() for s in range(4000)]
    drawn = np.stack(of, axis=1)
    assert all(stats.kstest(row, "uniform").pvalue > 1e-4 for row in drawn)
    assert np.abs(np.corrcoef(drawn) - np.eye(4)).max() < 0.06
    assert np.abs(np.diag(np.corrcoef(drawn[:, :-1], drawn[:, 1:])[4:, :4])).max() < 0.06


def test_names_side_by_side_are_independent() -> None:
    drawn = normals(1, Purpose.VARIABILITY, [f"parameter_{i}" for i in range(60)], MANY, range(1))[:, 0]
    found = np.corrcoef(drawn)[np.triu_indices(60, 1)] * np.sqrt(len(MANY))
    assert np.abs(found).max() < 5
    assert found.std() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("first", [10**6, 7 * 10**6 + 3, 20 * 10**6 - 500])
def test_numbers_of_later_arms_are_as_good(first: int) -> None:
    """USUBJID of the twentieth arm begins at 19 million."""
    numbers = first + np.arange(5000)
    drawn = uniforms(1, Purpose.THRESHOLDS, ["death"], numbers, range(2))[0]
    assert stats.kstest(drawn[0], "uniform").pvalue > 1e-4
    assert len(np.unique(drawn)) == drawn.size
    apart = np.array([first + 4321, 3, first + 17])
    assert np.array_equal(uniforms(1, Purpose.THRESHOLDS, ["death"], apart, range(2))[0, :, ::2], drawn[:, [4321, 17]])


def test_nobody_gives_an_empty_array() -> None:
    assert uniforms(1, Purpose.POOL, ["a"], MANY[:0], range(2)).shape == (1, 2, 0)


def test_two_names_of_one_stream_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CereblonError, match="'a' and 'a' are one stream"):
        uniforms(1, Purpose.POOL, ["a", "b", "a"], MANY[:2], range(1))
    monkeypatch.setattr(streams, "stream_key", lambda *_: np.zeros(2, dtype=np.uint64))
    with pytest.raises(CereblonError, match="'a' and 'b' are one stream"):
        uniforms(1, Purpose.POOL, ["a", "b"], MANY[:2], range(1))


def test_the_numbers_stay_what_they_are() -> None:
    """Draws decide every published table: they change on purpose or not at all."""
    assert uniforms(1, Purpose.THRESHOLDS, ["death"], np.array([1, 17]), range(2)).ravel().tolist() == FROZEN
