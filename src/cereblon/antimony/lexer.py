"""The words of Antimony text as libAntimony 3 reads them: what is a comment, what is quoted, what is a statement.

Whoever forbids a word in a text that nobody vouches for must agree with the reader on what is quoted. So whatever
libAntimony reads in a way of its own (a quote without its end, a control character, a letter outside ASCII in a
formula) is refused here, with its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple, NoReturn

from cereblon.errors import CereblonError, nearest, visible

Kind = Literal["newline", "space", "comment", "string", "word", "number", "sign"]

MOST_BYTES = 1_000_000  # of a model text; the whole packaged model has 92,000
LONGEST_LINE = 20_000  # characters; the longest packaged line has 352, a note in HTML may have thousands
MOST_STATEMENTS = 20_000  # the packaged model has 1,143
MOST_WORDS = 1_000  # in one statement, since libSBML takes the square of them; the longest packaged one has 69
MOST_NESTING = 100  # parentheses inside each other

CLOCKS = ("fast", "slow", "none")

_TOKEN = re.compile(
    r"""(?P<newline>\n)
    | (?P<space>[ \t]+ | \\[ \n][ \n\t]*)         # a backslash at the end of a line goes on with the statement
    | (?P<comment>//[^\n]* | \#[^\n]* | /\*.*?\*/)
    | (?P<string>"(?:[^"\\\n]|\\[^\n])*" | ```(?!`).*?```)   # \" inside quotes, nothing inside backticks
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    | (?P<sign>(?!/\*)(?::=|->|=>|<=>|<=|>=|==|!=|&&|\|\||[-+*/^%!<>=:;,(){}\[\]$.'@&|~?]))
    """,
    re.VERBOSE | re.DOTALL,
)
_ONE_LINE = frozenset({"word", "sign", "number"})
_UNENDED = {
    '"': 'a quote " without its end on the line',
    "`": "text in ``` without its end",
    "/*": "a comment /* without its end */",
}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_BANNED = frozenset(
    {"import", "function", "model", "module", "end", "at", "event", "delete", "constraint",
     "DNA", "gene", "operator", "maximize", "minimize", "@"}
)  # fmt: skip
"""Words of Antimony that open files, or that have no meaning for the engine."""
_BANNED_LOWER = frozenset({"include", *(word.lower() for word in _BANNED)})
"""The same in any letters, and a word of other languages; refused where a statement begins, if it is no name."""
ARROWS = frozenset({"->", "=>"})
_COMPARED = frozenset({"<", ">", "<=", ">=", "!="})
_NAMED = frozenset({"=", ":=", "'", ":", ".", ",", "has", "in", "is", "notes", ";", ""})
"""What follows a name: `At = 1` and `Gene: a -> b` define a name, `At (x > 1)` does not."""
_CLOCK = re.compile(r"[/#*\s]*clock\s*:\s*(\S*)")
_NO_CLOCK = re.compile(r"[/#*\s]*(\w+)[\s:=]+(fast|slow|none)[\s.*/]*", re.IGNORECASE)


class TextError(CereblonError):
    """A text that is not taken: `line` (from 1, or 0 where it is the whole text) and what is wrong."""

    def __init__(self, line: int, what: str) -> None:
        self.line, self.what = line, what
        super().__init__(f"line {line}: {what}" if line else what)


class Token(NamedTuple):
    """A word of the text: its kind, its characters, its line (from 1), and where it begins in the text."""

    kind: Kind
    text: str
    line: int
    start: int

    @property
    def ends(self) -> bool:
        """Whether a statement ends here."""
        return self.kind == "newline" or self.text == ";"


def normal(text: str) -> str:
    """Return the text with plain line ends and without a byte order mark.

    Raises TextError for a text beyond the limits of size and for control characters.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if len(text) > MOST_BYTES or len(text.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        raise TextError(0, f"longer than {MOST_BYTES:,} bytes; expected a shorter model text")
    for number, line in enumerate(text.split("\n"), start=1):
        if len(line) > LONGEST_LINE:
            raise TextError(number, f"a line of {len(line):,} characters; expected at most {LONGEST_LINE:,}")
    found = _CONTROL.search(text)
    if found:
        what = f"control character {visible(found.group())}; expected text"
        raise TextError(text.count("\n", 0, found.start()) + 1, what)
    return text


def words(text: str) -> list[Token]:
    """Return the tokens of a text with plain line ends: all that libAntimony acts on, and the comments.

    Raises TextError.
    """
    out: list[Token] = []
    line, position = 1, 0
    match = _TOKEN.scanner(text).match  # type: ignore[attr-defined]
    while found := match():
        kind, shown = found.lastgroup, found.group()
        if kind != "space":
            out.append(Token(kind, shown, line, position))
        if kind not in _ONE_LINE:
            line += shown.count("\n")
        position = found.end()
    if position < len(text):
        _refuse(text, position, line)
    return out


def _refuse(text: str, position: int, line: int) -> NoReturn:
    for opening, what in _UNENDED.items():
        if text.startswith(opening, position):
            raise TextError(line, what)
    raise TextError(line, f"unknown character '{visible(text[position])}'")


def statements(found: list[Token]) -> Iterator[list[Token]]:
    """Yield the statements of `words`, as ; and line ends part them; a reaction and its rate are one, comments none.

    Raises TextError for a statement beyond the limits.
    """
    count, depth = 0, 0
    statement: list[Token] = []
    for place, token in enumerate(found):
        if token.ends and not _goes_on(statement, token, found[place + 1 : place + 2]):
            if statement:
                yield statement
            statement, depth = [], 0
            continue
        if token.kind in ("newline", "comment"):
            continue
        count += not statement
        if token.kind == "sign":
            depth += (token.text in "({[") - (token.text in ")}]")
        statement.append(token)
        if depth > MOST_NESTING or len(statement) > MOST_WORDS or count > MOST_STATEMENTS:
            _refuse_size(token, count, len(statement))
    if statement:
        yield statement


def _goes_on(statement: list[Token], end: Token, following: list[Token]) -> bool:
    """Whether a statement goes on behind a ; (a reaction's rate) or a line end (a list of quoted texts)."""
    if end.text == ";":
        signs = {t.text for t in statement if t.kind == "sign"}
        return bool(signs & ARROWS) and ";" not in signs
    return bool(statement) and statement[-1].text == "," and bool(following) and following[0].kind == "string"


def _refuse_size(token: Token, count: int, length: int) -> NoReturn:
    if count > MOST_STATEMENTS:
        raise TextError(token.line, f"more than {MOST_STATEMENTS:,} statements; expected a smaller model")
    if length > MOST_WORDS:
        raise TextError(token.line, f"a statement of more than {MOST_WORDS:,} words; expected shorter formulas")
    raise TextError(token.line, f"more than {MOST_NESTING} parentheses inside each other; expected simpler formulas")


def refuse_banned(statement: list[Token]) -> None:
    """Raise TextError for a word that a model text may not hold: it opens files, or the engine has no such thing.

    `model` before a quality and quoted text (`model notes "..."`) describes the whole model and is taken.
    """
    first, rest = statement[0], statement[1:]
    if first.text == "model" and rest and (rest[0].text == "." or any(t.kind == "string" for t in rest[1:2])):
        statement = rest
    for place, token in enumerate(statement):
        if token.kind not in ("word", "sign") or (place and token.text not in _BANNED):
            continue
        following = statement[place + 1].text if place + 1 < len(statement) else ""
        looks = place == 0 and token.text.lower() in _BANNED_LOWER and following not in _NAMED
        if token.text in _BANNED or looks:
            raise TextError(
                token.line, f"'{token.text}' is not allowed here; expected reactions, rules and values only"
            )
    _refuse_unsupported(statement)


def _refuse_unsupported(statement: list[Token]) -> None:
    """Raise TextError for algebraic rules (`0 = x`), constraints (`x < 1`), interactions, submodels (`I: a -| b`)."""
    texts = [t.text for t in statement]
    signs = {t.text for t in statement if t.kind == "sign"}
    unnamed = texts[2:] if texts[1:2] == [":"] else texts
    if unnamed[:2] == ["0", "="]:
        raise TextError(statement[0].line, "an algebraic rule is not supported; expected x := ... or x' = ...")
    named = texts[1:2] == [":"] and not signs & ARROWS
    if named or any(texts[i : i + 2] == ["-", "|"] for i in range(len(texts) - 1)):
        what = f"'{texts[0]}' is no reaction, rule or value; expected a reaction with => or ->"
        raise TextError(statement[0].line, what)
    if signs & _COMPARED and not signs & {"=", ":=", ":", *ARROWS}:
        raise TextError(statement[0].line, "a constraint is not supported; expected reactions, rules and values only")


def reserved(text: str) -> bool:
    """Whether a text that goes into a model text holds a word that may not stand there."""
    return any(token.text in _BANNED for token in words(text))


def clock(comment: Token) -> str | None:
    """Return the clock that a comment such as `// clock: fast` sets, or None for any other comment.

    Raises TextError for a clock that does not exist, and for a misspelt word before one that does.
    """
    match = _CLOCK.match(comment.text)
    if match is not None:
        value = match.group(1)
        if value not in CLOCKS:
            hint = nearest(value, CLOCKS)
            raise TextError(comment.line, f"clock '{value}'; expected one of {', '.join(CLOCKS)}{hint}")
        return value
    slip = _NO_CLOCK.fullmatch(comment.text)
    if slip is not None and nearest(slip.group(1).lower(), ("clock",)):
        what = f"'{slip.group(1)}' and '{slip.group(2)}'; expected 'clock: {slip.group(2).lower()}'"
        raise TextError(comment.line, what)
    return None
