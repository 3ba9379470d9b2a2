"""Lenalidomide actually given: shares of subjects at each dose by cycle, and the dose of those who take
it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from cereblon.columns import ADY, DAYS_PER_CYCLE, DAYSDOSED, DOSEMG, DRUG, ONGOING, TRTEDY, TRTREAS, USUBJID
from cereblon.outcomes.data import LENALIDOMIDE
from cereblon.report.style import SIMULATED, Drawing, Spec, axis, faded, layout, numbers

if TYPE_CHECKING:
    from cereblon.outcomes.analysis import Analysis

# Upper edges in mg per dosing day, and the colour of each class: darker is more.
_CLASSES = (
    (2.5, "up to 2.5 mg", "#deebf7"),
    (5.0, "up to 5 mg", "#9ecae1"),
    (10.0, "up to 10 mg", "#6baed6"),
    (15.0, "up to 15 mg", "#3182bd"),
    (20.0, "up to 20 mg", "#08519c"),
    (np.inf, "above 20 mg", "#08306b"),
)
_HELD = ("held all cycle", "#fdae6b")
_OFF = ("off treatment", "#eceff1")
_TABLE_CYCLES = (1, 2, 3, 4, 6, 9, 12, 18, 24, 36)


def by_cycle(result: Analysis) -> pl.DataFrame:
    """Return one row per subject and 28-day cycle: mg given, days dosed, mg per dosing day, and whether still
    treated.
    """
    cycle = ((pl.col(ADY) - 1) // DAYS_PER_CYCLE + 1).cast(pl.Int32).alias("cycle")
    weeks = result.scan("exposure").filter(pl.col(DRUG) == LENALIDOMIDE)
    sums = weeks.group_by(USUBJID, cycle).agg(pl.col(DOSEMG).sum(), pl.col(DAYSDOSED).cast(pl.Int32).sum())
    ends = result.scan("subjects").select(USUBJID, TRTEDY, TRTREAS)
    level = pl.when(pl.col(DAYSDOSED) > 0).then(pl.col(DOSEMG) / pl.col(DAYSDOSED)).otherwise(0.0).alias("level")
    before_end = ((pl.col("cycle") - 1) * DAYS_PER_CYCLE < pl.col(TRTEDY)).fill_null(False)
    # who is held at the data cut has had the last dose, and is on treatment still
    treated = (before_end | (pl.col(TRTREAS) == ONGOING)).alias("treated")
    return sums.join(ends, on=USUBJID).with_columns(level, treated).sort("cycle", USUBJID).collect()


def _shares(table: pl.DataFrame, cycles: list[int], subjects: int) -> list[Spec]:
    size = len(cycles)
    counts = np.zeros((len(_CLASSES) + 2, size))
    place = {cycle: index for index, cycle in enumerate(cycles)}
    column = np.array([place[cycle] for cycle in table["cycle"].to_list()], dtype=int)
    level = table["level"].to_numpy()
    edges = np.array([edge + 1e-3 for edge, _, _ in _CLASSES])
    taking = level > 0
    np.add.at(counts, (np.searchsorted(edges, level[taking]), column[taking]), 1)
    held = ~taking & table["treated"].to_numpy()
    np.add.at(counts, (np.full(held.sum(), len(_CLASSES)), column[held]), 1)
    counts[-1] = subjects - counts[:-1].sum(axis=0)
    names = [(name, color) for _, name, color in _CLASSES] + [_HELD, _OFF]
    return [
        {
            "type": "bar",
            "x": cycles,
            "y": numbers(100 * row / subjects, 3),
            "name": name,
            "marker": {"color": color, "line": {"width": 0}},
            "hovertemplate": "cycle %{x}: %{y:.0f} % " + name + "<extra></extra>",
        }
        for (name, color), row in zip(names, counts, strict=True)
        if row.any()
    ]


def dose(result: Analysis) -> Drawing:
    """Return the dose figure: classes of dose above, median and quartiles of the dose taken below."""
    table = by_cycle(result)
    subjects = sum(arm.subjects.size for arm in result.arms.values())
    cycles = sorted(table["cycle"].unique().to_list())
    data = _shares(table, cycles, subjects)
    taking = table.filter(pl.col("level") > 0).group_by("cycle")
    spread = taking.agg(
        pl.len().alias("n"),
        *(pl.col("level").quantile(q, "linear").alias(f"q{int(100 * q)}") for q in (0.25, 0.5, 0.75)),
    ).sort("cycle")
    x = spread["cycle"].to_list()
    below = {"xaxis": "x2", "yaxis": "y2", "showlegend": False}
    data += [
        {
            "type": "scatter", "mode": "lines", "x": [*x, *x[::-1]],
            "y": numbers([*spread["q25"].to_list(), *spread["q75"].to_list()[::-1]], 3),
            "fill": "toself", "fillcolor": faded(SIMULATED, 0.2), "line": {"width": 0}, "hoverinfo": "skip",
        } | below,
        {
            "type": "scatter", "mode": "lines", "x": x, "y": numbers(spread["q50"].to_list(), 3),
            "line": {"color": SIMULATED, "width": 2.5}, "name": "median",
            "hovertemplate": "cycle %{x}: median %{y:.3g} mg per dosing day<extra></extra>",
        } | below,
    ]  # fmt: skip
    span = [0.4, max(cycles, default=1) + 0.6]
    page = layout(
        540,
        barmode="stack",
        bargap=0.06,
        xaxis=axis("", range=span, anchor="y", showticklabels=False, ticks=""),
        yaxis=axis("Subjects (%)", range=[0, 100], domain=[0.46, 1]),
        xaxis2=axis("Cycle of 28 days", range=span, anchor="y2"),
        yaxis2=axis("Lenalidomide taken<br>(mg per dosing day)", rangemode="tozero", domain=[0, 0.4], anchor="x2"),
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.01, "x": 0, "traceorder": "normal"},
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
    pooled = "All arms together. " if len(result.arms) > 1 else ""
    return Drawing(
        "dose",
        "Lenalidomide actually given",
        f"{pooled}Above: all subjects by the dose they took per dosing day in each cycle. Below: median "
        f"and quartiles among those who "
        "took any. Days of pause inside a cycle count in the table's last column.",
        {"data": data, "layout": page},
        ("Cycle", "On treatment", "Median mg per dosing day", "Mean mg per calendar day, on treatment"),
        rows,
        540,
    )
