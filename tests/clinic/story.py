"""A trial of one subject told day by day: what the counts are, what the clinic does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from cereblon.clinic.codes import NOISE, THRESHOLDS
from cereblon.clinic.site.decide import decide
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
    return Orders(document, np.broadcast_to(arm, n), covariates, thresholds)


def run(
    plan: Orders,
    days: int,
    truth: Story = lambda day: {},
    noise: Callable[[int], np.ndarray] | None = None,
) -> tuple[list[dict[str, np.ndarray]], dict[str, np.ndarray]]:
    """Run `days` days; return the clinic's state at the end of each day and the doses, each (days, n)."""
    state = plan.initial()
    history, given = [], []
    silent = np.zeros((4, len(NOISE), plan.size))
    for block in range(-(-days // 28)):
        told = [WELL | truth(min(day, days - 1)) for day in range(28 * block, 28 * block + 28)]
        observed = {k: np.array([[t[k]] * plan.size for t in told], dtype=np.float32) for k in WELL}
        weekly = plan.weekly(block, silent if noise is None else noise(block))
        weekly = {k: np.repeat(v, 7, axis=0) for k, v in weekly.items()}
        day = np.arange(28 * block, 28 * block + 28)
        state, (states, doses) = _block(state, observed, plan.static, weekly, plan.daily(block), day)
        history += [{k: np.asarray(v)[d] for k, v in states.items()} for d in range(28)]
        given.append({k: np.asarray(v) for k, v in doses.items()})
    return history[:days], {k: np.concatenate([g[k] for g in given])[:days] for k in given[0]}


@jax.jit
def _block(state: Any, observed: Any, static: Any, weekly: Any, daily: Any, day: Any) -> Any:
    def step(now: Any, inputs: Any) -> Any:
        of_day, week, orders_of_day, number = inputs
        after, doses = decide(now, of_day, static, week, orders_of_day, number)
        return after, (after, doses)

    return jax.lax.scan(step, state, (observed, weekly, daily, day))
