"""Figure 1 arrow by arrow: does each influence that a claim states act in the model, with the stated sign?

The arrows and their signs are data (biology/claims/arrows.tsv), read against the review; what the model does is found
by nudging the source and looking at the target, all other quantities of the graph held (arrows.py).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from cereblon.model import Model, load_model
from cereblon.parameters import ParameterSet

from .arrows import Arrows
from .nodes import find_nodes


@dataclass(frozen=True)
class Stated:
    """An arrow of Figure 1 as the review or its sources state it: nodes of the mechanism graph and a sign."""

    claim: str
    source: str
    sign: int
    target: str


@dataclass(frozen=True)
class ArrowReading:
    """A stated arrow and what the model does: `found` is its sign there, 0 where the influence is absent."""

    stated: Stated
    found: int
    strength: float

    @property
    def holds(self) -> bool:
        """Whether the influence is there with the stated sign."""
        return self.found == self.stated.sign

    def as_json(self) -> dict[str, Any]:
        """Plain data for the command line."""
        words = {1: "+", -1: "-", 0: None}
        return {
            "source": self.stated.source,
            "target": self.stated.target,
            "stated": words[self.stated.sign],
            "found": words[self.found],
            "strength": self.strength,
            "holds": self.holds,
        }


@cache
def stated_arrows() -> dict[str, tuple[Stated, ...]]:
    """Return the arrows by claim; each arrow belongs to one claim."""
    text = resources.files("cereblon").joinpath("biology/claims/arrows.tsv").read_text("utf-8")
    out: dict[str, list[Stated]] = {}
    for row in csv.DictReader(text.splitlines(), delimiter="\t"):
        sign = 1 if row["sign"] == "+" else -1
        out.setdefault(row["claim"], []).append(Stated(row["claim"], row["source"], sign, row["target"]))
    return {claim: tuple(rows) for claim, rows in out.items()}


class ArrowSigns:
    """Reads the arrows of claims on a model, once for each set of mechanisms that are off."""

    def __init__(self, model: Model, parameters: ParameterSet | None = None) -> None:
        """Take the model, and the values at which its arrows are read (default: the table's)."""
        self._model = model
        self._values = {} if parameters is None else dict(parameters.values)
        self._found: dict[Any, dict[tuple[str, str], tuple[int, float]]] = {}

    def read(self, claim: str, off: Mapping[str, float]) -> tuple[ArrowReading, ...]:
        """Return the readings of a claim's arrows with the parameters `off` at other values than the set's."""
        stated = stated_arrows().get(claim, ())
        if not stated:
            return ()
        key = tuple(sorted(off.items()))
        if key not in self._found:
            arrows = Arrows(self._model, find_nodes(load_model()), {**self._values, **off}).all()
            self._found[key] = {(a.source, a.target): (a.sign, a.strength) for a in arrows}
        found = self._found[key]
        return tuple(ArrowReading(s, *found.get((s.source, s.target), (0, 0.0))) for s in stated)
