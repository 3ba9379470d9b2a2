"""Run a trial: virtual cohort x arms x 28-day cycles -> tables.

Subjects are simulated in blocks of LANES, always at that padded size and by one compiled cycle, so a subject's numbers
do not depend on who shares the block, on the number of subjects, cores or arms. Each finished block is on disk before
the next is counted: a run that is killed goes on from there and ends in the same tables.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np
import polars as pl

from cereblon import arguments
from cereblon.clinic.trial.trial import Trial
from cereblon.engine import NumericalError
from cereblon.environment import check_environment
from cereblon.errors import CereblonError, nearest
from cereblon.model import Model, load_model
from cereblon.parameters import ParameterSet
from cereblon.storage.lock import TargetLock
from cereblon.study.block import BlockRunner
from cereblon.study.checkpoint import Checkpoint, TemporaryBlocks
from cereblon.study.drugs import trial_model
from cereblon.study.fingerprints import simulating_code
from cereblon.study.population import plan_trial
from cereblon.study.population import population_of as population_of
from cereblon.study.program import LANES
from cereblon.study.quantities import measures
from cereblon.study.record import Record
from cereblon.study.subjects import SubjectBlock
from cereblon.study.tables import TABLES_WRITTEN
from cereblon.study.target import check_target
from cereblon.study.visits import VisitWriter
from cereblon.version import __version__

DEFAULT_PATIENTS = 500
ARM_STRIDE = 1_000_000
"""USUBJID of subject i (from 1) in arm a (from 0) of the design is a * ARM_STRIDE + i, whichever arms are run."""
PATIENCE = 2.0
"""Seconds that an interrupted run waits for its threads; one that compiles cannot be stopped."""
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class StudyPlan:
    """Everything that decides the numbers of a run."""

    trial: Trial
    patients: int
    seed: int
    arms: tuple[int, ...]
    parameters: ParameterSet
    overrides: Mapping[str, float]
    twins: bool

    def fingerprint(self, model: Model) -> str:
        """Text that is equal only for runs with equal results."""
        content = {
            "trial": self.trial.blind().model_dump(mode="json"),
            "patients": self.patients,
            "seed": self.seed,
            "arms": self.arms,
            "twins": self.twins,
            "parameters": self.parameters.id,
            "model": model.fingerprint,
            "lanes": LANES,
            "code": simulating_code(),
            "libraries": (jax.__version__, np.__version__, pl.__version__),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def simulate_trial(
    trial: Trial,
    *,
    patients: int | None = None,
    seed: int = 1,
    arms: Sequence[str] | None = None,
    parameters: ParameterSet | None = None,
    overrides: Mapping[str, float] | None = None,
    twins: bool = False,
    out: str | Path | None = None,
    progress: Progress | None = None,
) -> Record:
    """Simulate a trial.

    trial: from `load_trial`; patients: subjects in each arm (default 500); seed: of every random draw; arms: arm ids
    (default all); parameters: a set of every number (default: the packaged ones); overrides: numbers to change in it,
    by name and in their own unit; twins: the same people in every arm, for contrasts
    within persons (default: each arm has its own people, as in a trial); out: the run folder planned for the result,
    beside which finished blocks are kept until it is saved, so that an interrupted run goes on, and which no
    other run may have meanwhile; progress: called with (done, total, words).

    Returns the record with its tables. The published outcomes of the trial are not read. Raises CereblonError
    for an argument of the wrong kind, an unknown arm or parameter, impossible values, a population that no cohort can
    have, a subject whose state left the possible range, or an `out` that another run is writing or that holds anything
    but a run.
    """
    arguments.instance("trial", trial, Trial, "a trial from cereblon.load_trial")
    arguments.callback("progress", progress)
    folder = None if out is None else arguments.path("out", out)
    check_environment()
    lock = None
    if folder is not None:
        check_target(folder)
        lock = TargetLock(folder)
    try:
        return _run(trial, patients, seed, arms, parameters, overrides, twins, folder, progress or _silent, lock)
    except BaseException:
        if lock is not None:
            lock.release()
        raise


def _silent(done: int, total: int, words: str) -> None:
    """Show no progress."""


def _run(
    trial: Trial,
    patients: int | None,
    seed: int,
    arms: Sequence[str] | None,
    parameters: ParameterSet | None,
    overrides: Mapping[str, float] | None,
    twins: bool,
    out: Path | None,
    say: Progress,
    lock: TargetLock | None,
) -> Record:
    began = time.perf_counter()
    say(0, 1, "loading the model")
    model = trial_model(trial)
    plan = _plan(trial, patients, seed, arms, parameters, overrides, twins, model)
    plan_trial(trial, plan.parameters.effects)  # before anything is compiled or written
    runner = BlockRunner(
        plan.trial.blind(),
        population_of(trial),
        _shared(model, plan),
        plan.parameters,
        plan.seed,
        model,
        LANES,
    )
    blocks, written = _blocks(plan), measures(model)
    checkpoint = Checkpoint(out, plan.fingerprint(model))
    try:
        visits = VisitWriter(checkpoint.folder / "visits", written)
        _simulate(runner, blocks, checkpoint, visits, say)
        order = [block.index for block in blocks]
        tables: dict[str, pl.DataFrame | pl.LazyFrame] = {name: checkpoint.read(name, order) for name in TABLES_WRITTEN}
        tables["visits"] = visits.scan(order)
    except BaseException as error:
        checkpoint.abandon()
        if isinstance(error, NumericalError) and plan.overrides:
            changed = ", ".join(f"{name}={value:g}" for name, value in plan.overrides.items())
            raise CereblonError(f"{error}; the run changed {changed}") from None
        if isinstance(error, OSError):
            raise checkpoint.unwritable(error) from None
        raise
    meta = {
        "cereblon": __version__,
        "model": model.fingerprint,
        "code": simulating_code()[:16],
        "parameter_set": plan.parameters.id,
        "seconds": round(time.perf_counter() - began, 3),
        "blocks": len(blocks),
        "lanes": LANES,
    }
    return Record(
        trial=trial,
        seed=plan.seed,
        patients=plan.patients,
        tables=tables,
        parameters=plan.parameters,
        overrides=dict(plan.overrides),
        meta=meta,
        measures=written,
        twins=plan.twins,
        lock=lock,
        blocks=TemporaryBlocks(checkpoint.folder) if checkpoint.temporary else None,
    )


def _plan(
    trial: Trial,
    patients: int | None,
    seed: int,
    arms: Sequence[str] | None,
    parameters: ParameterSet | None,
    overrides: Mapping[str, float] | None,
    twins: bool,
    model: Model,
) -> StudyPlan:
    known = [arm.id for arm in trial.arms]
    chosen = arguments.words("arms", known if arms is None else arms, known[0])
    if not chosen:
        raise CereblonError(f"arms: expected at least one of {', '.join(known)}")
    for arm in chosen:
        if arm not in known:
            raise CereblonError(f"arm {arguments.shown(arm)}: {trial.id} has {', '.join(known)}{nearest(arm, known)}")
    count = arguments.whole("patients", DEFAULT_PATIENTS if patients is None else patients, 1, ARM_STRIDE - 1)
    if not isinstance(twins, bool):
        raise CereblonError(f"twins: {twins!r}: expected True or False")
    seed = arguments.whole("seed", seed, 0)
    given, changed = _given(parameters, overrides, model, trial.drug_folders)
    return StudyPlan(trial, count, seed, tuple(sorted({known.index(a) for a in chosen})), given, changed, twins)


def _given(
    parameters: ParameterSet | None,
    overrides: Mapping[str, float] | None,
    model: Model,
    folders: Sequence[Path],
) -> tuple[ParameterSet, dict[str, float]]:
    """Return the numbers of the run, and which of them were set."""
    values = arguments.numbers("overrides", {} if overrides is None else overrides)
    packaged = ParameterSet.packaged(model)
    if parameters is not None:
        arguments.instance("parameters", parameters, ParameterSet, "a ParameterSet, as of cereblon.read_params")
        values = {**_of_model(parameters, packaged, folders), **values}
    return packaged.replace(values), values


def _of_model(parameters: ParameterSet, packaged: ParameterSet, folders: Sequence[Path]) -> dict[str, float]:
    """Return what a set changes in the numbers of this run, which has the drugs of its trial alone.

    Raises CereblonError for a changed number of a drug that is not given: it would have no effect.
    """
    absent = parameters.numbers.keys() - packaged.numbers.keys()
    whole = ParameterSet.packaged(load_model(None, folders)).numbers if absent else {}
    for name in sorted(absent):
        if parameters.numbers[name] != whole.get(name):
            raise CereblonError(f"parameter {name}: is of no drug that this trial gives; expected its packaged value")
    return {
        name: value
        for name, value in parameters.numbers.items()
        if name in packaged.numbers and value != packaged.numbers[name]
    }


def _shared(model: Model, plan: StudyPlan) -> dict[str, float]:
    return {name: plan.parameters.values[name] for name in model.shared}


def _blocks(plan: StudyPlan) -> list[SubjectBlock]:
    arm = np.repeat(np.array(plan.arms), plan.patients)
    place = np.tile(np.arange(1, plan.patients + 1), len(plan.arms))
    usubjid = arm * ARM_STRIDE + place
    # who is drawn depends on the arm's place in the design and on nothing else that is run
    number = place if plan.twins else usubjid
    cuts = range(0, len(arm), LANES)
    return [
        SubjectBlock(i, arm[c : c + LANES], number[c : c + LANES], usubjid[c : c + LANES]) for i, c in enumerate(cuts)
    ]


def worker_count(blocks: int) -> int:
    """Return how many blocks are simulated at a time: one per core of the machine."""
    return max(1, min(os.cpu_count() or 1, blocks))


class _Stopped(Exception):
    """Ends the thread of a block when the run ends early."""


def _simulate(
    runner: BlockRunner,
    blocks: list[SubjectBlock],
    checkpoint: Checkpoint,
    visits: VisitWriter,
    say: Progress,
) -> None:
    todo = [b for b in blocks if not checkpoint.has(b.index, TABLES_WRITTEN)]
    cycles = runner.blocks
    steps = {b.index: 0 if b in todo else cycles for b in blocks}
    total = cycles * len(blocks)
    compiled = threading.Event()
    stop = threading.Event()

    def one(block: SubjectBlock) -> None:
        def tick(cycle: int) -> None:
            compiled.set()
            steps[block.index] = cycle
            if stop.is_set():
                raise _Stopped

        # values that the model cannot take are reported as such, not as warnings of the arithmetic
        with np.errstate(all="ignore"):
            frames, days, values, present = runner.run(block, tick)
        tick(cycles)
        checkpoint.keep(block.index, frames)
        visits.write(block.index, block.usubjid, block.number, days, values, present)
        checkpoint.finish(block.index, TABLES_WRITTEN)

    pool = ThreadPoolExecutor(max_workers=worker_count(len(todo)))
    waiting = {pool.submit(one, block) for block in todo}
    try:
        while waiting:
            finished, waiting = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
            for future in finished:
                future.result()
            say(sum(steps.values()), total, "simulating" if compiled.is_set() else "compiling")
    except BaseException:
        stop.set()
        pool.shutdown(wait=False, cancel_futures=True)
        wait(waiting, timeout=PATIENCE)
        raise
    pool.shutdown()
