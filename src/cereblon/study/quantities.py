"""What a run writes into its visits table: the rows of readings.tsv, and the exposure to each drug on board."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from cereblon.clinic.criteria.tracker import TRUTH
from cereblon.columns import MEASURES, TRUE, Measure
from cereblon.errors import CereblonError
from cereblon.model import DrugCard, Model
from cereblon.readings import WEEKLY_FIRST, readings

COUNTED: Final = {row.code: f"{row.quantity}_measured" for row in readings() if row.measured}
"""PARAMCD -> the clinic's count with the error of the laboratory, on the days of a blood count."""
MONTHLY: Final = {row.code: row.quantity for row in readings() if row.code and not row.measured}
"""PARAMCD -> true state of the model: every 28 days, those of EARLY weekly in the first 8 weeks."""
EARLY: Final = tuple(row.code for row in readings() if row.when == WEEKLY_FIRST)


def exposures(drugs: Iterable[DrugCard]) -> dict[str, str]:
    """Return PARAMCD -> quantity of the exposure to each drug that has one, in order of the drugs.

    Raises CereblonError for a code that two of them, or one and another quantity, have.
    """
    found: dict[str, str] = {}
    for card in drugs:
        if card.exposure is None:
            continue
        if card.paramcd in found or card.paramcd in MEASURES:
            raise CereblonError(f"exposure_code {card.paramcd} of {card.name}: is taken: expected another code")
        found[card.paramcd] = card.exposure
    return found


def recorded(drugs: Iterable[DrugCard]) -> tuple[str, ...]:
    """Return the quantities of the model that the cycle records every week, with these drugs on board."""
    return tuple(dict.fromkeys((*TRUTH, *MONTHLY.values(), *exposures(drugs).values())))


def measures(model: Model) -> dict[str, Measure]:
    """Return PARAMCD -> what it is, for all that a run of a model writes, in the order of the visits table."""
    codes = exposures(model.drugs)
    of_drugs = {
        card.paramcd: Measure(
            f"{card.name.capitalize()} exposure",
            _unit(model.system.units.get(card.exposure or "", "")),
            False,
            TRUE,
            f"plasma concentration of {card.name}, added up since day 1",
        )
        for card in model.drugs
        if card.paramcd in codes
    }
    return {**MEASURES, **of_drugs}


def _unit(unit: str) -> str:
    """Return a unit of the model as print: ng_hour_per_mL as ng.h/mL."""
    return unit.replace("_per_", "/").replace("_hour", ".h").replace("_day", ".d").replace("_", ".")
