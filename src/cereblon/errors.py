"""Errors that tell the reader what to mend, in one line."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class CereblonError(Exception):
    """A problem with what the user gave: shown as one line, exit code 2."""


class CereblonWarning(UserWarning):
    """Something in what the user gave that is valid and probably a slip."""


def nearest(word: str, choices: Iterable[str], count: int = 3) -> str:
    """Return ``", nearest: a, b"`` for the choices closest to `word`, or an empty string."""
    close = get_close_matches(word, list(choices), n=count, cutoff=0.5)
    return f"; nearest: {', '.join(close)}" if close else ""
