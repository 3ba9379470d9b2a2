"""The trial document: everything a virtual trial needs to know, and what its report printed.

A document is YAML text of this shape (`cereblon new FILE` writes a commented one). It is validated once, at
the border; inside the package a `Trial` is immutable and trusted.
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from cereblon.arguments import shown
from cereblon.clinic.design_base import Document, Key, Size, Text, problem
from cereblon.clinic.design_population import AgeTable as AgeTable
from cereblon.clinic.design_population import Eligibility as Eligibility
from cereblon.clinic.design_population import LinesTable as LinesTable
from cereblon.clinic.design_population import Population as Population
from cereblon.clinic.design_population import Printed as Printed
from cereblon.clinic.design_published import ENDPOINTS as ENDPOINTS
from cereblon.clinic.design_published import Assumption as Assumption
from cereblon.clinic.design_published import Citation as Citation
from cereblon.clinic.design_published import Figure as Figure
from cereblon.clinic.design_published import Published as Published
from cereblon.clinic.design_published import Source as Source
from cereblon.clinic.design_regimen import LEVELS as LEVELS
from cereblon.clinic.design_regimen import Arm as Arm
from cereblon.clinic.design_regimen import Course as Course
from cereblon.clinic.design_regimen import Escalation as Escalation
from cereblon.clinic.design_regimen import FlareSteroid as FlareSteroid
from cereblon.clinic.design_regimen import RenalDose as RenalDose
from cereblon.clinic.design_regimen import Rules as Rules
from cereblon.clinic.design_regimen import SupportDrug as SupportDrug
from cereblon.clinic.design_regimen import Treatment as Treatment
from cereblon.clinic.quantities import Time
from cereblon.errors import CereblonError, nearest

Setting = Literal["untreated", "relapsed", "after_induction"]
Criteria = Literal["NCI-WG 1996", "iwCLL 2008", "iwCLL 2018"]
NodesBy = Literal["palpation", "ct"]


class Counts(Document):
    """When blood counts are taken: weekly up to a day, then every so many days (endpoints.md section 3)."""

    weekly_until_day: Time = Field(default=56)
    then_every_days: Time = Field(default=14)


class Schedule(Document):
    """Visits. Days count from 1 = first day of treatment (endpoints.md section 5)."""

    counts: Counts = Counts()
    examination_every_days: Time = Field(default=28)
    ct_days: tuple[Annotated[int, Field(strict=True, ge=1, le=3650)], ...] = ()
    marrow: Literal["to_confirm_cr", "none"] = "to_confirm_cr"

    @model_validator(mode="after")
    def _rising(self) -> Schedule:
        if list(self.ct_days) != sorted(set(self.ct_days)):
            raise problem("expected rising days, none twice", ("ct_days",))
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
        return self


class Trial(Document):
    """A trial: design, published figures, and the choices made where a report is silent."""

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
    def _consistent(self) -> Trial:
        self._arms()
        self._lines()
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

    def blind(self) -> Trial:
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
    def size(self) -> Size:
        """The published number of subjects."""
        return self.population.size
