"""Verdicts, readings and courses of experiments as tables on the screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from rich.table import Table
from rich.text import Text

from cereblon.report.console import table

if TYPE_CHECKING:
    from cereblon.evidence.assay import AssayResult
    from cereblon.evidence.dose_response import DoseResponse
    from cereblon.evidence.readouts import Reading
    from cereblon.evidence.runner import Courses
    from cereblon.evidence.schema import Claim
    from cereblon.evidence.verdicts import ClaimResult

STYLES = {"holds": "green", "contested": "yellow", "cannot tell": "magenta", "fails": "bold red", "waits": "dim"}
_DOUBT = ("fails", "cannot tell", "holds")
"""Verdicts of readouts, the one that decides a claim first."""
_READOUT = 1  # the column of the verdict table whose words may take several lines
SHOWN_DAYS = 6
"""Days of a course that a table shows."""


def verdict_table(results: Mapping[str, ClaimResult]) -> Table:
    """Return one line per claim: the readout that decides, its effect and interval, the verdict, the evidence."""
    out = table(("Claim", "Readout", "Effect (90 %)", "Expected", "Verdict", "+/-"), right=(2, 3, 5))
    for place, width in enumerate((23, 15, 19, 11, 11, 4)):
        column = out.columns[place]
        column.min_width = column.max_width = width
        column.no_wrap = place != _READOUT
    group = ""
    for name, result in results.items():
        data = result.as_json()
        if data["group"] != group:
            group = data["group"]
            out.add_section()
        counts = f"{data['evidence']['supports']}/{data['evidence']['contradicts']}"
        verdict = Text(result.verdict, style=STYLES[result.verdict])
        if not result.readings:
            out.add_row(name, Text(f"for {result.claim.waits_for}", style="dim"), "", "", verdict, counts)
            continue
        row = min(result.readings, key=lambda r: (_DOUBT.index(r.verdict), r.agree))
        of = f" n {row.n}" if row.readout.expect == "covers" else ""
        effect = f"{_short(row.effect, 2)}{_unit(row)} ({_span(row, 2)}){of}"
        out.add_row(name, row.readout.words, effect, row.expected, verdict, counts)
    return out


def reading_table(readings: Sequence[Reading]) -> Table:
    """Return one line per readout."""
    clinical = any(row.n is not None for row in readings)
    counted = ("n",) if clinical else ()
    header = ("Readout", "Read in", "Against", *counted, "Effect", "90 %", "Expected", "Agree", "")
    out = table(header, right=(*range(3, 5 + clinical), 6 + clinical))
    for row in readings:
        mark = Text(_MARKS[row.verdict], style=STYLES[row.verdict])
        n = ("" if row.n is None else str(row.n),) if clinical else ()
        against = row.readout.effect or row.readout.against or ""
        if row.readout.against_day is not None:
            against = f"{against}, day {row.readout.against_day}"
        out.add_row(row.readout.words, row.readout.to, against, *n, *_effect(row), mark if row.expected else "")
    return out


_MARKS = {"holds": "yes", "cannot tell": "cannot tell", "fails": "no"}


def _effect(row: Reading) -> tuple[str, str, str, str]:
    agree = f"{100 * row.agree:.0f} %" if row.expected else ""
    return f"{_short(row.effect, 3)}{_unit(row)}", _span(row, 3), row.expected, agree


def _short(value: float, digits: int) -> str:
    if not np.isfinite(value):
        return "-"
    return f"{value:.{digits}g}" if abs(value) < 10**digits - 0.5 else f"{value:.0f}"


def _unit(row: Reading) -> str:
    return {"fold": "x", "%": " %", "uM": " uM", "% gone": " %", "area": ""}.get(row.scale, "")


def _span(row: Reading, digits: int) -> str:
    joint = " to " if row.low < 0 else "-"
    return f"{_short(row.low, digits)}{joint}{_short(row.high, digits)}"


def condition_table(claim: Claim) -> Table:
    """Return the conditions of an experiment in words."""
    out = table(("Condition", "What it is"))
    if claim.experiment is None:
        return out
    for name, condition in claim.experiment.conditions.items():
        given = condition.model_dump(exclude_defaults=True)
        words = given.pop("words", None)
        parts = [str(words)] if words else []
        for key, value in given.items():
            parts.append(f"{key}: {_plain(value)}")
        out.add_row(name, "; ".join(parts) or "the patient, untreated")
    return out


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} {_plain(v)}" if v is not None else f"{k} held" for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(_plain(v) for v in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def course_table(courses: Mapping[str, Courses], names: Sequence[str], title: str = "Time course, median") -> Table:
    """Return medians over the ensemble on some days, a line per quantity and condition."""
    if not courses:
        return table(("Quantity", "Condition"), title=title)
    last = len(next(iter(next(iter(courses.values())).daily.values()))) - 1
    days = sorted({round(x) for x in np.linspace(0, last, SHOWN_DAYS)})
    out = table(
        ("Quantity", "Condition", *(f"day {d}" for d in days)), right=tuple(range(2, 2 + len(days))), title=title
    )
    for name in names:
        for place, (condition, found) in enumerate(courses.items()):
            middle = np.median(np.asarray(found.daily[name]), axis=1)
            out.add_row(name if place == 0 else "", condition, *(f"{middle[d]:.3g}" for d in days))
        out.add_section()
    return out


def dose_tables(doses: DoseResponse) -> list[Table]:
    """Return medians over the dose, a table per unit of dose."""
    out = []
    for unit in dict.fromkeys(c.unit for c in doses.curves):
        curves = [c for c in doses.curves if c.unit == unit]
        levels = list(curves[0].levels)
        header = ("Quantity", "Condition", *(f"{level:g} {unit}" for level in levels))
        rows = table(header, right=tuple(range(2, len(header))), title="Dose-response, median")
        for curve in (c for c in curves if list(c.levels) == levels):
            rows.add_row(curve.readout.of, curve.condition, *(f"{x:.3g}" for x in curve.median))
        out.append(rows)
    return out


def arrow_table(result: ClaimResult) -> Table:
    """Return the arrows of Figure 1 that the claim states, and whether they act so in the model."""
    names = {1: "raises", -1: "lowers", 0: "does nothing to"}
    out = table(("Arrow", "Stated", "In the model", ""), title="Arrows of the figure")
    for arrow in result.arrows:
        mark = Text("yes", style="green") if arrow.holds else Text("no", style="bold red")
        stated = arrow.stated
        words = f"{stated.source.replace('_', ' ')} to {stated.target.replace('_', ' ')}"
        out.add_row(words, names[stated.sign], names[arrow.found], mark)
    return out


def assay_tables(result: AssayResult) -> list[Table]:
    """Return the readings and the courses of an assay."""
    return [reading_table(result.readings), course_table(result.courses, result.names)]
