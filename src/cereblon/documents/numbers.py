"""A number in a cell of a table of somebody's."""

from __future__ import annotations


def decimal(text: str) -> float | None:
    """Return the number that a cell holds, infinite ones too; None where it holds none.

    Decimal digits of ASCII, for float() takes 1_0 and digits of any script too; a word processor's minus sign counts.
    """
    word = text.strip().replace("\u2212", "-")
    if not word.isascii() or "_" in word:
        return None
    try:
        return float(word)
    except ValueError:
        return None
