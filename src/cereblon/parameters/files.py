"""A set of parameters as a file: tab-separated id, value and spread, one number exactly as it was."""

from __future__ import annotations

import os
from typing import Final

from cereblon.arguments import instance
from cereblon.arguments import path as checked_path
from cereblon.errors import CereblonError, listed, nearest, printable
from cereblon.storage.output import write_text
from cereblon.storage.reading import read_limited

from .parameter_set import SPREAD, ParameterSet
from .rows import number

COLUMNS: Final = ("id", "value", "spread")
MOST_BYTES: Final = 2_000_000
"""Longest file that is read; params.tsv of a run has about 20,000 bytes."""
_EXPECTED: Final = "a table of parameters: id, value and, if wanted, spread, with tabs between"


def read_params(path: str | os.PathLike[str], base: ParameterSet | None = None) -> ParameterSet:
    """Return `base` (default: the packaged numbers) with what a file changes.

    The file has a header line with the columns id and value, and, if wanted, spread; an empty spread leaves that of
    the parameter as it is, a line that begins with # is a comment. Raises CereblonError with file and line for a
    missing or unknown column, an id that is unknown (with the nearest) or given twice, and a number that is none or
    that the parameter cannot have. The file may come from anybody: it is read as text, within limits.
    """
    file = checked_path("params", path)
    if base is None:
        from cereblon.model import load_model

        base = ParameterSet.packaged(load_model())
    else:
        instance("base", base, ParameterSet, "a ParameterSet")
    return base.replace(_parse(read_limited(file, MOST_BYTES, _EXPECTED), printable(str(file)), base))


def write_params(parameters: ParameterSet, path: str | os.PathLike[str]) -> None:
    """Write every number of a set, so that `read_params` gives the same set. Raises CereblonError."""
    instance("parameters", parameters, ParameterSet, "a ParameterSet")
    write_text(checked_path("params", path), params_text(parameters))


def params_text(parameters: ParameterSet) -> str:
    """Return the content of a file with every number of a set, sorted by table and id."""
    spreads = {name.removesuffix(SPREAD): v for name, v in parameters.numbers.items() if name.endswith(SPREAD)}
    lines = ["\t".join(COLUMNS)]
    for name, value in parameters.numbers.items():
        if not name.endswith(SPREAD):
            spread = f"{spreads[name]!r}" if name in spreads else ""
            lines.append(f"{name}\t{value!r}\t{spread}")
    return "\n".join(lines) + "\n"


def _parse(text: str, name: str, base: ParameterSet) -> dict[str, float]:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    header = _header(lines[0], name)
    out: dict[str, float] = {}
    places: dict[str, int] = {}
    for line, content in enumerate(lines[1:], start=2):
        if not content.strip() or content.startswith("#"):
            continue
        place = f"{name}:{line}"
        cells = content.split("\t")
        if len(cells) > len(header):
            raise CereblonError(f"{place}: {len(cells)} cells; expected {len(header)}")
        row = dict(zip(header, cells, strict=False))
        for key, value in _changes(row, place, base).items():
            if key in out:
                raise CereblonError(f"{place}: '{printable(key)}' is given twice, first in line {places[key]}")
            out[key], places[key] = value, line
    return out


def _header(line: str, name: str) -> list[str]:
    header = [word.strip() for word in line.split("\t")]
    for column in header:
        if column not in COLUMNS:
            said = printable(column, 60)
            raise CereblonError(f"{name}:1: column '{said}': expected {', '.join(COLUMNS)}{nearest(column, COLUMNS)}")
    for column in COLUMNS[:2]:
        if header.count(column) != 1:
            what = "is missing" if column not in header else "is given twice"
            raise CereblonError(f"{name}:1: column '{column}' {what}; found {listed(header)}")
    if len(set(header)) < len(header):
        raise CereblonError(f"{name}:1: column 'spread' is given twice; found {listed(header)}")
    return header


def _changes(row: dict[str, str], place: str, base: ParameterSet) -> dict[str, float]:
    """Return what one line sets, checked, so that an error names the line."""
    key = row["id"].strip()
    found = {key: number(row.get("value", ""), place, "value")}
    if row.get("spread", "").strip():
        found[key + SPREAD] = number(row["spread"], place, "spread")
    try:
        base.replace(found)
    except CereblonError as error:
        raise CereblonError(f"{place}: {error}") from None
    return found
