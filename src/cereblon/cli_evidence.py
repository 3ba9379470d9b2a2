"""The commands on evidence: what the numbers of the model rest on."""

from __future__ import annotations

from typing import Annotated

import typer

from cereblon.cli_shared import AsJson, print_json

commands = typer.Typer()
exports = typer.Typer()


@commands.command()
def provenance(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A parameter, state, rule or claim.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show where the numbers come from: measured, derived, calibrated or assumed, by organ.

    With NAME: its row and sources, the equations and claims it enters, and the clinical readings that depend on it.
    """
    from cereblon.evidence.provenance_view import show_provenance

    view = show_provenance(name)
    if as_json:
        print_json(view.data)
        return
    from cereblon.report.console import console

    screen = console()
    for part in view.parts:
        screen.print(part, markup=False) if isinstance(part, str) else screen.print(part)
