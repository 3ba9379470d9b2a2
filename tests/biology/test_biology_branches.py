"""Every branch of every choice in the model is a number, taken or not: some tools evaluate both sides of a choice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from virtual_subjects import named, regimens, run, subjects

from cereblon.model import Model, Program, load_model
from cereblon.model.expr import Expr, nodes

CYCLES = 2


def choices(model: Model) -> list[tuple[str, Expr]]:
    """Every piecewise, min and max of the equations with the name that it stands in."""
    system = model.system
    bodies = {**system.definitions, **{f"d {name}": rate for name, rate in system.rates.items()}, **system.starts}
    found = {(name, e) for name, body in bodies.items() for e in nodes(body) if e.op in ("piecewise", "min", "max")}
    return sorted(found, key=lambda pair: (pair[0], repr(pair[1])))


def branches(choice: Expr) -> Iterator[Expr]:
    """Values that a choice can take; its conditions are not among them."""
    yield from choice.args if choice.op != "piecewise" else (*choice.args[:-1:2], choice.args[-1])


def broken(model: Model, states: Mapping[str, Any], values: Mapping[str, Any]) -> list[str]:
    """Branches that are not finite numbers at these states, by name."""
    listed = [(name, part) for name, choice in choices(model) for part in branches(choice)]
    program = Program([part for _, part in listed], model.system.definitions, model.is_constant)
    with np.errstate(all="ignore"):
        found = program.run({**model.values(values), **states})
    return [
        f"{name}: {part!r}" for (name, part), value in zip(listed, found, strict=True) if not np.isfinite(value).all()
    ]


def test_all_branches_are_finite_at_the_start(model: Model) -> None:
    assert len(choices(model)) > 10
    assert broken(model, model.initial(), {}) == []


@pytest.mark.parametrize("population", ["untreated", "relapsed"])
@pytest.mark.parametrize("regimen", tuple(regimens(1)))
def test_all_branches_are_finite_where_patients_come_by(model: Model, population: str, regimen: str) -> None:
    group, doses = subjects(model, population), regimens(28 * CYCLES)[regimen]
    state = group.state
    for cycle in range(CYCLES + 1):
        before = {name: np.asarray(value, dtype=float) for name, value in named(model, state).items()}
        after = {**before, **{name: before[name] + float(amounts.max()) for name, amounts in doses.items()}}
        for states in (before, after):  # the last moment without a dose and the first with every drug
            assert broken(model, states, group.individual) == [], cycle
        if cycle < CYCLES:
            part = {name: amounts[28 * cycle : 28 * (cycle + 1)] for name, amounts in doses.items()}
            _, state = run(model, group.individual, state, part)


def test_a_branch_that_divides_by_zero_is_found(model: Model) -> None:
    text = "q := piecewise((flare_drive - 1)/flare_drive, flare_drive > 1, 0); q has dimensionless"
    wrong = load_model(extra=text)
    assert [line.split(":")[0] for line in broken(wrong, wrong.initial(), {})] == ["q"]
