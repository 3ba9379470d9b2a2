"""Read the documents of the virtual patients: margins, regression effects, score shifts and a copula.

Every number carries unit, status, source and evidence; a row without them is refused. Ids such as
``POP-017`` point into ``evidence.tsv``, the table of published figures that the margins rest on.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from cereblon.errors import CereblonError, nearest

SETTINGS = ("untreated", "relapsed", "after_induction")
"""Settings with margins: untreated needing therapy; relapsed or refractory; 3 months after an induction."""

STATUSES = ("measured", "derived", "calibrated", "assumed")
EVIDENCE = ("read", "recalled", "dossier", "assumed")


@dataclass(frozen=True)
class Margin:
    """One distribution: `value` is the median (mean for ``normal``), `spread` is read on the scale named."""

    scale: str
    value: float
    spread: float
    low: float
    high: float


@dataclass(frozen=True)
class Shift:
    """How a score of `trait` moves, in standard deviations, per unit of a centred `predictor`."""

    trait: str
    predictor: str
    value: float


@dataclass(frozen=True)
class Documents:
    """All numbers of the joint model, by name."""

    margins: Mapping[str, Mapping[str, Margin]]
    """setting -> quantity -> margin"""
    effects: Mapping[str, float]
    shifts: tuple[Shift, ...]
    copula: Mapping[tuple[str, str], float]
    """pair of traits -> correlation of their normal scores"""


def read_rows(name: str) -> list[dict[str, str]]:
    """Return the rows of a packaged document; refuse rows without status, source or evidence."""
    text = (files(__package__) / name).read_text(encoding="utf-8")
    return parse_rows(name, text)


def parse_rows(name: str, text: str) -> list[dict[str, str]]:
    """Parse tab-separated `text`; raise `CereblonError` naming line and field when a row is incomplete."""
    rows = list(csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))
    for line, row in enumerate(rows, start=2):
        allowed = {"status": STATUSES, "evidence": EVIDENCE}
        for field in ("value", "unit", "status", "source", "evidence"):
            if field in row and not row[field]:
                raise CereblonError(f"{name}:{line}: {field} is empty, expected text")
            if field in allowed and row.get(field) not in allowed[field]:
                raise CereblonError(
                    f"{name}:{line}: {field} is {row.get(field)!r}, expected one of {', '.join(allowed[field])}"
                )
    return rows


def _number(text: str, default: float) -> float:
    return float(text) if text else default


@cache
def load_documents() -> Documents:
    """Read the packaged documents once."""
    margins: dict[str, dict[str, Margin]] = {setting: {} for setting in SETTINGS}
    for row in read_rows("margins.tsv"):
        margins[row["setting"]][row["quantity"]] = Margin(
            scale=row["scale"],
            value=float(row["value"]),
            spread=_number(row["spread"], 0.0),
            low=_number(row["low"], float("-inf")),
            high=_number(row["high"], float("inf")),
        )
    return Documents(
        margins=margins,
        effects={row["id"]: float(row["value"]) for row in read_rows("effects.tsv")},
        shifts=tuple(Shift(row["trait"], row["predictor"], float(row["value"])) for row in read_rows("shifts.tsv")),
        copula={(row["a"], row["b"]): float(row["value"]) for row in read_rows("copula.tsv")},
    )


def check_setting(setting: str) -> str:
    """Return `setting` if it has margins; raise `CereblonError` otherwise."""
    if setting not in SETTINGS:
        raise CereblonError(
            f"setting: {setting!r} is unknown, expected one of {', '.join(SETTINGS)}{nearest(setting, SETTINGS)}"
        )
    return setting
