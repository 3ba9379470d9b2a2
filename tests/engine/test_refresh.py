"""Propagators made anew block by block, for those whose rates have moved."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cereblon.engine.grid import day_grid
from cereblon.engine.linear import Built, Propagator

# two drugs of two states each, and one that is alone
ENTRIES = ((0, 0), (1, 0), (1, 1), (2, 2), (3, 2), (2, 3), (3, 3), (4, 4))
RATES = np.array([-8.0, 8.0, -3.0, -2.0, 1.0, 0.5, -0.5, -1.0])
FIRST, SECOND = slice(0, 3), slice(3, 7)


@pytest.fixture(scope="module")
def propagator() -> Propagator:
    return Propagator(5, ENTRIES, day_grid(4), range(5))


def built(propagator: Propagator, rates: np.ndarray) -> tuple[Built, ...]:
    blank = propagator.blank(rates.shape[1], np.float64)
    done: tuple[Built, ...] = jax.jit(propagator.refresh)(blank, jnp.asarray(rates))
    return done


@pytest.fixture(scope="module")
def rates() -> np.ndarray:
    return RATES[:, None] * np.exp(0.2 * np.random.default_rng(1).standard_normal((1, 80)))


def test_refreshed_by_block_is_built_anew(propagator: Propagator, rates: np.ndarray) -> None:
    """The second drug of every third subject moves much, all else by a tenth of what calls for a new propagator."""
    moved = rates * (1 + 1e-4)
    moved[SECOND, ::3] = 1.3 * rates[SECOND, ::3]
    refreshed = jax.jit(propagator.refresh)(built(propagator, rates), jnp.asarray(moved))
    start, span = jnp.ones((5, 80)), propagator.grid.after_dose
    anew = built(propagator, moved)
    (found, end), (exact, exact_end) = (propagator.advance(b, start, span) for b in (refreshed, anew))
    assert end == pytest.approx(np.asarray(exact_end), abs=1e-4)
    for place, course in found.items():
        assert np.asarray(course) == pytest.approx(np.asarray(exact[place]), abs=1e-4)
        if place in (2, 3):
            assert np.asarray(course)[:, ::3] == pytest.approx(np.asarray(exact[place])[:, ::3], rel=1e-12)


def test_a_block_that_rests_is_left_alone(propagator: Propagator, rates: np.ndarray) -> None:
    before = built(propagator, rates)
    moved = rates * (1 + 5e-4)
    moved[SECOND, 40] *= 2.0
    after = jax.jit(propagator.refresh)(before, jnp.asarray(moved))
    first, second, alone = (
        [np.asarray(a) != np.asarray(b) for a, b in zip(one, other, strict=True)]
        for one, other in zip(after, before, strict=True)
    )
    assert not any(part.any() for part in (*first, *alone))
    changed = np.flatnonzero(second[1].any(axis=0))
    assert changed.tolist() == [40]


def test_more_movers_than_a_group_are_all_built(propagator: Propagator, rates: np.ndarray) -> None:
    moved = 1.5 * rates
    refreshed = jax.jit(propagator.refresh)(built(propagator, rates), jnp.asarray(moved))
    for found, exact in zip(jax.tree.leaves(refreshed), jax.tree.leaves(built(propagator, moved)), strict=True):
        assert np.asarray(found) == pytest.approx(np.asarray(exact), rel=1e-12)
