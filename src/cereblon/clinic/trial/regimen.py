"""What is given to whom and when: courses on days of the trial, and the arm that they, or phases, make.

Day 1 is the first day of treatment. Masks count from 0, so element 0 of a mask is day 1.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from cereblon.clinic.trial.calendar import HORIZON, LAST_DAY, USUAL_CYCLE, Mask, dosing_days, last_day
from cereblon.clinic.trial.courses import MOST_COURSES, Course, RisingCourse, refuse_levels, refuse_many
from cereblon.clinic.trial.dose_rules import FlareSteroid, Rules
from cereblon.clinic.trial.drugs import drugs
from cereblon.clinic.trial.phases import Phase, refuse_bad_ways, refuse_overlap
from cereblon.documents.base import Document, Key, Size, Text, Whole, problem
from cereblon.documents.doses import Amount, Dose
from cereblon.documents.quantities import Time


class DatedCourse(Course):
    """A course whose cycles count from a day of the trial. Without a `cycle`, its days are given once."""

    from_day: Annotated[int, Field(strict=True, ge=1, le=LAST_DAY)] = 1

    @model_validator(mode="after")
    def _repeats(self) -> DatedCourse:
        if self.cycle is None and self.cycles is not None:
            raise problem("cycles need the length of a cycle, such as cycle: 28 days", ("cycles",))
        return self

    def mask(self, horizon: int) -> Mask:
        """Return the intended dosing days as a mask of shape (horizon,), element 0 = day 1 of the trial."""
        first = self.from_day - 1
        return dosing_days(horizon, self.cycle, self.days, self.cycles, first, first)


class Treatment(RisingCourse, DatedCourse):
    """A drug of the treatment. Courses of one drug may follow each other, each with its own escalation.

    Progression ends treatment, and so does the last planned dose of the last course, whether `until` is progression
    or end_of_cycles. progression_or_cr: a confirmed complete response (not CRi) too, after `cycles_beyond_cr` more
    cycles of the course.
    """

    cycle: Time | None = Field(default=USUAL_CYCLE)
    until: Literal["progression", "progression_or_cr", "end_of_cycles"] = "progression"
    cycles_beyond_cr: Whole = 0

    @model_validator(mode="after")
    def _ends(self) -> Treatment:
        if self.until == "end_of_cycles" and self.cycles is None:
            raise problem("until end_of_cycles needs the number of cycles, such as cycles: 1-6", ("until",))
        if self.cycles_beyond_cr and self.until != "progression_or_cr":
            raise problem("cycles_beyond_cr needs until: progression_or_cr", ("cycles_beyond_cr",))
        if self.cycles_beyond_cr and self.cycle is None:
            why = "cycles_beyond_cr needs the length of a cycle, such as cycle: 28 days"
            raise problem(why, ("cycles_beyond_cr",))
        return self

    @property
    def cr_days(self) -> int:
        """The days from a confirmed complete response to the end of treatment, -1: it goes on."""
        return self.cycles_beyond_cr * (self.cycle or 0) if self.until == "progression_or_cr" else -1


class SupportDrug(DatedCourse):
    """A supportive drug given to everyone in the arm; `days` count from the first day of treatment, once.

    It ends with treatment, and so does not go on after the last planned dose.
    """


def _usual_levels(values: dict[str, Any]) -> tuple[Amount, ...]:
    """Return the usual ladder of the first drug of the treatment that has one."""
    ladders = (drugs()[course.drug].ladder() for course in values.get("treatment", ()))
    return next((ladder for ladder in ladders if ladder), ())


class Arm(Document):
    """One arm: how many subjects, what they are given, and how doses are changed.

    Either `treatment`, with `support`, in one phase, or `phases`. `rules` and `levels` are those of the drugs of the
    treatment that are held by rules and have usual levels; in a phase every drug has its own.
    """

    id: Key
    name: Text
    size: Size
    treatment: tuple[Treatment, ...] = ()
    support: tuple[SupportDrug, ...] = ()
    phases: tuple[Phase, ...] = ()
    flare_steroid: FlareSteroid = FlareSteroid()
    gcsf: Literal["none", "when_needed"] = "none"
    rules: Rules = Rules()
    levels: tuple[Dose, ...] = Field(default_factory=_usual_levels)

    @model_validator(mode="after")
    def _consistent(self) -> Arm:
        if self.phases:
            self._refuse_bad_phases()
        elif self.treatment or "treatment" in self.model_fields_set:
            self._refuse_bad_treatment()
        else:
            at = ("phases",) if "phases" in self.model_fields_set else ()
            raise problem("expected what is given: treatment, or phases", at)
        return self

    @property
    def last_dose_day(self) -> int | None:
        """The day of the last planned dose of the `treatment`, counted from 1; None: it goes on."""
        days = [last_day(course.mask(HORIZON)) for course in self.treatment]
        ends = [day for day in days if day is not None]
        return max(ends, default=0) if len(ends) == len(days) else None

    def _refuse_bad_phases(self) -> None:
        for name in ("treatment", "support", "rules", "levels"):
            if getattr(self, name) not in ((), Rules()):
                raise problem(f"{name} beside phases: expected it in a phase", (name,))
        refuse_many(self.phases, MOST_COURSES, "phases", ("phases",))
        refuse_bad_ways(self.phases)
        if not any(phase.give for phase in self.phases):
            raise problem("no phase gives a drug: expected one that does", ("phases",))

    def _refuse_bad_treatment(self) -> None:
        if not self.treatment:
            raise problem("expected at least one drug", ("treatment",))
        refuse_many(self.treatment, MOST_COURSES, "courses", ("treatment",))
        refuse_many(self.support, MOST_COURSES, "courses", ("support",))
        self._refuse_bad_levels()
        courses: list[tuple[str, int, str, Mask]] = []
        for kind, part in (("treatment", self.treatment), ("support", self.support)):
            courses += [(kind, i, course.drug, course.mask(HORIZON)) for i, course in enumerate(part)]
        refuse_overlap(courses)
        self._refuse_two_ends()
        if self.rules != Rules() and not any(drugs()[c.drug].rule_sets for c in self.treatment):
            named = ", ".join(dict.fromkeys(course.drug for course in self.treatment))
            raise problem(f"no dose of {named} is held by rules: expected none, or phases with rules", ("rules",))

    def _refuse_bad_levels(self) -> None:
        laddered = self._laddered
        if laddered:
            refuse_levels(self.levels, ("levels",))
        elif self.levels:
            raise problem("no drug of the treatment is stepped by levels: expected none, or phases", ("levels",))
        if len(laddered) > 1 and self.levels != drugs()[laddered[0]].ladder():
            why = f"one ladder for {' and '.join(laddered)}: expected phases, with levels of each drug"
            raise problem(why, ("levels",))
        for i, course in enumerate(self.treatment):
            if course.drug in laddered:
                course.refuse_missing_level(self.ladder(course), ("treatment", i))

    @property
    def _laddered(self) -> tuple[str, ...]:
        """The drugs of the `treatment` that have usual levels."""
        return tuple(dict.fromkeys(course.drug for course in self.treatment if drugs()[course.drug].levels))

    def ladder(self, course: Treatment) -> tuple[Amount, ...]:
        """Return the levels of a course of the `treatment`, rising."""
        laddered = self._laddered
        if course.drug not in laddered:
            return course.every_dose
        return self.levels if len(laddered) == 1 else drugs()[course.drug].ladder()

    def _refuse_two_ends(self) -> None:
        ends = [(i, course.cr_days) for i, course in enumerate(self.treatment) if course.cr_days >= 0]
        for i, days in ends[1:]:
            if days != ends[0][1]:
                first = f"{ends[0][1]} days after CR by treatment[{ends[0][0]}]"
                why = f"treatment ends {first}, and {days} days after by this one: expected one number"
                raise problem(why, ("treatment", i))

    @property
    def cr_days(self) -> int:
        """The days from a confirmed complete response to the end of the `treatment`, -1: it goes on."""
        return max((course.cr_days for course in self.treatment), default=-1)
