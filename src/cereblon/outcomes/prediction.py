"""What a trial of the published size would have shown: endpoints of many trials drawn from the simulated subjects.

Two things are uncertain, and an interval holds both. The published trial had few patients; and so had the virtual
cohort, which stands for the population of the model. So the population is drawn first, given the cohort, and then a
trial from it (Rubin, Ann Stat 1981;9:130, the Bayesian bootstrap). A cohort in which nothing happened still
leaves room for what is rare: to the subjects, of weight 1, come two of weight 1/2, one with the worst outcome and one
with the best. For a share of patients that is Jeffreys' prior, and the count of a trial is beta-binomial.

Uncertain parameters of the model and differences between trials other than chance are not in the interval.

Subjects with equal outcomes are drawn together, as counts, so that time and memory do not grow with the size of cohort
or trial.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from cereblon.columns import DAYS_PER_MONTH
from cereblon.outcomes.data import ArmData, Floats, Times
from cereblon.outcomes.endpoints import Endpoint
from cereblon.outcomes.survival import Counts, Resampled, product_limit

REPLICATES: Final = 2000
GHOST: Final = 0.5  # weight of the added worst and best outcome; Jeffreys, Proc R Soc A 1946;186:453
_STREAM: Final = 0x7E5A  # sets these draws apart from every other use of the seed
_AT_ONCE: Final = 100  # replicates held in memory together
_FIRST_DAY: Final = 1 / DAYS_PER_MONTH  # months; the earliest time at which an event can happen


@dataclass(frozen=True)
class Draws:
    """Trials of one arm or of several pooled, drawn from the subjects of `arms` when they are asked for.

    What is drawn for an arm depends on (seed, arm id) and its subjects only, not on the other arms.
    """

    arms: Mapping[str, ArmData]
    seed: int
    replicates: int = REPLICATES

    @property
    def size(self) -> int:
        """Subjects in one drawn trial."""
        return sum(data.size for data in self.arms.values())

    @property
    def simulated(self) -> int:
        """Subjects in the virtual cohort."""
        return sum(data.subjects.size for data in self.arms.values())

    def shares(self, total: int) -> dict[str, int]:
        """Split `total` subjects over the arms in proportion to their published sizes (largest remainder)."""
        total = min(total, self.size)
        exact = {arm: total * data.size / self.size for arm, data in self.arms.items()}
        split = {arm: int(value) for arm, value in exact.items()}
        by_remainder = sorted(exact, key=lambda arm: split[arm] - exact[arm])
        for arm in by_remainder[: total - sum(split.values())]:
            split[arm] += 1
        return split

    def rates(self, flags: Mapping[str, NDArray[np.bool_]], total: int) -> Floats:
        """Return the share with `flags` (arm -> (N,)) in each drawn trial of `total` subjects: (replicates,)."""
        split = self.shares(total)
        hits = np.zeros(self.replicates, dtype=np.int64)
        for arm, chosen in split.items():
            population, trial = self._streams(arm)
            hits += beta_binomial(flags[arm], chosen, self.replicates, population, trial)
        return np.asarray(hits / sum(split.values()))

    def ratios(self, hit: Mapping[str, Floats], given: Mapping[str, Floats], total: int) -> Floats:
        """Return the sum of `hit` over the sum of `given` (arm -> (N,)) in each drawn trial: (replicates,), NaN where
        nothing was given. The added outcomes are an average number given, none or all of them hit.
        """
        sums = np.zeros((self.replicates, 2))
        for arm, chosen in self.shares(total).items():
            usual = float(given[arm].mean())
            pairs, weights = _distinct(hit[arm], given[arm], ghosts=[(0.0, usual), (usual, usual)])
            sums += np.concatenate([counts @ pairs for counts in self._counts(arm, weights, chosen)])
        return np.asarray(np.divide(sums[:, 0], sums[:, 1], out=np.full(self.replicates, np.nan), where=sums[:, 1] > 0))

    def curves(self, name: str, total: int | None = None) -> Iterator[Resampled]:
        """Yield the Kaplan-Meier estimates of the drawn trials for the time-to-event parameter `name`, in months, some
        at a time. The added outcomes are the event on the first day, and no event as long as anybody is followed.
        """
        split = self.shares(self.size if total is None else total)
        found = {}
        for arm in split:
            times = self.arms[arm].times[name]
            ghosts = [(min(_FIRST_DAY, float(times.time.max())), 1.0), (float(times.time.max()), 0.0)]
            found[arm] = _distinct(times.time, times.event, ghosts=ghosts)
        grid = np.unique(np.concatenate([pairs[:, 0] for pairs, _ in found.values()]))
        parts = [self._counts(arm, weights, split[arm]) for arm, (_, weights) in found.items()]
        for together in zip(*parts, strict=True):
            events, censored = (np.zeros((len(together[0]), grid.size), dtype=np.int64) for _ in range(2))
            for counts, (pairs, _) in zip(together, found.values(), strict=True):
                place, event = np.searchsorted(grid, pairs[:, 0]), pairs[:, 1] > 0
                events[:, place[event]] += counts[:, event]
                censored[:, place[~event]] += counts[:, ~event]
            yield product_limit(grid, events, censored)

    def _streams(self, arm: str) -> tuple[np.random.Generator, np.random.Generator]:
        """Return the sources of populations and of trials. They are apart, so that cutting the replicates into pieces
        changes no number.
        """
        key = [self.seed, _STREAM, crc32(arm.encode())]
        first, second = np.random.SeedSequence(key).spawn(2)
        return np.random.Generator(np.random.Philox(first)), np.random.Generator(np.random.Philox(second))

    def _counts(self, arm: str, weights: Floats, size: int) -> Iterator[Counts]:
        """Yield how many of a trial's `size` subjects have each outcome, (replicates of a piece, outcomes)."""
        population, trial = self._streams(arm)
        for start in range(0, self.replicates, _AT_ONCE):
            rows = min(_AT_ONCE, self.replicates - start)
            shares = population.standard_gamma(weights, size=(rows, weights.size))
            yield trial.multinomial(size, shares / shares.sum(axis=1, keepdims=True))


def beta_binomial(
    flags: NDArray[np.bool_],
    size: int,
    replicates: int,
    population: np.random.Generator,
    trial: np.random.Generator,
) -> Counts:
    """Return how many of `size` subjects of a trial are hit, given the cohort's `flags` (N,): (replicates,)."""
    hit = int(np.count_nonzero(flags))
    return trial.binomial(size, population.beta(hit + GHOST, len(flags) - hit + GHOST, replicates))


def _distinct(*columns: NDArray[np.generic], ghosts: Sequence[tuple[float, float]]) -> tuple[Floats, Floats]:
    """Return the distinct rows of two columns (N,), and of `ghosts`: (outcomes, 2) and their weights (outcomes,)."""
    rows = np.column_stack([np.asarray(c, dtype=np.float64) for c in columns])
    weights = np.concatenate([np.ones(len(rows)), np.full(len(ghosts), GHOST)])
    pairs, place = np.unique(np.vstack([rows, ghosts]), axis=0, return_inverse=True)
    return np.asarray(pairs, dtype=np.float64), np.asarray(np.bincount(place.ravel(), weights), dtype=np.float64)


def pool(times: Sequence[Times]) -> Times:
    """Join the times of several arms."""
    return Times(np.concatenate([t.time for t in times]), np.concatenate([t.event for t in times]))


def replicate(endpoint: Endpoint, key: str, draws: Draws, total: int) -> Floats:
    """Return the endpoint in each drawn trial of `total` subjects: (replicates,), percent or months.

    Infinite where a median is not reached; NaN for cycles when no cycle was given.
    """
    arms = draws.arms.items()
    if endpoint.kind == "median":
        return np.concatenate([curves.medians() for curves in draws.curves(endpoint.curve, total)])
    if endpoint.kind == "landmark":
        month = np.array([float(endpoint.months)])
        return 100 * np.concatenate([curves.at(month)[:, 0] for curves in draws.curves(endpoint.curve, total)])
    if endpoint.kind == "cycles":
        hit, given = {a: d.cycles_hit[key] for a, d in arms}, {a: d.cycles_given for a, d in arms}
        return 100 * draws.ratios(hit, given, total)
    return 100 * draws.rates({arm: data.flags[key] for arm, data in arms}, total)


def quantile(values: Floats, share: float) -> float | None:
    """Return an order statistic of `values`, None where it is infinite or NaN.

    Order statistics, not interpolation: a percentage stays one that a trial of this size can have, and a
    median that some trials do not reach needs no arithmetic with infinity. The lower end is rounded down and
    the upper end up.
    """
    if np.isnan(values).any():
        return None
    method = "lower" if share < 0.5 else "higher" if share > 0.5 else "inverted_cdf"
    value = float(np.quantile(values, share, method=method))  # type: ignore[call-overload]
    return value if np.isfinite(value) else None
