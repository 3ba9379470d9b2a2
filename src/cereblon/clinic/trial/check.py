"""The check of a trial file: what is wrong (errors) and what is probably a slip (warnings), each with its place.

`trial_warnings` gives the same warnings of a trial that is about to run.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from cereblon import arguments
from cereblon.clinic.trial.drugs import offering
from cereblon.clinic.trial.lint import Remark, Remarks, Rule, lint
from cereblon.clinic.trial.load import load_trial, trial_ids
from cereblon.clinic.trial.trial import Trial
from cereblon.documents.findings import Finding, Severity
from cereblon.documents.problems import explain
from cereblon.documents.yamltext import DocumentError, field_path, printable, read_text, read_yaml
from cereblon.errors import CereblonError

LONGEST_WARNING = 300  # characters


def check_trial(
    path: str | os.PathLike[str],
    *,
    drugs: Sequence[str | os.PathLike[str]] = (),
    rules: Sequence[Rule] | None = None,
) -> list[Finding]:
    """Return the findings on a trial file, errors before warnings, each in the order of the file.

    drugs: folders of your own whose drugs the trial may name; rules: what is looked for (default: `lint.RULES`). An
    unreadable file is a finding too; nothing is raised for the content of a document.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise CereblonError(f"trial file: {printable(repr(path), 60)}: expected a path")
    file = str(os.fspath(path))
    try:
        document = read_yaml(read_text(Path(file)), file)
    except DocumentError as error:
        return [_finding(error)]
    except CereblonError as error:
        shown = printable(file)
        return [Finding("error", shown, str(error).removeprefix(f"{shown}: "))]
    try:
        with offering(arguments.paths("drugs", drugs)):
            trial = Trial.model_validate(document.data)
    except ValidationError as invalid:
        return [_finding(problem) for problem in explain(invalid, document, Trial)]
    remarks = [(document.error(loc, what), rule) for loc, what, rule in remarks_on(trial, rules)]
    remarks.sort(key=lambda remark: (remark[0].line, remark[0].column))
    return [_finding(error, "warning", rule) for error, rule in remarks]


def remarks_on(trial: Trial, rules: Sequence[Rule] | None = None) -> list[Remark]:
    """Return the remarks of the linter on a trial, and whether it took the id of a registry entry."""
    with offering(trial.drug_folders):
        taken = [Remark(loc, what, "taken-id") for loc, what in taken_id(trial)]
        return [*lint(trial, rules), *taken]


def trial_warnings(trial: Trial) -> tuple[str, ...]:
    """Return the warnings on a trial, each a line that begins with the field; empty for a clean one."""
    return tuple(printable(f"{field_path(loc)}: {what}", LONGEST_WARNING) for loc, what, _ in remarks_on(trial))


def _finding(error: DocumentError, severity: Severity = "error", rule: str = "valid") -> Finding:
    where = f"{field_path(error.loc)}: " if error.loc else ""
    return Finding(severity, error.place, where + error.what, rule)


def taken_id(trial: Trial) -> Remarks:
    """The id of a registry entry belongs to the registry's own document."""
    if trial.id in trial_ids() and trial != load_trial(trial.id):
        yield ("id",), f"{trial.id} is also a registry entry: expected a name of its own"
