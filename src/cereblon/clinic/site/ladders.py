"""Dose levels of an arm: the ladder of every course of every drug, one above the other in one table.

A level is a row of the table. Each course has rows of its own, so that no course can climb into another's doses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cereblon.clinic.trial.plan import ArmPlan, CoursePlan

Numbers = NDArray[np.float64]
EVERYBODY = np.inf


@dataclass(frozen=True)
class Ladders:
    """The level tables of one arm; rows of drugs as in `drugs`, tables (levels, drugs)."""

    plan: ArmPlan
    drugs: tuple[str, ...]

    @cached_property
    def bases(self) -> dict[tuple[int, int], int]:
        """The first row of each course, by (phase, course)."""
        heights = dict.fromkeys(self.drugs, 0)
        found = {}
        for phase, course, plan in self._courses():
            found[phase, course] = heights[plan.drug]
            heights[plan.drug] += len(plan.ladder)
        return found

    @property
    def height(self) -> int:
        """Rows of the highest table, at least 1."""
        ends = [self.bases[p, c] + len(course.ladder) for p, c, course in self._courses()]
        return max(ends, default=1)

    def table(self, kind: str) -> Numbers:
        """Return a (levels, drugs) table: amount, floor (lowest row of the course), top, condition."""
        out = np.zeros((self.height, len(self.drugs)))
        for phase, place, course in self._courses():
            base, column = self.bases[phase, place], self.drugs.index(course.drug)
            rows = slice(base, base + len(course.ladder))
            values: dict[str, Any] = {
                "amount": course.ladder,
                "floor": base,
                "top": base + len(course.ladder) - 1,
                "condition": course.condition,
            }
            out[rows, column] = values[kind]
        return out

    def next_level(self, crcl: float) -> Numbers:
        """Return for each row the row of the next planned dose above it for this clearance; (levels, drugs)."""
        out = np.repeat(np.arange(self.height, dtype=float)[:, None], len(self.drugs), axis=1)
        for phase, place, course in self._courses():
            base, column = self.bases[phase, place], self.drugs.index(course.drug)
            planned = planned_levels(course, crcl)
            for row in range(len(course.ladder)):
                above = [level for level in planned if level > row]
                out[base + row, column] = base + (above[0] if above else row)
        return out

    def start(self, phase: int, place: int, crcl: float) -> int:
        """Return the row on which a course begins for this clearance."""
        course = self.plan.phases[phase].courses[place]
        return self.bases[phase, place] + planned_levels(course, crcl)[0]

    @property
    def limits(self) -> tuple[float, ...]:
        """The creatinine clearances (mL/min) below which any course has another dose, rising."""
        return tuple(sorted({below for _, _, course in self._courses() for below, _, _ in course.renal}))

    def _courses(self) -> Sequence[tuple[int, int, CoursePlan]]:
        return [(p, c, course) for p, phase in enumerate(self.plan.phases) for c, course in enumerate(phase.courses)]


def planned_levels(course: CoursePlan, crcl: float) -> tuple[int, ...]:
    """Return the positions in its ladder through which a course leads for a creatinine clearance in mL/min."""
    fitting = sorted(row for row in course.renal if crcl < row[0])
    if not fitting:
        return course.planned
    _, start, top = fitting[0]
    return (start, *(level for level in course.planned if start < level <= top and course.condition > 0))


def amount_factor(course: CoursePlan, bsa: Numbers, weight: Numbers) -> Numbers:
    """Return what a dose as written is multiplied with, (n,): body surface (m2), weight (kg) or 1."""
    if course.basis == "per_m2":
        return bsa
    if course.basis == "per_kg":
        return weight
    return np.ones_like(bsa)
