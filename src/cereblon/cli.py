"""The command line: the same verbs as the Python API.

Heavy imports stand inside the verbs, so that help and errors come at once. Results go to standard output,
progress and errors to standard error; errors are one line with exit code 2, Ctrl-C ends with 130, SIGTERM with 143.
"""

from __future__ import annotations

import atexit
import errno
import gc
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from cereblon import __version__, cli_evidence
from cereblon.cli_shared import AsJson, Params, given_parameters, print_json, print_view, progress_bar, say
from cereblon.cli_streams import drop_output, fill_closed_streams, flush_output, say_error
from cereblon.environment import check_environment
from cereblon.errors import CereblonError, nearest

if TYPE_CHECKING:
    from cereblon.clinic.design import Trial
    from cereblon.result import StudyResult

FAILURE = 2
INTERNAL = 1
INTERRUPTED = 130
TERMINATED = 143
TRACEBACK = "CEREBLON_TRACEBACK"
"""Environment variable that asks for the traceback of an internal error."""
LONGEST = 300
"""Characters of an internal error that are shown."""
FULL = (errno.ENOSPC, errno.EIO, errno.EFBIG, errno.EDQUOT, errno.EBADF, errno.EINVAL)
"""What a write to standard output fails with when there is no room, or no place, for it."""
PATIENTS = 500  # subjects per arm unless asked otherwise: the Monte-Carlo error of a share is then about 2 points
MOST_PATIENTS = 100_000
OBJECTS = 50_000  # new ones before Python looks for unused rings: libraries make many that stay

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
    from cereblon.clinic.documents import load_trial, trial_ids

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
    from cereblon.clinic.documents import load_trial
    from cereblon.clinic.lint import trial_warnings
    from cereblon.report.earlier import planned
    from cereblon.report.target import check_target

    design = load_trial(trial)
    overrides = _with_knockouts(parse_settings(set_ or []), knockout or [])
    _check_arms(design, arm or [])
    overrides = {**_from_file(params), **overrides}
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


def _from_file(path: Path | None) -> dict[str, float]:
    """Return the numbers that a file of parameters changes; --set and --knockout change them further."""
    given = given_parameters(path)
    if given is None:
        return {}
    from cereblon.model import load_model
    from cereblon.parameters import ParameterSet

    return given.changes(ParameterSet.packaged(load_model()))


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
        from cereblon.model import load_model
        from cereblon.study_program import study_cycle

        # the compiled cycle is read from disk beside the imports that follow
        study_cycle(load_model(), design).begin()
        from cereblon.study import run as run_study

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
    from cereblon.clinic.documents import write_template

    write_template(path)
    say(f"{path}: edit it, then: cereblon check {path}")


@app.command()
def check(
    path: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Trial file, parameter table or model text.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look for mistakes in a trial file, a parameter table (.tsv) or model text (.ant), without running it.

    Without FILE: the model and the registry that come with Cereblon.
    """
    from cereblon.report.checks import check_everything, check_file

    findings = check_everything() if path is None else check_file(path)
    errors = [finding for finding in findings if finding.severity == "error"]
    if as_json:
        fields = ("severity", "place", "message")
        print_json([{name: getattr(finding, name) for name in fields} for finding in findings])
    else:
        for finding in findings:
            say(str(finding), err=finding.severity == "error")
        if not errors:
            what = "the packaged model and registry" if path is None else str(path)
            say(f"{what}: no errors, {len(findings)} warning{'' if len(findings) == 1 else 's'}")
    if errors:
        raise typer.Exit(FAILURE)


@app.command()
def show(
    what: Annotated[str, typer.Argument(metavar="model|parameter|trial", help="What to show.")],
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A state, rule, parameter or trial.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show equations in words (model), a value with spread and source (parameter), or a design (trial)."""
    from cereblon.report import showing

    views = {"model": showing.show_model, "parameter": showing.show_parameter, "trial": showing.show_trial}
    if what not in views:
        raise CereblonError(f"show '{what}': expected model, parameter or trial{nearest(what, views)}")
    print_view(views[what](name), as_json)


@export.command()
def sbml(path: Annotated[Path, typer.Argument(metavar="OUT.xml", help="The file to write.")]) -> None:
    """Write the whole model as SBML, with units and annotations."""
    from cereblon.output_files import check_file_target, write_text

    check_file_target(path)
    from cereblon.model import load_model

    write_text(path, load_model().sbml)
    say(f"{path}: SBML level 3 version 1")


@app.command()
def reproduce(patients: Patients = PATIENTS, seed: Seed = 1, as_json: AsJson = False) -> None:
    """Run every trial of the registry and count the published figures inside the simulated 90 % interval."""
    from cereblon.clinic.documents import load_trial, trial_ids
    from cereblon.outcomes.compare import cohort_note, hits

    rows = {}
    objects = {}
    notes = []
    for name in trial_ids():
        result = _simulate(load_trial(name), patients, seed, None, {}, None)
        rows[name] = result.comparisons
        objects[name] = result.summary()
        if (note := cohort_note(result)) is not None:
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


def _fail(message: str) -> int:
    say_error(message)
    return FAILURE


class _Terminated(BaseException):
    """Unwinds the process when the system asks it to end, so that nothing half-written stays."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0, 2 for a mistake of the user, 130 for Ctrl-C, 143 for SIGTERM.

    Called by a program (`arguments` given), a fault of Cereblon itself is raised. The command says it in one line and
    ends with 1; with CEREBLON_TRACEBACK=1 it shows where.
    """
    if arguments is not None:
        sys.exit(_main(arguments))
    gc.set_threshold(OBJECTS)
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:  # one that is ignored stays so
        signal.signal(signal.SIGTERM, _terminate)
    if fill_closed_streams():
        _leave(_fail("standard output is closed: expected a place for the results, such as /dev/null"))
    try:
        code = _main(sys.argv[1:])
    except Exception as error:
        if os.environ.get(TRACEBACK):
            traceback.print_exc()
        what = f"{type(error).__name__}: {error}"[:LONGEST]
        say_error(f"internal error, please report it: {what}; {TRACEBACK}=1 shows where it happened")
        code = INTERNAL
    _leave(code)


def _terminate(number: int, frame: object) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)  # once is enough
    raise _Terminated


def _leave(code: int) -> NoReturn:
    """End the process without taking the numerical libraries apart, which takes half a second.

    After Ctrl-C at once: a compilation in another thread cannot be stopped, and an ordinary exit would wait for it.
    """
    if code in (INTERRUPTED, TERMINATED):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # polars passes a Ctrl-C on twice, and people press it twice
        from cereblon.checkpoint import remove_temporary
        from cereblon.target_lock import release_all

        remove_temporary()
        release_all()
    else:
        atexit._run_exitfuncs()
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def _main(arguments: Sequence[str]) -> int:
    try:
        code = app(list(arguments), prog_name="cereblon", standalone_mode=False)
        flush_output()
        if code == INTERRUPTED:  # typer answers Ctrl-C with this code and no words
            raise KeyboardInterrupt
        return code if isinstance(code, int) else 0
    except CereblonError as error:
        return _fail(str(error))
    except (KeyboardInterrupt, typer.Abort):
        say_error("interrupted")
        return INTERRUPTED
    except _Terminated:
        say_error("terminated")
        return TERMINATED
    except (BrokenPipeError, SystemExit):  # the reader of a pipe went away, which typer and Rich answer with an exit
        drop_output()
        return FAILURE
    except MemoryError:
        return _fail("not enough memory for this; expected fewer patients or members")
    except OSError as error:
        if error.filename is not None or error.errno not in FULL:
            raise
        drop_output()
        return _fail(f"standard output cannot be written ({error.strerror})")
    except Exception as error:  # usage errors of the parser, whose class belongs to typer's inside
        explain = getattr(error, "format_message", None)
        if explain is None:
            raise
        message = explain()
        return _fail(message) if message else FAILURE


if __name__ == "__main__":
    main()
