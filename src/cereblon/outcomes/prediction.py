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
from dataclasses import dataclass, replace
from typing import Final, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from cereblon.columns import DAYS_PER_MONTH
from cereblon.errors import CereblonError
from cereblon.outcomes.data import ArmData, Floats, Times
from cereblon.outcomes.endpoints import Endpoint
from cereblon.outcomes.survival import Counts, Resampled, product_limit

REPLICATES: Final = 2000
GHOST: Final = 0.5  # weight of the added worst and best outcome; Jeffreys, Proc R Soc A 1946;186:453
_STREAM: Final = 0x7E5A  # sets these draws apart from every other use of the seed
_MORE: Final = 5  # times as many trials for the share of patients with an event
_CELLS: Final = 1_000_000  # numbers in one array; as many replicates are worked on together as fit
_FIRST_DAY: Final = 1 / DAYS_PER_MONTH  # months; the earliest time at which an event can happen


class Outcomes(NamedTuple):
    """What became of an arm's subjects, (N, columns), and the two added outcomes, (2, columns)."""

    rows: Floats
    ghosts: Floats


class Drawn(NamedTuple):
    """Distinct outcomes of an arm, (outcomes, columns), and how many have each in a trial, (replicates, outcomes)."""

    outcomes: Floats
    counts: Counts


@dataclass(frozen=True)
class Draws:
    """Trials of one arm or of several pooled, drawn from the subjects of `arms` when they are asked for.

    What is drawn for an arm depends on (seed, arm id) and its subjects only, not on the other arms. With `twins` the
    arms hold the same people in the same order: persons are drawn once and are in every arm (of a smaller arm the
    first of them), by the stream of the first arm.
    """

    arms: Mapping[str, ArmData]
    seed: int
    replicates: int = REPLICATES
    twins: bool = False

    def __post_init__(self) -> None:
        """Raise CereblonError where the arms do not hold the same people although they should."""
        people = [data.twins for data in self.arms.values()]
        if self.twins and not all(np.array_equal(people[0], others) for others in people[1:]):
            raise CereblonError("subjects: the arms of a run with twins do not hold the same people (TWIN)")

    @property
    def size(self) -> int:
        """Subjects in one drawn trial."""
        return sum(data.size for data in self.arms.values())

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
        """Return the share with `flags` (arm -> (N,)) in each drawn trial of `total` subjects. A share is drawn so fast
        that more trials are, (`_MORE` * replicates,): its interval ends on whole patients, and jumps otherwise.
        """
        ends = np.array([[0.0], [1.0]])
        outcomes = {arm: Outcomes(chosen[:, None].astype(float), ends) for arm, chosen in flags.items()}
        hits = replace(self, replicates=_MORE * self.replicates)._sums(outcomes, total)
        return np.asarray(hits[:, 0] / min(total, self.size))

    def ratios(self, hit: Mapping[str, Floats], given: Mapping[str, Floats], total: int) -> Floats:
        """Return the sum of `hit` over the sum of `given` (arm -> (N,)) in each drawn trial: (replicates,), NaN where
        nothing was given. The added outcomes are an average number given, none or all of them hit.
        """
        outcomes = {}
        for arm, number in given.items():
            usual = float(number.mean())
            outcomes[arm] = Outcomes(np.column_stack([hit[arm], number]), np.array([[0.0, usual], [usual, usual]]))
        sums = self._sums(outcomes, total)
        out = np.full(self.replicates, np.nan)
        return np.asarray(np.divide(sums[:, 0], sums[:, 1], out=out, where=sums[:, 1] > 0))

    def curves(self, name: str, total: int | None = None) -> Iterator[Resampled]:
        """Yield the Kaplan-Meier estimates of the drawn trials for the time-to-event parameter `name`, in months, some
        at a time. The added outcomes are the event on the first day, and no event as long as anybody is followed.
        """
        outcomes = {}
        for arm, data in self.arms.items():
            time, event = data.times[name].time, data.times[name].event
            last = float(time.max())
            ghosts = np.array([[min(_FIRST_DAY, last), 1.0], [last, 0.0]])
            outcomes[arm] = Outcomes(np.column_stack([time, event]), ghosts)
        grid = np.unique(np.concatenate([np.vstack(o)[:, 0] for o in outcomes.values()]))
        for together in self._drawn(outcomes, self.size if total is None else total):
            counts = np.zeros((len(together[0].counts), 2 * grid.size), dtype=np.int64)  # censored, then events
            for drawn in together:
                place = np.searchsorted(grid, drawn.outcomes[:, 0]) + grid.size * (drawn.outcomes[:, 1] > 0)
                order = np.argsort(place, kind="stable")
                first = np.flatnonzero(np.diff(place[order], prepend=-1))
                counts[:, place[order][first]] += np.add.reduceat(drawn.counts[:, order], first, axis=1)
            yield product_limit(grid, counts[:, grid.size :], counts[:, : grid.size])

    def _sums(self, outcomes: Mapping[str, Outcomes], total: int) -> Floats:
        """Return the columns of `outcomes` summed over the subjects of each drawn trial, (replicates, columns)."""
        parts = [sum(d.counts @ d.outcomes for d in together) for together in self._drawn(outcomes, total)]
        return np.concatenate([np.asarray(part) for part in parts])

    def _drawn(self, outcomes: Mapping[str, Outcomes], total: int) -> Iterator[list[Drawn]]:
        """Yield what is drawn for every arm, some replicates at a time; `total` subjects in each trial."""
        split = self.shares(total)
        groups = [tuple(self.arms)] if self.twins else [(arm,) for arm in self.arms]
        people = [_People(group, outcomes, split) for group in groups]
        streams = [self._streams(group[0]) for group in groups]
        rows = max(1, _CELLS // max(p.weights.size for p in people))
        for start in range(0, self.replicates, rows):
            many = min(rows, self.replicates - start)
            yield [
                drawn
                for p, (first, second) in zip(people, streams, strict=True)
                for drawn in p.draw(many, first, second)
            ]

    def _streams(self, arm: str) -> tuple[np.random.Generator, np.random.Generator]:
        """Return the sources of populations and of trials. They are apart, so that cutting the replicates into pieces
        changes no number.
        """
        key = [self.seed, _STREAM, crc32(arm.encode())]
        first, second = np.random.SeedSequence(key).spawn(2)
        return np.random.Generator(np.random.Philox(first)), np.random.Generator(np.random.Philox(second))


class _People:
    """Persons who are drawn together: those of one arm, or of all arms where these hold the same people."""

    def __init__(self, arms: Sequence[str], outcomes: Mapping[str, Outcomes], split: Mapping[str, int]) -> None:
        rows, ghosts = (np.hstack([outcomes[arm][k] for arm in arms]) for k in range(2))
        weights = np.concatenate([np.ones(len(rows)), np.full(len(ghosts), GHOST)])
        distinct, place = np.unique(np.vstack([rows, ghosts]), axis=0, return_inverse=True)
        self.weights = np.bincount(place.ravel(), weights)
        self._outcomes = np.split(distinct, len(arms), axis=1)
        self._sizes = [split[arm] for arm in arms]

    def draw(self, replicates: int, population: np.random.Generator, trial: np.random.Generator) -> list[Drawn]:
        """Return what became of the subjects of each arm."""
        shares = population.standard_gamma(self.weights, size=(replicates, self.weights.size))
        shares /= shares.sum(axis=1, keepdims=True)
        counts: dict[int, Counts] = {0: np.zeros(shares.shape, dtype=np.int64)}
        smaller = 0
        for size in sorted(set(self._sizes)):  # the persons of a smaller arm are the first of a larger one
            counts[size] = counts[smaller] + _multinomial(size - smaller, shares, trial)
            smaller = size
        return [Drawn(o, counts[size]) for o, size in zip(self._outcomes, self._sizes, strict=True)]


def _multinomial(size: int, shares: Floats, source: np.random.Generator) -> Counts:
    """Return how many of `size` fall to each of `shares` (replicates, outcomes)."""
    if shares.shape[1] != 2:
        return source.multinomial(size, shares)
    first = source.binomial(size, shares[:, 0])  # the same, and much faster for the many shares of a yes or no
    return np.stack([first, size - first], axis=1)


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


def pool(times: Sequence[Times]) -> Times:
    """Join the times of several arms."""
    return Times(np.concatenate([t.time for t in times]), np.concatenate([t.event for t in times]))


def replicate(endpoint: Endpoint, key: str, draws: Draws, total: int) -> Floats:
    """Return the endpoint in each drawn trial of `total` subjects: (replicates,), percent or months; for shares of
    patients a few times as many.

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
