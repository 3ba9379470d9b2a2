"""The packaged tables beside the model's own: site numbers, covariate effects, correlations and priors, as rows.

Every number is a `Parameter` of the model, whatever table it stands in: value, spread, unit, status and source.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from cereblon.documents.numbers import decimal
from cereblon.errors import CereblonError, printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cereblon.model import Parameter

SITE: Final = "clinic/rules.tsv"
EFFECTS: Final = "patients/effects.tsv"
CORRELATIONS: Final = "parameters/correlations.tsv"
PRIORS: Final = "biology/priors.tsv"


@dataclass(frozen=True)
class Prior:
    """Uncertainty of a shared parameter: spread on the scale of `distribution`, clipped to low-high."""

    id: str
    distribution: str
    spread: float
    low: float
    high: float
    reason: str


@cache
def packaged_rows(table: str) -> Mapping[str, Parameter]:
    """Return the rows of a packaged table (a path inside the package) by id. Raises CereblonError."""
    text = files("cereblon").joinpath(table).read_text(encoding="utf-8")
    return MappingProxyType(read_rows(text, table.rpartition("/")[2]))


@cache
def packaged_priors() -> Mapping[str, Prior]:
    """Return the uncertainty of shared parameters by id."""
    out: dict[str, Prior] = {}
    text = files("cereblon").joinpath(PRIORS).read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE):
        low, high = (float(row[k]) if row[k] else d for k, d in (("low", -1e30), ("high", 1e30)))
        out[row["id"]] = Prior(row["id"], row["distribution"], float(row["spread"]), low, high, row["reason"])
    return MappingProxyType(out)


def read_rows(text: str, name: str) -> dict[str, Parameter]:
    """Return the rows of a table whose first column is the id, and one of whose columns is `value`, by id.

    The columns of a `Parameter` that the table does not have keep their defaults; an empty unit is a pure number.
    Raises CereblonError with file and line for a bad number, a row without source, or an id given twice.
    """
    from cereblon.model import Parameter  # comes with the numerical libraries, which a check of a trial does without

    out: dict[str, Parameter] = {}
    reader = csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    first = (reader.fieldnames or ("",))[0]
    for line, row in enumerate(reader, start=2):
        cells = {column: cell or "" for column, cell in row.items()}
        key, place = cells[first], f"{name}:{line}"
        if key in out:
            raise CereblonError(f"{place}: '{printable(key)}' is given twice, first in line {out[key].line}")
        if not cells.get("source"):
            raise CereblonError(f"{place}: '{printable(key)}' has no source")
        out[key] = Parameter(
            id=key,
            value=number(cells.get("value", ""), place, "value"),
            unit=cells.get("unit") or "1",
            distribution=cells.get("distribution") or "none",
            spread=number(cells.get("spread") or "0", place, "spread"),
            status=cells.get("status") or "assumed",
            source=cells["source"],
            evidence=cells.get("evidence") or "assumed",
            note=cells.get("note", ""),
            file=name,
            line=line,
        )
    return out


def number(text: str, place: str, column: str) -> float:
    """Return the finite number that a cell holds: digits of ASCII, for float() takes 1_0 and digits of any script too.

    Raises CereblonError with the place of the cell.
    """
    value = decimal(text)
    if value is None:
        raise CereblonError(f"{place}: {column} '{printable(text, 60)}': expected a number")
    if not math.isfinite(value):
        raise CereblonError(f"{place}: {column} '{printable(text, 60)}': expected a finite number")
    return value
