"""What a trial of the published size would show: chance of the trial, size of the cohort, and no more memory."""

import time
import tracemalloc
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy.stats import betabinom, binom

import synthetic
from cereblon.outcomes.compare import Comparison, cohort_note
from cereblon.outcomes.data import ArmData, Times
from cereblon.outcomes.endpoints import ENDPOINTS
from cereblon.outcomes.prediction import Draws, quantile, replicate
from cereblon.report.console import outcome_notes
from cereblon.report.page import report_page
from cereblon.result import StudyResult

KINDS = ("orr", "pfs_median", "pfs_1y", "neutropenia_g34_cycles")


def arm(cohort: int, size: int, hit: int, name: str = "a", seed: int = 3) -> ArmData:
    """An arm in which the first `hit` of the cohort have every event; times are whole days, as in a run."""
    rng = np.random.default_rng(seed)
    given = rng.integers(1, 30, cohort).astype(float)
    days = rng.integers(1, 1200, cohort)
    times = Times(days / 30.4375, rng.random(cohort) < 0.6)
    return ArmData(
        arm=name,
        size=size,
        subjects=np.arange(cohort),
        twins=np.arange(cohort),
        flags={"orr": np.arange(cohort) < hit},
        cycles_given=given,
        cycles_hit={"neutropenia_g34_cycles": np.floor(given * (np.arange(cohort) < hit) * 0.5)},
        times={"PFS": times, "OS": times},
    )


def p90(key: str, *arms: ArmData, seed: int = 1, replicates: int = 2000) -> tuple[float | None, float | None]:
    draws = Draws({a.arm: a for a in arms}, seed, replicates)
    values = replicate(ENDPOINTS[key], key, draws, draws.size)
    return quantile(values, 0.05), quantile(values, 0.95)


@pytest.mark.parametrize(
    ("hit", "cohort", "size"), [(0, 250, 60), (39, 60, 60), (250, 250, 60), (1, 1, 25), (3, 8, 16)]
)
def test_a_share_is_beta_binomial_with_the_prior_of_jeffreys(hit: int, cohort: int, size: int) -> None:
    exact = betabinom(size, hit + 0.5, cohort - hit + 0.5)
    found = p90("orr", arm(cohort, size, hit))
    for end, share in zip(found, (0.05, 0.95), strict=True):
        assert end is not None
        count = round(end * size / 100)
        assert exact.cdf(count - 1) - 0.005 <= share <= exact.cdf(count) + 0.005


@pytest.mark.parametrize("size", [16, 25, 35, 60, 104])
@pytest.mark.parametrize("hit", [5, 60, 140, 250, 370, 460, 495])
def test_five_hundred_patients_are_nearly_the_population(size: int, hit: int) -> None:
    # against drawing trials from the cohort itself: two points, or one patient of a small trial
    known = binom(size, hit / 500)
    for end, share in zip(p90("orr", arm(500, size, hit)), (0.05, 0.95), strict=True):
        assert end == pytest.approx(100 * known.ppf(share) / size, abs=max(2.0, 100 / size) + 1e-9)


def test_nothing_seen_in_250_does_not_exclude_one_of_60() -> None:
    low, high = p90("orr", arm(250, 60, 0))
    assert low == 0
    assert high == pytest.approx(100 / 60)


def test_pooled_arms_are_the_sum_of_their_counts() -> None:
    rng = np.random.default_rng(5)
    exact = sum(betabinom(30, x + 0.5, 40 - x + 0.5).rvs(200_000, random_state=rng) for x in (4, 30)) / 0.6
    found = p90("orr", arm(40, 30, 4, "a"), arm(40, 30, 30, "b"))
    assert found == pytest.approx(np.quantile(exact, [0.05, 0.95], method="inverted_cdf"), abs=1.7)


@pytest.mark.parametrize("key", KINDS)
def test_one_simulated_patient_tells_next_to_nothing(key: str) -> None:
    low, high = p90(key, arm(1, 60, 1))
    assert low is not None
    unit = 12 if ENDPOINTS[key].kind == "median" else 100
    assert high is None or high - low > 0.6 * unit


@pytest.mark.parametrize("key", KINDS)
def test_intervals_narrow_as_the_cohort_grows_down_to_the_chance_of_the_trial(key: str) -> None:
    def width(cohort: int) -> float:
        low, high = p90(key, arm(cohort, 60, cohort // 2))
        assert low is not None
        assert high is not None
        return high - low

    few, many, more = width(30), width(3000), width(30_000)
    assert few > 1.15 * many
    assert more == pytest.approx(many, rel=0.12)


@pytest.mark.parametrize("key", KINDS)
def test_an_arm_draws_the_same_whatever_other_arms_there_are(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    b = arm(40, 30, 10, "b", seed=4)
    alone, again = (replicate(ENDPOINTS[key], key, Draws({"b": b}, 5, 300), 30) for _ in range(2))
    other = replicate(ENDPOINTS[key], key, Draws({"b": b}, 6, 300), 30)
    silent = replace(arm(90, 1, 5, "a"), size=0)  # an arm that sends nobody into the pooled trial
    pooled = replicate(ENDPOINTS[key], key, Draws({"a": silent, "b": b}, 5, 300), 30)
    monkeypatch.setattr("cereblon.outcomes.prediction._CELLS", 700)
    pieces = replicate(ENDPOINTS[key], key, Draws({"b": b}, 5, 300), 30)
    assert np.array_equal(alone, again)
    assert np.array_equal(alone, pooled)
    assert np.array_equal(alone, pieces)
    assert not np.array_equal(alone, other)


def test_twins_are_one_draw_of_people() -> None:
    one, other = arm(40, 30, 10, "a"), arm(40, 30, 10, "b")
    alone = replicate(ENDPOINTS["orr"], "orr", Draws({"a": one}, 5), 30)
    twins = replicate(ENDPOINTS["orr"], "orr", Draws({"a": one, "b": other}, 5, twins=True), 60)
    apart = replicate(ENDPOINTS["orr"], "orr", Draws({"a": one, "b": other}, 5), 60)
    assert np.array_equal(twins, alone)  # the same people twice tell no more than once
    assert apart.std() < 0.85 * twins.std()
    larger = replace(other, size=50)
    for key in KINDS:
        values = replicate(ENDPOINTS[key], key, Draws({"a": one, "b": larger}, 5, 300, twins=True), 80)
        assert len(values) in (300, 1500)
        assert np.isfinite(values).any()
    opposite = replace(other, flags={"orr": ~one.flags["orr"]})
    halves = replicate(ENDPOINTS["orr"], "orr", Draws({"a": one, "b": opposite}, 5, twins=True), 60)
    assert halves.std() < 0.3 * alone.std()  # but for the two added outcomes, one of each pair responds


def test_size_of_trial_and_cohort_cost_neither_memory_nor_time() -> None:
    arms = {name: arm(cohort, 100_000, 2, name) for name, cohort in (("a", 4), ("b", 100_000))}
    draws = Draws(arms, 1)
    began = time.perf_counter()
    tracemalloc.start()
    for key in KINDS:
        assert len(replicate(ENDPOINTS[key], key, draws, draws.size)) >= 2000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6
    assert time.perf_counter() - began < 60


def only(result: StudyResult, subjects: int) -> StudyResult:
    kept = {name: table.lazy().collect().filter(pl.col("USUBJID") < subjects) for name, table in result.tables.items()}
    return replace(result, tables=kept)


def test_a_cohort_of_one_is_wide_everywhere_and_says_so() -> None:
    result = only(synthetic.study(60), 1)
    rows: list[Comparison] = [row for row in result.comparisons if row.endpoint.kind != "median"]
    for row in rows:
        assert row.p90.low is not None
        assert row.p90.high is not None
        assert row.p90.high - row.p90.low > 50, row.key
    note = cohort_note(result, result.arms)
    assert note is not None
    assert "1 for 60" in note
    assert note in outcome_notes(result)
    assert note in report_page(result)


def test_as_many_as_the_trial_has_are_not_remarked_on() -> None:
    whole = synthetic.study(60)
    assert cohort_note(whole, whole.arms) is None
    pair = synthetic.study(20, arms=("x", "y"))
    note = cohort_note(pair, pair.arms)
    assert note is not None
    assert "20 for 30 in arm x, 20 for 30 in arm y" in note
