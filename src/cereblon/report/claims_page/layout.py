"""Where the diagram puts the nodes of the mechanism graph: by place, as in Figure 1 of the review."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from cereblon.evidence.nodes import Node

WIDTH, HEIGHT = 940, 1052
"""Size of the drawing, in its own units (pixels at full size)."""
_CHARACTER = 6.8
_LINE = 13.0
_LONGEST = 13
"""Characters in a line of a label."""
_SPARE_ROW, _SPARE_STEP = 1090, 110


@dataclass(frozen=True)
class Place:
    """A part of the body or a cell, as a box with a title."""

    title: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Box:
    """A node as drawn: its centre, size, and label in lines."""

    x: float
    y: float
    width: float
    height: float
    lines: tuple[str, ...]

    @property
    def left(self) -> float:
        """Left edge."""
        return self.x - self.width / 2

    @property
    def top(self) -> float:
        """Upper edge."""
        return self.y - self.height / 2

    def holds(self, x: float, y: float, margin: float = 0.0) -> bool:
        """Whether a point is in the box, or nearer to it than `margin`."""
        return abs(x - self.x) <= self.width / 2 + margin and abs(y - self.y) <= self.height / 2 + margin


@cache
def places() -> tuple[Place, ...]:
    """Return the boxes behind the nodes."""
    rows = _rows("places.tsv")
    return tuple(Place(r["title"], *(float(r[k]) for k in ("x", "y", "width", "height"))) for r in rows)


def boxes(nodes: Mapping[str, Node]) -> dict[str, Box]:
    """Return the box of every node; nodes that the table does not place stand in a row of their own at the end."""
    known = {r["id"]: r for r in _rows("nodes.tsv")}
    out, spare = {}, 0
    for node in nodes.values():
        row = known.get(node.id)
        if row is None:
            x, y = 60.0 + _SPARE_STEP * (spare % 8), _SPARE_ROW + 50.0 * (spare // 8)
            spare += 1
        else:
            x, y = float(row["x"]), float(row["y"])
        lines = wrapped((row or {}).get("label") or _short(node))
        width = max(40.0, _CHARACTER * max(map(len, lines)) + 10)
        out[node.id] = Box(x, y, width, _LINE * len(lines) + 9, lines)
    return out


def height(drawn: Mapping[str, Box]) -> float:
    """Return the height that the drawing needs."""
    return max([float(HEIGHT), *(b.y + 40 for b in drawn.values())])


def wrapped(label: str) -> tuple[str, ...]:
    """Return a label as one line, or as two of about the same length."""
    if len(label) <= _LONGEST or " " not in label:
        return (label,)
    gaps = [i for i, c in enumerate(label) if c == " "]
    middle = min(gaps, key=lambda i: abs(2 * i - len(label)))
    return label[:middle], label[middle + 1 :]


def _short(node: Node) -> str:
    """The name without its place, which the drawing shows."""
    return node.name.removesuffix(f" in {node.place_name}") if node.place_name else node.name


def _rows(name: str) -> list[dict[str, str]]:
    text = (files(__package__) / name).read_text("utf-8")
    return list(csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))
