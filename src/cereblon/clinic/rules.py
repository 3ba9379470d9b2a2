"""The numbers of the site: `rules.tsv` (id, value, unit, status, source, note), and `Site`, a value of them all."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, TypeAlias

from cereblon.errors import CereblonError, nearest

STATUSES = ("measured", "derived", "recalled", "calibrated", "assumed")
Numbers: TypeAlias = Mapping[str, Any]
"""The site's numbers by id: a `Site`, or in the compiled cycle its values as arrays."""


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


class Site(Mapping[str, float]):
    """Every number of the site by id, as one unchangeable value: limits, hazards, errors of measurement."""

    def __init__(self, values: Mapping[str, float]) -> None:
        """Take a value for every id; `packaged` and `replace` make them."""
        self._values = dict(values)

    @classmethod
    def packaged(cls) -> Site:
        """Return the numbers of rules.tsv."""
        return cls({name: row.value for name, row in rules().items()})

    def replace(self, changes: Mapping[str, float]) -> Site:
        """Return a site with some numbers changed. Raises CereblonError naming the nearest id for an unknown one."""
        for name in changes:
            self[name]
        return Site({**self._values, **changes})

    def __getitem__(self, name: str) -> float:
        try:
            return self._values[name]
        except KeyError:
            raise CereblonError(f"site: no number is called '{name}'{nearest(name, self._values)}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)
