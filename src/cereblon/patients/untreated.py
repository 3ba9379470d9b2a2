"""Every subject starts from a state of the untreated model that shows the drawn blood, nodes, spleen and marrow.

The baseline examination fixes how many cells are where and how fast the clone grows. Three rates per subject are
solved so that the untreated model keeps exactly that: `growth_scale` (births = deaths + growth), `node_egress_scale`
and `marrow_egress_scale` (traffic balances at the drawn sizes). All fluxes are linear in them, so the solution is a
division. The niche and the immune system, which no examination shows, are then run untreated with the leukemia held
until they rest, and the rates are solved again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from cereblon.engine import State
from cereblon.model import Model
from cereblon.parameters import SOLVED as SOLVED
from cereblon.patients.leukemia import GROWTH, leukemia

Values = dict[str, NDArray[np.floating[Any]]]

HELD_CYCLES = 4
"""28-day cycles with the leukemia held, in which niche and immune system come to rest."""
FREE_CYCLES = 1
"""28-day cycles of free untreated growth, in which cells divide up within each tissue."""
SCALE_LIMITS = (0.02, 50.0)
"""Range of a solved scale; a subject at a limit starts off balance and drifts at first."""
Advance = Callable[[State, Values, NDArray[np.floating[Any]], int], State]
"""advance(state, individual, free, cycle) -> state 28 untreated days later; free (S,) is 0 for held slow states."""


def balance(
    model: Model, states: Mapping[str, Any], values: Mapping[str, Any], growth: NDArray[np.floating[Any]]
) -> Values:
    """Solve the three scales at one instant.

    states: every state, (n,); values: every parameter; growth: wanted net growth of the clone, 1/day, (n,). Births in
    the node are counted where cells enter division, which differs from division itself only within days. What is born,
    lost and moved is read from the model (`leukemia`).
    Returns growth_scale, node_egress_scale, marrow_egress_scale, each (n,).
    """
    unit = {**values, **dict.fromkeys(SOLVED, 1.0)}
    cells = leukemia(model)
    flux = {k: np.asarray(v, dtype=np.float64) for k, v in model.observe(cells.fluxes, states, unit).items()}
    size = {
        tissue: sum(np.asarray(states[s], dtype=np.float64) for s in names) for tissue, names in cells.pools.items()
    }

    def by_tissue(fluxes: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        return {tissue: sum(flux[name] for name in names) for tissue, names in fluxes.items()}

    births, loss = by_tissue(cells.births), by_tissue(cells.losses)
    come, gone = by_tissue(cells.inflow), by_tissue(cells.outflow)
    total = sum(size.values())
    scale = np.clip((growth * total + sum(loss.values())) / sum(births.values()), *SCALE_LIMITS)
    out = {GROWTH: scale}
    for name, (tissue, reactions) in cells.egress.items():
        leaving = scale * births[tissue] + come[tissue] - gone[tissue] - loss[tissue] - growth * size[tissue]
        out[name] = np.clip(leaving / sum(flux[r] for r in reactions), *SCALE_LIMITS)
    return out


def untreated_start(
    model: Model,
    individual: Values,
    shared: Mapping[str, float],
    growth: NDArray[np.floating[Any]],
    start: Callable[[Values], State],
    advance: Advance,
) -> tuple[State, Values]:
    """Return (state, individual): the engine state at the first dose and the parameters with the solved scales.

    individual: name -> (n,) drawn parameters; growth: (n,) per day; start(individual) makes the model's own starting
    state; `advance` runs 28 days without drugs. The leukemia pools come back at their drawn totals.
    """
    state = start(individual)
    pools = leukemia(model).states
    rows = [i for i, name in enumerate(model.slow) if name in pools]
    free = np.ones(len(model.slow), dtype=np.float32)
    held = free.copy()
    held[rows] = 0.0
    drawn = _totals(model, state)
    for cycle in range(HELD_CYCLES):
        state = advance(state, individual, held, cycle)
    for cycle in range(FREE_CYCLES):
        individual = _solved(model, state, individual, shared, growth)
        state = _rescaled(model, advance(state, individual, free, HELD_CYCLES + cycle), drawn)
    individual = _solved(model, state, individual, shared, growth)
    return state, individual


def _solved(
    model: Model,
    state: State,
    individual: Values,
    shared: Mapping[str, float],
    growth: NDArray[np.floating[Any]],
) -> Values:
    found = balance(model, jax.tree.map(np.asarray, state).named(model), {**shared, **individual}, growth)
    return {**individual, **{name: value.astype(np.float32) for name, value in found.items()}}


def _totals(model: Model, state: State) -> dict[tuple[str, ...], NDArray[np.floating[Any]]]:
    slow = dict(zip(model.slow, np.asarray(state.slow), strict=True))
    return {names: np.sum([slow[s] for s in names], axis=0) for names in leukemia(model).pools.values()}


def _rescaled(model: Model, state: State, drawn: Mapping[tuple[str, ...], Any]) -> State:
    """Return the state with each tissue's total as drawn and its inner division as it has become."""
    slow: Any = np.array(state.slow)
    now = _totals(model, state)
    for names, total in drawn.items():
        for name in names:
            slow[model.slow.index(name)] *= total / np.maximum(now[names], 1e-30)
    return replace(state, slow=slow)
