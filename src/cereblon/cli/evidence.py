"""The commands on evidence: what the numbers of the model rest on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cereblon.cli.shared import AsJson, Drugs, Params, given_parameters, print_json, print_view, progress_bar, say
from cereblon.environment import check_environment

commands = typer.Typer()
exports = typer.Typer()

Members = Annotated[
    int, typer.Option("--members", "-n", min=8, max=2000, help="Virtual subjects in the ensemble, each with own draws.")
]
Seed = Annotated[int, typer.Option("--seed", "-s", min=0, help="Same seed, same result.")]


@commands.command()
def claims(
    name: Annotated[str | None, typer.Argument(metavar="[CLAIM]", help="One claim, in full.")] = None,
    knockout: Annotated[
        list[str] | None,
        typer.Option("--knockout", metavar="CLAIM", help="Switch the mechanism of a claim off; may be repeated."),
    ] = None,
    params: Params = None,
    drugs: Drugs = None,
    members: Members = 64,
    seed: Seed = 1,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE.html", help="Write the page claims.html.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run the statements of the founding review as experiments on the model and show what holds.

    Without CLAIM: all of them, a line each. With CLAIM: conditions, readouts, time courses, dose-response,
    equations, parameters and evidence. The page has the plots.
    """
    check_environment()
    from cereblon.evidence.dose_response import dose_responses
    from cereblon.evidence.verdicts import run_claims
    from cereblon.model import load_model
    from cereblon.storage.output import check_file_target

    if out is not None:
        check_file_target(out)
    off, ids, given = knockout or [], None if name is None else [name], given_parameters(params, drugs)
    model = load_model(None, drugs or [])
    with progress_bar("claims") as progress:
        found = run_claims(ids, knockout=off, members=members, seed=seed, parameters=given, model=model, say=progress)
        drawn = [key for key, result in found.items() if result.courses] if name is not None or out is not None else []
        doses = dose_responses(
            drawn, knockout=off, members=members, seed=seed, parameters=given, model=model, say=progress
        )
    if out is not None:
        from cereblon.report.claims_page import write_claims_page

        write_claims_page(found, out, doses)
    if as_json:
        print_json({"claims": {key: result.as_json() for key, result in found.items()}})
        return
    from cereblon.report.claims_view import claim_parts, summary_parts
    from cereblon.report.console import console

    screen = console()
    for part in claim_parts(found[name], doses.get(name)) if name is not None else summary_parts(found):
        screen.print(part)
    if out is not None:
        screen.print(f"Page: {out}", soft_wrap=True)


@commands.command()
def assay(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="The experiment (.yaml).")],
    new: Annotated[bool, typer.Option("--new", help="Write a commented experiment to edit, and stop.")] = False,
    drugs: Drugs = None,
    members: Members = 64,
    seed: Seed = 1,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE.csv", help="Write the courses as CSV.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run an experiment of your own: cells, clamps, drug over time, knock-outs, readouts."""
    check_environment()
    from cereblon.evidence.assay import run_assay, write_template
    from cereblon.evidence.documents import load_assay
    from cereblon.model import load_model
    from cereblon.storage.output import check_file_target, write_text

    if new:
        write_template(path)
        say(f"{path}: edit it, then: cereblon assay {path}")
        return
    design = load_assay(path)
    if out is not None:
        check_file_target(out)
    with progress_bar(design.id) as progress:
        result = run_assay(design, members=members, seed=seed, model=load_model(None, drugs or []), say=progress)
    if out is not None:
        write_text(out, result.table().write_csv())
    if as_json:
        print_json(result.as_json())
        return
    from cereblon.report.claims_tables import assay_tables
    from cereblon.report.console import console

    screen = console()
    if design.title:
        screen.print(design.title, style="bold")
    for part in assay_tables(result):
        screen.print(part)


@commands.command()
def provenance(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A parameter, state, rule or claim.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show where the numbers come from: measured, derived, calibrated or assumed, by organ.

    With NAME: its row and sources, the equations and claims it enters, and the clinical readings that depend on it.
    """
    from cereblon.report.provenance_view import show_provenance

    print_view(show_provenance(name), as_json)


@exports.command()
def graph(
    path: Annotated[Path, typer.Argument(metavar="OUT", help="File to write: .graphml, .cx2 or .json (INDRA).")],
    drugs: Drugs = None,
) -> None:
    """Write the mechanism graph with its evidence: GraphML, CX2 for Cytoscape, or INDRA statements."""
    check_environment()
    from cereblon.evidence.graph_files import graph_text, require_ending
    from cereblon.storage.output import check_file_target, write_text

    check_file_target(path)
    require_ending(path)
    from cereblon.evidence.graph import mechanism_graph
    from cereblon.model import load_model

    found = mechanism_graph(load_model(None, drugs or []))
    write_text(path, graph_text(found, path))
    say(f"{path}: {len(found.nodes)} nodes, {len(found.edges)} signed edges")
