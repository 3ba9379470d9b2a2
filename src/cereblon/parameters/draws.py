"""Individual parameters: between-subject variability, each from the stream of its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from cereblon.errors import CereblonError, nearest

from .parameter_set import ParameterSet
from .rows import CORRELATIONS, packaged_rows
from .streams import Purpose, normals
from .subjects import Floats, check_subjects

DISTRIBUTIONS = ("none", "lognormal", "normal", "logitnormal")


class VariedParameter(Protocol):
    """What is read of a row of the model's parameter table."""

    @property
    def value(self) -> float:
        """Typical value, the median."""

    @property
    def distribution(self) -> str:
        """One of `DISTRIBUTIONS`."""

    @property
    def spread(self) -> float:
        """SD on the scale of the distribution."""

    @property
    def group(self) -> str:
        """Correlation group, empty for none."""

    @property
    def status(self) -> str:
        """Where the value comes from; ``covariate`` is left to the cohort."""


def varied(parameters: Mapping[str, VariedParameter]) -> tuple[str, ...]:
    """Return the ids of the parameters that differ between subjects, sorted."""
    return tuple(
        sorted(i for i, p in parameters.items() if p.distribution not in ("", "none") and p.status != "covariate")
    )


def draw(parameters: ParameterSet, subjects: Sequence[int] | NDArray[np.integer], seed: int) -> dict[str, Floats]:
    """Draw the individual parameters of subjects: id -> (n,) for every parameter of the set that varies.

    A subject's value depends on (seed, number of the subject, id) and on the row of that id, on nothing else.
    """
    return draw_variability(parameters.parameters, subjects, seed, parameters.correlations)


def draw_variability(
    parameters: Mapping[str, VariedParameter],
    subjects: Sequence[int] | NDArray[np.integer],
    seed: int,
    correlations: Mapping[str, float] | None = None,
) -> dict[str, Floats]:
    """Draw individual parameter values.

    `parameters` maps id to a row of the parameter table; the typical value is the median. `correlations`
    maps a correlation group to the correlation that its members share (default: the packaged
    ``correlations.tsv``; a group not listed there has 0). Returns id -> (n,) values for every parameter
    that varies; covariates are left to `draw_cohort`. Raises `CereblonError` for an unknown distribution or
    an impossible spread, value or correlation.
    """
    numbers = check_subjects(subjects, seed)
    names = varied(parameters)
    groups = sorted({parameters[name].group for name in names} - {""})
    shared = _packaged_correlations() if correlations is None else correlations
    ties = {group: _possible(group, shared.get(group, 0.0)) for group in groups}
    # What the members of a group share is a stream of the group itself, not a factor of its members' matrix: a further
    # member changes none of the others. Drawn in one call, so that a group and a parameter of one stream are refused.
    streams = [*names, *(f"group {group}" for group in groups)]
    scores = dict(zip(streams, normals(seed, Purpose.VARIABILITY, streams, numbers, range(1))[:, 0], strict=True))
    values = {}
    for name in names:
        group = parameters[name].group
        score = _tied(scores[name], scores[f"group {group}"], ties[group]) if group else scores[name]
        values[name] = _individual(name, parameters[name], score)
    return values


def _packaged_correlations() -> dict[str, float]:
    return {group: row.value for group, row in packaged_rows(CORRELATIONS).items()}


def _possible(group: str, correlation: float) -> float:
    if not 0.0 <= correlation < 1.0:
        raise CereblonError(f"correlations.tsv {group}: {correlation:g} is impossible, expected 0 to 1, 1 left out")
    return correlation


def _tied(own: Floats, common: Floats, correlation: float) -> Floats:
    """Return the score of a member, standard normal, correlated with every other member by `correlation`."""
    return np.asarray(np.sqrt(correlation) * common + np.sqrt(1.0 - correlation) * own)


def _individual(name: str, parameter: VariedParameter, score: Floats) -> Floats:
    value, spread = parameter.value, parameter.spread
    if not spread >= 0.0:
        raise CereblonError(f"parameter {name}: spread {spread} must be 0 or more")
    match parameter.distribution:
        case "lognormal":
            return np.asarray(value * np.exp(spread * score))
        case "normal":
            return np.asarray(value + spread * score)
        case "logitnormal":
            if not 0.0 < value < 1.0:
                raise CereblonError(f"parameter {name}: value {value:g} is outside 0-1, needed for logitnormal")
            return np.asarray(expit(logit(value) + spread * score))
        case other:
            raise CereblonError(
                f"parameter {name}: distribution {other!r} is unknown, expected one of "
                f"{', '.join(DISTRIBUTIONS)}{nearest(other, DISTRIBUTIONS)}"
            )
