"""The plots of a claim: time courses of its conditions, dose-response of its readouts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cereblon.evidence.dose_response import Curve, DoseResponse
from cereblon.evidence.runner import Courses
from cereblon.evidence.schema import Condition, Readout
from cereblon.evidence.verdicts import ClaimResult

from .cards import unit_text
from .charts import Series, band, chart

_MOST_LINES = 8


def claim_plots(result: ClaimResult | None, doses: DoseResponse | None, units: Mapping[str, str]) -> str:
    """Return the figures of a claim as HTML. units: of the quantities of the model."""
    out = ""
    if result is not None and result.courses:
        out += _folded("Time courses", time_courses(result, units))
    if doses is not None:
        out += _folded("Dose-response", [dose_chart(curve) for curve in doses.curves])
    return out


def _folded(title: str, figures: list[str]) -> str:
    if not figures:
        return ""
    note = '<p class="quiet">Line: median of the ensemble; band: its middle 90 %.</p>'
    inside = f"<div class='charts'>{''.join(figures)}</div>{note}"
    return f"<details class='plots'><summary><b>{title}</b>: {len(figures)}</summary>{inside}</details>"


def time_courses(result: ClaimResult, units: Mapping[str, str]) -> list[str]:
    """Return one chart for each quantity that the readouts ask for, a line for each condition they compare."""
    experiment = result.claim.experiment
    if experiment is None:
        return []
    wanted: dict[tuple[str, bool], tuple[str, list[str]]] = {}
    for r in experiment.readouts:
        for of in (r.of, *r.others):
            words = of if r.others or r.expect == "saturating" else r.words
            used = wanted.setdefault((of, _within_a_day(r)), (words, []))[1]
            compared = [c for c in (r.against, r.effect, *r.over, r.to) if c is not None]
            used += [c for c in compared if c in result.courses and c not in used]
    out: list[str] = []
    for (of, first_day), (words, conditions) in wanted.items():
        names = {c: _named(c, experiment.conditions[c]) for c in conditions[:_MOST_LINES]}
        drawn = [_line(result.courses[c], of, name, first_day) for c, name in names.items()]
        lines = [line for line in drawn if line is not None]
        axis = "hours" if first_day else "days"
        if lines:
            unit = unit_text(units.get(of, ""))
            out.append(chart(words, axis, f"{of}, {unit}" if unit else of, lines))
    return out


def _within_a_day(readout: Readout) -> bool:
    return readout.hour is not None or readout.read == "lowest"


def _named(condition: str, what: Condition) -> str:
    return condition.replace("_", " ") + (f" ({what.words})" if what.words else "")


def _line(courses: Courses, of: str, name: str, first_day: bool) -> Series | None:
    if first_day:
        found = courses.hourly.get(of)
        return None if found is None else band(name, np.asarray(courses.hours), np.asarray(found))
    daily = courses.daily.get(of)
    return None if daily is None else band(name, np.arange(len(daily), dtype=np.float64), np.asarray(daily))


def dose_chart(curve: Curve) -> str:
    """Return the chart of one dose-response curve."""
    r = curve.readout
    when = f"after {r.hour:g} h" if r.hour is not None else f"on day {r.day}" if r.day is not None else "at the end"
    when = "lowest of the day" if r.read == "lowest" else when
    series = Series(curve.condition, curve.levels, curve.median, curve.low, curve.high)
    amount = "uM in the medium" if curve.unit == "uM" else "mg a day"
    where = "" if curve.condition == curve.drug else f" ({curve.condition.replace('_', ' ')})"
    title = f"{r.of.replace('_', ' ')}, {when}{where}"
    return chart(title, f"{curve.drug}, {amount}", unit_text(curve.value_unit), [series], doses=True)
