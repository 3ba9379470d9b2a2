"""Doses at four hours of the day and infusions, against closed forms."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.typing import NDArray
from oracle import reference
from scipy.linalg import expm
from toy_model import toy

from cereblon.engine import Dose, build_cycle, course, require_healthy, simulate
from cereblon.engine.grid import SLOTS, day_grid
from cereblon.model import Model, ModelError

Floats = NDArray[np.float64]
TWO = """
// clock: fast
plasma = 0; plasma has mg
tissue = 0; tissue has mg
cleared = 0; cleared has mg
plasma' = -(k_out + k_away)*plasma + k_back*tissue
tissue' = k_away*plasma - k_back*tissue
cleared' = k_out*plasma
k_out = 4; k_out has per_day
k_away = 9; k_away has per_day
k_back = 3; k_back has per_day
"""
RATES = np.array([[-13.0, 3.0, 0.0], [9.0, -3.0, 0.0], [4.0, 0.0, 0.0]])
CHAIN = ("gut", "transit1", "transit2", "central", "excreted")


@pytest.fixture(scope="module")
def two() -> Model:
    return toy(TWO)


def bolus(amount: float, slot: int, hours: Floats) -> Floats:
    """Closed form of the two compartments and what is cleared, (hours, 3), after an amount into the first."""
    since = hours - 6.0 * slot
    return np.stack([expm(RATES * t / 24) @ [amount, 0, 0] if t >= 0 else np.zeros(3) for t in since])


def infusion(amount: float, slot: int, length: float, hours: Floats) -> Floats:
    """The same for an infusion over `length` hours."""
    augmented = np.zeros((4, 4))
    augmented[:3, :3], augmented[0, 3] = RATES, amount / (length / 24)
    out = []
    for since in hours - 6.0 * slot:
        running = expm(augmented * min(max(since, 0.0), length) / 24)[:3, 3]
        out.append(expm(RATES * max(since - length, 0.0) / 24) @ running)
    return np.stack(out)


def day(model: Model, doses: dict[str, Any]) -> tuple[Floats, Floats]:
    """Hours and the three states of the two compartments, (hours, 3, n)."""
    hours, found = course(model, ("plasma", "tissue", "cleared"), {}, {}, doses, dtype="float64")
    return hours, np.stack(list(found.values()), axis=1)


def test_second_dose_at_noon(two: Model) -> None:
    amounts = np.array([[10.0, 10.0], [0.0, 2.0], [10.0, 0.0], [0.0, 5.0]])
    hours, found = day(two, {"plasma": Dose(amounts)})
    for subject in range(2):
        exact = sum(bolus(amounts[slot, subject], slot, hours) for slot in range(SLOTS))
        assert found[..., subject] == pytest.approx(exact, rel=1e-6, abs=1e-9)


def test_second_dose_of_an_absorbed_drug(two: Model) -> None:
    """One compartment behind a chain, as a tablet taken twice a day."""
    hours, found = course(two, CHAIN, {}, {}, {"gut": Dose(np.array([[5.0], [0.0], [5.0], [0.0]]))}, dtype="float64")
    ktr, ke = two.defaults["ktr"], two.defaults["ke"]
    rates = np.diag([-ktr, -ktr, -ktr, -ke, 0.0]) + np.diag([ktr, ktr, ktr, ke], -1)
    for k, hour in enumerate(hours):
        exact = sum(expm(rates * (hour - at) / 24) @ [5.0, 0, 0, 0, 0] for at in (0, 12) if hour >= at)
        assert [found[s][k, 0] for s in CHAIN] == pytest.approx(exact, rel=2e-6, abs=1e-9)


@pytest.mark.parametrize("length", [0.5, 1.5, 4.0, 6.0, 10.5, 24.0])
def test_infusion_into_one_compartment(two: Model, length: float) -> None:
    hours, found = course(two, ("steroid_gut",), {}, {}, {"steroid_gut": Dose(6.0, length)}, dtype="float64")
    k, t = two.defaults["ks"] / 24, np.minimum(hours, length)
    exact = 6.0 / length / k * (1 - np.exp(-k * t)) * np.exp(-k * (hours - t))
    assert found["steroid_gut"][:, 0] == pytest.approx(exact, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("length", [0.25, 4.0, 12.0])
def test_infusions_into_two_compartments_add_up(two: Model, length: float) -> None:
    """From 0 and 6 h, the longest overlapping; the second subject gets his at once."""
    amounts = np.array([[8.0, 8.0], [3.0, 3.0], [0.0, 0.0], [0.0, 0.0]])
    hours, found = day(two, {"plasma": Dose(amounts, np.array([length, 0.0]))})
    exact = infusion(8, 0, length, hours) + infusion(3, 1, length, hours)
    assert found[..., 0] == pytest.approx(exact, rel=1e-6, abs=1e-9)
    assert found[..., 1] == pytest.approx(bolus(8, 0, hours) + bolus(3, 1, hours), rel=1e-6, abs=1e-9)


def test_infusion_that_ends_between_grid_hours(two: Model) -> None:
    """Over 40 minutes: the amount is exact, and half an hour after its end all else is within 0.3 %."""
    length = 2 / 3
    hours, found = day(two, {"plasma": Dose(8.0, length)})
    exact = infusion(8, 0, length, hours)
    assert found.sum(axis=1)[hours > 1, 0] == pytest.approx(8.0, rel=1e-6)
    assert found[hours > 1, :, 0] == pytest.approx(exact[hours > 1], rel=3e-3)
    assert found[..., 0] == pytest.approx(exact, abs=0.02 * 8.0)


def test_nothing_is_left_for_the_next_day(two: Model) -> None:
    """An infusion that would run past midnight is given by then."""
    amounts = np.zeros((SLOTS, 1))
    amounts[3] = 8.0
    hours, found = day(two, {"plasma": Dose(amounts, 20.0)})
    assert found.sum(axis=1)[-1] == pytest.approx(8.0)
    assert found[..., 0] == pytest.approx(infusion(8, 3, 6.0, hours), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("steps", [1, 2, 4, 8])
def test_mass_is_kept_for_a_month(two: Model, steps: int) -> None:
    rng = np.random.default_rng(1)
    given, lengths = rng.uniform(0, 5, (28, SLOTS, 3)), np.array([0.0, 2.3, 9.0])
    doses = {"gut": Dose(given), "plasma": Dose(given, lengths), "steroid_gut": given[:, 0]}
    out, state = simulate(two, {}, {}, doses, 28, slow_steps=steps)
    require_healthy(two, state)
    total = np.concatenate([np.zeros((1, 3)), given.sum(axis=1).cumsum(axis=0)])
    assert sum(out[s] for s in CHAIN) == pytest.approx(total, rel=2e-5)
    assert out["plasma"] + out["tissue"] + out["cleared"] == pytest.approx(total, rel=2e-5)
    assert out["exposure"][-1] == pytest.approx(out["excreted"][-1] / two.defaults["ke"], rel=2e-3)


def test_twice_a_day_follows_roadrunner(model: Model) -> None:
    amounts = np.zeros((28, SLOTS))
    amounts[:21, [0, 2]] = 6.0
    steroid = np.where(np.arange(28) % 7 == 0, 4.0, 0.0)
    doses = {"gut": Dose(amounts[..., None]), "steroid_gut": steroid}
    out, _ = simulate(model, {}, {}, doses, 28, slow_steps=4, dtype="float64")
    for name, exact in reference(model, {}, {"gut": amounts, "steroid_gut": steroid}, 28).items():
        scale = np.abs(exact) + 0.01 * np.abs(exact).max() + 1e-9
        assert np.max(np.abs(out[name][:, 0] - exact) / scale) < 0.01, name


def test_a_dose_at_hour_0_is_the_plain_dose(model: Model) -> None:
    plain, _ = simulate(model, {}, {}, {"gut": np.full(14, 10.0)}, 14, slow_steps=4, dtype="float64")
    wide, _ = simulate(model, {}, {}, {"gut": Dose(np.full(14, 10.0))}, 14, slow_steps=4, dtype="float64")
    for name, whole in plain.items():
        assert wide[name] == pytest.approx(whole, rel=2e-3, abs=1e-6), name
        if name in model.linear:
            assert wide[name] == pytest.approx(whole, rel=1e-6, abs=1e-9), name


def test_who_gets_what_is_no_part_of_the_program(two: Model) -> None:
    def doses(hours: float, slot: int) -> dict[str, Dose]:
        amounts = np.zeros((7, SLOTS, 2))
        amounts[:, slot] = 5.0
        return {"plasma": Dose(amounts, np.array([hours, 0.0]))}

    simulate(two, {}, {}, doses(2.0, 0), 7, ("plasma",))
    with pytest.MonkeyPatch.context() as patch:
        compiled: list[Any] = []
        patch.setattr("jax._src.compiler.backend_compile_and_load", lambda *a, **k: compiled.append(a))
        simulate(two, {}, {}, doses(5.0, 2), 7, ("plasma",))
    assert not compiled


def test_a_cycle_takes_what_decide_gives(two: Model) -> None:
    def decide(clinic: Any, seen: Any, static: Any, week: Any, today: Any, number: Any) -> Any:
        at_noon = jnp.zeros((SLOTS, 2)).at[2].set(today["on"])
        return clinic, {"plasma": Dose(at_noon, static["hours"]), "gut": today["on"]}

    on, hours = np.repeat(np.where(np.arange(28) < 21, 1.0, 0.0)[:, None], 2, axis=1), np.array([3.0, 0.0])
    people = {p: np.full(2, two.defaults[p]) for p in two.individual}
    shared = {k: two.defaults[k] for k in two.shared}
    _, start = simulate(two, people, {}, {}, 0, ("node",), dtype="float64")
    cycle = build_cycle(two, decide, ("node", "cleared"), ("node",), 4, "float64")
    state, _, records = cycle(
        start, {}, people, shared, jnp.ones(len(two.slow)), {"hours": hours}, {}, {"on": on}, 0
    )  # fmt: skip
    amounts = np.zeros((28, SLOTS, 2))
    amounts[:, 2] = on
    plain, last = simulate(
        two, people, {}, {"plasma": Dose(amounts, hours), "gut": on}, 28, ("node", "cleared"), 4, "float64"
    )  # fmt: skip
    for mine, theirs in zip(jax.tree.leaves(state), jax.tree.leaves(last), strict=True):
        assert np.asarray(mine) == pytest.approx(np.asarray(theirs), rel=1e-12)
    assert np.asarray(records["cleared"]) == pytest.approx(plain["cleared"][:28:7], rel=1e-12)


@pytest.mark.parametrize("length", [0.75, 4.0, 6.0])
def test_infusions_at_hour_0_alone_go_by_the_grid_of_that_hour(two: Model, length: float) -> None:
    """A cycle whose doses have one hour keeps half the hours: amounts exact, all else within 0.2 % a day later."""

    def decide(clinic: Any, seen: Any, static: Any, week: Any, today: Any, number: Any) -> Any:
        return clinic, {"plasma": Dose(today["on"], static["hours"])}

    on = np.zeros((28, 1))
    on[27] = 8.0
    people = {p: np.full(1, two.defaults[p]) for p in two.individual}
    shared = {k: two.defaults[k] for k in two.shared}
    _, start = simulate(two, people, {}, {}, 0, ("node",), dtype="float64")
    cycle = build_cycle(two, decide, ("node",), ("node",), 4, "float64")
    static = {"hours": np.array([length])}
    state, _, _ = cycle(start, {}, people, shared, jnp.ones(len(two.slow)), static, {}, {"on": on}, 0)
    found = {k: float(v[0]) for k, v in state.named(two).items() if k in ("plasma", "tissue", "cleared")}
    exact = dict(zip(("plasma", "tissue", "cleared"), infusion(8, 0, length, np.array([24.0]))[0], strict=True))
    assert sum(found.values()) == pytest.approx(8.0, rel=1e-9)
    assert found == pytest.approx(exact, rel=2e-3)


def test_only_linear_states_take_a_dose(two: Model) -> None:
    with pytest.raises(ModelError, match="node"):
        simulate(two, {}, {}, {"node": Dose(np.ones(7))}, 7)


def test_infusions_end_on_the_grid_at_halves_and_quarters_of_hours() -> None:
    hours = set(day_grid(4, all_hours=True).hours)
    assert {6 * slot + quarter / 4 for slot in range(SLOTS) for quarter in range(9)} <= hours
    assert {half / 2 for half in range(49)} <= hours
    assert math.isclose(min(np.diff(sorted(hours))), 0.125)
