"""Orders from trial documents, and hazards that become days before the run."""

from __future__ import annotations

import numpy as np
import pytest
from story import DRUGS, SITE, orders, trial

from cereblon.clinic.codes import NOISE, THRESHOLDS
from cereblon.clinic.site.hazards import fixed_days, infection_base, infection_fatality
from cereblon.clinic.site.orders import Orders, normal, uniform
from cereblon.clinic.trial.load import load_trial, trial_ids


@pytest.mark.parametrize("name", trial_ids())
def test_every_registry_entry_gives_orders(name: str) -> None:
    document = load_trial(name)
    n = 12
    rng = np.random.default_rng(0)
    covariates = {
        "age": np.linspace(45, 85, n),
        "male": np.ones(n),
        "crcl": np.linspace(20, 130, n),
        "prior_lines": np.zeros(n),
    }
    thresholds = {k: rng.standard_exponential((8, n)) for k in THRESHOLDS}
    arm = np.arange(n) % len(document.arms)
    plan = Orders(document, arm, covariates, thresholds, DRUGS, SITE)
    clinic, weekly, daily = plan.block(0, plan.initial(), rng.standard_normal((4, len(NOISE), n)))
    by_day = (28, len(DRUGS), n)
    assert all(daily[k].shape == by_day for k in ("due", "begin", "part"))
    assert all(daily[k].shape == (28, 1, n) for k in ("escalate", "review"))
    assert all(v.dtype == np.float32 for v in daily.values())
    assert weekly["counts"].shape == (4, n)
    assert weekly["error"].shape[0] == 4
    site = plan.static.pop("site")
    assert all(np.isfinite(v).all() and v.dtype == np.float32 for v in plan.static.values())
    assert site["flare_window"] == SITE["flare_window"]
    # everybody begins lenalidomide on the first day, on the planned dose of the document
    first = daily["begin"][0, 0].astype(int)
    dose = np.take_along_axis(plan.static["levels"][:, 0], first[None], axis=0)[0]
    for subject, row in enumerate(arm):
        course = next(c for c in document.arms[row].treatment if c.drug == "lenalidomide")
        fitting = [r for r in sorted(course.renal, key=lambda r: r.below) if covariates["crcl"][subject] < r.below]
        assert dose[subject] == np.float32(fitting[0].dose if fitting else course.dose)
    for row, each in enumerate(document.arms):
        of = plan.static["anc_resume"][0, arm == row]
        changed = each.rules.anc_resume
        assert (of == np.float32(SITE[f"{each.rules.set}_anc_resume"] if changed is None else changed)).all()
    assert plan.shape.ruled == (0,)  # the others are given as scheduled
    assert plan.static["anc_hold"].shape == (1, n)
    assert (clinic["end_day"] > 0).all()


def test_relabelling_arms_changes_nothing() -> None:
    document = load_trial("buhler2013")
    turned = document.model_copy(update={"arms": document.arms[::-1], "published": ()})
    plan, other = orders(document, n=3, arm=[0, 1, 2]), orders(turned, n=3, arm=[2, 1, 0])
    for name, value in plan.static.items():
        if name != "site":
            np.testing.assert_array_equal(value, other.static[name])
    for name, value in plan.daily(2).items():
        np.testing.assert_array_equal(value, other.daily(2)[name])


def test_a_subject_has_the_same_orders_in_any_batch() -> None:
    document = load_trial("buhler2013")
    together, alone = orders(document, n=5, arm=[2, 0, 1, 1, 0]), orders(document, n=1, arm=1)
    for block in (0, 3):
        for name, value in alone.daily(block).items():
            np.testing.assert_array_equal(value[..., 0], together.daily(block)[name][..., 2])


def test_beyond_the_horizon_nothing_is_ordered() -> None:
    assert orders(trial()).daily(140)["due"].sum() == 0


def test_exponentials_become_uniforms_and_normals() -> None:
    exponential = np.random.default_rng(1).standard_exponential(20000)
    assert uniform(exponential).mean() == pytest.approx(0.5, abs=0.01)
    assert normal(exponential).std() == pytest.approx(1.0, abs=0.02)


def test_fixed_hazards_follow_their_rates() -> None:
    n = 20000
    rng = np.random.default_rng(2)
    thresholds = {k: rng.standard_exponential((1, n)) for k in THRESHOLDS}
    age, men = np.full(n, 65.0), np.ones(n)
    days = fixed_days(age, men, np.zeros(n), thresholds, 1000, SITE)
    year = 365.25
    # withdrawal 0.004 a month; adverse events half of 0.020, then of 0.010; Gompertz from the closed form
    assert (days["withdrawal_day"] < year).mean() == pytest.approx(1 - np.exp(-0.048), abs=0.006)
    assert (days["adverse_event_day"] < year).mean() == pytest.approx(1 - np.exp(-0.09), abs=0.008)
    hazard = 0.6 * 0.0165 * (np.exp(0.0885) - 1) / 0.0885 + 0.0042
    assert (days["death_other_day"] < year).mean() == pytest.approx(1 - np.exp(-hazard), abs=0.004)
    older = fixed_days(age + 20, men, np.zeros(n), thresholds, 1000, SITE)
    assert (older["death_other_day"] <= days["death_other_day"]).all()
    assert (days["death_drug_day"] == 1.0e6).all()


def test_infection_base_and_fatality() -> None:
    age = np.array([65.0, 75.0, 85.0])
    np.testing.assert_allclose(
        infection_base(age, np.array([0.0, 0.0, 1.0]), SITE), 0.04 * np.array([1, 1.25, 1.5625 * 1.6])
    )
    assert infection_fatality(age, SITE).tolist() == [0.12, 0.18, 0.25]
