"""The trial document, checked whole.

A document is YAML text of this shape (`cereblon new FILE` writes a commented one). It is validated once, at
the border; inside the package a `Trial` is immutable and trusted.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, PrivateAttr

from cereblon.clinic.trial.design import Design
from cereblon.clinic.trial.drugs import drugs, folders_on_offer, offering
from cereblon.clinic.trial.plan import ArmPlan, arm_plan
from cereblon.clinic.trial.vary import varied


class Trial(Design):
    """A trial: design, published figures, and the choices made where a report is silent.

    `title`, `summary`, `citation`, `registration`, `same_patients_as`, `assumptions` and `sources` are for the
    reader; `published` is what a run is compared with. Everything else decides what is simulated.
    """

    _drug_folders: tuple[Path, ...] = PrivateAttr(default=())

    def model_post_init(self, context: Any, /) -> None:
        """Keep the folders of the user's own whose drugs could be named when the document was read."""
        BaseModel.__setattr__(self, "_drug_folders", folders_on_offer())

    @property
    def drug_folders(self) -> tuple[Path, ...]:
        """Folders of the user's own that the trial's drugs may come from; they are no part of the document."""
        return self._drug_folders

    @cached_property
    def plans(self) -> tuple[ArmPlan, ...]:
        """What the site is given of each arm."""
        with offering(self.drug_folders):
            return tuple(arm_plan(arm) for arm in self.arms)

    @cached_property
    def treatment(self) -> tuple[str, ...]:
        """The drugs of the treatment, support left aside, in the order of the document."""
        courses = [course for plan in self.plans for phase in plan.phases for course in phase.courses]
        return tuple(dict.fromkeys(course.drug for course in courses if course.treatment))

    @cached_property
    def drugs(self) -> tuple[str, ...]:
        """Every drug that may be given: of treatment and support, and what a site gives by its rules; by name."""
        named = {course.drug for plan in self.plans for phase in plan.phases for course in phase.courses}
        named |= {plan.flare_steroid.drug for plan in self.plans if plan.flare_steroid.drug is not None}
        with offering(self.drug_folders):
            named |= {name for name, drug in drugs().items() if drug.rescue is not None and self._rescues(drug.rescue)}
        return tuple(sorted(named))

    def _rescues(self, purpose: str) -> bool:
        """Return whether any arm's rules may call for a drug that the document does not name."""
        if purpose == "flare":
            care = [plan.flare_steroid for plan in self.plans]
            return any(steroid.policy != "none" and steroid.drug is None for steroid in care)
        return any(plan.gcsf != "none" for plan in self.plans)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with the fields of `update` replaced; see `Document.model_copy`. The drugs stay at hand."""
        with offering(self.drug_folders):
            return super().model_copy(update=update, deep=deep)

    def vary(self, changes: Mapping[str, object]) -> Self:
        """Return the trial with some fields changed, validated and linted like a document that was read.

        changes: path -> value. A path names fields from the top, with dots: "criteria", "schedule.ct_days",
        "arms.0.size"; an item of a list is named by its id or by its position from 0 ("arms.low.rules.anc_hold";
        where an id looks like a position, the id is meant; an id with dots may stand in brackets, "arms[2.5mg].size").
        A value is what a document would hold there: text, numbers, quantities with their unit ("0.5e9/L"), lists,
        mappings, None for "not stated", or a part of another trial. Changes are made in their order, then the whole
        is checked.

        What the linter remarks on the result is given as `CereblonWarning`. Raises CereblonError in one line: the
        path, the value, what was expected, the nearest field.
        """
        with offering(self.drug_folders):
            return varied(self, changes)
