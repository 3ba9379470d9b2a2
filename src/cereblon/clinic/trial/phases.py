"""A phase of a trial: what it gives, for how long, and what comes next. Days count from the first of the phase."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from cereblon.clinic.trial.calendar import HORIZON, LAST_DAY, USUAL_CYCLE, Mask, dosing_days
from cereblon.clinic.trial.courses import (
    MOST_COURSES,
    Course,
    Path,
    RisingCourse,
    refuse_levels,
    refuse_many,
    refuse_other_kind,
    refuse_outside,
)
from cereblon.clinic.trial.dose_rules import Rules
from cereblon.clinic.trial.drugs import drugs, refuse_absurd
from cereblon.clinic.trial.transitions import Transition
from cereblon.documents.base import Document, Key, Whole, problem
from cereblon.documents.doses import Amount, Dose
from cereblon.documents.quantities import Time
from cereblon.errors import nearest

Counted = Annotated[int, Field(strict=True, ge=1, le=LAST_DAY)]
"""A number of a day or a cycle, from 1."""


class Beginning(Document):
    """The first day of a course: a day of one of its cycles."""

    cycle: Counted = 1
    day: Counted = 1


class PhaseCourse(Course):
    """A drug given in a phase. `cycle` left out: that of the phase; `cycles` and `days` count from the phase's first.

    `from`: nothing is given before that day of that cycle; cycles count on from the phase's first all the same.
    """

    from_: Beginning = Field(default=Beginning(), alias="from")

    def mask(self, horizon: int, cycle: int) -> Mask:
        """Return the dosing days of the phase as a mask of shape (horizon,); cycle: days, of the phase."""
        length = self.cycle or cycle
        first = (self.from_.cycle - 1) * length + self.from_.day - 1
        return dosing_days(horizon, length, self.days, self.cycles, first, 0)

    def refuse_beyond(self, cycle: int, length: int | None, at: Path) -> None:
        """Raise a design error for days beyond the cycle, and for cycles beyond a phase of `length` days."""
        own = self.cycle or cycle
        refuse_outside(self.days, own, (*at, "days"))
        refuse_outside((self.from_.day,), own, (*at, "from", "day"))
        if length is None:
            return
        for name, last in (("cycles", self.cycles[-1] if self.cycles else 1), ("from", self.from_.cycle)):
            if (last - 1) * own >= length:
                raise problem(f"cycle {last} of {own} days is beyond the phase of {length} days", (*at, name))
        if not self.mask(length, cycle).any():
            raise problem(f"no dose of {self.drug} falls into the phase of {length} days", at)


class Give(PhaseCourse, RisingCourse):
    """A drug of the treatment in a phase, with its own escalation, levels and rules.

    `levels`: its ladder for steps up and down, left out: its usual one, or the planned doses. `rules`: by which it is
    held and reduced, left out: the usual ones of a drug that has rules, none for another.
    """

    levels: tuple[Dose, ...] | None = None
    rules: Rules | None = None

    @model_validator(mode="after")
    def _stepped(self) -> Give:
        if self.levels is not None:
            refuse_levels(self.levels, ("levels",))
            for i, level in enumerate(self.levels):
                refuse_other_kind(self.dose, level, ("levels", i))
                refuse_absurd(self.drug, level, ("levels", i), len(self.times))
        self.refuse_missing_level(self.ladder, ("dose",))
        sets = drugs()[self.drug].rule_sets
        if self.rules is not None and sets and self.rules.set not in sets:
            raise problem(f"{self.drug} has the rules {', '.join(sets)}", ("rules", "set"))
        return self

    @property
    def ladder(self) -> tuple[Amount, ...]:
        """The levels of its dose, rising."""
        usual = drugs()[self.drug].ladder()
        fits = bool(usual) and usual[0].kind == self.dose.kind
        return self.levels or (usual if fits else self.every_dose)

    @property
    def held_by(self) -> Rules | None:
        """The rules by which it is held and reduced; None: it is given as scheduled."""
        return self.rules or (Rules() if drugs()[self.drug].rule_sets else None)


class Phase(Document):
    """A phase: a lead-in, an induction, a consolidation, a maintenance, an observation.

    It is over after its `cycles` (left out: it goes on), and with until: progression_or_cr also `cycles_beyond_cr`
    cycles after a confirmed complete response (not CRi). Progression ends all phases, whatever `until` says. When it is
    over, the first transition of `then` whose condition holds is taken; without any, treatment is completed.
    """

    id: Key
    cycle: Time = Field(default=USUAL_CYCLE)
    cycles: Counted | None = None
    until: Literal["progression", "progression_or_cr", "end_of_cycles"] = "progression"
    cycles_beyond_cr: Whole = 0
    give: tuple[Give, ...] = ()
    support: tuple[PhaseCourse, ...] = ()
    then: tuple[Transition, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Phase:
        for name in ("give", "support", "then"):
            refuse_many(getattr(self, name), MOST_COURSES, "courses" if name != "then" else "transitions", (name,))
        if self.until == "end_of_cycles" and self.cycles is None:
            raise problem("until end_of_cycles needs the number of cycles, such as cycles: 6", ("until",))
        if self.cycles_beyond_cr and self.until != "progression_or_cr":
            raise problem("cycles_beyond_cr needs until: progression_or_cr", ("cycles_beyond_cr",))
        if self.length is not None and self.length > LAST_DAY:
            raise problem(f"{self.length} days: expected a phase of at most {LAST_DAY} days", ("cycles",))
        self._refuse_bad_courses()
        self._refuse_idle_transitions()
        return self

    @property
    def length(self) -> int | None:
        """The days until it is over, None: it goes on."""
        return self.cycles * self.cycle if self.cycles is not None else None

    @property
    def cr_days(self) -> int:
        """The days from a confirmed complete response to its end, -1: it goes on."""
        return self.cycles_beyond_cr * self.cycle if self.until == "progression_or_cr" else -1

    def _refuse_bad_courses(self) -> None:
        courses: list[tuple[str, int, str, Mask]] = []
        parts: tuple[tuple[str, Sequence[PhaseCourse]], ...] = (("give", self.give), ("support", self.support))
        for kind, part in parts:
            for i, course in enumerate(part):
                course.refuse_beyond(self.cycle, self.length, (kind, i))
                courses.append((kind, i, course.drug, course.mask(self.length or HORIZON, self.cycle)))
        refuse_overlap(courses)

    def _refuse_idle_transitions(self) -> None:
        if self.then and self.cycles is None and self.until != "progression_or_cr":
            raise problem("the phase goes on until progression: expected cycles, such as cycles: 6", ("then",))
        seen: list[object] = []
        for i, way in enumerate(self.then):
            if None in seen or way.when in seen:
                why = "an earlier transition is always taken: expected the one without when as the last"
                raise problem(why if None in seen else "an earlier transition has the same condition", ("then", i))
            seen.append(way.when)


def refuse_overlap(courses: Sequence[tuple[str, int, str, Mask]]) -> None:
    """Raise a design error for two courses (part, position in it, drug, days) of one drug on one day."""
    for here, (kind, i, drug, mask) in enumerate(courses):
        for other_kind, j, other, other_mask in courses[:here]:
            if drug == other and (both := np.flatnonzero(mask & other_mask)).size:
                raise problem(
                    f"{drug} is already given on day {both[0] + 1} by {other_kind}[{j}]: "
                    "expected courses of one drug that do not overlap",
                    (kind, i),
                )


def refuse_bad_ways(phases: Sequence[Phase]) -> None:
    """Raise a design error for two phases of one id, and for a transition to no other phase."""
    ids = [phase.id for phase in phases]
    for k, phase in enumerate(phases):
        if phase.id in ids[:k]:
            raise problem(f"two phases are called {phase.id}", ("phases", k, "id"))
        for i, way in enumerate(phase.then):
            at: Path = ("phases", k, "then", i, "to")
            for target in way.to:
                if target == phase.id:
                    raise problem(f"{target} leads to itself: expected more cycles, or another phase", at)
                if target not in ids:
                    others = [name for name in ids if name != phase.id]
                    known = f": expected one of {', '.join(others)}" if others else ""
                    raise problem(f"no phase is called {target}{known}{nearest(target, others)}", at)


def reached(phases: Sequence[Phase]) -> set[int]:
    """Return the positions of the phases that somebody can come to; the first is where everybody starts."""
    ids = [phase.id for phase in phases]
    found, new = {0}, [0]
    while new:
        targets = {ids.index(target) for way in phases[new.pop()].then for target in way.to}
        new += sorted(targets - found)
        found |= targets
    return found
