"""One arm as day-by-day numbers: planned level, dosing days, escalation days, supportive drugs.

`arm_orders` does this for one arm and one class of kidney function; `orders.Orders` gives each subject its
own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cereblon.clinic.rules import rule
from cereblon.clinic.trial.design import Arm, Treatment
from cereblon.errors import CereblonError

HORIZON = 3696  # days: 132 blocks of 28, a little over ten years
NEVER = 1.0e6
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class ArmOrders:
    """Numbers of one arm (and kidney class): levels (L,), the rest by day (HORIZON,) or single."""

    levels: Numbers
    next_level: Numbers
    start_level: float
    end_day: float
    cr_days: float
    lenalidomide: Numbers
    planned_mg: Numbers
    level_change: Numbers
    escalate: Numbers
    review: Numbers
    dexamethasone: Numbers
    allopurinol: Numbers
    filgrastim: Numbers


def planned_doses(course: Treatment, crcl: float) -> tuple[float, ...]:
    """Return the planned doses (mg, rising) of a course for a creatinine clearance in mL/min."""
    fitting = sorted((renal for renal in course.renal if crcl < renal.below), key=lambda renal: renal.below)
    if not fitting:
        return course.doses
    renal = fitting[0]
    if course.escalation is None:
        return (renal.dose,)
    top = course.escalation.maximum if renal.maximum is None else renal.maximum
    # later doses are those of the course, so that they are levels of the arm
    return (renal.dose, *(dose for dose in course.doses if renal.dose < dose <= top))


def arm_orders(arm: Arm, crcl: float, size: int) -> ArmOrders:
    """Return the orders of an arm for subjects with this clearance; the level table is padded to `size`.

    Raises CereblonError for a course that the orders would leave out.
    """
    levels = np.array([*arm.levels, *[arm.levels[-1]] * (size - len(arm.levels))])
    courses = sorted((c for c in arm.treatment if c.drug == "lenalidomide"), key=lambda c: c.from_day)
    doses = [planned_doses(course, crcl) for course in courses]
    every_dose = sorted({dose for planned in doses for dose in planned})
    next_level = np.arange(len(levels), dtype=float)
    for row, level in enumerate(levels):
        above = [dose for dose in every_dose if dose > level]
        if above:
            next_level[row] = arm.levels.index(above[0])

    dosing, change = np.zeros(HORIZON), np.zeros(HORIZON)
    escalate, review, plan = np.zeros(HORIZON), np.zeros(HORIZON), np.zeros(HORIZON)
    before: float | None = None
    start_level, cr_days, end_day = 0.0, -1.0, 0.0
    for course, planned in zip(courses, doses, strict=True):
        mask = course.mask(HORIZON)
        dosing[mask] = 1.0
        first = int(np.flatnonzero(mask)[0]) if mask.any() else course.from_day - 1
        level = float(arm.levels.index(planned[0]))
        if before is None:
            start_level = level
        else:
            change[first] = level - before
        before = level
        up, seen = _escalation_days(course, first)
        escalate, review = np.maximum(escalate, up), np.maximum(review, seen)
        rank = np.minimum(np.cumsum(up).astype(int), len(planned) - 1)
        plan[mask] = np.asarray(planned)[rank][mask]
        end_day = max(end_day, _end(mask))
        if course.until == "progression_or_cr":
            cr_days = float(course.cycles_beyond_cr * (course.cycle or 0))
    orders = ArmOrders(
        levels=levels,
        next_level=next_level,
        start_level=start_level,
        end_day=end_day,
        cr_days=cr_days,
        lenalidomide=dosing,
        planned_mg=plan,
        level_change=change,
        escalate=escalate,
        review=review,
        dexamethasone=_given(arm, "dexamethasone") + _given(arm, "prednisone") / rule("prednisone_per_dexamethasone"),
        allopurinol=_given(arm, "allopurinol"),
        filgrastim=1000.0 * _given(arm, "filgrastim"),
    )
    _require_ordered(arm, orders, end_day)
    return orders


def _require_ordered(arm: Arm, orders: ArmOrders, end_day: float) -> None:
    """Raise CereblonError unless every course of the document stands in the row of its drug, on each of its days."""
    if end_day <= 0.0:
        raise CereblonError(f"arm {arm.id}: no lenalidomide is ordered: expected a course of it in treatment")
    if sum(course.drug == "lenalidomide" for course in arm.treatment) > 1:
        raise CereblonError(f"arm {arm.id}: two courses of lenalidomide in treatment: expected one")
    rows = {
        "lenalidomide": orders.planned_mg,
        "dexamethasone": orders.dexamethasone,
        "prednisone": orders.dexamethasone,
        "allopurinol": orders.allopurinol,
        "filgrastim": orders.filgrastim,
    }
    for kind, courses in (("treatment", arm.treatment), ("support", arm.support)):
        for i, course in enumerate(courses):
            row = rows.get(course.drug)
            if row is None or not (row[course.mask(HORIZON)] > 0).all():
                raise CereblonError(f"arm {arm.id}: {kind}[{i}] of {course.drug} is not ordered on all of its days")


def _escalation_days(course: Treatment, first: int) -> tuple[Numbers, Numbers]:
    """Return the days on which the dose may rise, and those on which a cycle is reviewed."""
    day = np.arange(HORIZON) - first
    if course.escalation is None:
        return np.zeros(HORIZON), ((day > 0) & (day % 28 == 0)).astype(float)
    due = (day > 0) & ((day - course.escalation.first_after) % course.escalation.every == 0)
    return (due & (day >= course.escalation.first_after)).astype(float), due.astype(float)


def _end(mask: NDArray[np.bool_]) -> float:
    """Return the day after the last planned dose, or NEVER when dosing goes on to the horizon."""
    last = int(np.flatnonzero(mask)[-1]) if mask.any() else 0
    # the longest rest between two courses is shorter than a year
    return NEVER if last > HORIZON - 366 else float(last + 1)


def _given(arm: Arm, drug: str) -> Numbers:
    """Return the scheduled amount of a drug by day, mg: support, and treatment other than lenalidomide."""
    out = np.zeros(HORIZON)
    for course in (*arm.treatment, *arm.support):
        if course.drug == drug:
            out[course.mask(HORIZON)] += course.dose
    return out
