"""A course of a drug: its dose, its days, its hours; and how its dose rises."""

from __future__ import annotations

import math
from collections.abc import Sized
from typing import Any, Literal, TypeVar

from pydantic import Field, model_validator

from cereblon.clinic.trial.drugs import DrugName, drugs, refuse_absurd
from cereblon.documents.base import Document, problem
from cereblon.documents.doses import Amount, Dose, Hours, Span
from cereblon.documents.quantities import Clearance, Cycles, Days, Time

MOST_LEVELS = 20
"""Most dose levels of a ladder, and most planned doses of a course: the ladders of the registry have 6 at most."""
MOST_COURSES = 20
"""Most courses in a treatment, in its support, and most renal doses of a course."""
Path = tuple[str | int, ...]
AnyCourse = TypeVar("AnyCourse", bound="Course")


class Course(Document):
    """A drug at one dose, at chosen hours of chosen days.

    `cycle` None: `days` are not repeated, or the cycle is that of the phase. `cycles` None: every cycle. `hours` of
    the day at which the dose is given, and `over` what time it runs in: left out, as the drug is usually given.
    `most`: the highest single dose of one by surface or weight, left out: the drug's own.
    """

    drug: DrugName
    dose: Dose
    days: Days = None
    cycle: Time | None = None
    cycles: Cycles = None
    hours: Hours | None = None
    over: Span | None = None
    most: Dose | None = None

    @model_validator(mode="after")
    def _sensible(self) -> Course:
        times = self.times
        if self.dose.whole_day and len(times) > 1:
            why = f"{self.dose.text} at {len(times)} hours of a day: expected the dose at one of them"
            raise problem(why, ("dose",))
        refuse_absurd(self.drug, self.dose, ("dose",), len(times))
        self._refuse_odd_cap()
        self._refuse_long_infusion(times)
        if self.cycle is not None:
            refuse_outside(self.days, self.cycle, ("days",))
        return self

    @property
    def times(self) -> tuple[int, ...]:
        """The hours of a day at which the dose is given."""
        return drugs()[self.drug].hours if self.hours is None else self.hours

    @property
    def infusion(self) -> float:
        """The hours that a dose runs in, 0: at once."""
        return drugs()[self.drug].over if self.over is None else self.over / 60.0

    @property
    def cap(self) -> float | None:
        """The highest single dose in the drug's unit, flat; None: there is none."""
        card = drugs()[self.drug]
        return card.most if self.most is None else self.most.within(card.unit)

    def _refuse_odd_cap(self) -> None:
        if self.most is None:
            return
        if self.dose.basis == "flat":
            raise problem(f"{self.dose.text} is the same for everybody: expected no highest dose", ("most",))
        if self.most.basis != "flat":
            raise problem(f"{self.most.text} is no highest dose: expected a flat one, such as 2 mg", ("most",))
        refuse_absurd(self.drug, self.most, ("most",), len(self.times))

    def _refuse_long_infusion(self, times: tuple[int, ...]) -> None:
        at: Path = ("over",) if self.over is not None else ("hours",)
        ends = [*times[1:], 24]
        for start, end in zip(times, ends, strict=True):
            if start + self.infusion > end:
                into = "past midnight" if end == 24 else f"into the dose of hour {end}"
                why = f"{self.infusion:g} h from hour {start} run {into}: expected at most {end - start} h"
                raise problem(why, at)


def refuse_outside(days: tuple[int, ...] | None, cycle: int, at: Path) -> None:
    """Raise a design error at `at` for days beyond their cycle."""
    if days is not None and days[-1] > cycle:
        raise problem(f"day {days[-1]} is outside a cycle of {cycle} days", at)


def refuse_many(items: Sized, most: int, what: str, at: Path) -> None:
    """Raise a design error at `at` when a list is longer than any trial needs: its size would drive memory."""
    if len(items) > most:
        raise problem(f"{len(items)} {what}: expected at most {most}", at)


def refuse_other_kind(dose: Amount, other: Amount, at: Path) -> None:
    """Raise a design error at `at` for two doses of one course that are counted differently."""
    if dose.kind != other.kind:
        raise problem(f"{other.text} cannot be set beside {dose.text}: expected one way of counting", at)


def refuse_levels(levels: tuple[Amount, ...], at: Path) -> None:
    """Raise a design error at `at` unless dose levels are a ladder."""
    refuse_many(levels, MOST_LEVELS, "dose levels", at)
    if list(levels) != sorted(set(levels)) or not levels:
        raise problem("expected rising dose levels, none twice", at)


def _as_often(values: dict[str, Any]) -> Any:
    return values.get("every", 0)


class Escalation(Document):
    """How the planned dose rises: through `to_steps`, or by `step` up to `maximum`.

    The calendar counts from the first dose of the course: the first rise on day `first_after` + 1 (left out: as
    `every`), further ones every `every` days. `condition` tolerated: no grade 3-4 event in the cycle just ended, no
    hold; always: by the calendar, unless on hold; if_not_progressing: the same, since progression ends treatment.
    """

    to_steps: tuple[Dose, ...] | None = None
    step: Dose | None = None
    every: Time
    first_after: Time = Field(default_factory=_as_often)
    maximum: Dose
    condition: Literal["tolerated", "always", "if_not_progressing"] = "tolerated"

    @model_validator(mode="after")
    def _one_way(self) -> Escalation:
        if (self.to_steps is None) == (self.step is None):
            raise problem("expected exactly one of to_steps and step")
        if self.step is not None:
            refuse_other_kind(self.step, self.maximum, ("maximum",))
        if self.to_steps is not None:
            self._refuse_odd_steps(self.to_steps)
        return self

    def _refuse_odd_steps(self, steps: tuple[Amount, ...]) -> None:
        refuse_many(steps, MOST_LEVELS - 1, "steps", ("to_steps",))
        if list(steps) != sorted(set(steps)) or not steps:
            raise problem("expected rising doses, none twice", ("to_steps",))
        for i, step in enumerate(steps):
            refuse_other_kind(self.maximum, step, ("to_steps", i))
        if steps[-1] > self.maximum:
            raise problem(f"{steps[-1].text} is above the maximum {self.maximum.text}", ("to_steps",))

    def count(self, start: float) -> float:
        """Return how many planned doses there are from the starting dose `start`; may be beyond all sense."""
        if self.to_steps is not None:
            return 1 + len(self.to_steps)
        assert self.step is not None  # _one_way
        return 1 + max(0, math.ceil((self.maximum - start) / self.step))

    def planned(self, start: Amount) -> tuple[Amount, ...]:
        """Return the planned doses from the starting dose `start` to the highest one."""
        if self.to_steps is not None:
            return (start, *self.to_steps)
        assert self.step is not None  # _one_way
        doses = [start]
        while doses[-1] < self.maximum:
            doses.append(min(doses[-1].plus(self.step), self.maximum))
        return tuple(doses)


class RenalDose(Document):
    """Start (and optionally highest) dose of subjects whose creatinine clearance is below a limit.

    The dose of the lowest limit that a subject is below is given; `maximum` is for a course that escalates.
    """

    below: Clearance
    dose: Dose
    maximum: Dose | None = None


class RisingCourse(Course):
    """A course whose dose may rise, and may begin lower where the kidneys are weak."""

    escalation: Escalation | None = None
    renal: tuple[RenalDose, ...] = ()

    @model_validator(mode="after")
    def _rises(self) -> RisingCourse:
        refuse_many(self.renal, MOST_COURSES, "renal doses", ("renal",))
        if self.escalation is not None:
            self._refuse_odd_rise(self.escalation)
        self._refuse_odd_renal()
        return self

    def _refuse_odd_rise(self, rise: Escalation) -> None:
        refuse_other_kind(self.dose, rise.maximum, ("escalation", "maximum"))
        self._refuse_tiny_steps(rise)
        for i, dose in enumerate(rise.planned(self.dose)[1:]):
            at: Path = ("escalation", "to_steps", i) if rise.to_steps else ("escalation", "maximum")
            refuse_absurd(self.drug, dose, at, len(self.times))
        start = f"the starting dose {self.dose.text}"
        if rise.maximum < self.dose:
            raise problem(f"the maximum is below {start}", ("escalation", "maximum"))
        if rise.to_steps is not None and rise.to_steps[0] <= self.dose:
            raise problem(f"the first step is not above {start}", ("escalation", "to_steps"))
        if rise.to_steps is not None and rise.to_steps[-1] < rise.maximum:
            why = f"the maximum {rise.maximum.text} is never reached: expected {rise.to_steps[-1].text}, the last step"
            raise problem(why, ("escalation", "maximum"))

    def _refuse_tiny_steps(self, rise: Escalation) -> None:
        count = rise.count(self.dose)  # by arithmetic: the doses themselves may not fit into memory
        if count > MOST_LEVELS:
            refuse_absurd(self.drug, rise.maximum, ("escalation", "maximum"))
            raise problem(
                f"{count:.3g} doses from {self.dose.text} to {rise.maximum.text}: "
                f"expected a step that needs at most {MOST_LEVELS}",
                ("escalation", "step"),
            )

    def _refuse_odd_renal(self) -> None:
        seen: set[float] = set()
        for i, renal in enumerate(self.renal):
            refuse_absurd(self.drug, renal.dose, ("renal", i, "dose"), len(self.times))
            refuse_other_kind(self.dose, renal.dose, ("renal", i, "dose"))
            if renal.below in seen:
                why = f"two doses are given for a clearance below {renal.below:g} mL/min"
                raise problem(why, ("renal", i, "below"))
            seen.add(renal.below)
            if renal.maximum is not None:
                self._refuse_odd_maximum(renal, renal.maximum, ("renal", i, "maximum"))

    def _refuse_odd_maximum(self, renal: RenalDose, most: Amount, at: Path) -> None:
        if self.escalation is None:
            raise problem("a maximum needs an escalation: this dose does not rise", at)
        refuse_other_kind(self.dose, most, at)
        top = self.escalation.maximum
        if not renal.dose <= most <= top:
            why = f"the maximum {most.text} is outside {renal.dose.text} to {top.text}, dose and highest dose"
            raise problem(why, at)

    @property
    def doses(self) -> tuple[Amount, ...]:
        """The planned doses, from the start to the highest."""
        return self.escalation.planned(self.dose) if self.escalation is not None else (self.dose,)

    @property
    def every_dose(self) -> tuple[Amount, ...]:
        """Every dose that is planned for anybody, rising."""
        return tuple(sorted({*self.doses, *(renal.dose for renal in self.renal)}))

    def refuse_missing_level(self, levels: tuple[Amount, ...], at: Path) -> None:
        """Raise a design error at `at` for a planned dose that is no rung of the ladder `levels`."""
        missing = [dose for dose in self.every_dose if dose not in levels]
        if missing:
            shown = ", ".join(level.text for level in levels)
            raise problem(f"the planned dose {missing[0].text} is not among the levels {shown}", at)
