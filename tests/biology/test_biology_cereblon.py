"""Cereblon, Ikaros and Aiolos: the dossier's steady-state day, knock-outs."""

from typing import Any

import jax
import numpy as np
import pytest
from virtual_subjects import LANES, READ, Subjects, regimens, run, subjects, typical

from cereblon.engine import course
from cereblon.engine.grid import day_grid
from cereblon.model import Model

DOSES = np.array([2.5, 5.0, 10.0, 25.0, 0.0, 0.0, 0.0, 0.0])
DOSSIER = {
    "len_volume": 62.0, "len_clearance_scale": 10.03 / 11.53, "len_ktr": 324.0,
    "ikzf1_alpha": 23.4, "ikzf3_alpha": 18.2,
    "crbn_expression": 1.0, "crcl": 75.0, "ffm": 55.0,
}  # fmt: skip
SHARED = {"len_crbn_kd": 1500.0, "ikzf_turnover": 1.386, "eff_crbn_autoubiquitylation": 0.0, "eff_flare": 0.0}
"""The constants of the dossier's table: 10.03 L/h where the model now has 11.53, and the amount of cereblon fixed."""
TABLE = {
    "mean concentration": (40, 80, 160, 401),
    "peak occupancy": (0.063, 0.118, 0.21, 0.40),
    "mean occupancy": (0.018, 0.035, 0.066, 0.14),
    "ikzf1 least": (0.65, 0.47, 0.30, 0.15),
    "ikzf1 mean": (0.71, 0.56, 0.41, 0.27),
    "ikzf1 trough": (0.80, 0.69, 0.58, 0.45),
    "ikzf3 least": (0.70, 0.54, 0.37, 0.20),
    "ikzf3 mean": (0.76, 0.62, 0.47, 0.31),
    "ikzf3 trough": (0.83, 0.73, 0.62, 0.49),
}


@pytest.fixture(scope="module")
def day(model: Model) -> dict[str, np.ndarray]:
    """The dossier's figures of the last of 28 daily doses, from the engine, (LANES,)."""
    subject = typical(model, **DOSSIER)
    doses = np.broadcast_to(DOSES, (28, LANES))
    _, state = run(model, subject.individual, subject.state, {"len_gut": doses}, shared=SHARED)
    names = ("lenalidomide_conc", "crbn_occupancy", "ikzf1_t", "ikzf3_t")
    _, found = course(model, names, subject.individual, SHARED, {"len_gut": DOSES}, state, np.float64)
    weights = day_grid(8).weights
    out = {
        "mean concentration": 3.857 * weights @ found["lenalidomide_conc"],
        "peak occupancy": found["crbn_occupancy"].max(axis=0),
        "mean occupancy": weights @ found["crbn_occupancy"],
    }
    for name in ("ikzf1", "ikzf3"):
        level = found[f"{name}_t"]
        out |= {f"{name} least": level.min(axis=0), f"{name} mean": weights @ level, f"{name} trough": level[-1]}
    return out


@pytest.mark.parametrize("what", TABLE)
def test_steady_state_day(day: dict[str, np.ndarray], what: str) -> None:
    """pharmacology.md, section 2, printed with two digits."""
    assert day[what][:4] == pytest.approx(TABLE[what], rel=0.03, abs=0.012)


def _untreated_and(
    model: Model, individual: dict[str, Any], shared: dict[str, float], subject: Subjects
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    doses = regimens(28)["5 to 25 mg continuous"]["len_gut"]
    people = {**subject.individual, **individual}
    return (
        run(model, people, subject.state, {"len_gut": 5 * doses}, shared=shared)[0],
        run(model, people, subject.state, {}, shared=shared)[0],
    )


def test_without_cereblon_the_drug_does_nothing(model: Model) -> None:
    """Claim crbn_dependence_whole: cereblon knocked out in every cell."""
    subject = subjects(model, "untreated")
    state = jax.tree.map(np.array, subject.state)
    state.relaxing[model.relaxing.index("crbn")] = 0.0
    knocked = Subjects(state, subject.individual, subject.growth)
    treated, untreated = _untreated_and(model, {"crbn_expression": np.zeros(LANES)}, {}, knocked)
    for name in READ:
        assert treated[name] == pytest.approx(untreated[name], rel=1e-12), name


def test_in_a_knocked_out_cell_its_own_effect_is_gone(model: Model) -> None:
    subject = subjects(model, "untreated")
    treated, untreated = _untreated_and(model, {}, {"crbn_in_progenitor": 0.0}, subject)
    both, _ = _untreated_and(model, {}, {}, subject)
    gone = np.abs(np.log(treated["anc"][-1] / untreated["anc"][-1]))
    full = np.abs(np.log(both["anc"][-1] / untreated["anc"][-1]))
    assert (gone < 0.5 * full).all()


def test_a_proteasome_inhibitor_keeps_ikaros(model: Model) -> None:
    """Claim ikzf_degradation: the ligase marks, the proteasome removes."""
    subject = typical(model)
    names = ("ikzf1_t", "ikzf3_cll", "ikzf1_progenitor", "crbn_occupancy")
    for active in (0.0, 1.0):
        shared = {"proteasome_active": active}
        _, found = course(model, names, subject.individual, shared, {"len_gut": 25.0}, dtype=np.float64)
        for name in names[:3]:
            assert (found[name].min(axis=0) < 0.7).all() == bool(active)
            if not active:
                assert found[name] == pytest.approx(1.0, rel=2e-6)
        assert (found["crbn_occupancy"].max(axis=0) > 0.1).all()


def test_zero_dose_does_nothing(model: Model) -> None:
    subject = typical(model)
    names = ("ikzf1_t", "ikzf3_t", "crbn_occupancy")
    _, found = course(model, names, subject.individual, {}, {"len_gut": 0.0}, dtype=np.float64)
    assert (found["crbn_occupancy"] == 0).all()
    assert found["ikzf1_t"] == pytest.approx(1.0, rel=2e-6)
