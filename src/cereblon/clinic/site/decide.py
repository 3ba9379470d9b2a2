"""The clinic's day: measure, grade, hold, resume, reduce, escalate, stop, and write today's doses.

`decide` runs at the start of every day inside the compiled cycle, so everything is arithmetic on float32
arrays of shape (n,) without branches; flags are 0 or 1. Rules act on measured counts, known on visit days.
Rule sets and numbers: toxicity_model.md section 6, rules.tsv.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from cereblon.clinic.codes import MEASURED, Off
from cereblon.clinic.criteria.flare import flare_grade
from cereblon.clinic.criteria.lysis import ANALYTES, clinical_grade, laboratory
from cereblon.clinic.rules import rule
from cereblon.clinic.site import dosing
from cereblon.clinic.site.hazards import die, infect
from cereblon.clinic.site.supportive import flare_steroid, growth_factor

Clinic = dict[str, Array]

WEEKLY = (
    "dose_mg",
    "days_dosed",
    "level_mg",
    "allopurinol_mg",
    "dexamethasone_mg",
    "filgrastim_ug",
    "counted",
    "flare_week",
    "lysis_laboratory_week",
    "lysis_howard_week",
    "lysis_clinical_week",
    "infection_week",
    "febrile_week",
)
"""State keys that count within a week and start from 0 in the next one."""
OBSERVED = (
    "anc",
    "platelets",
    "hemoglobin",
    "igg",
    "flare_drive",
    "node_swelling",
    *ANALYTES,
    "creatinine_ratio",
)
"""Observables of the model that `decide` reads."""


def decide(
    clinic: Clinic, observed: Clinic, static: Clinic, week: Clinic, day_slice: Clinic, day: Any
) -> tuple[Clinic, Clinic]:
    """Return the clinic after today's decisions, and today's doses.

    clinic: the state made by `orders.Orders.initial`; observed: the names of OBSERVED, true values at the
    start of the day; static, week, day_slice: made by `Orders`; day: absolute day, 0 = first dose. Doses:
    len_gut, dex_gut, allopurinol_gut (mg), gcsf_depot (ug), each (n,). Everything else stays as it is.
    """
    now = jnp.asarray(day, dtype=jnp.float32)
    fresh = day_slice["week_start"]
    clinic = {k: v * (1.0 - fresh) if k in WEEKLY else v for k, v in clinic.items()}
    clinic = _baseline(clinic, observed, now)
    treated = (1.0 - clinic["off"]) * (1.0 - clinic["dead"])
    clinic = _measure(clinic, observed, week, fresh, treated)
    clinic = _flare(clinic, observed, static, now)
    clinic = _lysis(clinic, observed, static, week, now)
    steroid = clinic["steroid_left"] + day_slice["dexamethasone"]
    clinic = infect(clinic, observed, static, steroid, now)
    clinic = die(clinic, static, treated, now)
    treated = treated * (1.0 - clinic["dead"])
    clinic = dosing.hold_and_resume(clinic, static, treated, now)
    clinic = dosing.rise(clinic, static, day_slice, treated, now)
    clinic = _stop(clinic, static, now)
    return _doses(clinic, static, day_slice, now)


def _baseline(clinic: Clinic, observed: Clinic, now: Array) -> Clinic:
    """Keep the values of day 0: the rules of section 4 and low counts at entry refer to them."""
    first = now == 0
    kept = {f"{k}_0": jnp.where(first, observed[k], clinic[f"{k}_0"]) for k in (*ANALYTES, "anc", "platelets")}
    return {**clinic, **kept}


def _measure(clinic: Clinic, observed: Clinic, week: Clinic, fresh: Array, treated: Array) -> Clinic:
    """Take blood counts on visit days; a held subject is seen weekly."""
    held = jnp.maximum(clinic["hold_anc"], clinic["hold_platelets"]) * treated
    due = jnp.maximum(week["counts"], held * rule("weekly_counts_on_hold"))
    counted = fresh * due * (1.0 - clinic["dead"])
    update = {"counted_today": counted, "counted": jnp.maximum(clinic["counted"], counted)}
    for name in ("anc", "platelets", "hemoglobin"):
        seen = observed[name] * week["error"][MEASURED.index(name)]
        update[f"{name}_measured"] = jnp.where(counted > 0, seen, clinic[f"{name}_measured"])
    return {**clinic, **update}


def _flare(clinic: Clinic, observed: Clinic, static: Clinic, now: Array) -> Clinic:
    grade = flare_grade(observed["flare_drive"], observed["node_swelling"], static["flare_sensitivity"])
    grade = grade * (1.0 - clinic["dead"])
    update = {
        "flare_grade": grade,
        "flare_max": jnp.maximum(clinic["flare_max"], grade),
        "flare_week": jnp.maximum(clinic["flare_week"], grade),
        "flare_day": jnp.where(grade > 0, now, clinic["flare_day"]),
    }
    return {**clinic, **update}


def _lysis(clinic: Clinic, observed: Clinic, static: Clinic, week: Clinic, now: Array) -> Clinic:
    """Evaluate tumour lysis in cycle 1 and after each dose step, on true values with small noise."""
    recent = (now - clinic["last_step_day"]) <= rule("lysis_window_step")
    in_window = ((now < rule("lysis_window")) | recent) & (clinic["dead"] == 0) & (now > 0)
    error = {k: week["error"][MEASURED.index(k)] for k in (*ANALYTES, "creatinine")}
    seen = {k: observed[k] * error[k] for k in ANALYTES}
    ratio = observed["creatinine_ratio"] * error["creatinine"]
    found = laboratory(seen, {k: clinic[f"{k}_0"] for k in ANALYTES}) & in_window
    howard = laboratory(seen) & in_window
    grade = clinical_grade(found, ratio * static["creatinine_uln"], ratio).astype(jnp.float32)
    onset = (grade > 0) & (clinic["lysis_clinical_day"] < 0)
    flag = found.astype(jnp.float32)
    update = {
        "lysis_laboratory": flag,
        "lysis_grade": grade,
        "lysis_until": jnp.where(found, now + rule("lysis_hold_days"), clinic["lysis_until"]),
        "lysis_day": jnp.where(found & (clinic["lysis_day"] < 0), now, clinic["lysis_day"]),
        "lysis_clinical_day": jnp.where(onset, now, clinic["lysis_clinical_day"]),
        "lysis_fatal_today": (onset & (static["lysis_fatality"] < rule("lysis_fatality"))).astype(jnp.float32),
        "lysis_laboratory_week": jnp.maximum(clinic["lysis_laboratory_week"], flag),
        "lysis_howard_week": jnp.maximum(clinic["lysis_howard_week"], howard.astype(jnp.float32)),
        "lysis_clinical_week": jnp.maximum(clinic["lysis_clinical_week"], grade),
    }
    return {**clinic, **update}


def _stop(clinic: Clinic, static: Clinic, now: Array) -> Clinic:
    """End treatment for good; of several reasons on one day the last of the list is written down."""
    reason = jnp.zeros_like(clinic["off"])
    cytopenic = (clinic["hold_anc"] + clinic["hold_platelets"]) > 0
    too_long = (clinic["hold"] > 0) & (now - clinic["hold_day"] > rule("hold_longest"))
    unrecovered = (clinic["grade4_since"] >= 0) & (now - clinic["grade4_since"] > rule("grade4_longest"))
    for happens, code in (
        (now >= static["withdrawal_day"], Off.WITHDRAWAL),
        (now >= static["adverse_event_day"], Off.ADVERSE_EVENT),
        (too_long & ~cytopenic, Off.ADVERSE_EVENT),
        (too_long & cytopenic, Off.CYTOPENIA),
        (unrecovered, Off.CYTOPENIA),
        (clinic["lowest_holds"] >= rule("holds_at_lowest_level"), Off.CYTOPENIA),
        (clinic["infection_today"] >= rule("infection_stop_grade"), Off.INFECTION),
        (clinic["infections"] >= rule("infection_stop_count"), Off.INFECTION),
        (clinic["flare_grade"] >= rule("flare_stop_grade"), Off.FLARE),
        (clinic["flare_holds"] >= rule("flare_holds"), Off.FLARE),
        ((clinic["lysis_laboratory"] > 0) & (static["lysis_action"] >= 2), Off.LYSIS),
        (clinic["lysis_grade"] >= rule("lysis_stop_grade"), Off.LYSIS),
        (now >= clinic["end_day"], Off.COMPLETED),
        (clinic["dead"] > 0, Off.DEATH),
    ):
        reason = jnp.where(happens, float(code), reason)
    new = (reason > 0) & (clinic["off"] == 0)
    update = {
        "off": jnp.where(new, 1.0, clinic["off"]),
        "off_day": jnp.where(new, now, clinic["off_day"]),
        "off_reason": jnp.where(new, reason, clinic["off_reason"]),
    }
    return {**clinic, **update}


def _doses(clinic: Clinic, static: Clinic, day_slice: Clinic, now: Array) -> tuple[Clinic, Clinic]:
    treated = (1.0 - clinic["off"]) * (1.0 - clinic["dead"])
    ordered = dosing.of_level(static["levels"], clinic["level"]) * treated * (1.0 - clinic["hold"])
    lenalidomide = ordered * day_slice["lenalidomide"]
    clinic, rescue = flare_steroid(clinic, static, treated, now)
    clinic, gcsf = growth_factor(clinic, static, treated)
    # a steroid that is running is finished after treatment ends; scheduled support ends with it
    dexamethasone = day_slice["dexamethasone"] * treated + rescue
    allopurinol = day_slice["allopurinol"] * treated
    filgrastim = day_slice["filgrastim"] * treated + gcsf
    # a dose after the data cut is taken, and nobody records it
    recorded = (now < static["cut_day"]).astype(jnp.float32)
    given = (lenalidomide > 0).astype(jnp.float32) * recorded
    update = {
        "last_dose_day": jnp.where(given > 0, now, clinic["last_dose_day"]),
        "dose_mg": clinic["dose_mg"] + lenalidomide * recorded,
        "days_dosed": clinic["days_dosed"] + given,
        "level_mg": jnp.maximum(clinic["level_mg"], ordered * recorded),
        "allopurinol_mg": clinic["allopurinol_mg"] + allopurinol,
        "dexamethasone_mg": clinic["dexamethasone_mg"] + dexamethasone,
        "filgrastim_ug": clinic["filgrastim_ug"] + filgrastim,
        "infection_week": jnp.maximum(clinic["infection_week"], clinic["infection_today"]),
        "febrile_week": jnp.maximum(clinic["febrile_week"], clinic["febrile_today"]),
    }
    doses = {
        "len_gut": lenalidomide,
        "dex_gut": dexamethasone,
        "allopurinol_gut": allopurinol,
        "gcsf_depot": filgrastim,
    }
    return {**clinic, **update}, doses
