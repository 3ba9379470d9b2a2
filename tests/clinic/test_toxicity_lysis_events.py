"""Grades, tumour lysis, rules table, schedules, times to event and adverse-event rows."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from story import SITE, Story, orders, run, trial

from cereblon.clinic import rules as rules_module
from cereblon.clinic.codes import NOISE, Death, Off
from cereblon.clinic.criteria.events import adverse_events, time_to_event
from cereblon.clinic.criteria.flare import flare_grade
from cereblon.clinic.criteria.lysis import clinical_grade, laboratory, risk_class
from cereblon.clinic.criteria.toxicity import (
    grade_anc,
    grade_anc_iwcll,
    grade_fall_iwcll,
    grade_hemoglobin,
    grade_platelets,
)
from cereblon.clinic.rules import rules
from cereblon.clinic.site.orders import assessment_days, count_weeks, ct_flags
from cereblon.errors import CereblonError

Rows = list[tuple[str, int, int, int, str]]


def test_ctcae_grades_at_their_limits() -> None:
    assert grade_anc(np.array([2.0, 1.9, 1.5, 1.4, 1.0, 0.9, 0.5, 0.4]), SITE).tolist() == [0, 1, 1, 2, 2, 3, 3, 4]
    assert grade_platelets(np.array([150.0, 149, 75, 74, 50, 49, 25, 24]), SITE).tolist() == [
        0,
        1,
        1,
        2,
        2,
        3,
        3,
        4,
    ]
    assert grade_hemoglobin(np.array([12.0, 10, 9.9, 8, 7.9, 6.5, 6.4]), SITE).tolist() == [0, 1, 2, 2, 3, 3, 4]
    assert grade_anc(np.array([np.nan]), SITE).tolist() == [0]
    assert grade_anc(jnp.array([0.4, 3.0]), SITE).tolist() == [4, 0]


def test_iwcll_grades_go_by_the_fall_from_baseline() -> None:
    # endpoints section 3: 90 -> 44 is grade 3 in both; 240 -> 110 is grade 1 by CTCAE and 3 by iwCLL
    value, start = np.array([44.0, 110.0, 210.0, 19.0, 15.0]), np.array([90.0, 240.0, 400.0, 30.0, 18.0])
    assert grade_fall_iwcll(value, start, "platelets", SITE).tolist() == [3, 3, 0, 4, -1]
    assert grade_platelets(value, SITE)[:2].tolist() == [3, 1]
    hemoglobin = grade_fall_iwcll(np.array([8.9, 7.5, 6.0, 3.0]), np.full(4, 10.0), "hemoglobin", SITE)
    assert hemoglobin.tolist() == [1, 2, 2, 3]
    assert grade_anc_iwcll(np.array([0.4, 0.4, 1.9]), np.array([3.0, 0.8, 3.0])).tolist() == [4, -1, 1]


def values(uric_acid: float, potassium: float, phosphate: float, calcium: float) -> dict[str, np.ndarray]:
    return {
        "uric_acid": np.array([uric_acid]),
        "potassium": np.array([potassium]),
        "phosphate": np.array([phosphate]),
        "calcium": np.array([calcium]),
    }


def test_laboratory_lysis_needs_two_of_four() -> None:
    start = values(4.0, 4.0, 1.0, 2.4)
    assert not laboratory(values(9, 4.2, 1.1, 2.35), SITE)[0]
    assert laboratory(values(8, 4.2, 1.45, 2.35), SITE)[0]
    assert laboratory(values(6, 6.0, 1.1, 1.75), SITE)[0]
    # a quarter more than baseline counts for Cairo-Bishop and not for Howard
    risen = values(5.0, 5.0, 1.1, 2.35)
    assert laboratory(risen, SITE, start)[0]
    assert not laboratory(risen, SITE)[0]


def test_clinical_grade_by_creatinine() -> None:
    creatinine = np.array([1.4, 1.5, 2.0, 3.5, 7.0])
    lab = np.ones(5, dtype=bool)
    assert clinical_grade(lab, creatinine, np.full(5, 2.0), SITE).tolist() == [0, 1, 2, 3, 4]
    assert clinical_grade(~lab, creatinine, np.full(5, 2.0), SITE).sum() == 0
    assert clinical_grade(lab, creatinine, np.full(5, 1.0), SITE).sum() == 0
    assert risk_class(np.array([4.0, 4.0, 6.0, 6.0, 10.0]), np.array([10.0, 30, 10, 30, 1])).tolist() == [
        0,
        1,
        1,
        2,
        2,
    ]


def test_flare_grade_rises_with_drive_and_with_sensitivity() -> None:
    drive = jnp.array([0.1, 0.5, 1.0, 2.0, 3.0])
    assert flare_grade(drive, jnp.zeros(5), jnp.ones(5), SITE).tolist() == [0, 1, 2, 3, 4]
    assert flare_grade(drive, jnp.zeros(5), jnp.full(5, 3.0), SITE).tolist() == [0, 0, 0, 1, 2]
    assert flare_grade(jnp.array([0.2, 0.1]), jnp.array([0.5, 0.5]), jnp.ones(2), SITE).tolist() == [1, 0]


def test_every_rule_has_unit_status_and_source(monkeypatch: pytest.MonkeyPatch) -> None:
    table = rules()
    assert len(table) > 100
    assert all(r.unit and r.source and r.status in rules_module.STATUSES for r in table.values())
    with pytest.raises(CereblonError, match="nearest: infection_rate"):
        SITE["infection_rat"]


def test_count_visits_follow_the_schedule() -> None:
    document = trial()
    assert np.flatnonzero(count_weeks(document, np.arange(14))).tolist() == [
        0,
        1,
        2,
        3,
        4,
        5,
        6,
        7,
        8,
        10,
        12,
    ]
    monthly = document.model_copy(
        update={
            "schedule": document.schedule.model_copy(
                update={
                    "counts": document.schedule.counts.model_copy(
                        update={"weekly_until_day": 14, "then_every_days": 28}
                    )
                }
            )
        }
    )
    assert np.flatnonzero(count_weeks(monthly, np.arange(15))).tolist() == [0, 1, 2, 6, 10, 14]


def test_assessments_and_ct_are_on_the_grid() -> None:
    document = trial()
    days = assessment_days(document, 100)
    assert days.tolist() == [0, 28, 56, 84]
    assert not ct_flags(document, days).any()
    scanned = document.model_copy(
        update={"nodes_by": "ct", "schedule": document.schedule.model_copy(update={"ct_days": (85, 365)})}
    )
    assert ct_flags(scanned, days).tolist() == [True, False, False, True]


def test_follow_up_is_spread_over_the_accrual() -> None:
    document = trial()
    spread = document.model_copy(update={"follow_up": document.follow_up.model_copy(update={"accrual_months": 12.0})})
    assert orders(document).follow_up_days()[0] == round(24 * 30.4375)
    early = orders(spread, follow_up=1e-9).follow_up_days()[0]
    late = orders(spread, follow_up=50.0).follow_up_days()[0]
    assert (early, late) == (round(18 * 30.4375), round(30 * 30.4375))


def test_bad_input_to_orders() -> None:
    plan = orders(trial())
    with pytest.raises(CereblonError, match="noise"):
        plan.weekly(0, np.zeros((4, 2, 1)))
    with pytest.raises(CereblonError, match="arm"):
        orders(trial(), arm=3)


def outcome(**changes: list[float]) -> dict[str, np.ndarray]:
    n = len(next(iter(changes.values())))
    state = {
        k: np.full(n, -1.0 if k.endswith("day") else 0.0)
        for k in ("dead", "death_day", "death_cause", "off", "off_day", "off_reason")
    }
    return state | {k: np.asarray(v, dtype=float) for k, v in changes.items()}


def test_times_to_event() -> None:
    # progressed then died; died on drug; withdrew and lives; finished as planned; died after the data cut
    state = outcome(
        dead=[1, 1, 0, 0, 1],
        death_day=[400, 200, -1, -1, 900],
        death_cause=[Death.LEUKEMIA, Death.INFECTION, 0, 0, Death.OTHER],
        off=[1, 1, 1, 1, 1],
        off_day=[280, 200, 100, 168, 900],
        off_reason=[Off.PROGRESSION, Off.DEATH, Off.WITHDRAWAL, Off.COMPLETED, Off.DEATH],
    )
    progressed = np.array([252.0, np.nan, np.nan, np.nan, np.nan])
    response = np.array([84.0, np.nan, 56.0, np.nan, np.nan])
    assessed = np.array([224.0, 196.0, 700.0, 728.0, 868.0])
    times = time_to_event(state, progressed, response, assessed, np.full(5, 730.0))
    assert times["PFS"].time.tolist() == [252, 200, 700, 728, 730]
    assert times["PFS"].censored.tolist() == [0, 0, 1, 1, 1]
    assert times["PFS"].reason.tolist()[:3] == ["progression", "death from infection", "last assessment"]
    assert times["OS"].time.tolist() == [400, 200, 730, 730, 730]
    assert times["OS"].censored.tolist() == [0, 0, 1, 1, 1]
    assert times["TTF"].time.tolist() == [252, 200, 100, 730, 730]
    assert times["TTF"].reason[2] == "withdrawal"
    np.testing.assert_equal(times["DOR"].time, [168.0, np.nan, 644.0, np.nan, np.nan])


def events(truth: Story, days: int = 84, cut: float = 1000.0, **course: str | int) -> Rows:
    """Return (term, day, grade, cycle, flag) of each row of one subject who has the counts of `truth`."""
    history, _ = run(orders(trial(course=course)), days, truth)
    weekly = {k: np.stack([s[k] for s in history[6::7]]) for k in history[0]}
    rows = adverse_events(weekly, np.array([cut]), SITE)
    names = ("AETERM", "ASTDY", "AETOXGR", "AECYCLE", "TRTEMFL")
    return list(zip(*(rows[name].tolist() for name in names), strict=True))


def test_adverse_event_rows_hold_the_onset_of_each_grade_in_a_cycle() -> None:
    fall = {7: 1.2, 14: 0.8, 21: 1.2, 28: 0.7, 35: 0.4, 42: 0.3}
    rows = events(lambda day: {"anc": fall.get(day // 7 * 7, 4.0)})
    assert rows == [
        ("neutropenia", 8, 2, 1, "Y"),
        # grade 3 is dated where it begins, and the milder count after it is no onset
        ("neutropenia", 15, 3, 1, "Y"),
        ("neutropenia", 29, 3, 2, "Y"),
        ("neutropenia", 36, 4, 2, "Y"),
    ]


def test_a_count_before_the_first_dose_is_a_baseline() -> None:
    assert events(lambda day: {"platelets": 60.0}, days=28) == [("thrombocytopenia", 1, 2, 1, "N")]
    # it lasts through later cycles, and only what is worse has emerged
    worse = events(lambda day: {"platelets": 60.0 if day < 35 else 40.0}, days=56)
    assert worse == [
        ("thrombocytopenia", 1, 2, 1, "N"),
        ("thrombocytopenia", 29, 2, 2, "N"),
        ("thrombocytopenia", 36, 3, 2, "Y"),
    ]
    # once a count was normal, the next low one is a new event
    course = {0: 60.0, 7: 200.0, 14: 60.0, 21: 60.0}
    again = events(lambda day: {"platelets": course.get(day // 7 * 7, 200.0)}, days=28)
    assert again == [("thrombocytopenia", 1, 2, 1, "N"), ("thrombocytopenia", 15, 2, 1, "Y")]


def test_of_several_counts_before_the_first_dose_the_last_is_the_baseline() -> None:
    course = {0: 0.8, 7: 1.2, 14: 0.8, 21: 1.2, 28: 0.8}
    rows = events(lambda day: {"anc": course.get(day // 7 * 7, 4.0)}, days=56, from_day=8)
    # the first dose is on day 8, after that day's count: grade 2 is the baseline, and grade 3 on day 15 has emerged
    assert [row[1:] for row in rows] == [(1, 3, 1, "N"), (15, 3, 1, "Y"), (29, 3, 2, "Y")]


def test_events_long_after_the_last_dose_or_the_data_cut_are_not_reported() -> None:
    def late(first: int) -> Story:
        return lambda day: {"anc": 0.3} if day >= first else {}

    # one cycle of 28 days: its last dose is on day 28, and day 56 is the last one on which an event is recorded
    assert SITE["events_after_last_dose"] == 28
    assert [row[1] for row in events(late(49), 112, cycles="1")] == [50]
    assert events(late(56), 112, cycles="1") == []
    assert events(late(63), 112) != []
    assert events(late(63), 112, cut=63.0) == []


def test_the_last_dose_is_one_that_was_given_and_recorded() -> None:
    plan = orders(trial())
    cut = int(plan.follow_up_days()[0])
    # held from the last count before the cut on: the last dose is the day before that, not the data cut
    visit = 14 * (cut // 14)
    assert visit < cut
    history, doses = run(plan, 28 * (cut // 28 + 2), lambda day: {"anc": 0.3} if day >= visit else {})
    assert history[-1]["last_dose_day"][0] == visit - 1
    # without a hold it is the last day before the cut, though the drug is taken on
    history, doses = run(plan, 28 * (cut // 28 + 2))
    assert history[-1]["last_dose_day"][0] == cut - 1
    assert doses["len_gut"][cut, 0] > 0
    assert sum(s["dose"][0, 0] for s in history[6::7]) == doses["len_gut"][:cut, 0].sum()


def test_measured_counts_carry_the_given_noise() -> None:
    noise = np.zeros((4, len(NOISE), 1))
    noise[0, 0], noise[1, 1] = 1.0, -2.0
    history, _ = run(orders(trial()), 28, noise=lambda block: noise)
    assert history[0]["anc_measured"][0] == pytest.approx(4.0 * np.exp(0.30), rel=1e-5)
    assert history[7]["platelets_measured"][0] == pytest.approx(180.0 * np.exp(-0.24), rel=1e-5)
