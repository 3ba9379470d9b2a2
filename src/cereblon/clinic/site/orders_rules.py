"""The numbers of an arm's dose rules: its named set from rules.tsv, changed where the trial says so."""

from __future__ import annotations

from collections.abc import Callable

from cereblon.clinic.rules import rule
from cereblon.clinic.trial.design import Arm

ArmNumber = Callable[[Arm], float]
NEVER = 1.0e6  # grade that is never reached
_ACTION = {"continue": 0.0, "hold": 1.0, "stop": 2.0}
_CONDITION = {"tolerated": 1.0, "always": 2.0, "if_not_progressing": 2.0}


def _of_set(name: str, override: str | None = None) -> ArmNumber:
    """Return a function arm -> number of its rule set, or what the trial puts in its place."""

    def value(arm: Arm) -> float:
        changed = getattr(arm.rules, override) if override is not None else None
        return float(rule(f"{arm.rules.set}_{name}") if changed is None else changed)

    return value


def _steroid(arm: Arm) -> tuple[float, float, float]:
    """Return (from grade, dexamethasone mg a day, days) of the steroid for flare."""
    policy = arm.flare_steroid
    dose = rule("flare_steroid_mg") if policy.dose is None else policy.dose
    if policy.dose is not None and policy.drug == "prednisone":
        dose /= rule("prednisone_per_dexamethasone")
    grade = rule("flare_steroid_grade") if policy.from_grade is None else policy.from_grade
    days = rule("flare_steroid_days") if policy.for_days is None else policy.for_days
    return (NEVER if policy.policy == "none" else float(grade)), float(dose), float(days)


def _gcsf_share(arm: Arm) -> float:
    if arm.gcsf == "none":
        return 0.0
    return rule("gcsf_first_users" if arm.rules.set == "gcsf_first" else "gcsf_users")


def _escalation(arm: Arm) -> float:
    found = [c.escalation for c in arm.treatment if c.drug == "lenalidomide" and c.escalation is not None]
    return _CONDITION[found[0].condition] if found else 0.0


def _or_rule(field: str, name: str) -> ArmNumber:
    def value(arm: Arm) -> float:
        changed = getattr(arm.rules, field)
        return float(rule(name) if changed is None else changed)

    return value


ARM_RULES: dict[str, ArmNumber] = {
    "anc_hold": _of_set("anc_hold", "anc_hold"),
    "anc_hold_days": _of_set("anc_hold_days", "anc_hold_days"),
    "anc_hold_at_once": _of_set("anc_hold_at_once", "anc_hold_at_once"),
    "anc_febrile": _of_set("anc_febrile"),
    "anc_resume": _of_set("anc_resume", "anc_resume"),
    "platelets_hold": _of_set("platelets_hold", "platelets_hold"),
    "platelets_resume": _of_set("platelets_resume", "platelets_resume"),
    "step_down": _of_set("step_down", "step_down"),
    "first_hold_free": _of_set("first_hold_free"),
    "gcsf_spares": _of_set("gcsf_spares"),
    "flare_hold_grade": _or_rule("flare_hold_grade", "flare_hold_grade"),
    "infection_hold_grade": _or_rule("infection_hold_grade", "infection_hold_grade"),
    "lysis_action": lambda arm: _ACTION[arm.rules.tls or "hold"],
    "steroid_grade": lambda arm: _steroid(arm)[0],
    "steroid_mg": lambda arm: _steroid(arm)[1],
    "steroid_days": lambda arm: _steroid(arm)[2],
    "gcsf_share": _gcsf_share,
    "escalation": _escalation,
}
"""Static numbers of an arm: name -> function of the arm."""
