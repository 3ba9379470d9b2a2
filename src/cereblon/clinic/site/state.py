"""The names of the clinic's state, and from what each begins; all arrays float32: (n,), (drugs, n) or (ruled, n)."""

from __future__ import annotations

from typing import Final

CAUSES: Final = ("anc", "platelets", "flare", "infection", "lysis")
"""What can hold a drug; `hold_CAUSE` is 1 while it does."""
ZERO: Final = (
    "off",
    "off_reason",
    "end_reason",
    "dead",
    "death_cause",
    "progressed",
    "counted_today",
    "flare_grade",
    "flare_max",
    "steroid_left",
    "gcsf_left",
    "lysis_laboratory",
    "lysis_grade",
    "lysis_fatal_today",
    "infections",
    "infection_today",
    "infection_until",
    "febrile_today",
    "lysis_until",
    "hazard_infection",
    "hazard_leukemia",
)
MINUS_ONE: Final = (
    "off_day",
    "death_day",
    "grade4_since",
    "last_dose_day",
    "last_step_day",
    "lysis_day",
    "lysis_clinical_day",
    "flare_day",
    "steroid_day",
    "progressed_day",
)
"""Of subjects: 0 or a day that has not come."""
ZERO_BY_DRUG: Final = ("level",)
"""Of each drug of a subject."""
ZERO_BY_RULED: Final = (
    "floor",
    "ceiling",
    "hold",
    *(f"hold_{cause}" for cause in CAUSES),
    "hold_day",
    "anc_holds",
    "flare_holds",
    "lowest_holds",
    "step_pending",
    "failures",
    "event_since",
    "stopped",
)
MINUS_ONE_BY_RULED: Final = ("failed_level", "low_anc_since")
"""Of each drug of a subject that has rules: what is given as scheduled has nothing to remember."""
