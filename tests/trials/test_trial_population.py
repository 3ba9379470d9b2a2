"""A population that `run` cannot draw is refused by `check`, at its field; and the other way round."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import cereblon
from cereblon.clinic.trial.load import load_trial, parse_trial, trial_ids
from cereblon.clinic.trial.trial import Trial
from cereblon.errors import CereblonError
from cereblon.patients import draw_cohort
from cereblon.patients.conditioning import SMALLEST_ENTRY
from cereblon.patients.population import PRINTED, PRINTED_MEDIANS, PRINTED_SHARES, Eligibility, PopulationError
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


def test_every_item_and_limit_of_a_cohort_can_be_written_and_arrives() -> None:
    body = load_trial("badoux2011").model_dump(mode="json", exclude_unset=True)
    printed = {key: 30.0 for key in PRINTED_SHARES if key != "male_pct"}
    medians = {"alc_median": "60e9/L", "platelets_median": "120e9/L", "anc_median": "4e9/L", "crcl_median": "70 mL/min"}
    medians |= {"hemoglobin_median": 12.0, "b2m_median": 4.0, "igg_median": 700.0, "ldh_median": 1.1}
    medians |= {"spd_median": 30.0, "ldi_median": 4.0}
    assert medians.keys() == PRINTED_MEDIANS.keys()
    limits = {"age_min": 65, "age_max": 90, "crcl_min": "20 mL/min", "crcl_max": "150 mL/min", "ecog_max": 2}
    limits |= {"creatinine_max_mg_dl": 2.0, "anc_min": "0.5e9/L", "platelets_min": "30e9/L", "hemoglobin_min": 8.0}
    limits |= {"lines_min": 0, "lines_max": 3}
    assert limits.keys() == set(Eligibility.__dataclass_fields__)
    body["population"] |= {"printed": {**printed, **medians, "bulky_cm": 7.5}, "eligibility": limits, "male_pct": 61.0}
    found = population_of(Trial.model_validate(body))
    assert found.printed.keys() == set(PRINTED)
    assert (found.printed["male_pct"], found.printed["cd38_pct"], found.printed["anc_median"]) == (61.0, 30.0, 4.0)
    assert (found.eligibility.crcl_max, found.eligibility.hemoglobin_min, found.bulky_cm) == (150.0, 8.0, 7.5)
    assert all(getattr(found.eligibility, name) is not None for name in limits)
