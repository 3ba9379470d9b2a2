"""Marrow chains: at rest without drug, under a filgrastim against the published receptor-pool equations, dose order."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from virtual_subjects import LANES, run, typical

from cereblon.model import Model

CHAIN = (
    "neutrophil_p1", "neutrophil_p2", "neutrophil_p3", "neutrophil_p4", "neutrophil_blood", "neutrophil_arrest",
    "platelet_arrest", "megakaryocyte1", "megakaryocyte2", "megakaryocyte3", "platelet_young", "platelet_middle",
    "platelet_old",
)  # fmt: skip
BASELINES = np.array([0.5, 1.0, 2.0, 3.0, 3.6, 4.2, 6.0, 9.0])


def marrow_only(model: Model) -> np.ndarray:
    """The mask that holds everything but the marrow chains."""
    return np.array([1.0 if name in CHAIN else 0.0 for name in model.slow])


def receptor_pool(anc0: float, infiltration: float, given: np.ndarray, hours: float = 24.0) -> np.ndarray:
    """ANC per day by toxicity_model.md, section 1 (NM018-NM029), without drug: G-CSF is a state of its own there."""
    ktr, kc, sr, kd, kint, vd, cld, ksc, base = 0.0330, 0.120, 0.0590, 0.0237, 0.113, 3.12, 0.833, 0.123, 0.00299
    receptors, rest = sr * anc0, base / (kd + base)
    production, synthesis = kc * receptors, cld / vd * base + kint * rest * receptors

    def rates(_: float, y: np.ndarray) -> list[float]:
        p1, p2, p3, p4, r, total, depot = y
        q = total - r - kd
        free = 0.5 * (q + np.sqrt(q * q + 4 * kd * total))
        occupancy = (total - free) / r
        made = max(1 + 7.53 * (1 - 0.65 * infiltration) * (occupancy - rest), 0.2)
        k = ktr * max(1 + 3.89 * (occupancy - rest), 0.3)
        return [
            production * made - k * p1, k * (p1 - p2), k * (p2 - p3), k * (p3 - p4), k * p4 - kc * r,
            synthesis - cld / vd * free - kint * (total - free) + ksc * depot / vd, -ksc * depot,
        ]  # fmt: skip

    y = np.array([production / ktr] * 4 + [receptors, base + rest * receptors, 0.0])
    out = [anc0]
    for amount in given:
        y[6] += amount / 18.8
        y = solve_ivp(rates, (0, hours), y, method="LSODA", rtol=1e-8, atol=1e-12).y[:, -1]
        out.append(y[4] / sr)
    return np.array(out)


def test_at_rest_without_drug(model: Model) -> None:
    subject = typical(model, anc0=BASELINES, platelets0=40 * BASELINES)
    found, _ = run(model, subject.individual, subject.state, free=marrow_only(model))
    assert found["anc"] == pytest.approx(np.broadcast_to(BASELINES, (29, LANES)), rel=1e-5)
    assert found["platelets"] == pytest.approx(np.broadcast_to(40 * BASELINES, (29, LANES)), rel=1e-5)


def test_filgrastim_pulse_follows_the_published_equations(model: Model) -> None:
    """300 ug on five days. Here free G-CSF is in quasi-steady state with its receptors (it settles in hours), which
    leaves out the store of bound G-CSF: the plateau is up to a fifth lower and the fall on the day after the pulse
    sooner. So 25 % during the pulse, 35 % on the day after, 15 % on the next, 3 % from then on.
    """
    given = np.zeros(28)
    given[:5] = 300.0
    constants = {"gcsf_stimulation": 7.53, "gcsf_acceleration": 3.89}
    subject = typical(model, anc0=BASELINES, **constants)
    found, _ = run(model, subject.individual, subject.state, {"gcsf_depot": given}, free=marrow_only(model))
    values = {**model.defaults, **subject.individual}
    seen = model.observe(("marrow_infiltration",), model.initial(values), values)
    infiltration = np.broadcast_to(np.asarray(seen["marrow_infiltration"]), (LANES,))
    for lane in (2, 3, 4, 5):
        exact = receptor_pool(BASELINES[lane], float(infiltration[lane]), given)
        for days, limit in ((slice(1, 6), 0.25), (slice(6, 7), 0.35), (slice(7, 8), 0.15), (slice(8, 29), 0.03)):
            assert found["anc"][days, lane] == pytest.approx(exact[days], rel=limit)
        assert found["anc"][:, lane].max() > 2 * BASELINES[lane]


def test_more_drug_means_fewer_neutrophils_and_platelets(model: Model) -> None:
    subject = typical(model)
    doses = np.broadcast_to([0.0, 1.0, 2.5, 5.0, 10.0, 15.0, 25.0, 50.0], (28, LANES))
    found, _ = run(model, subject.individual, subject.state, {"len_gut": doses}, free=marrow_only(model))
    assert (np.diff(found["anc"].min(axis=0)) < 0).all()
    assert (np.diff(found["platelets"].min(axis=0)) < 0).all()


def test_filgrastim_lifts_a_neutropenic_subject(model: Model) -> None:
    subject = typical(model)
    days = np.arange(28)
    lenalidomide = np.full(28, 25.0)
    pulse = np.where((days >= 14) & (days < 19), 300.0, 0.0)
    with_gcsf, _ = run(model, subject.individual, subject.state, {"len_gut": lenalidomide, "gcsf_depot": pulse})
    without, _ = run(model, subject.individual, subject.state, {"len_gut": lenalidomide})
    assert (with_gcsf["anc"][:15] == without["anc"][:15]).all()
    assert (with_gcsf["anc"][20] > 2 * without["anc"][20]).all()
    assert with_gcsf["anc"][28] == pytest.approx(without["anc"][28], rel=0.35)


@pytest.mark.parametrize(("dose", "multiple"), [(3.0, 3.4), (70.0, 9.71)])
def test_dexamethasone_calls_up_gcsf_a_day_later(model: Model, dose: float, multiple: float) -> None:
    """NM030: +240 % after 0.04 mg/kg and +871 % after 1 mg/kg, a day after one dose."""
    subject = typical(model)
    amounts = np.zeros(28)
    amounts[0] = dose
    effect = run(model, subject.individual, subject.state, {"dex_gut": amounts})[0]["dex_effect"][1]
    seen = model.observe(("steroid_granulopoiesis",), {**model.initial(model.defaults), "dex_effect": effect})
    called = 1 + model.defaults["dex_gcsf"] * np.asarray(seen["steroid_granulopoiesis"])
    assert called == pytest.approx(multiple, rel=0.03)


def test_hemoglobin_follows_the_marrow_up_to_normal(model: Model) -> None:
    """An empty marrow lifts it, ever more slowly, to normal or to where the subject started; a full one lowers it."""
    before = np.array([8.0, 10.0, 12.0, 13.4, 13.6, 15.0, 16.0, 13.0])
    subject = typical(model, hemoglobin0=before)
    values = {**model.defaults, **subject.individual}
    ceiling = np.maximum(before, model.defaults["hemoglobin_normal"])
    state = dict(model.initial(values))
    for cells, least, most in ((0.0, before, ceiling), (3.0, before - 6, before)):
        now = {k: v * cells if k.startswith("cll_marrow") else v for k, v in state.items()}
        rise = np.asarray(model.rhs(now, values)["hemoglobin"]) / model.defaults["hemoglobin_rate"]
        level = before + rise
        assert (level <= most + 1e-9).all()
        assert (level >= least).all()
        assert (level[:3] != before[:3]).all()
        near = np.asarray(model.rhs({**now, "hemoglobin": level - 1e-3}, values)["hemoglobin"])
        assert near == pytest.approx(np.full(LANES, 1e-3 * model.defaults["hemoglobin_rate"]), rel=1e-3)
