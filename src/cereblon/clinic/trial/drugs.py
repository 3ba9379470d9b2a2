"""The drugs a trial file may name: those of biology/drugs.tsv, with their absurdity limits.

Read here without the model package, so that a trial file can be checked without loading the compiler.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType

_TO_MG = {"mg": 1.0, "ug": 1e-3}


@dataclass(frozen=True)
class Drug:
    """A drug; `max_daily`: mg a day beyond which a dose is taken for a slip of the pen, no recommendation."""

    name: str
    max_daily: float


def _read() -> Mapping[str, Drug]:
    table = (resources.files("cereblon") / "biology" / "drugs.tsv").read_text("utf-8")
    rows = csv.DictReader(table.splitlines(), delimiter="\t")
    drugs = [Drug(row["drug"], float(row["max_daily"]) * _TO_MG[row["unit"]]) for row in rows]
    return MappingProxyType({drug.name: drug for drug in drugs})


DRUGS: Mapping[str, Drug] = _read()
"""Drugs by name."""
