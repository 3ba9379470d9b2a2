"""What a finished study is: its tables, and the verbs that read them.

The data class is plain so that `cereblon.study` can build it; the verbs import outcomes and report when
called.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cereblon.arguments import path, shown
from cereblon.checkpoint import checkpoint_folder, clear_checkpoint
from cereblon.errors import CereblonError, nearest
from cereblon.target_lock import TargetLock, resolve

if TYPE_CHECKING:
    import polars as pl

    from cereblon.clinic.design import Trial
    from cereblon.outcomes.compare import Comparison
    from cereblon.outcomes.data import ArmData
    from cereblon.parameters import ParameterSet
    from cereblon.report.plots import Plots


@dataclass(frozen=True)
class StudyResult:
    """A simulated trial.

    trial: the design that was run; seed: of every random draw; patients: subjects simulated in each arm;
    parameters: every number that it was run with; overrides: those set by the user, in their units; tables: name ->
    table with the columns of `cereblon.columns.TABLES` (visits may be a lazy scan of files on disk); meta: versions,
    hashes and timings; twins: the arms hold the same people (equal TWIN), not different ones; lock: the right to write
    the folder that was planned for it.
    """

    trial: Trial
    seed: int
    patients: int
    tables: Mapping[str, pl.DataFrame | pl.LazyFrame]
    parameters: ParameterSet | None = field(default=None, repr=False)
    overrides: Mapping[str, float] = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)
    twins: bool = False
    lock: TargetLock | None = field(default=None, repr=False, compare=False)

    def scan(self, name: str) -> pl.LazyFrame:
        """Return one table as a lazy frame, without reading it; raises CereblonError for an unknown name."""
        if not isinstance(name, str) or name not in self.tables:
            known = ", ".join(self.tables)
            name = shown(name).strip("'")
            raise CereblonError(f"table '{name}': not in this result; there are {known}{nearest(name, self.tables)}")
        return self.tables[name].lazy()

    def table(self, name: str) -> pl.DataFrame:
        """Return one table: subjects, visits, exposure, response, adverse_events or time_to_event."""
        return self.scan(name).collect()

    @cached_property
    def arms(self) -> Mapping[str, ArmData]:
        """Per-subject outcomes of each simulated arm, in the order of the design."""
        from cereblon.outcomes.data import arm_data

        return arm_data(self)

    @cached_property
    def comparisons(self) -> tuple[Comparison, ...]:
        """Every endpoint of every arm: published value, simulated median and 90 % interval."""
        from cereblon.outcomes.compare import compare

        return compare(self)

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What `cereblon check` warns of in the trial that was run, a line each; empty for a clean document."""
        from cereblon.clinic.lint import trial_warnings

        return trial_warnings(self.trial)

    def summary(self) -> dict[str, Any]:
        """Return {"trial": ID, "twins": BOOL, "arms": {ARM: {ENDPOINT: {...}}}, "warnings": [...]}.

        Percentages are 0-100, PFS is in months.
        """
        from cereblon.outcomes.compare import summary_object

        return {**summary_object(self), "warnings": list(self.warnings)}

    @property
    def plot(self) -> Plots:
        """Figures: kaplan_meier, waterfall, swimmer, trajectories, dose, toxicity, comparison."""
        from cereblon.report.plots import Plots

        return Plots(self)

    def save(self, folder: str | Path, *, force: bool = False) -> Path:
        """Write the run folder (tables, run.json, summary.json, report.html) and return its path.

        folder: a new place, an empty folder, or one with an earlier run of the same request (trial, patients, seed,
        arms, parameters); force: also one with a run of another request.

        All files are written to a temporary sibling that takes its place at the end, so that a folder is complete
        or absent. The blocks that `run` kept beside this folder are then removed. Raises CereblonError when the
        folder cannot be written, holds something other than a run, or another run is writing it.
        """
        import polars as pl

        from cereblon.report.folder import write_run
        from cereblon.report.target import check_target

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
