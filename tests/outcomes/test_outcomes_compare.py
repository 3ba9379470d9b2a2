import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import synthetic
from cereblon.clinic.trial.design import Published
from cereblon.errors import CereblonError
from cereblon.outcomes.compare import hits, is_inside
from cereblon.outcomes.endpoints import STANDARD
from cereblon.outcomes.prediction import Draws, quantile
from cereblon.outcomes.rates import Interval
from cereblon.result import StudyResult

ISSUE_KEYS = [
    "orr",
    "cr",
    "pr",
    "pfs_median",
    "neutropenia_g34",
    "neutropenia_g34_cycles",
    "thrombocytopenia_g34",
    "tls",
    "tfr",
]


def test_summary_has_the_promised_shape() -> None:
    summary = synthetic.study(60).summary()
    assert set(summary) == {"trial", "twins", "arms", "warnings"}
    assert summary["warnings"] == []
    assert list(summary["arms"]) == ["continuous"]
    endpoints = summary["arms"]["continuous"]
    assert list(endpoints) == ISSUE_KEYS == list(STANDARD)
    for entry in endpoints.values():
        assert set(entry) == {"published", "published_n", "simulated", "p90", "inside"}
        assert entry["inside"] in (True, False, None)
        assert len(entry["p90"]) == 2
    assert endpoints["orr"]["published"] == 65
    assert endpoints["pr"]["published"] is None
    assert endpoints["pr"]["inside"] is None
    json.dumps(summary, allow_nan=False)


def test_equal_seeds_give_equal_bytes_and_other_seeds_do_not() -> None:
    first, again = (json.dumps(synthetic.study(80, seed=3).summary()) for _ in range(2))
    assert first == again
    assert json.dumps(synthetic.study(80, seed=4).summary()) != first


def test_row_order_of_the_tables_does_not_matter() -> None:
    result = synthetic.study(80)
    shuffled = {n: t.lazy().collect().sample(fraction=1.0, shuffle=True, seed=9) for n, t in result.tables.items()}
    assert replace(result, tables=shuffled).summary() == result.summary()


def test_simulated_values_are_those_of_the_tables() -> None:
    result = synthetic.study(400)
    arm = result.arms["continuous"]
    subjects = result.table("subjects")
    responders = subjects["BESTRESP"].is_in(["CR", "CRi", "nPR", "PR"]).mean()
    assert arm.flags["orr"].mean() == responders
    events = result.table("adverse_events")
    severe = events.filter((pl.col("AETERM") == "neutropenia") & (pl.col("AETOXGR") >= 3))
    assert arm.flags["neutropenia_g34"].sum() == severe["USUBJID"].n_unique()
    given = result.table("exposure").filter(pl.col("DOSEMG") > 0)
    cycles = given.select("USUBJID", (pl.col("ADY") - 1) // 28).unique().height
    assert arm.cycles_given.sum() == cycles
    row = {r.key: r for r in result.comparisons}["orr"]
    assert row.simulated == pytest.approx(100 * responders, abs=2.5)
    assert row.p90.low is not None
    assert row.p90.low < row.simulated < (row.p90.high or 0)


def test_what_was_there_before_the_first_dose_counts_nowhere() -> None:
    result = synthetic.study(60)
    events = result.table("adverse_events")
    everyone = result.table("subjects").select("USUBJID")
    before = everyone.select(
        "USUBJID",
        ASTDY=pl.lit(1, pl.Int32),
        AETERM=pl.lit("neutropenia"),
        AETOXGR=pl.lit(4, pl.Int8),
        AECYCLE=pl.lit(1, pl.Int32),
        TRTEMFL=pl.lit("N"),
    )
    both = replace(result, tables={**result.tables, "adverse_events": pl.concat([events, before])})
    assert both.summary() == result.summary()
    emerged = before.with_columns(TRTEMFL=pl.lit("Y"))
    all_of_them = replace(result, tables={**result.tables, "adverse_events": pl.concat([events, emerged])})
    assert all_of_them.arms["continuous"].flags["neutropenia_g34"].all()


def test_a_cycle_with_an_event_but_no_dose_is_not_counted() -> None:
    result = synthetic.study(50)
    undosed = result.table("exposure").with_columns(pl.lit(0.0, pl.Float32).alias("DOSEMG"))
    empty = replace(result, tables={**result.tables, "exposure": undosed})
    row = {r.key: r for r in empty.comparisons}["neutropenia_g34_cycles"]
    assert row.simulated is None
    assert row.p90 == (None, None)
    assert row.inside is False


def test_interval_is_that_of_a_trial_of_the_published_size() -> None:
    # Exact 5 and 95 % order statistics of a binomial with n = 60 around the simulated rate, by numpy.
    result = synthetic.study(4000)
    rate = result.arms["continuous"].flags["orr"].mean()
    expected = np.quantile(np.random.default_rng(0).binomial(60, rate, 40_000) / 0.6, [0.05, 0.95])
    row = {r.key: r for r in result.comparisons}["orr"]
    assert list(row.p90) == pytest.approx(list(expected), abs=1.7)


def test_interval_does_not_vanish_when_as_many_are_simulated_as_published() -> None:
    low, high = {r.key: r for r in synthetic.study(60).comparisons}["orr"].p90
    assert low is not None
    assert high is not None
    assert high - low > 10


def test_pooled_figures_get_an_entry_of_their_own() -> None:
    result = synthetic.study(60, arms=("a", "b"))
    arms = result.summary()["arms"]
    assert list(arms) == ["a", "b", "all"]
    assert arms["all"]["orr"]["published"] == 65
    assert arms["a"]["orr"]["published"] is None
    only = result.table("subjects").filter(pl.col("ARM") == "a")
    assert list(replace(result, tables={**result.tables, "subjects": only}).summary()["arms"]) == ["a"]


def test_pooling_keeps_the_published_arm_sizes() -> None:
    draws = Draws(synthetic.study(30, arms=("a", "b", "c")).arms, seed=1, replicates=3)
    assert draws.size == 60
    assert sum(draws.shares(40).values()) == 40
    assert sorted(draws.shares(40).values()) == [13, 13, 14]
    assert draws.shares(1000) == {"a": 20, "b": 20, "c": 20}


def test_twins_are_drawn_together_and_counted_once() -> None:
    """Arms with the same people and the same outcomes: pooled, they are no surer than one of them."""
    result = synthetic.twins(90)
    rows = {(row.arm, row.key): row for row in result.comparisons}
    one, pooled = (rows[arm, "tfr"].p90 for arm in ("a", "all"))
    assert pooled == one  # the published size of an arm is 20 persons, also three times over
    # the same tables taken for different people would look surer than they are
    apart = {(row.arm, row.key): row for row in replace(result, twins=False).comparisons}
    surer = apart["all", "tfr"].p90
    assert None not in (*one, *surer)
    assert surer.high - surer.low < 0.75 * (one.high - one.low)  # type: ignore[operator]


def test_arms_that_are_not_twins_are_not_taken_for_such() -> None:
    with pytest.raises(CereblonError, match="do not hold the same people"):
        Draws(synthetic.study(30, arms=("a", "b")).arms, seed=1, twins=True)


def _figure(**fields: object) -> Published:
    return Published.model_validate({"endpoint": "orr", "source": "S1"} | fields)


@pytest.mark.parametrize(
    ("fields", "p90", "expected"),
    [
        ({"value": 43.0, "n": 26, "of": 60}, (43.4, 60.0), False),  # 26 of 60 is 43.33: the count is exact
        ({"value": 43.0}, (43.4, 60.0), True),  # printed without decimals: 42.5 to 43.5
        ({"value": 43.0}, (43.6, 60.0), False),
        ({"value": 11.5}, (11.56, 20.0), False),  # one decimal: 11.45 to 11.55
        ({"value": 50.0}, (20.0, None), True),
        ({"value": 5.0}, (20.0, None), False),
        ({"value": 5.0}, (None, None), False),
        ({"below": 10.0}, (0.0, 5.0), None),
        ({"not_reached": True, "endpoint": "pfs_median"}, (10.0, None), None),
        ({"value": 50.0, "confidence": "recalled"}, (40.0, 60.0), None),
    ],
)
def test_inside_allows_for_rounding_and_for_open_ends(
    fields: dict[str, object], p90: tuple[float | None, float | None], expected: bool | None
) -> None:
    assert is_inside(_figure(**fields), Interval(*p90)) is expected


def test_quantiles_are_values_that_occur() -> None:
    values = np.array([1.0, 2.0, 3.0, np.inf])
    assert (quantile(values, 0.05), quantile(values, 0.5), quantile(values, 0.95)) == (1.0, 2.0, None)
    assert quantile(np.array([1.0, np.nan]), 0.5) is None


def test_hits_count_only_printed_standard_figures() -> None:
    rows = synthetic.study(300).comparisons
    judged = [r for r in rows if r.key in STANDARD and r.published is not None]
    assert hits(rows) == (sum(bool(r.inside) for r in judged), len(judged))
    assert len(judged) == 5  # pfs_2y is printed too, but is not one of the nine


def test_broken_tables_are_named() -> None:
    result = synthetic.study(20)
    doubled = pl.concat([result.table("subjects")] * 2)
    with pytest.raises(CereblonError, match="USUBJID"):
        replace(result, tables={**result.tables, "subjects": doubled}).summary()
    no_times = result.table("time_to_event").filter(pl.col("USUBJID") != 7)
    with pytest.raises(CereblonError, match="PFS row for subject 7"):
        replace(result, tables={**result.tables, "time_to_event": no_times}).summary()


def test_an_unknown_table_is_answered_with_the_nearest(small: StudyResult) -> None:
    with pytest.raises(CereblonError, match="nearest: visits"):
        small.table("visit")
    assert small.table("visits").columns == ["USUBJID", "TWIN", "ADY", "PARAMCD", "AVAL", "AVALU", "SOURCE"]


@pytest.fixture(scope="module")
def small() -> StudyResult:
    return synthetic.study(30)
