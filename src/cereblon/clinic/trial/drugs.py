"""The drugs a trial file may name: those with a card in biology/drugs, with their absurdity limits.

Read here without the compiler, so that a trial file can be checked without loading it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from cereblon.model.cards import drug_cards

_TO_MG = {"mg": 1.0, "ug": 1e-3}


@dataclass(frozen=True)
class Drug:
    """A drug; `max_daily`: mg a day beyond which a dose is taken for a slip of the pen, no recommendation."""

    name: str
    max_daily: float


def _read() -> Mapping[str, Drug]:
    drugs = [Drug(card.name, card.dose.max_daily * _TO_MG[card.unit]) for card in drug_cards().values()]
    return MappingProxyType({drug.name: drug for drug in drugs})


DRUGS: Mapping[str, Drug] = _read()
"""Drugs by name."""
