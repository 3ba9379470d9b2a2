"""Random fate of a subject: infection, adverse events, withdrawal, death, as accumulated daily hazards.

An event happens when the accumulated hazard passes the subject's own standard-exponential threshold, so the
draws are made once, before the run, and nothing random happens in the compiled cycle. Hazards that do not
depend on the model are turned into days beforehand (`fixed_days`). Rates are those of toxicity_model.md
sections 5-7. In the cycle all arrays are float32 of shape (n,).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from cereblon.clinic.codes import INFECTIONS, Death
from cereblon.clinic.rules import Numbers

Clinic = dict[str, Array]
Floats = NDArray[np.float64]
YEAR = 365.25  # days
MONTH = YEAR / 12.0
NEVER = 1.0e6


def fixed_days(
    age: Floats,
    male: Floats,
    relapsed: Floats,
    thresholds: Mapping[str, NDArray[np.floating]],
    horizon: int,
    site: Numbers,
) -> dict[str, Floats]:
    """Return the day of each event whose hazard depends on age, sex and setting alone, (n,); 1e6 = never.

    death_other: background and second cancers; adverse_event, withdrawal, death_drug: on treatment only, so
    they happen only if treatment has lasted until then. thresholds: standard exponentials (k, n) by name.
    """
    limit = {name: np.asarray(values[0], dtype=np.float64) for name, values in thresholds.items()}
    men = male > 0
    growth = np.where(men, site["gompertz_growth_male"], site["gompertz_growth_female"])
    start = site["death_background"] * np.where(men, site["gompertz_male"], site["gompertz_female"])
    start = start * np.exp(growth * (age - 65.0))

    def died(years: Floats) -> Floats:
        return np.asarray(start * np.expm1(growth * years) / growth + site["death_second_cancer"] * years)

    leave = site["ae_stop_residual"] * np.where(relapsed > 0, site["ae_stop_relapsed"], 1.0) * 12.0
    leave = leave * np.where(age >= site["ae_stop_old_age"], site["ae_stop_old"], 1.0)
    early, change = site["ae_stop_early"] * leave, site["ae_stop_change"] / 12.0
    before, after = limit["adverse_event"] / early, limit["adverse_event"] - early * change
    years = {
        "death_other": _inverse(died, limit["death_other"], horizon / YEAR),
        "adverse_event": np.where(before <= change, before, change + after / (site["ae_stop_late"] * leave)),
        "withdrawal": limit["withdrawal"] / (12.0 * site["withdrawal"]),
        # no such hazard by default: the day is never
        "death_drug": limit["death_drug"] / max(site["death_drug"], 1e-12),
    }
    days = {f"{name}_day": np.ceil(value * YEAR) for name, value in years.items()}
    return {name: np.where(day < horizon, day, NEVER) for name, day in days.items()}


def _inverse(hazard: Callable[[Floats], Floats], limit: Floats, top: float) -> Floats:
    """Return the time in years at which a rising hazard reaches `limit`, to within an hour, by bisection."""
    low, high = np.zeros_like(limit), np.full_like(limit, top)
    for _ in range(20):
        middle = 0.5 * (low + high)
        under = hazard(middle) < limit
        low, high = np.where(under, middle, low), np.where(under, high, middle)
    return high


def infection_base(age: Floats, relapsed: Floats, site: Numbers) -> Floats:
    """Return the subject's hazard of infection of grade 3 or worse, per year, with good counts and IgG."""
    rate = site["infection_rate"] * site["infection_age"] ** ((age - 65.0) / 10.0)
    return np.asarray(rate * np.where(relapsed > 0, site["infection_relapsed"], 1.0))


def infection_fatality(age: Floats, site: Numbers) -> Floats:
    """Return the share of infections that are fatal, by age at entry."""
    old = np.where(age > 80.0, site["infection_fatality_80"], site["infection_fatality_70"])
    return np.where(age < 70.0, site["infection_fatality"], old)


def neutropenia_factor(anc: Array, site: Numbers) -> Array:
    """Return the factor on the infection hazard by true neutrophils (1e9/L), in capped steps."""
    low, lower, lowest = site["infection_anc1"], site["infection_anc2"], site["infection_anc3"]
    return jnp.where(anc < 0.1, lowest, jnp.where(anc < 0.5, lower, jnp.where(anc < 1.0, low, 1.0)))


def infect(clinic: Clinic, observed: Clinic, static: Clinic, steroid: Array, day: Array, site: Numbers) -> Clinic:
    """Add a day of infection hazard; `infection_today` is the grade (0, 3, 4, or 5 when fatal)."""
    rate = static["infection_base"] * neutropenia_factor(observed["anc"], site)
    rate = rate * jnp.where(observed["igg"] < site["infection_igg_limit"], site["infection_low_igg"], 1.0)
    rate = rate * jnp.where(steroid > 0, site["infection_steroid"], 1.0)
    hazard = clinic["hazard_infection"] + (1.0 - clinic["dead"]) * rate / YEAR
    count = (hazard >= static["infection_at"]).sum(axis=0).astype(jnp.float32)
    new = (count > clinic["infections"]).astype(jnp.float32)
    which = jnp.arange(INFECTIONS, dtype=jnp.float32)[:, None] == clinic["infections"]
    severity = jnp.where(which, static["infection_severity"], 0.0).sum(axis=0)
    fatality = static["infection_fatality"]
    grade = 3.0 + (severity < fatality + site["infection_grade4"]) + (severity < fatality)
    update = {
        "hazard_infection": hazard,
        "infections": clinic["infections"] + new,
        "infection_today": new * grade,
        "febrile_today": new * (observed["anc"] < site["dose_limiting_anc"]),
        "infection_until": jnp.where(new > 0, day + site["infection_days"], clinic["infection_until"]),
    }
    return {**clinic, **update}


def die(clinic: Clinic, static: Clinic, treated: Array, day: Array, site: Numbers) -> Clinic:
    """Add a day of the hazard of leukemia and settle deaths of today, infection and lysis first."""
    calm = jnp.where(day < 6.0 * MONTH, site["death_leukemia_early"], site["death_leukemia"])
    leukemia = jnp.where(clinic["progressed"] > 0, site["death_progressed"], calm)
    leukemia = leukemia * jnp.where(static["relapsed"] > 0, site["death_progressed_relapsed"], 1.0)
    clinic = {**clinic, "hazard_leukemia": clinic["hazard_leukemia"] + leukemia / YEAR}
    cause = jnp.zeros_like(clinic["dead"])
    for happens, code in (
        ((day >= static["death_drug_day"]) & (treated > 0), Death.DRUG),
        (day >= static["death_other_day"], Death.OTHER),
        (clinic["hazard_leukemia"] >= static["death_leukemia"], Death.LEUKEMIA),
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
