"""The packaged documents of the model - Antimony fragments and tables - and where each name is defined in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources import files

from cereblon.errors import CereblonError

_WORD = r"[A-Za-z_]\w*"
_RATE = re.compile(rf"^\s*({_WORD})\s*'\s*=")
_RULE = re.compile(rf"^\s*({_WORD})\s*:=")
_REACTION = re.compile(rf"^\s*({_WORD})\s*:[^=].*(=>|->)")
_START = re.compile(rf"^\s*({_WORD})\s*=")
_CLOCK = re.compile(r"//\s*clock:\s*(\w+)")
_BANNED = re.compile(r"^\s*(import|include|function|model|module|end|at|delete)\b", re.IGNORECASE)
_STRING = re.compile(r'"[^"\n]*"')


class DocumentError(CereblonError):
    """A model document cannot be read."""


@dataclass(frozen=True)
class Document:
    """One Antimony fragment: its file name and text."""

    name: str
    text: str


@dataclass(frozen=True)
class Place:
    """Where a definition stands: file, line (from 1) and the clock in force there ("fast" or "slow")."""

    file: str
    line: int
    clock: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass
class Index:
    """Definitions by kind. A name has at most one rate, one rule, one reaction and one starting value."""

    rates: dict[str, Place] = field(default_factory=dict)
    rules: dict[str, Place] = field(default_factory=dict)
    reactions: dict[str, Place] = field(default_factory=dict)
    starts: dict[str, Place] = field(default_factory=dict)
    mentions: dict[str, Place] = field(default_factory=dict)

    def place(self, name: str) -> Place | None:
        """Where `name` is defined, else where it is first mentioned."""
        for table in (self.rates, self.rules, self.reactions, self.starts, self.mentions):
            if name in table:
                return table[name]
        return None


@dataclass(frozen=True)
class Parameter:
    """One row of a parameter table.

    `spread` is the between-subject SD on the scale of `distribution` (none, lognormal, logitnormal, normal); `status`
    is measured, derived, calibrated, assumed or covariate; `line` is the row's place in its table.
    """

    id: str
    value: float
    unit: str
    distribution: str = "none"
    spread: float = 0.0
    group: str = ""
    status: str = "assumed"
    source: str = ""
    evidence: str = "assumed"
    organ: str = ""
    note: str = ""
    file: str = ""
    line: int = 0

    @property
    def individual(self) -> bool:
        """Whether each subject has its own value."""
        return self.distribution != "none" or self.status == "covariate"


@dataclass(frozen=True)
class Drug:
    """One row of the drug table: which state a dose enters, in which unit, times `equivalence`; `max_daily` per day."""

    drug: str
    species: str
    unit: str
    equivalence: float
    max_daily: float
    route: str
    source: str


def statements(document: Document) -> Iterator[tuple[int, str, str]]:
    """(line, clock, statement) of a fragment, comments and quoted text removed; ; and line ends part them."""
    clock, inside = "slow", False
    for number, line in enumerate(document.text.splitlines(), start=1):
        found = _CLOCK.search(line)
        if found:
            clock = found.group(1)
        kept, i = "", 0
        line = _STRING.sub('""', line)
        while i < len(line):
            if inside:
                end = line.find("*/", i)
                inside, i = end < 0, len(line) if end < 0 else end + 2
            elif line.startswith("//", i) or line[i] == "#":
                break
            elif line.startswith("/*", i):
                inside, i = True, i + 2
            else:
                kept, i = kept + line[i], i + 1
        for statement in kept.split(";"):
            if statement.strip():
                yield number, clock, statement


def index(documents: list[Document]) -> Index:
    """Find every definition. Raises DocumentError for what a fragment may not hold (import, functions ...)."""
    out = Index()
    for document in documents:
        for line, clock, statement in statements(document):
            place = Place(document.name, line, clock)
            banned = _BANNED.match(statement)
            if banned:
                raise DocumentError(
                    f"{place}: '{banned.group(1)}' is not allowed here; expected reactions, rules and values only"
                )
            for pattern, table in (
                (_RATE, out.rates),
                (_RULE, out.rules),
                (_REACTION, out.reactions),
                (_START, out.starts),
            ):
                match = pattern.match(statement)
                if match:
                    if match.group(1) in table:
                        raise DocumentError(
                            f"{place}: '{match.group(1)}' is already defined at {table[match.group(1)]}"
                        )
                    table[match.group(1)] = place
                    break
            if not re.match(r"^\s*unit\b", statement):
                for word in re.findall(_WORD, statement):
                    out.mentions.setdefault(word, place)
    return out


def strip_header(text: str) -> str:
    """Take `model name() ... end` off a whole model, keeping its line numbers."""
    lines = text.splitlines()
    bodies = [i for i, line in enumerate(lines) if line.split("//")[0].strip()]
    if bodies and re.match(rf"^\s*model\s+\*?{_WORD}\s*(\(\s*\))?\s*$", lines[bodies[0]].split("//")[0]):
        lines[bodies[0]] = ""
        if lines[bodies[-1]].split("//")[0].strip() != "end":
            raise DocumentError("model text: 'model' without 'end' on a line of its own")
        lines[bodies[-1]] = ""
    return "\n".join(lines)


def packaged() -> list[Document]:
    """All Antimony fragments of the package, in order of name."""
    folder = files("cereblon").joinpath("biology")
    found = sorted((f for f in folder.iterdir() if f.name.endswith(".ant")), key=lambda f: f.name)
    return [Document(f.name, f.read_text(encoding="utf-8")) for f in found]
