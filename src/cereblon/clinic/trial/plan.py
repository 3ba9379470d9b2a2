"""What a site is given of an arm: its phases as tables by day of the phase, with positions in ladders for doses.

An arm with a `treatment` is an arm of one phase, which ends with the last planned dose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from cereblon.clinic.trial.calendar import HORIZON, USUAL_CYCLE, Mask, review_days, rising_days
from cereblon.clinic.trial.courses import Course, RisingCourse
from cereblon.clinic.trial.dose_rules import FlareSteroid, Rules
from cereblon.clinic.trial.drugs import drugs
from cereblon.clinic.trial.phases import Phase
from cereblon.clinic.trial.regimen import Arm
from cereblon.clinic.trial.transitions import Condition, Transition
from cereblon.documents.doses import Amount, Basis

_CONDITION: Final = {"tolerated": 1.0, "always": 2.0, "if_not_progressing": 2.0}
Until = Literal["progression", "progression_or_cr", "end_of_cycles"]


@dataclass(frozen=True, eq=False)
class CoursePlan:
    """One course of a drug in a phase.

    treatment: given by `give` or `treatment`, False: by `support`. unit: of the drug's amounts. ladder: doses of one
    administration, rising, in `unit` for each unit of `basis`. start: position of the first planned dose in the
    ladder; planned: positions through which escalation leads, start first. most: highest single dose, in `unit`, flat;
    None: no cap. hours: at which it is given, out of 0, 6, 12 and 18; over: hours that a dose runs in, 0 at once.
    days, escalate, review: (HORIZON,) by day of the phase, 0 its first: the drug is given; the dose may rise; what
    happened so far is forgotten.
    condition: of escalation, 0 none, 1 tolerated, 2 always. renal: (clearance below, mL/min; start; top), positions
    in the ladder, by rising clearance; a subject takes the first that fits, and the planned doses between start and
    top. rules: None: the drug is never held.
    """

    drug: str
    treatment: bool
    unit: str
    ladder: tuple[float, ...]
    start: int
    planned: tuple[int, ...]
    basis: Basis
    most: float | None
    hours: tuple[int, ...]
    over: float
    days: Mask
    escalate: Mask
    review: Mask
    condition: float
    renal: tuple[tuple[float, int, int], ...]
    rules: Rules | None


@dataclass(frozen=True)
class TransitionPlan:
    """A way out of a phase: on what (None: always), after what rest, to which phases, with which shares."""

    when: Condition | None
    rest: Literal["none", "counts"]
    at_most: int
    to: tuple[int, ...]
    share: tuple[float, ...]


@dataclass(frozen=True)
class PhasePlan:
    """A phase. length: days until it is over, None: open; cr_days: days from a CR to its end, -1: it goes on.

    then: tried in order when the phase is over; where none fits, treatment is completed.
    """

    id: str
    courses: tuple[CoursePlan, ...]
    length: int | None
    until: Until
    cr_days: int
    then: tuple[TransitionPlan, ...]


@dataclass(frozen=True)
class ArmPlan:
    """An arm; everybody starts in the first of its phases."""

    id: str
    phases: tuple[PhasePlan, ...]
    flare_steroid: FlareSteroid
    gcsf: Literal["none", "when_needed"]


def arm_plan(arm: Arm) -> ArmPlan:
    """Return the plan of an arm, whichever way its document is written."""
    ids = [phase.id for phase in arm.phases]
    phases = tuple(_phase(phase, ids) for phase in arm.phases) or (_only_phase(arm),)
    return ArmPlan(arm.id, phases, arm.flare_steroid, arm.gcsf)


def _phase(phase: Phase, ids: Sequence[str]) -> PhasePlan:
    within = np.arange(HORIZON) < (HORIZON if phase.length is None else phase.length)
    courses = [
        _rising(give, give.mask(HORIZON, phase.cycle) & within, give.ladder, give.held_by, give.cycle or phase.cycle)
        for give in phase.give
    ]
    courses += [_steady(course, course.mask(HORIZON, phase.cycle) & within) for course in phase.support]
    then = tuple(_transition(way, ids) for way in phase.then)
    return PhasePlan(phase.id, tuple(courses), phase.length, phase.until, phase.cr_days, then)


def _only_phase(arm: Arm) -> PhasePlan:
    courses = []
    for course in arm.treatment:
        rules = arm.rules if drugs()[course.drug].rule_sets else None
        courses.append(_rising(course, course.mask(HORIZON), arm.ladder(course), rules, course.cycle or USUAL_CYCLE))
    courses += [_steady(course, course.mask(HORIZON)) for course in arm.support]
    until: Until = "progression"
    if arm.cr_days >= 0:
        until = "progression_or_cr"
    elif all(course.until == "end_of_cycles" for course in arm.treatment):
        until = "end_of_cycles"
    return PhasePlan("treatment", tuple(courses), arm.last_dose_day, until, arm.cr_days, ())


def _transition(way: Transition, ids: Sequence[str]) -> TransitionPlan:
    rest: Literal["none", "counts"] = "none" if way.rest == "none" else "counts"
    return TransitionPlan(way.when, rest, way.at_most or 0, tuple(ids.index(t) for t in way.to), way.shares)


def _rising(
    course: RisingCourse, days: Mask, ladder: tuple[Amount, ...], rules: Rules | None, cycle: int
) -> CoursePlan:
    """Return the plan of a course of the treatment; cycle: days after which it is reviewed where no dose rises."""
    rise = course.escalation
    never = np.zeros(HORIZON, dtype=bool)
    escalate, review = never, review_days(days, cycle)
    if rise is not None:
        escalate, review = rising_days(days, rise.first_after, rise.every)
    planned = tuple(ladder.index(dose) for dose in course.doses)
    return CoursePlan(
        drug=course.drug,
        treatment=True,
        unit=drugs()[course.drug].unit,
        ladder=_in_unit(course, ladder),
        start=planned[0],
        planned=planned,
        basis=course.dose.basis,
        most=course.cap,
        hours=course.times,
        over=course.infusion,
        days=days,
        escalate=escalate,
        review=review,
        condition=0.0 if rise is None else _CONDITION[rise.condition],
        renal=_renal(course, ladder),
        rules=rules,
    )


def _renal(course: RisingCourse, ladder: tuple[Amount, ...]) -> tuple[tuple[float, int, int], ...]:
    """Return (below, start, top) by rising clearance; without escalation the dose stays where it starts."""
    found = []
    for renal in sorted(course.renal, key=lambda renal: renal.below):
        highest = course.escalation.maximum if course.escalation is not None else renal.dose
        top = renal.maximum if renal.maximum is not None else max(highest, renal.dose)
        # a maximum between two levels is the level below it
        at_top = max(i for i, level in enumerate(ladder) if level <= top)
        found.append((renal.below, ladder.index(renal.dose), at_top))
    return tuple(found)


def _steady(course: Course, days: Mask) -> CoursePlan:
    """Return the plan of a supportive course: given as scheduled, at one dose, never held."""
    never = np.zeros(HORIZON, dtype=bool)
    return CoursePlan(
        drug=course.drug,
        treatment=False,
        unit=drugs()[course.drug].unit,
        ladder=_in_unit(course, (course.dose,)),
        start=0,
        planned=(0,),
        basis=course.dose.basis,
        most=course.cap,
        hours=course.times,
        over=course.infusion,
        days=days,
        escalate=never,
        review=never,
        condition=0.0,
        renal=(),
        rules=None,
    )


def _in_unit(course: Course, doses: tuple[Amount, ...]) -> tuple[float, ...]:
    return tuple(dose.within(drugs()[course.drug].unit) for dose in doses)
