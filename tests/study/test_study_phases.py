"""A trial of three phases from the document to the tables: doses by hand, a step by lot, a stop on response."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import cereblon
from cereblon.clinic.trial.load import parse_trial
from cereblon.result import StudyResult

TRIAL = """
id: three-phases
title: Lead-in, induction, then maintenance or observation by lot
setting: untreated
criteria: iwCLL 2008
nodes_by: palpation
population: {size: 40, age: {median: 65}}
arms:
- id: a
  name: two drugs, then one or none
  size: 40
  gcsf: when_needed
  phases:
  - id: lead-in
    cycle: 21 days
    cycles: 1
    give: [{drug: lenalidomide, dose: 2.5 mg, days: 1-14}]
    support: [{drug: allopurinol, dose: 300 mg, days: 1-7}]
    then: [{to: induction}]
  - id: induction
    cycle: 28 days
    cycles: 6
    give:
    - {drug: lenalidomide, dose: 10 mg, days: 1-21}
    - {drug: dexamethasone, dose: 10 mg/m2, days: [1, 2], cycles: [1, 2], hours: [0, 12]}
    then:
    - {when: response PR or better, rest: until counts recover, at_most: 56 days, to: [maintenance, observation], randomise: [1, 1]}
  - {id: maintenance, cycle: 28 days, until: progression, give: [{drug: lenalidomide, dose: 5 mg}]}
  - {id: observation, until: progression}
follow_up: {duration_months: 9}
"""  # noqa: E501
PATIENTS = 120
LEAD_IN, INDUCTION = 21, 168


@pytest.fixture(scope="module")
def result() -> StudyResult:
    return cereblon.run(parse_trial(TRIAL), patients=PATIENTS, seed=3)


def weeks_of(result: StudyResult, drug: str) -> pl.DataFrame:
    """Return the weeks of a drug: subject, first day, dose (mg), days with a dose."""
    return result.table("exposure").filter(pl.col("DRUG") == drug)


def test_doses_are_those_of_the_phases(result: StudyResult) -> None:
    lenalidomide = weeks_of(result, "lenalidomide").filter(pl.col("DOSEMG") > 0)
    lead_in = lenalidomide.filter(pl.col("ADY") <= LEAD_IN)
    assert set(lead_in["ADY"]) == {1, 8}  # days 1-14 of a cycle of 21
    assert set(lead_in["DOSEMG"] / lead_in["DAYSDOSED"]) == {2.5}
    induction = lenalidomide.filter((pl.col("ADY") > LEAD_IN) & (pl.col("ADY") <= LEAD_IN + INDUCTION))
    rest = {LEAD_IN + 28 * cycle + 22 for cycle in range(6)}  # days 22-28 of each cycle
    assert not set(induction["ADY"]) & rest
    assert set(induction["DOSEMG"] / induction["DAYSDOSED"]) <= {10.0, 5.0, 2.5}  # levels down
    # 10 mg/m2 twice a day on days 1 and 2 of two cycles, by each subject's own surface; a flare may add some
    people = result.table("subjects").select("USUBJID", "BSA")
    planned = weeks_of(result, "dexamethasone").join(people, on="USUBJID").filter(pl.col("LEVELMG") > 0)
    first = planned.filter(pl.col("ADY") == LEAD_IN + 1)
    assert first.height > 0.8 * PATIENTS  # some have left by then
    given = first["DOSEMG"] / (10.0 * first["BSA"])
    assert (abs(given - 4.0) < 1e-3).mean() > 0.75  # the others had a steroid for a flare too
    assert (given > 1.99).all()  # who left on day 2 had two
    assert set(weeks_of(result, "allopurinol")["ADY"]) == {1}


def test_the_second_step_is_by_lot_and_only_after_a_response(result: StudyResult) -> None:
    end = LEAD_IN + INDUCTION
    later = weeks_of(result, "lenalidomide").filter((pl.col("ADY") > end) & (pl.col("DOSEMG") > 0))
    maintained = set(later["USUBJID"])
    assert set(later["DOSEMG"] / later["DAYSDOSED"]) <= {5.0, 2.5}
    subjects = result.table("subjects")
    completed = set(subjects.filter(pl.col("TRTREAS") == "completed")["USUBJID"])
    ongoing = set(subjects.filter(pl.col("TRTREAS") == "ongoing")["USUBJID"])
    assert completed  # without a response the plan ends with induction
    assert not maintained & completed
    responded = set(result.table("response").filter(pl.col("AVALC").is_in(["PR", "nPR", "CRi", "CR"]))["USUBJID"])
    assert maintained <= responded
    observed = ongoing - maintained
    assert maintained
    assert observed  # both branches of the lot
    assert observed <= responded


def test_it_can_be_shown_and_saved(result: StudyResult, tmp_path: Path) -> None:
    folder = result.save(tmp_path / "phases")
    assert (folder / "report.html").stat().st_size > 100_000
    assert result.summary()["arms"]["a"]["orr"]["simulated"] > 0
