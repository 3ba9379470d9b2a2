"""Cards of the side panel: what a claim says and rests on, what an arrow and a node are. All text is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from math import isfinite

from cereblon.evidence.documents import Evidence, load_evidence, load_references
from cereblon.evidence.graph import Edge, MechanismGraph, Term
from cereblon.evidence.literature import cited
from cereblon.evidence.nodes import Node
from cereblon.evidence.readouts import Reading
from cereblon.evidence.schema import Claim
from cereblon.evidence.verdicts import ClaimResult
from cereblon.model import Model

from .diagram import said, verdict_class

VERDICTS = {
    "holds": "holds",
    "contested": "contested",
    "cannot tell": "cannot tell",
    "fails": "fails",
    "waits": "waits",
    "": "not run",
}
"""Verdict -> what the page calls it."""
_USES = {"pass_fail": "the verdict", "prior": "a prior", "direction_only": "the direction only"}
_SHORTEST_FOLD = 2
"""Evidence rows up to which the list stands open."""


def badge(verdict: str) -> str:
    """Return a verdict as a label."""
    return f'<span class="badge {verdict_class(verdict)}">{escape(VERDICTS.get(verdict, verdict))}</span>'


def claim_body(claim: Claim, result: ClaimResult | None, plots: str, arrows: Sequence[tuple[str, str]]) -> str:
    """Return the inside of a claim's card. plots: figures as HTML; arrows: (id, words) of those it stands behind."""
    parts = [f'<p class="says">{escape(claim.says)}</p>']
    if claim.waits_for:
        parts.append(f"<p>Waits for {escape(claim.waits_for)}.</p>")
    if claim.conflict:
        parts.append(f"<p><b>Reports disagree.</b> {escape(claim.conflict)}</p>")
    if result is not None and result.readings:
        parts.append("<h4>Readouts</h4><ul class='rows'>" + "".join(map(_reading, result.readings)) + "</ul>")
    parts.append(plots)
    parts.append(_evidence([e for e in load_evidence() if e.claim == claim.id]))
    parts.append(_references(claim.refs))
    if claim.switch:
        off = ", ".join(f"{name} = {value:g}" for name, value in claim.switch.items())
        parts.append(f"<p class='quiet'>Knock-out: <code>{escape(off)}</code></p>")
    if arrows:
        parts.append(f"<details><summary>{len(arrows)} arrows in the diagram</summary>{arrow_list(arrows)}</details>")
    return "".join(parts)


def arrow_list(arrows: Iterable[tuple[str, str]]) -> str:
    """Return buttons that open arrows, given as (id, words)."""
    items = (
        f'<li><button type="button" data-arrow="{escape(i, quote=True)}">{escape(w)}</button></li>' for i, w in arrows
    )
    return f"<ul class='links'>{''.join(items)}</ul>"


def arrow_body(graph: MechanismGraph, edge: Edge, model: Model) -> str:
    """Return the card of an arrow: sign, equations, parameters; the script puts the cards of its claims below."""
    kind = "An arrow from the drug." if edge.drug else "Acts without the drug."
    steady = f" The sign is the same in {100 * edge.steady:.0f} % of the states looked at." if edge.steady < 1 else ""
    what = "activation" if edge.sign > 0 else "inhibition"
    terms = "".join(_term(t, model) for t in edge.terms)
    rows = "".join(_parameter(model, name) for name in edge.parameters)
    return (
        f'<h3>{escape(said(graph, edge))}</h3><p class="quiet">{what[0].upper()}{what[1:]}. {kind}{steady}</p>'
        f"<h4>{'Equations' if len(edge.terms) > 1 else 'Equation'}</h4><ul class='rows'>{terms}</ul>"
        f'<div class="claims" data-claims="{escape(" ".join(edge.claims), quote=True)}"></div>'
        + (f"<h4>Parameters</h4><ul class='rows'>{rows}</ul>" if rows else "")
    )


def _term(term: Term, model: Model) -> str:
    if not term.formula:
        verb, after = "", ""
    elif term.name in model.system.rates:
        verb, after = " changes by ", " a day"
    elif term.name in model.system.reactions:
        verb, after = " runs at ", " a day"
    else:
        verb, after = " = ", ""
    formula = f"<code>{escape(term.formula)}</code>" if term.formula else ""
    return f"<li>{escape(term.says)}<br><code>{escape(term.name)}</code>{verb}{formula}{after}</li>"


def node_body(graph: MechanismGraph, node: Node) -> str:
    """Return the card of a node: what it is and its arrows."""
    into = [(e.id, said(graph, e)) for e in graph.edges.values() if e.target == node.id]
    out = [(e.id, said(graph, e)) for e in graph.edges.values() if e.source == node.id]
    ids = ", ".join(_link(f"https://identifiers.org/{i}", i) for i in node.identifiers)
    place = f" Place: {escape(node.place_name)}." if node.place_name else ""
    says = f"<p>{escape(node.says)}</p>" if node.says else ""
    lists = "".join(f"<h4>{h}</h4>{arrow_list(a)}" for h, a in (("Acts on it", into), ("It acts on", out)) if a)
    return (
        f'<h3>{escape(node.name)}</h3><p class="quiet">{escape(node.kind)}, {ids}.{place}</p>{says}{lists}'
        f'<p class="quiet">In the model: <code>{escape(", ".join(node.quantities))}</code></p>'
    )


def number(value: float) -> str:
    """Return a number with three digits."""
    return f"{value:.3g}" if isfinite(value) else "-"


def effect(reading: Reading) -> str:
    """Return the effect of a reading with its interval and unit."""
    values = (reading.effect, reading.low, reading.high)
    if reading.scale == "share gone":
        return "{} % ({} to {}) gone".format(*(number(100.0 * v) for v in values))
    unit = "" if reading.scale == "value" else f" {reading.scale}"
    return "{} ({} to {})".format(*map(number, values)) + unit


_MARKS = {
    "holds": '<span class="yes">met</span>',
    "cannot tell": '<span class="v-cannot-tell">cannot tell</span>',
    "fails": '<span class="no">not met</span>',
}


def _reading(reading: Reading) -> str:
    r = reading.readout
    pair = r.to + (f" against {r.against}" if r.against not in (None, r.to) else "")
    if r.effect:
        pair += f", of the effect in {r.effect}"
    mark = _MARKS[reading.verdict]
    if reading.widest is not None and not reading.tells:
        mark += f": the interval is wider than {reading.widest:g} points"
    count = ""
    if reading.n is not None:
        count = f", n = {reading.n} in a trial of the printed size, {reading.simulated} simulated"
    source = f'<br><span class="quiet">{escape(r.evidence)}</span>' if r.evidence else ""
    return (
        f"<li><b>{escape(r.words)}</b> <span class='quiet'>{escape(pair)}</span><br>{escape(effect(reading) + count)}; "
        f"expected {escape(reading.expected)}; {mark}, {100 * reading.agree:.0f} % of the ensemble agrees{source}</li>"
    )


def _parameter(model: Model, name: str) -> str:
    row = model.parameters[name]
    found, claims = cited(row.source)
    sources = [_link(s.url, s.source or s.id) for s in found] + [escape(f"statement {c}") for c in claims]
    unit = "" if row.unit == "dimensionless" else f" {escape(unit_text(row.unit))}"
    note = f"<br>{escape(row.note)}" if row.note else ""
    read = f" ({escape(row.evidence)})" if row.evidence not in ("", row.status) else ""
    return (
        f"<li><code>{escape(name)}</code> = {row.value:g}{unit}, <b>{escape(row.status)}</b>{note}"
        f'<br><span class="quiet">{"; ".join(sources) or "no source"}{read}</span></li>'
    )


def unit_text(unit: str) -> str:
    """Return a unit of the model as print: per_day as 1/day, e9_per_L as 10^9/L."""
    known = {"dimensionless": "relative", "gcell": "10^9 cells", "": "", "e9_per_L": "10^9/L"}
    if unit in known:
        return known[unit]
    return f"1/{unit[4:]}" if unit.startswith("per_") else unit.replace("_per_", "/").replace("_", " ")


def _evidence(rows: Sequence[Evidence]) -> str:
    if not rows:
        return ""
    out = []
    for kind in dict.fromkeys(("supports", "mixed", "contradicts", *(r.supports for r in rows))):
        mine = [r for r in rows if r.supports == kind]
        if mine:
            fold = " open" if len(mine) <= _SHORTEST_FOLD else ""
            items = "".join(map(_finding, mine))
            out.append(
                f"<details{fold}><summary><b>{escape(kind)}</b>: {len(mine)}</summary>"
                f"<ul class='rows'>{items}</ul></details>"
            )
    return f"<h4>Published evidence</h4>{''.join(out)}"


def _finding(row: Evidence) -> str:
    band = f" ({row.low} to {row.high})" if row.low and row.high else ""
    value = f"{row.value}{band} {row.unit}".strip()
    where = "; ".join(filter(None, (row.system, row.condition)))
    value = f": {escape(value)}" if value else ""
    return (
        f"<li>{escape(row.readout)}{value}<br><span class='quiet'>{escape(where)}. {_link(row.url, row.source)} "
        f"({escape(row.evidence)}; used for {escape(_USES.get(row.use, row.use))})</span></li>"
    )


def _references(refs: Sequence[int]) -> str:
    if not refs:
        return ""
    known = load_references()
    items = "".join(
        f'<li value="{n:d}">{escape(f"{r.authors} {r.title} {r.where}")}</li>'
        for n in refs
        if (r := known.get(n)) is not None
    )
    listed = ", ".join(map(str, refs))
    return f"<details><summary>Review references {listed}</summary><ol class='refs'>{items}</ol></details>"


def _link(url: str, words: str) -> str:
    if url.startswith(("https://", "http://")):
        return f'<a href="{escape(url, quote=True)}" rel="noreferrer">{escape(words)}</a>'
    return escape(words)
