"""Reading parameters.tsv and drugs.tsv: every cell checked, every error with its line."""

from __future__ import annotations

import csv
import math
from dataclasses import fields
from importlib.resources import files

from cereblon.errors import CereblonError, nearest

from .documents import Drug, Parameter

DISTRIBUTIONS = ("none", "lognormal", "logitnormal", "normal")
STATUSES = ("measured", "derived", "calibrated", "assumed", "covariate")
EVIDENCE = ("read", "recalled", "dossier", "assumed")


class TableError(CereblonError):
    """A row of a table is wrong."""


def _rows(text: str, name: str, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    lines = text.splitlines()
    if not lines:
        raise TableError(f"{name}: empty; expected a header line with {', '.join(columns)}")
    header = lines[0].split("\t")
    for column in columns:
        if column not in header:
            raise TableError(f"{name}:1: column '{column}' is missing; found {', '.join(header)}")
    out = []
    for number, cells in enumerate(csv.reader(lines[1:], delimiter="\t", quoting=csv.QUOTE_NONE), start=2):
        if not any(cells) or cells[0].startswith("#"):
            continue
        if len(cells) > len(header):
            raise TableError(f"{name}:{number}: {len(cells)} cells; expected {len(header)}")
        out.append((number, dict(zip(header, cells + [""] * (len(header) - len(cells)), strict=True))))
    return out


def _number(text: str, place: str, column: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise TableError(f"{place}: {column} '{text}' is not a number") from None
    if not math.isfinite(value):
        raise TableError(f"{place}: {column} '{text}' is not finite")
    return value


def _choice(text: str, place: str, column: str, choices: tuple[str, ...]) -> str:
    if text not in choices:
        raise TableError(f"{place}: {column} '{text}'; expected one of {', '.join(choices)}{nearest(text, choices)}")
    return text


def read_parameters(text: str, name: str = "parameters.tsv") -> dict[str, Parameter]:
    """Rows of a parameter table by id. Raises TableError with file and line, also for a missing unit or source."""
    columns = tuple(f.name for f in fields(Parameter) if f.name not in ("file", "line"))
    out: dict[str, Parameter] = {}
    for number, row in _rows(text, name, columns):
        place = f"{name}:{number}"
        identifier = row["id"]
        if not identifier.isidentifier():
            raise TableError(f"{place}: id '{identifier}' is not a name")
        if identifier in out:
            raise TableError(f"{place}: '{identifier}' is already defined in line {out[identifier].line}")
        for column in ("unit", "source"):
            if not row[column].strip():
                raise TableError(f"{place}: parameter '{identifier}' has no {column}")
        distribution = _choice(row["distribution"] or "none", place, "distribution", DISTRIBUTIONS)
        spread = _number(row["spread"] or "0", place, "spread")
        if spread < 0 or (distribution == "none" and spread != 0):
            raise TableError(f"{place}: spread {spread:g} of '{identifier}' does not fit distribution '{distribution}'")
        value = _number(row["value"], place, "value")
        if distribution == "lognormal" and value <= 0:
            raise TableError(f"{place}: value {value:g} of '{identifier}' must be positive for a lognormal")
        if distribution == "logitnormal" and not 0 < value < 1:
            raise TableError(f"{place}: value {value:g} of '{identifier}' must lie between 0 and 1 for a logitnormal")
        out[identifier] = Parameter(
            id=identifier,
            value=value,
            unit=row["unit"].strip(),
            distribution=distribution,
            spread=spread,
            group=row["group"],
            status=_choice(row["status"], place, "status", STATUSES),
            source=row["source"],
            evidence=_choice(row["evidence"], place, "evidence", EVIDENCE),
            organ=row["organ"],
            note=row["note"],
            file=name,
            line=number,
        )
    return out


def read_drugs(text: str, name: str = "drugs.tsv") -> dict[str, Drug]:
    """Rows of a drug table by drug name."""
    columns = tuple(f.name for f in fields(Drug))
    out: dict[str, Drug] = {}
    for number, row in _rows(text, name, columns):
        place = f"{name}:{number}"
        out[row["drug"]] = Drug(
            drug=row["drug"],
            species=row["species"],
            unit=row["unit"],
            equivalence=_number(row["equivalence"] or "1", place, "equivalence"),
            max_daily=_number(row["max_daily"], place, "max_daily"),
            route=row["route"],
            source=row["source"],
        )
    return out


def packaged_table(name: str) -> str:
    """Text of a table of the package's biology folder, or an empty string where there is none."""
    entry = files("cereblon").joinpath("biology").joinpath(name)
    return entry.read_text(encoding="utf-8") if entry.is_file() else ""
