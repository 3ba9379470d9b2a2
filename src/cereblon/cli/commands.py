"""The command line: the same verbs as the Python API.

Heavy imports stand inside the verbs, so that help and errors come at once. Results go to standard output,
progress and errors to standard error; how a process begins and ends is in `cereblon.cli.main`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cereblon.cli import evidence as cli_evidence
from cereblon.cli.shared import (
    FAILURE,
    AsJson,
    Drugs,
    Params,
    given_parameters,
    print_json,
    print_view,
    progress_bar,
    say,
)
from cereblon.environment import check_environment
from cereblon.errors import CereblonError, nearest
from cereblon.version import __version__

if TYPE_CHECKING:
    from cereblon.clinic.trial.trial import Trial
    from cereblon.result import StudyResult

PATIENTS = 500  # subjects per arm unless asked otherwise: the Monte-Carlo error of a share is then about 2 points
MOST_PATIENTS = 100_000

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)
export = typer.Typer(add_completion=False, no_args_is_help=True, help="Write the model for other programs.")
app.add_typer(export, name="export")

Patients = Annotated[
    int, typer.Option("--patients", "-n", min=1, max=MOST_PATIENTS, help="Virtual patients in each arm.")
]
Seed = Annotated[int, typer.Option("--seed", "-s", min=0, help="Same seed, same result.")]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"cereblon {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Virtual trials of lenalidomide in chronic lymphocytic leukemia. A research tool, not medical advice."""


@app.command()
def trials(as_json: AsJson = False) -> None:
    """List the registry of published trials."""
    from cereblon.clinic.trial.load import load_trial, trial_ids

    registry = [load_trial(name) for name in trial_ids()]
    if as_json:
        print_json([_registry_entry(trial) for trial in registry])
        return
    from cereblon.report.console import console, registry_table

    console().print(registry_table(registry))


def _registry_entry(trial: Trial) -> dict[str, Any]:
    return {
        "id": trial.id,
        "title": trial.title,
        "setting": trial.setting,
        "criteria": trial.criteria,
        "size": trial.size,
        "arms": [{"id": arm.id, "name": arm.name, "size": arm.size} for arm in trial.arms],
        "doi": trial.citation.doi if trial.citation else None,
        "published": [
            {"endpoint": p.endpoint, "arm": p.arm, "value": p.value, "n": p.n, "of": p.of, "source": p.source}
            for p in trial.published
        ],
    }


@app.command()
def run(
    trial: Annotated[str, typer.Argument(metavar="TRIAL", help="A registry id or a trial file (.yaml).")],
    patients: Patients = PATIENTS,
    seed: Seed = 1,
    arm: Annotated[list[str] | None, typer.Option("--arm", help="Run only this arm; may be repeated.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Run folder. Default: runs/TRIAL-seed-SEED.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Change a parameter, or NAME.spread; may be repeated."),
    ] = None,
    params: Params = None,
    drugs: Drugs = None,
    knockout: Annotated[
        list[str] | None,
        typer.Option("--knockout", metavar="CLAIM", help="Switch the mechanism of a claim off; may be repeated."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a run of another request in the run folder.")] = False,
    twins: Annotated[
        bool, typer.Option("--twins", help="The same people in every arm. Default: every arm has its own.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Simulate a trial, show it beside its published outcomes and write the run folder."""
    from cereblon.clinic.trial.check import trial_warnings
    from cereblon.clinic.trial.load import load_trial
    from cereblon.study.earlier import planned
    from cereblon.study.target import check_target

    design = load_trial(trial, drugs=drugs or [])
    overrides = _with_knockouts(parse_settings(set_ or []), knockout or [])
    _check_arms(design, arm or [])
    overrides = {**_from_file(params, drugs), **overrides}
    folder = out if out is not None else Path("runs") / f"{design.id}-seed-{seed}"
    check_target(folder, planned(design, patients, seed, arm or None, overrides, twins), force)
    for line in trial_warnings(design):
        typer.echo(f"{design.id}: warning: {line}", err=True)
    result = _simulate(design, patients, seed, arm, overrides, folder, twins)
    written = result.save(folder, force=force)
    if as_json:
        print_json(result.summary())
        return
    from cereblon.report.console import console, outcome_notes, outcome_table

    screen = console()
    screen.print(outcome_table(result))
    for line in outcome_notes(result):
        screen.print(line)
    screen.print(f"Report: {_short(written / 'report.html')}", soft_wrap=True)


def parse_settings(settings: Sequence[str]) -> dict[str, float]:
    """Return NAME=VALUE texts as a dictionary; raises CereblonError naming the text that is wrong."""
    values: dict[str, float] = {}
    for text in settings:
        name, sign, number = (part.strip() for part in text.partition("="))
        if not sign or not all(part.isidentifier() for part in name.split(".")):
            raise CereblonError(f"--set '{text}': expected NAME=VALUE, such as len_clearance_scale=0.8")
        try:
            value = float(number)
        except ValueError:
            raise CereblonError(f"--set '{text}': '{number}' is not a number") from None
        if value != value or value in (float("inf"), float("-inf")):
            raise CereblonError(f"--set '{text}': expected a finite number")
        if name in values:
            raise CereblonError(f"--set '{text}': {name} is set twice")
        values[name] = value
    return values


def _from_file(path: Path | None, drugs: list[Path] | None) -> dict[str, float]:
    """Return the numbers that a file of parameters changes; --set and --knockout change them further."""
    given = given_parameters(path, drugs)
    if given is None:
        return {}
    from cereblon.model import load_model
    from cereblon.parameters import ParameterSet

    return given.changes(ParameterSet.packaged(load_model(None, drugs or [])))


def _with_knockouts(settings: dict[str, float], claims: Sequence[str]) -> dict[str, float]:
    """Return the settings and those that switch claims off; raises CereblonError where both set one parameter."""
    if not claims:
        return settings
    from cereblon.evidence.documents import switches

    off = switches(claims)
    for name in off:
        if name in settings:
            raise CereblonError(f"--set {name}: is switched by --knockout too; expected one of the two")
    return {**settings, **off}


def _check_arms(design: Trial, arms: Sequence[str]) -> None:
    known = [arm.id for arm in design.arms]
    for arm in arms:
        if arm not in known:
            raise CereblonError(f"--arm '{arm}': {design.id} has {', '.join(known)}{nearest(arm, known)}")


def _short(path: Path) -> str:
    """Return the path relative to the current folder where that is shorter."""
    relative = os.path.relpath(path)
    return relative if len(relative) < len(str(path)) else str(path)


def _simulate(
    design: Trial,
    patients: int,
    seed: int,
    arms: Sequence[str] | None,
    overrides: dict[str, float],
    folder: Path | None,
    twins: bool = False,
) -> StudyResult:
    check_environment()
    with progress_bar(design.id) as progress:
        progress(0, 1, "starting")
        from cereblon.study.drugs import site_drugs, trial_model
        from cereblon.study.program import study_cycle

        # the compiled cycle is read from disk beside the imports that follow
        model = trial_model(design)
        study_cycle(model, design, site_drugs(model)).begin()
        from cereblon.result import run as run_study

        return run_study(
            design,
            patients=patients,
            seed=seed,
            arms=arms or None,
            overrides=overrides,
            twins=twins,
            out=folder,
            progress=_survival_beside(progress),
        )


def _survival_beside(progress: Callable[[int, int, str], None]) -> Callable[[int, int, str], None]:
    """Return `progress` that also imports scipy.stats, which draws the survival curves, beside the simulation."""
    statistics = Thread(target=import_module, args=("scipy.stats",))

    def move(done: int, total: int, words: str) -> None:
        if words == "simulating" and statistics.ident is None:
            statistics.start()
        progress(done, total, words)

    return move


@app.command()
def new(path: Annotated[Path, typer.Argument(metavar="FILE", help="The trial file to write.")]) -> None:
    """Write a commented trial file to edit."""
    from cereblon.clinic.trial.load import write_template

    write_template(path)
    say(f"{path}: edit it, then: cereblon check {path}")


@app.command()
def check(
    path: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Trial file, parameter table or model text.")
    ] = None,
    drugs: Drugs = None,
    as_json: AsJson = False,
) -> None:
    """Look for mistakes in a trial file, a parameter table (.tsv) or model text (.ant), without running it.

    Without FILE: the drugs in the folders of --drugs, or the model and the registry that come with Cereblon.
    """
    from cereblon.report.checks import check_drugs, check_everything, check_file

    if path is not None:
        findings = check_file(path, drugs or [])
    else:
        findings = check_drugs(drugs) if drugs else check_everything()
    errors = [finding for finding in findings if finding.severity == "error"]
    if as_json:
        fields = ("severity", "rule", "place", "message")
        print_json([{name: getattr(finding, name) for name in fields} for finding in findings])
    else:
        for finding in findings:
            say(str(finding), err=finding.severity == "error")
        if not errors:
            what = _checked(path, drugs)
            say(f"{what}: no errors, {len(findings)} warning{'' if len(findings) == 1 else 's'}")
    if errors:
        raise typer.Exit(FAILURE)


def _checked(path: Path | None, drugs: list[Path] | None) -> str:
    if path is not None:
        return str(path)
    return ", ".join(map(str, drugs)) if drugs else "the packaged model and registry"


@app.command()
def show(
    what: Annotated[str, typer.Argument(metavar="model|parameter|trial", help="What to show.")],
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A state, rule, parameter or trial.")] = None,
    drugs: Drugs = None,
    as_json: AsJson = False,
) -> None:
    """Show equations in words (model), a value with spread and source (parameter), or a design (trial)."""
    from cereblon.report import showing

    views = {"model": showing.show_model, "parameter": showing.show_parameter, "trial": showing.show_trial}
    if what not in views:
        raise CereblonError(f"show '{what}': expected model, parameter or trial{nearest(what, views)}")
    print_view(views[what](name, drugs or []), as_json)


@export.command()
def sbml(
    path: Annotated[Path, typer.Argument(metavar="OUT.xml", help="The file to write.")],
    drugs: Drugs = None,
    drug: Annotated[
        list[str] | None, typer.Option("--drug", metavar="NAME", help="Only this drug on board; may be repeated.")
    ] = None,
) -> None:
    """Write the model as SBML, with units and annotations: the patient with all drugs, or with those of --drug."""
    from cereblon.storage.output import check_file_target, write_text

    check_file_target(path)
    from cereblon.model import load_model

    write_text(path, load_model(drug or None, drugs or []).sbml)
    say(f"{path}: SBML level 3 version 1")


@app.command()
def reproduce(patients: Patients = PATIENTS, seed: Seed = 1, as_json: AsJson = False) -> None:
    """Run every trial of the registry and count the published figures inside the simulated 90 % interval."""
    from cereblon.clinic.trial.load import load_trial, trial_ids
    from cereblon.outcomes.compare import cohort_note, hits

    rows = {}
    objects = {}
    notes = []
    for name in trial_ids():
        result = _simulate(load_trial(name), patients, seed, None, {}, None)
        rows[name] = result.comparisons
        objects[name] = result.summary()
        if (note := cohort_note(result, result.arms)) is not None:
            notes.append(f"{name}: {note}")
    judged = [row for comparisons in rows.values() for row in comparisons]
    count, of = hits(judged)
    if as_json:
        print_json({"rows": objects, "inside": count, "of": of})
        return
    from cereblon.report.console import console, reproduce_table

    screen = console()
    screen.print(reproduce_table(rows))
    screen.print(f"{count} of {of} published figures lie inside the 90 % interval of trials of their size.")
    for note in notes:
        screen.print(note, markup=False)


app.add_typer(cli_evidence.commands)
export.add_typer(cli_evidence.exports)
