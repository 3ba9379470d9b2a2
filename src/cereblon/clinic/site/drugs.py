"""A drug as the site gives it: which state of the model a dose enters, and what the site's rules must know of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Rescue = Literal["", "flare", "neutropenia"]


@dataclass(frozen=True)
class SiteDrug:
    """One drug of the model, in the order of the model's drugs: its row in every array of shape (drugs, n).

    enters: the state that a dose enters; unit: of its amounts; per_unit: amount there for one unit given (with its
    equivalence to the drug whose state it is); mg: mg in one unit; steroid: mg of the reference steroid that one unit
    stands for, 0 for no steroid; rescue: what a site gives it for when the trial names no other drug.
    """

    name: str
    enters: str
    per_unit: float
    unit: str = "mg"
    mg: float = 1.0
    steroid: float = 0.0
    rescue: Rescue = ""
