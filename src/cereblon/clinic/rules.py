"""The numbers of the clinic: `rules.tsv` (id, value, unit, status, source, note), read once."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

from cereblon.errors import CereblonError, nearest

STATUSES = ("measured", "derived", "recalled", "calibrated", "assumed")


@dataclass(frozen=True)
class Rule:
    """One number of the clinic with its unit, status and source."""

    id: str
    value: float
    unit: str
    status: str
    source: str
    note: str


@cache
def rules() -> dict[str, Rule]:
    """Return every rule by id; raises CereblonError for a row without unit or source, or given twice."""
    text = resources.files("cereblon.clinic").joinpath("rules.tsv").read_text(encoding="utf-8")
    found: dict[str, Rule] = {}
    for line, row in enumerate(csv.DictReader(text.splitlines(), delimiter="\t"), start=2):
        at = f"rules.tsv:{line}: {row['id']}"
        if not row["unit"] or not row["source"]:
            raise CereblonError(f"{at} has no unit or no source")
        if row["status"] not in STATUSES:
            raise CereblonError(f"{at} has status '{row['status']}': expected {', '.join(STATUSES)}")
        if row["id"] in found:
            raise CereblonError(f"{at} is given twice")
        fields = (row["unit"], row["status"], row["source"], row["note"] or "")
        found[row["id"]] = Rule(row["id"], float(row["value"]), *fields)
    return found


def rule(name: str) -> float:
    """Return the value of one rule; raises CereblonError naming the nearest rules for an unknown one."""
    table = rules()
    if name not in table:
        raise CereblonError(f"rule '{name}': not in rules.tsv{nearest(name, table)}")
    return table[name].value
