"""The documents of a model - Antimony fragments and rows of parameters - and where each name is defined in them."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from cereblon.antimony.lexer import ARROWS, TextError, Token, clock, normal, refuse_banned, statements, words
from cereblon.antimony.whole import unwrap
from cereblon.errors import CereblonError


class DocumentError(CereblonError):
    """A model document cannot be read."""


@dataclass(frozen=True)
class Document:
    """One Antimony fragment: its file name and text; `lines` are those of the file where the text was written out."""

    name: str
    text: str
    lines: tuple[int, ...] = field(default=(), repr=False)

    def line(self, number: int) -> int:
        """The line of the file (from 1) that a line of the text comes from."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else number


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

    def declared(self, name: str) -> Place | None:
        """Where `name` is first mentioned, which is where a species is declared."""
        return self.mentions.get(name) or self.place(name)


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


def index(documents: list[Document]) -> Index:
    """Find every definition. Raises DocumentError for what a fragment may not hold (import, functions ...)."""
    out = Index()
    for document in documents:
        try:
            _index(document, out)
        except TextError as error:
            raise _placed(document.name, TextError(document.line(error.line), error.what)) from None
    return out


def _placed(name: str, error: TextError) -> DocumentError:
    return DocumentError(f"{name}:{error.line}: {error.what}" if error.line else f"{name}: {error.what}")


def _index(document: Document, out: Index) -> None:
    text = normal(document.text)
    clocks = [(0, "slow")]
    found = words(text)
    for token in found:
        set_to = clock(token) if token.kind == "comment" else None
        if set_to is not None:
            clocks.append((token.line, set_to))
    for statement in statements(found):
        refuse_banned(statement)
        line = statement[0].line
        in_force = clocks[bisect_right(clocks, line, key=lambda entry: entry[0]) - 1][1]
        _define(statement, Place(document.name, document.line(line), in_force), out, line)


def _define(statement: list[Token], place: Place, out: Index, line: int) -> None:
    table = _table(statement, out)
    name = statement[0].text
    if table is not None and name in table:
        raise TextError(line, f"'{name}' is already defined at {table[name]}")
    if table is not None:
        table[name] = place
    if statement[0].text == "unit":
        out.mentions.setdefault(f"unit {statement[1].text}" if len(statement) > 1 else "unit", place)
    else:
        for token in statement:
            if token.kind == "word":
                out.mentions.setdefault(token.text, place)


def _table(statement: list[Token], out: Index) -> dict[str, Place] | None:
    """Where a statement that defines its first word belongs, or None for any other statement."""
    if statement[0].kind != "word" or len(statement) < 3:
        return None
    second, third = statement[1].text, statement[2].text
    if second == "'" and third == "=":
        return out.rates
    if second == ":" and any(t.text in ARROWS for t in statement):
        return out.reactions
    return {":=": out.rules, "=": out.starts}.get(second)


def whole_model(text: str, name: str) -> Document:
    """Return a model of somebody's own as one fragment: `model name() ... end` is taken off, line numbers are kept.

    Raises DocumentError for a text beyond the limits of size and for one that is not a single model.
    """
    try:
        return Document(name, unwrap(normal(text)))
    except TextError as error:
        raise _placed(name, error) from None
