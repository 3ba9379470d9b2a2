"""The registry: every entry against its row of the founding review's Table 1, and what documents promise."""

from __future__ import annotations

import json
from importlib import resources

import numpy as np
import pytest

from cereblon.clinic.trial.design import ENDPOINTS
from cereblon.clinic.trial.load import SCHEMA_NAME, json_schema, load_trial, schema_text, trial_ids
from cereblon.clinic.trial.trial import Trial
from cereblon.documents.yamltext import read_yaml

# Table 1 of the founding review (doi 10.1182/blood-2014-05-578286): setting, n, median age, range, start
# doses, top dose, days, then printed figures. "<" is a lost digit, None a median that was not reached.
Row = tuple[str, int, int, tuple[int, int], list[float], float, str, dict[str, object]]
TABLE_1: dict[str, Row] = {
    "badoux2011": ("untreated", 60, 71, (66, 85), [5], 25, "every day",
        {"orr": 65, "cr": 15, "pr": 50, "pfs_median": None, "neutropenia_g34": 83, "tls": "<", "tfr": 52}),
    "chen2011": ("untreated", 25, 60, (33, 78), [2.5], 10, "1-21",
        {"orr": 56, "cr": "<", "pr": 56, "pfs_median": None, "neutropenia_g34": 72, "tls": "<", "tfr": 88}),
    "chen2012": ("untreated", 25, 60, (33, 78), [2.5], 10, "1-21",
        {"orr": 72, "cr": 12, "pr": 60, "pfs_median": None, "neutropenia_g34": 76, "tls": "<", "tfr": 88}),
    "chanan-khan2006": ("relapsed", 45, 64, (42, 75), [25, 10], 25, "1-21",
        {"orr": 47, "cr": "<", "pr": 38, "pfs_median": None, "neutropenia_g34": 70, "tls": "<",
         "tfr": 58}),
    "ferrajoli2008": ("relapsed", 44, 64, (49, 86), [10], 25, "every day",
        {"orr": 32, "cr": "<", "pr": 25, "pfs_median": None, "neutropenia_g34_cycles": 41,
         "tls": "<", "tfr": 12}),
    "wendtner2012": ("relapsed", 52, 65, (37, 80), [2.5], 20, "every day",
        {"orr": 11.5, "cr": 0, "pr": 11.5, "pfs_median": "<", "neutropenia_g34": 65, "tls": "<", "tfr": 44}),
    "buhler2013": ("relapsed", 104, 64, (32, 81), [5, 10, 15], 25, "every day",
        {"orr": 44, "pfs_median": 11}),
}  # fmt: skip


@pytest.fixture(params=trial_ids())
def trial(request: pytest.FixtureRequest) -> Trial:
    return load_trial(request.param)


def test_the_registry_is_the_monotherapy_rows() -> None:
    assert set(trial_ids()) == set(TABLE_1)
    assert sum(len(load_trial(name).arms) for name in trial_ids()) == 10


def test_design_is_that_of_table_1(trial: Trial) -> None:
    setting, n, age, span, starts, top, days, _ = TABLE_1[trial.id]
    assert (trial.setting, trial.size, trial.population.age.median) == (setting, n, age)
    assert trial.population.age.range == span
    courses = [course for arm in trial.arms for course in arm.treatment]
    assert [course.dose for course in courses] == starts
    assert max(dose for course in courses for dose in course.doses) == top
    assert {course.model_dump(mode="json")["days"] for course in courses} == {days}


def test_figures_are_those_of_table_1(trial: Trial) -> None:
    printed = TABLE_1[trial.id][-1]
    for endpoint, value in printed.items():
        figure = trial.figure(endpoint)
        assert figure is not None, endpoint
        if value is None:
            assert figure.not_reached
        elif value == "<":
            assert (figure.below or figure.value or 0.0) <= 10
        else:
            assert figure.value == value
    assert {p.endpoint for p in trial.published if p.endpoint in ENDPOINTS and p.arm is None} >= set(printed)


def test_recalled_figures_are_marked_and_never_lead_where_one_was_read(trial: Trial) -> None:
    for figure in trial.published:
        for printed in (figure, *figure.also):
            assert (printed.confidence == "recalled") == (printed.source == "M")
        if figure.source == "M":
            assert all(other.source == "M" for other in figure.also)


def test_every_silent_rule_is_an_assumption_with_a_reason(trial: Trial) -> None:
    assumed = {assumption.field for assumption in trial.assumptions}
    assert {"arms.rules", "arms.gcsf", "schedule.counts"} <= assumed
    assert any(field.startswith(("nodes_by", "criteria")) for field in assumed)
    assert any(field.startswith("follow_up") for field in assumed)


def test_entry_is_named_after_its_file_and_cited(trial: Trial) -> None:
    assert trial.citation is not None
    assert trial.id in trial_ids()
    assert trial.id.endswith(str(trial.citation.year))
    assert trial.registration
    assert "T1" in {source.id for source in trial.sources}


def test_document_goes_round_through_json(trial: Trial) -> None:
    text = trial.model_dump_json()
    assert Trial.model_validate_json(text) == trial
    assert hash(Trial.model_validate_json(text)) == hash(trial)


def test_a_run_sees_no_outcome(trial: Trial) -> None:
    blind = trial.blind()
    assert blind.published == ()
    assert blind.arms == trial.arms
    assert blind.population == trial.population
    assert trial.published != ()


def test_chen2012_is_chen2011_followed_longer() -> None:
    early, late = load_trial("chen2011"), load_trial("chen2012")
    assert late.same_patients_as == early.id
    assert (late.arms, late.population) == (early.arms, early.population)
    assert late.follow_up.duration_months > early.follow_up.duration_months


def test_prednisone_covers_group_b_only() -> None:
    trial = load_trial("chanan-khan2006")
    assert [(arm.id, arm.size) for arm in trial.arms] == [("A", 29), ("B", 16)]
    given = sum(course.dose * course.mask(28) for course in trial.arm("B").support)
    np.testing.assert_array_equal(given, [20.0] * 5 + [10.0] * 5 + [0.0] * 18)
    assert trial.arm("A").support == ()
    assert trial.arm("B").treatment[0].doses == (10, 15, 20, 25)


def test_masks_count_from_day_one() -> None:
    course = load_trial("chen2011").arms[0].treatment[0]
    np.testing.assert_array_equal(course.mask(56), ([True] * 21 + [False] * 7) * 2)
    short = load_trial("chanan-khan2006").arms[0].treatment[0].mask(28 * 14)
    assert short.sum() == 12 * 21
    assert not short[28 * 12 :].any()


def test_published_schema_is_current() -> None:
    published = (resources.files("cereblon") / "trials" / SCHEMA_NAME).read_text("utf-8")
    assert json.loads(published) == json_schema(), "run cereblon.clinic.trial.load.write_schema(folder)"
    assert json.loads(schema_text()) == json_schema()


def test_schema_knows_every_field_of_the_registry() -> None:
    schema = json_schema()
    fields = {name for part in [schema, *schema["$defs"].values()] for name in part.get("properties", {})}
    folder = resources.files("cereblon") / "trials"
    for name in trial_ids():
        document = read_yaml((folder / f"{name}.yaml").read_text("utf-8"), name)
        used = {str(key[-1]) for key in document.keys}
        assert used <= fields, used - fields
