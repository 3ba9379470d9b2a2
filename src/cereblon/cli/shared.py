"""What the files of the command line share: the --json option, how an object is printed, the progress bar."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from cereblon.environment import check_environment
from cereblon.errors import LONGEST_LINE, printable

if TYPE_CHECKING:
    from cereblon.parameters import ParameterSet
    from cereblon.report.showing import View

FAILURE: Final = 2
"""Exit code of a mistake of the user."""
Params = Annotated[
    Path | None,
    typer.Option("--params", metavar="FILE", help="Table of parameters (TSV: id, value, spread), as a run writes it."),
]
Drugs = Annotated[
    list[Path] | None,
    typer.Option("--drugs", metavar="DIR", help="Folder of drugs of your own; may be repeated."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]


def given_parameters(path: Path | None, drugs: list[Path] | None = None) -> ParameterSet | None:
    """Return the set of parameters that a file gives, or None without one; raises CereblonError.

    drugs: folders of the user's own, whose numbers the file may name.
    """
    if path is None:
        return None
    check_environment()
    from cereblon.model import load_model
    from cereblon.parameters import ParameterSet, read_params

    return read_params(path, ParameterSet.packaged(load_model(None, drugs or [])))


def print_json(value: Any) -> None:
    """Print one JSON object to standard output; a number that JSON cannot hold is an error."""
    typer.echo(json.dumps(value, allow_nan=False))


def say(text: str, err: bool = False) -> None:
    """Print one line as it is written: a name or a document in it cannot move the terminal."""
    typer.echo(printable(text, LONGEST_LINE), err=err)


def print_view(view: View, as_json: bool) -> None:
    """Print something to show: its parts on the screen, or its data as JSON."""
    if as_json:
        print_json(view.data)
        return
    from cereblon.report.console import console

    screen = console()
    for part in view.parts:
        screen.print(part)


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int, str], None]]:
    """Show a progress bar on standard error and yield the function that moves it (done, total, words)."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from cereblon.report.console import console

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %", markup=False),
        TimeRemainingColumn(),
    )
    screen = console(stderr=True)
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task(printable(title), total=None)

        def move(done: int, total: int, words: str) -> None:
            shown = printable(f"{title}: {words}" if words else title)
            bar.update(task, completed=done, total=total, description=shown)

        yield move
