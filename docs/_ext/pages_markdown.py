"""Small pieces of Markdown: cells and tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

DASH = "–"  # an empty cell


def cell(value: object) -> str:
    """Return a value as one table cell: no line breaks, no stray bars or markup, a dash when empty."""
    text = " ".join(str(value).split()) if value is not None else ""
    for sign in "\\|<>*_[]{}`":
        text = text.replace(sign, "\\" + sign)
    return text or DASH


def code(text: object) -> str:
    """Return a name or formula in code type for a table cell."""
    inner = " ".join(str(text).split()).replace("|", "\\|")
    return f"`{inner}`" if inner else DASH


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table whose cells are Markdown already; an empty text without rows."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    if not lines:
        return ""
    return "\n".join(["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads), *lines, ""])
