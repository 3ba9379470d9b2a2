"""Toxicity: worst grade of each event in each subject, with the published rates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from cereblon.columns import ADVERSE_EVENTS, AETERM, AETOXGR, ARM, TRTEMFL, USUBJID
from cereblon.outcomes.compare import POOLED
from cereblon.report.style import GRADE_COLORS, INK, PUBLISHED, Drawing, Spec, axis, diamond, layout, numbers

if TYPE_CHECKING:
    from cereblon.outcomes.analysis import Analysis

_SEVERE = 3


def worst_grades(result: Analysis) -> pl.DataFrame:
    """Return AETERM, ARM, AETOXGR and the number of subjects whose worst treatment-emergent grade it is."""
    emerged = result.scan("adverse_events").filter(pl.col(TRTEMFL) == "Y")
    worst = emerged.group_by(USUBJID, AETERM).agg(pl.col(AETOXGR).max())
    arms = result.scan("subjects").select(USUBJID, ARM)
    counts = worst.join(arms, on=USUBJID).group_by(AETERM, ARM, AETOXGR).agg(pl.len().alias("subjects"))
    return counts.sort(AETERM, ARM, AETOXGR).collect()


def _lanes(result: Analysis, present: set[str]) -> list[tuple[str, str, str]]:
    """Return (event, arm, label) of each bar, events in their usual order and unknown ones last."""
    terms = [t for t in ADVERSE_EVENTS if t in present] + sorted(present - set(ADVERSE_EVENTS))
    several = len(result.arms) > 1
    return [(t, arm, f"{t} ({arm})" if several else t) for t in terms for arm in result.arms]


def _published(result: Analysis, lanes: list[tuple[str, str, str]]) -> list[Spec]:
    traces = []
    for severe, name, fill in (
        (True, "published, grade 3-4", PUBLISHED),
        (False, "published, any grade", "white"),
    ):
        points = []
        for term, arm, label in lanes:
            for row in result.comparisons:
                pooled = row.arm == POOLED and arm == next(iter(result.arms))
                same = row.endpoint.kind == "event" and row.endpoint.term == term and (row.arm == arm or pooled)
                if same and row.published is not None and (row.endpoint.grade >= _SEVERE) is severe:
                    points.append(
                        (
                            row.published,
                            label,
                            f"published {row.published_text} %, n = {row.published_n}, {row.source}",
                        )
                    )
        if points:
            traces.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "x": numbers(value for value, _, _ in points),
                    "y": [label for _, label, _ in points],
                    "hovertext": [text for _, _, text in points],
                    "hoverinfo": "text",
                    "marker": diamond(color=fill, line={"color": INK if severe else PUBLISHED, "width": 1.5}),
                    "name": name,
                }
            )
    return traces


def toxicity(result: Analysis) -> Drawing:
    """Return the toxicity figure: stacked shares of subjects by worst grade, the worst at the axis."""
    counts = worst_grades(result)
    lanes = _lanes(result, set(counts[AETERM].to_list()))
    found = {(term, arm, grade): n for term, arm, grade, n in counts.iter_rows()}
    sizes = {arm: data.subjects.size for arm, data in result.arms.items()}
    labels = [label for _, _, label in lanes]
    data: list[Spec] = []
    for grade in (5, 4, 3, 2, 1):
        shares = [100 * found.get((term, arm, grade), 0) / sizes[arm] for term, arm, _ in lanes]
        if any(shares):
            data.append(
                {
                    "type": "bar",
                    "orientation": "h",
                    "x": numbers(shares, 3),
                    "y": labels,
                    "marker": {"color": GRADE_COLORS[grade], "line": {"color": "white", "width": 1}},
                    "name": f"grade {grade}",
                    "hovertemplate": "%{y}: grade " + str(grade) + " in %{x:.1f} %<extra></extra>",
                }
            )
    data += _published(result, lanes)
    height = 150 + 30 * len(lanes)
    page = layout(
        height,
        barmode="stack",
        bargap=0.3,
        xaxis=axis("Subjects, by worst grade (%)", range=[0, 101]),
        yaxis=axis("", autorange="reversed", showgrid=False),
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.01, "x": 0, "traceorder": "normal"},
    )
    rows = []
    for term, arm, label in lanes:
        by_grade = [100 * found.get((term, arm, grade), 0) / sizes[arm] for grade in (1, 2, 3, 4, 5)]
        rows.append(
            (
                label,
                *(f"{share:.0f}" for share in by_grade),
                f"{sum(by_grade[2:4]):.0f}",
                f"{sum(by_grade):.0f}",
            )
        )
    return Drawing(
        "toxicity",
        "Toxicity by worst grade",
        "The severest grades start at the axis, so a filled diamond (published, grade 3-4) is compared "
        "with the end of the "
        "dark part, and an open one (any grade) with the end of the bar. Counts are read at the trial's "
        "visits only.",
        {"data": data, "layout": page},
        ("Event (% of subjects)", "1", "2", "3", "4", "5", "3-4", "any"),
        tuple(rows),
        height,
    )
