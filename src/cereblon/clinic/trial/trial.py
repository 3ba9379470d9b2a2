"""The trial document, checked whole.

A document is YAML text of this shape (`cereblon new FILE` writes a commented one). It is validated once, at
the border; inside the package a `Trial` is immutable and trusted.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Self

from cereblon.clinic.trial.design import Design
from cereblon.clinic.trial.plan import ArmPlan, arm_plan
from cereblon.clinic.trial.vary import varied


class Trial(Design):
    """A trial: design, published figures, and the choices made where a report is silent.

    `title`, `summary`, `citation`, `registration`, `same_patients_as`, `assumptions` and `sources` are for the
    reader; `published` is what a run is compared with. Everything else decides what is simulated.
    """

    @cached_property
    def plans(self) -> tuple[ArmPlan, ...]:
        """What the site is given of each arm."""
        return tuple(arm_plan(arm) for arm in self.arms)

    @cached_property
    def treatment(self) -> tuple[str, ...]:
        """The drugs of the treatment, support left aside, in the order of the document."""
        courses = [course for plan in self.plans for phase in plan.phases for course in phase.courses]
        return tuple(dict.fromkeys(course.drug for course in courses if course.treatment))

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
        return varied(self, changes)
