"""What must hold of any sensible version of the model, whatever its parameter values."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl
import pytest

from cereblon import StudyResult, load_trial, run
from cereblon.columns import (
    AECYCLE,
    AETERM,
    AETOXGR,
    ARM,
    BESTRESP,
    LABORATORY_LYSIS,
    RESPONDERS,
    TRTEMFL,
    TUMOR_FLARE,
    USUBJID,
)

PATIENTS = 256


@pytest.fixture(scope="module")
def first_line() -> StudyResult:
    """Elderly patients with untreated CLL."""
    return run(load_trial("badoux2011"), patients=PATIENTS, seed=3)


@pytest.fixture(scope="module")
def relapsed() -> StudyResult:
    """Relapsed patients on a similar schedule."""
    return run(load_trial("ferrajoli2008"), patients=PATIENTS, seed=3)


@pytest.fixture(scope="module")
def start_doses() -> StudyResult:
    """The same relapsed patients started at 5, 10 or 15 mg: the effect of the dose, not of who is in which arm."""
    return run(load_trial("buhler2013"), patients=PATIENTS, seed=3, twins=True)


def response_rate(result: StudyResult) -> float:
    """Share of subjects with a confirmed response."""
    return float(result.table("subjects")[BESTRESP].is_in(list(RESPONDERS)).mean())  # type: ignore[arg-type]


def shares(result: StudyResult, term: str, grade: int, arms: Iterable[str]) -> list[float]:
    """Share of subjects of each arm with an event of at least `grade` in cycle 1."""
    subjects = result.table("subjects").select(USUBJID, ARM)
    events = result.table("adverse_events").filter(pl.col(TRTEMFL) == "Y").join(subjects, on=USUBJID)
    hit = events.filter((pl.col(AETERM) == term) & (pl.col(AETOXGR) >= grade) & (pl.col(AECYCLE) == 1))
    return [hit.filter(pl.col(ARM) == arm)[USUBJID].n_unique() / PATIENTS for arm in arms]


def test_untreated_patients_respond_more_often(first_line: StudyResult, relapsed: StudyResult) -> None:
    assert response_rate(first_line) > response_rate(relapsed) + 0.1


def test_flare_rises_with_the_start_dose(start_doses: StudyResult) -> None:
    for grade in (1, 2):
        low, middle, high = shares(start_doses, TUMOR_FLARE, grade, ("start-5", "start-10", "start-15"))
        assert low < middle < high


@pytest.mark.slow
def test_lysis_rises_with_the_start_dose() -> None:
    result = run(load_trial("chanan-khan2006"), patients=1500, seed=3, twins=True)
    subjects = result.table("subjects").select(USUBJID, ARM)
    events = result.table("adverse_events").join(subjects, on=USUBJID).filter(pl.col(AETERM) == LABORATORY_LYSIS)
    full = events.filter(pl.col(ARM) == "A")[USUBJID].n_unique()
    slow = events.filter(pl.col(ARM) == "B")[USUBJID].n_unique()
    assert full > slow


def test_neutropenia_is_common_on_continuous_dosing(
    first_line: StudyResult, relapsed: StudyResult, start_doses: StudyResult
) -> None:
    for result in (first_line, relapsed, start_doses):
        for arm in result.summary()["arms"].values():
            assert 40.0 <= arm["neutropenia_g34"]["simulated"] <= 95.0


def test_without_cereblon_nobody_responds(first_line: StudyResult) -> None:
    without = run(load_trial("badoux2011"), patients=PATIENTS, seed=3, overrides={"crbn_expression": 0.0})
    assert response_rate(without) <= 0.05 * response_rate(first_line)


def test_half_of_the_responders_respond_by_month_three_or_close(first_line: StudyResult) -> None:
    """Scans come on days 85, 169 and 365, so month 3 is the first chance; the elderly trial saw about half by then."""
    days = first_line.table("subjects")["RSPDY"].drop_nulls()
    assert float((days <= 91).mean()) > 0.25  # type: ignore[arg-type]
