"""Dose-response: the drug condition of an experiment again at other doses, everything else as it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cereblon.model import Model, load_model
from cereblon.parameters import ParameterSet

from .documents import drug_of, require_claim, switches
from .ensemble import MEMBERS, draw_ensemble
from .readouts import value_of
from .runner import Courses, Order, Say, run_orders
from .schema import Condition, Experiment, Readout
from .verdicts import recorded

Floats = NDArray[np.floating[Any]]
MULTIPLES = (0.0, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
"""What the dose of the condition is multiplied by."""
USUAL = {"uM": 1.0, "mg": 10.0}
"""The dose of a condition that is not about dose; of several like conditions the one nearest to it is taken."""


@dataclass(frozen=True)
class Curve:
    """A readout over the dose.

    `levels` (K,) in `unit` (uM in the medium or mg a day); what is read at each of them as median, 5th and 95th
    percentile of the ensemble, (K,). `drug` is the one whose dose it is; `readout` says what is read and when,
    `value_unit` its unit.
    """

    readout: Readout
    condition: str
    drug: str
    unit: str
    value_unit: str
    levels: Floats
    median: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class DoseResponse:
    """The curves of one claim, one for each quantity and time that its readouts ask for."""

    claim: str
    curves: tuple[Curve, ...]


def dose_responses(
    ids: Iterable[str],
    *,
    members: int = MEMBERS,
    seed: int = 1,
    knockout: Sequence[str] = (),
    parameters: ParameterSet | None = None,
    model: Model | None = None,
    say: Say | None = None,
) -> dict[str, DoseResponse]:
    """Run the drug conditions of claims at `MULTIPLES` of their dose, doses to patients capped at the daily maximum.

    Claims without a drug condition of a patient or a dish are left out. members, seed, parameters: of the ensemble,
    as in `run_claims`; knockout: claims whose mechanism is off everywhere. Raises CereblonError for unknown claims.
    """
    model = load_model() if model is None else model
    off = switches(list(knockout))
    most = {card.name: card.dose.max_daily for card in model.drugs}
    orders: list[Order] = []
    plan: list[tuple[str, Experiment, str, list[Readout], dict[float, int]]] = []
    for name in dict.fromkeys(ids):
        experiment = require_claim(name).experiment
        if experiment is None:
            continue
        for condition, readouts in chosen(experiment).items():
            hourly = tuple(dict.fromkeys(r.of for r in readouts if r.hour is not None or r.read == "lowest"))
            place = {}
            start = experiment.conditions[condition]
            for level, at in levels(start, most.get(drug_of(start), np.inf)).items():
                place[level] = len(orders)
                orders.append(Order(at, experiment.days, off, hourly))
            plan.append((name, experiment, condition, readouts, place))
    if not orders:
        return {}
    found = run_orders(model, draw_ensemble(model, members, seed, parameters), orders, recorded(), say)
    curves: dict[str, list[Curve]] = {}
    for name, experiment, condition, readouts, place in plan:
        at = experiment.conditions[condition]
        courses = {level: found[k] for level, k in place.items()}
        for readout in readouts:
            value_unit = model.system.units.get(readout.of, "")
            curves.setdefault(name, []).append(_curve(readout, condition, at, value_unit, courses))
    return {name: DoseResponse(name, tuple(mine)) for name, mine in curves.items()}


def chosen(experiment: Experiment) -> dict[str, list[Readout]]:
    """Return condition -> the readouts to draw over its dose.

    Each quantity is drawn once, in the plainest condition it is read in: the one with the fewest other changes, and of
    these the one with the dose nearest to the usual. A readout that shows that an effect is blocked stands for the
    condition of that effect.
    """
    read: dict[tuple[object, ...], Readout] = {}
    where: dict[tuple[object, ...], list[str]] = {}
    for readout in experiment.readouts:
        target = readout.effect if readout.expect == "blocked" else readout.to
        for condition in dict.fromkeys((target, *readout.over)):
            if condition is None or dose_of(experiment.conditions[condition]) == 0.0:
                continue
            dish = experiment.conditions[condition].cells is not None
            for of in (readout.of, *readout.others):
                key = (of, readout.read, readout.day, readout.hour, dish)
                # one quantity by itself differs from nothing
                expect = "shown" if readout.expect == "differs" else readout.expect
                read.setdefault(key, readout.model_copy(update={"of": of, "others": (), "expect": expect}))
                where.setdefault(key, []).append(condition)
    out: dict[str, list[Readout]] = {}
    for spot, readout in read.items():
        best = min(where[spot], key=lambda c: _plainness(experiment.conditions[c]))
        out.setdefault(best, []).append(readout)
    return out


def dose_of(condition: Condition) -> float:
    """Return the highest level of a condition's drug, uM in the medium or mg a day; 0 without, and for trials."""
    if condition.trial is not None:
        return 0.0
    if condition.cells is None:
        return max((d.amount for d in condition.doses if d.drug == drug_of(condition)), default=0.0)
    medium = condition.medium
    return float(medium) if isinstance(medium, (int, float)) else max((x.um for x in medium), default=0.0)


def unit_of(condition: Condition) -> str:
    """Return the unit of `dose_of`."""
    return "mg" if condition.cells is None else "uM"


def levels(condition: Condition, most: float) -> dict[float, Condition]:
    """Return dose -> the condition at that dose, ascending. most: the daily maximum of a patient, mg."""
    out = {}
    for multiple in MULTIPLES:
        at = _scaled(condition, multiple, most)
        out[dose_of(at)] = at
    return out


def _scaled(condition: Condition, multiple: float, most: float) -> Condition:
    if condition.cells is None:
        doses = tuple(
            d if d.drug != drug_of(condition) else d.model_copy(update={"amount": min(d.amount * multiple, most)})
            for d in condition.doses
        )
        return condition.model_copy(update={"doses": doses})
    medium = condition.medium
    if isinstance(medium, (int, float)):
        return condition.model_copy(update={"medium": medium * multiple})
    return condition.model_copy(update={"medium": tuple(x.model_copy(update={"um": x.um * multiple}) for x in medium)})


def _plainness(condition: Condition) -> tuple[int, float]:
    c = condition
    changes = len(c.set) + len(c.scale) + len(c.initial) + len(c.clamp) + len(c.knockout)
    usual = USUAL[unit_of(condition)]
    return changes, abs(float(np.log(dose_of(condition) / usual)))


def _curve(readout: Readout, name: str, at: Condition, value_unit: str, courses: dict[float, Courses]) -> Curve:
    rows = [value_of(readout, {name: c}, name, readout.of, readout.day) for c in courses.values()]
    low, median, high = np.quantile(np.stack(rows, axis=1), [0.05, 0.5, 0.95], axis=0)
    value_unit = {"kept": "ratio to day 0", "lost_pct": "percent"}.get(readout.read, value_unit)
    return Curve(readout, name, drug_of(at), unit_of(at), value_unit, np.array(list(courses)), median, low, high)
