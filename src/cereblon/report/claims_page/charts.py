"""Small line charts as SVG: median and 90 % band over time or dose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cereblon.report.style import ARM_COLORS

Floats = NDArray[np.floating[Any]]
_WIDTH, _HEIGHT = 330, 170
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 10, 8, 34
_TICKS = 4
_MOST_POINTS = 200
"""Enough to show the swings of four-week cycles over three years."""


@dataclass(frozen=True)
class Series:
    """A line with its band; x and the three heights have the same length."""

    name: str
    x: Floats
    median: Floats
    low: Floats
    high: Floats


def band(name: str, x: Floats, values: Floats) -> Series:
    """Return the series of values (k, members) at x (k,): median, 5th and 95th percentile, thinned for drawing."""
    keep = np.unique(np.linspace(0, len(x) - 1, min(len(x), _MOST_POINTS)).round().astype(int))
    low, median, high = np.quantile(np.asarray(values, dtype=np.float64)[keep], [0.05, 0.5, 0.95], axis=1)
    return Series(name, np.asarray(x, dtype=np.float64)[keep], median, low, high)


def chart(title: str, x_title: str, y_title: str, series: Sequence[Series], doses: bool = False) -> str:
    """Return a figure: SVG with a legend. doses: x is a dose on a logarithmic scale with 0 at its left end."""
    drawn = [
        s for s in series if np.isfinite(s.median).all() and np.isfinite(s.low).all() and np.isfinite(s.high).all()
    ]
    if not drawn:
        return ""
    x_ticks = _dose_ticks(drawn[0].x) if doses else _ticks(0.0, max(float(s.x[-1]) for s in drawn))
    places = [_dose_places(s.x) if doses else s.x for s in drawn]
    right = max(float(p[-1]) for p in places) or 1.0
    bottom, top = _range(drawn)
    y_ticks = _ticks(bottom, top)
    bottom, top = min(bottom, y_ticks[0][0]), max(top, y_ticks[-1][0])

    def at(x: float, y: float) -> str:
        across = _LEFT + x / right * (_WIDTH - _LEFT - _RIGHT)
        return f"{across:.1f} {_TOP + (top - y) / (top - bottom) * (_HEIGHT - _TOP - _BOTTOM):.1f}"

    parts = [_axes(x_ticks, y_ticks, right, bottom, at, x_title)]
    for i, (s, place) in enumerate(zip(drawn, places, strict=True)):
        color = ARM_COLORS[i % len(ARM_COLORS)]
        dash = ' stroke-dasharray="5 3"' if i >= len(ARM_COLORS) else ""
        edge = [*zip(place, s.high, strict=True), *reversed(list(zip(place, s.low, strict=True)))]
        parts.append(f'<path d="M{"L".join(at(x, y) for x, y in edge)}Z" fill="{color}" fill-opacity=".14"/>')
        line = "L".join(at(x, y) for x, y in zip(place, s.median, strict=True))
        parts.append(f'<path d="M{line}" fill="none" stroke="{color}" stroke-width="1.8"{dash}/>')
    label = escape(f"{title}, {y_title} over {x_title}", quote=True)
    return (
        f'<figure class="chart"><figcaption>{escape(title)} <span class="quiet">{escape(y_title)}</span></figcaption>'
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}">{"".join(parts)}</svg>'
        f"{_legend([s.name for s in drawn])}</figure>"
    )


def _axes(x_ticks: Any, y_ticks: Any, right: float, bottom: float, at: Any, x_title: str) -> str:
    out = []
    for value, words in y_ticks:
        start, end = at(0.0, value), at(right, value)
        x, y = start.split()
        out.append(f'<path class="grid" d="M{start}L{end}"/><text x="{float(x) - 5:g}" y="{float(y) + 3.5:.1f}" ')
        out.append(f'text-anchor="end">{words}</text>')
    for value, words in x_ticks:
        x, y = at(value, bottom).split()
        out.append(f'<path class="tick" d="M{x} {y}v4"/><text x="{x}" y="{float(y) + 15:.1f}" ')
        out.append(f'text-anchor="middle">{words}</text>')
    out.append(f'<path class="axis" d="M{at(0.0, bottom)}L{at(right, bottom)}"/>')
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    out.append(f'<text x="{middle:g}" y="{_HEIGHT - 4}" text-anchor="middle">{escape(x_title)}</text>')
    return "".join(out)


def _legend(names: Sequence[str]) -> str:
    if len(names) < 2:
        return ""
    items = (
        f'<li><i style="border-top:3px {"dashed" if i >= len(ARM_COLORS) else "solid"} '
        f'{ARM_COLORS[i % len(ARM_COLORS)]}"></i>{escape(name)}</li>'
        for i, name in enumerate(names)
    )
    return f'<ul class="legend">{"".join(items)}</ul>'


def _range(series: Sequence[Series]) -> tuple[float, float]:
    low = min(float(s.low.min()) for s in series)
    high = max(float(s.high.max()) for s in series)
    if 0.0 < low < 0.6 * high:
        low = 0.0
    if high - low < 1e-3 * max(abs(high), abs(low), 1e-9):
        pad = 0.1 * max(abs(high), 1e-6)
        low, high = low - pad, high + pad
    return low, high


def _ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Return round numbers from about low to about high with their text."""
    rough = (high - low) / _TICKS or 1.0
    size = 10.0 ** np.floor(np.log10(rough))
    step = float(next(size * m for m in (1, 2, 2.5, 5, 10) if size * m >= rough * 0.999))
    first, last = int(np.floor(low / step + 1e-6)), int(np.floor(high / step + 1e-6))
    return [(k * step, f"{k * step:.4g}") for k in range(first, last + 1)]


def _dose_places(levels: Floats) -> Floats:
    """Positions of doses: decades above the lowest one that is not 0, which stands one step to the left."""
    known = levels[levels > 0]
    return np.where(levels > 0, np.log10(np.maximum(levels, 1e-12) / known[0]) + 0.6, 0.0)


def _dose_ticks(levels: Floats) -> list[tuple[float, str]]:
    places = _dose_places(levels)
    out: list[tuple[float, str]] = []
    for place, level in zip(places, levels, strict=True):
        if not out or place - out[-1][0] > 0.25:
            out.append((float(place), f"{level:.2g}"))
    return out
