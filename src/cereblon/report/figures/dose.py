"""What was actually given of each drug of the treatment: shares of subjects at each dose by cycle, and the dose of
those who take it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from cereblon.columns import ADY, DAYS_PER_CYCLE, DAYSDOSED, DOSEMG, DRUG, ONGOING, TRTEDY, TRTREAS, USUBJID
from cereblon.report.style import SIMULATED, Drawing, Spec, axis, faded, layout, numbers

if TYPE_CHECKING:
    from cereblon.outcomes.analysis import Analysis

_COLORS = ("#deebf7", "#9ecae1", "#6baed6", "#3182bd", "#08519c", "#08306b")
"""Of the classes of dose, rising: darker is more."""
_HELD = ("held all cycle", "#fdae6b")
_OFF = ("off treatment", "#eceff1")
_TABLE_CYCLES = (1, 2, 3, 4, 6, 9, 12, 18, 24, 36)
_HEIGHT = 540  # of the panels of one drug


@dataclass(frozen=True)
class _Panel:
    """What is drawn of one drug: its rows of `by_cycle`, traces (shares, then the dose), rows of the table."""

    drug: str
    cycles: list[int]
    shares: list[Spec]
    taken: list[Spec]
    rows: tuple[tuple[str, ...], ...]


def by_cycle(result: Analysis, drug: str) -> pl.DataFrame:
    """Return one row per subject and 28-day cycle: mg given of a drug, days dosed, mg per dosing day, and whether
    still treated.
    """
    cycle = ((pl.col(ADY) - 1) // DAYS_PER_CYCLE + 1).cast(pl.Int32).alias("cycle")
    weeks = result.scan("exposure").filter(pl.col(DRUG) == drug)
    sums = weeks.group_by(USUBJID, cycle).agg(pl.col(DOSEMG).sum(), pl.col(DAYSDOSED).cast(pl.Int32).sum())
    ends = result.scan("subjects").select(USUBJID, TRTEDY, TRTREAS)
    level = pl.when(pl.col(DAYSDOSED) > 0).then(pl.col(DOSEMG) / pl.col(DAYSDOSED)).otherwise(0.0).alias("level")
    before_end = ((pl.col("cycle") - 1) * DAYS_PER_CYCLE < pl.col(TRTEDY)).fill_null(False)
    # who is held at the data cut has had the last dose, and is on treatment still
    treated = (before_end | (pl.col(TRTREAS) == ONGOING)).alias("treated")
    return sums.join(ends, on=USUBJID).with_columns(level, treated).sort("cycle", USUBJID).collect()


def edges(levels: Sequence[float], taken: Sequence[float]) -> list[float]:
    """Return the upper edges of the classes of dose, mg per dosing day, rising; what is more is a class of its own.

    levels: the drug's usual ladder, or what is planned of it; taken: what subjects took, which is cut into five where
    the ladder is of one step.
    """
    wanted = sorted(set(levels))
    if len(wanted) > 1:
        last = wanted[:-1]
    elif taken:
        last = sorted({float(f"{x:.2g}") for x in np.quantile(np.asarray(taken), (0.2, 0.4, 0.6, 0.8, 1.0))})
    else:
        last = wanted
    places = np.unique(np.linspace(0, len(last) - 1, min(len(last), len(_COLORS) - 1)).round().astype(int))
    return [last[place] for place in places]


def _classes(upper: Sequence[float]) -> list[tuple[str, str]]:
    """Return the name and colour of each class of dose, the one above the last edge included."""
    first = len(_COLORS) - len(upper) - 1
    names = [f"up to {edge:g} mg" for edge in upper] + ([f"above {upper[-1]:g} mg"] if upper else ["any dose"])
    return list(zip(names, _COLORS[first:], strict=True))


def _shares(table: pl.DataFrame, cycles: list[int], subjects: int, upper: Sequence[float]) -> list[Spec]:
    classes = _classes(upper)
    counts = np.zeros((len(classes) + 2, len(cycles)))
    place = {cycle: index for index, cycle in enumerate(cycles)}
    column = np.array([place[cycle] for cycle in table["cycle"].to_list()], dtype=int)
    level = table["level"].to_numpy()
    taking = level > 0
    limits = np.array([edge + 1e-3 for edge in upper])
    np.add.at(counts, (np.searchsorted(limits, level[taking]), column[taking]), 1)
    held = ~taking & table["treated"].to_numpy()
    np.add.at(counts, (np.full(held.sum(), len(classes)), column[held]), 1)
    counts[-1] = subjects - counts[:-1].sum(axis=0)
    return [
        {
            "type": "bar",
            "x": cycles,
            "y": numbers(100 * row / subjects, 3),
            "name": name,
            "marker": {"color": color, "line": {"width": 0}},
            "hovertemplate": "cycle %{x}: %{y:.0f} % " + name + "<extra></extra>",
        }
        for (name, color), row in zip([*classes, _HELD, _OFF], counts, strict=True)
        if row.any()
    ]


def _taken(spread: pl.DataFrame) -> list[Spec]:
    x = spread["cycle"].to_list()
    return [
        {
            "type": "scatter", "mode": "lines", "x": [*x, *x[::-1]],
            "y": numbers([*spread["q25"].to_list(), *spread["q75"].to_list()[::-1]], 3),
            "fill": "toself", "fillcolor": faded(SIMULATED, 0.2), "line": {"width": 0}, "hoverinfo": "skip",
        },
        {
            "type": "scatter", "mode": "lines", "x": x, "y": numbers(spread["q50"].to_list(), 3),
            "line": {"color": SIMULATED, "width": 2.5}, "name": "median",
            "hovertemplate": "cycle %{x}: median %{y:.3g} mg per dosing day<extra></extra>",
        },
    ]  # fmt: skip


def _ladder(result: Analysis, drug: str) -> list[float]:
    """Return the doses of one administration through which the trial's courses of a drug may lead, flat ones only."""
    courses = [course for plan in result.trial.plans for phase in plan.phases for course in phase.courses]
    return [dose for course in courses if course.drug == drug and course.basis == "flat" for dose in course.ladder]


def _panel(result: Analysis, drug: str, subjects: int) -> _Panel:
    table = by_cycle(result, drug)
    cycles = sorted(table["cycle"].unique().to_list())
    taking = table.filter(pl.col("level") > 0)
    spread = (
        taking.group_by("cycle")
        .agg(
            pl.len().alias("n"),
            *(pl.col("level").quantile(q, "linear").alias(f"q{int(100 * q)}") for q in (0.25, 0.5, 0.75)),
        )
        .sort("cycle")
    )
    means = (
        table.group_by("cycle")
        .agg(pl.col("treated").sum(), pl.col(DOSEMG).filter(pl.col("treated")).mean())
        .sort("cycle")
    )
    known = {cycle: (treated, mg) for cycle, treated, mg in means.iter_rows()}
    middle = dict(spread.select("cycle", "q50").iter_rows())
    rows = tuple(
        (
            str(cycle),
            f"{100 * known[cycle][0] / subjects:.0f} %",
            f"{middle[cycle]:.1f}" if cycle in middle else "-",
            f"{(known[cycle][1] or 0.0) / DAYS_PER_CYCLE:.1f}",
        )
        for cycle in _TABLE_CYCLES
        if cycle in known
    )
    upper = edges(_ladder(result, drug), taking["level"].to_list())
    return _Panel(drug, cycles, _shares(table, cycles, subjects, upper), _taken(spread), rows)


def _page(panels: Sequence[_Panel]) -> tuple[list[Spec], Spec]:
    """Return the traces and the layout: for each drug its shares, below them its doses; drugs from top to bottom."""
    page = layout(
        _HEIGHT * len(panels),
        barmode="stack",
        bargap=0.06,
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.01, "x": 0, "traceorder": "normal"},
    )
    data: list[Spec] = []
    seen: set[str] = set()
    part = 1 / len(panels)
    for place, panel in enumerate(panels):
        above, below = ("" if place == 0 else str(2 * place + 1)), str(2 * place + 2)
        top, foot = 1 - place * part, 1 - (place + 1) * part + (0.06 * part if place + 1 < len(panels) else 0.0)
        middle = foot + 0.46 * (top - foot)
        span = [0.4, max(panel.cycles, default=1) + 0.6]
        of = f"of {panel.drug}, " if len(panels) > 1 else ""
        page[f"xaxis{above}"] = axis("", range=span, anchor=f"y{above}", showticklabels=False, ticks="")
        page[f"yaxis{above}"] = axis(f"Subjects ({of}%)", range=[0, 100], domain=[middle, top], anchor=f"x{above}")
        page[f"xaxis{below}"] = axis("Cycle of 28 days", range=span, anchor=f"y{below}")
        page[f"yaxis{below}"] = axis(
            f"{panel.drug.capitalize()} taken<br>(mg per dosing day)",
            rangemode="tozero",
            domain=[foot, foot + 0.4 * (top - foot)],
            anchor=f"x{below}",
        )
        for trace in panel.shares:
            data.append(trace if place == 0 else trace | {"xaxis": f"x{above}", "yaxis": f"y{above}"})
            if len(panels) > 1:  # a class that two drugs have stands in the legend once
                data[-1] = data[-1] | {"showlegend": trace["name"] not in seen, "legendgroup": trace["name"]}
                seen.add(trace["name"])
        data += [trace | {"xaxis": f"x{below}", "yaxis": f"y{below}", "showlegend": False} for trace in panel.taken]
    return data, page


def dose(result: Analysis) -> Drawing:
    """Return the dose figure: for each drug of the treatment, classes of dose above, quartiles of the dose below."""
    subjects = sum(arm.subjects.size for arm in result.arms.values())
    panels = [_panel(result, drug, subjects) for drug in result.trial.treatment]
    data, page = _page(panels)
    pooled = "All arms together. " if len(result.arms) > 1 else ""
    head = ("Cycle", "On treatment", "Median mg per dosing day", "Mean mg per calendar day, on treatment")
    several = len(panels) > 1
    return Drawing(
        "dose",
        "Drugs actually given" if several else f"{panels[0].drug.capitalize()} actually given",
        f"{pooled}Above: all subjects by the dose they took per dosing day in each cycle. Below: median "
        f"and quartiles among those who "
        "took any. Days of pause inside a cycle count in the table's last column.",
        {"data": data, "layout": page},
        ("Drug", *head) if several else head,
        tuple((panel.drug, *row) if several else row for panel in panels for row in panel.rows),
        _HEIGHT * len(panels),
    )
