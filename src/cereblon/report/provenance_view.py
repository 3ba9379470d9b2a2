"""What `cereblon provenance` prints: the shares by organ, or the chain of one name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from rich.console import RenderableType

from cereblon.evidence.literature import Source, cited, references, statements
from cereblon.evidence.provenance import STATUSES, Chain, Provenance
from cereblon.model import Model, Parameter, load_model
from cereblon.report.console import table
from cereblon.report.showing import View

_SHOWN = 12  # names in one line of a chain on the screen; --json has all


def show_provenance(name: str | None, model: Model | None = None) -> View:
    """Return the shares of all numbers, or the chain of one; raises CereblonError for an unknown name."""
    known = Provenance(model or load_model())
    if name is None:
        return View(_summary(known), everything(known))
    chain = known.chain(name)
    return View(_chain(chain), chain_data(chain))


def everything(known: Provenance) -> dict[str, Any]:
    """Return shares, recalled values and the chain of every parameter as plain data."""
    return {
        "model": known.model.fingerprint,
        "statuses": list(STATUSES),
        "shares": known.shares(),
        "recalled": [p.id for p in known.recalled()],
        "parameters": {name: chain_data(known.chain(name)) for name in known.model.parameters},
    }


def chain_data(chain: Chain) -> dict[str, Any]:
    """Return a chain as plain data: rows, sources with addresses, equations, claims with references, endpoints."""
    return {
        "name": chain.name,
        "kind": chain.kind,
        "parameters": [_row(p) for p in chain.parameters],
        "sources": [_source(s) for s in chain.sources],
        "equations": list(chain.equations),
        "claims": {c: {"refs": list(statements()[c].refs), "says": statements()[c].says} for c in chain.claims},
        "references": {str(n): references()[n] for n in _refs(chain.claims)},
        "states": list(chain.states),
        "endpoints": list(chain.endpoints),
    }


def _refs(claims: Iterable[str]) -> list[int]:
    return sorted({n for c in claims for n in statements()[c].refs})


def _row(p: Parameter) -> dict[str, Any]:
    return {**asdict(p), "cites": [s.id for s in cited(p.source)[0]]}


def _source(source: Source) -> dict[str, Any]:
    return {**asdict(source), "doi": source.doi}


def _summary(known: Provenance) -> list[RenderableType]:
    out = table(("Organ", *STATUSES, "all"), right=range(1, len(STATUSES) + 2))
    shares = known.shares()
    for organ, counts in shares.items():
        out.add_row(organ.replace("_", " "), *(str(counts[s] or "-") for s in STATUSES), str(sum(counts.values())))
    out.add_section()
    totals = [sum(counts[s] for counts in shares.values()) for s in STATUSES]
    every = sum(totals)
    out.add_row("all organs", *map(str, totals), str(every))
    out.add_row("share (%)", *(f"{100 * n / every:.0f}" for n in totals), "100")
    recalled = ", ".join(p.id for p in known.recalled())
    return [
        out,
        "measured: read off a study; derived: computed from such; calibrated: set so that the model meets data; "
        "assumed: chosen; covariate: drawn for each subject.",
        f"From memory, not read in a source ({len(known.recalled())}): {recalled}.",
    ]


def _few(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + more if listed else "none"


def _chain(chain: Chain) -> list[RenderableType]:
    rows = table(("Parameter", "Value", "Unit", "Spread", "Status", "Evidence", "Source"), right=(1,))
    for p in chain.parameters:
        spread = f"{p.distribution} {p.spread:g}" if p.distribution != "none" else "-"
        rows.add_row(p.id, f"{p.value:g}", p.unit, spread, p.status, p.evidence, p.source)
    cites = table(("Source", "What", "Evidence"))
    for s in chain.sources:
        cites.add_row(s.id, "; ".join(t for t in (s.quantity, s.source, s.url) if t), s.evidence)
    claims = table(("Claim", "References", "Says"))
    for c in chain.claims:
        claims.add_row(c, ", ".join(map(str, statements()[c].refs)) or "-", statements()[c].says)
    parts: list[RenderableType] = [f"{chain.name}: {chain.kind}"]
    notes = [f"  {p.id}: {p.note}" for p in chain.parameters if p.note]
    parts += [part for part, rows_of in ((rows, chain.parameters), (cites, chain.sources)) if rows_of]
    parts += notes if len(notes) <= _SHOWN else []
    parts += [f"Equations: {_few(chain.equations)}"]
    parts += [claims] if chain.claims else ["Claims: none"]
    return [*parts, f"States that move: {_few(chain.states)}", f"Clinical readings: {_few(chain.endpoints)}"]
