"""Kaplan-Meier curves with numbers at risk and the published medians and landmarks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from cereblon.columns import DOR, OS, PFS, TTF
from cereblon.errors import CereblonError, nearest
from cereblon.outcomes.compare import POOLED
from cereblon.outcomes.data import EVERYBODY, ArmData
from cereblon.outcomes.prediction import Draws, pool
from cereblon.outcomes.survival import Curve, numbers_at_risk
from cereblon.outcomes.survival import kaplan_meier as estimate
from cereblon.report.style import (
    ARM_COLORS,
    MUTED,
    POOLED_COLOR,
    Drawing,
    Spec,
    axis,
    diamond,
    faded,
    layout,
    month_ticks,
    numbers,
)

if TYPE_CHECKING:
    from cereblon.outcomes.analysis import Analysis

TITLES = {
    PFS: "Progression-free survival",
    OS: "Overall survival",
    TTF: "Time to treatment failure",
    DOR: "Duration of response",
}
_CURVES = 400  # resampled trials behind the band; its edges move by less than a line width beyond this


def _steps(curve: Curve, name: str, color: str, dash: str = "solid") -> Spec:
    keep = np.flatnonzero(np.diff(curve.survival, prepend=2.0) != 0)
    keep = np.union1d(keep, [curve.times.size - 1])
    return {
        "type": "scatter",
        "mode": "lines",
        "x": numbers(curve.times[keep]),
        "y": numbers(100 * curve.survival[keep]),
        "line": {"shape": "hv", "color": color, "width": 2.5, "dash": dash},
        "name": name,
        "hovertemplate": "%{x:.1f} months: %{y:.1f} %<extra>" + name + "</extra>",
    }


def _band(arms: Mapping[str, ArmData], parameter: str, seed: int, last: float, color: str) -> list[Spec]:
    """Return the 90 % band of Kaplan-Meier curves of trials of the published size."""
    grid = np.linspace(0, last, 60)
    many = np.concatenate([curves.at(grid) for curves in Draws(arms, seed, _CURVES).curves(parameter)])
    low, high = np.quantile(many, [0.05, 0.95], axis=0)
    edge: Spec = {
        "type": "scatter",
        "mode": "lines",
        "x": numbers([*grid, *grid[::-1]]),
        "y": numbers([*(100 * low), *(100 * high[::-1])]),
        "fill": "toself",
        "fillcolor": faded(color, 0.15),
        "line": {"width": 0},
        "hoverinfo": "skip",
        "name": "90 % of trials of the published size",
    }
    return [edge]


def _published(result: Analysis, parameter: str, last: float, several: bool) -> list[Spec]:
    points: list[tuple[float, float, str]] = []
    for row in result.comparisons:
        if row.published is None or row.endpoint.curve != parameter:
            continue
        arm = f"{'all arms' if row.arm == POOLED else row.arm}, " if several else ""
        source = f"{arm}n = {row.published_n}, {row.source}"
        if row.endpoint.kind == "median" and row.published <= last:
            points.append((row.published, 50.0, f"published median {row.published_text} months ({source})"))
        elif row.endpoint.kind == "landmark" and row.endpoint.months <= last:
            points.append((row.endpoint.months, row.published, f"published {row.published_text} % ({source})"))
    if not points:
        return []
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "x": numbers(x for x, _, _ in points),
            "y": numbers(y for _, y, _ in points),
            "hovertext": [text for _, _, text in points],
            "hoverinfo": "text",
            "marker": diamond(size=13),
            "name": "published: " + "; ".join(text.removeprefix("published ") for _, _, text in points),
            "cliponaxis": False,
        }
    ]


def _risk_rows(groups: Mapping[str, tuple[Curve, np.ndarray, str]], ticks: np.ndarray) -> list[Spec]:
    traces = []
    for name, (_, time, color) in groups.items():
        traces.append(
            {
                "type": "scatter",
                "mode": "text",
                "x": numbers(ticks),
                "y": [name] * ticks.size,
                "text": [str(count) for count in numbers_at_risk(time, ticks)],
                "textfont": {"color": color, "size": 12},
                "yaxis": "y2",
                "showlegend": False,
                "hoverinfo": "skip",
                "cliponaxis": False,
            }
        )
    return traces


def _require(result: Analysis, parameter: str) -> None:
    if parameter not in TITLES:
        known = ", ".join(TITLES)
        raise CereblonError(f"kaplan_meier '{parameter}': expected one of {known}{nearest(parameter, TITLES)}")
    if not any(data.times[parameter].time.size for data in result.arms.values()):
        known = ", ".join(EVERYBODY)
        raise CereblonError(f"kaplan_meier '{parameter}': no simulated subject has it; expected one of {known}")


def kaplan_meier(result: Analysis, parameter: str = PFS) -> Drawing:
    """Return the Kaplan-Meier figure of `parameter` (PFS, OS, TTF or DOR), one curve per arm, and pooled when there
    are several.

    Raises CereblonError for another parameter, and for DOR when nobody responded.
    """
    _require(result, parameter)
    who, event = ("responders", "response") if parameter == DOR else ("subjects", "dose")
    several = len(result.arms) > 1
    groups: dict[str, tuple[Curve, np.ndarray, str]] = {}
    for (arm, data), color in zip(result.arms.items(), ARM_COLORS * 4, strict=False):
        times = data.times[parameter]
        if not times.time.size:  # an arm without a response
            continue
        groups[arm if several else "at risk"] = (estimate(times.time, times.event), times.time, color)
    if several:
        together = pool([data.times[parameter] for data in result.arms.values()])
        groups["all arms"] = (estimate(together.time, together.event), together.time, POOLED_COLOR)
    last = max(float(time.max()) for _, time, _ in groups.values())
    data_traces: list[Spec] = []
    if not several and parameter in EVERYBODY:  # how many of a trial would respond is not known beforehand
        data_traces += _band(result.arms, parameter, result.seed, last, ARM_COLORS[0])
    for name, (curve, _, color) in groups.items():
        shown = name if several else f"simulated, n = {groups[name][1].size}"
        data_traces.append(_steps(curve, shown, color, "dot" if name == "all arms" else "solid"))
    data_traces += _published(result, parameter, last, several)
    step = month_ticks(last)
    ticks = np.arange(0, last + 1e-9, step["dtick"])
    data_traces += _risk_rows(groups, ticks)
    height = 380 + 24 * len(groups)
    bottom = (24.0 * len(groups) + 8) / (height - 90)
    page = layout(
        height,
        xaxis=axis(
            f"Months from the first {event}",
            anchor="y2",
            **(step | {"range": [-0.03 * last, 1.02 * last]}),
        ),
        yaxis=axis(f"{TITLES[parameter]} (%)", range=[0, 102], domain=[bottom + 0.03, 1]),
        yaxis2=axis(
            "",
            domain=[0, bottom - 0.02],
            type="category",
            autorange="reversed",
            showgrid=False,
            ticks="",
            showline=False,
        ),
        margin={"l": 70, "r": 20, "t": 20, "b": 55},
    )
    page["yaxis2"]["tickfont"] = {"color": MUTED}
    page["shapes"] = [
        {
            "type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": "y", "y0": 50, "y1": 50,
            "line": {"color": "#9aa5ad", "width": 1, "dash": "dot"},
        }
    ]  # fmt: skip
    rows = []
    for name, (curve, time, _) in groups.items():
        median = "not reached" if curve.median is None else f"{curve.median:.1f}"
        at = [f"{100 * curve.at(month):.0f} %" if month <= last else "-" for month in (6, 12, 24)]
        rows.append((name if several else "simulated", str(time.size), median, *at))
    not_reached = any(
        row.published_text == "not reached" and row.endpoint.curve == parameter for row in result.comparisons
    )
    caption = (
        f"Estimated from all simulated {who}; the row under the curve gives the subjects still under "
        "observation." + (" The published median was not reached." if not_reached else "")
    )
    if several and result.twins:
        caption += f" All arms: the same {result.patients} people, once for each arm."
    return Drawing(
        f"kaplan-meier-{parameter.lower()}",
        TITLES[parameter],
        caption,
        {"data": data_traces, "layout": page},
        ("Group", "Subjects", "Median (months)", "6 months", "12 months", "24 months"),
        tuple(rows),
        height,
    )
