"""What a document may say and the clinic would not carry out: refused by name, not ignored.

The clinic follows one course of lenalidomide in an arm. Other drugs are given as scheduled, without escalation,
renal doses or an end of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cereblon.clinic.rules import rule
from cereblon.documents.base import problem

if TYPE_CHECKING:
    from cereblon.clinic.trial.regimen import Arm, FlareSteroid, Rules, Treatment

LENALIDOMIDE = "lenalidomide"
HORIZON = 3650  # days searched: longer than any follow-up
LONGEST_REST = 366  # days: no planned rest within a course is longer


def refuse_ignored_course(course: Treatment) -> None:
    """Raise a design error for a field of a treatment that would have no effect."""
    if course.drug != LENALIDOMIDE:
        for name in ("escalation", "renal", "until", "cycles_beyond_cr"):
            if getattr(course, name) != type(course).model_fields[name].default:
                why = f"{name} of {course.drug} is not carried out: expected it for lenalidomide only"
                raise problem(why, (name,))
    if course.cycles_beyond_cr and course.cycle is None:
        raise problem("cycles_beyond_cr needs the length of a cycle, such as cycle: 28 days", ("cycles_beyond_cr",))
    rise = course.escalation
    if rise is not None and rise.to_steps is not None and rise.to_steps[-1] < rise.maximum:
        why = f"the maximum {rise.maximum:g} mg is never reached: expected {rise.to_steps[-1]:g} mg, the last step"
        raise problem(why, ("escalation", "maximum"))
    _refuse_ignored_renal(course)


def _refuse_ignored_renal(course: Treatment) -> None:
    seen: set[float] = set()
    for i, renal in enumerate(course.renal):
        if renal.below in seen:
            raise problem(f"two doses are given for a clearance below {renal.below:g} mL/min", ("renal", i, "below"))
        seen.add(renal.below)
        if renal.maximum is None:
            continue
        at = ("renal", i, "maximum")
        if course.escalation is None:
            raise problem("a maximum needs an escalation: this dose does not rise", at)
        top = course.escalation.maximum
        if not renal.dose <= renal.maximum <= top:
            why = f"the maximum {renal.maximum:g} mg is outside {renal.dose:g} to {top:g} mg, dose and highest dose"
            raise problem(why, at)


def refuse_idle_arm(arm: Arm) -> None:
    """Raise a design error unless an arm has just one course of lenalidomide, in its treatment."""
    for i, course in enumerate(arm.support):
        if course.drug == LENALIDOMIDE:
            raise problem("lenalidomide as support is not given: expected it in treatment", ("support", i, "drug"))
    courses = [i for i, course in enumerate(arm.treatment) if course.drug == LENALIDOMIDE]
    if not courses:
        drugs = ", ".join(dict.fromkeys(course.drug for course in arm.treatment))
        why = f"treatment with {drugs} alone is not carried out: expected a course of lenalidomide"
        raise problem(why, ("treatment",))
    if len(courses) > 1:
        why = (
            f"a second course of lenalidomide beside treatment[{courses[0]}] is not carried out: "
            "expected one course, with an escalation where the dose rises"
        )
        raise problem(why, ("treatment", courses[1]))
    _refuse_late_courses(arm, courses[0])


def _refuse_late_courses(arm: Arm, course: int) -> None:
    end = last_dose_day(arm.treatment[course])
    for i, other in enumerate(arm.treatment):
        if end is not None and (late := np.flatnonzero(other.mask(HORIZON)[end:])).size:
            why = (
                f"{other.drug} on day {end + int(late[0]) + 1} would not be given: "
                f"treatment ends with the last planned dose of lenalidomide on day {end}"
            )
            raise problem(why, ("treatment", i))


def last_dose_day(course: Treatment) -> int | None:
    """Return the day of the last planned dose, counted from 1; None for a course that goes on."""
    days = np.flatnonzero(course.mask(HORIZON))
    last = int(days[-1]) + 1 if days.size else 0
    return None if last > HORIZON - LONGEST_REST else last


def refuse_ignored_steroid(steroid: FlareSteroid) -> None:
    """Raise a design error for a steroid whose drug, dose or days would have no effect or an unclear one."""
    given = [name for name in ("drug", "dose", "for_days", "from_grade") if getattr(steroid, name) is not None]
    if steroid.policy == "none" and given:
        raise problem(f"policy none gives no steroid: expected when_needed beside {given[0]}", ("policy",))
    if steroid.drug is not None and steroid.dose is None:
        raise problem(f"{steroid.drug} needs a dose, such as dose: 8 mg", ("drug",))
    if steroid.dose is not None and steroid.drug is None:
        raise problem("a dose needs its drug: expected dexamethasone or prednisone", ("dose",))


def refuse_ignored_limits(rules: Rules) -> None:
    """Raise a design error for limits that another limit of the trial or of its set makes void."""
    for low, high, why in (
        ("anc_hold", "anc_resume", "the dose would be resumed below the limit that holds it"),
        ("platelets_hold", "platelets_resume", "the dose would be resumed below the limit that holds it"),
        ("anc_hold_at_once", "anc_hold", "every count below it holds at once, and anc_hold has no effect"),
    ):
        below, above = _limit(rules, low), _limit(rules, high)
        if below > above and not {low, high}.isdisjoint(rules.overrides):
            own = high if high in rules.overrides else low
            whose = [f"{name} {value:g}{_of_set(rules, name)}" for name, value in ((low, below), (high, above))]
            raise problem(f"{whose[0]} is above {whose[1]}: {why}", (own,))


def _limit(rules: Rules, name: str) -> float:
    own = getattr(rules, name)
    return float(rule(f"{rules.set}_{name}") if own is None else own)


def _of_set(rules: Rules, name: str) -> str:
    return "" if name in rules.overrides else f" of the set {rules.set}"
