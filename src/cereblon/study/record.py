"""The record of a finished trial: what was run, with what, and its tables. It has no opinion about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from cereblon.arguments import shown
from cereblon.clinic.trial.trial import Trial
from cereblon.columns import ARM, MEASURES, Measure
from cereblon.errors import CereblonError, nearest
from cereblon.parameters import ParameterSet
from cereblon.storage.lock import TargetLock
from cereblon.study.checkpoint import TemporaryBlocks


@dataclass(frozen=True)
class Record:
    """A simulated trial.

    trial: the design that was run; seed: of every random draw; patients: subjects simulated in each arm;
    parameters: every number that it was run with; overrides: those set by the user, in their units; tables: name ->
    table with the columns of `cereblon.columns.TABLES` (visits may be a lazy scan of files on disk); meta: versions,
    hashes and timings; twins: the arms hold the same people (equal TWIN), not different ones; measures: PARAMCD of the
    visits -> what it is; lock: the right to write the folder that was planned for it; blocks: keeps the temporary files
    alive that a lazy table reads.
    """

    trial: Trial
    seed: int
    patients: int
    tables: Mapping[str, pl.DataFrame | pl.LazyFrame]
    parameters: ParameterSet | None = field(default=None, repr=False)
    overrides: Mapping[str, float] = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)
    twins: bool = False
    measures: Mapping[str, Measure] = field(default_factory=lambda: MEASURES, repr=False)
    lock: TargetLock | None = field(default=None, repr=False, compare=False)
    blocks: TemporaryBlocks | None = field(default=None, repr=False, compare=False)

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

    @property
    def arm_ids(self) -> tuple[str, ...]:
        """The arms that were simulated, in the order of the design."""
        found = set(self.scan("subjects").select(ARM).unique().collect()[ARM].to_list())
        return tuple(arm.id for arm in self.trial.arms if arm.id in found)
