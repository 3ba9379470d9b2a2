"""A trial with some fields changed: the document is written out, changed by path, and read again as a whole."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from cereblon.clinic.trial.design import Design
from cereblon.clinic.trial.lint import lint
from cereblon.documents.base import Document
from cereblon.documents.problems import field_names, one_line
from cereblon.documents.yamltext import Loc, field_path, printable
from cereblon.errors import CereblonError, CereblonWarning, nearest

AnyDesign = TypeVar("AnyDesign", bound=Design)
_PATH = re.compile(r"[^.\[\]]+(?:\.[^.\[\]]+|\[[^\[\]]+\])*")
_STEP = re.compile(r"\[([^\[\]]+)\]|([^.\[\]]+)")
_CALLER = 3  # frames up: `varied`, `Trial.vary`, who called it
_LONGEST = 60  # characters of a value or path that a message shows


def varied(trial: AnyDesign, changes: Mapping[str, object]) -> AnyDesign:
    """Return `trial` with the values at the paths of `changes`; see `Trial.vary`."""
    if not isinstance(changes, Mapping):
        raise CereblonError('changes: expected a mapping of paths to values, such as {"criteria": "iwCLL 2018"}')
    # only what was written: a field that was left out keeps following its default
    document: dict[str, Any] = trial.model_dump(mode="json", exclude_unset=True)
    filled: dict[str, Any] = trial.model_dump(mode="json")
    for path, value in changes.items():
        _change(document, filled, path, _plain(path, value))
    try:
        result = type(trial).model_validate(document)
    except ValidationError as invalid:
        raise CereblonError(one_line(invalid, type(trial))) from invalid
    for loc, what, _ in lint(result):
        warnings.warn(f"{field_path(loc)}: {what}", CereblonWarning, stacklevel=_CALLER)
    return result


def _plain(path: str, value: object) -> Any:
    """Return a value as a document holds it. Raises CereblonError for what no document can hold."""
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, Document):
        return value.model_dump(mode="json", exclude_unset=True)
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise CereblonError(f"{_shown(path)}: {_shown(key)}: expected the name of a field")
        return {key: _plain(f"{path}.{key}", inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(f"{path}.{i}", inner) for i, inner in enumerate(value)]
    kind = type(value).__name__
    raise CereblonError(f"{_shown(path)}: {_shown(value)} ({kind}): expected text, a number, a list or a mapping")


def _shown(value: object) -> str:
    return printable(value if isinstance(value, str) else repr(value), _LONGEST)


def _change(document: dict[str, Any], filled: dict[str, Any], path: object, value: Any) -> None:
    """Set one value in the written document. filled: the same with all defaults, to know what a path leads to."""
    if not isinstance(path, str) or not _PATH.fullmatch(path):
        raise CereblonError(f"path '{_shown(path)}': expected names of fields with dots, such as 'arms.0.size'")
    steps = [bracketed or plain for bracketed, plain in _STEP.findall(path)]
    here: Any = document
    known: Any = filled
    loc: Loc = ()
    while True:
        if isinstance(here, list):
            index, used = _position(here, steps, loc)
            steps, loc = steps[used:], (*loc, index)
            key: Any = index
            known = known[index] if isinstance(known, list) and index < len(known) else None
        else:
            key = _field(steps[0], loc)
            steps, loc = steps[1:], (*loc, key)
            known = known.get(key) if isinstance(known, dict) else None
        if not steps:
            here[key] = value
            return
        if isinstance(here, dict) and here.get(key) is None:
            here[key] = known if isinstance(known, list) else {}
        here = here[key]
        if not isinstance(here, (dict, list)):
            raise CereblonError(
                f"{field_path((*loc, *steps))}: {field_path(loc)} is {_shown(here)}, which has no fields"
            )


def _field(name: str, loc: Loc) -> str:
    """Return the name of a field. Raises CereblonError with the nearest one where there is no such field."""
    fields = field_names(loc, Design)
    if fields and name not in fields:
        close = nearest(name, fields) or f": expected one of {', '.join(fields)}"
        raise CereblonError(f"{field_path((*loc, name))}: unknown field{close}")
    return name


def _position(items: list[Any], steps: list[str], loc: Loc) -> tuple[int, int]:
    """Return the position in a list that the next steps name, by id or by number, and how many steps say so."""
    ids = [item.get("id") for item in items if isinstance(item, dict)]
    for used in range(len(steps), 0, -1):  # an id may have dots itself
        name = ".".join(steps[:used])
        if name in ids:
            return ids.index(name), used
    name = steps[0]
    if name.isascii() and name.isdecimal() and int(name) < len(items):
        return int(name), 1
    named = [i for i in ids if i is not None]
    numbers = f"a position from 0 to {len(items) - 1}" if items else "nothing: the list is empty"
    choices = f"{numbers} or one of {', '.join(named)}" if named else numbers
    raise CereblonError(f"{field_path(loc)}: no item '{_shown(name)}': expected {choices}{nearest(name, named)}")
