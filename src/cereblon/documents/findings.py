"""What a check finds, of whatever kind of document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """One finding of a check.

    severity: error or warning; place: file, line and column as far as known, or a name; message: what is wrong and
    what was expected; rule: id of the rule that found it, the same in every run, "valid" for what cannot be read.
    """

    severity: Severity
    place: str
    message: str
    rule: str = "valid"

    def __str__(self) -> str:
        return f"{self.place}: {self.severity}: {self.message}"
