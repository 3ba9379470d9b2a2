"""The clinic's day: measure, grade, hold, resume, reduce, escalate, stop, and write today's doses.

`decide` runs at the start of every day inside the compiled cycle, so everything is arithmetic on float32 arrays
without branches: (n,) for what is of the subject, (drugs, n) for what is of each drug, (ruled, n) for what the rules
remember of a drug that has any; flags are 0 or 1. Rules act on
measured counts, known on visit days. Rule sets and numbers: toxicity_model.md section 6, rules.tsv.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from typing import Any

import jax.numpy as jnp
from jax import Array

from cereblon.clinic.codes import COUNTS, MEASURED, Off
from cereblon.clinic.criteria.flare import flare_grade
from cereblon.clinic.criteria.lysis import ANALYTES, clinical_grade, laboratory
from cereblon.clinic.rules import Numbers
from cereblon.clinic.site import dosing
from cereblon.clinic.site.day_tables import HOURS
from cereblon.clinic.site.drugs import SiteDrug
from cereblon.clinic.site.hazards import die, infect
from cereblon.clinic.site.supportive import flare_steroid, growth_factor
from cereblon.engine import Dose
from cereblon.readings import of_role

Clinic = dict[str, Array]
Doses = dict[str, Array | Dose]
Decide = Callable[[Clinic, Clinic, Any, Clinic, Clinic, Any], tuple[Clinic, Doses]]

WEEKLY = (
    "dosed",
    "counted",
    "flare_week",
    "lysis_laboratory_week",
    "lysis_howard_week",
    "lysis_clinical_week",
    "infection_week",
    "febrile_week",
)
"""State keys of the subject that count within a week and start from 0 in the next one."""
WEEKLY_BY_DRUG = ("dose", "days_dosed", "level_given")
"""The same of each drug."""
OBSERVED = of_role("site")
"""Observables of the model that `decide` reads."""


def build_decide(
    drugs: Sequence[SiteDrug], ruled: tuple[int, ...], by_hour: bool = False, infused: tuple[int, ...] = ()
) -> Decide:
    """Return `decide` for the drugs of a model, in its order.

    ruled: rows of those that are held, reduced or escalated; by_hour: doses at other hours than 0; infused:
    rows of the drugs of which any dose takes hours.

    decide(clinic, observed, static, week, today, day) -> (clinic, doses) is the clinic after today's decisions, and
    today's doses by state of the model. clinic: the state made by `orders.Orders.initial`; observed: the names of
    OBSERVED, true values at the start of the day; static, week, today: made by `Orders`, static["site"] the site's
    numbers; day: absolute day, 0 = first dose.
    """

    def decide(
        clinic: Clinic, observed: Clinic, static: Any, week: Clinic, today: Clinic, day: Any
    ) -> tuple[Clinic, Doses]:
        clinic, amounts = one_day(clinic, observed, static, week, today, day, ruled)
        return clinic, _into_states(drugs, amounts, today, by_hour, infused)

    return decide


def one_day(
    clinic: Clinic, observed: Clinic, static: Any, week: Clinic, today: Clinic, day: Any, ruled: tuple[int, ...]
) -> tuple[Clinic, Array]:
    """Return the clinic after today's decisions, and today's amounts in the units of the drugs, (2, drugs, n).

    First the scheduled ones, of each dose of the day, then those of rescue.
    """
    now, site = jnp.asarray(day, dtype=jnp.float32), static["site"]
    fresh = today["week_start"]
    clinic = {k: v * (1.0 - fresh) if k in WEEKLY or k in WEEKLY_BY_DRUG else v for k, v in clinic.items()}
    clinic = _baseline(clinic, observed, now)
    treated = (1.0 - clinic["off"]) * (1.0 - clinic["dead"])
    clinic = _measure(clinic, observed, week, fresh, treated, site)
    clinic = _flare(clinic, observed, static, now, site)
    clinic = _lysis(clinic, observed, static, week, now, site)
    steroid = clinic["steroid_left"] + ((today["due"] > 0) * static["steroid_of"]).sum(axis=0)
    clinic = infect(clinic, observed, static, steroid, now, site)
    clinic = die(clinic, static, treated, now, site)
    treated = treated * (1.0 - clinic["dead"])
    clinic = _begin(clinic, today, treated, now)
    clinic = _by_rule(clinic, static, today, treated, now, site, ruled)
    clinic = _stop(clinic, static, today, now, site, ruled)
    return _doses(clinic, static, today, now, site, ruled)


def _begin(clinic: Clinic, today: Clinic, treated: Array, now: Array) -> Clinic:
    """Put drugs whose course begins today on its first level; a new course of the treatment is a step of the dose."""
    new = (today["begin"] >= 0) * treated > 0
    step = (new & (today["part"] > 0)).any(axis=0) & (now > 0)
    return {
        **clinic,
        "level": jnp.where(new, today["begin"], clinic["level"]),
        "last_step_day": jnp.where(step, now, clinic["last_step_day"]),
    }


def _by_rule(
    clinic: Clinic, static: Any, today: Clinic, treated: Array, now: Array, site: Numbers, ruled: tuple[int, ...]
) -> Clinic:
    """Hold, resume, reduce and escalate the drugs that have rules."""
    rows = list(ruled)
    mine = {**clinic, "level": jnp.stack([clinic["level"][row] for row in rows])}
    begin = jnp.stack([today["begin"][row] for row in rows])
    mine = dosing.hold_and_resume(mine, static, treated, now, site)
    mine = dosing.courses(mine, static, {**today, "begin": begin}, treated, now, site)
    return {**mine, "level": _spread(mine["level"], ruled, clinic["level"])}


def _spread(values: Array, ruled: tuple[int, ...], others: Array) -> Array:
    """Return values of ruled drugs, (ruled, n), in their rows of (drugs, n)."""
    return jnp.stack([values[ruled.index(row)] if row in ruled else others[row] for row in range(len(others))])


def _baseline(clinic: Clinic, observed: Clinic, now: Array) -> Clinic:
    """Keep the values of day 0: the rules of section 4 and low counts at entry refer to them."""
    first = now == 0
    kept = {f"{k}_0": jnp.where(first, observed[k], clinic[f"{k}_0"]) for k in (*ANALYTES, "anc", "platelets")}
    return {**clinic, **kept}


def _measure(clinic: Clinic, observed: Clinic, week: Clinic, fresh: Array, treated: Array, site: Numbers) -> Clinic:
    """Take blood counts on visit days; who has a drug held is seen weekly."""
    held = jnp.maximum(clinic["hold_anc"], clinic["hold_platelets"]).max(axis=0) * treated
    due = jnp.maximum(week["counts"], held * site["weekly_counts_on_hold"])
    counted = fresh * due * (1.0 - clinic["dead"])
    update = {"counted_today": counted, "counted": jnp.maximum(clinic["counted"], counted)}
    for name in COUNTS:
        seen = observed[name] * week["error"][MEASURED.index(name)]
        update[f"{name}_measured"] = jnp.where(counted > 0, seen, clinic[f"{name}_measured"])
    return {**clinic, **update}


def _flare(clinic: Clinic, observed: Clinic, static: Clinic, now: Array, site: Numbers) -> Clinic:
    grade = flare_grade(observed["flare_drive"], observed["node_swelling"], static["flare_sensitivity"], site)
    grade = grade * (1.0 - clinic["dead"])
    update = {
        "flare_grade": grade,
        "flare_max": jnp.maximum(clinic["flare_max"], grade),
        "flare_week": jnp.maximum(clinic["flare_week"], grade),
        "flare_day": jnp.where(grade > 0, now, clinic["flare_day"]),
    }
    return {**clinic, **update}


def _lysis(clinic: Clinic, observed: Clinic, static: Clinic, week: Clinic, now: Array, site: Numbers) -> Clinic:
    """Evaluate tumour lysis in cycle 1 and after each dose step, on true values with small noise."""
    recent = (now - clinic["last_step_day"]) <= site["lysis_window_step"]
    in_window = ((now < site["lysis_window"]) | recent) & (clinic["dead"] == 0) & (now > 0)
    error = {k: week["error"][MEASURED.index(k)] for k in (*ANALYTES, "creatinine_ratio")}
    seen = {k: observed[k] * error[k] for k in ANALYTES}
    ratio = observed["creatinine_ratio"] * error["creatinine_ratio"]
    found = laboratory(seen, site, {k: clinic[f"{k}_0"] for k in ANALYTES}) & in_window
    howard = laboratory(seen, site) & in_window
    grade = clinical_grade(found, ratio * static["creatinine_uln"], ratio, site).astype(jnp.float32)
    onset = (grade > 0) & (clinic["lysis_clinical_day"] < 0)
    flag = found.astype(jnp.float32)
    update = {
        "lysis_laboratory": flag,
        "lysis_grade": grade,
        "lysis_until": jnp.where(found, now + site["lysis_hold_days"], clinic["lysis_until"]),
        "lysis_day": jnp.where(found & (clinic["lysis_day"] < 0), now, clinic["lysis_day"]),
        "lysis_clinical_day": jnp.where(onset, now, clinic["lysis_clinical_day"]),
        "lysis_fatal_today": (onset & (static["lysis_fatality"] < site["lysis_fatality"])).astype(jnp.float32),
        "lysis_laboratory_week": jnp.maximum(clinic["lysis_laboratory_week"], flag),
        "lysis_howard_week": jnp.maximum(clinic["lysis_howard_week"], howard.astype(jnp.float32)),
        "lysis_clinical_week": jnp.maximum(clinic["lysis_clinical_week"], grade),
    }
    return {**clinic, **update}


def _stop_drugs(clinic: Clinic, now: Array, site: Numbers) -> Array:
    """Return for each drug with rules the code why it is stopped for good, 0 while it is not; (ruled, n)."""
    cytopenic = (clinic["hold_anc"] + clinic["hold_platelets"]) > 0
    too_long = (clinic["hold"] > 0) & (now - clinic["hold_day"] > site["hold_longest"])
    reason = jnp.zeros_like(clinic["hold"])
    for happens, code in (
        (too_long & ~cytopenic, Off.ADVERSE_EVENT),
        (too_long & cytopenic, Off.CYTOPENIA),
        (clinic["lowest_holds"] >= site["holds_at_lowest_level"], Off.CYTOPENIA),
        (clinic["flare_holds"] >= site["flare_holds"], Off.FLARE),
    ):
        reason = jnp.where(happens, float(code), reason)
    return jnp.where(clinic["stopped"] > 0, clinic["stopped"], reason)


def _stop(clinic: Clinic, static: Clinic, today: Clinic, now: Array, site: Numbers, ruled: tuple[int, ...]) -> Clinic:
    """End drugs or treatment for good; of several reasons on one day the last of the list is written down.

    Treatment is over when every drug of it is stopped.
    """
    part, own = today["part"], _stop_drugs(clinic, now, site)
    stopped = _spread(own, ruled, jnp.zeros_like(part))
    none_left = (part.sum(axis=0) > 0) & ((part * (stopped == 0)).sum(axis=0) == 0)
    unrecovered = (clinic["grade4_since"] >= 0) & (now - clinic["grade4_since"] > site["grade4_longest"])
    stops = jnp.stack([part[row] for row in ruled]) * (static["lysis_action"] >= 2)
    lysis = (stops * (clinic["lysis_laboratory"] > 0)).sum(axis=0) > 0
    planned = jnp.where(clinic["end_reason"] > 0, clinic["end_reason"], float(Off.COMPLETED))
    reason = jnp.zeros_like(clinic["off"])
    for happens, code in (
        (now >= static["withdrawal_day"], Off.WITHDRAWAL),
        (now >= static["adverse_event_day"], Off.ADVERSE_EVENT),
        (none_left, (part * stopped).max(axis=0)),
        (unrecovered, Off.CYTOPENIA),
        (clinic["infection_today"] >= site["infection_stop_grade"], Off.INFECTION),
        (clinic["infections"] >= site["infection_stop_count"], Off.INFECTION),
        (clinic["flare_grade"] >= site["flare_stop_grade"], Off.FLARE),
        (lysis, Off.LYSIS),
        (clinic["lysis_grade"] >= site["lysis_stop_grade"], Off.LYSIS),
        (now >= clinic["end_day"], planned),
        (clinic["dead"] > 0, Off.DEATH),
    ):
        reason = jnp.where(happens, jnp.asarray(code, dtype=jnp.float32), reason)
    new = (reason > 0) & (clinic["off"] == 0)
    update = {
        "stopped": own,
        "off": jnp.where(new, 1.0, clinic["off"]),
        "off_day": jnp.where(new, now, clinic["off_day"]),
        "off_reason": jnp.where(new, reason, clinic["off_reason"]),
    }
    return {**clinic, **update}


def _doses(
    clinic: Clinic, static: Clinic, today: Clinic, now: Array, site: Numbers, ruled: tuple[int, ...]
) -> tuple[Clinic, Array]:
    treated = (1.0 - clinic["off"]) * (1.0 - clinic["dead"])
    level = dosing.of_level(static["levels"], clinic["level"])
    free = (1.0 - clinic["hold"]) * (clinic["stopped"] == 0)
    ordered = level * treated * _spread(free, ruled, jnp.ones_like(level))
    scheduled = ordered * (today["due"] > 0)
    clinic, steroid = flare_steroid(clinic, static, treated, now)
    clinic, gcsf = growth_factor(clinic, static, treated, site)
    # a steroid that is running is finished after treatment ends; scheduled support ends with it
    rescue = steroid + gcsf
    # a dose after the data cut is taken, and nobody records it
    recorded = (now < static["cut_day"]).astype(jnp.float32)
    times = _times(today["due"])
    treatment = (scheduled * today["part"] > 0).any(axis=0) * recorded
    total = (scheduled * times + rescue) * recorded
    update = {
        "last_dose_day": jnp.where(treatment > 0, now, clinic["last_dose_day"]),
        "dosed": jnp.maximum(clinic["dosed"], treatment),
        "dose": clinic["dose"] + total,
        "days_dosed": clinic["days_dosed"] + (total > 0),
        "level_given": jnp.maximum(clinic["level_given"], ordered * recorded),
        "infection_week": jnp.maximum(clinic["infection_week"], clinic["infection_today"]),
        "febrile_week": jnp.maximum(clinic["febrile_week"], clinic["febrile_today"]),
    }
    return {**clinic, **update}, jnp.stack([scheduled, rescue])


def _times(due: Array) -> Array:
    """Return how many doses a day has, from its sum of 1, 2, 4, 8."""
    return _sum(_at(due, place) for place in range(len(HOURS)))


def _at(due: Array, place: int) -> Array:
    """Return 1 where a dose is due at the hour HOURS[place]."""
    return jnp.mod(jnp.floor(due / 2**place), 2.0)


def _sum(parts: Iterable[Array]) -> Array:
    return reduce(jnp.add, parts)


def _into_states(
    drugs: Sequence[SiteDrug], amounts: Array, today: Clinic, by_hour: bool, infused: tuple[int, ...]
) -> Doses:
    """Return today's doses by the state that they enter, in its unit; rescue is given at hour 0.

    amounts: (2, drugs, n), scheduled (each dose of the day) and rescue.
    """
    doses: Doses = {}
    for state in dict.fromkeys(drug.enters for drug in drugs):
        rows = [row for row, drug in enumerate(drugs) if drug.enters == state]
        slow = [today["over"][row] for row in rows if row in infused]
        over = reduce(jnp.maximum, slow) if slow else None
        if not by_hour:
            whole = _sum(drugs[row].per_unit * amounts[:, row].sum(axis=0) for row in rows)
            doses[state] = whole if over is None else Dose(whole, over)
            continue
        slots = [
            _sum(drugs[row].per_unit * amounts[0, row] * _at(today["due"][row], place) for row in rows)
            for place in range(len(HOURS))
        ]
        slots[0] = slots[0] + _sum(drugs[row].per_unit * amounts[1, row] for row in rows)
        doses[state] = Dose(jnp.stack(slots), over)
    return doses
