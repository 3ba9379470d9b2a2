"""Which states of a model are the leukemia, and which reactions make, move and end its cells: read from the model.

A pool is a state whose identity is a B cell (CL:0000236), in the tissue that its `occursIn` names. A loss is a
reaction that takes cells from a pool and gives none to another; births are the reactions proportional to
`growth_scale`; egress from a tissue are those proportional to the scale of its egress; other flows lead from one
tissue into another. A clone more, or what a drug takes away by a reaction of its own, is in the balance by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from cereblon.errors import CereblonError
from cereblon.model import Model
from cereblon.model.expr import Expr, derivative, free, num, substitute
from cereblon.model.system import Reaction
from cereblon.parameters import SOLVED

CELL: Final = "https://identifiers.org/CL:0000236"
"""The identity of a pool: a B cell, of which the leukemia is a clone."""
GROWTH, EGRESS = SOLVED[0], SOLVED[1:]
"""The scale of births, and those of egress, one for each tissue that cells leave by it."""

Names = tuple[str, ...]


@dataclass(frozen=True)
class Leukemia:
    """Pools and fluxes of a model; tissues are named by the address of their `occursIn`.

    pools: tissue -> its states; births, losses, inflow, outflow: tissue -> reactions that make cells in it, end them,
    bring them from another tissue or take them there, those of `egress` left aside; egress: scale -> (the tissue that
    it empties, reactions proportional to it).
    """

    pools: Mapping[str, Names]
    births: Mapping[str, Names]
    losses: Mapping[str, Names]
    inflow: Mapping[str, Names]
    outflow: Mapping[str, Names]
    egress: Mapping[str, tuple[str, Names]]

    @property
    def states(self) -> Names:
        """All pools."""
        return tuple(state for states in self.pools.values() for state in states)

    @property
    def fluxes(self) -> Names:
        """All reactions of the balance."""
        kinds = (self.losses, self.inflow, self.outflow, dict(self.egress.values()), self.births)
        return tuple(dict.fromkeys(name for kind in kinds for names in kind.values() for name in names))


@lru_cache(maxsize=64)
def leukemia(model: Model) -> Leukemia:
    """Return the pools and fluxes of a model.

    Raises CereblonError for a model without pools, a scale that nothing follows, and a rate that holds a scale without
    being proportional to it, or several of them: the balance could not be solved by a division.
    """
    tissue = {state: _tissue(model, state) for state in model.slow if _is_pool(model, state)}
    if not tissue:
        raise CereblonError(f"leukemia: the model has no state with the identity {CELL} on the slow clock")
    pools = _grouped((where, state) for state, where in tissue.items())
    moving = [r for r in model.system.reactions.values() if not tissue.keys().isdisjoint({**r.reactants, **r.products})]
    scale = {reaction.id: _scale(model, reaction) for reaction in moving}
    births, losses, inflow, outflow = [], [], [], []
    egress: dict[str, tuple[str, Names]] = {}
    for reaction in moving:
        gone = [tissue[s] for s in reaction.reactants if s in tissue]
        come = [tissue[s] for s in reaction.products if s in tissue]
        by = scale[reaction.id]
        if not gone and by != GROWTH:
            raise CereblonError(f"{reaction.id}: makes leukemia: expected a rate proportional to {GROWTH}")
        if by == GROWTH:
            births.append(((come or gone)[0], reaction.id))
        elif by:
            where, names = egress.get(by, (gone[0], ()))
            if gone != [where]:
                raise CereblonError(f"{by}: {reaction.id} does not leave the tissue of the other reactions with it")
            egress[by] = (where, (*names, reaction.id))
        elif not come:
            losses.append((gone[0], reaction.id))
        elif set(gone) != set(come):
            inflow.append((come[0], reaction.id))
            outflow.append((gone[0], reaction.id))
    left = {where for where, _ in egress.values()}
    for reaction in (r for r in moving if scale[r.id] in EGRESS):
        if any(tissue.get(s) in left for s in reaction.products):
            raise CereblonError(f"{reaction.id}: leads into a tissue with an egress of its own: expected the blood")
    for name in SOLVED:
        if name not in scale.values():
            raise CereblonError(f"{name}: no reaction of the leukemia is proportional to it")
    return Leukemia(
        pools=pools,
        births=_grouped(births, pools),
        losses=_grouped(losses, pools),
        inflow=_grouped(inflow, pools),
        outflow=_grouped(outflow, pools),
        egress={name: egress[name] for name in EGRESS},
    )


def _is_pool(model: Model, state: str) -> bool:
    words = model.system.words.get(state)
    return words is not None and CELL in words.identity


def _tissue(model: Model, state: str) -> str:
    place = model.system.words[state].place
    if len(place) != 1:
        raise CereblonError(f"{state}: occursIn names {len(place)} places: expected the tissue of the cells")
    return place[0]


def _grouped(pairs: Iterable[tuple[str, str]], keys: Iterable[str] = ()) -> dict[str, Names]:
    found: dict[str, Names] = dict.fromkeys(keys, ())
    for key, name in pairs:
        found[key] = (*found.get(key, ()), name)
    return found


def _scale(model: Model, reaction: Reaction) -> str:
    """Return the scale that a rate is proportional to, "" for none."""
    rate = _whole(model, reaction.rate)
    held = [name for name in SOLVED if name in free(rate)]
    if not held:
        return ""
    slope = derivative(rate, held[0], {}, {})
    at_zero = substitute([rate], lambda e: num(0.0) if e.op == "sym" and e.value == held[0] else None, {})[0]
    if len(held) > 1 or held[0] in free(slope) or at_zero != num(0.0):
        raise CereblonError(f"{reaction.id}: its rate is not proportional to {held[0]}: the balance cannot be solved")
    return held[0]


def _whole(model: Model, rate: Expr) -> Expr:
    """Return a rate with the rules in it written out, as far as they hold a scale."""
    bodies = model.system.definitions
    memo: dict[Expr, Expr] = {}

    def put(e: Expr) -> Expr | None:
        if e.op != "sym" or e.value not in bodies:
            return None
        body = substitute([bodies[str(e.value)]], put, memo)[0]
        return body if not free(body).isdisjoint(SOLVED) else None

    return substitute([rate], put, memo)[0]
