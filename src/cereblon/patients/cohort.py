"""Draw virtual subjects that match a trial's printed baseline.

Each subject draws candidates from its own random streams, one position of them a candidate, until one passes the
entry limits and the tilt of the plan: exact rejection sampling, so a subject depends on (seed, subject number,
population) and on nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cereblon.parameters.streams import Purpose, normals, uniforms
from cereblon.parameters.subjects import Floats, Integers, check_subjects
from cereblon.patients.conditioning import Plan, plan_population
from cereblon.patients.covariates import COVARIATES
from cereblon.patients.entry import eligible
from cereblon.patients.joint import NORMALS, UNIFORMS, Chances, Traits, chain, complete, normal_stream, uniform_stream
from cereblon.patients.population import Population, PopulationError
from cereblon.patients.tilting import features, log_weight

FIRST_BLOCK = 4
"""Candidates a subject draws at first; each further block is twice as large."""
LAST_BLOCK = 2048
CHUNK = 2000
"""Subjects drawn together; bounds memory, changes no number."""

RENAMED = {"alc": "alc0", "hemoglobin": "hemoglobin0", "platelets": "platelets0"}
"""Traits whose baseline column has another name."""


@dataclass(frozen=True)
class Cohort:
    """Virtual subjects: numbers, columns of `COVARIATES` (n,) in their units, and the plan they follow."""

    subjects: Integers
    columns: dict[str, Floats]
    plan: Plan

    def __len__(self) -> int:
        return len(self.subjects)


def draw_cohort(
    population: Population,
    setting: str,
    subjects: Sequence[int] | NDArray[np.integer],
    seed: int,
    effects: Mapping[str, float] | None = None,
) -> Cohort:
    """Draw the subjects with the given numbers.

    effects: of covariates on each other, by id (default: the packaged ones).

    Returns a `Cohort` whose columns are those of `COVARIATES`, one entry per subject and in the order of
    `subjects`. Raises `CereblonError` for an unknown setting, impossible entry limits, or printed items
    that contradict each other.
    """
    numbers = check_subjects(subjects, seed)
    plan = plan_population(population, setting, effects)
    parts = [_draw(plan, numbers[start : start + CHUNK], seed) for start in range(0, max(len(numbers), 1), CHUNK)]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in COVARIATES}
    return Cohort(numbers, columns, plan)


def _draw(plan: Plan, numbers: Integers, seed: int) -> Traits:
    chosen: Traits = {name: np.empty(len(numbers)) for name in COVARIATES}
    waiting = np.arange(len(numbers))
    first, block = 0, FIRST_BLOCK
    while len(waiting):
        if block > LAST_BLOCK:
            raise PopulationError(
                ("population",),
                f"no candidate of subject {int(numbers[waiting[0]])} fits the printed table and the entry limits",
            )
        traits, accepted = _candidates(plan, numbers[waiting], seed, range(first, first + block))
        # candidates (block, subjects): each subject takes its first that is accepted
        accepted = accepted.reshape(block, len(waiting))
        done = accepted.any(axis=0)
        picked = (accepted.argmax(axis=0) * len(waiting) + np.arange(len(waiting)))[done]
        columns = model_columns({key: value[picked] for key, value in traits.items()}, plan.levers.effects)
        for name, column in columns.items():
            chosen[name][waiting[done]] = column
        waiting = waiting[~done]
        first, block = first + block, 2 * block
    return chosen


def _candidates(plan: Plan, numbers: Integers, seed: int, which: range) -> tuple[Traits, NDArray[np.bool_]]:
    """Return traits and acceptance of some candidates of each subject, (candidates x subjects,)."""
    z = normals(seed, Purpose.COVARIATES, [normal_stream(name) for name in NORMALS], numbers, which)
    u = uniforms(seed, Purpose.COVARIATES, [uniform_stream(name) for name in UNIFORMS], numbers, which)
    # One contiguous row per purpose: element-wise functions may round differently on strided memory.
    z, u = z.reshape(len(NORMALS), -1), u.reshape(len(UNIFORMS), -1)
    chances = Chances(dict(zip(NORMALS, z, strict=True)), dict(zip(UNIFORMS, u, strict=True)))
    traits = complete(chances, chain(chances, plan.setting, plan.levers), plan.setting, plan.levers, plan.frame)
    columns = features(traits, plan.population, plan.levers)
    weight = np.exp(log_weight(columns, plan.tilt, len(u[0])) - plan.weight_cap)
    passed = eligible(traits, plan.setting, plan.population, plan.levers.effects)
    return traits, passed & (chances.uniforms["accept"] < weight)


def model_columns(traits: Traits, e: Mapping[str, float]) -> Traits:
    """Return the columns of `COVARIATES`, in their units, from the traits of the joint model under the effects `e`."""
    found = {RENAMED.get(name, name): value for name, value in traits.items()}
    found["igg0"] = traits["igg_mg_dl"] / 100.0
    found["growth0"] = traits["growth"] / e["growth.days_per_year"]
    return {name: found[name] for name in COVARIATES}
