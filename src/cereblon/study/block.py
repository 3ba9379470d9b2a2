"""One block of subjects through a trial: cohort, untreated start, weeks with the clinic, assessments between."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from cereblon.clinic.codes import INFECTIONS, NOISE, THRESHOLDS
from cereblon.clinic.criteria.tracker import TRUTH, ResponseTracker
from cereblon.clinic.rules import Site
from cereblon.clinic.site.calendar import seen_of
from cereblon.clinic.site.orders import Orders, assessment_days, ct_flags, normal
from cereblon.clinic.site.shape import block_weeks
from cereblon.clinic.trial.trial import Trial
from cereblon.engine import NumericalError, State, require_healthy
from cereblon.model import Model
from cereblon.parameters import ParameterSet
from cereblon.patients import draw_cohort, draw_noise, draw_thresholds
from cereblon.patients.individuals import individual_values
from cereblon.patients.population import Population
from cereblon.patients.untreated import untreated_start
from cereblon.study.drugs import site_drugs
from cereblon.study.program import study_cycle
from cereblon.study.quantities import exposures
from cereblon.study.subjects import SubjectBlock
from cereblon.study.tables import Frames, block_tables

Floats = NDArray[np.floating[Any]]
Tree = dict[str, Any]
UNTREATED_DAYS = 28
"""Days that `untreated_start` asks for at a time."""


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
        self.site, self.drugs, self.weeks = Site(parameters.site), site_drugs(model), block_weeks(trial)
        self._parameters = parameters
        self._cycle = study_cycle(model, trial, self.drugs, lanes)
        self._cycle.begin()
        self.blocks = int(np.ceil((trial.follow_up.last_day + 1.0) / (7 * self.weeks)))
        self._effects = parameters.effects
        # plan the population once, before threads
        draw_cohort(population, trial.setting, np.array([1]), seed, self._effects)

    def run(self, block: SubjectBlock, tick: Callable[[int], None]) -> tuple[Frames, NDArray[np.int64], Tree, Any]:
        """Simulate a block; tick(number) is called as blocks of weeks finish.

        Returns the tables of its subjects and the visits (days, values, present) for the visit writer.
        """
        lanes, weeks = block.padded(self.lanes), self.weeks
        cohort = draw_cohort(self.population, self.trial.setting, lanes.number, self.seed, self._effects).columns
        thresholds = draw_thresholds(lanes.number, self.seed, THRESHOLDS, INFECTIONS)
        noise = draw_noise(lanes.number, self.seed, self.blocks * weeks + 1, NOISE)
        orders = Orders(self.trial, lanes.arm, cohort, thresholds, self.drugs, self.site)
        state, individual = self._start(lanes, cohort, orders)
        tracker = self._tracker(cohort, thresholds)
        cut = orders.follow_up_days()
        days = assessment_days(self.trial, self.blocks * 7 * weeks)
        scans = dict(zip(days.tolist(), ct_flags(self.trial, days).tolist(), strict=True))
        clinic: Tree = orders.initial()
        self._assess(tracker, 0, self._truth(state, individual), noise, clinic, cut, scans)
        records: list[Tree] = []
        # what is the same in every block of weeks goes to the device once: it is hundreds of numbers
        same = jax.device_put((individual, self.shared, np.ones(len(self.model.slow), np.float32), orders.static))
        for number in range(self.blocks):
            first = number * 7 * weeks
            seen = seen_of(clinic, *tracker.so_far()) if number and orders.calendar.decides else None
            clinic, weekly, daily = orders.block(number, clinic, noise[weeks * number : weeks * (number + 1)], seen)
            state, clinic, record = _read(self._cycle(state, clinic, *same, weekly, daily, np.int32(first)))
            self._require_possible(block, state, record)
            records.append(record)
            day = first + 7 * weeks  # examinations are at the ends of blocks, so that each decides the next dose
            if day in scans:
                self._assess(tracker, day, self._truth(state, individual), noise, clinic, cut, scans)
                clinic = tracker.apply(clinic, day)
                if orders.calendar.asks_for_complete_response:
                    orders.calendar.note_complete_response(tracker.complete_response_day())
            tick(number + 1)
        return block_tables(
            self.trial,
            block,
            cohort,
            tracker,
            clinic,
            _joined(records),
            cut,
            self.site,
            self.drugs,
            exposures(self.model.drugs),
        )

    def _tracker(self, cohort: Tree, thresholds: Mapping[str, Floats]) -> ResponseTracker:
        return ResponseTracker(
            self.trial.criteria,
            self.trial.nodes_by,
            cohort["spd0"],
            cohort["ldi0"],
            hand=normal(thresholds["hand"][0]),
            nodules=normal(thresholds["nodules"][0]),
            site=self.site,
            marrow=self.trial.schedule.marrow == "to_confirm_cr",
        )

    def _start(self, lanes: SubjectBlock, cohort: Tree, orders: Orders) -> tuple[State, Tree]:
        values = individual_values(self.model, self._parameters, cohort, lanes.number, self.seed)
        individual = {name: value.astype(np.float32) for name, value in values.items()}
        clinic, weekly, daily = orders.idle()
        shared, static = jax.device_put((self.shared, orders.static))

        def start(values: Tree) -> State:
            first = self.model.initial({**self.shared, **values})
            return State.of(self.model, first, np.float32)

        def advance(state: State, values: Tree, free: Floats, cycle: int) -> State:
            for _ in range(0, UNTREATED_DAYS, 7 * self.weeks):
                state, _, _ = self._cycle(state, clinic, values, shared, free, static, weekly, daily, np.int32(0))
            read: State = _read(state)
            return read

        return untreated_start(self.model, individual, self.shared, cohort["growth0"], start, advance)

    def _truth(self, state: State, individual: Tree) -> Tree:
        seen = self.model.observe(TRUTH, state.named(self.model), {**self.shared, **individual})
        return {k: np.broadcast_to(np.asarray(v), (self.lanes,)) for k, v in seen.items()}

    def _require_possible(self, block: SubjectBlock, state: State, record: Tree) -> None:
        """Raise NumericalError for a subject with an impossible state or reading; padding is not reported."""
        n = len(block.usubjid)
        require_healthy(self.model, jax.tree.map(lambda rows: rows[:, :n], state), block.usubjid.tolist())
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


def _read(tree: Any) -> Any:
    """Return arrays of a cycle as NumPy arrays; in the same memory where they already are in this machine's."""
    return jax.tree.map(np.asarray, tree)


def _joined(records: list[Tree]) -> Tree:
    """Return weekly records (weeks, ...) of many blocks as (all weeks, ...)."""
    out: Tree = {k: np.concatenate([r[k] for r in records]) for k in records[0] if k != "clinic"}
    out["clinic"] = {k: np.concatenate([r["clinic"][k] for r in records]) for k in records[0]["clinic"]}
    return out
