"""The design of a trial: everything a virtual trial needs to know, and what its report printed."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from cereblon.arguments import shown
from cereblon.clinic.trial.calendar import LAST_DAY, Mask
from cereblon.clinic.trial.courses import Course as Course
from cereblon.clinic.trial.courses import Escalation as Escalation
from cereblon.clinic.trial.courses import RenalDose as RenalDose
from cereblon.clinic.trial.dose_rules import FlareSteroid as FlareSteroid
from cereblon.clinic.trial.dose_rules import Rules as Rules
from cereblon.clinic.trial.phases import Give as Give
from cereblon.clinic.trial.phases import Phase as Phase
from cereblon.clinic.trial.population import AgeTable as AgeTable
from cereblon.clinic.trial.population import Eligibility as Eligibility
from cereblon.clinic.trial.population import LinesTable as LinesTable
from cereblon.clinic.trial.population import Population as Population
from cereblon.clinic.trial.population import Printed as Printed
from cereblon.clinic.trial.published import ENDPOINTS as ENDPOINTS
from cereblon.clinic.trial.published import Assumption as Assumption
from cereblon.clinic.trial.published import Citation as Citation
from cereblon.clinic.trial.published import Figure as Figure
from cereblon.clinic.trial.published import Published as Published
from cereblon.clinic.trial.published import Source as Source
from cereblon.clinic.trial.regimen import Arm as Arm
from cereblon.clinic.trial.regimen import SupportDrug as SupportDrug
from cereblon.clinic.trial.regimen import Treatment as Treatment
from cereblon.clinic.trial.transitions import Transition as Transition
from cereblon.columns import DAYS_PER_MONTH
from cereblon.documents.base import Document, Key, Size, Text, problem
from cereblon.documents.quantities import Time
from cereblon.documents.yamltext import Loc
from cereblon.errors import CereblonError, nearest

Setting = Literal["untreated", "relapsed", "after_induction"]
Criteria = Literal["NCI-WG 1996", "iwCLL 2008", "iwCLL 2018"]
NodesBy = Literal["palpation", "ct"]
FIRST_CT = (85, 169)
"""Days of the CT at 3 and 6 months where a document names none (chosen, docs/criteria/best_response.md)."""
WEEK = 7
"""Days between two days on which a patient can be seen."""
YEARLY_CT = 364
"""Days between the further ones, at 12 months and then yearly, on the days of an examination."""


class Counts(Document):
    """When blood counts are taken: weekly up to a day, then every so many days, always at the start of a week.

    The day is moved to the next start of a week: days 1, 8, 15 of the trial and so on.
    """

    weekly_until_day: Time = Field(default=56)
    then_every_days: Time = Field(default=14)

    @model_validator(mode="after")
    def _weekly_at_most(self) -> Counts:
        if self.then_every_days < 7:
            why = f"{self.then_every_days} days: blood is counted once a week at most: expected at least 7 days"
            raise problem(why, ("then_every_days",))
        return self


class Schedule(Document):
    """Visits. Days count from 1 = first day of treatment.

    Examinations are a whole number of weeks apart. A CT is taken at the examination nearest to its day, and before
    treatment. `ct_days` left out, in a trial with `nodes_by: ct`: 3, 6 and 12 months and then yearly. `marrow`
    none: no complete response can be confirmed.
    """

    counts: Counts = Counts()
    examination_every_days: Time = Field(default=28)
    ct_days: tuple[Annotated[int, Field(strict=True, ge=1, le=LAST_DAY)], ...] | None = None
    marrow: Literal["to_confirm_cr", "none"] = "to_confirm_cr"

    @model_validator(mode="after")
    def _rising(self) -> Schedule:
        if self.ct_days is not None and list(self.ct_days) != sorted(set(self.ct_days)):
            raise problem("expected rising days, none twice", ("ct_days",))
        every = self.examination_every_days
        if every % WEEK:
            near = {max(WEEK, every - every % WEEK), every - every % -WEEK}
            days = " or ".join(str(day) for day in sorted(near))
            why = f"{every} days is not a multiple of {WEEK} days: expected 14, 28, 84 ..."
            raise problem(f"{why} (nearest: {days} days)", ("examination_every_days",))
        return self


class FollowUp(Document):
    """Median follow-up and, where known, the accrual window.

    With `accrual_months` a, subjects are followed for duration_months - a/2 to duration_months + a/2, evenly
    spread; without it, everyone for duration_months. Then they are censored.
    """

    duration_months: Annotated[float, Field(strict=True, gt=0, le=110)]
    accrual_months: Annotated[float, Field(strict=True, ge=0, le=110)] | None = None

    @model_validator(mode="after")
    def _positive(self) -> FollowUp:
        if self.accrual_months is not None and self.accrual_months >= 2 * self.duration_months:
            raise problem("the accrual window leaves some subjects without follow-up", ("accrual_months",))
        if self.last_day > LAST_DAY:
            why = f"some subjects are followed for {self.last_day:.0f} days: expected at most {LAST_DAY} days"
            raise problem(why, ("duration_months",))
        return self

    @property
    def last_day(self) -> float:
        """The day of the data cut of the subject who is followed for longest."""
        return (self.duration_months + (self.accrual_months or 0.0) / 2.0) * DAYS_PER_MONTH


class Design(Document):
    """A trial: design, published figures, and the choices made where a report is silent.

    `title`, `summary`, `citation`, `registration`, `same_patients_as`, `assumptions` and `sources` are for the
    reader; `published` is what a run is compared with. Everything else decides what is simulated.
    """

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
    title: Text
    summary: Text | None = None
    citation: Citation | None = None
    registration: Text | None = None
    same_patients_as: Key | None = None
    setting: Setting
    criteria: Criteria
    nodes_by: NodesBy
    population: Population
    arms: tuple[Arm, ...]
    schedule: Schedule = Schedule()
    follow_up: FollowUp
    published: tuple[Published, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    sources: tuple[Source, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Design:
        self._arms()
        self._lines()
        self._scans()
        self._carried_out()
        self._figures()
        return self

    def _arms(self) -> None:
        if not 1 <= len(self.arms) <= 20:
            raise problem("expected 1 to 20 arms", ("arms",))
        for name, times in Counter(arm.id for arm in self.arms).items():
            if times > 1:
                raise problem(f"two arms are called {name}", ("arms",))
        total = sum(arm.size for arm in self.arms)
        if total != self.population.size:
            raise problem(
                f"the arms hold {total} subjects, but population.size is {self.population.size}: "
                "expected equal numbers",
                ("population", "size"),
            )

    def _lines(self) -> None:
        lines = self.population.prior_lines
        if self.setting == "untreated" and lines is not None and lines.median > 0:
            raise problem("untreated subjects have no earlier lines", ("population", "prior_lines"))
        if self.setting == "relapsed" and lines is not None and lines.median < 1:
            raise problem("relapsed subjects have at least one earlier line", ("population", "prior_lines"))

        if self.setting == "untreated" and lines is not None and lines.range is not None and lines.range[1] > 0:
            raise problem("untreated subjects have no earlier lines", ("population", "prior_lines", "range"))

    def _scans(self) -> None:
        given = self.schedule.ct_days
        if self.nodes_by == "ct" and given == ():
            why = (
                "nodes are measured by CT, but the list of CT days is empty: expected days such as [85, 169, 365], "
                "or no ct_days for the usual ones"
            )
            raise problem(why, ("schedule", "ct_days"))
        if self.nodes_by == "palpation" and given:
            why = "CT days are given, but nodes are palpated: expected nodes_by: ct, or no ct_days"
            raise problem(why, ("schedule", "ct_days"))

    def _carried_out(self) -> None:
        last = max(int(self.follow_up.last_day), 1)
        for i, arm in enumerate(self.arms):
            for j, course in enumerate(arm.treatment):
                self._refuse_late(course, course.mask(last), ("arms", i, "treatment", j))
                self._refuse_blind_end(course.until, ("arms", i, "treatment", j, "until"))
            for k, phase in enumerate(arm.phases):
                for j, given in enumerate(phase.give if k == 0 else ()):
                    self._refuse_late(given, given.mask(last, phase.cycle), ("arms", i, "phases", k, "give", j))
                self._refuse_blind_end(phase.until, ("arms", i, "phases", k, "until"))
                for j, way in enumerate(phase.then):
                    if way.when is not None and way.when.level == "CR":
                        self._refuse_blind_end("progression_or_cr", ("arms", i, "phases", k, "then", j, "when"))

    def _refuse_late(self, course: Course, mask: Mask, at: Loc) -> None:
        if not mask.any():
            why = f"no dose of {course.drug} falls into the follow-up of {self.follow_up.last_day:.0f} days"
            raise problem(f"{why}: expected a course that begins before", at)

    def _refuse_blind_end(self, until: str, at: Loc) -> None:
        if until == "progression_or_cr" and self.schedule.marrow == "none":
            what = until if at[-1] == "until" else "a condition of CR"
            raise problem(f"{what} needs schedule.marrow: to_confirm_cr: no response is complete without", at)

    def _figures(self) -> None:
        sources, arms = {s.id for s in self.sources}, {a.id for a in self.arms}
        seen: set[tuple[str, str | None]] = set()
        for i, figure in enumerate(self.published):
            for j, printed in enumerate((figure, *figure.also)):
                if printed.source not in sources:
                    at = ("published", i, "source") if j == 0 else ("published", i, "also", j - 1, "source")
                    raise problem(f"no source is called {printed.source}", at)
            if figure.arm is not None and figure.arm not in arms:
                raise problem(f"no arm is called {figure.arm}", ("published", i, "arm"))
            if (figure.endpoint, figure.arm) in seen:
                raise problem(f"{figure.endpoint} is given twice for the same arm", ("published", i))
            seen.add((figure.endpoint, figure.arm))

    def blind(self) -> Self:
        """Return the trial without its published outcomes: all that a simulation may see."""
        return self.model_copy(update={"published": ()})

    def arm(self, name: str) -> Arm:
        """Return the arm called `name`; raises CereblonError."""
        for arm in self.arms:
            if arm.id == name:
                return arm
        known = [arm.id for arm in self.arms]
        raise CereblonError(f"arm {shown(name)}: {self.id} has {', '.join(known)}{nearest(str(name), known)}")

    def figure(self, endpoint: str, arm: str | None = None) -> Published | None:
        """Return the published figure of `endpoint` for `arm`, or for the pooled trial when `arm` is None."""
        return next((p for p in self.published if p.endpoint == endpoint and p.arm == arm), None)

    @property
    def ct_days(self) -> tuple[int, ...]:
        """The days of CT after the one before treatment: those of the schedule, or the usual ones in the follow-up.

        The usual ones are at 3, 6 and 12 months and then yearly. Empty where nodes are palpated.
        """
        if self.nodes_by != "ct":
            return ()
        if self.schedule.ct_days is not None:
            return self.schedule.ct_days
        last = int(self.follow_up.last_day)
        return tuple(day for day in (*FIRST_CT, *range(YEARLY_CT + 1, last + 1, YEARLY_CT)) if day <= last)

    @property
    def size(self) -> Size:
        """The published number of subjects."""
        return self.population.size
