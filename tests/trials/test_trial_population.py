"""A population that `run` cannot draw is refused by `check`, at its field; and the other way round."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import cereblon
from cereblon.clinic.trial.load import parse_trial, trial_ids
from cereblon.errors import CereblonError
from cereblon.patients import draw_cohort
from cereblon.patients.conditioning import SMALLEST_ENTRY
from cereblon.patients.population import PopulationError
from cereblon.report.checks import check_file
from cereblon.study.population import plan_trial, population_of

SMALL = """\
id: x
title: T
setting: untreated
criteria: iwCLL 2008
nodes_by: palpation
population:
  size: 4
  age: {median: 65}
arms:
- {id: A, name: n, size: 4, treatment: [{drug: lenalidomide, dose: 5 mg, days: 1-21}]}
follow_up: {duration_months: 1}
"""
AGE = "age: {median: 65}"

# what stands for the age, the place of the finding (line:column), words of the message
REFUSED: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "count": (f"{AGE}\n  printed: {{alc_median: 1500e9/L}}", "9:25", ("printed.alc_median: 1500", "nearest 8")),
    "platelets": (f"{AGE}\n  printed: {{platelets_median: 1500e9/L}}", "9:31", ("platelets_median: 1500", "nearest 4")),
    "nobody enters": (
        f"{AGE}\n  eligibility: {{ecog_max: 2, creatinine_max_mg_dl: 0.31}}",
        "9:52",
        ("eligibility.creatinine_max_mg_dl: only 0 %", "by this limit alone", "at least 0.5 %"),
    ),
    "lines of the untreated": (f"{AGE}\n  eligibility: {{lines_min: 3}}", "9:28", ("lines_min: only 0 %",)),
    "median at the limit": (
        f"{AGE}\n  eligibility: {{age_max: 65}}", "8:17", ("age.median: 65", "below 65 years"),
    ),
    "youngest": ("age: {median: 18, range: [18, 18]}", "8:17", ("age.median: 18", "above 18")),
    "oldest": ("age: {median: 110}", "8:17", ("age.median: 110", "below 110 years")),
    "printed items against each other": (
        f"{AGE}\n  printed: {{hemoglobin_median: 5, b2m_median: 60}}", "9:12", ("printed: only", "every trial has"),
    ),
}  # fmt: skip


def changed(new: str) -> str:
    return SMALL.replace(AGE, new)


@pytest.mark.parametrize("name", REFUSED)
def test_check_and_run_refuse_the_same_population(name: str, tmp_path: Path) -> None:
    new, place, words = REFUSED[name]
    file = tmp_path / "t.yaml"
    file.write_text(changed(new))
    found = [finding for finding in check_file(file) if finding.severity == "error"]
    assert [finding.place for finding in found] == [f"{file}:{place}"]
    with pytest.raises(CereblonError) as caught:
        cereblon.run(cereblon.load_trial(file), patients=1, out=tmp_path / "out")
    assert str(caught.value) == found[0].message
    assert "\n" not in found[0].message
    for word in words:
        assert word in found[0].message
    assert [path.name for path in tmp_path.iterdir()] == ["t.yaml"]


def test_relapsed_patients_cannot_have_more_lines_than_may_enter() -> None:
    trial = parse_trial(
        changed(f"{AGE}\n  prior_lines: {{median: 5}}\n  eligibility: {{lines_max: 1}}").replace(
            "untreated", "relapsed"
        )
    )
    with pytest.raises(PopulationError, match=r"^population\.prior_lines\.median: 5 cannot be met") as caught:
        plan_trial(trial)
    assert caught.value.loc == ("population", "prior_lines", "median")


def test_everybody_may_have_one_printed_age() -> None:
    trial = parse_trial(changed("age: {median: 65, range: [65, 65]}"))
    plan_trial(trial)
    age = draw_cohort(population_of(trial), trial.setting, np.arange(1, 101), 1).columns["age"]
    assert abs(float(np.median(age)) - 65) < 0.2
    assert 64 < age.min() < age.max() < 66


def test_no_patient_is_a_child() -> None:
    trial = parse_trial(changed("age: {median: 25}"))
    age = draw_cohort(population_of(trial), trial.setting, np.arange(1, 201), 1).columns["age"]
    assert 18 <= age.min() < 25 < age.max()


@pytest.mark.parametrize("name", trial_ids())
def test_registry_is_far_from_the_limit_of_candidates(name: str) -> None:
    plan = plan_trial(cereblon.load_trial(name))
    assert plan.eligible > 2 * SMALLEST_ENTRY
