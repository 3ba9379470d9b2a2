"""One block of subjects through a trial: cohort, untreated start, cycles with the clinic, assessments between."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from cereblon.clinic.codes import INFECTIONS, NOISE, THRESHOLDS
from cereblon.clinic.design import Trial
from cereblon.clinic.orders import BLOCK, Orders, assessment_days, ct_flags, normal
from cereblon.clinic.tracker import TRUTH, ResponseTracker
from cereblon.engine import NumericalError, require_healthy
from cereblon.model import Model
from cereblon.parameters import ParameterSet
from cereblon.patients import draw_cohort, draw_noise, draw_thresholds
from cereblon.patients.individuals import individual_values
from cereblon.patients.population import Population
from cereblon.patients.untreated import untreated_start
from cereblon.study_program import study_cycle
from cereblon.study_subjects import SubjectBlock
from cereblon.study_tables import Frames, block_tables

Floats = NDArray[np.floating[Any]]
Tree = dict[str, Any]
WEEKS = 4


class BlockRunner:
    """Runs blocks of one trial. Thread-safe: nothing is changed after construction."""

    def __init__(
        self,
        trial: Trial,
        population: Population,
        shared: Mapping[str, float],
        parameters: ParameterSet,
        seed: int,
        model: Model,
        lanes: int,
    ) -> None:
        """Take the trial without its published outcomes, shared parameter values and the set of all."""
        self.trial, self.population, self.seed, self.model, self.lanes = trial, population, seed, model, lanes
        self.shared: dict[str, Any] = {name: np.float32(value) for name, value in shared.items()}
        self._parameters = parameters
        self._cycle = study_cycle(model, trial, lanes)
        self._cycle.begin()
        follow_up = trial.follow_up
        last = (follow_up.duration_months + (follow_up.accrual_months or 0.0) / 2.0) * 365.25 / 12.0
        self.cycles = int(np.ceil((last + 1.0) / BLOCK))
        self._effects = parameters.effects
        # plan the population once, before threads
        draw_cohort(population, trial.setting, np.array([1]), seed, self._effects)

    def run(self, block: SubjectBlock, tick: Callable[[int], None]) -> tuple[Frames, NDArray[np.int64], Tree, Any]:
        """Simulate a block; tick(cycle) is called as cycles finish.

        Returns the tables of its subjects and the visits (days, values, present) for the visit writer.
        """
        lanes = block.padded(self.lanes)
        cohort = draw_cohort(self.population, self.trial.setting, lanes.number, self.seed, self._effects).columns
        thresholds = draw_thresholds(lanes.number, self.seed, THRESHOLDS, INFECTIONS)
        noise = draw_noise(lanes.number, self.seed, self.cycles * WEEKS + 1, NOISE)
        orders = Orders(self.trial, lanes.arm, cohort, thresholds)
        state, individual = self._start(lanes, cohort, orders)
        tracker = ResponseTracker(
            self.trial.criteria,
            self.trial.nodes_by,
            cohort["spd0"],
            cohort["ldi0"],
            hand=normal(thresholds["hand"][0]),
            nodules=normal(thresholds["nodules"][0]),
            marrow=self.trial.schedule.marrow == "to_confirm_cr",
        )
        cut = orders.follow_up_days()
        days = assessment_days(self.trial, self.cycles * BLOCK)
        scans = dict(zip(days.tolist(), ct_flags(self.trial, days).tolist(), strict=True))
        clinic: Tree = orders.initial()
        self._assess(tracker, 0, self._truth(state, individual), noise, clinic, cut, scans)
        records: list[Tree] = []
        free = np.ones(len(self.model.slow), dtype=np.float32)
        for cycle in range(self.cycles):
            weekly = orders.weekly(cycle, noise[WEEKS * cycle : WEEKS * (cycle + 1)])
            state, clinic, record = self._cycle(
                state,
                clinic,
                individual,
                self.shared,
                free,
                orders.static,
                weekly,
                orders.daily(cycle),
                np.int32(cycle * BLOCK),
            )
            state, clinic, record = _read((state, clinic, record))
            self._require_possible(block, state, record)
            records.append(record)
            due = [d for d in days.tolist() if cycle * BLOCK < d <= (cycle + 1) * BLOCK]
            for day in due:
                week = (day - cycle * BLOCK) // 7
                truth = {k: record[k][week] for k in TRUTH} if week < WEEKS else self._truth(state, individual)
                self._assess(tracker, day, truth, noise, clinic, cut, scans)
            if due:
                clinic = tracker.complete(tracker.apply(clinic, due[-1]), orders.static["cr_days"])
            tick(cycle + 1)
        return block_tables(self.trial, block, cohort, tracker, clinic, _joined(records), cut)

    def _start(self, lanes: SubjectBlock, cohort: Tree, orders: Orders) -> tuple[Tree, Tree]:
        values = individual_values(self.model, self._parameters, cohort, lanes.number, self.seed)
        individual = {name: value.astype(np.float32) for name, value in values.items()}
        idle = _idle(orders)

        def start(values: Tree) -> Tree:
            first = self.model.initial({**self.shared, **values})
            groups = {"slow": self.model.slow, "linear": self.model.linear, "relaxing": self.model.relaxing}
            return {clock: np.stack([first[s] for s in names]).astype(np.float32) for clock, names in groups.items()}

        def advance(state: Mapping[str, Any], values: Tree, free: Floats, cycle: int) -> Tree:
            after, _, _ = self._cycle(state, *_arguments(idle, values, self.shared, free))
            return dict(_read(after))

        state, individual = untreated_start(self.model, individual, self.shared, cohort["growth0"], start, advance)
        return dict(state), individual

    def _truth(self, state: Tree, individual: Tree) -> Tree:
        groups = ((self.model.slow, "slow"), (self.model.linear, "linear"), (self.model.relaxing, "relaxing"))
        now = {name: row for names, key in groups for name, row in zip(names, state[key], strict=True)}
        seen = self.model.observe(TRUTH, now, {**self.shared, **individual})
        return {k: np.broadcast_to(np.asarray(v), (self.lanes,)) for k, v in seen.items()}

    def _require_possible(self, block: SubjectBlock, state: Tree, record: Tree) -> None:
        """Raise NumericalError for a subject with an impossible state or reading; padding is not reported."""
        n = len(block.usubjid)
        require_healthy(self.model, {clock: rows[:, :n] for clock, rows in state.items()}, block.usubjid.tolist())
        for name in TRUTH:
            wrong = ~np.isfinite(record[name][:, :n]).all(axis=0)
            if wrong.any():
                who = block.usubjid[wrong][:5].tolist()
                raise NumericalError(f"the model failed for subject {', '.join(map(str, who))}: {name} is not finite")

    @staticmethod
    def _assess(
        tracker: ResponseTracker,
        day: int,
        truth: Tree,
        noise: Floats,
        clinic: Tree,
        cut: Floats,
        scans: Mapping[int, bool],
    ) -> None:
        # nobody is assessed after his own data cut
        open_ = {**clinic, "dead": np.maximum(np.asarray(clinic["dead"]), (cut < day).astype(np.float32))}
        tracker.update(float(day), truth, noise[day // 7], open_, ct=scans.get(day, False))


def _idle(orders: Orders) -> Tree:
    """Return the arguments of a cycle in which nobody is treated and nothing is measured."""
    zero = np.zeros((WEEKS, len(NOISE), orders.size), dtype=np.float32)
    weekly = orders.weekly(0, zero)
    daily = {name: np.zeros_like(value) for name, value in orders.daily(0).items()}
    daily["week_start"] = orders.daily(0)["week_start"]
    clinic = orders.initial()
    clinic["off"] = np.ones(orders.size, dtype=np.float32)
    return {"clinic": clinic, "static": orders.static, "weekly": weekly, "daily": daily}


def _arguments(idle: Tree, individual: Tree, shared: Mapping[str, Any], free: Floats) -> tuple[Any, ...]:
    return (
        idle["clinic"],
        individual,
        shared,
        free,
        idle["static"],
        idle["weekly"],
        idle["daily"],
        np.int32(0),
    )


def _read(tree: Any) -> Any:
    """Return arrays of a cycle as NumPy arrays; in the same memory where they already are in this machine's."""
    return jax.tree.map(np.asarray, tree)


def _joined(records: list[Tree]) -> Tree:
    """Return weekly records (4, n) of many cycles as (weeks, n)."""
    out: Tree = {k: np.concatenate([r[k] for r in records]) for k in records[0] if k != "clinic"}
    out["clinic"] = {k: np.concatenate([r["clinic"][k] for r in records]) for k in records[0]["clinic"]}
    return out
