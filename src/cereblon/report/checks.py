"""What `cereblon check` looks at: trial files, parameter tables, model text, and the packaged documents."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from cereblon.antimony.lexer import MOST_BYTES
from cereblon.documents.findings import Finding
from cereblon.errors import CereblonError, visible
from cereblon.storage.reading import read_limited

_TRIAL = (".yaml", ".yml", ".json")
_TABLE = (".tsv",)
_MODEL = (".ant", ".txt")


def _problem(error: CereblonError, path: Path) -> Sequence[Finding]:
    shown, text = visible(str(path)), str(error)
    placed = re.match(rf"({re.escape(shown)}[^:]*(?::\d+){{0,2}}): (.*)", text)  # the path, or a file below it
    return [Finding("error", *placed.groups()) if placed else Finding("error", shown, text)]


def check_file(path: Path, drugs: Sequence[Path] = ()) -> Sequence[Finding]:
    """Return the findings on one file, told apart by its suffix; raises CereblonError when it cannot be read.

    drugs: folders of the user's own whose drugs a trial file may name.
    """
    suffix = path.suffix.lower()
    if suffix in _TRIAL:
        return _check_trial_file(path, drugs)
    if suffix not in _TABLE + _MODEL:
        expected = "a trial file (.yaml), a parameter table (.tsv) or model text (.ant)"
        raise CereblonError(f"{path}: expected {expected}")
    text = read_limited(path, MOST_BYTES, "a parameter table" if suffix in _TABLE else "model text")
    from cereblon.model import check, load_model_text, read_parameters

    try:
        if suffix in _TABLE:
            read_parameters(text, str(path))
            return []
        return check(load_model_text(text, name=str(path)))
    except CereblonError as error:
        return _problem(error, path)


def _check_trial_file(path: Path, drugs: Sequence[Path]) -> Sequence[Finding]:
    """Return the findings on a trial file; a population that `run` cannot draw is one of them."""
    from cereblon.clinic.trial.check import check_trial
    from cereblon.clinic.trial.drugs import offering
    from cereblon.clinic.trial.trial import Trial
    from cereblon.documents.yamltext import field_path, read_text, read_yaml
    from cereblon.patients.population import PopulationError
    from cereblon.study.population import plan_trial

    found = check_trial(path, drugs=drugs)
    if any(finding.severity == "error" for finding in found):
        return found
    document = read_yaml(read_text(path), str(path))
    try:
        with offering(drugs):
            plan_trial(Trial.model_validate(document.data))
    except PopulationError as error:
        place = document.error(error.loc, error.what)
        return [Finding("error", place.place, f"{field_path(error.loc)}: {error.what}"), *found]
    return found


def check_drugs(folders: Sequence[Path]) -> Sequence[Finding]:
    """Return the findings on drugs of the user's own: each alone on board, and all with those of the package."""
    from cereblon.model import check, drug_cards, load_model

    found: list[Finding] = []
    try:
        own = [name for name in drug_cards(folders) if name not in drug_cards()]
        for drugs in (*([name] for name in own), None):
            known = {str(finding) for finding in found}
            found += [f for f in check(load_model(drugs, folders)) if str(f) not in known]
    except CereblonError as error:
        found += _problem(error, next((f for f in folders if str(error).startswith(visible(str(f)))), folders[0]))
    return found


def check_everything() -> Sequence[Finding]:
    """Return the findings on the packaged model and on every trial of the registry."""
    from importlib.resources import as_file, files

    from cereblon.clinic.trial.check import check_trial
    from cereblon.clinic.trial.load import trial_ids
    from cereblon.model import check, load_model

    found: list[Finding] = list(check(load_model()))
    with as_file(files("cereblon") / "trials") as folder:
        for name in trial_ids():
            found += check_trial(folder / f"{name}.yaml")
    return sorted(found, key=lambda finding: finding.severity != "error")
