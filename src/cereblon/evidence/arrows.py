"""Signed influences between nodes: slopes of the model equations at the untreated reference and around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cereblon.evidence.nodes import Node
from cereblon.model import Model
from cereblon.model.expr import Expr, free
from cereblon.model.influence import Influence, observed, sampled_states

Array = NDArray[np.float64]
_CANCELS = 1e-9  # a sum this small against its terms is a movement within the node


@dataclass(frozen=True)
class Arrow:
    """An influence of one node on another.

    `strength` is the relative change of the target for a relative change of the source, to first order: of its value
    (rules) or of where it would come to rest (states). It is that of the reference patient, or the median over states
    on treatment where the reference has none; `steady` is the share of sampled states in which the sign is the same.
    """

    source: str
    target: str
    sign: int
    strength: float
    steady: float
    terms: tuple[str, ...]
    path: tuple[str, ...]
    parameters: tuple[str, ...]


class Arrows:
    """All influences between the nodes of a model, slopes evaluated once. values: parameters other than the table's."""

    def __init__(self, model: Model, nodes: Mapping[str, Node], values: Mapping[str, float] | None = None) -> None:
        self.model, self.nodes = model, nodes
        owner = {q: n.id for n in nodes.values() for q in n.quantities}
        self._influence = Influence(model, owner)
        self._states = sampled_states(model)
        self._values = {k: v for k, v in observed(model, owner, self._states, values).items()}
        self._scale = {k: float(np.median(np.abs(v[1:]))) for k, v in self._values.items()}
        self._sources: dict[str, dict[str, list[str]]] = {}
        wanted: dict[tuple[str, str], Expr] = {}
        for q in owner:
            self._sources[q] = {}
            for x in sorted(self._influence.reached(q)):
                self._sources[q].setdefault(owner[x], []).append(x)
                wanted[q, x] = self._influence.slope(q, x)
        self._slopes = wanted
        self._at = self._influence.evaluate(wanted, self._states, values)

    def all(self) -> list[Arrow]:
        """Return every influence of one node on another, whatever its strength; none of a node on itself."""
        found = []
        for target in self.nodes.values():
            sources = dict.fromkeys(s for q in target.quantities for s in sorted(self._sources[q]))
            found += [a for s in sources if s != target.id and (a := self._arrow(self.nodes[s], target)) is not None]
        return found

    def is_sum(self, arrow: Arrow) -> bool:
        """Whether the target is made of rules that hold the source with a slope that never changes."""
        target, source = self.nodes[arrow.target], self.nodes[arrow.source]
        if any(q in self.model.system.rates for q in target.quantities):
            return False
        pairs = [(q, x) for q in target.quantities for x in self._sources[q].get(source.id, ())]
        return all(bool(np.allclose(self._at[pair], self._at[pair][0], rtol=1e-9)) for pair in pairs)

    def _arrow(self, source: Node, target: Node) -> Arrow | None:
        effect = self._effect(source, target)
        around = effect[1:]
        at = float(effect[0]) if effect[0] != 0.0 else float(np.median(around))
        if at == 0.0 and np.any(around):
            at = float(around[np.argmax(np.abs(around))])
        if at == 0.0:
            return None
        sign = 1 if at > 0 else -1
        moving = around[around != 0.0]
        steady = float(np.mean(np.sign(moving) == sign)) if moving.size else 1.0
        held = frozenset(source.quantities)
        terms = tuple(t for q in target.quantities for t in self._terms(q, held))
        path = tuple(dict.fromkeys(p for t in terms for p in self._influence.path(t, held)))
        slopes = [self._slopes[q, x] for q in target.quantities for x in self._sources[q].get(source.id, ())]
        inside = frozenset(n for e in slopes for n in free(e))
        parameters = tuple(p for p in self.model.parameters if p in inside)
        return Arrow(source.id, target.id, sign, at, steady, terms, path, parameters)

    def _terms(self, name: str, sources: frozenset[str]) -> list[str]:
        """The reactions of a state that hold the source, else the name itself where its formula does."""
        if not self._influence.reached(name) & sources:
            return []
        system = self.model.system
        touching = [r.id for r in system.reactions.values() if name in r.reactants or name in r.products]
        return [r for r in touching if self._influence.reached(r) & sources] or [name]

    def _effect(self, source: Node, target: Node) -> Array:
        """Relative effect at every sampled state, (n,)."""
        states = [q for q in target.quantities if q in self.model.system.rates]
        rules = [q for q in target.quantities if q not in self.model.system.rates]
        found = [self._on_states(source.id, states)] if states else []
        for q in rules:
            size = np.maximum(np.abs(self._values[q]), 1e-3 * self._scale[q])
            found.append(_ratio(self._push(q, source.id)[0], size))
        largest = int(np.argmax([float(np.max(np.abs(e), initial=0.0)) for e in found]))
        return found[largest]

    def _push(self, q: str, source: str) -> tuple[Array, Array]:
        """(sum, sum of absolute values) of slope times size over the quantities of the source."""
        pushes = [self._at[q, x] * self._size(x) for x in self._sources[q].get(source, ())]
        pushes = pushes or [np.zeros_like(self._values[q])]
        return np.sum(pushes, axis=0), np.sum(np.abs(pushes), axis=0)

    def _size(self, x: str) -> Array:
        """The size of a quantity, its usual size on treatment where it is 0."""
        value = np.abs(self._values[x])
        return np.where(value > 0.0, value, self._scale[x])

    def _on_states(self, source: str, states: list[str]) -> Array:
        pushed = {q: self._push(q, source) for q in states}
        total = np.sum([p for p, _ in pushed.values()], axis=0)
        terms = np.sum([a for _, a in pushed.values()], axis=0)
        rest = np.sum([np.abs(self._own(q)) * self._size(q) for q in states], axis=0)
        inner = np.abs(total) <= _CANCELS * terms
        if np.any(inner & (terms > 0.0)):  # a move within the node: what it does to the whole a moment later
            rate = np.sum([np.abs(self._own(q)) for q in states], axis=0) / len(states)
            later = np.sum([self._gradient(q, states) * pushed[q][0] for q in states], axis=0)
            total = np.where(inner, _ratio(later, rate), total)
        return _ratio(total, rest)

    def _own(self, q: str) -> Array:
        return self._at[q, q] if (q, q) in self._at else np.zeros_like(self._values[q])

    def _gradient(self, r: str, states: list[str]) -> Array:
        """d(sum of rates)/d r."""
        return np.asarray(sum(self._at[q, r] for q in states if (q, r) in self._at))


def _ratio(top: Array, bottom: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.where(bottom > 0.0, top / np.where(bottom > 0.0, bottom, 1.0), np.sign(top))
