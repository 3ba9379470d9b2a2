"""A record with what can be read from it: outcomes of each arm, comparison with print, summary. Computed once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cereblon.clinic.trial.check import trial_warnings
from cereblon.outcomes.compare import Comparison, compare, summary_object
from cereblon.outcomes.data import ArmData, arm_data
from cereblon.study.record import Record


@dataclass(frozen=True)
class Analysis(Record):
    """The record of a trial and its outcomes."""

    @cached_property
    def arms(self) -> Mapping[str, ArmData]:
        """Per-subject outcomes of each simulated arm, in the order of the design."""
        return arm_data(self)

    @cached_property
    def comparisons(self) -> tuple[Comparison, ...]:
        """Every endpoint of every arm: published value, simulated median and 90 % interval."""
        return compare(self, self.arms)

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What `cereblon check` warns of in the trial that was run, a line each; empty for a clean document."""
        return trial_warnings(self.trial)

    def summary(self) -> dict[str, Any]:
        """Return {"trial": ID, "twins": BOOL, "arms": {ARM: {ENDPOINT: {...}}}, "warnings": [...]}.

        Percentages are 0-100, PFS is in months.
        """
        return {**summary_object(self, self.comparisons), "warnings": list(self.warnings)}
