"""The drugs of a model as the site gives them."""

from __future__ import annotations

from cereblon.clinic.site.drugs import SiteDrug
from cereblon.clinic.trial.drugs import drugs
from cereblon.model import Model

_MG = {"mg": 1.0, "ug": 1e-3, "g": 1e3}


def site_drugs(model: Model) -> tuple[SiteDrug, ...]:
    """Return the drugs of the model in its order, with what the site must know of each."""
    found = []
    for name, entry in model.entries.items():
        card = drugs()[name]
        steroid = card.equivalence if card.steroid else 0.0
        found.append(
            SiteDrug(name, entry.state, entry.times, card.unit, _MG.get(card.unit, 1.0), steroid, card.rescue or "")
        )
    return tuple(found)
