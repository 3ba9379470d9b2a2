"""The drugs of a trial: which of them make its model, and how the site gives each."""

from __future__ import annotations

from cereblon.clinic.site.drugs import SiteDrug
from cereblon.clinic.trial.trial import Trial
from cereblon.model import Model, load_model

_MG = {"mg": 1.0, "ug": 1e-3}  # a trial gives no drug in other units


def trial_model(trial: Trial) -> Model:
    """Return the model of a trial: the patient with every drug that any of its arms may be given, and no other."""
    return load_model(trial.drugs, trial.drug_folders)


def site_drugs(model: Model) -> tuple[SiteDrug, ...]:
    """Return the drugs of the model in its order, with what the site must know of each."""
    cards = {card.name: card for card in model.drugs}
    found = []
    for name, entry in model.entries.items():
        card = cards[name]
        steroid = entry.times if card.steroid else 0.0
        found.append(SiteDrug(name, entry.state, entry.times, card.unit, _MG[card.unit], steroid, card.rescue or ""))
    return tuple(found)
