"""A claim in full on the screen: what it says, conditions, readings, courses, equations, parameters, evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cereblon.report.claims_tables import (
    STYLES,
    arrow_table,
    condition_table,
    course_table,
    dose_tables,
    reading_table,
    verdict_table,
)
from cereblon.report.console import table

if TYPE_CHECKING:
    from cereblon.evidence.dose_response import DoseResponse
    from cereblon.evidence.verdicts import ClaimResult
    from cereblon.model import Equation, Model

MOST_ROWS = 12
"""Evidence rows, and equations, on the screen; the page has more."""


def summary_parts(results: Mapping[str, ClaimResult]) -> list[RenderableType]:
    """Return the table of verdicts and what it adds up to."""
    counts = Counter[str](r.verdict for r in results.values())
    words = ", ".join(f"{counts[v]} {w}" for v, w in _WORDS.items() if counts[v])
    return [
        verdict_table(results),
        "Effect: median and central 90 % of the ensemble, for the readout that decides.\n"
        "n: patients in a trial of the printed size. `cereblon claims CLAIM` shows all.\n"
        "+/-: published findings that support or contradict.",
        f"{len(results)} claims: {words}.",
    ]


_WORDS = {
    "holds": "hold",
    "contested": "contested",
    "cannot tell": "cannot tell",
    "fails": "fail",
    "waits": "wait for a part to come",
}


def claim_parts(result: ClaimResult, doses: DoseResponse | None = None) -> list[RenderableType]:
    """Return everything the model says of one claim; doses: its dose-response, where the drug is given."""
    from cereblon.model import load_model

    claim = result.claim
    head = Text(f"{claim.id}: ", style="bold").append(result.verdict, style=STYLES[result.verdict])
    parts: list[RenderableType] = [head, Text(claim.says)]
    if claim.refs:
        parts.append(Text(f"References of the review: {', '.join(map(str, claim.refs))}", style="dim"))
    if claim.conflict:
        parts.append(Text(f"Where reports disagree: {claim.conflict}"))
    if claim.switch:
        parts.append(Text(f"Mechanism off: {', '.join(f'{k} = {v:g}' for k, v in claim.switch.items())}"))
    if claim.waits_for:
        return [*parts, Text(f"Waits for {claim.waits_for}."), *_evidence(claim.id)]
    parts += [condition_table(claim), reading_table(result.readings)]
    model = load_model()
    names = [n for n in _names(result) if n in model.states or n in model.rules]
    if result.courses and names:
        parts.append(course_table(result.courses, names))
    if doses is not None:
        parts += dose_tables(doses)
    if result.arrows:
        parts.append(arrow_table(result))
    equations = {e.name: e for e in model.equations()}
    chosen = _with_operands([equations[n] for n in names if n in equations], equations)
    if chosen:
        parts += [Text("Equations", style="bold"), *(_line(e) for e in chosen), _parameters(model, chosen, result)]
    return [*parts, *_evidence(claim.id)]


def _names(result: ClaimResult) -> list[str]:
    return list(dict.fromkeys(n for r in result.readings for n in (r.readout.of, *r.readout.others)))


def _with_operands(asked: list[Equation], equations: Mapping[str, Equation]) -> list[Equation]:
    """Return the equations and those of what their right-hand sides name, at most `MOST_ROWS` in all."""
    inside = [w for e in asked for w in _words(e) if w in equations]
    return [equations[n] for n in dict.fromkeys([*(e.name for e in asked), *inside])][:MOST_ROWS]


def _words(equation: Equation) -> list[str]:
    text = equation.formula
    for sign in "()+-*/^,":
        text = text.replace(sign, " ")
    return text.split()


def _line(equation: Equation) -> Text:
    text = Text(equation.name, style="bold")
    return text.append(f" {'=' if equation.clock == 'rule' else chr(39) + ' ='} {equation.formula}", style="not bold")


def _parameters(model: Model, equations: list[Equation], result: ClaimResult) -> Table:
    """Return the parameters that stand in the equations, and the switches of the claim."""
    from cereblon.parameters.rows import packaged_priors

    inside = [w for e in equations for w in _words(e) if w in model.parameters]
    names = dict.fromkeys([*result.claim.switch, *inside])
    out = table(("Parameter", "Value", "Unit", "Status", "Uncertainty", "Source"), right=(1,), title="Parameters")
    for name in names:
        row, prior = model.parameters[name], packaged_priors().get(name)
        uncertain = f"{prior.distribution} {prior.spread:g}" if prior else ""
        varied = f"subjects {row.distribution} {row.spread:g}" if row.individual and row.spread else ""
        out.add_row(name, f"{row.value:g}", row.unit, row.status, uncertain or varied, row.source)
    return out


def _evidence(claim: str) -> list[RenderableType]:
    from cereblon.evidence.documents import load_evidence

    rows = [e for e in load_evidence() if e.claim == claim]
    out = table(("Published finding", "Value", "Supports", "Use", "Source"), title="Evidence")
    for row in rows[:MOST_ROWS]:
        span = f" ({row.low}-{row.high})" if row.low or row.high else ""
        out.add_row(row.readout, f"{row.value}{span} {row.unit}".strip(), row.supports, row.use, row.source)
    more = [Text(f"and {len(rows) - MOST_ROWS} more in the page", style="dim")]
    return [out, *(more if len(rows) > MOST_ROWS else [])] if rows else []
