"""claims.html: Figure 1 of the review as a diagram to click, with the verdict and the evidence behind every arrow.

One file without a reference to anything outside. All text that comes from documents is escaped, and the page allows
only its own script to run, by hash.
"""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from collections.abc import Mapping
from hashlib import sha256
from html import escape
from importlib.resources import files
from pathlib import Path

from cereblon.evidence.documents import GROUPS, load_claims, load_evidence, load_group
from cereblon.evidence.dose_response import DoseResponse, dose_responses
from cereblon.evidence.graph import MechanismGraph, mechanism_graph
from cereblon.evidence.readouts import Reading
from cereblon.evidence.schema import Claim
from cereblon.evidence.verdicts import ClaimResult
from cereblon.model import load_model
from cereblon.storage.output import write_text

from .cards import VERDICTS, arrow_body, badge, claim_body, effect, node_body
from .diagram import diagram, said
from .plots import claim_plots

_READING = (
    "Click an arrow, or move to it with the Tab key and press Enter, to see the statements behind it, what the "
    "simulated experiment gave against what was expected, the equation, and where its numbers come from. Click a cell "
    "or molecule for its arrows."
)
_LEGEND = (
    '<ul class="key"><li><svg viewBox="0 0 34 12"><path d="M1 6H26" /><path class="f" d="M33 6L24 2.4V9.6Z"/></svg>'
    'raises</li><li><svg viewBox="0 0 34 12"><path d="M1 6H31"/><path class="b" d="M32 1V11"/></svg>lowers</li>'
    '<li class="drug"><svg viewBox="0 0 34 12"><path d="M1 6H33"/></svg>arrow from the drug</li>'
    '<li class="v-contested"><svg viewBox="0 0 12 12"><path class="f" d="M6 1L11 6L6 11L1 6Z"/></svg>contested</li>'
    '<li class="v-cannot-tell"><svg viewBox="0 0 12 12"><path d="M2 2H10V10H2Z"/></svg>cannot tell</li>'
    '<li class="v-fails"><svg viewBox="0 0 12 12"><path class="b" d="M2 2L10 10M2 10L10 2"/></svg>fails</li>'
    '<li class="v-waits"><svg viewBox="0 0 12 12"><circle cx="6" cy="6" r="3.6"/></svg>waits for a part that is not '
    "built yet</li><li>no sign: holds</li></ul>"
    '<ul class="key kinds"><li class="cell">cell</li><li class="molecule">molecule</li>'
    '<li class="process">process</li><li class="finding">read in the clinic</li></ul>'
)
_RANK = ("fails", "contested", "cannot tell", "holds", "waits")


def write_claims_page(
    results: Mapping[str, ClaimResult], path: Path, doses: Mapping[str, DoseResponse] | None = None
) -> Path:
    """Write claims.html and return its path; whole, or not at all.

    results: of `run_claims`; claims that are missing are shown as not run. doses: of `dose_responses`; by default they
    are simulated here for the claims with courses. Raises CereblonError when the place cannot be written.
    """
    if doses is None:
        doses = dose_responses([name for name, r in results.items() if r.courses])
    write_text(path, claims_page(results, doses))
    return path


def claims_page(results: Mapping[str, ClaimResult], doses: Mapping[str, DoseResponse]) -> str:
    """Return the page as HTML text."""
    here = files(__package__)
    graph, model = mechanism_graph(), load_model()
    claims = {**load_claims(), **{name: r.claim for name, r in results.items()}}
    verdicts = {name: results[name].verdict if name in results else "" for name in claims}
    arrows = {e.id: _of_arrow([verdicts[c] for c in e.claims if c in verdicts]) for e in graph.edges.values()}
    style = (here / "page.css").read_text("utf-8")
    script = (here / "page.js").read_text("utf-8")
    policy = (
        f"default-src 'none'; script-src 'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'; "
        "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    cards = "".join(_card(graph, c, results.get(c.id), doses.get(c.id), model.system.units) for c in claims.values())
    templates = "".join(
        f'<template id="t-{escape(e.id, quote=True)}">{arrow_body(graph, e, model)}</template>'
        for e in graph.edges.values()
    ) + "".join(
        f'<template id="t-node-{escape(n.id, quote=True)}">{node_body(graph, n)}</template>'
        for n in graph.nodes.values()
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy, quote=True)}">'
        f"<title>Claims - Cereblon</title><style>{style}</style></head><body>{_head(verdicts)}<main>"
        f'<section id="s-diagram"><h2>Cells, molecules and the drug</h2><p class="caption">{escape(_READING)}</p>'
        f'{_tools()}{_LEGEND}<div class="board"><div class="frame" tabindex="-1">{diagram(graph, arrows)}</div>'
        '<aside id="panel" aria-live="polite"><div id="panel-body" tabindex="-1"><p class="quiet">Nothing chosen yet.'
        " Choose an arrow, a cell, a molecule or a row of the table.</p></div></aside></div></section>"
        f'<section id="s-verdicts"><h2>Verdicts</h2>{_table(claims, results, verdicts)}</section>'
        f'<section id="s-claims"><h2>Claims in full</h2>{cards}</section></main>'
        "<footer><p>A simulation for research. It says nothing about how an individual patient should be treated.</p>"
        f"<p>Model <code>{escape(graph.fingerprint)}</code></p></footer>"
        f"{templates}<script>{script}</script></body></html>"
    )


def _of_arrow(verdicts: list[str]) -> str:
    """The verdict that an arrow shows: the most doubtful of those reached; waits only if nothing was reached."""
    return next((v for v in _RANK if v in verdicts), "")


def _head(verdicts: Mapping[str, str]) -> str:
    counts = Counter(verdicts.values())
    facts = "".join(f"<li><b>{counts[v]}</b> {escape(w)}</li>" for v, w in VERDICTS.items() if counts[v])
    return (
        '<header class="top"><p class="quiet">Cereblon</p><h1>What the review says, as experiments on the model</h1>'
        f"<p>{len(verdicts)} statements, each tested by a simulated experiment that can fail.</p>"
        f'<ul class="facts">{facts}</ul>'
        "<nav aria-label='Sections'><a href='#s-diagram'>Diagram</a> <a href='#s-verdicts'>Verdicts</a> "
        "<a href='#s-claims'>Claims in full</a></nav></header>"
    )


def _tools() -> str:
    views = {"all": "All arrows", "drug": "Drug", "own": "Without the drug", "clinic": "To the clinic"}
    buttons = "".join(
        f'<button type="button" data-view="{key}" aria-pressed="{"true" if key == "all" else "false"}">{words}</button>'
        for key, words in views.items()
    )
    return (
        f'<div class="tools" role="group" aria-label="Arrows shown">{buttons}'
        '<label><input type="checkbox" id="by-verdict"> colour by verdict</label></div>'
    )


def _card(
    graph: MechanismGraph,
    claim: Claim,
    result: ClaimResult | None,
    doses: DoseResponse | None,
    units: Mapping[str, str],
) -> str:
    arrows = [(e.id, said(graph, e)) for e in graph.edges.values() if claim.id in e.claims]
    name = escape(claim.id, quote=True)
    body = claim_body(claim, result, claim_plots(result, doses, units), arrows)
    verdict = badge(result.verdict if result is not None else "")
    return (
        f'<details class="claim" id="claim-{name}"><summary><span class="id">{escape(claim.id)}</span> {verdict}'
        f'</summary><div class="body">{body}</div></details>'
    )


def _table(claims: Mapping[str, Claim], results: Mapping[str, ClaimResult], verdicts: Mapping[str, str]) -> str:
    groups = {c.id: g for g in GROUPS for c in load_group(g)}
    rows = "".join(_row(c, results.get(c.id), verdicts[c.id], groups.get(c.id, "")) for c in claims.values())
    by_group = "".join(f'<option value="{g}">{g}</option>' for g in GROUPS)
    by_verdict = "".join(f'<option value="{v or "none"}">{w}</option>' for v, w in VERDICTS.items())
    head = "".join(
        f'<th scope="col">{w}</th>' for w in ("Claim", "Verdict", "Readouts as expected", "First readout", "Evidence")
    )
    return (
        f'<div class="tools"><label>Group <select id="by-group"><option value="">all</option>{by_group}'
        "</select></label> "
        f'<label>Verdict <select id="by-kind"><option value="">all</option>{by_verdict}</select></label> '
        '<span id="shown" class="quiet" role="status"></span></div>'
        f'<div class="scroll"><table class="verdicts"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
        "<p class='caption'>Effects: median of the ensemble with its middle 90 %. Evidence: published findings that "
        "support, are mixed, contradict.</p>"
    )


def _size(reading: Reading) -> str:
    return "" if reading.n is None else f", n = {reading.n}"


def _row(claim: Claim, result: ClaimResult | None, verdict: str, group: str) -> str:
    readings = result.readings if result is not None else ()
    met = f"{sum(r.holds for r in readings)} of {len(readings)}" if readings else "-"
    first = (
        f"{readings[0].readout.words}: {effect(readings[0])}{_size(readings[0])}; expected {readings[0].expected}"
        if readings
        else ""
    )
    if claim.waits_for:
        first = f"waits for {claim.waits_for}"
    rows = [e.supports for e in load_evidence() if e.claim == claim.id]
    evidence = " / ".join(str(rows.count(k)) for k in ("supports", "mixed", "contradicts"))
    name = escape(claim.id, quote=True)
    return (
        f'<tr data-group="{escape(group, quote=True)}" data-verdict="{escape(verdict or "none", quote=True)}">'
        f'<td><a href="#claim-{name}" data-claim="{name}">{escape(claim.id)}</a><br>{escape(claim.says)}</td>'
        f"<td>{badge(verdict)}</td><td>{met}</td><td>{escape(first)}</td><td>{evidence}</td></tr>"
    )
