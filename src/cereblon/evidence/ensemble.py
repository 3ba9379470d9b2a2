"""The ensemble that experiments run on: virtual subjects, each with its own draw of what is uncertain.

A member is an untreated patient (baseline, between-subject variability) together with one draw from the priors of the
shared parameters. All conditions of an experiment are run on the same members, so that an effect is a paired one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cereblon.arguments import whole
from cereblon.model import Model
from cereblon.patients import Population, draw_cohort, draw_variability
from cereblon.patients.streams import Purpose, normals

from .documents import load_priors

Floats = NDArray[np.floating[Any]]
FEWEST, MOST = 8, 2000
"""Members that an ensemble may have: with fewer no share means anything, more is a cohort and not an ensemble."""
MEMBERS = 64
"""Members of the ensemble: one in ten of a share is then known to four points."""
_COHORT_NAME = {"ldh0": "ldh"}


@dataclass(frozen=True)
class Ensemble:
    """`values`: every parameter, (n,); `growth`: net growth of the untreated clone, 1/day, (n,)."""

    values: Mapping[str, Floats]
    growth: Floats

    @property
    def size(self) -> int:
        """Number of members."""
        return len(self.growth)


def require_ensemble(members: object, seed: object) -> tuple[int, int]:
    """Return the size and the seed of an ensemble. Raises CereblonError."""
    return whole("members", members, FEWEST, MOST), whole("seed", seed, 0)


def draw_ensemble(model: Model, size: int = MEMBERS, seed: int = 1) -> Ensemble:
    """Draw `size` untreated patients in need of first treatment, with uncertain parameters from their priors."""
    numbers = np.arange(1, size + 1)
    cohort = draw_cohort(Population(size), "untreated", numbers, seed).columns
    varied = draw_variability(model.parameters, numbers, seed)
    values: dict[str, Floats] = {}
    for name, row in model.parameters.items():
        found = varied.get(name, cohort.get(_COHORT_NAME.get(name, name)))
        values[name] = np.full(size, row.value) if found is None else np.asarray(found, dtype=np.float64)
    priors = load_priors()
    scores = normals(seed, Purpose.PRIORS, list(priors), numbers, range(1))[:, 0]
    for prior, score in zip(priors.values(), scores, strict=True):
        values[prior.id] = np.clip(
            _drawn(values[prior.id], prior.distribution, prior.spread * score), prior.low, prior.high
        )
    return Ensemble(values, cohort["growth0"])


def _drawn(value: Floats, distribution: str, shift: Floats) -> Floats:
    if distribution == "normal":
        return value + shift
    if distribution == "lognormal":
        return value * np.exp(shift)
    odds = value / (1.0 - value) * np.exp(shift)
    return np.asarray(odds / (1.0 + odds))
