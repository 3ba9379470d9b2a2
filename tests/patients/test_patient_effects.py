"""The effects between covariates can be given, and only what depends on one moves with it."""

import numpy as np
import pytest

from cereblon.errors import CereblonError
from cereblon.patients import Population, Printed, draw_cohort, plan_population
from cereblon.patients.documents import load_documents

NUMBERS = np.arange(1, 500)
ANYBODY = Population(60)


def test_the_packaged_effects_may_be_given() -> None:
    first = draw_cohort(ANYBODY, "untreated", NUMBERS, 1)
    given = draw_cohort(ANYBODY, "untreated", NUMBERS, 1, load_documents().effects)
    assert given.plan is first.plan
    assert all(np.array_equal(values, given.columns[name]) for name, values in first.columns.items())


def test_an_effect_moves_what_depends_on_it() -> None:
    first = draw_cohort(ANYBODY, "untreated", NUMBERS, 1).columns
    taller = draw_cohort(ANYBODY, "untreated", NUMBERS, 1, {"height.men": 186.0}).columns
    men = first["male"] > 0
    assert taller["height"][men] == pytest.approx(first["height"][men] + 10.0)
    same = ("age", "male", "alc0", "growth0", "spd0")
    assert all(np.array_equal(first[name], taller[name]) for name in same)
    assert np.array_equal(first["height"][~men], taller["height"][~men])
    assert (taller["weight"][men] > first["weight"][men]).all()


def test_a_printed_table_is_met_under_other_effects() -> None:
    """The plan is made anew: more deletions by age are taken back where the trial prints their share."""
    trial = Population(60, Printed(71, 66, 85), printed={"del17p_pct": 10})
    plan = plan_population(trial, "untreated", {"del17p.intercept": -1.0})
    assert plan is not plan_population(trial, "untreated")
    assert plan.matches["del17p_pct"].expected == pytest.approx(10, abs=1)
    share = draw_cohort(trial, "untreated", np.arange(3000), 1, {"del17p.intercept": -1.0}).columns["del17p"].mean()
    assert share == pytest.approx(0.10, abs=0.02)


def test_effects_without_sense_are_refused() -> None:
    with pytest.raises(CereblonError, match="the effects of covariates give no number for growth"):
        plan_population(ANYBODY, "untreated", {"growth.log_sd": 1e4})
