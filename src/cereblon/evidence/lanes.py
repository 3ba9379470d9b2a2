"""Conditions in words of biology to arrays: parameter values, starting state, clamps and doses of every member."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cereblon.errors import CereblonError, nearest
from cereblon.model import Model

from .documents import load_systems, switches
from .ensemble import Ensemble
from .schema import Condition, Dosing, Level

Floats = NDArray[Any]
States = dict[str, Floats]
CARRIER = "len_central"
"""The state whose amount is the drug in the medium of a culture."""
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
    doses = {name: np.zeros((days, n)) for name in _entries(model)}
    for given in condition.doses:
        _give(model, given, doses, days)
    if condition.cells is not None:
        _medium(model, condition.medium, values, states, doses, days)
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
    model: Model, medium: float | tuple[Level, ...], values: dict[str, Floats], states: States, doses: Any, days: int
) -> None:
    """Put the drug in the medium: an amount that is not cleared, changed by steps at the start of a day."""
    levels = (Level(day=0, um=medium),) if isinstance(medium, (int, float)) else medium
    probe = {**{s: np.zeros(1) for s in states}, CARRIER: np.ones(1)}
    per_mg = model.observe(["lenalidomide_free"], probe, {k: v for k, v in values.items()})["lenalidomide_free"]
    before = np.zeros_like(states[CARRIER])
    for level in sorted(levels, key=lambda x: x.day):
        amount = level.um * 1000.0 / np.asarray(per_mg)
        if level.day == 0:
            states[CARRIER] = amount
        elif level.day < days:
            doses[CARRIER][level.day] += amount - before
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


def _entries(model: Model) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*(entry.state for entry in model.entries.values()), CARRIER)))


def _parameter(model: Model, name: str, where: str) -> str:
    if name not in model.parameters:
        raise CereblonError(f"{where} {name}: the model has no such parameter{nearest(name, model.parameters)}")
    return name


def _state(model: Model, name: str, where: str) -> str:
    if name not in model.states:
        raise CereblonError(f"{where} {name}: the model has no such state{nearest(name, model.states)}")
    return name
