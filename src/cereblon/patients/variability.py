"""Between-subject variability, visit noise and event thresholds, each from its own stream."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from cereblon.errors import CereblonError, nearest
from cereblon.patients.documents import load_documents
from cereblon.patients.subject import Floats, Stream, check_subjects, generator

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
    """Return the ids of the parameters that differ between subjects, in the order in which they are drawn."""
    return tuple(
        sorted(i for i, p in parameters.items() if p.distribution not in ("", "none") and p.status != "covariate")
    )


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
    scores = np.empty((len(names), len(numbers)))
    for column, number in enumerate(numbers):
        scores[:, column] = generator(seed, int(number), Stream.VARIABILITY).standard_normal(len(names))
    shared = load_documents().groups if correlations is None else correlations
    groups: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        if parameters[name].group:
            groups.setdefault(parameters[name].group, []).append(i)
    for group, rows in groups.items():
        scores[rows] = _correlate(scores[rows], shared.get(group, 0.0), group)
    return {name: _individual(name, parameters[name], scores[i]) for i, name in enumerate(names)}


def _correlate(scores: Floats, correlation: float, group: str) -> Floats:
    """Give independent scores (k, n) one common pairwise correlation."""
    size = len(scores)
    if size < 2 or correlation == 0.0:
        return scores
    if not -1.0 / (size - 1) < correlation < 1.0:
        raise CereblonError(
            f"correlations.tsv {group}: {correlation:g} is impossible for {size} parameters, "
            f"expected {-1.0 / (size - 1):.3g} to 1"
        )
    factor = np.linalg.cholesky(np.full((size, size), correlation) + (1.0 - correlation) * np.eye(size))
    rows = []
    for i in range(size):
        row = factor[i, 0] * scores[0]
        for j in range(1, i + 1):
            row = row + factor[i, j] * scores[j]
        rows.append(row)
    return np.stack(rows)


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


def draw_noise(subjects: Sequence[int] | NDArray[np.integer], seed: int, weeks: int, kinds: int) -> NDArray[np.float32]:
    """Draw standard normal noise, (weeks, kinds, n); more weeks leave the earlier ones unchanged."""
    numbers = check_subjects(subjects, seed)
    noise = np.empty((len(numbers), weeks, kinds), dtype=np.float32)
    for row, number in enumerate(numbers):
        noise[row] = generator(seed, int(number), Stream.VISIT_NOISE).standard_normal((weeks, kinds))
    return np.ascontiguousarray(np.moveaxis(noise, 0, -1))


def draw_thresholds(
    subjects: Sequence[int] | NDArray[np.integer], seed: int, names: Iterable[str], k: int = 1
) -> dict[str, Floats]:
    """Draw the cumulated hazards at which events happen: name -> (k, n) unit exponential numbers."""
    numbers = check_subjects(subjects, seed)
    ordered = sorted(set(names))
    drawn = np.empty((len(numbers), len(ordered), k))
    for row, number in enumerate(numbers):
        drawn[row] = generator(seed, int(number), Stream.THRESHOLDS).standard_exponential((len(ordered), k))
    return {name: np.ascontiguousarray(drawn[:, i, :].T) for i, name in enumerate(ordered)}
