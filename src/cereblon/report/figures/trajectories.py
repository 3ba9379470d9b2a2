"""Counts, nodes and immunoglobulin over time: median and percentile bands of the subjects still under
observation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from cereblon.columns import ADY, ARM, AVAL, DAYS_PER_MONTH, MEASURES, PARAMCD, USUBJID
from cereblon.report.style import ARM_COLORS, Drawing, Spec, axis, faded, layout, month_ticks, numbers

if TYPE_CHECKING:
    from cereblon.outcomes.analysis import Analysis

DRAWN = ("ALC", "NODEVOL", "SPLEEN", "ANC", "PLAT", "HGB", "IGG")
"""PARAMCD of the quantities that the report draws."""
PERCENTILES = (5, 25, 50, 75, 95)
_PLANNED = 0.6  # of the subjects counted at visits around it: a planned visit
_FEWEST = 8  # subjects; below this the percentiles say nothing
_PAGE_TABLE = (0, 1, 3, 6, 12, 24)  # months in the table beside a panel


def percentiles(result: Analysis, code: str) -> pl.DataFrame:
    """Return arm, month, n and the percentiles p5 ... p95 of one quantity, one row per arm and visit day.

    Works on one quantity at a time, so that a run of ten thousand subjects stays small in memory.
    """
    arms = result.scan("subjects").select(USUBJID, ARM)
    points = result.scan("visits").filter(pl.col(PARAMCD) == code).select(USUBJID, ADY, AVAL)
    bands = [pl.col(AVAL).quantile(p / 100, "linear").alias(f"p{p}") for p in PERCENTILES]
    table = points.join(arms, on=USUBJID).group_by(ARM, ADY).agg(pl.len().alias("n"), *bands)
    # Between planned counts only those on hold for low counts are counted: they alone would draw a sawtooth.
    near = pl.col("n").rolling_max(window_size=5, center=True, min_samples=1).over(ARM)
    kept = table.sort(ARM, ADY).filter(pl.col("n") >= _FEWEST, pl.col("n") >= _PLANNED * near)
    return kept.with_columns(month=(pl.col(ADY) - 1) / DAYS_PER_MONTH).collect()


def recorded(result: Analysis) -> list[str]:
    """Return the quantities of DRAWN that the run recorded, in that order."""
    found = set(result.scan("visits").select(pl.col(PARAMCD).unique()).collect()[PARAMCD].cast(pl.String).to_list())
    return [code for code in DRAWN if code in found]


def _edges(table: pl.DataFrame, low: str, high: str, color: str, alpha: float, name: str, first: bool) -> Spec:
    months = table["month"].to_list()
    return {
        "type": "scatter",
        "mode": "lines",
        "x": numbers([*months, *months[::-1]]),
        "y": numbers([*table[low].to_list(), *table[high].to_list()[::-1]]),
        "fill": "toself",
        "fillcolor": faded(color, alpha),
        "line": {"width": 0},
        "hoverinfo": "skip",
        "name": name,
        "legendgroup": name,
        "showlegend": first,
    }


def panel(result: Analysis, code: str, axes: Spec | None = None, first: bool = True) -> tuple[list[Spec], pl.DataFrame]:
    """Return the traces of one quantity, and the percentiles they draw."""
    table = percentiles(result, code)
    several = len(result.arms) > 1
    traces: list[Spec] = []
    for arm, color in zip(result.arms, ARM_COLORS * 4, strict=False):
        rows = table.filter(pl.col(ARM) == arm)
        if rows.height == 0:
            continue
        name = arm if several else "median"
        middle = f"{arm}, 25th to 75th percentile" if several else "25th to 75th percentile"
        if not several:
            traces.append(_edges(rows, "p5", "p95", color, 0.13, "5th to 95th percentile", first))
        traces.append(_edges(rows, "p25", "p75", color, 0.13 if several else 0.28, middle, first and not several))
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": numbers(rows["month"].to_list()),
                "y": numbers(rows["p50"].to_list()),
                "line": {"color": color, "width": 2.5},
                "name": name,
                "legendgroup": name,
                "showlegend": first,
                "hovertemplate": "%{x:.1f} months: %{y:.3g}<extra>" + name + "</extra>",
            }
        )
    return [trace | (axes or {}) for trace in traces], table


def _value_axis(code: str, table: pl.DataFrame, **more: object) -> Spec:
    measure = MEASURES[code]
    kind: Spec = {"type": "log", "dtick": 1} if measure.log else {"rangemode": "tozero"}
    low, high = (table[f"p{p}"] for p in (PERCENTILES[0], PERCENTILES[-1]))
    if measure.log and table.height and float(high.max()) < 50 * float(low.min()):  # type: ignore[arg-type]
        # under two decades: 2 and 5 too, in full
        kind = {"type": "log", "tickvals": [m * 10.0**e for e in range(-3, 5) for m in (1, 2, 5)]}
    return axis(f"{measure.label} ({measure.unit})", **(kind | more))


def _rows(table: pl.DataFrame) -> tuple[tuple[str, ...], ...]:
    rows = []
    for arm in table[ARM].unique(maintain_order=True).to_list():
        own = table.filter(pl.col(ARM) == arm)
        last = float(own["month"].to_list()[-1])
        for month in _PAGE_TABLE:
            if month > last + 0.5:
                continue
            near = own[int((own["month"] - month).abs().arg_min() or 0)].row(0, named=True)
            rows.append((arm, f"{near['month']:.1f}", str(near["n"]), *(f"{near[f'p{p}']:.3g}" for p in PERCENTILES)))
    return tuple(rows)


def trajectory(result: Analysis, code: str) -> Drawing:
    """Return the figure of one quantity of the visits table."""
    traces, table = panel(result, code)
    last = float(table["month"].to_list()[-1]) if table.height else 1.0
    page = layout(
        300,
        xaxis=axis("Months from the first dose", **month_ticks(last)),
        yaxis=_value_axis(code, table),
        showlegend=len(result.arms) > 1,
        margin={"l": 60, "r": 15, "t": 15, "b": 45},
    )
    return Drawing(
        f"trajectory-{code.lower()}",
        f"{MEASURES[code].label} ({MEASURES[code].unit})",
        "",
        {"data": traces, "layout": page},
        ("Arm", "Month", "Subjects", *(f"{p}th" for p in PERCENTILES)),
        _rows(table),
        300,
    )


def trajectories(result: Analysis) -> Drawing:
    """Return all quantities in one figure, two panels to a row."""
    codes = recorded(result)
    rows = (len(codes) + 1) // 2
    height = 290 * max(rows, 1) + 40
    page = layout(height)
    data: list[Spec] = []
    for index, code in enumerate(codes):
        suffix = "" if index == 0 else str(index + 1)
        row, column = divmod(index, 2)
        traces, table = panel(result, code, {"xaxis": f"x{suffix}", "yaxis": f"y{suffix}"}, index == 0)
        data += traces
        top = 1 - row / rows
        last = float(table["month"].to_list()[-1]) if table.height else 1.0
        across = [0.0, 0.44] if column == 0 else [0.56, 1.0]
        page[f"xaxis{suffix}"] = axis("Months", domain=across, anchor=f"y{suffix}", **month_ticks(last))
        page[f"yaxis{suffix}"] = _value_axis(
            code, table, domain=[top - 1 / rows + 0.3 / rows, top], anchor=f"x{suffix}"
        )
    return Drawing("trajectories", "Trajectories", "", {"data": data, "layout": page}, height=height)
