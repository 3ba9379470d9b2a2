"""What is wrong with a document, in its own words: each problem with its place, its value and its remedy."""

from __future__ import annotations

from difflib import get_close_matches
from types import UnionType
from typing import Any, Final, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from cereblon.documents.yamltext import DocumentError, Loc, Located, field_path, printable
from cereblon.errors import nearest

_EXPECTED: Final = {  # pydantic's kinds of error in the words of a document
    "int_type": "a whole number, such as 60",
    "float_type": "a number, such as 12.5",
    "bool_type": "true or false",
    "string_type": "text; put a number or a date in quotes",
    "tuple_type": "a list",
    "string_too_short": "words, not nothing",
    "string_too_long": "fewer words",
}


def explain(invalid: ValidationError, document: Located, root: type[BaseModel]) -> list[DocumentError]:
    """Return the problems of a document in the order of the file, each with its place, value and remedy.

    `root` is the class that the document was to become.
    """
    # a default that follows from another field is no problem of its own where that field has one
    details = [d for d in invalid.errors(include_url=False) if d["type"] != "default_factory_not_called"]
    misspelt = {_meant(detail["loc"], root) for detail in details if detail["type"] == "extra_forbidden"}
    # a misspelt field is reported once, where it stands, and not a second time as missing
    told = [d for d in details if d["type"] != "missing" or d["loc"] not in misspelt]
    problems = [_explain_one(detail, document, root) for detail in told]
    return sorted(problems, key=lambda p: (p.line, p.column))


def one_line(invalid: ValidationError, root: type[BaseModel]) -> str:
    """Return the first problem of values that were not read from a file: field path, value and remedy."""
    problems = explain(invalid, Located("<values>"), root)
    first, more = problems[0], len(problems) - 1
    where = field_path(first.loc) or root.__name__
    return f"{where}: {first.what}" + (f" (and {more} more)" if more else "")


def _meant(loc: Loc, root: type[BaseModel]) -> Loc:
    close = get_close_matches(str(loc[-1]), field_names(loc[:-1], root), n=1, cutoff=0.5)
    return (*loc[:-1], *close)


def _explain_one(detail: ErrorDetails, document: Located, root: type[BaseModel]) -> DocumentError:
    context = detail.get("ctx", {})
    loc: Loc = (*detail["loc"], *context.get("at", ()))
    kind, value = detail["type"], detail["input"]
    if kind == "missing":
        needed = ", ".join(field_names(loc[:-1], root, required=True))
        return document.error(loc, f"is missing: expected the fields {needed}", key=True)
    if kind == "extra_forbidden":
        fields = field_names(loc[:-1], root)
        close = nearest(str(loc[-1]), fields) or f": expected one of {', '.join(fields)}"
        return document.error(loc, f"unknown field{close}", key=True)
    if kind in ("model_type", "model_attributes_type", "dataclass_type"):
        return document.error(loc, f"{_shown(value)}expected fields {', '.join(field_names(loc, root))}")
    if kind == "literal_error":
        words = str(context.get("expected", ""))
        choices = [choice.strip("'") for choice in words.replace(" or ", ", ").split(", ")]
        return document.error(loc, f"{_shown(value)}expected {words}{nearest(str(value), choices)}")
    if kind in ("quantity", "numbers"):
        return document.error(loc, f"{_shown(value)}{context['why']}")
    if kind == "design":
        shown = "" if context.get("at") else _shown(value)
        return document.error(loc, f"{shown}{context['why']}")
    if kind == "string_pattern_mismatch":
        return document.error(loc, f"{_shown(value)}expected text of the form {context['pattern']}")
    expected = _EXPECTED.get(kind) or detail["msg"].replace("Input should be", "a value", 1)
    return document.error(loc, f"{_shown(value)}expected {expected}")


def _shown(value: object) -> str:
    silent = value is None or isinstance(value, (dict, list, tuple))
    return "" if silent else f"{printable(repr(value), 60)}: "


def field_names(loc: Loc, root: type[BaseModel], required: bool = False) -> list[str]:
    """Return the names of the fields that a document of class `root` may (`required`: must) have at `loc`."""
    model: type[BaseModel] | None = root
    for step in loc:
        if isinstance(step, int) or model is None:
            continue
        info = _fields(model).get(step)
        model = _model_in(info.annotation) if info is not None else None
    if model is None:
        return []
    return [name for name, info in _fields(model).items() if info.is_required() or not required]


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the fields of a document by the names that a document has for them."""
    return {info.alias or name: info for name, info in model.model_fields.items()}


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Union, UnionType, tuple) or get_args(annotation):
        return next((m for part in get_args(annotation) if (m := _model_in(part)) is not None), None)
    return None
