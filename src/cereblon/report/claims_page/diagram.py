"""The diagram: places, nodes and signed arrows as SVG."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from math import atan2, degrees, hypot

from cereblon.evidence.graph import Edge, MechanismGraph
from cereblon.evidence.nodes import Node

from .layout import WIDTH, Box, boxes, height, places
from .routes import Grid, Point, along, rounded

_BAR = 5.0
_MARKS = {
    "contested": '<path class="mark" d="M0 -5L5 0L0 5L-5 0Z"/>',
    "cannot tell": '<path class="mark" d="M-4 -4H4V4H-4Z"/>',
    "fails": '<path class="mark" d="M-4 -4L4 4M-4 4L4 -4"/>',
    "waits": '<circle class="mark" r="3.4"/>',
}
"""Signs of verdicts half-way along an arrow; an arrow whose claims hold has none."""


def diagram(graph: MechanismGraph, verdicts: Mapping[str, str]) -> str:
    """Return the SVG of a graph. verdicts: of every edge, by id, "" where it has none."""
    drawn = boxes(graph.nodes)
    tall = height(drawn)
    grid = Grid(drawn, places(), WIDTH, tall)
    ways = {}
    for edge in sorted(graph.edges.values(), key=lambda e: _distance(drawn, e)):
        ways[edge.id] = grid.route(edge.source, edge.target)
    back = "".join(_place(p.title, p.x, p.y, p.width, p.height) for p in places())
    arrows = "".join(_arrow(graph, e, ways[e.id], verdicts.get(e.id, "")) for e in graph.edges.values())
    nodes = "".join(_node(node, drawn[node.id]) for node in graph.nodes.values())
    return (
        f'<svg id="diagram" viewBox="0 0 {WIDTH} {tall:g}" role="group" aria-label="Cells and molecules with signed '
        f'arrows"><g class="places">{back}</g><g class="arrows">{arrows}</g><g class="nodes">{nodes}</g></svg>'
    )


def _distance(drawn: Mapping[str, Box], edge: Edge) -> float:
    a, b = drawn[edge.source], drawn[edge.target]
    return hypot(a.x - b.x, a.y - b.y)


def _place(title: str, x: float, y: float, width: float, tall: float) -> str:
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{tall:g}" rx="10"/>'
        f'<text x="{x + 9:g}" y="{y + 15:g}">{escape(title)}</text>'
    )


def verdict_class(verdict: str) -> str:
    """Return the class that colours what has a verdict."""
    return f"v-{escape((verdict or 'none').replace(' ', '-'), quote=True)}"


def said(graph: MechanismGraph, edge: Edge) -> str:
    """Return an arrow in words."""
    verb = "raises" if edge.sign > 0 else "lowers"
    return f"{graph.nodes[edge.source].name} {verb} {graph.nodes[edge.target].name}"


def _arrow(graph: MechanismGraph, edge: Edge, way: list[Point], verdict: str) -> str:
    kind = "drug" if edge.drug else "own"
    if graph.nodes[edge.target].kind == "finding":
        kind += " clinic"
    sign = "up" if edge.sign > 0 else "down"
    name = said(graph, edge) + (f"; {verdict}" if verdict else "")
    path = rounded(way)
    middle = along(way, 0.5)
    mark = _MARKS.get(verdict, "")
    if mark:
        mark = f'<g transform="translate({middle[0]:.1f} {middle[1]:.1f})">{mark}</g>'
    return (
        f'<g class="arrow {kind} {sign} {verdict_class(verdict)}" id="{escape(edge.id, quote=True)}" '
        f'tabindex="0" role="button" aria-label="{escape(name, quote=True)}" '
        f'data-from="{escape(edge.source, quote=True)}" data-to="{escape(edge.target, quote=True)}">'
        f'<title>{escape(name)}</title><path class="hit" d="{path}"/><path class="line" d="{path}"/>'
        f"{_tip(way, edge.sign)}{mark}</g>"
    )


def _tip(way: list[Point], sign: int) -> str:
    (x0, y0), (x1, y1) = way[-2:]
    angle = degrees(atan2(y1 - y0, x1 - x0))
    shape = "M1 0L-7 -3.6L-5.2 0L-7 3.6Z" if sign > 0 else f"M-1 {-_BAR:g}L-1 {_BAR:g}"
    kind = "tip" if sign > 0 else "bar"
    return f'<path class="{kind}" d="{shape}" transform="translate({x1:.1f} {y1:.1f}) rotate({angle:.0f})"/>'


def _node(node: Node, box: Box) -> str:
    corner = {"cell": box.height / 2, "molecule": 3, "process": 9}.get(node.kind, 5)
    first = box.y - 6.5 * (len(box.lines) - 1) + 4
    lines = "".join(
        f'<tspan x="{box.x:g}" y="{first + 13 * i:g}">{escape(line)}</tspan>' for i, line in enumerate(box.lines)
    )
    return (
        f'<g class="node k-{escape(node.kind, quote=True)}" id="node-{escape(node.id, quote=True)}" tabindex="0" '
        f'role="button" aria-label="{escape(node.name, quote=True)}"><title>{escape(node.name)}</title>'
        f'<rect x="{box.left:.1f}" y="{box.top:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" '
        f'rx="{corner:g}"/><text>{lines}</text></g>'
    )
