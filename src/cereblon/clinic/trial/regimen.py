"""What is given to whom and when: courses of a drug, dose escalation, dose rules, supportive care, arms.

Day 1 is the first day of treatment. Masks count from 0, so element 0 of a mask is day 1.
"""

from __future__ import annotations

import math
from collections.abc import Sized
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from cereblon.clinic.trial.carried import (
    HORIZON,
    refuse_idle_arm,
    refuse_ignored_course,
    refuse_ignored_limits,
    refuse_ignored_steroid,
)
from cereblon.clinic.trial.drugs import DRUGS
from cereblon.documents.base import Document, Key, Size, Text, Whole, problem
from cereblon.documents.quantities import Clearance, Count, Cycles, Days, Dose, Time
from cereblon.errors import nearest

LEVELS = (2.5, 5.0, 10.0, 15.0, 20.0, 25.0)
"""Dose levels of lenalidomide, mg: one down of 25-20-15-10-5(-2.5), toxicity_model.md section 6."""
MOST_LEVELS = 20
"""Most dose levels of an arm, and most planned doses of a course: the ladders of the registry have 6 at most."""
MOST_COURSES = 20
"""Most courses in the treatment of an arm, in its support, and most renal doses of a course."""


class Course(Document):
    """A drug at one daily dose on chosen days.

    `cycle` None: `days` count from `from_day` and are not repeated. `cycles` None: every cycle.
    """

    drug: Annotated[str, Field(json_schema_extra={"enum": list(DRUGS)})]
    dose: Dose
    days: Days = None
    cycle: Time | None = None
    cycles: Cycles = None
    from_day: Annotated[int, Field(strict=True, ge=1, le=HORIZON)] = 1

    @field_validator("drug")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in DRUGS:
            raise problem(f"unknown drug: expected one of {', '.join(DRUGS)}{nearest(name, DRUGS)}")
        return name

    @model_validator(mode="after")
    def _sensible(self) -> Course:
        refuse_absurd(self.drug, self.dose, ("dose",))
        if self.cycle is None and self.cycles is not None:
            raise problem("cycles need the length of a cycle, such as cycle: 28 days", ("cycles",))
        if self.cycle is not None and self.days is not None and self.days[-1] > self.cycle:
            raise problem(f"day {self.days[-1]} is outside a cycle of {self.cycle} days", ("days",))
        return self

    def mask(self, horizon: int) -> NDArray[np.bool_]:
        """Return the intended dosing days as a mask of shape (horizon,), element 0 = day 1 of the trial."""
        day = np.arange(horizon) - (self.from_day - 1)  # 0 on the first day of the course
        given = day >= 0
        within = day % self.cycle if self.cycle is not None else day
        if self.days is not None:
            given &= np.isin(within + 1, self.days)
        if self.cycle is not None and self.cycles is not None:
            given &= np.isin(day // self.cycle + 1, self.cycles)
        return given


def refuse_many(items: Sized, most: int, what: str, at: tuple[str | int, ...]) -> None:
    """Raise a design error at `at` when a list is longer than any trial needs: its size would drive memory."""
    if len(items) > most:
        raise problem(f"{len(items)} {what}: expected at most {most}", at)


def refuse_absurd(drug: str, dose: float, at: tuple[str | int, ...]) -> None:
    """Raise a design error at `at` when `dose` (mg a day) is beyond the drug's absurdity limit."""
    limit = DRUGS[drug].max_daily
    if dose > limit:
        raise problem(f"{dose:g} mg a day of {drug} is absurd: expected at most {limit:g} mg", at)


class Escalation(Document):
    """How the planned dose rises: through `to_steps`, or by `step` up to `maximum`.

    The calendar counts from the first dose of the course: the first rise on day `first_after` + 1, further
    ones every `every` days. `condition` tolerated: no grade 3-4 event in the cycle just ended, no hold;
    always: by the calendar, unless on hold; if_not_progressing: the same, since progression ends treatment.
    """

    to_steps: tuple[Dose, ...] | None = None
    step: Dose | None = None
    first_after: Time
    every: Time
    maximum: Dose
    condition: Literal["tolerated", "always", "if_not_progressing"] = "tolerated"

    @model_validator(mode="after")
    def _one_way(self) -> Escalation:
        if (self.to_steps is None) == (self.step is None):
            raise problem("expected exactly one of to_steps and step")
        if self.to_steps is not None:
            refuse_many(self.to_steps, MOST_LEVELS - 1, "steps", ("to_steps",))
            if list(self.to_steps) != sorted(set(self.to_steps)) or not self.to_steps:
                raise problem("expected rising doses, none twice", ("to_steps",))
            if self.to_steps[-1] > self.maximum:
                why = f"{self.to_steps[-1]:g} mg is above the maximum {self.maximum:g} mg"
                raise problem(why, ("to_steps",))
        return self

    def count(self, start: float) -> float:
        """Return how many planned doses there are from the starting dose `start`, mg; may be beyond all sense."""
        if self.to_steps is not None:
            return 1 + len(self.to_steps)
        assert self.step is not None  # _one_way
        return 1 + max(0, math.ceil((self.maximum - start) / self.step))

    def planned(self, start: float) -> tuple[float, ...]:
        """Return the planned doses, mg, from the starting dose `start` to the highest one."""
        if self.to_steps is not None:
            return (start, *self.to_steps)
        assert self.step is not None  # _one_way
        doses = [start]
        while doses[-1] < self.maximum:
            doses.append(min(doses[-1] + self.step, self.maximum))
        return tuple(doses)


class RenalDose(Document):
    """Start (and optionally highest) dose of subjects whose creatinine clearance is below a limit.

    The dose of the lowest limit that a subject is below is given; `maximum` is for a course that escalates.
    """

    below: Clearance
    dose: Dose
    maximum: Dose | None = None


class Treatment(Course):
    """A drug of the treatment: one course of lenalidomide in each arm, and others beside it as scheduled.

    Progression ends treatment, and so does the end of the planned `cycles`, whether `until` is progression or
    end_of_cycles. progression_or_cr: a confirmed complete response (not CRi) too, after `cycles_beyond_cr` more
    cycles of the course. `escalation`, `renal`, `until` and
    `cycles_beyond_cr` are for lenalidomide.
    """

    cycle: Time | None = Field(default=28)
    escalation: Escalation | None = None
    renal: tuple[RenalDose, ...] = ()
    until: Literal["progression", "progression_or_cr", "end_of_cycles"] = "progression"
    cycles_beyond_cr: Whole = 0

    @model_validator(mode="after")
    def _rises(self) -> Treatment:
        refuse_many(self.renal, MOST_COURSES, "renal doses", ("renal",))
        if self.escalation is not None:
            self._refuse_tiny_steps(self.escalation)
            for i, dose in enumerate(self.escalation.planned(self.dose)[1:]):
                at = ("escalation", "to_steps", i) if self.escalation.to_steps else ("escalation", "maximum")
                refuse_absurd(self.drug, dose, at)
            start, steps = f"the starting dose {self.dose:g} mg", self.escalation.to_steps
            if self.escalation.maximum < self.dose:
                raise problem(f"the maximum is below {start}", ("escalation", "maximum"))
            if steps is not None and steps[0] <= self.dose:
                raise problem(f"the first step is not above {start}", ("escalation", "to_steps"))
        for i, renal in enumerate(self.renal):
            refuse_absurd(self.drug, renal.dose, ("renal", i, "dose"))
        if self.until == "end_of_cycles" and self.cycles is None:
            raise problem("until end_of_cycles needs the number of cycles, such as cycles: 1-6", ("until",))
        if self.cycles_beyond_cr and self.until != "progression_or_cr":
            raise problem("cycles_beyond_cr needs until: progression_or_cr", ("cycles_beyond_cr",))
        refuse_ignored_course(self)
        return self

    def _refuse_tiny_steps(self, escalation: Escalation) -> None:
        count = escalation.count(self.dose)  # by arithmetic: the doses themselves may not fit into memory
        if count > MOST_LEVELS:
            refuse_absurd(self.drug, escalation.maximum, ("escalation", "maximum"))
            raise problem(
                f"{count:.3g} doses from {self.dose:g} mg to {escalation.maximum:g} mg: "
                f"expected a step that needs at most {MOST_LEVELS}",
                ("escalation", "step"),
            )

    @property
    def doses(self) -> tuple[float, ...]:
        """The planned doses, mg, from the start to the highest."""
        return self.escalation.planned(self.dose) if self.escalation is not None else (self.dose,)


class SupportDrug(Course):
    """A supportive drug given to everyone in the arm; `days` count from the first day of treatment, once.

    It ends with treatment, and so does not go on after the last planned dose of lenalidomide.
    """


class FlareSteroid(Document):
    """Steroid for a flare of at least `from_grade`; what is left out is a number of the clinic's rules.

    `drug` and `dose` belong together.
    """

    policy: Literal["when_needed", "none"] = "when_needed"
    drug: Literal["dexamethasone", "prednisone"] | None = None
    dose: Dose | None = None
    for_days: Time | None = None
    from_grade: Annotated[int, Field(strict=True, ge=1, le=4)] | None = None

    @model_validator(mode="after")
    def _carried_out(self) -> FlareSteroid:
        refuse_ignored_steroid(self)
        if self.drug is not None and self.dose is not None:
            refuse_absurd(self.drug, self.dose, ("dose",))
        return self


class Rules(Document):
    """Hold, resume, reduce and stop rules: a named set and what this trial changes of it.

    What is left out is the set's own number. A limit that another one makes void is refused.
    """

    set: Literal["lymphoma", "gcsf_first", "myeloma"] = "lymphoma"
    anc_hold: Count | None = None
    anc_hold_days: Time | None = None
    anc_hold_at_once: Count | None = None
    anc_resume: Count | None = None
    platelets_hold: Count | None = None
    platelets_resume: Count | None = None
    step_down: bool | None = None
    flare_hold_grade: Annotated[int, Field(strict=True, ge=1, le=5)] | None = None
    infection_hold_grade: Annotated[int, Field(strict=True, ge=1, le=5)] | None = None
    tls: Literal["hold", "stop", "continue"] | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Rules:
        for hold, resume in (("anc_hold", "anc_resume"), ("platelets_hold", "platelets_resume")):
            a, b = getattr(self, hold), getattr(self, resume)
            if a is not None and b is not None and b < a:
                raise problem(f"{resume} {b:g} is below {hold} {a:g}", (resume,))
        refuse_ignored_limits(self)
        return self

    @property
    def overrides(self) -> dict[str, float | int | bool | str]:
        """The fields this trial changes, by name."""
        return self.model_dump(exclude={"set"}, exclude_none=True)


class Arm(Document):
    """One arm: how many subjects, what they are given, and how doses are changed."""

    id: Key
    name: Text
    size: Size
    treatment: tuple[Treatment, ...]
    support: tuple[SupportDrug, ...] = ()
    flare_steroid: FlareSteroid = FlareSteroid()
    gcsf: Literal["none", "when_needed"] = "none"
    rules: Rules = Rules()
    levels: tuple[Dose, ...] = LEVELS

    @model_validator(mode="after")
    def _consistent(self) -> Arm:
        if not self.treatment:
            raise problem("expected at least one drug", ("treatment",))
        refuse_many(self.treatment, MOST_COURSES, "courses", ("treatment",))
        refuse_many(self.support, MOST_COURSES, "courses", ("support",))
        refuse_many(self.levels, MOST_LEVELS, "dose levels", ("levels",))
        if list(self.levels) != sorted(set(self.levels)) or not self.levels:
            raise problem("expected rising dose levels, none twice", ("levels",))
        for i, treatment in enumerate(self.treatment):
            planned = (*treatment.doses, *(renal.dose for renal in treatment.renal))
            missing = [dose for dose in planned if dose not in self.levels]
            if treatment.drug == "lenalidomide" and missing:
                raise problem(
                    f"the planned dose {missing[0]:g} mg is not among the levels "
                    f"{', '.join(f'{d:g}' for d in self.levels)} mg",
                    ("treatment", i),
                )
        self._refuse_overlap()
        refuse_idle_arm(self)
        return self

    def _refuse_overlap(self) -> None:
        courses: list[tuple[str, int, Course]] = [("treatment", i, c) for i, c in enumerate(self.treatment)]
        courses += [("support", i, c) for i, c in enumerate(self.support)]
        seen: list[tuple[str, int, Course, NDArray[np.bool_]]] = []
        for kind, i, course in courses:
            mask = course.mask(HORIZON)
            for other_kind, j, other, other_mask in seen:
                both = np.flatnonzero(mask & other_mask)
                if course.drug == other.drug and both.size:
                    raise problem(
                        f"{course.drug} is already given on day {both[0] + 1} by {other_kind}[{j}]: "
                        "expected courses of one drug that do not overlap",
                        (kind, i),
                    )
            seen.append((kind, i, course, mask))
