"""Every endpoint side by side: simulated median and 90 % interval, published value with its own confidence
interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cereblon.outcomes.compare import POOLED, Comparison
from cereblon.outcomes.rates import clopper_pearson
from cereblon.report.style import PUBLISHED, SIMULATED, Drawing, Spec, axis, diamond, layout, numbers

if TYPE_CHECKING:
    from cereblon.outcomes.analysis import Analysis

_SHARES = ("response", "event", "treatment", "death")


def published_interval(row: Comparison) -> tuple[float, float] | None:
    """Return the exact 95 % interval of a published share of patients in percent; None for what is not such a
    share.
    """
    if row.published is None or row.endpoint.kind not in _SHARES:
        return None
    events = round(row.published * row.published_n / 100)
    low, high = clopper_pearson(min(events, row.published_n), row.published_n)
    assert low is not None  # a proportion always has both ends
    assert high is not None
    return 100 * low, 100 * high


def value_text(value: float | None, missing: str = "not reached") -> str:
    """Return a value with at most one decimal, or the word for a missing one."""
    return missing if value is None else f"{value:.1f}".removesuffix(".0")


def interval_text(row: Comparison) -> str:
    """Return the simulated 90 % interval in words."""
    low = value_text(row.p90.low, "NR")
    return f"{low} to {value_text(row.p90.high, 'NR')}"


def label(row: Comparison, arms: int) -> str:
    """Return the endpoint's label, with the arm when there are several."""
    arm = "all arms" if row.arm == POOLED else row.arm
    return f"{row.endpoint.label} ({arm})" if arms > 1 else row.endpoint.label


def _bars(rows: Sequence[Comparison], names: Sequence[str], axes: Spec, top: float, first: bool) -> list[Spec]:
    lows = [top if row.p90.low is None else row.p90.low for row in rows]
    highs = [top if row.p90.high is None else row.p90.high for row in rows]
    hover = [f"{row.endpoint.label}: {value_text(row.simulated)} ({interval_text(row)})" for row in rows]
    spans: Spec = {
        "type": "bar",
        "orientation": "h",
        "base": numbers(lows),
        "x": numbers(high - low for high, low in zip(highs, lows, strict=True)),
        "y": list(names),
        "width": 0.42,
        "marker": {"color": "rgba(0,114,178,0.30)", "line": {"color": SIMULATED, "width": 1}},
        "name": "simulated: middle 90 % of trials of the published size",
        "hovertext": hover,
        "hoverinfo": "text",
        "legendgroup": "interval",
        "showlegend": first,
    }
    medians: Spec = {
        "type": "scatter",
        "mode": "markers",
        "x": numbers(row.simulated for row in rows),
        "y": list(names),
        "marker": {"symbol": "line-ns", "size": 16, "line": {"color": SIMULATED, "width": 3}},
        "name": "simulated: median",
        "hovertext": hover,
        "hoverinfo": "text",
        "legendgroup": "median",
        "showlegend": first,
    }
    printed = [(row, name) for row, name in zip(rows, names, strict=True) if row.published is not None]
    ranges = [published_interval(row) for row, _ in printed]
    values = [float(row.published or 0) for row, _ in printed]
    points: Spec = {
        "type": "scatter",
        "mode": "markers",
        "x": numbers(values),
        "y": [name for _, name in printed],
        "marker": diamond(),
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": numbers(r[1] - v if r else 0 for r, v in zip(ranges, values, strict=True)),
            "arrayminus": numbers(v - r[0] if r else 0 for r, v in zip(ranges, values, strict=True)),
            "color": PUBLISHED,
            "thickness": 1.5,
            "width": 4,
        },
        "name": "published, with exact 95 % interval of a share of patients",
        "hovertext": [f"published {row.published_text}, n = {row.published_n}, {row.source}" for row, _ in printed],
        "hoverinfo": "text",
        "legendgroup": "published",
        "showlegend": first,
    }
    return [trace | axes for trace in (spans, medians, points)]


def comparison(result: Analysis) -> Drawing:
    """Return the comparison of all endpoints: shares in percent above, medians in months below."""
    rows = [row for row in result.comparisons if row.published_text or row.key == "orr"]
    arms = len({row.arm for row in rows})
    shares = [row for row in rows if row.endpoint.kind != "median"]
    medians = [row for row in rows if row.endpoint.kind == "median"]
    heights = (len(shares), len(medians))
    height = 150 + 34 * sum(heights) + (50 if medians else 0)
    gap = 64 / (height - 130) if medians else 0.0  # room for the upper axis title, of the height without margins
    split = (heights[1] + 0.6) / (sum(heights) + 2.6) if medians else 0.0
    names = [label(row, arms) for row in shares]
    data = _bars(shares, names, {"xaxis": "x", "yaxis": "y"}, 100.0, True)
    page = layout(
        height,
        barmode="overlay",
        xaxis=axis("Patients, or cycles where it says so (%)", range=[-2, 102], anchor="y"),
        yaxis=axis("", autorange="reversed", domain=[split + gap, 1], gridcolor="white"),
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.01, "x": 0, "traceorder": "normal"},
    )
    if medians:
        known = [v for row in medians for v in (row.published, row.simulated, *row.p90) if v is not None]
        follow_up = max(float(data_.times["PFS"].time.max()) for data_ in result.arms.values())
        top = max([follow_up, *known])
        names = [label(row, arms) for row in medians]
        data += _bars(medians, names, {"xaxis": "x2", "yaxis": "y2"}, top, False)
        page["xaxis2"] = axis("Months (open to the right: not reached)", range=[0, top], anchor="y2")
        page["yaxis2"] = axis("", autorange="reversed", domain=[0, split], gridcolor="white")
    table = tuple(
        (label(row, arms), row.published_text or "-", value_text(row.simulated), interval_text(row)) for row in rows
    )
    return Drawing(
        "comparison",
        "Published and simulated outcomes",
        "Bars: the middle 90 % of simulated trials with as many patients as the published one. Diamonds: "
        "published values; "
        "their whiskers are exact 95 % confidence intervals, where a share of patients was printed.",
        {"data": data, "layout": page},
        ("Endpoint", "Published", "Simulated median", "90 % interval"),
        table,
        height,
    )
