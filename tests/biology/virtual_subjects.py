"""Virtual subjects at the first dose, drawn and solved as a study does it, the regimens, and one way to run them.

Everything runs through one compiled simulation per precision: always `LANES` subjects, `BLOCK` days, the same dose
states and the same saved quantities.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cereblon.engine import Day, State, simulate
from cereblon.model import Model
from cereblon.parameters import draw_variability
from cereblon.patients import Eligibility, Population, Printed, draw_cohort
from cereblon.patients.untreated import untreated_start

Values = dict[str, np.ndarray]

LANES, BLOCK, SLOW_STEPS = 8, 28, 4
DOSED = ("len_gut", "dex_gut", "allopurinol_gut", "gcsf_depot")
READ = (
    "alc", "node_volume", "spleen_volume", "marrow_infiltration", "anc", "platelets", "hemoglobin", "igg",
    "uric_acid", "potassium", "phosphate", "creatinine_ratio", "flare_drive", "node_swelling",
)  # fmt: skip
CLL = tuple(
    f"cll_{place}{clone}"
    for place in ("node_dividing", "node_resting", "node_mobile", "marrow_resting", "marrow_mobile", "blood")
    for clone in ("", "_resistant")
)
LENALIDOMIDE = ("len_gut", *(f"len_transit{i}" for i in range(1, 8)), "len_central", "len_eliminated", "len_unabsorbed")
SAVED = (*READ, "burden", "lenalidomide_auc", "dex_effect", *LENALIDOMIDE)
POPULATIONS: Mapping[str, Population] = {
    "untreated": Population(60, Printed(66, 50, 85), eligibility=Eligibility(crcl_min=30)),
    "relapsed": Population(60, Printed(65, 45, 82), Printed(3, 1, 10), eligibility=Eligibility(crcl_min=30)),
}
COLUMN = {"ldh0": "ldh"}


@dataclass(frozen=True, eq=False)
class Subjects:
    """State at the first dose and parameters of n subjects; `growth` (n,) is the drawn net growth, 1/day."""

    state: State
    individual: Values
    growth: np.ndarray

    def values(self, model: Model, subject: int) -> dict[str, float]:
        """Return all parameters of one subject."""
        return {**model.defaults, **{k: float(v[subject]) for k, v in self.individual.items()}}

    def start(self, model: Model, subject: int) -> dict[str, float]:
        """Return every state of one subject at the first dose."""
        return {name: float(row[subject]) for name, row in named(model, self.state).items()}


def named(model: Model, state: State) -> Values:
    """Return every state by name, (n,), as NumPy arrays."""
    return {name: np.asarray(row) for name, row in state.named(model).items()}


def run(
    model: Model,
    individual: Values,
    state: State,
    doses: Mapping[str, Any] | None = None,
    days: int = BLOCK,
    dtype: Any = np.float64,
    free: Any = None,
    shared: Mapping[str, float] | None = None,
    slow_steps: int = SLOW_STEPS,
) -> tuple[Values, State]:
    """Run `days` days (a multiple of `BLOCK`) from `state`; doses are (days,) or (days, LANES).

    Returns what is in `SAVED`, (days + 1, LANES), and the last state.
    """
    given = {name: np.zeros((days, LANES)) for name in DOSED}
    for name, amount in (doses or {}).items():
        table = np.asarray(amount, dtype=float)
        given[name] = np.broadcast_to(table[:, None] if table.ndim == 1 else table, (days, LANES))
    people = {k: np.asarray(v, dtype) for k, v in individual.items()}
    now = jax.tree.map(lambda rows: jnp.asarray(rows, dtype), state)
    mask = np.ones(len(model.slow)) if free is None else free
    parts: list[Values] = []
    for first in range(0, days, BLOCK):
        part = {k: v[first : first + BLOCK] for k, v in given.items()}
        found, now = simulate(model, people, dict(shared or {}), part, BLOCK, SAVED, slow_steps, dtype, now, mask)
        parts.append(found)
    out = {k: np.concatenate([*(p[k][:BLOCK] for p in parts), parts[-1][k][BLOCK:]]) for k in SAVED}
    return out, now


def typical(model: Model, **changed: Any) -> Subjects:
    """Return `LANES` reference patients (the table's values) with some parameters changed, at the model's own start."""
    individual = {k: np.full(LANES, model.defaults[k]) for k in model.individual}
    for name, value in changed.items():
        individual[name] = np.broadcast_to(np.asarray(value, dtype=float), (LANES,)).copy()
    shared = {name: model.defaults[name] for name in model.shared}
    state = Day(model, SLOW_STEPS, np.float64).start(individual, shared, LANES)
    return Subjects(jax.tree.map(np.asarray, state), individual, np.zeros(LANES))


def _drawn(model: Model, population: str, numbers: np.ndarray, seed: int) -> tuple[Values, np.ndarray]:
    cohort = draw_cohort(POPULATIONS[population], population, numbers, seed).columns
    varied = draw_variability(model.parameters, numbers, seed)
    individual = {}
    for name in model.individual:
        value = varied.get(name, cohort.get(COLUMN.get(name, name)))
        individual[name] = (
            np.full(len(numbers), model.defaults[name]) if value is None else np.asarray(value, dtype=np.float64)
        )
    return individual, np.asarray(cohort["growth0"])


def solved_start(model: Model, individual: Values, growth: np.ndarray) -> Subjects:
    """Return subjects whose untreated start is solved in double precision, as `study_block` does in single."""
    shared = {name: model.defaults[name] for name in model.shared}
    day = Day(model, SLOW_STEPS, np.float64)

    def advance(state: State, values: Values, free: Any, cycle: int) -> State:
        return run(model, values, state, free=free)[1]

    state, solved = untreated_start(model, individual, shared, growth, lambda v: day.start(v, shared, LANES), advance)
    return Subjects(
        jax.tree.map(np.asarray, state),
        {k: np.asarray(v, dtype=np.float64) for k, v in solved.items()},
        growth,
    )


@lru_cache(maxsize=16)
def subjects(model: Model, population: str, first: int = 1, seed: int = 11) -> Subjects:
    """Draw subjects `first` to `first` + LANES - 1 and solve their untreated start."""
    return solved_start(model, *_drawn(model, population, np.arange(first, first + LANES), seed))


def _on(days: int, first: int, last: int, begin: int = 0, end: int | None = None) -> np.ndarray:
    """Return 1 on days `first` to `last` - 1 of each 28-day cycle between the days `begin` and `end`."""
    number = np.arange(days)
    inside = (number >= begin) & (number < (days if end is None else end))
    return ((number % 28 >= first) & (number % 28 < last) & inside).astype(float)


def regimens(days: int) -> dict[str, dict[str, np.ndarray]]:
    """Return the three regimens of the numerical contract: dose state -> amount per day, (days,)."""
    cycle = np.arange(days) // 28
    return {
        "5 to 25 mg continuous": {
            "len_gut": np.minimum(5.0 * (1 + cycle), 25.0),
            "allopurinol_gut": 300 * _on(days, 0, 28, end=14),
        },
        "2.5-5-10 mg 21/28": {"len_gut": np.select([cycle == 0, cycle == 1], [2.5, 5.0], 10.0) * _on(days, 0, 21)},
        "25 mg 21/28, dexamethasone, filgrastim": {
            "len_gut": 25 * _on(days, 0, 21),
            "dex_gut": 12 * _on(days, 0, 7),
            "gcsf_depot": 300 * _on(days, 14, 19),
        },
    }
