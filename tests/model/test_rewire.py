"""Turned wires: the sign of the slope turns, the reference stays, nobody else sees it."""

from __future__ import annotations

import numpy as np
import pytest

from cereblon.engine import simulate
from cereblon.evidence.graph import mechanism_graph, switchable, wire_of
from cereblon.model import Model, ModelError, Program, load_model, load_model_text
from cereblon.model.influence import sampled_states
from cereblon.model.rewire import Wire, rewire

TEXT = """
x = 2; u = 1; y = 1; z = 1; d = 0
between := x/(x + 1)
level := 3*between
x' = 2 - x
u' = 1 - u
y' = between*u - y
z' = 1 + 4*between - z
d' = -d
shift := 1 + 2*d
"""
CLOSED = ("x", "u", "y", "z", "d", "level", "shift")


@pytest.fixture(scope="module")
def toy() -> Model:
    return load_model_text(TEXT)


def rates(model: Model, at: dict[str, float], **values: float) -> dict[str, float]:
    start = {k: float(v) for k, v in model.initial().items()}
    return {k: float(v) for k, v in model.rhs({**start, **at}, values).items()}


def seen(model: Model, name: str, at: dict[str, float], **values: float) -> float:
    start = {k: float(v) for k, v in model.initial().items()}
    return float(model.observe([name], {**start, **at}, values)[name])


def test_slope_turns_and_reference_stays(toy: Model) -> None:
    wire = Wire("x_y", ("x",), ("y",))
    model = rewire(toy, [wire], CLOSED)
    off = {wire.switch: 0.0}
    assert rates(model, {}, **off) == pytest.approx(rates(toy, {}), abs=1e-15)
    small = 1e-6
    for step in (small, -small):
        change = rates(toy, {"x": 2 + step})["y"] - rates(toy, {})["y"]
        turned = rates(model, {"x": 2 + step}, **off)["y"] - rates(model, {}, **off)["y"]
        assert turned == pytest.approx(-change, rel=1e-5)


def test_only_the_target_sees_it(toy: Model) -> None:
    wire = Wire("x_y", ("x",), ("y",))
    model = rewire(toy, [wire], CLOSED)
    turned, plain = rates(model, {"x": 5.0}, wire_x_y=0.0), rates(toy, {"x": 5.0})
    assert {k: turned[k] for k in "xuzd"} == {k: plain[k] for k in "xuzd"}
    assert turned["y"] < rates(toy, {})["y"] < plain["y"]
    assert seen(model, "level", {"x": 5.0}, wire_x_y=0.0) == seen(toy, "level", {"x": 5.0})


def test_with_all_switches_on_nothing_changes(toy: Model) -> None:
    model = rewire(toy, [Wire("x_y", ("x",), ("y",)), Wire("x_z", ("x",), ("z",)), Wire("u_y", ("u",), ("y",))], CLOSED)
    for x in (0.0, 0.3, 7.0):
        assert rates(model, {"x": x, "u": 0.2}) == rates(toy, {"x": x, "u": 0.2})


def test_two_wires_on_one_target_turn_apart(toy: Model) -> None:
    wires = [Wire("x_y", ("x",), ("y",)), Wire("u_y", ("u",), ("y",))]
    model = rewire(toy, wires, CLOSED)
    base = rates(toy, {})["y"]
    assert rates(model, {"x": 4.0}, wire_u_y=0.0)["y"] > base
    assert rates(model, {"u": 2.0}, wire_u_y=0.0)["y"] < base
    assert rates(model, {"u": 2.0}, wire_x_y=0.0)["y"] > base


def test_a_mirrored_value_stays_between_zero_and_twice_the_reference(toy: Model) -> None:
    model = rewire(toy, [Wire("x_z", ("x",), ("z",))], CLOSED)
    least, most = 1 + 4 * 0.0 - 1, 1 + 4 * 4 / 5 - 1  # z' with x at 0 and at 4
    for x in (0.0, 1e-9, 1.0, 1e3, 1e9):
        assert least <= rates(model, {"x": x}, wire_x_z=0.0)["z"] <= most


def test_what_is_zero_without_the_drug_is_turned_within_reach(toy: Model) -> None:
    wire = Wire("d_shift", ("d",), ("shift",))
    model = rewire(toy, [wire], CLOSED)
    values = [seen(model, "shift", {"d": d}, wire_d_shift=0.0) for d in (0.0, 0.1, 1.0, 100.0)]
    assert values[0] == 1.0
    assert values == sorted(values, reverse=True)
    assert values[-1] >= 0.0  # 1 + 2*d is never negative, so its turned self is not
    assert 0.0 < model.parameters[wire.reach].value <= 1.0


def test_lanes_of_one_program_turn_different_wires(toy: Model) -> None:
    wires = [Wire("x_y", ("x",), ("y",)), Wire("x_z", ("x",), ("z",))]
    model = rewire(toy, wires, CLOSED)
    assert {w.switch for w in wires} <= set(model.individual)
    start = {"wire_x_y": np.array([1.0, 0.0, 1.0]), "wire_x_z": np.array([1.0, 1.0, 0.0])}
    plain, _ = simulate(toy, days=7)
    turned, _ = simulate(model, start, days=7)
    assert turned["y"][:, 0] == pytest.approx(plain["y"][:, 0])
    assert turned["y"][:, 2] == pytest.approx(plain["y"][:, 0])
    assert turned["z"][:, 1] == pytest.approx(plain["z"][:, 0])


@pytest.mark.parametrize(
    ("wires", "why"),
    [
        ([Wire("a", ("nobody",), ("y",))], "nobody"),
        ([Wire("a", ("x",), ("u",))], "not in the equations of u"),
        ([Wire("a", ("x",), ("y",)), Wire("a", ("x",), ("z",))], "given twice"),
    ],
)
def test_wires_that_are_none_are_refused(toy: Model, wires: list[Wire], why: str) -> None:
    with pytest.raises(ModelError, match=why):
        rewire(toy, wires, CLOSED)


# From each kind of place: drug to ligase, ligase to a fast state, fast state to a slow one, cell to process, rule to
# rule, a move between tissues, a death.
EDGES = (
    "lenalidomide--crl4_crbn_ligase_with_drug",
    "crl4_crbn_ligase_with_drug--ikaros_in_myeloid_progenitors",
    "aiolos_in_t_cells--il_2",
    "cll_cells--immune_synapse_in_t_cells",
    "bcr_signal_in_cll_cells--pi3k_akt_in_cll_cells",
    "homing_in_cll_cells--cll_cells_in_lymph_node",
    "apoptosis_in_cll_cells--cll_cells_in_blood",
)


@pytest.fixture(scope="module")
def turned() -> Model:
    return switchable(mechanism_graph(), EDGES)


def test_edges_of_the_model_keep_the_reference_and_the_clocks(turned: Model) -> None:
    model = load_model()
    off = {wire_of(mechanism_graph(), e).switch: 0.0 for e in EDGES}
    start = model.initial()
    plain, now = model.rhs(start), turned.rhs(start, off)
    assert {k: float(v) for k, v in now.items()} == pytest.approx({k: float(v) for k, v in plain.items()}, rel=1e-9)
    assert (turned.linear, turned.relaxing, turned.slow) == (model.linear, model.relaxing, model.slow)
    assert turned.fingerprint != model.fingerprint
    around = sampled_states(model, 8)
    whole, same = model.rhs(around), turned.rhs(around)
    for name in model.states:
        np.testing.assert_allclose(same[name], whole[name], rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize(
    ("edge", "source", "target"),
    [
        (EDGES[2], "ikzf3_t", "il2"),
        (EDGES[3], "burden", "synapse"),
        (EDGES[6], "death_rate_blood", "cll_blood"),
        (EDGES[5], "node_homing_rate", "cll_node_mobile"),
    ],
)
def test_edges_of_the_model_turn(turned: Model, edge: str, source: str, target: str) -> None:
    switch = wire_of(mechanism_graph(), edge).switch
    start = {k: np.asarray(v) for k, v in turned.initial().items()}
    before, after = (slope(turned, source, target, start, {switch: s}) for s in (1.0, 0.0))
    assert before != 0.0
    assert after * before < 0.0


def slope(model: Model, source: str, target: str, states: dict[str, np.ndarray], values: dict[str, float]) -> float:
    """Change of the rate of the target from four fifths of the source to all of it, nothing else moved."""
    program = Program([model.system.rates[target]], model.system.definitions, model.is_constant, (source,))
    here = float(model.observe([source], states)[source])
    low, high = (float(program.run({**model.values(values), **states, source: here * f})[0]) for f in (0.8, 1.0))
    return high - low


def test_turned_models_run_on_treatment(turned: Model) -> None:
    graph = mechanism_graph()
    lanes = {wire_of(graph, e).switch: np.where(np.arange(len(EDGES)) == i, 0.0, 1.0) for i, e in enumerate(EDGES)}
    out, _ = simulate(turned, lanes, doses={"len_gut": np.full(28, 25.0)}, days=28)
    assert all(np.all(np.isfinite(v)) for v in out.values())
    assert out["ikzf1_t"][-1, 0] > out["ikzf1_t"][-1, 2]  # the drug no longer works where lenalidomide is turned
