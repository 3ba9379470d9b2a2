"""Ports: the places of the patient's equations where drugs act, and what the drugs on board put into them.

A rule of a drug's text under the line `// into: PORT` is added to that port, or multiplied into it. A port that no
drug on board uses is its neutral value, a number that leaves the equations where they are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cereblon.antimony.lexer import TextError, Token, normal, statements, words
from cereblon.errors import nearest

from .documents import Document, DocumentError, Index
from .tables import TableError, cell_number, choice, rows

PORTS_DOCUMENT = "ports"
"""Name of the written document of ports."""
KINDS = {"sum": " + ", "product": "*"}
_COLUMNS = ("name", "kind", "neutral", "unit", "meaning")
_NEUTRAL = {"sum": 0.0, "product": 1.0}
_INTO = re.compile(r"//\s*into\s*:\s*([A-Za-z_]\w*)\s*")
_NEARLY = re.compile(r"[/#*\s]*(\w+)[\s:=]+(\w+)[\s.*/]*")


@dataclass(frozen=True)
class Port:
    """One place where drugs act: what they put in is added (sum) or multiplied (product), `neutral` without them."""

    name: str
    kind: str
    neutral: float
    unit: str
    meaning: str


@dataclass(frozen=True)
class Into:
    """A rule of a drug that goes into a port; `place` is file:line of its `// into:`, `clock` that of the rule."""

    port: str
    rule: str
    place: str
    clock: str


def read_ports(text: str, name: str = "ports.tsv") -> dict[str, Port]:
    """Rows of the table of ports by name. Raises TableError with file and line."""
    out: dict[str, Port] = {}
    for number, row in rows(text, name, _COLUMNS):
        place = f"{name}:{number}"
        kind = choice(row["kind"], place, "kind", tuple(KINDS))
        port = Port(row["name"], kind, cell_number(row["neutral"], place, "neutral"), row["unit"], row["meaning"])
        if port.neutral != _NEUTRAL[kind]:
            raise TableError(f"{place}: neutral {port.neutral:g}; expected {_NEUTRAL[kind]:g} for a {kind}")
        if port.name in out or not port.unit or not port.meaning:
            raise TableError(f"{place}: '{port.name}' needs a name of its own, a unit and a meaning")
        out[port.name] = port
    return out


def read_into(document: Document, index: Index, ports: Mapping[str, Port]) -> list[Into]:
    """The rules of a drug's text that go into ports. Raises DocumentError with file and line.

    Refused: a port that does not exist, a line `// into:` without a rule below it, a rule of another unit than the
    port's.
    """
    try:
        return _read_into(document, index, ports)
    except TextError as error:
        raise DocumentError(f"{document.name}:{document.line(error.line)}: {error.what}") from None


def _read_into(document: Document, index: Index, ports: Mapping[str, Port]) -> list[Into]:
    found = words(normal(document.text))
    told = list(statements(found))
    units = {s[0].text: s[2].text for s in told if len(s) == 3 and s[1].text == "has"}
    out = []
    for comment in (t for t in found if t.kind == "comment"):
        match = _INTO.fullmatch(comment.text)
        if match is None:
            if _meant(comment.text, ports):
                raise TextError(comment.line, "expected a form such as '// into: drug_death_blood', alone on its line")
            continue
        port, rule = match.group(1), _next(told, comment)
        if port not in ports:
            raise TextError(comment.line, f"unknown port '{port}'{nearest(port, ports)}")
        if rule is None or len(rule) < 3 or rule[1].text != ":=":
            raise TextError(comment.line, f"into: {port}: expected a rule NAME := FORMULA below")
        name, unit = rule[0].text, ports[port].unit
        if units.get(name) != unit:
            has = f"has {units[name]}" if name in units else "has no unit"
            raise TextError(rule[0].line, f"'{name}' {has}; port {port} takes a {ports[port].kind} of {unit}")
        place = f"{document.name}:{document.line(comment.line)}"
        out.append(Into(port, name, place, index.rules[name].clock))
    return out


def _meant(comment: str, ports: Mapping[str, Port]) -> bool:
    """Whether a comment looks like a slip of the pen for `// into: PORT`."""
    slip = _NEARLY.fullmatch(comment)
    if slip is None:
        return re.match(r"[/#*\s]*into\s*[:=]", comment, re.IGNORECASE) is not None
    word, port = slip.group(1).lower(), slip.group(2)
    return word == "into" or port in ports or bool(nearest(word, ("into",)) and nearest(port, ports))


def _next(told: Sequence[list[Token]], comment: Token) -> list[Token] | None:
    return next((s for s in told if s[0].start > comment.start), None)


def write_ports(ports: Iterable[Port], given: Iterable[Into]) -> tuple[Document, dict[str, float]]:
    """The document that defines every port, and the value of each that is neutral."""
    by_port: dict[str, list[Into]] = {}
    for into in given:
        by_port.setdefault(into.port, []).append(into)
    lines = ["// What the drugs on board do to the patient, put together from their texts"]
    neutral = {}
    for port in ports:
        fed = by_port.get(port.name, [])
        lines.append(f"// clock: {'fast' if any(into.clock == 'fast' for into in fed) else 'slow'}")
        if fed:
            lines.append(f"{port.name} := {KINDS[port.kind].join(into.rule for into in fed)}")
        else:
            lines.append(f"{port.name} = {port.neutral:g}")
            neutral[port.name] = port.neutral
        lines.append(f"{port.name} has {port.unit}")
        lines.append(f'{port.name} notes "says: {port.meaning}"')
    return Document(PORTS_DOCUMENT, "\n".join([*lines, ""])), neutral
