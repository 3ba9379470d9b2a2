"""The leukemia's pools and fluxes are read from the model; a clone more or a drug's own reaction is in the balance."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from cereblon.errors import CereblonError
from cereblon.model import Model, load_model
from cereblon.patients.leukemia import leukemia
from cereblon.patients.untreated import balance

CLONES = ("", "_resistant")
NODE, MARROW, BLOOD = (f"https://identifiers.org/UBERON:{n}" for n in ("0000029", "0002371", "0000178"))
THIRD = """
// clock: slow
substanceOnly species cll_blood_third in body; cll_blood_third has gcell
cll_blood_third = 100
death_blood_third: cll_blood_third => ; death_rate_blood*cll_blood_third
cll_blood_third identity "https://identifiers.org/CL:0000236"
cll_blood_third occursIn "https://identifiers.org/UBERON:0000178"
"""
CARD = """
name: madeupase
class: made-up enzyme
prefix: zap
kinetics: own
enters: zap_gut
unit: mg
dose: {basis: flat, max_daily: 200}
route: oral
source: made up
"""
EFFECT = """// clock: fast
zap_gut = 0; zap_gut has mg
zap_gut' = -zap_ka*zap_gut
// clock: slow
substanceOnly species zap_arrested in body; zap_arrested has gcell
zap_arrested = 50
zap_arrested_loss: zap_arrested => ; zap_k*zap_arrested
zap_arrested identity "https://identifiers.org/CL:0000236"
zap_arrested occursIn "https://identifiers.org/UBERON:0000178"
"""
LOSS = """
// clock: slow
loss_rate_more = 0.01; loss_rate_more has per_day
loss_more: cll_node_resting => ; loss_rate_more*cll_node_resting
"""
ROWS = "id value unit distribution spread group status source evidence organ note\n" + "".join(
    f"{name} {value} per_day none   assumed made assumed drug \n" for name, value in (("zap_ka", 12), ("zap_k", 0.01))
)


def fluxes(names: Iterable[str]) -> set[str]:
    return {f"{name}{clone}" for name in names for clone in CLONES}


def test_what_the_package_has_is_found() -> None:
    found = leukemia(load_model())
    inside = {"node": ("dividing", "resting", "mobile"), "marrow": ("resting", "mobile")}
    assert {k: set(v) for k, v in found.pools.items()} == {
        NODE: fluxes(f"cll_node_{k}" for k in inside["node"]),
        MARROW: fluxes(f"cll_marrow_{k}" for k in inside["marrow"]),
        BLOOD: fluxes(["cll_blood"]),
    }
    assert {k: set(v) for k, v in found.losses.items()} == {
        NODE: fluxes(f"{how}_node_{k}" for how in ("death", "kill") for k in inside["node"]),
        MARROW: fluxes(f"{how}_marrow_{k}" for how in ("death", "kill") for k in inside["marrow"]),
        BLOOD: fluxes(["death_blood", "kill_blood"]),
    }
    assert {k: set(v) for k, v in found.births.items()} == {
        NODE: fluxes(["node_activation"]),
        MARROW: fluxes(["marrow_division"]),
        BLOOD: set(),
    }
    assert {k: set(v) for k, v in found.inflow.items()} == {
        NODE: fluxes(["node_homing"]),
        MARROW: fluxes(["marrow_homing"]),
        BLOOD: set(),
    }
    assert {k: set(v) for k, v in found.outflow.items()} == {
        NODE: set(),
        MARROW: set(),
        BLOOD: fluxes(["node_homing", "marrow_homing"]),
    }
    assert {k: (where, set(names)) for k, (where, names) in found.egress.items()} == {
        "node_egress_scale": (NODE, fluxes(["node_egress"])),
        "marrow_egress_scale": (MARROW, fluxes(["marrow_egress"])),
    }


def solved(model: Model, states: dict[str, np.ndarray]) -> dict[str, float]:
    return {k: float(v) for k, v in balance(model, states, model.defaults, np.array(0.001)).items()}


def net_growth(model: Model, states: dict[str, np.ndarray], scales: dict[str, float]) -> float:
    """Net growth of all pools per cell and day with the solved scales, division counted where it begins."""
    rates = model.rhs(states, {**model.defaults, **scales})
    cells = leukemia(model)
    changed = sum(float(rates[state]) for state in cells.states)
    seen = model.observe(fluxes(["node_activation", "node_division"]), states, {**model.defaults, **scales})
    begun = sum(float(v) if name.startswith("node_act") else -float(v) for name, v in seen.items())
    return (changed + begun) / sum(float(states[state]) for state in cells.states)


def test_a_third_clone_is_in_the_balance() -> None:
    model = load_model(extra=THIRD)
    found = leukemia(model)
    assert "cll_blood_third" in found.pools[BLOOD]
    assert "death_blood_third" in found.losses[BLOOD]
    states = model.initial()
    assert net_growth(model, states, solved(model, states)) == pytest.approx(0.001, rel=1e-6)
    packaged = load_model()
    without = solved(packaged, packaged.initial())
    assert solved(model, states)["growth_scale"] != pytest.approx(without["growth_scale"], rel=1e-6)


def test_cells_that_a_drug_keeps_are_in_the_balance(tmp_path: Path) -> None:
    folder = tmp_path / "madeupase"
    folder.mkdir()
    for name, text in (("card.yaml", CARD), ("effect.ant", EFFECT), ("parameters.tsv", ROWS.replace(" ", "\t"))):
        (folder / name).write_text(text)
    model = load_model(["madeupase"], [tmp_path])
    assert "zap_arrested" in leukemia(model).pools[BLOOD]
    assert "zap_arrested_loss" in leukemia(model).losses[BLOOD]
    states = model.initial()
    assert net_growth(model, states, solved(model, states)) == pytest.approx(0.001, rel=1e-6)


def test_one_more_way_to_die_is_in_the_balance() -> None:
    model, packaged = load_model(extra=LOSS), load_model()
    assert "loss_more" in leukemia(model).losses[NODE]
    states = model.initial()
    assert net_growth(model, states, solved(model, states)) == pytest.approx(0.001, rel=1e-6)
    assert solved(model, states)["growth_scale"] > 1.001 * solved(packaged, packaged.initial())["growth_scale"]


def test_a_rate_that_the_balance_cannot_be_solved_for_is_refused() -> None:
    curved = THIRD.replace("death_rate_blood*", "death_rate_blood*growth_scale^2*")
    with pytest.raises(CereblonError, match="death_blood_third: its rate is not proportional to growth_scale"):
        leukemia(load_model(extra=curved))
    made = THIRD.replace("death_blood_third: cll_blood_third => ;", "death_blood_third: => cll_blood_third;")
    with pytest.raises(CereblonError, match="death_blood_third: makes leukemia"):
        leukemia(load_model(extra=made))
