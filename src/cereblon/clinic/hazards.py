"""Random fate of a subject: infection, adverse events, withdrawal, death, as accumulated daily hazards.

An event happens when the accumulated hazard passes the subject's own standard-exponential threshold, so the
draws are made once, before the run, and nothing random happens in the compiled cycle. Rates are those of
toxicity_model.md sections 5-7. All arrays float32 of shape (n,).
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from cereblon.clinic.codes import INFECTIONS, Death
from cereblon.clinic.rules import rule

Clinic = dict[str, Array]
YEAR = 365.25  # days
MONTH = YEAR / 12.0


def neutropenia_factor(anc: Array) -> Array:
    """Return the factor on the infection hazard by true neutrophils (1e9/L), in capped steps."""
    low, lower, lowest = rule("infection_anc1"), rule("infection_anc2"), rule("infection_anc3")
    return jnp.where(anc < 0.1, lowest, jnp.where(anc < 0.5, lower, jnp.where(anc < 1.0, low, 1.0)))


def infection_rate(anc: Array, igg: Array, age: Array, relapsed: Array, steroid: Array) -> Array:
    """Return the rate of infections of grade 3 or worse, per year."""
    rate = (
        rule("infection_rate")
        * neutropenia_factor(anc)
        * jnp.exp(jnp.log(rule("infection_age")) * (age - 65.0) / 10.0)
    )
    rate = rate * jnp.where(igg < rule("infection_igg_limit"), rule("infection_low_igg"), 1.0)
    rate = rate * jnp.where(relapsed > 0, rule("infection_relapsed"), 1.0)
    return rate * jnp.where(steroid > 0, rule("infection_steroid"), 1.0)


def infect(clinic: Clinic, observed: Clinic, static: Clinic, steroid: Array, day: Array) -> Clinic:
    """Add a day of infection hazard; `infection_today` is the grade (0, 3, 4, or 5 when fatal)."""
    age = static["age"] + day / YEAR
    rate = infection_rate(observed["anc"], observed["igg"], age, static["relapsed"], steroid)
    hazard = clinic["hazard_infection"] + (1.0 - clinic["dead"]) * rate / YEAR
    count = (hazard >= static["infection_at"]).sum(axis=0).astype(jnp.float32)
    new = (count > clinic["infections"]).astype(jnp.float32)
    which = jnp.arange(INFECTIONS, dtype=jnp.float32)[:, None] == clinic["infections"]
    severity = jnp.where(which, static["infection_severity"], 0.0).sum(axis=0)
    fatality = jnp.where(age > 80.0, rule("infection_fatality_80"), rule("infection_fatality_70"))
    fatality = jnp.where(age < 70.0, rule("infection_fatality"), fatality)
    grade = 3.0 + (severity < fatality + rule("infection_grade4")) + (severity < fatality)
    update = {
        "hazard_infection": hazard,
        "infections": clinic["infections"] + new,
        "infection_today": new * grade,
        "febrile_today": new * (observed["anc"] < static["anc_febrile"]),
        "infection_until": jnp.where(new > 0, day + rule("infection_days"), clinic["infection_until"]),
    }
    return {**clinic, **update}


def leave(clinic: Clinic, static: Clinic, treated: Array, day: Array) -> Clinic:
    """Add a day of the residual hazards of adverse events and withdrawal, on treatment only."""
    early = day < rule("ae_stop_change") * MONTH
    rate = jnp.where(early, rule("ae_stop_early"), rule("ae_stop_late")) * rule("ae_stop_residual")
    rate = rate * jnp.where(static["relapsed"] > 0, rule("ae_stop_relapsed"), 1.0)
    rate = rate * jnp.where(static["age"] >= rule("ae_stop_old_age"), rule("ae_stop_old"), 1.0)
    update = {
        "hazard_adverse_event": clinic["hazard_adverse_event"] + treated * rate / MONTH,
        "hazard_withdrawal": clinic["hazard_withdrawal"] + treated * rule("withdrawal") / MONTH,
    }
    return {**clinic, **update}


def die(clinic: Clinic, static: Clinic, treated: Array, day: Array) -> Clinic:
    """Add a day of the death hazards and settle deaths of today, infection and lysis first."""
    age = static["age"] + day / YEAR - 65.0
    men = rule("gompertz_male") * jnp.exp(rule("gompertz_growth_male") * age)
    women = rule("gompertz_female") * jnp.exp(rule("gompertz_growth_female") * age)
    other = rule("death_background") * jnp.where(static["male"] > 0, men, women) + rule("death_second_cancer")
    calm = jnp.where(day < 6.0 * MONTH, rule("death_leukemia_early"), rule("death_leukemia"))
    leukemia = jnp.where(clinic["progressed"] > 0, rule("death_progressed"), calm)
    leukemia = leukemia * jnp.where(static["relapsed"] > 0, rule("death_progressed_relapsed"), 1.0)
    clinic = {
        **clinic,
        "hazard_death_other": clinic["hazard_death_other"] + other / YEAR,
        "hazard_death_leukemia": clinic["hazard_death_leukemia"] + leukemia / YEAR,
        "hazard_death_drug": clinic["hazard_death_drug"] + treated * rule("death_drug") / YEAR,
    }
    cause = jnp.zeros_like(clinic["dead"])
    for happens, code in (
        (clinic["hazard_death_drug"] >= static["death_drug"], Death.DRUG),
        (clinic["hazard_death_other"] >= static["death_other"], Death.OTHER),
        (clinic["hazard_death_leukemia"] >= static["death_leukemia"], Death.LEUKEMIA),
        (clinic["lysis_fatal_today"] > 0, Death.LYSIS),
        (clinic["infection_today"] >= 5, Death.INFECTION),
    ):
        cause = jnp.where(happens, float(code), cause)
    new = (cause > 0) & (clinic["dead"] == 0)
    update = {
        "dead": jnp.where(new, 1.0, clinic["dead"]),
        "death_day": jnp.where(new, day, clinic["death_day"]),
        "death_cause": jnp.where(new, cause, clinic["death_cause"]),
    }
    return {**clinic, **update}
