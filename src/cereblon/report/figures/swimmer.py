"""Swimmer plot: each subject's time on treatment, with response, progression, death and who is still on
treatment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from cereblon.columns import (
    AVAL,
    BESTRESP,
    CNSR,
    DAYS_PER_MONTH,
    ONGOING,
    OS,
    PARAMCD,
    PFS,
    RESPONSES,
    RSPDY,
    TRTEDY,
    TRTREAS,
    USUBJID,
)
from cereblon.report.figures.waterfall import thin
from cereblon.report.style import (
    INK,
    PUBLISHED,
    RESPONSE_COLORS,
    Drawing,
    Spec,
    axis,
    layout,
    month_ticks,
    numbers,
)

if TYPE_CHECKING:
    from cereblon.outcomes.analysis import Analysis

DRAWN = 60  # lanes of a readable page


def _events(result: Analysis, parameter: str) -> pl.DataFrame:
    rows = result.scan("time_to_event").filter((pl.col(PARAMCD) == parameter) & (pl.col(CNSR) == 0))
    return rows.select(USUBJID, (pl.col(AVAL) / DAYS_PER_MONTH).alias(parameter)).collect()


def _lanes(result: Analysis) -> tuple[pl.DataFrame, int]:
    months = [(pl.col(name) / DAYS_PER_MONTH).alias(name) for name in (TRTEDY, RSPDY)]
    table = result.scan("subjects").select(USUBJID, BESTRESP, TRTREAS, *months).collect()
    table = table.with_columns(pl.col(TRTEDY).fill_null(0.0))  # no dose was given
    table = table.join(_events(result, PFS), on=USUBJID, how="left").join(_events(result, OS), on=USUBJID, how="left")
    table = table.sort(TRTEDY, USUBJID, descending=[True, False])
    return table[thin(table.height, DRAWN)].with_row_index("lane"), table.height


def _marks(table: pl.DataFrame, column: str, name: str, symbol: str, color: str, size: int = 9) -> Spec:
    rows = table.drop_nulls(column)
    return {
        "type": "scatter",
        "mode": "markers",
        "x": numbers(rows[column].to_list()),
        "y": rows["lane"].to_list(),
        "marker": {"symbol": symbol, "size": size, "color": color, "line": {"color": "white", "width": 0.7}},
        "name": name,
        "hovertemplate": name + ": %{x:.1f} months<extra></extra>",
    }


def swimmer(result: Analysis) -> Drawing:
    """Return the swimmer plot; at most 60 subjects are drawn, evenly spaced by time on treatment."""
    lanes, total = _lanes(result)
    data: list[Spec] = []
    for response in RESPONSES:
        bars = lanes.filter(pl.col(BESTRESP) == response)
        if bars.height == 0:
            continue
        data.append(
            {
                "type": "bar",
                "orientation": "h",
                "x": numbers(bars[TRTEDY].to_list()),
                "y": bars["lane"].to_list(),
                "width": 0.75,  # given, or plotly widens the bars of sparse groups
                "marker": {"color": RESPONSE_COLORS[response], "line": {"width": 0}},
                "name": response,
                "hovertext": [
                    f"subject {s}: {m:.1f} months on treatment, ended by: {r}, best response {response}"
                    for s, m, r in bars.select(USUBJID, TRTEDY, TRTREAS).iter_rows()
                ],
                "hoverinfo": "text",
            }
        )
    died = lanes.filter(pl.col(OS).is_not_null())
    progressed = lanes.filter(pl.col(PFS).is_not_null() & ~(pl.col(PFS) == pl.col(OS)).fill_null(False))
    ongoing = lanes.filter(pl.col(TRTREAS) == ONGOING)
    data += [
        _marks(lanes, RSPDY, "first response", "triangle-up", "#F0E442", 10) | {"marker": {
            "symbol": "triangle-up", "size": 10, "color": "white", "line": {"color": INK, "width": 1.3}}},
        _marks(progressed, PFS, "progression", "x", PUBLISHED),
        _marks(died, OS, "death", "square", INK, 8),
        _marks(ongoing, TRTEDY, "still on treatment", "triangle-right", "#009E73", 12),
    ]  # fmt: skip
    last = max(float(max((lanes[name].max() or 0) for name in (TRTEDY, PFS, OS))), 1.0)  # type: ignore[arg-type]
    height = 130 + 10 * lanes.height
    page = layout(
        height,
        barmode="overlay",
        bargap=0.25,
        xaxis=axis("Months from the first dose", **(month_ticks(last) | {"range": [0, 1.03 * last]})),
        yaxis=axis("Subjects", autorange="reversed", showticklabels=False, ticks="", showgrid=False),
    )
    subjects = result.table("subjects").with_columns(pl.col(TRTEDY).fill_null(0))
    reasons = (
        subjects.group_by(TRTREAS).agg(pl.len(), pl.col(TRTEDY).median()).sort("len", TRTREAS, descending=[True, False])
    )
    rows = tuple(
        (reason, str(count), f"{100 * count / subjects.height:.0f} %", f"{day / DAYS_PER_MONTH:.1f}")
        for reason, count, day in reasons.iter_rows()
    )
    drawn = (
        f"{lanes.height} of {total} subjects are drawn, evenly spaced by time on treatment. " if total > DRAWN else ""
    )
    drugs = " or ".join(result.trial.treatment)
    return Drawing(
        "swimmer",
        "Time on treatment",
        f"{drawn}Length of a bar: first to last dose of {drugs}; colour: best response.",
        {"data": data, "layout": page},
        ("Why treatment ended", "Subjects", "Share", "Median months on treatment"),
        rows,
        height,
    )
