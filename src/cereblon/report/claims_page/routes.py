"""Ways of the arrows: shortest paths on a grid that go round the nodes and keep apart from each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from math import hypot

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from .layout import Box, Place

Floats = NDArray[np.float64]
Point = tuple[float, float]
STEP = 8
"""Grid width."""
_THROUGH = 40.0
"""Cost of a step through a node, in steps on free ground."""
_TITLE = 3.0
_SHARED = 1.1
"""What each arrow that already runs there adds."""
_CLEAR = 5.0
_STRAIGHT = 5.0
"""Deviation from a straight line that is ironed out."""
_PULL = 1.08
_ROUND = 20.0
_TURNS = ((1, 0, 1.0), (0, 1, 1.0), (1, 1, 2**0.5), (1, -1, 2**0.5))


class Grid:
    """Costs on the ground of the drawing; every route laid makes its own ground dearer."""

    def __init__(self, drawn: Mapping[str, Box], places: Iterable[Place], width: float, height: float) -> None:
        self.nx, self.ny = int(width // STEP) + 1, int(height // STEP) + 1
        self.drawn = drawn
        self.cost = np.ones((self.nx, self.ny))
        self.cost[[0, -1], :] = self.cost[:, [0, -1]] = 2.0
        for place in places:
            title = Box(place.x + 4 * len(place.title), place.y + 9, 7.0 * len(place.title), 14, ())
            self.cost[self._cells(title, 0.0)] += _TITLE
        for box in drawn.values():
            self.cost[self._cells(box, _CLEAR)] = _THROUGH
        index = np.arange(self.nx * self.ny).reshape(self.nx, self.ny)
        parts = [(*_neighbours(index, dx, dy), length) for dx, dy, length in _TURNS]
        self._from = np.concatenate([a for a, _, _ in parts])
        self._to = np.concatenate([b for _, b, _ in parts])
        self._length = np.concatenate([np.full(len(a), length) for a, _, length in parts])

    def route(self, source: str, target: str) -> list[Point]:
        """Return the way from the edge of one node to the edge of another, and count it as taken."""
        start, end = self.drawn[source], self.drawn[target]
        cost = self.cost.copy()
        for box in (start, end):
            cost[self._cells(box, _CLEAR)] = 1.0
        flat = cost.ravel()
        weights = self._length * (flat[self._from] + flat[self._to]) / 2
        matrix = csr_matrix((weights, (self._from, self._to)), shape=(flat.size, flat.size))
        first, last = self._cell(start), self._cell(end)
        before = dijkstra(matrix, directed=False, indices=first, return_predecessors=True)[1]
        cells = [last]
        while cells[-1] != first:
            cells.append(int(before[cells[-1]]))
        cells.reverse()
        inner = [self._point(c) for c in cells if not self._inside(c, start, 0.0) and not self._inside(c, end, 0.0)]
        line = self._pulled(cost, ironed([(start.x, start.y), *inner, (end.x, end.y)]))
        way = _ends(start, line, end)
        self._count(way, start, end)
        return way

    def _count(self, way: list[Point], start: Box, end: Box) -> None:
        """Make the ground of a line dearer for those to come."""
        cells = {(int(x), int(y)) for a, b in pairwise(way) for x, y in zip(*_ground(a, b), strict=True)}
        for x, y in cells:
            if not any(box.holds(x * STEP, y * STEP, _CLEAR) for box in (start, end)):
                self.cost[x, y] += _SHARED

    def _pulled(self, cost: Floats, points: list[Point]) -> list[Point]:
        """Leave out corners where the straight way is hardly dearer, so that lines do not waver."""
        dear = [0.0, *np.cumsum([_price(cost, a, b) for a, b in pairwise(points)])]
        out, i = [points[0]], 0
        while i < len(points) - 1:
            far = range(len(points) - 1, i, -1)
            i = next(j for j in far if j == i + 1 or _price(cost, points[i], points[j]) <= _PULL * (dear[j] - dear[i]))
            out.append(points[i])
        return out

    def _cells(self, box: Box, margin: float) -> tuple[slice, slice]:
        x0, x1 = (box.x + s * (box.width / 2 + margin) for s in (-1, 1))
        y0, y1 = (box.y + s * (box.height / 2 + margin) for s in (-1, 1))
        return slice(max(0, int(np.ceil(x0 / STEP))), int(x1 // STEP) + 1), slice(
            max(0, int(np.ceil(y0 / STEP))), int(y1 // STEP) + 1
        )

    def _cell(self, box: Box) -> int:
        return round(box.x / STEP) * self.ny + round(box.y / STEP)

    def _point(self, cell: int) -> Point:
        return float(cell // self.ny * STEP), float(cell % self.ny * STEP)

    def _inside(self, cell: int, box: Box, margin: float) -> bool:
        return box.holds(*self._point(cell), margin)


def _neighbours(index: NDArray[np.int64], dx: int, dy: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if dy >= 0:
        return index[: index.shape[0] - dx, : index.shape[1] - dy].ravel(), index[dx:, dy:].ravel()
    return index[: index.shape[0] - dx, -dy:].ravel(), index[dx:, :dy].ravel()


def _price(cost: Floats, a: Point, b: Point) -> float:
    """The cost of a straight line."""
    return float(cost[_ground(a, b)].mean()) * hypot(b[0] - a[0], b[1] - a[1])


def _ground(a: Point, b: Point) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Grid places under a straight line."""
    share = np.linspace(0.0, 1.0, int(hypot(b[0] - a[0], b[1] - a[1]) / 3) + 2)
    x, y = (np.rint((a[k] + share * (b[k] - a[k])) / STEP).astype(np.int64) for k in (0, 1))
    return x, y


def ironed(points: Sequence[Point]) -> list[Point]:
    """Return a line with fewer corners that nowhere leaves the given one by more than `_STRAIGHT` (Douglas-Peucker)."""
    if len(points) < 3:
        return list(points)
    (x0, y0), (x1, y1) = points[0], points[-1]
    length = hypot(x1 - x0, y1 - y0) or 1.0
    off = [abs((x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)) / length for x, y in points[1:-1]]
    worst = int(np.argmax(off))
    if off[worst] <= _STRAIGHT:
        return [points[0], points[-1]]
    return ironed(points[: worst + 2])[:-1] + ironed(points[worst + 1 :])


def _ends(start: Box, points: list[Point], end: Box) -> list[Point]:
    """Cut a line where it leaves its first box and reaches its last."""
    first = crossing(start, points[0], points[1], 1.0)
    last = crossing(end, points[-1], points[-2], 3.0)
    return [first, *points[1:-1], last]


def crossing(box: Box, inside: Point, outside: Point, gap: float) -> Point:
    """Return where the line from the middle of a box to a point outside leaves it, `gap` further on."""
    dx, dy = outside[0] - inside[0], outside[1] - inside[1]
    reach = [(box.width / 2 + gap) / abs(dx) if dx else 1e9, (box.height / 2 + gap) / abs(dy) if dy else 1e9]
    share = min(*reach, 1.0)
    return inside[0] + share * dx, inside[1] + share * dy


def rounded(points: Sequence[Point]) -> str:
    """Return a line as an SVG path with round corners."""
    out = [f"M{points[0][0]:.1f} {points[0][1]:.1f}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        a, b = _towards(corner, before), _towards(corner, after)
        out.append(f"L{a[0]:.1f} {a[1]:.1f}Q{corner[0]:.1f} {corner[1]:.1f} {b[0]:.1f} {b[1]:.1f}")
    out.append(f"L{points[-1][0]:.1f} {points[-1][1]:.1f}")
    return "".join(out)


def _towards(corner: Point, other: Point) -> Point:
    length = hypot(other[0] - corner[0], other[1] - corner[1]) or 1.0
    share = min(_ROUND, length / 2) / length
    return corner[0] + share * (other[0] - corner[0]), corner[1] + share * (other[1] - corner[1])


def along(points: Sequence[Point], share: float) -> Point:
    """Return the point at a share of the length of a line."""
    lengths = [hypot(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(points)]
    left = share * sum(lengths)
    for (a, b), length in zip(pairwise(points), lengths, strict=True):
        if left <= length and length > 0:
            return a[0] + left / length * (b[0] - a[0]), a[1] + left / length * (b[1] - a[1])
        left -= length
    return points[-1]
