"""The commands on evidence: what the numbers of the model rest on."""

from __future__ import annotations

from pathlib import Path
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


@exports.command()
def graph(
    path: Annotated[Path, typer.Argument(metavar="OUT", help="File to write: .graphml, .cx2 or .json (INDRA).")],
) -> None:
    """Write the mechanism graph with its evidence: GraphML, CX2 for Cytoscape, or INDRA statements."""
    from cereblon.evidence.graph import mechanism_graph
    from cereblon.evidence.graph_files import graph_text
    from cereblon.report.target import write_text

    found = mechanism_graph()
    write_text(path, graph_text(found, path))
    typer.echo(f"{path}: {len(found.nodes)} nodes, {len(found.edges)} signed edges")
