"""Hold, resume, reduce and escalate lenalidomide by rule (toxicity_model.md section 6).

The dose is a level of the arm's table. A hold ends when every cause of it has ended, and may cost a level.
The level rises only by the escalation of the trial; a level that was left twice for toxicity is not tried
again. All arrays float32 of shape (n,); called from `decide`.
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from cereblon.clinic.rules import rule

Clinic = dict[str, Array]


def of_level(table: Array, level: Array) -> Array:
    """Return table[level] per subject: table (levels, n), level (n,) -> (n,)."""
    rows = jnp.arange(table.shape[0], dtype=level.dtype)[:, None]
    return jnp.where(rows == level, table, 0.0).sum(axis=0)


def limit(value: Array | float, baseline: Array, kind: str) -> Array:
    """Return a count limit; under it at entry, the subject is judged by a share of the own baseline."""
    return jnp.where(baseline < value, rule(f"low_baseline_{kind}") * baseline, value)


def hold_and_resume(clinic: Clinic, static: Clinic, treated: Array, now: Array) -> Clinic:
    """Judge today's counts, flare, infection and lysis; set and lift holds, step down at resumption."""
    clinic = _counts(clinic, static, now)
    anc, platelets = clinic["anc_measured"], clinic["platelets_measured"]
    visit = clinic["counted_today"] * treated * (now > 0)
    free = 1.0 - clinic["hold"]
    infected = clinic["infection_today"] >= static["infection_hold_grade"]

    start = {
        "hold_anc": visit * _neutropenic(clinic, static, now),
        "hold_platelets": visit * (platelets < limit(static["platelets_hold"], clinic["platelets_0"], "hold")),
        "hold_flare": treated * (clinic["flare_grade"] >= static["flare_hold_grade"]),
        "hold_infection": treated * infected,
        "hold_lysis": treated * clinic["lysis_laboratory"] * (static["lysis_action"] >= 1),
    }
    end = {
        "hold_anc": visit * (anc >= limit(static["anc_resume"], clinic["anc_0"], "resume")),
        "hold_platelets": visit * (platelets >= limit(static["platelets_resume"], clinic["platelets_0"], "resume")),
        "hold_flare": 1.0 * (clinic["flare_grade"] <= rule("flare_resume_grade")),
        "hold_infection": 1.0 * (now >= clinic["infection_until"]),
        "hold_lysis": 1.0 * (now >= clinic["lysis_until"]),
    }
    fresh = {k: start[k] * (1.0 - clinic[k]) for k in start}
    causes = {k: jnp.where(start[k] > 0, 1.0, clinic[k] * (1.0 - end[k])) for k in start}
    hold = jnp.minimum(sum(causes.values(), jnp.zeros_like(free)), 1.0)

    step = _step(clinic, static, fresh)
    pending = jnp.maximum(clinic["step_pending"], step)
    cytopenic = jnp.minimum(fresh["hold_anc"] + fresh["hold_platelets"], 1.0)
    # a hold that begins while another one runs is the same hold
    at_lowest = cytopenic * free * (clinic["level"] == 0) * (step > 0)
    resumed = treated * clinic["hold"] * (1.0 - hold)
    clinic = {
        **clinic,
        **causes,
        "hold": hold,
        "hold_day": jnp.where((hold > 0) & (clinic["hold"] == 0), now, clinic["hold_day"]),
        "holds": clinic["holds"] + hold * free,
        "anc_holds": clinic["anc_holds"] + fresh["hold_anc"],
        "flare_holds": clinic["flare_holds"] + fresh["hold_flare"],
        "lowest_holds": clinic["lowest_holds"] + at_lowest,
        "step_pending": jnp.where(resumed > 0, 0.0, pending),
    }
    return _reduce(clinic, resumed * pending)


def rise(clinic: Clinic, static: Clinic, day_slice: Clinic, treated: Array, now: Array) -> Clinic:
    """Move to the level of a new course, and escalate on the days that the trial allows it."""
    moved = clinic["level"] + day_slice["level_change"] * treated
    top = jnp.float32(static["levels"].shape[0] - 1)
    level = jnp.clip(jnp.minimum(moved, clinic["ceiling"]), 0.0, top)
    anc = clinic["anc_measured"] >= limit(static["anc_resume"], clinic["anc_0"], "resume")
    platelets = clinic["platelets_measured"] >= limit(static["platelets_resume"], clinic["platelets_0"], "resume")
    tolerated = (clinic["event_since"] == 0) & anc & platelets
    allowed = (static["escalation"] >= 2) | ((static["escalation"] >= 1) & tolerated)
    up = day_slice["escalate"] * treated * (1.0 - clinic["hold"]) * allowed
    target = jnp.minimum(of_level(static["next_level"], level), clinic["ceiling"])
    level = jnp.where(up > 0, jnp.maximum(target, level), level)
    return {
        **clinic,
        "level": level,
        "last_step_day": jnp.where(level > clinic["level"], now, clinic["last_step_day"]),
        "event_since": jnp.where(day_slice["review"] > 0, 0.0, clinic["event_since"]),
    }


def _counts(clinic: Clinic, static: Clinic, now: Array) -> Clinic:
    """Keep since when counts are low, and whether the cycle has had a dose-limiting event."""
    visit = clinic["counted_today"]
    anc, platelets = clinic["anc_measured"], clinic["platelets_measured"]
    anc_0, platelets_0 = clinic["anc_0"], clinic["platelets_0"]
    low = anc < limit(static["anc_hold"], anc_0, "hold")
    since = jnp.where(low & (clinic["low_anc_since"] < 0), now, clinic["low_anc_since"])
    since = jnp.where(low, since, -1.0)
    worst = (anc < limit(rule("grade4_anc"), anc_0, "hold")) | (
        platelets < limit(rule("grade4_platelets"), platelets_0, "hold")
    )
    grade4 = jnp.where(worst & (clinic["grade4_since"] < 0), now, clinic["grade4_since"])
    grade4 = jnp.where(worst, grade4, -1.0)
    limiting = (anc < limit(rule("dose_limiting_anc"), anc_0, "hold")) | (
        platelets < limit(rule("dose_limiting_platelets"), platelets_0, "hold")
    )
    event = (limiting & (visit > 0) & (now > 0)) | (clinic["flare_grade"] >= 3) | (clinic["lysis_grade"] > 0)
    event = event | (clinic["infection_today"] >= 3)
    return {
        **clinic,
        "low_anc_since": jnp.where(visit > 0, since, clinic["low_anc_since"]),
        "grade4_since": jnp.where(visit > 0, grade4, clinic["grade4_since"]),
        "event_since": jnp.maximum(clinic["event_since"], event.astype(jnp.float32)),
    }


def _neutropenic(clinic: Clinic, static: Clinic, now: Array) -> Array:
    """Return whether neutrophils call for a hold: at once, with infection, or low on two visits."""
    anc, anc_0, since = clinic["anc_measured"], clinic["anc_0"], clinic["low_anc_since"]
    at_once = anc < limit(static["anc_hold_at_once"], anc_0, "hold")
    febrile = (anc < limit(static["anc_febrile"], anc_0, "hold")) & (now < clinic["infection_until"])
    lasting = (since >= 0) & (now - since >= static["anc_hold_days"])
    return (at_once | febrile | lasting).astype(jnp.float32)


def _step(clinic: Clinic, static: Clinic, fresh: Clinic) -> Array:
    """Return the levels that the holds starting today will cost at resumption."""
    spared = static["gcsf_spares"] * static["gcsf_user"]
    first_free = static["first_hold_free"] * (clinic["anc_holds"] == 0)
    neutropenia = fresh["hold_anc"] * (1.0 - jnp.maximum(spared, first_free))
    cost = jnp.maximum(neutropenia, fresh["hold_platelets"]) * static["step_down"]
    cost = jnp.maximum(cost, fresh["hold_flare"] * (clinic["flare_grade"] >= 4))
    cost = jnp.maximum(cost, fresh["hold_infection"] * clinic["febrile_today"])
    return jnp.maximum(cost, fresh["hold_lysis"] * (clinic["lysis_grade"] > 0))


def _reduce(clinic: Clinic, step: Array) -> Clinic:
    """Step down; the second time a level is left, the ceiling comes down below it."""
    level = clinic["level"]
    failed = step > 0
    again = jnp.where(failed & (clinic["failed_level"] == level), clinic["failures"] + 1.0, 1.0)
    failures = jnp.where(failed, again, clinic["failures"])
    lower = failed & (failures >= rule("failures_before_ceiling"))
    lowered = jnp.maximum(level - step, 0.0)
    return {
        **clinic,
        "level": lowered,
        "failures": failures,
        "failed_level": jnp.where(failed, level, clinic["failed_level"]),
        "ceiling": jnp.where(lower, jnp.minimum(clinic["ceiling"], lowered), clinic["ceiling"]),
    }
