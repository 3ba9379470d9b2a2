"""Adverse events and the end of treatment, counted again from the other tables of a run."""

from __future__ import annotations

import polars as pl
import pytest
from small_trials import short

from cereblon import StudyResult, run
from cereblon.report.figures.dose import by_cycle

LIMITS = {
    "neutropenia": ("ANC", (2.0, 1.5, 1.0, 0.5)),
    "thrombocytopenia": ("PLAT", (150.0, 75.0, 50.0, 25.0)),
    "anemia": ("HGB", (12.0, 10.0, 8.0, 6.5)),
}
"""CTCAE: event -> quantity of the visits table and the limits below which a count has grade 1, 2, 3, 4."""
RECORDED_AFTER = 28  # days after the last dose

Row = tuple[int, str, int, int, str]


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> StudyResult:
    trial = short("ferrajoli2008", tmp_path_factory.mktemp("trial") / "events.yaml")
    return run(trial, patients=120, seed=3)


def treated_weeks(result: StudyResult) -> pl.DataFrame:
    """Return the weeks with a dose of the treatment; what a site gives for a flare or low counts may come later."""
    of_treatment = pl.col("DRUG").is_in(list(result.trial.treatment))
    return result.table("exposure").filter((pl.col("DOSEMG") > 0) & of_treatment)


def test_the_last_dose_lies_in_the_last_week_with_a_dose(result: StudyResult) -> None:
    subjects = result.table("subjects")
    weeks = treated_weeks(result).group_by("USUBJID").agg(pl.col("ADY").max())
    both = subjects.select("USUBJID", "TRTEDY", "EOSDY").join(weeks, on="USUBJID", how="left")
    assert both.filter(pl.col("TRTEDY").is_null() != pl.col("ADY").is_null()).height == 0
    dosed = both.drop_nulls("ADY")
    assert dosed.height > 100
    assert result.table("exposure")["DRUG"].n_unique() > len(result.trial.treatment)
    assert dosed.filter((pl.col("TRTEDY") < pl.col("ADY")) | (pl.col("TRTEDY") > pl.col("ADY") + 6)).height == 0
    assert dosed.filter(pl.col("TRTEDY") > pl.col("EOSDY")).height == 0


def again(result: StudyResult) -> set[Row]:
    """Return (subject, term, day, grade, flag) of every event by counts, by the rules of the guide."""
    first = treated_weeks(result).group_by("USUBJID").agg(pl.col("ADY").min())
    starts = dict(first.iter_rows())
    ends = {
        s: (last, cut) for s, last, cut in result.table("subjects").select("USUBJID", "TRTEDY", "EOSDY").iter_rows()
    }
    rows: set[Row] = set()
    for term, (code, limits) in LIMITS.items():
        counts = result.table("visits").filter(pl.col("PARAMCD") == code).sort("USUBJID", "ADY")
        for (subject,), part in counts.group_by("USUBJID", maintain_order=True):
            number = int(str(subject))
            if number in starts:
                values = list(part.select("ADY", "AVAL").iter_rows())
                rows |= {(number, term, *event) for event in _of_one(values, limits, starts[number], *ends[number])}
    return rows


def _of_one(
    counts: list[tuple[int, float]], limits: tuple[float, ...], first: int, last: int, cut: int
) -> list[tuple[int, int, str]]:
    found, baseline, worst = [], 0, {"Y": 0, "N": 0}
    cycle = -1
    for day, value in counts:
        grade = sum(value < limit for limit in limits)
        if (day - 1) // 28 != cycle:
            cycle, worst = (day - 1) // 28, {"Y": 0, "N": 0}
        emerged = day > first + 6 and grade > baseline
        if day <= first + 6 or grade == 0:  # the week of the first dose begins with the last count before it
            baseline = grade
        flag = "Y" if emerged else "N"
        if grade > worst[flag] and day <= last + RECORDED_AFTER and day < cut:
            found.append((day, grade, flag))
        worst[flag] = max(worst[flag], grade)
    return found


def test_events_by_counts_follow_from_the_visits(result: StudyResult) -> None:
    events = result.table("adverse_events").filter(pl.col("AETERM").is_in(list(LIMITS)))
    written = {tuple(row) for row in events.select("USUBJID", "AETERM", "ASTDY", "AETOXGR", "TRTEMFL").iter_rows()}
    assert written == again(result)
    assert {row[4] for row in written} == {"Y", "N"}
    assert events.filter(pl.col("AECYCLE") != (pl.col("ASTDY") - 1) // 28 + 1).height == 0


def test_no_count_of_before_the_first_dose_has_emerged(result: StudyResult) -> None:
    first_day = result.table("adverse_events").filter((pl.col("ASTDY") == 1) & pl.col("AETERM").is_in(list(LIMITS)))
    assert first_day.height > 0
    assert set(first_day["TRTEMFL"]) == {"N"}


def test_the_rates_count_what_has_emerged(result: StudyResult) -> None:
    emerged = {row[0] for row in again(result) if row[1] == "thrombocytopenia" and row[3] >= 3 and row[4] == "Y"}
    anyhow = {row[0] for row in again(result) if row[1] == "thrombocytopenia" and row[3] >= 3}
    [arm] = result.arms.values()
    assert set(arm.subjects[arm.flags["thrombocytopenia_g34"]].tolist()) == emerged
    assert emerged < anyhow


def test_who_is_held_at_the_data_cut_is_drawn_as_held(result: StudyResult) -> None:
    cycles = by_cycle(result, "lenalidomide")
    ongoing = result.table("subjects").filter(pl.col("TRTREAS") == "ongoing").select("USUBJID", "TRTEDY")
    last = cycles.join(ongoing, on="USUBJID").filter(pl.col("cycle") == pl.col("cycle").max())
    assert last["treated"].all()
    # there is somebody whose last dose was before the last cycle
    assert last.filter((pl.col("cycle") - 1) * 28 >= pl.col("TRTEDY")).height > 0
