"""A whole model, `model name() ... end` and the annotations that follow it, as the statements inside."""

from __future__ import annotations

from .lexer import TextError, Token, statements, words


def unwrap(text: str) -> str:
    """Return the text with the header, the `end` and what describes the whole model blanked out, lines kept.

    Raises TextError for a `model` without `end`, and for anything else behind the `end`.
    """
    found = [t for t in words(text) if t.kind != "comment"]
    real = [t for t in found if not t.ends]
    if not real or not _opens(real):
        return text
    header = _header(real)
    closing = next((i for i, t in enumerate(found) if t.text == "end" and t.kind == "word"), None)
    if closing is None:
        raise TextError(real[0].line, "'model' without 'end'")
    name = next(t.text for t in header[1:] if t.kind == "word")
    for statement in statements(found[closing + 1 :]):
        if not _describes(statement, name):
            first = statement[0]
            what = f"'{first.text}' after the 'end' of the model; expected one model, and annotations of {name}"
            raise TextError(first.line, what)
    return _blank(_blank(text, found[closing].start, len(text)), header[0].start, header[-1].start + 1, header[-1])


def _opens(real: list[Token]) -> bool:
    return real[0].text in ("model", "module") and not any(t.kind == "string" for t in real[2:3])


def _header(real: list[Token]) -> list[Token]:
    """Return the tokens of `model *name(a, b)`."""
    at = 1 + (len(real) > 1 and real[1].text == "*")
    if len(real) <= at or real[at].kind != "word" or real[at].line != real[0].line:
        raise TextError(real[0].line, "'model' without a name")
    if len(real) > at + 1 and real[at + 1].text == "(":
        last = next((i for i in range(at + 1, len(real)) if real[i].text == ")"), None)
        if last is None:
            raise TextError(real[0].line, "'model' without the closing ) of its names")
        return real[: last + 1]
    return real[: at + 1]


def _describes(statement: list[Token], name: str) -> bool:
    """Whether a statement says what a model is: `name is "..."`, `name taxon "..."`, `name.sboTerm = 3`."""
    first, second = statement[0], statement[1:2]
    if first.text != name or not second:
        return False
    if second[0].text == ".":
        return [t.text for t in statement[2:4]] == ["sboTerm", "="] and len(statement) == 5
    return second[0].kind == "word" and all(t.kind == "string" or t.text == "," for t in statement[2:])


def _blank(text: str, start: int, stop: int, last: Token | None = None) -> str:
    """Replace everything but line ends by spaces, to the end of the token `last` where it is given."""
    stop = stop if last is None else last.start + len(last.text)
    hidden = "".join("\n" if c == "\n" else " " for c in text[start:stop])
    return text[:start] + hidden + text[stop:]
