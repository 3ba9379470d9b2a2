"""One phase of an arm day by day: which drugs are due, where courses begin, when doses may rise.

Tables count from the first day of the phase; `calendar` says on which day of which phase a subject is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cereblon.clinic.site.ladders import Ladders
from cereblon.clinic.trial.calendar import HORIZON

Single = NDArray[np.float32]
HOURS = (0, 6, 12, 18)
"""Hours of the day at which a dose can be given; the dose of a day is a sum of 1, 2, 4, 8, one for each."""


@dataclass(frozen=True)
class DayTables:
    """Tables (HORIZON, drugs) of one phase and class of kidney function.

    due: sum of 1, 2, 4, 8 for doses at HOURS, 0 for none; begin: row of the level table on which a course begins, -1
    on all other days; escalate, review: 1 on days on which the dose may rise and on which a cycle is judged; part: 1
    for drugs of the treatment, as long as a dose is still to come; over: hours of an infusion.
    """

    due: Single
    begin: Single
    escalate: Single
    review: Single
    part: Single
    over: Single

    @classmethod
    def of(cls, ladders: Ladders, phase: int, crcl: float) -> DayTables:
        """Return the tables of a phase of an arm for a creatinine clearance in mL/min."""
        shape = (HORIZON, len(ladders.drugs))
        due, escalate, review, part, over = (np.zeros(shape, dtype=np.float32) for _ in range(5))
        begin = np.full(shape, -1.0, dtype=np.float32)
        for place, course in enumerate(ladders.plan.phases[phase].courses):
            days, column = np.flatnonzero(course.days), ladders.drugs.index(course.drug)
            if not days.size:
                continue
            due[days, column] += sum(2 ** HOURS.index(hour) for hour in course.hours)
            begin[days[0], column] = ladders.start(phase, place, crcl)
            over[days, column] = course.over
            # a course has no step after its last dose
            course_days = slice(0, days[-1] + 1)
            escalate[course_days, column] = np.maximum(escalate[course_days, column], course.escalate[course_days])
            review[:, column] = np.maximum(review[:, column], course.review)
            if course.treatment:
                part[course_days, column] = 1.0
        return cls(due, begin, escalate, review, part, over)

    @classmethod
    def idle(cls, drugs: int) -> DayTables:
        """Return the tables of a time without any drug."""
        zero = np.zeros((HORIZON, drugs), dtype=np.float32)
        return cls(zero, zero - 1.0, zero, zero, zero, zero)
