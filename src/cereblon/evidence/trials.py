"""Claims about the clinic: the same readouts, taken from virtual trials."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cereblon.errors import CereblonError, nearest
from cereblon.outcomes.prediction import REPLICATES, beta_binomial

from .documents import switches
from .readouts import HALF, INF, Reading, reading
from .runner import Say
from .schema import Condition, Experiment, Readout

if TYPE_CHECKING:
    from cereblon.outcomes.analysis import Analysis
    from cereblon.parameters import ParameterSet

Flags = NDArray[np.bool_]
Shares = NDArray[np.float64]
RESAMPLES = 400
"""Cohorts drawn from the simulated patients for the interval of an area."""


@dataclass
class Trials:
    """Runs trials when they are first asked for. parameters: of all of them (default: the packaged numbers)."""

    seed: int
    say: Say | None = None
    parameters: ParameterSet | None = None
    _done: dict[Any, Analysis] = field(default_factory=dict)

    def result(self, condition: Condition, patients: int, off: Mapping[str, float]) -> Analysis:
        """Return the result of a condition's trial. off: parameters of mechanisms that are off everywhere."""
        from cereblon.clinic.trial.load import load_trial
        from cereblon.outcomes.analysis import Analysis
        from cereblon.study import run as study

        if condition.scale or condition.initial or condition.clamp:
            raise CereblonError("a trial condition can `set` parameters or `knockout` claims, nothing else")
        overrides = {**condition.set, **switches(condition.knockout), **off}
        key = (condition.trial, condition.arm, patients, tuple(sorted(overrides.items())))
        if key not in self._done:
            trial = load_trial(str(condition.trial))
            arms = None if condition.arm is None else [condition.arm]
            say = self.say
            tell = None if say is None else lambda done, total, words: say(done, total, f"{trial.id}: {words}")
            # Conditions that name an arm are contrasts within persons: the same people in each, as in every other pair
            # of conditions. A whole trial, arms pooled, counts every person once.
            twins = arms is not None
            record = study.simulate_trial(
                trial,
                patients=patients,
                seed=self.seed,
                arms=arms,
                parameters=self.parameters,
                overrides=overrides,
                twins=twins,
                progress=tell,
            )
            self._done[key] = Analysis(**vars(record))
        return self._done[key]


def read_trial(readout: Readout, experiment: Experiment, trials: Trials, off: Mapping[str, float]) -> Reading:
    """Judge a readout on trials of an experiment. Endpoints are shares of patients in percent, arms pooled."""

    def flags(name: str, of: str) -> tuple[Flags, int]:
        result = trials.result(experiment.conditions[name], experiment.patients, off)
        return _flags(result, of, readout.among)

    if readout.expect == "ranks":
        return _ranks(readout, trials.result(experiment.conditions[readout.to], experiment.patients, off))
    hit, size = flags(readout.to, readout.of)
    drawn = _shares(hit, size, trials.seed)

    def other(name: str, of: str, step: int) -> NDArray[np.float64]:
        return _shares(*flags(name, of), trials.seed + step)

    if readout.expect in ("within", "covers"):
        found = _banded(readout, drawn, 100.0 * float(np.mean(hit)) if len(hit) else float("nan"))
    else:
        found = _compared(readout, drawn, other)
    return replace(found, n=size, simulated=len(hit))


def _compared(readout: Readout, drawn: Shares, other: Callable[[str, str, int], Shares]) -> Reading:
    """Judge a readout that compares conditions. drawn: in `to`; other: the same of a condition and an endpoint."""
    assert readout.against is not None  # the schema asks for it
    against = other(readout.against, readout.against_of or readout.of, 1)
    if readout.expect == "blocked":
        assert readout.effect is not None
        effect = other(readout.effect, readout.of, 2)
        there = effect - against > 5.0
        gone = np.where(there, 1.0 - (drawn - against) / np.where(there, effect - against, 1.0), 0.0)
        words = f"≥ {100 * readout.share:g} %"
        return reading(readout, "% gone", words, 100.0 * gone, (100.0 * readout.share, INF), there & (gone > HALF))
    ratio = drawn / np.maximum(against, 1e-9)
    if readout.expect == "up":
        return reading(readout, "fold", f"≥ {readout.least:g}x", ratio, (readout.least, INF), ratio > 1.0)
    if readout.expect == "down":
        return reading(readout, "fold", f"≤ {1 / readout.least:.2g}x", ratio, (-INF, 1.0 / readout.least), ratio < 1.0)
    raise CereblonError(f"readout {readout.of}: expect {readout.expect} is not for trials")


def _flags(result: Analysis, of: str, among: str | None) -> tuple[Flags, int]:
    """Return who had the endpoint, arms pooled, and the size of the published trial."""
    arms = list(result.arms.values())
    if of not in arms[0].flags:
        known = sorted(arms[0].flags)
        raise CereblonError(
            f"readout {of}: a trial has no such endpoint{nearest(of, known)}: expected {', '.join(known)}"
        )
    hit = np.concatenate([arm.flags[of] for arm in arms])
    size = sum(arm.size for arm in arms)
    if among is None:
        return hit, size
    chosen = _column(result, among) > 0
    return hit[chosen], max(1, round(size * float(np.mean(chosen))))


def _column(result: Analysis, name: str) -> NDArray[np.float64]:
    """Return a column of the subjects table, or a model parameter that varies between them: latent, drawn again."""
    from cereblon.model import load_model
    from cereblon.parameters import ParameterSet, draw

    table = result.table("subjects")
    given = result.parameters or ParameterSet.packaged(load_model())
    if name in given.parameters and given.parameters[name].distribution != "none":
        persons = np.concatenate([arm.twins for arm in result.arms.values()])
        return draw(given, persons, result.seed)[name]
    if name not in table.columns:
        raise CereblonError(f"'{name}': the subjects of a trial have no such column{nearest(name, table.columns)}")
    rows = table.select(["USUBJID", name]).to_numpy()
    place = {int(k): float(v) for k, v in rows}
    numbers = np.concatenate([arm.subjects for arm in result.arms.values()])
    return np.array([place[int(k)] for k in numbers])


def _shares(hit: Flags, size: int, seed: int) -> NDArray[np.float64]:
    """Return the percent with the endpoint in trials of the printed size, given the simulated patients."""
    source = np.random.default_rng(seed)
    return np.asarray(100.0 * beta_binomial(hit, size, REPLICATES, source, source) / size)


def _banded(readout: Readout, drawn: Any, share: float) -> Reading:
    assert readout.low is not None
    assert readout.high is not None
    low, high = np.quantile(drawn, [0.05, 0.95])
    if readout.expect == "covers":
        inside = bool(low <= readout.high and high >= readout.low)
    else:
        inside = bool(readout.low <= share <= readout.high)
    words = f"{readout.low:g}" if readout.low == readout.high else f"{readout.low:g} to {readout.high:g}"
    return Reading(readout, share, float(low), float(high), "%", words, inside, float(inside))


def _ranks(readout: Readout, result: Analysis) -> Reading:
    """Area under the ROC curve, from the rank sum (Mann-Whitney), with a bootstrap interval.

    Where everybody or nobody has the outcome there is no area, and it may be anything from 0 to 1.
    """
    assert readout.outcome is not None
    arms = list(result.arms.values())
    outcome, _ = _flags(result, readout.outcome, readout.among)
    known = readout.of in arms[0].flags
    score = np.concatenate([a.flags[readout.of] for a in arms]).astype(float) if known else _column(result, readout.of)
    size = sum(arm.size for arm in arms)
    assert readout.low is not None
    assert readout.high is not None
    words = f"{readout.low:g} to {readout.high:g}"
    if outcome.all() or not outcome.any():
        return Reading(readout, float("nan"), 0.0, 1.0, "area", words, False, 0.0, n=size, simulated=len(score))
    source = np.random.default_rng(result.seed)
    picks = source.integers(0, len(score), (RESAMPLES, len(score)))
    areas = np.array([_area(score[p], outcome[p]) for p in picks])
    area = _area(score, outcome)
    agree = float(np.mean((areas >= readout.low) & (areas <= readout.high)))
    low, high = np.quantile(areas, [0.05, 0.95])
    met = readout.low <= area <= readout.high
    ends = float(low), float(high)
    return Reading(readout, area, *ends, "area", words, met, agree, n=size, simulated=len(score))


def _area(score: NDArray[np.float64], outcome: Flags) -> float:
    from scipy.stats import rankdata

    hits = int(outcome.sum())
    misses = len(outcome) - hits
    if hits == 0 or misses == 0:
        return 0.5
    ranks = rankdata(score)
    return float((ranks[outcome].sum() - hits * (hits + 1) / 2) / (hits * misses))
