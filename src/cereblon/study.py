"""Run a trial: virtual cohort x arms x 28-day cycles -> tables.

Subjects are simulated in blocks of LANES, always at that padded size and by one compiled cycle, so a subject's numbers
do not depend on who shares the block, on the number of subjects, cores or arms. Each finished block is on disk before
the next is counted: a run that is killed goes on from there and ends in the same tables.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from cereblon.checkpoint import checkpoint_folder
from cereblon.clinic.design import Trial
from cereblon.errors import CereblonError, nearest
from cereblon.model import Model, load_model
from cereblon.patients.population import PRINTED, Eligibility, Population, Printed
from cereblon.result import StudyResult
from cereblon.study_block import BlockRunner, SubjectBlock
from cereblon.study_tables import TABLES_WRITTEN, VISIT_UNITS
from cereblon.visits import VisitWriter

LANES = 256
"""Subjects in a block; smaller blocks are padded to it."""
DEFAULT_PATIENTS = 500
ARM_STRIDE = 1_000_000
"""USUBJID of subject i in arm a is a * ARM_STRIDE + i + 1."""
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class StudyPlan:
    """Everything that decides the numbers of a run."""

    trial: Trial
    patients: int
    seed: int
    arms: tuple[int, ...]
    overrides: Mapping[str, float]

    def fingerprint(self, model: Model) -> str:
        """Text that is equal only for runs with equal results."""
        content = {
            "trial": self.trial.blind().model_dump(mode="json"),
            "patients": self.patients,
            "seed": self.seed,
            "arms": self.arms,
            "overrides": dict(sorted(self.overrides.items())),
            "model": model.fingerprint,
            "lanes": LANES,
            "version": package_version(),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def package_version() -> str:
    """Return the installed version, or "unknown" when run from a source tree that is not installed."""
    try:
        return version("cereblon")
    except PackageNotFoundError:
        return "unknown"


def run(
    trial: Trial,
    *,
    patients: int | None = None,
    seed: int = 1,
    arms: Sequence[str] | None = None,
    overrides: Mapping[str, float] | None = None,
    out: Path | None = None,
    progress: Progress | None = None,
) -> StudyResult:
    """Simulate a trial.

    trial: from `load_trial`; patients: subjects in each arm (default 500); seed: of every random draw; arms: arm ids
    (default all); overrides: parameter -> value in its own unit; out: the run folder planned for the result, beside
    which finished blocks are kept until `StudyResult.save`, so that an interrupted run goes on; progress: called with
    (done, total, words).

    Returns the `StudyResult` with its tables. The published outcomes of the trial are not read. Raises CereblonError
    for an unknown arm or parameter, impossible values, or a subject whose state left the possible range.
    """
    began = time.perf_counter()
    say: Progress = progress or (lambda done, total, words: None)
    say(0, 1, "loading the model")
    model = load_model()
    plan = _plan(trial, patients, seed, arms, overrides or {}, model)
    runner = BlockRunner(
        plan.trial.blind(),
        population_of(trial),
        _shared(model, plan),
        _parameters(model, plan),
        plan.seed,
        model,
        LANES,
    )
    blocks = _blocks(plan)
    folder, temporary = _checkpoint(out, plan.fingerprint(model))
    visits = VisitWriter(folder / "visits", VISIT_UNITS)
    _simulate(runner, blocks, folder, visits, say)
    tables: dict[str, pl.DataFrame | pl.LazyFrame] = {
        name: pl.concat([pl.read_parquet(_part(folder, name, b.index)) for b in blocks])
        for name in TABLES_WRITTEN
    }
    tables["visits"] = visits.scan([b.index for b in blocks])
    meta = {
        "cereblon": package_version(),
        "model": model.fingerprint,
        "parameter_set": hashlib.sha256(repr(sorted(_shared(model, plan).items())).encode()).hexdigest()[:16],
        "seconds": round(time.perf_counter() - began, 3),
        "blocks": len(blocks),
        "lanes": LANES,
    }
    result = StudyResult(
        trial=trial,
        seed=seed,
        patients=plan.patients,
        tables=tables,
        overrides=dict(plan.overrides),
        meta=meta,
    )
    if temporary:  # the visits table reads from disk for as long as the result lives
        weakref.finalize(result, shutil.rmtree, folder, ignore_errors=True)
    return result


def population_of(trial: Trial) -> Population:
    """Return the printed population of a trial document as the cohort reads it."""
    given = trial.population

    def span(item: Any) -> Printed:
        return Printed() if item is None else Printed(item.median, *(item.range or (None, None)))

    printed = {
        key: float(value) for key in PRINTED if (value := getattr(given.printed, key, None)) is not None
    }
    if given.male_pct is not None:
        printed["male_pct"] = float(given.male_pct)
    limits = {
        key: float(value)
        for key in Eligibility.__dataclass_fields__
        if (value := getattr(given.eligibility, key, None)) is not None
    }
    return Population(given.size, span(given.age), span(given.prior_lines), printed, Eligibility(**limits))


def _plan(
    trial: Trial,
    patients: int | None,
    seed: int,
    arms: Sequence[str] | None,
    overrides: Mapping[str, float],
    model: Model,
) -> StudyPlan:
    known = [arm.id for arm in trial.arms]
    chosen = list(known if arms is None else arms)
    for arm in chosen:
        if arm not in known:
            raise CereblonError(f"arm '{arm}': {trial.id} has {', '.join(known)}{nearest(arm, known)}")
    count = DEFAULT_PATIENTS if patients is None else patients
    if not 1 <= count < ARM_STRIDE:
        raise CereblonError(f"patients: {count} is outside 1 to {ARM_STRIDE - 1}")
    for name, value in overrides.items():
        if name not in model.parameters:
            raise CereblonError(
                f"--set {name}: the model has no such parameter{nearest(name, model.parameters)}"
            )
        if not np.isfinite(value):
            raise CereblonError(
                f"--set {name}={value}: expected a finite number of {model.parameters[name].unit}"
            )
    return StudyPlan(trial, count, seed, tuple(sorted({known.index(a) for a in chosen})), dict(overrides))


def _shared(model: Model, plan: StudyPlan) -> dict[str, float]:
    return {name: float(plan.overrides.get(name, model.parameters[name].value)) for name in model.shared}


def _parameters(model: Model, plan: StudyPlan) -> dict[str, Any]:
    """Return the parameter rows with the typical values that the user set."""
    return {
        name: replace(row, value=float(plan.overrides[name])) if name in plan.overrides else row
        for name, row in model.parameters.items()
    }


def _blocks(plan: StudyPlan) -> list[SubjectBlock]:
    arm = np.repeat(np.array(plan.arms), plan.patients)
    number = np.tile(np.arange(1, plan.patients + 1), len(plan.arms))
    usubjid = np.repeat(np.arange(len(plan.arms)), plan.patients) * ARM_STRIDE + number
    cuts = range(0, len(arm), LANES)
    return [
        SubjectBlock(i, arm[c : c + LANES], number[c : c + LANES], usubjid[c : c + LANES])
        for i, c in enumerate(cuts)
    ]


def _checkpoint(out: Path | None, fingerprint: str) -> tuple[Path, bool]:
    """Return the folder of finished blocks, emptied unless it belongs to this very run, and whether it is temporary."""
    if out is None:
        return Path(tempfile.mkdtemp(prefix="cereblon-")), True
    folder = checkpoint_folder(out)
    mark = folder / "fingerprint"
    try:
        if folder.exists() and (not mark.exists() or mark.read_text() != fingerprint):
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        mark.write_text(fingerprint)
    except OSError as error:
        raise CereblonError(f"output folder '{out}': cannot be written ({error.strerror})") from None
    return folder, False


def _part(folder: Path, table: str, block: int) -> Path:
    return folder / f"{table}-{block:06d}.parquet"


def _simulate(
    runner: BlockRunner, blocks: list[SubjectBlock], folder: Path, visits: VisitWriter, say: Progress
) -> None:
    todo = [b for b in blocks if not (folder / f"done-{b.index:06d}").exists()]
    cycles = runner.cycles
    steps = {b.index: cycles for b in blocks if b not in todo}
    total = cycles * len(blocks)
    stop = threading.Event()

    def one(block: SubjectBlock) -> None:
        def tick(cycle: int) -> None:
            if stop.is_set():
                raise KeyboardInterrupt
            steps[block.index] = cycle

        frames, days, values, present = runner.run(block, tick)
        for name, frame in frames.items():
            target = _part(folder, name, block.index)
            partial = target.with_suffix(".partial")
            frame.write_parquet(partial, compression="zstd", compression_level=1)
            partial.rename(target)
        visits.write(block.index, block.usubjid, days, values, present)
        (folder / f"done-{block.index:06d}").touch()

    with ThreadPoolExecutor(max_workers=max(1, min(os.cpu_count() or 1, len(todo) or 1))) as pool:
        waiting = {pool.submit(one, block) for block in todo}
        try:
            while waiting:
                finished, waiting = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
                for future in finished:
                    future.result()
                say(sum(steps.values()), total, "compiling" if not any(steps.values()) else "simulating")
        except BaseException:
            stop.set()
            for future in waiting:
                future.cancel()
            raise
