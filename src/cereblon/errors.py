"""Errors that tell the reader what to mend, in one line, and words of others made safe to show."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches

LONGEST_LINE = 4_000  # characters of an error: the longest of ours lists every trial of the registry, about 1,000
LONGEST_WORD = 80  # characters of one quoted word, and of a word that is compared with the known ones


class CereblonError(Exception):
    """A problem with what the user gave: shown as one line, exit code 2.

    The message is made one printable line of bounded length here, because it quotes files and their names.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(printable(" ".join(message.split()), LONGEST_LINE))


class CereblonWarning(UserWarning):
    """Something in what the user gave that is valid and probably a slip."""


def nearest(word: str, choices: Iterable[str], count: int = 3) -> str:
    """Return ``", nearest: a, b"`` for the choices closest to `word`, or an empty string."""
    close = get_close_matches(word[:LONGEST_WORD], list(choices), n=count, cutoff=0.5)
    return f"; nearest: {', '.join(close)}" if close else ""


def visible(text: str) -> str:
    r"""Return `text` with every character that would not be seen as itself written out, such as ``\x1b``.

    Control characters, line ends, marks that change the direction of writing, zero-width characters and lone
    surrogates are written out; spaces of other widths become plain ones.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isprintable() else _written_out(c) for c in text)


def _written_out(character: str) -> str:
    if unicodedata.category(character) == "Zs":
        return " "
    return character.encode("unicode_escape").decode()


def visible_lines(text: str) -> str:
    """Return `visible` text of several lines, whose line ends stay."""
    return "\n".join(map(visible, text.split("\n")))


def printable(text: str, longest: int = 120) -> str:
    """Return `text` on one line, without control characters, and not longer than `longest`."""
    shown = visible(text[: longest + 1])
    return shown if len(shown) <= longest else shown[: longest - 3] + "..."


def listed(words: Iterable[str], most: int = 12) -> str:
    """Return words that a file holds as ``a, b, c``: each cut to `LONGEST_WORD` characters, the rest counted."""
    found = list(words)
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(printable(word, LONGEST_WORD) for word in found[:most]) + more
