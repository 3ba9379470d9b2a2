"""What a state collects is what was given: no drug is made or lost in single precision, in a year of daily doses."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm

from cereblon.engine import simulate
from cereblon.engine.grid import day_grid
from cereblon.engine.linear import Propagator
from cereblon.model import load_model
from cereblon.parameters import draw_variability

DAYS = 360
LIMIT = 1e-4


@pytest.mark.parametrize(
    ("doses", "given"), [(np.eye(1, DAYS)[0] * 10.0, 10.0), (np.full(DAYS, 10.0), 3600.0)], ids=["once", "daily"]
)
def test_all_of_the_drug_is_found_after_a_year(doses: np.ndarray, given: float) -> None:
    model = load_model()
    drawn = draw_variability(model.parameters, range(1, 65), 1)
    people = {name: value for name, value in drawn.items() if name in model.individual}
    states = [name for name in model.linear if name.startswith("len_")]
    out, _ = simulate(model, people, {}, {"len_gut": doses}, DAYS, states)
    assert sum(out[name][-1] for name in states) == pytest.approx(given, rel=LIMIT)
    if doses[-1] == 0.0:
        assert out["len_eliminated"][-1] + out["len_unabsorbed"][-1] == pytest.approx(given, rel=LIMIT)
    assert (np.diff(out["len_eliminated"], axis=0) >= 0).all()


def _day(rates: np.ndarray, entries: Sequence[tuple[int, int]]) -> np.ndarray:
    """exp(rates * 1 day) by the engine in single precision, dense: its windows one after the other."""
    size, grid = len(rates), day_grid(4)
    propagator = Propagator(size, entries, grid, range(size))
    blank = propagator.blank(size, np.float32)
    built = propagator.refresh(blank, jnp.asarray([[rates[e]] * size for e in entries], jnp.float32))
    now = jnp.eye(size, dtype=jnp.float32)
    for window in range(grid.windows):
        now = propagator.advance(built, now, grid.span(window))[1]
    return np.asarray(now)


@pytest.mark.parametrize("scale", [0.01, 1.0, 30.0])
def test_chains_and_exchange_follow_the_matrix_exponential(scale: float) -> None:
    # 0 -> 1 <-> 2, 1 -> 3 (collects), 1 also integrated into 4 (creates, as an area under the curve does)
    rates = np.zeros((5, 5))
    for source, target, rate in ((0, 1, 8.0), (1, 2, 3.0), (2, 1, 2.0), (1, 3, 5.0)):
        rates[target, source] += rate * scale
        rates[source, source] -= rate * scale
    rates[4, 1] = 1.0
    entries = [(int(i), int(j)) for i, j in np.argwhere(rates)]
    exact, found = expm(rates), _day(rates, entries)
    assert found == pytest.approx(exact, rel=2e-5, abs=1e-12)
    assert (found >= 0).all()
    assert found[3, 3] == found[4, 4] == 1.0
    assert found[:4, :4].sum(axis=0) == pytest.approx(1.0, abs=1e-6)
