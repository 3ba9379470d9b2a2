"""What the rest of the program relies on: lanes, clamps, records, no recompilation, healthy states."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cereblon.engine import NumericalError, ailing, build_cycle, require_healthy, simulate
from cereblon.errors import CereblonError
from cereblon.model import Model, ModelError

DAILY = {"gut": np.full(14, 10.0)}


def _people(model: Model, n: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(2)
    return {p: model.defaults[p] * np.exp(0.3 * rng.standard_normal(n)) for p in model.individual}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_subject_does_not_depend_on_its_lane_or_company(model: Model, dtype: str) -> None:
    people = _people(model, 32)
    order = np.random.default_rng(3).permutation(32)
    first, _ = simulate(model, people, {}, DAILY, 14, ("node", "ikzf", "central"), dtype=dtype)
    second, _ = simulate(
        model, {k: v[order] for k, v in people.items()}, {}, DAILY, 14, ("node", "ikzf", "central"), dtype=dtype
    )
    alone = {k: np.where(np.arange(32) == 7, v, v[0]) for k, v in people.items()}
    third, _ = simulate(model, alone, {}, DAILY, 14, ("node", "ikzf", "central"), dtype=dtype)
    for name, course in first.items():
        assert np.array_equal(course[:, order], second[name])
        assert np.array_equal(course[:, 7], third[name][:, 7])


def test_single_precision_stays_close_to_double(model: Model) -> None:
    people = _people(model, 8)
    single, _ = simulate(model, people, {}, DAILY, 14, dtype="float32")
    double, _ = simulate(model, people, {}, DAILY, 14, dtype="float64")
    for name, course in double.items():
        assert single[name] == pytest.approx(course, rel=2e-3, abs=2e-3 * np.abs(course).max() + 1e-6), name


def test_extreme_parameters_stay_finite_and_positive(model: Model) -> None:
    rng = np.random.default_rng(4)
    people = {p: model.defaults[p] * 10 ** rng.uniform(-1, 1, 64) for p in model.individual}
    stiff = {"stiff": 200.0, "kill_max": 30.0, "homing": 20.0, "turnover": 60.0}
    for dose in (0.0, 1.0, 1000.0):
        out, state = simulate(model, people, stiff, {"gut": np.full(28, dose)}, 28, dtype="float32")
        require_healthy(model, state)
        assert all((course >= 0).all() for course in out.values())


def test_zero_dose_is_the_untreated_course(model: Model) -> None:
    people = _people(model, 4)
    zero, _ = simulate(model, people, {}, {"gut": np.zeros(14)}, 14, ("node", "blood"))
    none, _ = simulate(model, people, {}, {}, 14, ("node", "blood"))
    assert np.array_equal(zero["node"], none["node"])
    assert np.array_equal(zero["blood"], none["blood"])


def test_shared_parameters_change_without_compiling_again(model: Model) -> None:
    people = _people(model, 4)
    base, _ = simulate(model, people, {}, DAILY, 14, ("node",))
    with jax.log_compiles(), pytest.MonkeyPatch.context() as patch:
        compiled: list[Any] = []
        patch.setattr("jax._src.compiler.backend_compile_and_load", lambda *a, **k: compiled.append(a))
        other, _ = simulate(model, people, {"kill_max": 0.0}, DAILY, 14, ("node",))
    assert not compiled
    assert (other["node"][-1] > base["node"][-1]).all()


def test_a_clamped_state_keeps_its_value(model: Model) -> None:
    free = np.array([0.0 if s == "node" else 1.0 for s in model.slow])
    out, _ = simulate(model, _people(model, 3), {}, DAILY, 14, ("node", "blood"), free=free)
    assert (out["node"] == out["node"][0]).all()
    assert (out["blood"][-1] != out["blood"][0]).all()


def test_unknown_names_are_refused_with_the_nearest(model: Model) -> None:
    with pytest.raises(ModelError, match=r"nodde.*nearest: node"):
        simulate(model, {}, {}, {}, 7, ("nodde",))
    with pytest.raises(ModelError, match=r"growht.*nearest: growth"):
        simulate(model, {"growht": 1.0}, {}, {}, 7)
    with pytest.raises(ModelError, match="node"):
        simulate(model, {}, {}, {"node": np.ones(7)}, 7)
    with pytest.raises(CereblonError, match="slow_steps 3"):
        simulate(model, {}, {}, {}, 7, slow_steps=3)


def test_ailing_subjects_are_named(model: Model) -> None:
    _, state = simulate(model, _people(model, 3), {}, {}, 7)
    state = jax.tree.map(np.array, state)
    state.slow[model.slow.index("blood"), 1] = np.nan
    state.linear[0, 2] = -1.0
    assert [(a.subject, a.state) for a in ailing(model, state)] == [(1, "blood"), (2, "gut")]
    with pytest.raises(NumericalError, match=r"subject 11 \(blood = nan\)"):
        require_healthy(model, state, [10, 11, 12])


def _decide(clinic: Any, seen: Any, static: Any, week: Any, day: Any, number: Any) -> Any:
    """Dose unless the node has shrunk below a limit; count days dosed in the week."""
    dosing = (seen["node"] > static["limit"]) * day["on"]
    count = jnp.where(day["week_start"] > 0, 0.0, clinic["days"]) + dosing
    return {"days": count, "last": jnp.where(dosing > 0, number, clinic["last"])}, {"gut": dosing * week["dose"]}


def test_cycle_matches_the_plain_simulation_and_records_weeks(model: Model) -> None:
    people, n = _people(model, 4), 4
    cycle = build_cycle(model, _decide, ("burden", "node"), ("node",), dtype="float64")
    shared = {k: jnp.asarray(model.defaults[k]) for k in model.shared}
    individual = {k: jnp.asarray(people[k]) for k in model.individual}
    _, start = simulate(model, people, {}, {}, 0, ("node",), dtype="float64")
    on = np.where(np.arange(28) < 21, 1.0, 0.0)
    orders = {"on": jnp.asarray(np.repeat(on[:, None], n, 1)), "week_start": jnp.asarray(np.arange(28) % 7 == 0, float)}
    clinic = {"days": jnp.zeros(n), "last": jnp.full(n, -1)}
    state, clinic, records = cycle(
        start, clinic, individual, shared, jnp.ones(len(model.slow)), {"limit": jnp.zeros(n)},
        {"dose": jnp.full((4, n), 10.0)}, orders, 100,
    )  # fmt: skip
    plain, last = simulate(model, people, {}, {"gut": 10 * on}, 28, ("burden", "node"), dtype="float64")
    assert records["burden"].shape == (4, n)
    assert np.asarray(records["burden"]) == pytest.approx(plain["burden"][[0, 7, 14, 21]], rel=1e-12)
    assert np.asarray(state.slow) == pytest.approx(np.asarray(last.slow), rel=1e-12)
    assert np.asarray(records["clinic"]["days"]).tolist() == [[7.0] * n] * 3 + [[0.0] * n]
    assert np.asarray(clinic["last"]).tolist() == [120] * n
