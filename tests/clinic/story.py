"""A trial of one subject told day by day: what the counts are, what the clinic does."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np

from cereblon.clinic.codes import NOISE, THRESHOLDS
from cereblon.clinic.rules import Site
from cereblon.clinic.site.calendar import seen_of
from cereblon.clinic.site.decide import build_decide
from cereblon.clinic.site.drugs import SiteDrug
from cereblon.clinic.site.orders import Orders
from cereblon.clinic.trial.trial import Trial

WELL = {
    "anc": 4.0,
    "platelets": 180.0,
    "hemoglobin": 13.0,
    "igg": 9.0,
    "flare_drive": 0.0,
    "node_swelling": 0.0,
    "uric_acid": 6.0,
    "potassium": 4.2,
    "phosphate": 1.1,
    "calcium": 2.35,
    "creatinine_ratio": 1.0,
}
DRUGS = (
    SiteDrug("lenalidomide", "len_gut", 1.0),
    SiteDrug("dexamethasone", "dex_gut", 1.0, steroid=1.0, rescue="flare"),
    SiteDrug("prednisone", "dex_gut", 0.15, steroid=0.15),
    SiteDrug("allopurinol", "allopurinol_gut", 1.0),
    SiteDrug("filgrastim", "gcsf_depot", 1.0, unit="ug", mg=1e-3, rescue="neutropenia"),
)
"""Rows of what the clinic keeps of each drug."""
SITE = Site.packaged()
NEVER = 1.0e9
Story = Callable[[int], dict[str, float]]
"""What is true on a day, where it differs from WELL."""


def trial(setting: str = "untreated", criteria: str = "iwCLL 2008", **arm: Any) -> Trial:
    """Return a trial document with one arm; fields of the arm replace the defaults."""
    course = {"drug": "lenalidomide", "dose": "10 mg", "days": "1-28", "cycle": "28 days"}
    body = {"id": "a", "name": "arm", "size": 10, "treatment": [course | arm.pop("course", {})], **arm}
    return Trial.model_validate(
        {
            "id": "story",
            "title": "A story",
            "setting": setting,
            "criteria": criteria,
            "nodes_by": "palpation",
            "population": {"size": 10, "age": {"median": 60}},
            "arms": [body],
            "follow_up": {"duration_months": 24.0},
        }
    )


def orders(document: Trial, n: int = 1, arm: int | list[int] = 0, crcl: float = 90.0, **draws: float) -> Orders:
    """Return the orders of n subjects whom no random event meets, unless `draws` says so."""
    covariates = {
        "age": np.full(n, 60.0),
        "male": np.ones(n),
        "crcl": np.full(n, crcl),
        "prior_lines": np.zeros(n),
    }
    thresholds = {name: np.full((8, n), draws.get(name, NEVER)) for name in THRESHOLDS}
    thresholds["flare"] = np.full((8, n), np.log(2.0))  # the median subject
    return Orders(document, np.broadcast_to(arm, n), covariates, thresholds, DRUGS, SITE)


def run(
    plan: Orders,
    days: int,
    truth: Story = lambda day: {},
    noise: Callable[[int], np.ndarray] | None = None,
    seen: Callable[[int], tuple[np.ndarray, np.ndarray]] | None = None,
) -> tuple[list[dict[str, np.ndarray]], dict[str, np.ndarray]]:
    """Run `days` days; return the clinic's state at the end of each day and the doses by state, each (days, n).

    seen: best category and MRD level on a day, each (n,), from which steps between phases are decided.
    """
    state = plan.initial()
    history, given = [], []
    length = 7 * plan.weeks
    silent = np.zeros((plan.weeks, len(NOISE), plan.size))
    for block in range(-(-days // length)):
        first = length * block
        told = [WELL | truth(min(day, days - 1)) for day in range(first, first + length)]
        observed = {k: np.array([[t[k]] * plan.size for t in told], dtype=np.float32) for k in WELL}
        known = None if seen is None or not block else seen_of(state, *seen(first))
        state, weekly, daily = plan.block(block, state, silent if noise is None else noise(block), known)
        weekly = {k: np.repeat(v, 7, axis=0) for k, v in weekly.items()}
        day = np.arange(first, first + length)
        state, (states, doses) = _block(state, observed, plan.static, weekly, daily, day, plan.shape.ruled)
        history += [{k: np.asarray(v)[d] for k, v in states.items()} for d in range(length)]
        given.append({k: np.asarray(v) for k, v in doses.items()})
    return history[:days], {k: np.concatenate([g[k] for g in given])[:days] for k in given[0]}


@partial(jax.jit, static_argnames="ruled")
def _block(state: Any, observed: Any, static: Any, weekly: Any, daily: Any, day: Any, ruled: tuple[int, ...]) -> Any:
    decide = build_decide(DRUGS, ruled)

    def step(now: Any, inputs: Any) -> Any:
        of_day, week, orders_of_day, number = inputs
        after, doses = decide(now, of_day, static, week, orders_of_day, number)
        return after, (after, doses)

    return jax.lax.scan(step, state, (observed, weekly, daily, day))
