"""Antimony fragments to one SBML document with complete units, and libSBML's verdict on it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from cereblon.antimony.guard import LimitError, read_guarded
from cereblon.antimony.lexer import normal
from cereblon.antimony.libraries import AntimonyError, OwnUnitError, Remark, UnitError, read, remarks
from cereblon.documents.findings import Finding
from cereblon.errors import CereblonError, nearest

from .documents import Document, Index, Parameter

_NAME = "cereblon"  # of the model that the fragments are put into
_LINE = re.compile(r"Error in model string, line (\d+):\s*")

_REFERENCE = re.compile(r".*Reference: L3V\d Sections? [\d., and]+ (\S.*)$")


class ModelError(CereblonError):
    """The model text cannot be turned into a model."""


@dataclass(frozen=True)
class Composed:
    """One Antimony text, and the file and line that each of its lines comes from."""

    text: str
    origin: list[tuple[str, int]]


def joined(documents: list[Document], parameters: dict[str, Parameter], index: Index) -> Composed:
    """The fragments and the parameter table as one Antimony text. Raises ModelError for a name defined in both."""
    origin: list[tuple[str, int]] = [("model", 0)]
    lines = ["model cereblon()"]
    for document in documents:
        body = normal(document.text).split("\n")
        lines += body
        origin += [(document.name, document.line(n)) for n in range(1, len(body) + 1)]
    for p in parameters.values():
        place = index.starts.get(p.id) or index.rules.get(p.id) or index.rates.get(p.id)
        if place is not None:
            raise ModelError(f"{p.file}:{p.line}: parameter '{p.id}' is also defined in the model text at {place}")
        lines.append(f"{p.id} = {p.value!r}; {p.id} has {p.unit}")
        origin.append((p.file or "parameters", p.line))
    return Composed("\n".join([*lines, "end", ""]), origin)


def to_sbml(documents: list[Document], parameters: dict[str, Parameter], index: Index) -> Any:
    """The fragments and the parameter table as a libSBML document (level 3 version 1), every unit stated.

    For texts of this package, which need no guard. Raises ModelError with file:line where Antimony or libSBML cannot
    read the text.
    """
    whole = joined(documents, parameters, index)
    try:
        return read(whole.text, _NAME)
    except (AntimonyError, UnitError, OwnUnitError) as error:
        raise ModelError(_explained(error, whole, index)) from None


def to_sbml_guarded(
    documents: list[Document], parameters: dict[str, Parameter], index: Index
) -> tuple[str, list[Finding]]:
    """The same for a text that nobody vouches for, read in a child process: SBML text, and libSBML's findings.

    Raises ModelError, also where the reading takes too long or too much memory.
    """
    whole = joined(documents, parameters, index)
    try:
        reading = read_guarded(whole.text, _NAME)
    except (AntimonyError, UnitError, OwnUnitError) as error:
        raise ModelError(_explained(error, whole, index)) from None
    except LimitError as error:
        raise ModelError(f"{documents[-1].name}: {error}") from None
    return reading.sbml, [_finding(remark, index) for remark in reading.remarks]


def parsed(sbml: str) -> Any:
    """A libSBML document of SBML text that this package wrote."""
    import libsbml

    return libsbml.readSBMLFromString(sbml)


def _explained(error: AntimonyError | UnitError | OwnUnitError, whole: Composed, index: Index) -> str:
    """What the libraries found wrong, with its file and line."""
    if isinstance(error, UnitError):
        place = next((str(p) for p in map(index.place, error.users) if p is not None), "model text")
        return f"{place}: unit '{error.unit}' is not defined{nearest(error.unit, error.known)}"
    if isinstance(error, OwnUnitError):
        place = str(index.place(f"unit {error}") or "model text")
        return f"{place}: unit '{error}' is fixed here: days for time, gcell (1e9 cells) for amounts, litre for volumes"
    return _readable(str(error), whole.origin, index)


def _readable(message: str, origin: list[tuple[str, int]], index: Index) -> str:
    unknown = re.search(r"uses '(\w+)' which is not a function|'(\w+)' was used as a function", message)
    if unknown:
        name = unknown.group(1) or unknown.group(2)
        known = ("exp", "ln", "sqrt", "abs", "min", "max", "pow", "piecewise", "tanh")
        return f"{index.place(name) or 'model text'}: unknown function '{name}'{nearest(name, known)}"
    line = _LINE.search(message)
    rest = " ".join(_LINE.sub("", message).split())
    if line and int(line.group(1)) <= len(origin):
        file, number = origin[int(line.group(1)) - 1]
        return f"{file}:{number}: {rest}" if number else rest
    # libSBML's words end with a reference to its specification and what it means here
    ours = _REFERENCE.search(rest)
    said = ours.group(1) if ours else rest
    named = next((place for name in re.findall(r"'(\w+)'", said) if (place := index.place(name))), None)
    return f"{named or 'model text'}: {said}"


def unit_findings(document: Any, index: Index) -> list[Finding]:
    """Everything libSBML says against the document, units included, with the line of the name it speaks of."""
    return [_finding(remark, index) for remark in remarks(document)]


def _finding(remark: Remark, index: Index) -> Finding:
    quoted = [index.place(w) for w in re.findall(r"'(\w+)'", remark.words)]
    place = next((str(p) for p in quoted if p is not None), "model")
    start = remark.words.find("The units of the <")
    text = remark.words[start:] if start > 0 else remark.words
    return Finding("error" if remark.severe else "warning", place, f"{text} (libSBML {remark.number})", "units")


def write(document: Any) -> str:
    """The document as SBML level 3 version 1 text, which every simulator we know of reads."""
    import libsbml

    copy = document.clone()
    if not copy.setLevelAndVersion(3, 1, False):
        copy = document
    return str(libsbml.writeSBMLToString(copy))
