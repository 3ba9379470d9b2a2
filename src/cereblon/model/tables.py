"""Reading the tables of the model: every cell checked, every error with its line."""

from __future__ import annotations

import math
import re
from dataclasses import fields
from importlib.resources import files

from cereblon.antimony.lexer import MOST_BYTES, reserved
from cereblon.documents.numbers import decimal
from cereblon.errors import LONGEST_WORD, CereblonError, listed, nearest, printable, visible

from .documents import Parameter

DISTRIBUTIONS = ("none", "lognormal", "logitnormal", "normal")
STATUSES = ("measured", "derived", "calibrated", "assumed", "covariate")
EVIDENCE = ("read", "recalled", "dossier", "assumed")
LONGEST_CELL = 10_000  # characters; the longest packaged one has under 1,000
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
_UNIT = re.compile(r"(?!.*/[/*])[A-Za-z0-9_][A-Za-z0-9_ ./*^()+-]{0,199}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class TableError(CereblonError):
    """A row of a table is wrong."""


def rows(text: str, name: str, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    """Lines of a table with tabs as (line from 1, column -> cell). Raises TableError with file and line."""
    lines = _lines(text, name)
    header = lines[0].split("\t")
    for column in columns:
        if column not in header:
            near = nearest(column, header)
            raise TableError(f"{name}:1: column '{column}' is missing; found {listed(header)}{near}")
    out = []
    for number, line in enumerate(lines[1:], start=2):
        cells = line.split("\t")
        if not any(cells) or cells[0].startswith("#"):
            continue
        if len(cells) > len(header):
            raise TableError(f"{name}:{number}: {len(cells)} cells; expected {len(header)}")
        for column, cell in zip(header, cells, strict=False):
            _refuse_cell(cell, f"{name}:{number}", column)
        out.append((number, dict(zip(header, cells + [""] * (len(header) - len(cells)), strict=True))))
    return out


def _lines(text: str, name: str) -> list[str]:
    """The lines of a table; a byte order mark and the line ends of other systems are taken off."""
    if len(text) > MOST_BYTES:
        raise TableError(f"{name}: longer than {MOST_BYTES:,} characters; expected a shorter table")
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise TableError(f"{name}: empty; expected a header line with tabs between its columns")
    return text.split("\n")


def _refuse_cell(cell: str, place: str, column: str) -> None:
    if len(cell) > LONGEST_CELL:
        where = f"{place}: {printable(column)}"
        raise TableError(f"{where}: a cell of {len(cell):,} characters; expected at most {LONGEST_CELL:,}")
    control = _CONTROL.search(cell)
    if control:
        raise TableError(f"{place}: {printable(column)}: control character {visible(control.group())}; expected text")


def cell_number(text: str, place: str, column: str) -> float:
    """The number that a cell holds: decimal digits of ASCII, for float() takes 1_0 and digits of any script too."""
    value = decimal(text)
    if value is None:
        raise TableError(f"{place}: {column} '{_cut(text)}' is not a number")
    if not math.isfinite(value):
        raise TableError(f"{place}: {column} '{_cut(text)}' is not finite")
    return value


def _cut(text: str) -> str:
    return printable(text, LONGEST_WORD)


def _unit(text: str, place: str) -> str:
    """The unit that a cell holds. It becomes a part of the model text, so that nothing but a unit may pass."""
    unit = text.strip()
    if not _UNIT.fullmatch(unit) or reserved(unit):
        raise TableError(f"{place}: unit '{_cut(unit)}'; expected a unit such as per_day, or mole / litre")
    return unit


def choice(text: str, place: str, column: str, choices: tuple[str, ...]) -> str:
    """Return a cell that is one of `choices`. Raises TableError with the nearest."""
    if text not in choices:
        raise TableError(
            f"{place}: {column} '{_cut(text)}'; expected one of {', '.join(choices)}{nearest(text, choices)}"
        )
    return text


def read_parameters(text: str, name: str = "parameters.tsv") -> dict[str, Parameter]:
    """Rows of a parameter table by id. Raises TableError with file and line, also for a missing unit or source."""
    columns = tuple(f.name for f in fields(Parameter) if f.name not in ("file", "line"))
    out: dict[str, Parameter] = {}
    for number, row in rows(text, name, columns):
        place = f"{name}:{number}"
        identifier = row["id"]
        if not _NAME.fullmatch(identifier) or reserved(identifier):
            raise TableError(f"{place}: id '{_cut(identifier)}' is not a name; expected letters, digits and _")
        if identifier in out:
            raise TableError(f"{place}: '{identifier}' is already defined in line {out[identifier].line}")
        for column in ("unit", "source"):
            if not row[column].strip():
                raise TableError(f"{place}: parameter '{identifier}' has no {column}")
        distribution = choice(row["distribution"] or "none", place, "distribution", DISTRIBUTIONS)
        spread = cell_number(row["spread"] or "0", place, "spread")
        if spread < 0 or (distribution == "none" and spread != 0):
            raise TableError(f"{place}: spread {spread:g} of '{identifier}' does not fit distribution '{distribution}'")
        value = cell_number(row["value"], place, "value")
        if distribution == "lognormal" and value <= 0:
            raise TableError(f"{place}: value {value:g} of '{identifier}' must be positive for a lognormal")
        if distribution == "logitnormal" and not 0 < value < 1:
            raise TableError(f"{place}: value {value:g} of '{identifier}' must lie between 0 and 1 for a logitnormal")
        out[identifier] = Parameter(
            id=identifier,
            value=value,
            unit=_unit(row["unit"], place),
            distribution=distribution,
            spread=spread,
            group=row["group"],
            status=choice(row["status"], place, "status", STATUSES),
            source=row["source"],
            evidence=choice(row["evidence"], place, "evidence", EVIDENCE),
            organ=row["organ"],
            note=row["note"],
            file=name,
            line=number,
        )
    return out


def packaged_table(name: str) -> str:
    """Text of a table of the package's biology folder, or an empty string where there is none."""
    entry = files("cereblon").joinpath("biology").joinpath(name)
    return entry.read_text(encoding="utf-8") if entry.is_file() else ""
