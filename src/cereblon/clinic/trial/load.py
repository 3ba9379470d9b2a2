"""Trial documents from the registry or from a user's file, their template, and their JSON Schema."""

from __future__ import annotations

import json
import os
from difflib import get_close_matches
from functools import cache
from importlib import resources
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from cereblon.clinic.trial.design import Trial
from cereblon.documents.yamltext import DocumentError, Loc, Located, field_path, printable, read_text, read_yaml
from cereblon.errors import CereblonError, nearest
from cereblon.storage.output import write_new_text

_REGISTRY = resources.files("cereblon") / "trials"
_TEMPLATE = "template"
SCHEMA_NAME = "trial.schema.json"
_SUFFIXES = (".yaml", ".yml", ".json")
_EXPECTED = {  # pydantic's kinds of error in the words of a document
    "int_type": "a whole number, such as 60",
    "float_type": "a number, such as 12.5",
    "bool_type": "true or false",
    "string_type": "text; put a number or a date in quotes",
    "tuple_type": "a list",
    "string_too_short": "words, not nothing",
    "string_too_long": "fewer words",
}


def trial_ids() -> tuple[str, ...]:
    """Return the ids of the registry, in alphabetical order."""
    names = (Path(entry.name) for entry in _REGISTRY.iterdir())
    return tuple(sorted(name.stem for name in names if name.suffix == ".yaml" and name.stem != _TEMPLATE))


def load_trial(name: str | os.PathLike[str]) -> Trial:
    """Return the trial called `name` in the registry, or the one in the file `name`.

    A name with a folder or one of the suffixes .yaml, .yml, .json, in any letters, is a file; any other name is a
    registry id. Raises CereblonError: unknown id (with the nearest ones), unreadable file; DocumentError (a
    CereblonError) with line and column for the first problem in the document, counting the others.
    """
    if not isinstance(name, (str, os.PathLike)) or not isinstance(os.fspath(name), str):
        raise CereblonError(f"trial: {printable(repr(name), 60)}: expected a registry id or the path of a trial file")
    text = os.fspath(name)
    if not isinstance(name, str) or text.lower().endswith(_SUFFIXES) or os.sep in text or "/" in text:
        path = Path(text)
        return parse_trial(read_text(path), str(path))
    if text in trial_ids():
        return _registered(text)
    known = trial_ids()
    raise CereblonError(
        f"unknown trial '{printable(text, 60)}': expected a file ending in .yaml or one of {', '.join(known)}"
        f"{nearest(text, known)}"
    )


@cache
def _registered(name: str) -> Trial:
    return parse_trial((_REGISTRY / f"{name}.yaml").read_text("utf-8"), f"{name}.yaml")


def parse_trial(text: str, file: str = "<text>") -> Trial:
    """Return the trial in YAML `text`; `file` names it in errors. Raises DocumentError."""
    document = read_yaml(text, file)
    try:
        return Trial.model_validate(document.data)
    except ValidationError as invalid:
        problems = explain(invalid, document)
        first = problems[0]
        more = len(problems) - 1
        what = f"{first.what} (and {more} more, which a check of the file lists)" if more else first.what
        raise DocumentError(file, first.line, first.column, what, first.loc) from invalid


def explain(invalid: ValidationError, document: Located, root: type[BaseModel] = Trial) -> list[DocumentError]:
    """Return the problems of a document in the order of the file, each with its place, value and remedy.

    `root` is the class that the document was to become.
    """
    details = invalid.errors(include_url=False)
    misspelt = {_meant(detail["loc"], root) for detail in details if detail["type"] == "extra_forbidden"}
    # a misspelt field is reported once, where it stands, and not a second time as missing
    told = [d for d in details if d["type"] != "missing" or d["loc"] not in misspelt]
    problems = [_explain_one(detail, document, root) for detail in told]
    return sorted(problems, key=lambda p: (p.line, p.column))


def one_line(invalid: ValidationError, root: type[BaseModel] = Trial) -> str:
    """Return the first problem of values that were not read from a file: field path, value and remedy."""
    problems = explain(invalid, Located("<values>"), root)
    first, more = problems[0], len(problems) - 1
    where = field_path(first.loc) or root.__name__
    return f"{where}: {first.what}" + (f" (and {more} more)" if more else "")


def _meant(loc: Loc, root: type[BaseModel]) -> Loc:
    close = get_close_matches(str(loc[-1]), field_names(loc[:-1], root=root), n=1, cutoff=0.5)
    return (*loc[:-1], *close)


def _explain_one(detail: ErrorDetails, document: Located, root: type[BaseModel]) -> DocumentError:
    context = detail.get("ctx", {})
    loc: Loc = (*detail["loc"], *context.get("at", ()))
    kind, value = detail["type"], detail["input"]
    if kind == "missing":
        needed = ", ".join(field_names(loc[:-1], required=True, root=root))
        return document.error(loc, f"is missing: expected the fields {needed}", key=True)
    if kind == "extra_forbidden":
        fields = field_names(loc[:-1], root=root)
        close = nearest(str(loc[-1]), fields) or f": expected one of {', '.join(fields)}"
        return document.error(loc, f"unknown field{close}", key=True)
    if kind in ("model_type", "model_attributes_type", "dataclass_type"):
        return document.error(loc, f"{_shown(value)}expected fields {', '.join(field_names(loc, root=root))}")
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


def field_names(loc: Loc, required: bool = False, root: type[BaseModel] = Trial) -> list[str]:
    """Return the names of the fields that a document of class `root` may (`required`: must) have at `loc`."""
    model: type[BaseModel] | None = root
    for step in loc:
        if isinstance(step, int) or model is None:
            continue
        info = model.model_fields.get(step)
        model = _model_in(info.annotation) if info is not None else None
    if model is None:
        return []
    return [name for name, info in model.model_fields.items() if info.is_required() or not required]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Union, UnionType, tuple) or get_args(annotation):
        return next((m for part in get_args(annotation) if (m := _model_in(part)) is not None), None)
    return None


def template_text() -> str:
    """Return a commented trial file that is valid as it stands and meant to be edited."""
    return (_REGISTRY / f"{_TEMPLATE}.yaml").read_text("utf-8")


def write_template(path: str | os.PathLike[str]) -> None:
    """Write the template to a new file. Raises CereblonError when it exists already or cannot be written."""
    write_new_text(Path(path), template_text())


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a trial document, for editors and other programs."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Trial.model_json_schema()}


def schema_text() -> str:
    """Return the text of the published schema file."""
    return json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"


def write_schema(folder: str | os.PathLike[str]) -> Path:
    """Write the published schema file into `folder` and return its path; a test checks that it is current."""
    target = Path(folder) / SCHEMA_NAME
    target.write_text(schema_text(), encoding="utf-8")
    return target
