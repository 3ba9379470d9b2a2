"""Can the claims fail? Turn the sign of one arrow of the mechanism graph and see which claims break."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cereblon.model import Model

from .arrow_signs import ArrowSigns
from .documents import load_claims
from .ensemble import Ensemble, draw_ensemble
from .graph import mechanism_graph, switchable, wire_of
from .runner import Say
from .schema import Claim
from .verdicts import judge_all

MEMBERS = 16
"""Members of the ensemble on which flips are judged: a break is a matter of direction, not of decimals."""


@dataclass(frozen=True)
class Flip:
    """An arrow whose sign was turned, and the claims that break: by a stated arrow, by an experiment."""

    edge: str
    by_arrow: tuple[str, ...]
    by_experiment: tuple[str, ...] | None

    @property
    def detected(self) -> bool:
        """Whether any claim broke."""
        return bool(self.by_arrow or self.by_experiment)


def run_flips(
    edges: Sequence[str],
    standing: Iterable[str],
    *,
    experiments: bool = False,
    members: int = MEMBERS,
    seed: int = 1,
    say: Say | None = None,
) -> list[Flip]:
    """Turn each edge of the graph in turn and see which claims break.

    edges: ids of `mechanism_graph().edges`; standing: claims that hold or are contested as the model is; experiments:
    run all experiments on patients and dishes too, on an ensemble of `members` (ten seconds an edge), else only where
    no stated arrow notices. All flips share one model in which every edge has a switch. Raises ModelError for an edge
    that has no wire.
    """
    graph = mechanism_graph()
    wired = switchable(graph, edges)
    signs, claims = ArrowSigns(wired), [load_claims()[name] for name in standing]
    runnable = [c for c in claims if c.experiment is not None and not c.experiment.clinical]
    ensemble = draw_ensemble(wired, members, seed)
    tell: Say = say or (lambda done, total, words: None)
    out, before = [], None
    for k, edge in enumerate(edges):
        tell(k, len(edges), edge)
        off = {wire_of(graph, edge).switch: 0.0}
        by_arrow = tuple(c.id for c in claims if not all(a.holds for a in signs.read(c.id, off)))
        if by_arrow and not experiments:
            out.append(Flip(edge, by_arrow, None))
            continue
        if before is None:
            before = _stands(wired, ensemble, runnable, {})
        out.append(Flip(edge, by_arrow, tuple(sorted(before - _stands(wired, ensemble, runnable, off)))))
    return out


def _stands(model: Model, ensemble: Ensemble, claims: Sequence[Claim], off: Mapping[str, float]) -> set[str]:
    """Claims whose readouts still hold or split, arrows aside."""
    found = judge_all(model, ensemble, [(c, off) for c in claims], arrows=False)
    return {r.claim.id for r in found if r.verdict != "fails"}
