"""The public face of a simulated trial: `run` makes it, its verbs read it, draw it and save it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import polars as pl

from cereblon.arguments import path
from cereblon.clinic.trial.trial import Trial
from cereblon.outcomes.analysis import Analysis
from cereblon.parameters import ParameterSet
from cereblon.report.folder import write_run
from cereblon.report.plots import Plots
from cereblon.storage.lock import TargetLock, resolve
from cereblon.study.checkpoint import checkpoint_folder, clear_checkpoint
from cereblon.study.run import Progress, simulate_trial
from cereblon.study.target import check_target


@dataclass(frozen=True)
class StudyResult(Analysis):
    """A simulated trial: its tables, outcomes and figures.

    trial: the design that was run; seed: of every random draw; patients: subjects simulated in each arm;
    parameters: every number that it was run with; overrides: those set by the user, in their units; tables: name ->
    table with the columns of `cereblon.columns.TABLES` (visits may be a lazy scan of files on disk); meta: versions,
    hashes and timings; twins: the arms hold the same people (equal TWIN), not different ones.
    """

    @property
    def plot(self) -> Plots:
        """Figures: kaplan_meier, waterfall, swimmer, trajectories, dose, toxicity, comparison."""
        return Plots(self)

    def save(self, folder: str | Path, *, force: bool = False) -> Path:
        """Write the run folder (tables, run.json, summary.json, report.html) and return its path.

        folder: a new place, an empty folder, or one with an earlier run of the same request (trial, patients, seed,
        arms, parameters); force: also one with a run of another request.

        All files are written to a temporary sibling that takes its place at the end, so that a folder is complete
        or absent. The blocks that `run` kept beside this folder are then removed. Raises CereblonError when the
        folder cannot be written, holds something other than a run, or another run is writing it.
        """
        wanted = path("folder", folder)
        lock = self._own_lock(wanted)
        if lock is None:
            check_target(wanted)
            lock = TargetLock(wanted)
        written = None
        try:
            written = write_run(self, wanted, force)
            if checkpoint_folder(written).exists():
                tables = {
                    name: pl.scan_parquet(written / f"{name}.parquet") if isinstance(table, pl.LazyFrame) else table
                    for name, table in self.tables.items()
                }
                object.__setattr__(self, "tables", tables)
                clear_checkpoint(written)
        finally:
            if lock is not self.lock or written is not None:  # a run keeps its place until its result is there
                lock.release()
        return written

    def _own_lock(self, folder: Path) -> TargetLock | None:
        """Return the lock that the run took, where it is for this folder."""
        mine = self.lock is not None and self.lock.held and self.lock.target == resolve(folder)
        return self.lock if mine else None


def run(
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
) -> StudyResult:
    """Simulate a trial.

    trial: from `load_trial`; patients: subjects in each arm (default 500); seed: of every random draw; arms: arm ids
    (default all); parameters: a set of every number (default: the packaged ones); overrides: numbers to change in it,
    by name and in their own unit, the site's included; twins: the same people in every arm, for contrasts
    within persons (default: each arm has its own people, as in a trial); out: the run folder planned for the result,
    beside which finished blocks are kept until `StudyResult.save`, so that an interrupted run goes on, and which no
    other run may have meanwhile; progress: called with (done, total, words).

    Returns the `StudyResult` with its tables. The published outcomes of the trial are not read. Raises CereblonError
    for an argument of the wrong kind, an unknown arm or parameter, impossible values, a population that no cohort can
    have, a subject whose state left the possible range, or an `out` that another run is writing or that holds anything
    but a run.
    """
    record = simulate_trial(
        trial,
        patients=patients,
        seed=seed,
        arms=arms,
        parameters=parameters,
        overrides=overrides,
        twins=twins,
        out=out,
        progress=progress,
    )
    return StudyResult(**{field.name: getattr(record, field.name) for field in fields(record)})
