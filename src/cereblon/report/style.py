"""Colours, fonts and axes shared by all figures.

Blue is simulated and vermillion is published, in every figure. The colours are those of Okabe and Ito (2008),
which keep apart for readers with any common colour vision deficiency; published values differ in shape too,
so print without colour still works. Figures are plain plotly dictionaries: building them through plotly's
classes would take most of the second that a report of a thousand subjects may cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape as html_escape
from typing import Any, Final

import numpy as np

from cereblon.errors import visible_lines

SIMULATED: Final = "#0072B2"
PUBLISHED: Final = "#D55E00"
INK: Final = "#1f2a33"
MUTED: Final = "#5b6770"
GRID: Final = "#e4e8eb"
ARM_COLORS: Final = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#8C6D31")
POOLED_COLOR: Final = "#444444"

RESPONSE_COLORS: Final[dict[str, str]] = {
    "CR": "#08306b",
    "CRi": "#2171b5",
    "nPR": "#4eb3d3",
    "PR": "#9ecae1",
    "PRL": "#009E73",
    "SD": "#bdbdbd",
    "PD": "#D55E00",
    "NE": "#e7c6d9",
}
GRADE_COLORS: Final[dict[int, str]] = {1: "#fee8c8", 2: "#fdbb84", 3: "#ef6548", 4: "#b30000", 5: "#3b0000"}

FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

Spec = dict[str, Any]
Rows = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Drawing:
    """A figure with its words: plotly spec, title, caption, and the numbers as a table for readers without
    the picture.
    """

    name: str
    title: str
    caption: str
    spec: Spec
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    height: int = field(default=420)


def faded(color: str, alpha: float) -> str:
    """Return '#rrggbb' as an rgba() text with opacity `alpha`."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"


def numbers(values: Iterable[float | None], digits: int = 4) -> list[float | None]:
    """Return values as JSON-ready numbers with `digits` significant digits; what is not finite becomes
    None.
    """
    out: list[float | None] = []
    for value in values:
        ok = value is not None and np.isfinite(value)
        out.append(float(f"{float(value):.{digits}g}") if ok and value is not None else None)
    return out


def axis(title: str, **more: Any) -> Spec:
    """Return an axis with the house style; `title` names the quantity and its unit."""
    base: Spec = {
        "title": {"text": title, "standoff": 8, "font": {"size": 13}},
        "gridcolor": GRID,
        "linecolor": "#9aa5ad",
        "ticks": "outside",
        "tickcolor": "#9aa5ad",
        "ticklen": 4,
        "zeroline": False,
        "automargin": True,
    }
    return base | more


def layout(height: int, **more: Any) -> Spec:
    """Return a figure layout with the house style."""
    base: Spec = {
        "height": height,
        "autosize": True,
        "margin": {"l": 60, "r": 20, "t": 20, "b": 50},
        "font": {"family": FONT, "size": 13, "color": INK},
        "paper_bgcolor": "white",
        "plot_bgcolor": "white",
        "colorway": list(ARM_COLORS),
        "hoverlabel": {"font": {"family": FONT}},
        "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.02, "xanchor": "left", "x": 0},
    }
    return base | more


def diamond(**more: Any) -> Spec:
    """Return the marker of a published value."""
    return {
        "symbol": "diamond",
        "size": 11,
        "color": PUBLISHED,
        "line": {"color": "white", "width": 1},
    } | more


def month_ticks(last: float) -> Spec:
    """Return tick settings for an axis of months that ends at `last`."""
    step = next(step for step in (1, 2, 3, 6, 12, 24) if last / step <= 12 or step == 24)
    return {"dtick": step, "tick0": 0, "range": [0, last]}


def escape(text: str, quote: bool = True) -> str:
    """Return text for a page: markup as it is written, and marks that turn the direction of writing written out."""
    return html_escape(visible_lines(text), quote)
