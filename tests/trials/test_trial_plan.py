"""The plan of an arm against days, levels and ways counted by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from phased import INDUCTION, MAINTENANCE, Data, given, induction, phased

from cereblon.clinic.trial.calendar import HORIZON
from cereblon.clinic.trial.design import Arm, Rules
from cereblon.clinic.trial.plan import ArmPlan, CoursePlan, PhasePlan, TransitionPlan, arm_plan
from cereblon.clinic.trial.transitions import Condition
from cereblon.clinic.trial.trial import Trial

LEVELS = (2.5, 5.0, 10.0, 15.0, 20.0, 25.0)
COURSE = {"drug": "lenalidomide", "dose": "5 mg", "days": "1-21", "cycle": "28 days"}


def plan(data: Data) -> ArmPlan:
    return arm_plan(Trial.model_validate(data).arms[0])


def days(mask: NDArray[np.bool_]) -> list[int]:
    """Return the days of a mask, counted from 1."""
    return (np.flatnonzero(mask) + 1).tolist()


def test_the_induction_by_hand() -> None:
    phase = plan(phased()).phases[0]
    steroid, drug, support = phase.courses
    assert (phase.id, phase.length, phase.until, phase.cr_days) == ("induction", 168, "progression", -1)

    assert days(steroid.days) == [1, 8, 15, 22]
    assert (steroid.drug, steroid.unit, steroid.basis, steroid.ladder) == ("dexamethasone", "mg", "per_m2", (6.0,))
    assert (steroid.hours, steroid.over, steroid.most) == ((0,), 4.0, None)
    assert (steroid.rules, steroid.condition, steroid.treatment) == (None, 0.0, True)

    assert days(drug.days) == list(range(9, 169))
    assert (drug.ladder, drug.start, drug.planned, drug.condition) == (LEVELS, 2, (2, 3, 4, 5), 1.0)
    assert days(drug.escalate) == [37, 65, 93, 121, 149]  # 28 days after the first dose, on day 9, and so on
    assert days(drug.review) == days(drug.escalate)
    assert (drug.basis, drug.over, drug.rules, drug.renal) == ("flat", 0.0, Rules(), ())

    assert days(support.days) == list(range(1, 15))
    assert (support.treatment, support.ladder, support.planned, support.rules) == (False, (300.0,), (0,), None)
    assert not support.escalate.any()
    assert not support.review.any()

    [way] = phase.then
    assert way == TransitionPlan(Condition("response", "PR"), "counts", 56, (1, 2), (0.5, 0.5))


def test_what_comes_after_by_hand() -> None:
    _, maintenance, observation = plan(phased()).phases
    assert (maintenance.length, maintenance.cr_days, maintenance.then) == (None, -1, ())
    [drug] = maintenance.courses
    assert drug.days.all()
    assert (drug.start, drug.planned) == (1, (1,))
    assert days(drug.review)[:3] == [29, 57, 85]
    assert not drug.escalate.any()
    assert observation == PhasePlan("observation", (), None, "progression", -1, ())


def test_cycles_of_a_phase_and_of_a_drug() -> None:
    data = induction(cycle="21 days", give=[COURSE | {"days": "1-2", "cycle": "28 days", "cycles": [1, 2]}])
    data["arms"][0]["phases"][0] |= {"until": "progression_or_cr", "cycles_beyond_cr": 2}
    phase = plan(data).phases[0]
    assert (phase.length, phase.until, phase.cr_days) == (126, "progression_or_cr", 42)
    assert days(phase.courses[0].days) == [1, 2, 29, 30]
    assert days(plan(given(days="1-7", cycles="2-3")).phases[0].courses[1].days) == [*range(29, 36), *range(57, 64)]
    late = {"from": {"cycle": 2, "day": 3}, "days": "1-4", "cycles": "1-3"}
    assert days(plan(given(**late)).phases[0].courses[1].days) == [31, 32, 57, 58, 59, 60]


def test_a_drug_of_a_phase_has_its_own_ladder_and_rules() -> None:
    rules = {"set": "gcsf_first", "anc_resume": "0.6e9/L"}
    rise = {"to_steps": ["12 mg", "20 mg"], "first_after": "14 days", "every": "7 days", "maximum": "20 mg"}
    steroid = {"drug": "dexamethasone", "dose": "6 mg", "escalation": rise | {"condition": "always"}}
    renal = [{"below": "60 mL/min", "dose": "4 mg", "maximum": "12 mg"}, {"below": "30 mL/min", "dose": "2 mg"}]
    data = phased(INDUCTION | {"give": [steroid | {"renal": renal, "rules": rules}], "then": []})
    [course, _] = plan(data).phases[0].courses
    assert (course.ladder, course.start, course.planned) == ((2.0, 4.0, 6.0, 12.0, 20.0), 2, (2, 3, 4))
    assert course.renal == ((30.0, 0, 4), (60.0, 1, 3))
    assert days(course.escalate)[:3] == [15, 22, 29]
    assert course.condition == 2.0
    assert course.rules == Rules.model_validate(rules)
    down = given(levels=["1 mg", "10 mg", "15 mg", "20 mg", "25 mg"])
    assert plan(down).phases[0].courses[1].ladder == (1.0, 10.0, 15.0, 20.0, 25.0)


def test_hours_caps_and_units_of_a_drug() -> None:
    steroid = {"drug": "dexamethasone", "dose": "6 mg/m2", "most": "10 mg", "hours": [0, 12], "over": "30 min"}
    growth = {"drug": "filgrastim", "dose": "5 ug/kg", "days": "2-6"}
    first, second = plan(phased(INDUCTION | {"give": [steroid], "support": [growth], "then": []})).phases[0].courses
    assert (first.hours, first.over, first.most) == ((0, 12), 0.5, 10.0)
    assert (second.unit, second.basis, second.ladder) == ("ug", "per_kg", (5.0,))


def test_ways_are_tried_in_their_order() -> None:
    then = [
        {"when": "MRD undetectable", "to": "observation"},
        {"when": "response CR or better", "to": ["maintenance", "observation"], "randomise": [2, 1]},
        {"to": "maintenance", "rest": "until counts recover", "at_most": "28 days"},
    ]
    first, second, third = plan(induction(then=then)).phases[0].then
    assert first == TransitionPlan(Condition("mrd", "undetectable"), "none", 0, (2,), (1.0,))
    assert second == TransitionPlan(Condition("response", "CR"), "none", 0, (1, 2), (2 / 3, 1 / 3))
    assert third == TransitionPlan(None, "counts", 28, (1,), (1.0,))


def treated(*courses: dict[str, Any], **arm: Any) -> PhasePlan:
    """Return the only phase of an arm with this treatment."""
    made = Arm.model_validate({"id": "A", "name": "a", "size": 4, "treatment": list(courses)} | arm)
    [phase] = arm_plan(made).phases
    return phase


RISE = {"step": "5 mg", "first_after": "28 days", "every": "28 days", "maximum": "10 mg", "condition": "always"}


def test_two_courses_have_each_their_own_ladder() -> None:
    phase = treated(COURSE | {"cycles": "1-2", "escalation": RISE}, COURSE | {"dose": "10 mg", "from_day": 57})
    first, second = phase.courses
    assert days(first.days) == [*range(1, 22), *range(29, 50)]
    assert (first.start, first.planned, days(first.escalate)) == (1, (1, 2), [29])
    assert days(second.days)[0] == 57
    assert (second.start, second.planned, second.condition) == (2, (2,), 0.0)
    assert not second.escalate.any()
    assert phase.length is None


def test_no_course_rises_beyond_its_maximum_or_its_end() -> None:
    phase = treated(
        COURSE | {"cycles": "1-4", "escalation": RISE}, COURSE | {"dose": "15 mg", "from_day": 113, "cycles": "1-3"}
    )
    first, second = phase.courses
    assert (first.planned, days(first.escalate)) == ((1, 2), [29, 57, 85])
    assert (second.start, second.planned, days(second.days)[0]) == (3, (3,), 113)
    assert phase.length == 189  # day 21 of the third cycle from day 113: 113 + 56 + 20


def test_treatment_ends_with_the_last_dose_of_any_drug() -> None:
    steroid = {"drug": "dexamethasone", "dose": "20 mg", "days": "1-4", "cycle": "28 days", "cycles": "1-6"}
    phase = treated(COURSE | {"cycles": "1-2"}, steroid)
    assert phase.length == 144
    assert [course.rules for course in phase.courses] == [Rules(), None]
    alone = treated(steroid)
    assert (alone.length, alone.courses[0].ladder, alone.courses[0].rules) == (144, (20.0,), None)


@pytest.mark.parametrize(
    ("untils", "expected", "cr_days"),
    [
        (("progression", "progression"), "progression", -1),
        (("end_of_cycles", "end_of_cycles"), "end_of_cycles", -1),
        (("end_of_cycles", "progression"), "progression", -1),
        (("progression", "progression_or_cr"), "progression_or_cr", 0),
    ],
)
def test_the_end_of_a_treatment(untils: tuple[str, str], expected: str, cr_days: int) -> None:
    steroid = {"drug": "prednisone", "dose": "20 mg", "cycles": "1-6", "until": untils[1]}
    phase = treated(COURSE | {"cycles": "1-6", "until": untils[0]}, steroid)
    assert (phase.until, phase.cr_days, phase.then) == (expected, cr_days, ())


def test_an_arm_has_one_ladder_and_one_set_of_rules_for_its_drug() -> None:
    renal = [{"below": "60 mL/min", "dose": "2.5 mg"}]
    rise = RISE | {"maximum": "15 mg"}
    levels = ["2.5 mg", "5 mg", "7.5 mg", "10 mg", "15 mg"]
    [course] = treated(COURSE | {"renal": renal, "escalation": rise}, levels=levels, rules={"set": "myeloma"}).courses
    assert (course.ladder, course.start, course.planned) == ((2.5, 5.0, 7.5, 10.0, 15.0), 1, (1, 3, 4))
    assert course.renal == ((60.0, 0, 4),)
    assert course.rules is not None
    assert course.rules.set == "myeloma"
    [steady] = treated(COURSE | {"renal": renal}).courses
    assert steady.renal == ((60.0, 0, 0),)


def test_an_arm_in_one_phase_is_the_treatment_of_that_phase() -> None:
    """The same protocol in both forms gives the same days, ladders and rises."""
    rise = RISE | {"maximum": "25 mg"}
    old = treated(COURSE | {"escalation": rise}, support=[{"drug": "allopurinol", "dose": "300 mg", "days": "1-14"}])
    new = phased(
        MAINTENANCE
        | {
            "give": [{"drug": "lenalidomide", "dose": "5 mg", "days": "1-21", "escalation": rise}],
            "support": [{"drug": "allopurinol", "dose": "300 mg", "days": "1-14", "cycles": [1]}],
        }
    )
    [phase] = plan(new).phases
    assert (phase.length, phase.until, phase.cr_days) == (old.length, old.until, old.cr_days)
    for one, other in zip(old.courses, phase.courses, strict=True):
        assert _values(one) == _values(other)


def _values(course: CoursePlan) -> dict[str, object]:
    return {
        name: days(value) if isinstance(value, np.ndarray) else value
        for name in CoursePlan.__dataclass_fields__
        for value in [getattr(course, name)]
    }


def test_tables_have_the_length_of_the_horizon() -> None:
    for course in plan(phased()).phases[0].courses:
        assert course.days.shape == course.escalate.shape == course.review.shape == (HORIZON,)
