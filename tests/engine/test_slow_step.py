"""The slow step on a chain of three compartments, whose course is known."""

import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array
from scipy.linalg import expm

from cereblon.engine.day import chain_ends
from cereblon.engine.slow import step
from cereblon.model import Model, load_model

RATES = np.array([3.0, 2.0, 5.0])
MATRIX = np.diag(-RATES) + np.diag(RATES[:-1], -1)
START = np.array([[4.0], [1.0], [0.5]])


def chain(x: Array, free: list[float], h: float, ends: tuple[int, ...]) -> Array:
    """One step along the chain."""
    matrix, at = jnp.asarray(MATRIX), np.array(ends, dtype=int)

    def moved(to: Array) -> Array:
        return (matrix @ to)[at]

    own = jnp.broadcast_to(jnp.diag(matrix)[:, None], x.shape)
    mask = jnp.asarray(free)[:, None]
    return step(x, h, lambda now: (matrix @ now, own, moved), lambda now: (matrix @ now, moved), mask, ends)


def error(steps: int, ends: tuple[int, ...]) -> float:
    """Largest relative error after a day of `steps` steps, with the chain's own correction for the states `ends`."""
    x = jnp.asarray(START)
    for _ in range(steps):
        x = chain(x, [1.0, 1.0, 1.0], 1 / steps, ends)
    return float(np.abs(np.asarray(x) / (expm(MATRIX) @ START) - 1).max())


@pytest.mark.parametrize(("ends", "order"), [((), 2), ((0, 1, 2), 3)])
def test_order_along_a_chain(ends: tuple[int, ...], order: int) -> None:
    coarse, fine = error(16, ends), error(32, ends)
    assert coarse / fine == pytest.approx(2.0**order, rel=0.2)


def test_six_hours_are_ten_times_nearer() -> None:
    assert error(4, (0, 1, 2)) < error(4, ()) / 10


@pytest.mark.parametrize("ends", [(), (0, 1, 2)])
def test_clamped_state_stays_put(ends: tuple[int, ...]) -> None:
    x = jnp.asarray(START)
    after = chain(x, [1.0, 0.0, 1.0], 0.25, ends)
    assert after[1] == x[1]
    assert after[0] != x[0]
    assert after[2] != x[2]


def test_chains_of_the_packaged_model() -> None:
    """They move each other and, of the rest, only what moves nothing but itself and them."""
    model: Model = load_model()
    ends = set(chain_ends(model))
    assert {"neutrophil_p1", "neutrophil_blood", "megakaryocyte1", "platelet_old"} <= ends
    read = {s: model.needs(model.system.rates[s]) for s in model.states}
    touched = {s for s in model.states if read[s] & ends} - ends
    assert touched <= {s for s in model.states if not any(s in read[other] for other in set(model.states) - {s} - ends)}
