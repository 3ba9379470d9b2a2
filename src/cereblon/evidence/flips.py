"""Can the claims fail? Turn the sign of one arrow of the mechanism graph and see which claims break."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cereblon.model import Model, load_model

from .documents import load_claims
from .ensemble import draw_ensemble
from .graph import mechanism_graph, switchable, wire_of
from .runner import Say
from .verdicts import judge_all

MEMBERS = 16
"""Members of the ensemble on which flips are judged: a break is a matter of direction, not of decimals."""


@dataclass(frozen=True)
class Flip:
    """An arrow whose sign was turned, and the claims that held or were contested before and fail now."""

    edge: str
    broken: tuple[str, ...]

    @property
    def detected(self) -> bool:
        """Whether any claim broke."""
        return bool(self.broken)


def run_flips(
    edges: Sequence[str], *, members: int = MEMBERS, seed: int = 1, model: Model | None = None, say: Say | None = None
) -> list[Flip]:
    """Turn each edge of the graph in turn and run all experiments on patients and dishes.

    edges: ids of `mechanism_graph().edges`; members, seed: the ensemble. All flips share one compiled program, in which
    every edge has a switch. Returns a `Flip` per edge. Raises ModelError for an edge that has no wire.
    """
    graph = mechanism_graph(model)
    wired = switchable(graph, edges, model=model or load_model())
    claims = [c for c in load_claims().values() if c.experiment is not None and not c.experiment.clinical]
    ensemble = draw_ensemble(wired, members, seed)
    tell: Say = say or (lambda done, total, words: None)

    def standing(off: dict[str, float]) -> set[str]:
        found = judge_all(wired, ensemble, [(c, off) for c in claims])
        return {r.claim.id for r in found if r.verdict != "fails"}

    tell(0, len(edges) + 1, "as it is")
    before = standing({})
    out = []
    for k, edge in enumerate(edges):
        tell(k + 1, len(edges) + 1, edge)
        out.append(Flip(edge, tuple(sorted(before - standing({wire_of(graph, edge).switch: 0.0})))))
    return out
