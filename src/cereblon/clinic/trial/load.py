"""Trial documents from the registry or from a user's file, their template, and their JSON Schema."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cereblon import arguments
from cereblon.clinic.trial.drugs import offering
from cereblon.clinic.trial.trial import Trial
from cereblon.documents.problems import explain
from cereblon.documents.yamltext import DocumentError, printable, read_text, read_yaml
from cereblon.errors import CereblonError, nearest
from cereblon.storage.output import write_new_text

_REGISTRY = resources.files("cereblon") / "trials"
_TEMPLATE = "template"
SCHEMA_NAME = "trial.schema.json"
_SUFFIXES = (".yaml", ".yml", ".json")


def trial_ids() -> tuple[str, ...]:
    """Return the ids of the registry, in alphabetical order."""
    names = (Path(entry.name) for entry in _REGISTRY.iterdir())
    return tuple(sorted(name.stem for name in names if name.suffix == ".yaml" and name.stem != _TEMPLATE))


def load_trial(name: str | os.PathLike[str], *, drugs: Sequence[str | os.PathLike[str]] = ()) -> Trial:
    """Return the trial called `name` in the registry, or the one in the file `name`.

    drugs: folders of your own, each a drug or a folder of such folders, whose drugs the trial may name; a run of it
    takes them from there.

    A name with a folder or one of the suffixes .yaml, .yml, .json, in any letters, is a file; any other name is a
    registry id. Raises CereblonError: unknown id (with the nearest ones), unreadable file; DocumentError (a
    CereblonError) with line and column for the first problem in the document, counting the others.
    """
    if not isinstance(name, (str, os.PathLike)) or not isinstance(os.fspath(name), str):
        raise CereblonError(f"trial: {printable(repr(name), 60)}: expected a registry id or the path of a trial file")
    folders = arguments.paths("drugs", drugs)
    text = os.fspath(name)
    if not isinstance(name, str) or text.lower().endswith(_SUFFIXES) or os.sep in text or "/" in text:
        path = Path(text)
        with offering(folders):
            return parse_trial(read_text(path), str(path))
    with offering(folders):  # refuses a folder that holds no drug; a registered trial names none of them
        pass
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
        problems = explain(invalid, document, Trial)
        first = problems[0]
        more = len(problems) - 1
        what = f"{first.what} (and {more} more, which a check of the file lists)" if more else first.what
        raise DocumentError(file, first.line, first.column, what, first.loc) from invalid


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
