"""Between-subject variability, visit noise and thresholds: distributions, correlation, independence."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cereblon.errors import CereblonError
from cereblon.parameters import draw_variability, streams
from cereblon.patients import draw_noise, draw_thresholds


@dataclass(frozen=True)
class Row:
    value: float
    distribution: str = "lognormal"
    spread: float = 0.3
    group: str = ""
    status: str = "assumed"


ROWS = {
    "clearance": Row(12.0, spread=0.25),
    "bioavailability": Row(0.9, "logitnormal", 0.5),
    "lag": Row(1.0, "normal", 0.1),
    "kill_a": Row(2.0, spread=0.4, group="immune"),
    "kill_b": Row(3.0, spread=0.4, group="immune"),
    "kill_c": Row(4.0, spread=0.4, group="immune"),
    "fixed": Row(5.0, "none", 0.0),
    "crcl": Row(90.0, status="covariate"),
}
MANY = np.arange(4000)
LABS = ("anc", "platelets", "alc")


def test_only_varied_rows_are_drawn_and_their_median_is_the_value() -> None:
    drawn = draw_variability(ROWS, MANY, 1)
    assert set(drawn) == set(ROWS) - {"fixed", "crcl"}
    for name, values in drawn.items():
        assert values.shape == MANY.shape
        assert np.median(values) == pytest.approx(ROWS[name].value, rel=0.03), name
    assert np.log(drawn["clearance"]).std() == pytest.approx(0.25, rel=0.05)
    assert drawn["lag"].std() == pytest.approx(0.1, rel=0.05)
    odds = np.log(drawn["bioavailability"] / (1 - drawn["bioavailability"]))
    assert odds.std() == pytest.approx(0.5, rel=0.05)


@pytest.mark.parametrize("correlation", [0.0, 0.6, 0.95])
def test_a_group_shares_its_correlation(correlation: float) -> None:
    drawn = draw_variability(ROWS, MANY, 1, {"immune": correlation})
    logs = np.log(np.stack([drawn["kill_a"], drawn["kill_b"], drawn["kill_c"], drawn["clearance"]]))
    found = np.corrcoef(logs)
    assert found[[0, 0, 1], [1, 2, 2]] == pytest.approx([correlation] * 3, abs=0.05)
    assert found[:3, 3] == pytest.approx([0.0] * 3, abs=0.05)
    assert logs[:3].std(axis=1) == pytest.approx([0.4] * 3, rel=0.05)


@pytest.mark.parametrize(
    ("rows", "correlations", "words"),
    [
        ({"a": Row(1.0, "lognormall")}, {}, "nearest: lognormal"),
        ({"a": Row(1.5, "logitnormal")}, {}, "outside 0-1"),
        ({"a": Row(1.0, spread=-1.0)}, {}, "spread"),
        ({k: Row(1.0, group="g") for k in "abc"}, {"g": -0.1}, "impossible"),
        ({k: Row(1.0, group="g") for k in "abc"}, {"g": 1.2}, "impossible"),
    ],
)
def test_impossible_rows_are_refused(rows: dict[str, Row], correlations: dict[str, float], words: str) -> None:
    with pytest.raises(CereblonError, match=words):
        draw_variability(rows, [0, 1], 1, correlations)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**63), st.lists(st.integers(0, 2**40), min_size=1, max_size=12, unique=True), st.randoms())
def test_nothing_depends_on_the_batch(seed: int, subjects: list[int], random: object) -> None:
    order = list(range(len(subjects)))
    random.shuffle(order)  # type: ignore[attr-defined]
    some = [subjects[i] for i in order[: max(1, len(order) // 2)]]
    rows = order[: len(some)]
    whole, part = draw_variability(ROWS, subjects, seed), draw_variability(ROWS, some, seed)
    assert all(np.array_equal(whole[name][rows], part[name]) for name in whole)
    assert np.array_equal(draw_noise(subjects, seed, 6, LABS)[..., rows], draw_noise(some, seed, 6, LABS))
    events, fewer = (draw_thresholds(s, seed, ["death", "infection"], 2) for s in (subjects, some))
    assert all(np.array_equal(events[name][:, rows], fewer[name]) for name in events)


def test_noise_is_standard_normal_and_longer_trials_keep_it() -> None:
    noise = draw_noise(range(500), 4, 20, LABS)
    assert noise.shape == (20, 3, 500)
    assert noise.dtype == np.float32
    assert noise.mean() == pytest.approx(0, abs=0.02)
    assert noise.std() == pytest.approx(1, abs=0.02)
    assert np.array_equal(noise[:8], draw_noise(range(500), 4, 8, LABS))


def test_thresholds_are_unit_exponential_and_names_may_come_in_any_order() -> None:
    drawn = draw_thresholds(range(3000), 4, ["withdrawal", "death"], 2)
    assert {name: values.shape for name, values in drawn.items()} == {
        "death": (2, 3000),
        "withdrawal": (2, 3000),
    }
    assert all(values.mean() == pytest.approx(1, abs=0.06) for values in drawn.values())
    again = draw_thresholds(range(3000), 4, ["death", "withdrawal"], 2)
    assert all(np.array_equal(drawn[name], again[name]) for name in drawn)
    assert np.corrcoef(drawn["death"][0], drawn["withdrawal"][0])[0, 1] == pytest.approx(0, abs=0.06)


def test_streams_are_independent_of_each_other() -> None:
    eta = np.log(draw_variability({"a": Row(1.0, spread=1.0)}, MANY, 9)["a"])
    noise = draw_noise(MANY, 9, 1, ["a"])[0, 0]
    assert np.corrcoef(eta, noise)[0, 1] == pytest.approx(0, abs=0.06)


def test_a_new_parameter_moves_no_other() -> None:
    """Wherever its name sorts, whatever its group."""
    before = draw_variability(ROWS, MANY, 1, {"immune": 0.6})
    further = {
        "aaa": Row(1.0),
        "kill_aa": Row(2.0, group="immune"),
        "zzz": Row(0.5, "logitnormal", 0.5, group="immune"),
    }
    after = draw_variability({**further, **ROWS}, MANY, 1, {"immune": 0.6})
    assert set(after) == set(before) | set(further)
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_a_new_measurement_or_event_moves_no_other() -> None:
    noise, more = draw_noise(MANY, 1, 5, LABS), draw_noise(MANY, 1, 5, ("albumin", *LABS))
    assert np.array_equal(noise, more[:, 1:])
    events = draw_thresholds(MANY, 1, ["death", "infection"], 2)
    further = draw_thresholds(MANY, 1, ["death", "dermatitis", "infection"], 2)
    assert all(np.array_equal(events[name], further[name]) for name in events)
    longer = draw_thresholds(MANY, 1, ["death", "infection"], 9)
    assert all(np.array_equal(events[name], longer[name][:2]) for name in events)


def test_a_group_and_a_parameter_of_one_stream_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stream of a group is drawn beside those of the parameters: their keys are compared with it."""
    whole = streams.stream_key
    same = {"group immune": "clearance"}
    monkeypatch.setattr(streams, "stream_key", lambda seed, purpose, name: whole(seed, purpose, same.get(name, name)))
    with pytest.raises(CereblonError, match="'clearance' and 'group immune' are one stream"):
        draw_variability(ROWS, [1, 2], 1, {"immune": 0.6})


def test_a_first_companion_moves_nobody() -> None:
    """Also the step from one member of a group to two, where a factor of the matrix would begin."""
    alone = {"kill_a": ROWS["kill_a"]}
    before = draw_variability(alone, MANY, 1, {"immune": 0.6})["kill_a"]
    after = draw_variability({**alone, "aaa": Row(2.0, group="immune")}, MANY, 1, {"immune": 0.6})
    assert np.array_equal(before, after["kill_a"])
    assert np.corrcoef(np.log(before), np.log(after["aaa"]))[0, 1] == pytest.approx(0.6, abs=0.04)
