"""Supportive care that answers what happens: steroid for flare and G-CSF for neutropenia.

Scheduled supportive drugs come from the orders; here are the ones a site gives when needed
(toxicity_model.md sections 1 and 4). All arrays float32, (n,) or (drugs, n).
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from cereblon.clinic.rules import Numbers

Clinic = dict[str, Array]


def flare_steroid(clinic: Clinic, static: Clinic, treated: Array, day: Array) -> tuple[Clinic, Array]:
    """Start or go on with a course of steroid; return the clinic and today's amounts, units of the drugs, (drugs, n).

    A course starts when the flare reaches the subject's `steroid_grade` and none is running.
    """
    starts = treated * (clinic["flare_grade"] >= static["steroid_grade"]) * (clinic["steroid_left"] <= 0)
    left = jnp.where(starts > 0, static["steroid_days"], clinic["steroid_left"])
    given = (left > 0).astype(jnp.float32) * (1.0 - clinic["dead"])
    update = {
        "steroid_left": left - given,
        "steroid_day": jnp.where(given > 0, day, clinic["steroid_day"]),
    }
    return {**clinic, **update}, given * static["flare_dose"]


def growth_factor(clinic: Clinic, static: Clinic, treated: Array, site: Numbers) -> tuple[Clinic, Array]:
    """Start or go on with growth factor; return the clinic and today's amounts in the units of the drugs, (drugs, n).

    Users get a course when a visit today finds neutrophils under `anc_hold_at_once` of any drug, or under
    `gcsf_start` while a drug is held for neutropenia.
    """
    anc = clinic["anc_measured"]
    at_once = (anc < static["anc_hold_at_once"]).any(axis=0)
    low = at_once | ((anc < site["gcsf_start"]) & (clinic["hold_anc"] > 0).any(axis=0))
    starts = treated * static["gcsf_user"] * clinic["counted_today"] * low
    left = jnp.where(starts > 0, site["gcsf_days"], clinic["gcsf_left"])
    given = (left > 0).astype(jnp.float32) * (1.0 - clinic["dead"])
    return {**clinic, "gcsf_left": left - given}, given * static["growth_factor"] * site["gcsf_ug"]
