"""The dose rules told as stories of one subject, week by week."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from story import DRUGS, WELL, orders, run, trial

from cereblon.clinic.codes import NOISE, Off
from cereblon.clinic.site.decide import build_decide

ESCALATING = {
    "dose": "5 mg",
    "escalation": {
        "step": "5 mg",
        "first_after": "56 days",
        "every": "28 days",
        "maximum": "25 mg",
        "condition": "tolerated",
    },
}


def weeks(doses: np.ndarray) -> list[float]:
    """Return the dose of the first day of each week, mg."""
    return [float(v) for v in doses["len_gut"][::7, 0]]


def counts(*anc: float, platelets: tuple[float, ...] = ()):
    """Return a truth whose ANC (and platelets) are given week by week; the last value stays."""

    def truth(day: int) -> dict[str, float]:
        week = day // 7
        found = {"anc": anc[min(week, len(anc) - 1)]} if anc else {}
        if platelets:
            found["platelets"] = platelets[min(week, len(platelets) - 1)]
        return found

    return truth


def test_grade_4_holds_and_resumes_one_level_lower() -> None:
    history, doses = run(orders(trial()), 35, counts(4, 0.4, 0.8, 1.2))
    assert weeks(doses) == [10, 0, 0, 5, 5]
    assert history[20]["hold_anc"][0] == 1
    assert history[21]["hold"][0] == 0


def test_two_values_under_one_hold_but_one_value_does_not() -> None:
    _, once = run(orders(trial()), 28, counts(4, 0.8, 1.5))
    assert weeks(once) == [10, 10, 10, 10]
    _, twice = run(orders(trial()), 35, counts(4, 0.8, 0.8, 1.5))
    assert weeks(twice) == [10, 10, 0, 5, 5]


def test_low_platelets_hold_and_cost_a_level() -> None:
    _, doses = run(orders(trial()), 28, counts(4, platelets=(180, 45, 60)))
    assert weeks(doses) == [10, 0, 5, 5]


def test_between_visits_nothing_is_known() -> None:
    # after day 56 counts are two-weekly: a fall on day 63 is seen on day 70
    history, doses = run(orders(trial()), 84, lambda day: {"anc": 0.3} if day >= 63 else {})
    assert weeks(doses)[8:12] == [10, 10, 0, 0]
    assert history[64]["counted"][0] == 0
    # on hold the subject is seen weekly
    assert history[78]["counted"][0] == 1


def test_myeloma_first_neutropenia_keeps_the_dose_and_the_next_one_does_not() -> None:
    plan = orders(trial(rules={"set": "myeloma"}))
    _, doses = run(plan, 42, counts(4, 0.9, 1.1, 0.9, 1.1))
    assert weeks(doses) == [10, 0, 10, 0, 5, 5]


def test_growth_factor_saves_the_dose_in_the_gcsf_first_set() -> None:
    plan = orders(trial(rules={"set": "gcsf_first"}, gcsf="when_needed"), gcsf=0.5)
    history, doses = run(plan, 28, counts(4, 0.4, 0.7))
    assert doses["gcsf_depot"][7:14, 0].tolist() == [300] * 5 + [0, 0]
    assert weeks(doses) == [10, 0, 10, 10]
    assert history[13]["dose"][4, 0] == 1500
    # without growth factor the same fall costs a level
    _, without = run(orders(trial(rules={"set": "gcsf_first"})), 28, counts(4, 0.4, 0.7))
    assert weeks(without) == [10, 0, 5, 5]


def test_own_thresholds_of_a_trial() -> None:
    rules = {"set": "lymphoma", "anc_hold_at_once": "0.75e9/L", "step_down": False}
    _, doses = run(orders(trial(rules=rules)), 28, counts(4, 0.6, 1.2))
    assert weeks(doses) == [10, 0, 10, 10]


def test_escalation_waits_and_then_climbs_to_the_maximum() -> None:
    _, doses = run(orders(trial(course=ESCALATING)), 196)
    assert doses["len_gut"][55, 0] == 5
    assert doses["len_gut"][[56, 83, 84, 112, 140, 168, 195], 0].tolist() == [10, 10, 15, 20, 25, 25, 25]


def test_escalation_is_blocked_by_a_grade_3_event_in_the_cycle() -> None:
    # one value of 0.8 in week 6 holds nothing but blocks the step of day 56; the next one comes
    _, doses = run(orders(trial(course=ESCALATING)), 113, counts(4, 4, 4, 4, 4, 4, 0.8, 4))
    assert weeks(doses)[:8] == [5] * 8
    assert doses["len_gut"][[56, 83, 84, 112], 0].tolist() == [5, 5, 10, 15]


def test_escalation_always_ignores_counts_but_not_a_hold() -> None:
    course = ESCALATING | {"escalation": ESCALATING["escalation"] | {"condition": "always"}}
    _, doses = run(orders(trial(course=course)), 113, counts(4, 4, 4, 4, 4, 4, 0.8, 4))
    assert doses["len_gut"][56, 0] == 10


def test_a_reduced_dose_rises_only_by_the_escalation_rule() -> None:
    _, fixed = run(orders(trial()), 280, counts(4, 0.4, 2))
    assert set(weeks(fixed)[3:]) == {5.0}
    _, rising = run(orders(trial(course=ESCALATING)), 85, counts(4, 0.4, 2))
    assert weeks(rising) == [5, 0, 2.5, 2.5, 2.5, 2.5, 2.5, 2.5, 5, 5, 5, 5, 10]


def test_a_level_left_twice_is_not_tried_again() -> None:
    def truth(day: int) -> dict[str, float]:
        return {"anc": 0.4} if 63 <= day < 70 or 126 <= day < 133 else {}

    rules = {"set": "lymphoma"}
    document = trial(course=ESCALATING, rules=rules)
    document = document.model_copy(update={"schedule": document.schedule})
    plan = orders(document)
    every_week = {"counts": np.ones((4, 1), dtype=np.float32)}
    weekly = plan.weekly
    plan.weekly = lambda block, noise: weekly(block, noise) | every_week  # type: ignore[method-assign]
    history, doses = run(plan, 400, truth)
    assert history[70]["failed_level"][0] == 2  # 10 mg
    assert history[399]["ceiling"][0] < 5
    assert doses["len_gut"].max() == 10
    assert doses["len_gut"][300:, 0].max() == 5


def test_days_off_give_no_dose_and_the_plan_is_never_exceeded() -> None:
    plan = orders(trial(course={"days": "1-21"}))
    history, doses = run(plan, 56)
    given = doses["len_gut"][:, 0]
    assert (given[21:28] == 0).all()
    assert (given[28:49] == 10).all()
    assert (given[49:] == 0).all()
    assert history[6]["dose"][0, 0] == 70
    assert history[6]["days_dosed"][0] == 7
    assert history[27]["dose"][0, 0] == 0


def test_cycles_of_42_days_and_mixed_arms_in_one_batch() -> None:
    document = trial()
    six_weeks = {"drug": "lenalidomide", "dose": "25 mg", "days": "1-21", "cycle": "42 days"}
    other = {"id": "b", "name": "b", "size": 10, "treatment": [six_weeks], "levels": ["5 mg", "25 mg"]}
    body = document.model_dump(mode="json")
    body["arms"] = [body["arms"][0], other]
    body["population"]["size"] = 20
    document = type(document).model_validate(body)
    plan = orders(document, n=3, arm=[0, 1, 0])
    _, doses = run(plan, 84)
    assert (doses["len_gut"][:, 0] == 10).all()
    assert np.flatnonzero(doses["len_gut"][:, 1]).tolist() == [*range(21), *range(42, 63)]
    np.testing.assert_array_equal(doses["len_gut"][:, 0], doses["len_gut"][:, 2])
    # the same subject alone gets the same
    alone = run(orders(document, n=1, arm=1), 84)[1]
    np.testing.assert_array_equal(alone["len_gut"][:, 0], doses["len_gut"][:, 1])


def test_kidney_function_lowers_the_start() -> None:
    course = {"renal": [{"below": "60 mL/min", "dose": "5 mg"}, {"below": "30 mL/min", "dose": "2.5 mg"}]}
    document = trial(course=course)
    found = [run(orders(document, crcl=crcl), 1)[1]["len_gut"][0, 0] for crcl in (25, 30, 59, 60, 100)]
    assert found == [2.5, 5, 5, 10, 10]


def test_planned_end_of_treatment() -> None:
    history, doses = run(orders(trial(course={"cycles": "1-2", "until": "end_of_cycles"})), 84)
    assert doses["len_gut"][:, 0].sum() == 560
    assert history[-1]["off_reason"][0] == Off.COMPLETED
    assert history[-1]["off_day"][0] == 56


def test_low_counts_at_entry_are_judged_by_their_own_baseline() -> None:
    _, doses = run(orders(trial()), 35, counts(0.9, platelets=(45.0,)))
    assert (doses["len_gut"] == 10).all()
    _, worse = run(orders(trial()), 28, counts(0.9, 0.4))
    assert weeks(worse) == [10, 0, 0, 0]


def test_third_failure_at_the_lowest_level_stops_treatment() -> None:
    anc = (4, 0.4, 2, 0.4, 2, 0.4, 2, 0.4, 2)
    history, doses = run(orders(trial(course={"dose": "2.5 mg"})), 63, counts(*anc))
    assert history[-1]["off_reason"][0] == Off.CYTOPENIA
    assert history[-1]["off_day"][0] == 35
    assert doses["len_gut"][35:].sum() == 0


def test_grade_4_that_does_not_recover_stops_treatment() -> None:
    history, _ = run(orders(trial()), 84, counts(4, 0.3))
    assert history[-1]["off_reason"][0] == Off.CYTOPENIA
    assert 35 < history[-1]["off_day"][0] <= 42


def test_flare_grades_steroid_and_hold() -> None:
    def truth(day: int) -> dict[str, float]:
        return {"flare_drive": 1.5 if 3 <= day < 8 else 0.1}

    history, doses = run(orders(trial()), 21, truth)
    assert history[3]["flare_grade"][0] == 3
    assert doses["dex_gut"][:, 0].nonzero()[0].tolist() == [3, 4, 5, 6, 7]
    assert doses["dex_gut"].max() == 8
    assert (doses["len_gut"][3:8, 0] == 0).all()
    assert (doses["len_gut"][8:, 0] == 10).all()
    assert history[6]["flare_week"][0] == 3
    assert history[13]["flare_week"][0] == 3
    assert history[20]["flare_week"][0] == 0
    prednisone = {"drug": "prednisone", "dose": "25 mg", "for_days": "2 days", "from_grade": 3}
    _, doses = run(orders(trial(flare_steroid=prednisone)), 8, truth)
    np.testing.assert_allclose(doses["dex_gut"][3, 0], 25 * 0.15, rtol=1e-6)
    _, doses = run(orders(trial(flare_steroid={"policy": "none"})), 8, truth)
    assert doses["dex_gut"].sum() == 0


def test_lysis_holds_then_stops() -> None:
    laboratory = {"uric_acid": 9.0, "phosphate": 1.6}
    history, doses = run(orders(trial()), 21, lambda day: laboratory if 2 <= day < 5 else {})
    assert history[2]["lysis_laboratory"][0] == 1
    assert history[2]["lysis_grade"][0] == 0
    assert np.flatnonzero(doses["len_gut"][:, 0] == 0).tolist() == list(range(2, 11))
    clinical = laboratory | {"creatinine_ratio": 4.0}
    history, doses = run(orders(trial()), 14, lambda day: clinical if 2 <= day < 5 else {})
    assert history[-1]["off_reason"][0] == Off.LYSIS
    assert history[-1]["dead"][0] == 0
    # one of the two limits alone is not lysis, and later than cycle 1 nothing is looked for
    one = {"uric_acid": 9.0}
    assert run(orders(trial()), 10, lambda day: one)[0][-1]["lysis_day"][0] == (-1)
    late = run(orders(trial()), 40, lambda day: laboratory if day >= 30 else {})[0]
    assert late[-1]["lysis_day"][0] == -1
    fatal = run(orders(trial(), lysis_fatality=0.01), 5, lambda day: clinical if day > 2 else {})[0]
    assert fatal[-1]["dead"][0] == 1
    assert fatal[-1]["off_reason"][0] == Off.DEATH


def test_infection_holds_and_death_ends_everything() -> None:
    # thresholds: 28 days at rate 0.04/y
    history, doses = run(orders(trial(), infection=0.04 * 28 / 365.25), 56)
    day = next(d for d, s in enumerate(history) if s["infection_today"][0] > 0)
    assert 25 <= day <= 36  # the hazard grows slowly below 65 years
    assert (doses["len_gut"][day : day + 14, 0] == 0).all()
    assert doses["len_gut"][day + 14, 0] == 10
    history, doses = run(orders(trial(), death_other=0.001), 200)
    assert history[-1]["dead"][0] == 1
    died = int(history[-1]["death_day"][0])
    assert doses["len_gut"][died:].sum() == 0
    assert history[-1]["off_reason"][0] == Off.DEATH
    counted = [s["counted"][0] for s in history[died + 7 :]]
    assert max(counted) == 0


@pytest.mark.parametrize(("threshold", "reason"), [("withdrawal", 9), ("adverse_event", 8)])
def test_residual_hazards_stop_treatment(threshold: str, reason: int) -> None:
    history, _ = run(orders(trial(), **{threshold: 0.004}), 120)
    assert history[-1]["off_reason"][0] == reason


def test_neutropenia_multiplies_the_infection_hazard() -> None:
    well = run(orders(trial()), 10)[0][-1]["hazard_infection"][0]
    low = run(orders(trial()), 10, lambda day: {"anc": 0.3, "igg": 4.0})[0][-1]["hazard_infection"][0]
    assert low / well == pytest.approx(8 * 2.5, rel=1e-4)


def test_decide_keeps_shapes_and_types_inside_scan() -> None:
    plan = orders(trial(), n=4)
    start, weekly, daily = plan.block(0, plan.initial(), np.zeros((4, len(NOISE), 4)))

    observed = {k: np.full(4, v, dtype=np.float32) for k, v in WELL.items()}

    decide = build_decide(DRUGS, plan.shape.ruled)

    def step(state, inputs):
        now, day = inputs
        return decide(state, observed, plan.static, {k: v[0] for k, v in weekly.items()}, now, day)

    final, doses = jax.lax.scan(step, start, (daily, np.arange(28)))
    assert doses["len_gut"].shape == (28, 4)
    assert {k: v.shape for k, v in final.items()} == {k: v.shape for k, v in start.items()}


@settings(max_examples=15, deadline=None)
@given(
    anc=st.lists(st.floats(0.05, 6), min_size=12, max_size=12),
    platelets=st.lists(st.floats(10, 250), min_size=12, max_size=12),
    drive=st.lists(st.floats(0, 3), min_size=12, max_size=12),
    days=st.integers(1, 28),
    name=st.sampled_from(["lymphoma", "gcsf_first", "myeloma"]),
)
def test_whatever_happens_the_dose_stays_within_the_plan(anc, platelets, drive, days, name) -> None:
    course = ESCALATING | {
        "days": f"1-{days}",
        "escalation": ESCALATING["escalation"] | {"first_after": "28 days"},
    }
    plan = orders(trial(course=course, rules={"set": name}, gcsf="when_needed"), gcsf=0.3)

    def truth(day: int) -> dict[str, float]:
        week = day // 7
        return {"anc": anc[week], "platelets": platelets[week], "flare_drive": drive[week]}

    history, doses = run(plan, 84, truth)
    # the plan: 5 mg, and 5 mg more after each cycle, on the days of the course
    day = np.arange(84)[:, None]
    planned = (5.0 + 5.0 * (day // 28)) * (day % 28 < days)
    assert (doses["len_gut"] <= planned + 1e-6).all()
    assert (doses["len_gut"] >= 0).all()
    assert all(np.isfinite(v).all() for v in history[-1].values())
    assert sum(s["dose"][0, 0] for s in history[6::7]) == pytest.approx(doses["len_gut"].sum())
