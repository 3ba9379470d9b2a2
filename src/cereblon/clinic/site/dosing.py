"""Hold, resume, reduce and escalate every drug by its own rules (toxicity_model.md section 6).

A dose is a level of the drug's table, whose rows are the ladders of its courses one above the other. A hold ends when
every cause of it has ended, and may cost a level. The level rises only by the escalation of the course; a level that
was left twice for toxicity is not tried again. Only drugs with rules come here: what is of each of them, `level` too,
has shape (ruled, n), what is of the subject (n,); all float32. Called from `decide`.
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array, lax

from cereblon.clinic.rules import Numbers
from cereblon.clinic.site.state import CAUSES

Clinic = dict[str, Array]


def of_level(table: Array, level: Array) -> Array:
    """Return table[level] of each drug: table (levels, drugs, n), level (drugs, n) -> (drugs, n)."""
    # rows come from the table itself and are never out of it
    return jnp.take_along_axis(table, level.astype(jnp.int32)[None], axis=0, mode="promise_in_bounds")[0]


def limit(value: Array, baseline: Array, kind: str, site: Numbers) -> Array:
    """Return a count limit; under it at entry, the subject is judged by a share of the own baseline."""
    return jnp.where(baseline < value, site[f"low_baseline_{kind}"] * baseline, value)


def hold_and_resume(clinic: Clinic, static: Clinic, treated: Array, now: Array, site: Numbers) -> Clinic:
    """Judge today's counts, flare, infection and lysis; set and lift holds, step down at resumption."""
    clinic = _counts(clinic, static, now, site)
    visit = clinic["counted_today"] * treated * (now > 0)
    free = 1.0 - clinic["hold"]
    start, end = _starts(clinic, static, visit, treated, now, site), _ends(clinic, static, visit, now, site)
    fresh = {cause: start[cause] * (1.0 - clinic[f"hold_{cause}"]) for cause in CAUSES}
    causes = {c: jnp.where(start[c] > 0, 1.0, clinic[f"hold_{c}"] * (1.0 - end[c])) for c in CAUSES}
    hold = jnp.minimum(sum(causes.values(), jnp.zeros_like(free)), 1.0)

    step = _step(clinic, static, fresh)
    pending = jnp.maximum(clinic["step_pending"], step)
    cytopenic = jnp.minimum(fresh["anc"] + fresh["platelets"], 1.0)
    # a hold that begins while another one runs is the same hold
    lowest = clinic["level"] == clinic["floor"]
    resumed = treated * clinic["hold"] * (1.0 - hold)
    clinic = {
        **clinic,
        **{f"hold_{cause}": causes[cause] for cause in CAUSES},
        "hold": hold,
        "hold_day": jnp.where((hold > 0) & (clinic["hold"] == 0), now, clinic["hold_day"]),
        "anc_holds": clinic["anc_holds"] + fresh["anc"],
        "flare_holds": clinic["flare_holds"] + fresh["flare"],
        "lowest_holds": clinic["lowest_holds"] + cytopenic * free * lowest * (step > 0),
        "step_pending": jnp.where(resumed > 0, 0.0, pending),
    }
    return _reduce(clinic, resumed * pending, site)


def _starts(clinic: Clinic, static: Clinic, visit: Array, treated: Array, now: Array, site: Numbers) -> Clinic:
    """Return by cause which holds are called for today, (drugs, n)."""
    platelets = clinic["platelets_measured"]
    return {
        "anc": visit * _neutropenic(clinic, static, now, site),
        "platelets": visit * (platelets < limit(static["platelets_hold"], clinic["platelets_0"], "hold", site)),
        "flare": treated * (clinic["flare_grade"] >= static["flare_hold_grade"]),
        "infection": treated * (clinic["infection_today"] >= static["infection_hold_grade"]),
        "lysis": treated * clinic["lysis_laboratory"] * (static["lysis_action"] >= 1),
    }


def _ends(clinic: Clinic, static: Clinic, visit: Array, now: Array, site: Numbers) -> Clinic:
    """Return by cause whether what held the drug is over today, (drugs, n)."""
    anc, platelets = clinic["anc_measured"], clinic["platelets_measured"]
    return {
        "anc": visit * (anc >= limit(static["anc_resume"], clinic["anc_0"], "resume", site)),
        "platelets": visit * (platelets >= limit(static["platelets_resume"], clinic["platelets_0"], "resume", site)),
        "flare": 1.0 * (clinic["flare_grade"] <= site["flare_resume_grade"]),
        "infection": 1.0 * (now >= clinic["infection_until"]),
        "lysis": 1.0 * (now >= clinic["lysis_until"]),
    }


CHANGED_BY_COURSES = (
    "level",
    "floor",
    "ceiling",
    "failures",
    "lowest_holds",
    "step_pending",
    "failed_level",
    "last_step_day",
    "event_since",
)
"""Keys that `courses` changes."""


def courses(clinic: Clinic, static: Clinic, today: Clinic, treated: Array, now: Array, site: Numbers) -> Clinic:
    """Begin courses and let doses rise, on the days on which any subject's document says so: few of them."""
    due = (today["begin"] >= 0) | (today["escalate"] > 0) | (today["review"] > 0)

    def changed() -> Clinic:
        after = rise(begin(clinic, static, today, treated), static, today, treated, now, site)
        return {key: after[key] for key in CHANGED_BY_COURSES}

    def same() -> Clinic:
        return {key: clinic[key] for key in CHANGED_BY_COURSES}

    return {**clinic, **lax.cond(due.any(), changed, same)}


def begin(clinic: Clinic, static: Clinic, today: Clinic, treated: Array) -> Clinic:
    """Start the courses whose first dose is today, each on its own first level and with nothing held against it."""
    new = (today["begin"] >= 0) * treated > 0
    level = jnp.where(new, today["begin"], clinic["level"])
    afresh = {name: jnp.where(new, 0.0, clinic[name]) for name in ("failures", "lowest_holds", "step_pending")}
    return {
        **clinic,
        **afresh,
        "failed_level": jnp.where(new, -1.0, clinic["failed_level"]),
        "level": level,
        "floor": jnp.where(new, of_level(static["level_floor"], level), clinic["floor"]),
        "ceiling": jnp.where(new, of_level(static["level_top"], level), clinic["ceiling"]),
    }


def rise(clinic: Clinic, static: Clinic, today: Clinic, treated: Array, now: Array, site: Numbers) -> Clinic:
    """Escalate on the days that the trial allows it."""
    level = jnp.minimum(clinic["level"], clinic["ceiling"])
    anc = clinic["anc_measured"] >= limit(static["anc_resume"], clinic["anc_0"], "resume", site)
    platelets = clinic["platelets_measured"] >= limit(static["platelets_resume"], clinic["platelets_0"], "resume", site)
    condition = of_level(static["level_condition"], level)
    allowed = (condition >= 2) | ((condition >= 1) & (clinic["event_since"] == 0) & anc & platelets)
    up = today["escalate"] * treated * (1.0 - clinic["hold"]) * (1.0 - jnp.minimum(clinic["stopped"], 1.0)) * allowed
    target = jnp.minimum(of_level(static["next_level"], level), clinic["ceiling"])
    level = jnp.where(up > 0, jnp.maximum(target, level), level)
    return {
        **clinic,
        "level": level,
        "last_step_day": jnp.where((level > clinic["level"]).any(axis=0), now, clinic["last_step_day"]),
        "event_since": jnp.where(today["review"] > 0, 0.0, clinic["event_since"]),
    }


def _counts(clinic: Clinic, static: Clinic, now: Array, site: Numbers) -> Clinic:
    """Keep since when counts are low, and whether the cycle has had a dose-limiting event."""
    visit = clinic["counted_today"]
    anc, platelets = clinic["anc_measured"], clinic["platelets_measured"]
    anc_0, platelets_0 = clinic["anc_0"], clinic["platelets_0"]
    low = anc < limit(static["anc_hold"], anc_0, "hold", site)
    since = jnp.where(low & (clinic["low_anc_since"] < 0), now, clinic["low_anc_since"])
    since = jnp.where(low, since, -1.0)
    worst = (anc < limit(site["grade4_anc"], anc_0, "hold", site)) | (
        platelets < limit(site["grade4_platelets"], platelets_0, "hold", site)
    )
    grade4 = jnp.where(worst & (clinic["grade4_since"] < 0), now, clinic["grade4_since"])
    grade4 = jnp.where(worst, grade4, -1.0)
    limiting = (anc < limit(site["dose_limiting_anc"], anc_0, "hold", site)) | (
        platelets < limit(site["dose_limiting_platelets"], platelets_0, "hold", site)
    )
    event = (limiting & (visit > 0) & (now > 0)) | (clinic["flare_grade"] >= 3) | (clinic["lysis_grade"] > 0)
    event = event | (clinic["infection_today"] >= 3)
    return {
        **clinic,
        "low_anc_since": jnp.where(visit > 0, since, clinic["low_anc_since"]),
        "grade4_since": jnp.where(visit > 0, grade4, clinic["grade4_since"]),
        "event_since": jnp.maximum(clinic["event_since"], event.astype(jnp.float32)),
    }


def _neutropenic(clinic: Clinic, static: Clinic, now: Array, site: Numbers) -> Array:
    """Return whether neutrophils call for a hold: at once, with infection, or low on two visits; (drugs, n)."""
    anc, anc_0, since = clinic["anc_measured"], clinic["anc_0"], clinic["low_anc_since"]
    at_once = anc < limit(static["anc_hold_at_once"], anc_0, "hold", site)
    febrile = (anc < limit(static["anc_febrile"], anc_0, "hold", site)) & (now < clinic["infection_until"])
    lasting = (since >= 0) & (now - since >= static["anc_hold_days"])
    return (at_once | febrile | lasting).astype(jnp.float32)


def _step(clinic: Clinic, static: Clinic, fresh: Clinic) -> Array:
    """Return the levels that the holds starting today will cost at resumption, (drugs, n)."""
    spared = static["gcsf_spares"] * static["gcsf_user"]
    first_free = static["first_hold_free"] * (clinic["anc_holds"] == 0)
    neutropenia = fresh["anc"] * (1.0 - jnp.maximum(spared, first_free))
    cost = jnp.maximum(neutropenia, fresh["platelets"]) * static["step_down"]
    cost = jnp.maximum(cost, fresh["flare"] * (clinic["flare_grade"] >= 4))
    cost = jnp.maximum(cost, fresh["infection"] * clinic["febrile_today"])
    return jnp.maximum(cost, fresh["lysis"] * (clinic["lysis_grade"] > 0))


def _reduce(clinic: Clinic, step: Array, site: Numbers) -> Clinic:
    """Step down, never below the ladder; the second time a level is left, the ceiling comes down below it."""
    level = clinic["level"]
    failed = step > 0
    again = jnp.where(failed & (clinic["failed_level"] == level), clinic["failures"] + 1.0, 1.0)
    failures = jnp.where(failed, again, clinic["failures"])
    lower = failed & (failures >= site["failures_before_ceiling"])
    lowered = jnp.maximum(level - step, clinic["floor"])
    return {
        **clinic,
        "level": jnp.where(failed, lowered, level),
        "failures": failures,
        "failed_level": jnp.where(failed, level, clinic["failed_level"]),
        "ceiling": jnp.where(lower, jnp.minimum(clinic["ceiling"], lowered), clinic["ceiling"]),
    }
