"""YAML text to plain data with the place of every field, for text that nobody vouches for.

Only mappings, lists, text, numbers, true/false and null come out. Tags (which can name code), anchors and
aliases (which can make a small file huge), merge keys, repeated keys and files beyond sane limits are
refused: the tree is built here from the parser's events, so a trick is seen before anything is made of it.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cereblon.errors import CereblonError
from cereblon.errors import printable as printable
from cereblon.storage.reading import read_limited

with warnings.catch_warnings():  # its import changes the filters of the whole process
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.events import (
        AliasEvent,
        DocumentEndEvent,
        DocumentStartEvent,
        MappingEndEvent,
        MappingStartEvent,
        ScalarEvent,
        SequenceEndEvent,
        SequenceStartEvent,
    )

MAX_BYTES = 262_144  # the longest registry entry is about 15 kB
MAX_DEPTH = 20
MAX_NODES = 5_000  # the longest registry entry has about 300

Loc = tuple[str | int, ...]

_INT = re.compile(r"[+-]?[0-9]{1,15}")
_FLOAT = re.compile(r"[+-]?([0-9]{1,15}\.[0-9]{0,15}|\.[0-9]{1,15}|[0-9]{1,15})([eE][+-]?[0-9]{1,3})?")
_WORDS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip


class DocumentError(CereblonError):
    """A problem in a document, with its place: file, line and column (from 1), and the path of the field."""

    def __init__(self, file: str, line: int, column: int, what: str, loc: Loc = ()) -> None:
        what = printable(what, 600)  # quotes the document, which may hold control characters
        self.file, self.line, self.column, self.loc, self.what = file, line, column, loc, what
        where = f"{printable(file)}:{line}:{column}"
        super().__init__(f"{where}: {field_path(loc)}: {what}" if loc else f"{where}: {what}")

    @property
    def place(self) -> str:
        """`file:line:column`."""
        return f"{printable(self.file)}:{self.line}:{self.column}"


@dataclass
class Located:
    """Plain data and where it was written: per field path the (line, column) of its key and value."""

    file: str
    data: Any = None
    keys: dict[Loc, tuple[int, int]] = field(default_factory=dict)
    values: dict[Loc, tuple[int, int]] = field(default_factory=dict)

    def place(self, loc: Loc, key: bool = False) -> tuple[int, int]:
        """Return (line, column) of the field at `loc`, or of the nearest part above it in the file."""
        first, second = (self.keys, self.values) if key else (self.values, self.keys)
        for end in range(len(loc), -1, -1):
            here = loc[:end]
            if here in first or here in second:
                return first.get(here) or second[here]
        return (1, 1)

    def error(self, loc: Loc, what: str, key: bool = False) -> DocumentError:
        """Return an error about the field at `loc`."""
        line, column = self.place(loc, key)
        return DocumentError(self.file, line, column, what, loc)


def field_path(loc: Loc) -> str:
    """Return a field path as words: ("arms", 0, "size") -> "arms[0].size"."""
    words = "".join(f"[{step}]" if isinstance(step, int) else f".{printable(step, 40)}" for step in loc)
    return words.removeprefix(".")


def read_text(path: Path) -> str:
    """Return the text of a document of sane size.

    Raises CereblonError for a missing, unreadable, irregular, too long or non-UTF-8 file.
    """
    return read_limited(path, MAX_BYTES, "a document in YAML")


def read_yaml(text: str, file: str) -> Located:
    """Return the one mapping that `text` holds, as plain data with places. Raises DocumentError."""
    try:
        return _Builder(file, text).build()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        words = printable(" ".join(str(error.problem or error.context or "cannot be parsed").split()))
        raise DocumentError(file, line, column, f"not YAML: {words}") from error
    except YAMLError as error:
        words = printable(" ".join(str(error).split()))
        raise DocumentError(file, 1, 1, f"not YAML: {words}") from error


class _Builder:
    """Builds plain data from the parser's events."""

    def __init__(self, file: str, text: str) -> None:
        self.out = Located(file)
        self.nodes = 0
        self.events: Iterator[Any] = YAML(typ="safe", pure=True).parse(text)

    def build(self) -> Located:
        documents = 0
        for event in self.events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._refuse(event, "a second document: expected one trial in a file")
                self.out.data = self._value(next(self.events), ())
            elif not isinstance(event, DocumentEndEvent) and documents:
                continue
        if not isinstance(self.out.data, dict):
            raise DocumentError(self.out.file, 1, 1, "expected fields such as 'id: my_trial', one on a line")
        return self.out

    def _refuse(self, event: Any, why: str, loc: Loc = ()) -> DocumentError:
        mark = event.start_mark
        return DocumentError(self.out.file, mark.line + 1, mark.column + 1, why, loc)

    def _value(self, event: Any, loc: Loc) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES or len(loc) > MAX_DEPTH:
            why = f"more than {MAX_NODES} values or {MAX_DEPTH} levels deep: expected a shorter document"
            raise self._refuse(event, why)
        self._refuse_tricks(event, loc)
        self.out.values[loc] = (event.start_mark.line + 1, event.start_mark.column + 1)
        if isinstance(event, MappingStartEvent):
            return self._mapping(loc)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(loc)
        assert isinstance(event, ScalarEvent)
        return _plain(event.value) if event.implicit[0] else event.value

    def _refuse_tricks(self, event: Any, loc: Loc) -> None:
        if isinstance(event, AliasEvent) or getattr(event, "anchor", None) is not None:
            raise self._refuse(event, "anchors and aliases are refused: write the value out", loc)
        if getattr(event, "tag", None) is not None:
            why = f"tag '{printable(str(event.tag), 60)}' is refused: expected plain values"
            raise self._refuse(event, why, loc)

    def _mapping(self, loc: Loc) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for event in self.events:
            if isinstance(event, MappingEndEvent):
                break
            self._refuse_tricks(event, loc)
            if not isinstance(event, ScalarEvent):
                raise self._refuse(event, "expected the name of a field", loc)
            name = str(event.value)
            if name == "<<":
                raise self._refuse(event, "merge keys are refused: write the fields out", loc)
            if name in out:
                raise self._refuse(event, f"field {printable(name, 40)!r} is given twice", (*loc, name))
            self.out.keys[(*loc, name)] = (event.start_mark.line + 1, event.start_mark.column + 1)
            out[name] = self._value(next(self.events), (*loc, name))
        return out

    def _sequence(self, loc: Loc) -> list[Any]:
        out: list[Any] = []
        for event in self.events:
            if isinstance(event, SequenceEndEvent):
                break
            out.append(self._value(event, (*loc, len(out))))
        return out


def _plain(word: str) -> str | int | float | bool | None:
    """Return an unquoted word as null, true/false, a number, or itself (YAML 1.2 core, decimal only)."""
    if word in _WORDS:
        return _WORDS[word]
    if _INT.fullmatch(word):
        return int(word)
    if _FLOAT.fullmatch(word):
        return float(word)
    return word
