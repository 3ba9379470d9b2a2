"""Closed forms and libRoadRunner on the toy model, in double precision."""

import math

import numpy as np
import pytest
from oracle import reference
from scipy.linalg import expm

from cereblon.engine import course, require_healthy, simulate
from cereblon.engine.grid import day_grid
from cereblon.model import Model

DAYS = 28
DOSES = {"gut": np.where(np.arange(DAYS) < 21, 10.0, 0.0), "steroid_gut": np.where(np.arange(DAYS) % 7 == 0, 4.0, 0.0)}


@pytest.fixture(scope="module")
def people(model: Model) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    return {p: model.defaults[p] * np.exp(0.3 * rng.standard_normal(3)) for p in model.individual}


@pytest.fixture(scope="module")
def run(model: Model, people: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    out, state = simulate(model, people, {}, DOSES, DAYS, dtype="float64")
    require_healthy(model, state)
    return out


def test_drug_in_a_day_is_the_matrix_exponential(model: Model) -> None:
    hours, found = course(
        model, ("gut", "central", "excreted"), {"ke": np.array([3.0, 6.0])}, {}, {"gut": 10.0}, dtype="float64"
    )
    ktr = model.defaults["ktr"]
    for subject, ke in enumerate((3.0, 6.0)):
        rates = np.diag([-ktr, -ktr, -ktr, -ke, 0.0]) + np.diag([ktr, ktr, ktr, ke], -1)
        for k, hour in enumerate(hours):
            gut, _, _, central, excreted = expm(rates * hour / 24) @ [10.0, 0, 0, 0, 0]
            assert found["central"][k, subject] == pytest.approx(central, rel=2e-6, abs=1e-9)
            assert found["gut"][k, subject] == pytest.approx(gut, rel=2e-6, abs=1e-9)
            assert found["excreted"][k, subject] == pytest.approx(excreted, rel=2e-6, abs=1e-9)


def test_mass_of_drug_is_kept(run: dict[str, np.ndarray]) -> None:
    inside = sum(run[s] for s in ("gut", "transit1", "transit2", "central", "excreted"))
    given = np.concatenate([[0.0], np.cumsum(DOSES["gut"])])
    assert inside == pytest.approx(np.broadcast_to(given[:, None], inside.shape), rel=1e-6, abs=1e-9)


def test_exposure_is_dose_over_clearance(
    model: Model, run: dict[str, np.ndarray], people: dict[str, np.ndarray]
) -> None:
    expected = DOSES["gut"].sum() / people["ke"]
    assert run["exposure"][-1] == pytest.approx(expected, rel=2e-3)


def test_exponential_decay(model: Model, run: dict[str, np.ndarray], people: dict[str, np.ndarray]) -> None:
    expected = people["node0"] * math.exp(-model.defaults["death"] * DAYS)
    assert run["fading"][-1] == pytest.approx(expected, rel=1e-7)


def test_logistic_growth(model: Model, run: dict[str, np.ndarray], people: dict[str, np.ndarray]) -> None:
    capacity = model.defaults["capacity"]
    expected = capacity / (1 + 9 * np.exp(-people["growth"] * DAYS))
    assert run["logistic"][-1] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("steps", "limit"), [(2, 0.04), (4, 0.01)]
)  # the toy moves cells much faster than the real model
def test_every_state_follows_roadrunner(model: Model, people: dict[str, np.ndarray], steps: int, limit: float) -> None:
    out, _ = simulate(model, people, {}, DOSES, DAYS, slow_steps=steps, dtype="float64")
    for subject in range(3):
        exact = reference(model, {k: v[subject] for k, v in people.items()}, DOSES, DAYS)
        for state, truth in exact.items():
            scale = np.abs(truth) + 0.01 * np.abs(truth).max() + 1e-9
            error = np.max(np.abs(out[state][:, subject] - truth) / scale)
            assert error < limit, f"{state} of subject {subject}: {error:.2%}"


def test_error_falls_with_the_square_of_the_step(model: Model) -> None:
    growth = {"growth": np.array([0.8])}
    exact = 100 / (1 + 9 * math.exp(-0.8 * 14))
    errors = [
        abs(
            float(
                simulate(model, growth, {}, {}, 14, ("logistic",), slow_steps=s, dtype="float64")[0]["logistic"][-1, 0]
            )
            - exact
        )
        for s in (1, 2, 4)
    ]
    assert 3 < errors[0] / errors[1] < 6
    assert 3 < errors[1] / errors[2] < 6


@pytest.mark.parametrize("all_hours", [False, True])
@pytest.mark.parametrize("steps", [1, 2, 4, 8])
def test_grid_weights_integrate_cubics_on_even_stretches(steps: int, all_hours: bool) -> None:
    grid = day_grid(steps, all_hours)
    assert grid.windows == steps * grid.per_step
    for span in (grid.after_dose, grid.later):
        assert (span.weights >= 0).all()
        assert span.hours[-1] == grid.length
        assert span.weights @ span.hours**2 == pytest.approx(grid.length**2 / 3, rel=1e-12)
        assert np.array_equal(grid.after_dose.hours[span.places], span.hours)
        assert np.array_equal(grid.finest * 2.0**span.doubling, np.diff(span.hours))
    assert grid.weights.sum() == pytest.approx(1)
    assert grid.weights @ (grid.hours / 24) ** 2 == pytest.approx(1 / 3, rel=1e-12)
    assert set(6.0 * np.arange(5)) <= set(grid.hours)
