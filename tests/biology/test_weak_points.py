"""The known weak points of one-pool-per-tissue models are met by mobile and adherent cells (disease model 7)."""

from __future__ import annotations

import numpy as np

from cereblon.engine import simulate
from cereblon.model import load_model

WATCHED = ("alc", "node_volume")
DAYS = 168


def course(**overrides: float) -> dict[str, np.ndarray]:
    """Reference subject, ratios to day 0: name -> (days + 1,)."""
    model = load_model()
    individual = {k: v for k, v in overrides.items() if k in model.individual}
    shared = {k: v for k, v in overrides.items() if k in model.shared}
    out, _ = simulate(model, individual=individual, shared=shared, days=DAYS, save=WATCHED, slow_steps=4)
    return {k: v[:, 0] / v[0, 0] for k, v in out.items()}


def test_reference_subject_grows_in_balance() -> None:
    untreated = course()
    for name in WATCHED:
        assert 1.0 < untreated[name][56] < 1.2
    assert abs(untreated["alc"][56] - untreated["node_volume"][56]) < 0.12


def test_open_egress_raises_blood_counts_within_a_day_while_nodes_shrink() -> None:
    """BCR blocked, homing weak, egress open, as under a BTK inhibitor: mean rise 66 % at 24 h (CLL-K012)."""
    model = load_model()
    half = {name: 0.6 * model.defaults[name] for name in ("homing_node", "homing_marrow")}
    opened = course(bcr_present=0.13, node_egress_scale=10.0, marrow_egress_scale=10.0, **half)
    assert 1.25 < opened["alc"][1] < 1.9
    assert opened["alc"].max() < 2.5
    assert opened["alc"][DAYS] < 1.0
    assert opened["node_volume"][28] < 0.7


def test_killing_in_blood_alone_clears_nodes_slowly() -> None:
    """An antibody that reaches blood only: the blood empties within days, the nodes follow over months (CLL-T009)."""
    killed = course(blood_kill_factor=300.0)
    assert killed["alc"][7] < 0.5
    assert killed["node_volume"][7] > 0.85
    assert killed["node_volume"][28] > 0.5
