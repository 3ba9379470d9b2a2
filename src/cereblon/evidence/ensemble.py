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
from scipy.special import expit, logit

from cereblon.arguments import whole
from cereblon.errors import CereblonError
from cereblon.model import Model
from cereblon.parameters import ParameterSet, Prior
from cereblon.parameters.streams import Purpose, normals
from cereblon.patients import Population, draw_cohort
from cereblon.patients.individuals import individual_values

Floats = NDArray[np.floating[Any]]
FEWEST, MOST = 8, 2000
"""Members that an ensemble may have: with fewer no share means anything, more is a cohort and not an ensemble."""
MEMBERS = 64
"""Members of the ensemble: one in ten of a share is then known to four points."""


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


def draw_ensemble(model: Model, size: int = MEMBERS, seed: int = 1, parameters: ParameterSet | None = None) -> Ensemble:
    """Draw `size` untreated patients in need of first treatment, with uncertain parameters from their priors.

    parameters: what they are drawn around (default: the packaged numbers). Raises CereblonError for a set of
    another model, and where a value lies outside the limits of its own prior.
    """
    given = ParameterSet.packaged(model) if parameters is None else parameters
    given.require_model(model)
    numbers = np.arange(1, size + 1)
    cohort = draw_cohort(Population(size), "untreated", numbers, seed, given.effects).columns
    values: dict[str, Floats] = {name: np.full(size, value) for name, value in given.values.items()}
    values |= individual_values(model, given, cohort, numbers, seed)
    scores = normals(seed, Purpose.PRIORS, list(given.priors), numbers, range(1))[:, 0]
    for prior, score in zip(given.priors.values(), scores, strict=True):
        _require_inside(prior, given.values[prior.id])
        drawn = _drawn(values[prior.id], prior.distribution, prior.spread * score)
        values[prior.id] = np.clip(drawn, prior.low, prior.high)
    return Ensemble(values, cohort["growth0"])


def _require_inside(prior: Prior, value: float) -> None:
    low, high = (0.0, 1.0) if prior.distribution == "logitnormal" else (prior.low, prior.high)
    if not low <= value <= high:
        raise CereblonError(f"parameter {prior.id}={value:g}: expected {low:g} to {high:g}, the limits of its prior")


def _drawn(value: Floats, distribution: str, shift: Floats) -> Floats:
    if distribution == "normal":
        return value + shift
    if distribution == "lognormal":
        return value * np.exp(shift)
    return np.asarray(expit(logit(value) + shift))
