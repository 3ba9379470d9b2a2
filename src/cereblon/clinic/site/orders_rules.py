"""The numbers of dose rules: of each drug of an arm its named set, changed where the trial says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cereblon.clinic.rules import Numbers
from cereblon.clinic.site.drugs import SiteDrug
from cereblon.clinic.trial.dose_rules import FlareSteroid, Rules
from cereblon.clinic.trial.plan import ArmPlan
from cereblon.errors import CereblonError

NEVER: Final = 1.0e6
"""A grade that is never reached."""
OF_SET: Final = (
    "anc_hold",
    "anc_hold_days",
    "anc_hold_at_once",
    "anc_febrile",
    "anc_resume",
    "platelets_hold",
    "platelets_resume",
    "step_down",
    "first_hold_free",
    "gcsf_spares",
)
"""Numbers of a named set; the trial may change those that are fields of its rules."""
OF_SITE: Final = ("flare_hold_grade", "infection_hold_grade")
"""Numbers of the site that the trial may change."""
UNRULED: Final = {
    **dict.fromkeys(OF_SET, 0.0),
    "anc_hold": -1.0,
    "anc_hold_at_once": -1.0,
    "anc_febrile": -1.0,
    "platelets_hold": -1.0,
    **dict.fromkeys(OF_SITE, NEVER),
    "lysis_action": 0.0,
}
"""The numbers of a drug without rules: nothing holds it."""
DRUG_RULES: Final = tuple(UNRULED)
GENEROUS: Final = "gcsf_first"
"""The set of rules under which everybody who needs growth factor is given it."""
_ACTION: Final = {"continue": 0.0, "hold": 1.0, "stop": 2.0}


def drug_rules(plan: ArmPlan, drugs: tuple[str, ...], site: Numbers) -> dict[str, NDArray[np.float64]]:
    """Return name -> (drugs,) of the names of DRUG_RULES. Raises CereblonError for two sets of rules of one drug."""
    numbers = [_numbers(_rules_of(plan, drug), site) for drug in drugs]
    return {name: np.array([of_drug[name] for of_drug in numbers]) for name in DRUG_RULES}


def _rules_of(plan: ArmPlan, drug: str) -> Rules | None:
    courses = [course for phase in plan.phases for course in phase.courses if course.drug == drug]
    found = [course.rules for course in courses if course.rules is not None]
    if any(rules != found[0] for rules in found):
        raise CereblonError(f"arm {plan.id}: {drug} has two sets of rules; expected the same in all of its courses")
    return found[0] if found else None


def _numbers(rules: Rules | None, site: Numbers) -> Mapping[str, float]:
    if rules is None:
        return UNRULED
    changed: Mapping[str, Any] = rules.overrides
    numbers = {name: float(changed.get(name, site[f"{rules.set}_{name}"])) for name in OF_SET}
    numbers |= {name: float(changed.get(name, site[name])) for name in OF_SITE}
    return {**numbers, "lysis_action": _ACTION[rules.tls or "hold"]}


def arm_numbers(
    plan: ArmPlan, drugs: tuple[SiteDrug, ...], site: Numbers
) -> tuple[dict[str, float], dict[str, NDArray[np.float64]]]:
    """Return the numbers of an arm, single ones and those of each drug, (drugs,).

    steroid_grade: flare from which the steroid is given; steroid_days: for how long; flare_dose: amount a day of the
    drug that is given (the site's own dose is in mg of the reference steroid); gcsf_share: share of subjects who are
    given growth factor; growth_factor: units of its drug in a ug; and the numbers of DRUG_RULES.
    """
    care = plan.flare_steroid
    sets = {course.rules.set for phase in plan.phases for course in phase.courses if course.rules is not None}
    users = site[f"{GENEROUS}_users" if GENEROUS in sets else "gcsf_users"]
    grade = site["flare_steroid_grade"] if care.from_grade is None else care.from_grade
    single = {
        "steroid_grade": NEVER if care.policy == "none" else float(grade),
        "steroid_days": float(site["flare_steroid_days"] if care.for_days is None else care.for_days),
        "gcsf_share": 0.0 if plan.gcsf == "none" else float(users),
    }
    steroid, growth_factor = care.drug or _rescue(drugs, "flare"), _rescue(drugs, "neutropenia")
    by_drug = drug_rules(plan, tuple(drug.name for drug in drugs), site)
    by_drug["flare_dose"] = np.array([_flare_dose(care, drug, site) if drug.name == steroid else 0.0 for drug in drugs])
    by_drug["growth_factor"] = np.array([1.0e-3 / drug.mg if drug.name == growth_factor else 0.0 for drug in drugs])
    return single, by_drug


def _flare_dose(care: FlareSteroid, drug: SiteDrug, site: Numbers) -> float:
    return float(site["flare_steroid_mg"] / drug.steroid) if care.dose is None else care.dose.within(drug.unit)


def _rescue(drugs: tuple[SiteDrug, ...], purpose: str) -> str:
    return next((drug.name for drug in drugs if drug.rescue == purpose), "")
