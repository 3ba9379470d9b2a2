"""Without cereblon, and without drug, the model is the untreated one; in double precision."""

from __future__ import annotations

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cereblon.engine import simulate
from cereblon.evidence.documents import load_group, switches
from cereblon.model import load_model

DRUG = [c.id for c in load_group("drug")]


@pytest.fixture(scope="module", autouse=True)
def _double() -> Iterator[None]:
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


DAYS = 28


def _month(dose: float, **overrides: float) -> dict[str, np.ndarray]:
    model = load_model()
    individual = {k: v for k, v in overrides.items() if k in model.individual}
    shared = {k: v for k, v in overrides.items() if k in model.shared}
    names = tuple(sorted({*model.states, *model.rules}))
    out, _ = simulate(
        model, individual, shared, {"len_gut": np.full(DAYS, dose)}, DAYS, names, slow_steps=4, dtype=jnp.float64
    )
    return {k: np.asarray(v, dtype=np.float64)[:, 0] for k, v in out.items()}


DRUG_ITSELF = ("len_", "lenalidomide_")
STAY = ("crbn_ligand", "ikzf1_ligand", "ikzf3_ligand", "crbn_occupancy", "occupied_crbn")
"""What the drug offers to the protein: its concentration over the constant of binding, and the share that would be
bound; only times the protein do they act on a cell."""


def test_without_cereblon_the_drug_does_nothing_in_any_cell() -> None:
    """At least 95 % of every effect is gone; concentrations and occupancy of a protein that is absent stay."""
    off, on = _month(0.0), _month(10.0)
    off_ko, on_ko = _month(0.0, crbn_expression=0.0), _month(10.0, crbn_expression=0.0)
    seen = 0
    for name in on:
        if name.startswith(DRUG_ITSELF) or name in STAY:
            continue
        effect, left = np.abs(on[name] - off[name]).max(), np.abs(on_ko[name] - off_ko[name]).max()
        if effect > 1e-3 * np.abs(off[name]).max():
            seen += 1
            assert left <= 0.05 * effect, name
    assert seen > 60


def test_zero_dose_is_the_untreated_model_whatever_the_drug_could_do() -> None:
    without = {name: value for claim in DRUG for name, value in switches([claim]).items() if name.startswith("eff_")}
    on, off = _month(0.0), _month(0.0, **without)
    for name in on:
        np.testing.assert_allclose(on[name], off[name], rtol=1e-12, atol=1e-15, err_msg=name)
