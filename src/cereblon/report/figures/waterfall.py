"""Waterfall of the best change of nodes and lymphocytes in each subject, coloured by best response."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from cereblon.columns import ADY, ALC, ARM, BESTRESP, RESPONSES, SPD, USUBJID
from cereblon.report.style import RESPONSE_COLORS, Drawing, Spec, axis, layout, numbers

if TYPE_CHECKING:
    from cereblon.outcomes.analysis import Analysis

DRAWN = 150  # bars that can still be told apart on a page
_CEILING = 100.0  # percent; larger growth is cut here, as in print
_PANELS = (
    (SPD, "Nodes: best change of the<br>sum of products (%)"),
    (ALC, "Lymphocytes:<br>best change (%)"),
)


def best_changes(result: Analysis) -> pl.DataFrame:
    """Return one row per subject assessed after baseline: arm, best response, best percent change of SPD and
    ALC.
    """
    visits = result.scan("response").select(USUBJID, ADY, SPD, ALC).collect()
    before = visits.filter(pl.col(ADY) <= 1).group_by(USUBJID).agg(pl.col(SPD, ALC).first().name.suffix("_before"))
    lowest = visits.filter(pl.col(ADY) > 1).group_by(USUBJID).agg(pl.col(SPD, ALC).min())
    change = [
        pl.when(pl.col(f"{name}_before") > 0).then(100 * (pl.col(name) / pl.col(f"{name}_before") - 1)).alias(name)
        for name in (SPD, ALC)
    ]
    subjects = result.scan("subjects").select(USUBJID, ARM, BESTRESP).collect()
    joined = lowest.join(before, on=USUBJID).join(subjects, on=USUBJID).sort(USUBJID)
    return joined.select(USUBJID, ARM, BESTRESP, *change)


def thin(count: int, keep: int) -> np.ndarray:
    """Return at most `keep` of range(count), evenly spaced, both ends included."""
    return np.unique(np.linspace(0, count - 1, min(count, keep)).round().astype(int)) if count else np.arange(0)


def _panel(table: pl.DataFrame, name: str, axes: Spec, first: bool) -> list[Spec]:
    ordered = table.drop_nulls(name).sort(name, USUBJID, descending=[True, False])
    ordered = ordered[thin(ordered.height, DRAWN)].with_row_index("place")
    traces = []
    for response in RESPONSES:
        bars = ordered.filter(pl.col(BESTRESP) == response)
        if bars.height == 0 and not first:
            continue
        if table.filter(pl.col(BESTRESP) == response).height == 0:
            continue
        hover = [f"subject {s}: {c:.0f} %, {response}" for s, c in bars.select(USUBJID, name).iter_rows()]
        traces.append(
            {
                "type": "bar",
                "x": bars["place"].to_list() or [0],  # an empty trace would have no entry in the legend
                "width": 0.92,  # given, or plotly widens the bars of sparse groups
                "y": numbers(bars[name].clip(-100, _CEILING).to_list(), 3) or [None],
                "marker": {"color": RESPONSE_COLORS[response], "line": {"width": 0}},
                "name": response,
                "legendgroup": response,
                "showlegend": first,
                "hovertext": hover,
                "hoverinfo": "text",
            }
            | axes
        )
    return traces


def waterfall(result: Analysis) -> Drawing:
    """Return the waterfall: nodes above, lymphocytes below, each sorted on its own."""
    table = best_changes(result)
    data: list[Spec] = []
    page = layout(520, barmode="overlay", bargap=0.08)
    for index, (name, title) in enumerate(_PANELS):
        suffix = "" if index == 0 else "2"
        axes = {"xaxis": f"x{suffix}", "yaxis": f"y{suffix}"}
        data += _panel(table, name, axes, index == 0)
        domain = [0.54, 1.0] if index == 0 else [0.0, 0.46]
        page[f"xaxis{suffix}"] = axis(
            "Subjects, largest growth to largest shrinkage" if index else "",
            showticklabels=False,
            ticks="",
            showgrid=False,
            anchor=f"y{suffix}",
            range=[-0.5, max(min(table[name].count(), DRAWN), 1) - 0.5],
        )
        page[f"yaxis{suffix}"] = axis(title, domain=domain, range=[-104, _CEILING + 4], dtick=50, anchor=f"x{suffix}")
    page["shapes"] = [
        {
            "type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": y, "y0": level, "y1": level,
            "line": {"color": "#5b6770", "width": 1, "dash": dash},
        }
        for y in ("y", "y2")
        for level, dash in ((-50, "dot"), (0, "solid"))
    ]  # fmt: skip
    shown = min(table.height, DRAWN)
    every = f"{shown} of {table.height} subjects are drawn, evenly spaced in rank. " if table.height > DRAWN else ""
    rows = []
    for response in RESPONSES:
        group = table.filter(pl.col(BESTRESP) == response)
        if group.height:
            middle = [group[name].median() for name, _ in _PANELS]
            texts = ["-" if value is None else f"{float(value):.0f} %" for value in middle]  # type: ignore[arg-type]
            rows.append((response, str(group.height), *texts))
    return Drawing(
        "waterfall",
        "Best change of nodes and lymphocytes",
        f"{every}Dotted line: the 50 % fall asked for a partial response. Growth beyond +100 % is cut "
        f"there. Colour is the "
        "best response, which also needs counts, spleen and confirmation after two months.",
        {"data": data, "layout": page},
        ("Best response", "Subjects", "Median best change, nodes", "Median best change, lymphocytes"),
        tuple(rows),
        520,
    )
