"""Codes that the compiled clinic writes, and their words; names of noise rows and of event thresholds."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from cereblon.readings import readings


class Off(IntEnum):
    """Why treatment ended (clinic["off_reason"]); ON while it goes on."""

    ON = 0
    COMPLETED = 1
    PROGRESSION = 2
    DEATH = 3
    CYTOPENIA = 4
    INFECTION = 5
    FLARE = 6
    LYSIS = 7
    ADVERSE_EVENT = 8
    WITHDRAWAL = 9


OFF_WORDS: Final = {
    Off.ON: "ongoing",
    Off.COMPLETED: "completed",
    Off.PROGRESSION: "progression",
    Off.DEATH: "death",
    Off.CYTOPENIA: "cytopenia",
    Off.INFECTION: "infection",
    Off.FLARE: "tumour flare",
    Off.LYSIS: "tumour lysis",
    Off.ADVERSE_EVENT: "other adverse event",
    Off.WITHDRAWAL: "withdrawal",
}


class Death(IntEnum):
    """Cause of death (clinic["death_cause"])."""

    ALIVE = 0
    INFECTION = 1
    LYSIS = 2
    LEUKEMIA = 3
    OTHER = 4
    DRUG = 5


DEATH_WORDS: Final = {
    Death.ALIVE: "",
    Death.INFECTION: "death from infection",
    Death.LYSIS: "death from tumour lysis",
    Death.LEUKEMIA: "death from leukemia",
    Death.OTHER: "death from another cause",
    Death.DRUG: "death with the unexplained hazard of the drug",
}

NOISE: Final = (
    "anc",
    "platelets",
    "hemoglobin",
    "alc",
    "nodes_hand",
    "nodes_ct",
    "spleen",
    "marrow",
    "mrd",
    "uric_acid",
    "potassium",
    "phosphate",
    "calcium",
    "creatinine",
)
"""Rows of the weekly noise, standard normals of shape (K, n) each week."""
NOISE_ROW: Final = {name: row for row, name in enumerate(NOISE)}

MEASURED: Final = tuple(row.quantity for row in readings() if "site" in row.roles and row.errors)
"""Quantities that `decide` reads with an error: rows of the weekly error factors."""
COUNTS: Final = tuple(row.quantity for row in readings() if row.measured)
"""Those of a blood count: of neutrophils, platelets, hemoglobin."""

INFECTIONS: Final = 8
"""Infections of one subject that are followed; more are not counted."""
RANDOMISATIONS: Final = 4
"""Most steps of one subject that are drawn by lot."""
THRESHOLDS: Final = {
    "infection": INFECTIONS,
    "infection_severity": INFECTIONS,
    "adverse_event": 1,
    "withdrawal": 1,
    "death_other": 1,
    "death_leukemia": 1,
    "death_drug": 1,
    "lysis_fatality": 1,
    "flare": 1,
    "gcsf": 1,
    "hand": 1,
    "nodules": 1,
    "follow_up": 1,
    "randomisation": RANDOMISATIONS,
}
"""Per-subject draws the clinic needs: name -> how many; each a standard exponential of shape (k, n)."""
