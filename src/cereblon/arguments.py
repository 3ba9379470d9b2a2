"""What is given to a Python verb, checked: each mistake is one CereblonError that names the argument and the value.

The words serve the command line too, so they name arguments and not options.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from cereblon.errors import CereblonError

LONGEST = 60
"""Characters of a value that a message shows."""


def shown(value: object) -> str:
    """Return a value as a message shows it: on one line, without control characters, cut where it is long."""
    try:
        text = repr(value)
    except Exception:  # an object of the user's that cannot even say what it is
        text = f"<{type(value).__name__}>"
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[: LONGEST + 1])
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def whole(name: str, value: object, low: int, high: int | None = None) -> int:
    """Return a whole number in its range. Raises CereblonError; true and false are not numbers."""
    span = f"from {low}" + (f" to {high}" if high is not None else "")
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise CereblonError(f"{name}: {shown(value)}: expected a whole number {span}")
    number = int(value)
    if number < low or (high is not None and number > high):
        raise CereblonError(f"{name}: {shown(number)} is outside the range: expected a whole number {span}")
    return number


def words(name: str, value: object, such_as: str) -> tuple[str, ...]:
    """Return a list of texts. Raises CereblonError, for a single text as well: its letters are no list."""
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise CereblonError(f"{name}: {shown(value)}: expected a list such as ['{such_as}']")
    items = tuple(value)
    for item in items:
        if not isinstance(item, str):
            raise CereblonError(f"{name}: {shown(item)}: expected text such as '{such_as}'")
    return items


def numbers(name: str, value: object) -> dict[str, float]:
    """Return a mapping from names to numbers. Raises CereblonError."""
    if not isinstance(value, Mapping):
        raise CereblonError(f"{name}: {shown(value)}: expected a dictionary such as {{'len_clearance_scale': 0.8}}")
    out = {}
    for key, number in value.items():
        if not isinstance(key, str):
            raise CereblonError(f"{name}: {shown(key)}: expected the name of a parameter")
        if isinstance(number, bool) or not isinstance(number, Real):
            raise CereblonError(f"parameter {key}: {shown(number)}: expected a number")
        try:
            out[key] = float(number)
        except OverflowError:
            raise CereblonError(f"parameter {key}: {shown(number)}: expected a finite number") from None
    return out


def path(name: str, value: object) -> Path:
    """Return a path. Raises CereblonError."""
    if isinstance(value, (str, os.PathLike)):
        found = os.fspath(value)
        if isinstance(found, str) and found and "\0" not in found:
            return Path(found)
    raise CereblonError(f"{name}: {shown(value)}: expected a path")


def paths(name: str, value: object) -> tuple[Path, ...]:
    """Return a list of paths. Raises CereblonError, for a single path as well."""
    if isinstance(value, (str, bytes, os.PathLike, Mapping)) or not isinstance(value, Iterable):
        raise CereblonError(f"{name}: {shown(value)}: expected a list of paths such as ['my_{name}']")
    return tuple(path(name, item) for item in value)


def instance(name: str, value: Any, kind: type, remedy: str) -> None:
    """Raise CereblonError unless `value` is a `kind`."""
    if not isinstance(value, kind):
        raise CereblonError(f"{name}: {shown(value)}: expected {remedy}")


def callback(name: str, value: object) -> None:
    """Raise CereblonError unless `value` can be called, or is None."""
    if value is not None and not callable(value):
        raise CereblonError(f"{name}: {shown(value)}: expected a function (done, total, words)")
