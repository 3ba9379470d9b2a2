"""The printed population of a trial document as the cohort reads it, and whether a cohort can have it.

Between documents and patients, and light: `check` plans a population without the simulation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cereblon.patients.conditioning import Plan, plan_population
from cereblon.patients.population import PRINTED, Eligibility, Population, Printed

if TYPE_CHECKING:
    from cereblon.clinic.trial.trial import Trial


def population_of(trial: Trial) -> Population:
    """Return the printed population of a trial document as the cohort reads it."""
    given = trial.population

    def span(item: Any) -> Printed:
        return Printed() if item is None else Printed(item.median, *(item.range or (None, None)))

    # every item and limit has a field of its name in the document: one that has none is an error here, not a loss
    items = {key: given.male_pct if key == "male_pct" else getattr(given.printed, key) for key in PRINTED}
    limits = {key: getattr(given.eligibility, key) for key in Eligibility.__dataclass_fields__}
    return Population(
        given.size,
        span(given.age),
        span(given.prior_lines),
        {key: float(value) for key, value in items.items() if value is not None},
        Eligibility(**{key: float(value) for key, value in limits.items() if value is not None}),
        bulky_cm=given.printed.bulky_cm,
        # hands find fewer bulky nodes than a CT does
        bulky_by="ct" if trial.nodes_by == "ct" else "examination",
    )


def plan_trial(trial: Trial, effects: Mapping[str, float] | None = None) -> Plan:
    """Return how the subjects of a trial are drawn; takes 0.1 to 1.5 s, nothing the second time.

    effects: of covariates on each other, by id (default: the packaged ones).

    Raises `PopulationError` (a CereblonError) at the field of the document that no virtual cohort can meet.
    """
    return plan_population(population_of(trial), trial.setting, effects)
