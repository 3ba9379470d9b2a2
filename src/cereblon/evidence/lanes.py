"""Conditions in words of biology to arrays: parameter values, starting state, clamps and doses of every member."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cereblon.errors import CereblonError, nearest
from cereblon.model import DrugCard, Model

from .documents import drug_of, load_systems, switches
from .ensemble import Ensemble
from .schema import Condition, Dosing, Level

Floats = NDArray[Any]
States = dict[str, Floats]
_MEDIUM_UNIT = "nM"  # of the concentration around cells; levels are written in uM
ABSENT = 1e-9
"""What is left of cells that are absent: nothing, but ratios stay defined."""


@dataclass(frozen=True)
class Starts:
    """Where members start: `states` "untreated" and "healthy", and the parameters `solved` for an untreated balance."""

    states: Mapping[str, States]
    solved: Mapping[str, Floats]


@dataclass(frozen=True)
class Lanes:
    """One condition for all members: parameters (n,), states (n,), clamped slow states, doses (days, n)."""

    values: dict[str, Floats]
    states: States
    held: frozenset[str]
    doses: dict[str, Floats]


def condition_lanes(
    model: Model,
    condition: Condition,
    days: int,
    ensemble: Ensemble,
    starts: Starts,
    off: Mapping[str, float],
) -> Lanes:
    """Return the lanes of a condition. off: parameters of knocked-out claims.

    Raises CereblonError naming what the model does not have.
    """
    n = ensemble.size
    values = {name: np.array(v, dtype=np.float64) for name, v in {**ensemble.values, **starts.solved}.items()}
    states = {name: np.array(v, dtype=np.float64) for name, v in starts.states[condition.start].items()}
    held: set[str] = set()
    if condition.cells is not None:
        _culture(condition.cells, values, states)
    for name, factor in condition.scale.items():
        values[_parameter(model, name, "scale")] = values[name] * factor
    for name, value in {**condition.set, **switches(condition.knockout), **off}.items():
        values[_parameter(model, name, "set")] = np.full(n, float(value))
    for name, start in condition.initial.items():
        states[_state(model, name, "initial")] = np.full(n, float(start))
    for name, level in condition.clamp.items():
        if name not in model.slow:
            known = model.slow
            raise CereblonError(f"clamp {name}: expected a state of the slow clock{nearest(name, known)}")
        held.add(name)
        if level is not None:
            states[name] = np.full(n, float(level))
    doses = {name: np.zeros((days, n)) for name in dosed_states(model)}
    for given in condition.doses:
        _give(model, given, doses, days)
    if condition.cells is not None:
        _medium(model, condition, values, states, doses, days)
    return Lanes(values, states, frozenset(held), doses)


def _culture(cells: tuple[str, ...], values: dict[str, Floats], states: States) -> None:
    systems = load_systems()
    for name in cells:
        if name not in systems.cells:
            raise CereblonError(
                f"cells: '{name}' is unknown: expected {', '.join(systems.cells)}{nearest(name, systems.cells)}"
            )
    for name, value in systems.culture.items():
        values[name] = np.full_like(values[name], value)
    for name, level in systems.washed.items():
        states[name] = np.full_like(states[name], level)
    for name, cell in systems.cells.items():
        if name not in cells:
            for state in cell.states:
                states[state] = states[state] * (0.0 if name == "cll" else ABSENT)
            for parameter, value in cell.absent.items():
                values[parameter] = np.full_like(values[parameter], value)
            continue
        for state, level in cell.initial.items():
            states[state] = np.full_like(states[state], level)
        if cell.gather is not None:
            total = sum(states[s] for s in cell.states)
            for state in cell.states:
                states[state] = np.zeros_like(states[state])
            states[cell.gather] = np.asarray(total)


def _medium(
    model: Model, condition: Condition, values: dict[str, Floats], states: States, doses: Any, days: int
) -> None:
    """Put the drug in the medium: an amount that is not cleared, changed by steps at the start of a day."""
    medium = condition.medium
    if medium == 0.0:
        return
    levels = (Level(day=0, um=medium),) if isinstance(medium, (int, float)) else medium
    concentration, carrier = in_medium(model, drug_of(condition))
    probe = {**{s: np.zeros(1) for s in states}, carrier: np.ones(1)}
    per_mg = model.observe([concentration], probe, {k: v for k, v in values.items()})[concentration]
    before = np.zeros_like(states[carrier])
    for level in sorted(levels, key=lambda x: x.day):
        amount = level.um * 1000.0 / np.asarray(per_mg)
        if level.day == 0:
            states[carrier] = amount
        elif level.day < days:
            doses[carrier][level.day] += amount - before
        before = amount


def _give(model: Model, given: Dosing, doses: dict[str, Floats], days: int) -> None:
    known = {drug.name: drug for drug in model.drugs}
    drug = known.get(given.drug)
    if drug is None:
        raise CereblonError(
            f"doses: unknown drug '{given.drug}': expected {', '.join(known)}{nearest(given.drug, known)}"
        )
    most, entry = drug.dose.max_daily, model.entries[drug.name]
    if given.amount > most:
        raise CereblonError(
            f"doses: {given.amount:g} {drug.unit} {given.drug}: expected at most {most:g} {drug.unit} a day"
        )
    for day in range(days):
        if given.first <= day % given.cycle + 1 <= given.last:
            doses[entry.state][day] += given.amount * entry.times


def dosed_states(model: Model) -> tuple[str, ...]:
    """Return the states that something is given into: by doses to a patient, by steps of the medium of a culture."""
    media = (_carrier(model, card) for card in model.drugs if card.in_medium is not None)
    return tuple(dict.fromkeys((*(e.state for e in model.entries.values()), *(s for s in media if s is not None))))


def in_medium(model: Model, name: str) -> tuple[str, str]:
    """Return the concentration that a culture sets of a drug, and the state whose amount is the drug in its medium.

    Raises CereblonError for a drug that is not on board, or that no culture can hold.
    """
    known = {card.name: card for card in model.drugs}
    if name not in known:
        raise CereblonError(f"medium: unknown drug '{name}': expected {', '.join(known)}{nearest(name, known)}")
    card = known[name]
    if card.in_medium is None:
        raise CereblonError(f"medium: {name}: its card has no in_medium: expected a drug that a culture can hold")
    unit = model.system.units.get(card.in_medium) or "no unit"
    if unit != _MEDIUM_UNIT:
        raise CereblonError(f"medium: {name}: {card.in_medium} has {unit}; expected {_MEDIUM_UNIT}")
    carrier = _carrier(model, card)
    if carrier is None:
        raise CereblonError(f"medium: {name}: {card.in_medium} follows no one linear state: expected one amount of it")
    return card.in_medium, carrier


def _carrier(model: Model, card: DrugCard) -> str | None:
    """Return the state of a drug whose amount its concentration in the medium follows; None where it is not one."""
    found = [state for state in model.linear if state in model.needs(card.in_medium or "")]
    return found[0] if len(found) == 1 else None


def _parameter(model: Model, name: str, where: str) -> str:
    if name not in model.parameters:
        raise CereblonError(f"{where} {name}: the model has no such parameter{nearest(name, model.parameters)}")
    return name


def _state(model: Model, name: str, where: str) -> str:
    if name not in model.states:
        raise CereblonError(f"{where} {name}: the model has no such state{nearest(name, model.states)}")
    return name
