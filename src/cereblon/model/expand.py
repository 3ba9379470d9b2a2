"""Model text to plain Antimony: blocks repeated for each clone or cell, templates given a drug's prefix."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from cereblon.antimony.lexer import MOST_BYTES, TextError, normal
from cereblon.errors import nearest

from .documents import Document, DocumentError

MOST_EACH = 50  # words of one `each`
_EACH = re.compile(r"\s*//\s*each\b\s*(.*)")
_FORM = re.compile(r"([A-Za-z_]\w{0,39})\s*:\s*(\S.*)")
_WORD = re.compile(r'""|[A-Za-z0-9_]{1,80}')
_HOLE = re.compile(r"\{([A-Za-z_]\w*)\}")
_TEMPLATE = re.compile(r"\bDRUG_")


@dataclass(frozen=True)
class _Each:
    line: int
    name: str
    words: tuple[str, ...]


def expanded(document: Document) -> Document:
    """Return a document with every block under `// each NAME: word, word` written out once for each word.

    A block ends at the next empty line. `{NAME}` in it stands for the word (`""` is none), in names, notes and
    formulas; its lines without `{NAME}` are written once. Raises DocumentError for an `each` of another form, and
    for a block in which nothing is repeated.
    """
    try:
        return _expanded(document)
    except TextError as error:
        raise DocumentError(f"{document.name}:{error.line}: {error.what}") from None


def _expanded(document: Document) -> Document:
    text = normal(document.text)
    if not _EACH.search(text):
        return document
    lines: list[str] = []
    origin: list[int] = []
    size = 0
    for number, line in _written_out(text.split("\n")):
        size += len(line) + 1
        if size > MOST_BYTES:
            raise TextError(number, f"longer than {MOST_BYTES:,} characters when written out; expected a shorter text")
        lines.append(line)
        origin.append(document.line(number))
    return Document(document.name, "\n".join(lines), tuple(origin))


def _written_out(lines: list[str]) -> Iterator[tuple[int, str]]:
    at = 0
    while at < len(lines):
        found = _EACH.match(lines[at])
        yield at + 1, lines[at]
        at += 1
        if found is None:
            continue
        each = _read(at, found.group(1))
        end = next((i for i in range(at, len(lines)) if not lines[i].strip()), len(lines))
        yield from _block(each, lines[at:end], at + 1)
        at = end


def _read(line: int, text: str) -> _Each:
    form = _FORM.fullmatch(text.strip().lstrip(":").strip())
    words = tuple(w.strip() for w in form.group(2).split(",")) if form else ()
    if form is None or not all(_WORD.fullmatch(w) for w in words):
        raise TextError(line, "expected a form such as '// each clone: \"\", _resistant'")
    if len(set(words)) < len(words) or not 2 <= len(words) <= MOST_EACH:
        raise TextError(line, f"each {form.group(1)}: expected 2 to {MOST_EACH} different words")
    return _Each(line, form.group(1), tuple("" if w == '""' else w for w in words))


def _block(each: _Each, lines: list[str], first: int) -> Iterator[tuple[int, str]]:
    hole = f"{{{each.name}}}"
    used = False
    for number, line in enumerate(lines, start=first):
        if _EACH.match(line):
            raise TextError(number, f"each inside the each of line {each.line}; expected an empty line between them")
        for other in _HOLE.findall(line):
            if other != each.name:
                raise TextError(number, f"{{{other}}} is no word of this each{nearest(other, [each.name])}")
        used = used or hole in line
    if not used:
        raise TextError(each.line, f"{hole} stands nowhere in the block below; a block ends at an empty line")
    for place, word in enumerate(each.words):
        for number, line in enumerate(lines, start=first):
            if hole in line or place == 0:
                yield number, line.replace(hole, word)


def templated(document: Document, prefix: str) -> Document:
    """Return a template of biology/kinetics with the names of a drug: DRUG_gut becomes PREFIX_gut."""
    return Document(document.name, _TEMPLATE.sub(f"{prefix}_", document.text), document.lines)
