"""What a trial document asks is carried out, or refused by name: by check, by run and in Python alike."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from cereblon.clinic.codes import THRESHOLDS
from cereblon.clinic.site.orders import Orders, assessment_days, ct_flags
from cereblon.clinic.site.orders_arm import HORIZON, arm_orders
from cereblon.clinic.site.orders_rules import ARM_RULES
from cereblon.clinic.trial.check import check_trial, trial_warnings
from cereblon.clinic.trial.design import Arm
from cereblon.clinic.trial.drugs import DRUGS
from cereblon.clinic.trial.load import load_trial, parse_trial, template_text, trial_ids
from cereblon.clinic.trial.population import Eligibility, Printed
from cereblon.clinic.trial.trial import Trial
from cereblon.documents.base import Document as Part
from cereblon.errors import CereblonError
from cereblon.patients.population import PRINTED
from cereblon.study.run import population_of

Document = dict[str, Any]
LENALIDOMIDE = {"drug": "lenalidomide", "dose": "5 mg", "days": "1-21", "cycle": "28 days"}
RISE = {"step": "5 mg", "first_after": "28 days", "every": "28 days", "maximum": "15 mg"}


def document(**arm: Any) -> Document:
    """Return a small trial by palpation; fields of its arm as given."""
    return {
        "id": "x",
        "title": "t",
        "setting": "untreated",
        "criteria": "iwCLL 2008",
        "nodes_by": "palpation",
        "population": {"size": 4, "age": {"median": 70}},
        "arms": [{"id": "A", "name": "a", "size": 4, "treatment": [LENALIDOMIDE]} | arm],
        "follow_up": {"duration_months": 12.0},
    }


def treated(*courses: Mapping[str, Any], **course: Any) -> Document:
    """Return the trial with changes of its course of lenalidomide, and with further courses in treatment."""
    return document(treatment=[LENALIDOMIDE | course, *courses])


def supported(**course: Any) -> Document:
    return document(support=[course])


TWICE = LENALIDOMIDE | {"dose": "10 mg", "from_day": 57}
STEROID = {"drug": "dexamethasone", "dose": "20 mg", "days": "1-4", "cycle": "28 days"}

# name: (document, field, words of the message)
REFUSED: dict[str, tuple[Document, str, str]] = {
    "two courses of lenalidomide": (
        treated(TWICE, cycles="1-2", escalation=RISE | {"maximum": "10 mg", "condition": "always"}),
        "arms[0].treatment[1]",
        "a second course of lenalidomide beside treatment[0] is not carried out",
    ),
    "a higher second course": (
        treated(TWICE | {"dose": "15 mg", "from_day": 113}, cycles="1-4", escalation=RISE),
        "arms[0].treatment[1]",
        "a second course of lenalidomide",
    ),
    "a steroid alone": (document(treatment=[STEROID]), "arms[0].treatment", "treatment with dexamethasone alone"),
    "lenalidomide as support": (
        supported(drug="lenalidomide", dose="5 mg", days="22-28"),
        "arms[0].support[0].drug",
        "lenalidomide as support is not given",
    ),
    "a course after the follow-up": (treated(from_day=400), "arms[0].treatment[0]", "no dose of lenalidomide falls"),
    "cycles after the follow-up": (treated(cycles="20-24"), "arms[0].treatment[0]", "no dose of lenalidomide falls"),
    "escalation of a steroid": (
        treated(STEROID | {"escalation": RISE | {"maximum": "40 mg"}}),
        "arms[0].treatment[1].escalation",
        "escalation of dexamethasone is not carried out",
    ),
    "a steroid after the end of treatment": (
        treated(STEROID, cycles="1-2"),
        "arms[0].treatment[1]",
        "day 57 would not be given: treatment ends with the last planned dose of lenalidomide on day 49",
    ),
    "renal dose of a steroid": (
        treated(STEROID | {"renal": [{"below": "60 mL/min", "dose": "10 mg"}]}),
        "arms[0].treatment[1].renal",
        "renal of dexamethasone is not carried out",
    ),
    "end of a steroid": (
        treated(STEROID | {"until": "progression_or_cr"}),
        "arms[0].treatment[1].until",
        "until of dexamethasone is not carried out",
    ),
    "a maximum that is no step": (
        treated(escalation={"to_steps": ["10 mg"], "first_after": "28 days", "every": "28 days", "maximum": "30 mg"}),
        "arms[0].treatment[0].escalation.maximum",
        "the maximum 30 mg is never reached: expected 10 mg",
    ),
    "a maximum above the levels": (
        treated(escalation=RISE | {"maximum": "30 mg"}),
        "arms[0].treatment[0]",
        "the planned dose 30 mg is not among the levels",
    ),
    "a renal maximum that nothing reaches": (
        treated(renal=[{"below": "60 mL/min", "dose": "2.5 mg", "maximum": "5 mg"}]),
        "arms[0].treatment[0].renal[0].maximum",
        "needs an escalation",
    ),
    "a renal maximum above the highest dose": (
        treated(escalation=RISE, renal=[{"below": "60 mL/min", "dose": "2.5 mg", "maximum": "20 mg"}]),
        "arms[0].treatment[0].renal[0].maximum",
        "20 mg is outside 2.5 to 15 mg",
    ),
    "one clearance twice": (
        treated(renal=[{"below": "60 mL/min", "dose": "2.5 mg"}, {"below": "60 mL/min", "dose": "5 mg"}]),
        "arms[0].treatment[0].renal[1].below",
        "two doses are given for a clearance below 60 mL/min",
    ),
    "cycles beyond CR without a cycle": (
        treated(cycle=None, days="1-200", until="progression_or_cr", cycles_beyond_cr=2),
        "arms[0].treatment[0].cycles_beyond_cr",
        "needs the length of a cycle",
    ),
    "until CR without a marrow": (
        treated(until="progression_or_cr") | {"schedule": {"marrow": "none"}},
        "arms[0].treatment[0].until",
        "needs schedule.marrow: to_confirm_cr",
    ),
    "no steroid, with a dose": (
        document(flare_steroid={"policy": "none", "drug": "prednisone", "dose": "25 mg"}),
        "arms[0].flare_steroid.policy",
        "policy none gives no steroid",
    ),
    "a steroid without its dose": (
        document(flare_steroid={"drug": "prednisone"}),
        "arms[0].flare_steroid.drug",
        "prednisone needs a dose",
    ),
    "a dose of no steroid": (
        document(flare_steroid={"dose": "50 mg"}),
        "arms[0].flare_steroid.dose",
        "needs its drug: expected dexamethasone or prednisone",
    ),
    "an absurd steroid": (
        document(flare_steroid={"drug": "dexamethasone", "dose": "500 mg"}),
        "arms[0].flare_steroid.dose",
        "500 mg a day of dexamethasone is absurd",
    ),
    "a hold above the resumption of its set": (
        document(rules={"platelets_hold": "60e9/L"}),
        "arms[0].rules.platelets_hold",
        "platelets_hold 60 is above platelets_resume 50 of the set lymphoma",
    ),
    "a hold that another one makes void": (
        document(rules={"set": "myeloma", "anc_hold": "0.75e9/L"}),
        "arms[0].rules.anc_hold",
        "anc_hold_at_once 1 of the set myeloma is above anc_hold 0.75",
    ),
    "examinations between cycles": (
        document() | {"schedule": {"examination_every_days": "14 days"}},
        "schedule.examination_every_days",
        "14 days is not a multiple of 28 days: expected 28, 56, 84 ... (nearest: 28 days)",
    ),
    "examinations across cycles": (
        document() | {"schedule": {"examination_every_days": "42 days"}},
        "schedule.examination_every_days",
        "(nearest: 28 or 56 days)",
    ),
    "counts every other day": (
        document() | {"schedule": {"counts": {"then_every_days": "2 days"}}},
        "schedule.counts.then_every_days",
        "2 days: blood is counted once a week at most",
    ),
    "no CT days": (
        document() | {"nodes_by": "ct", "schedule": {"ct_days": []}},
        "schedule.ct_days",
        "the list of CT days is empty",
    ),
    "CT days of palpated nodes": (
        document() | {"schedule": {"ct_days": [85]}},
        "schedule.ct_days",
        "nodes are palpated: expected nodes_by: ct",
    ),
    "a follow-up that nobody can simulate": (
        document() | {"follow_up": {"duration_months": 110.0, "accrual_months": 100.0}},
        "follow_up.duration_months",
        "expected at most 3650 days",
    ),
    "earlier lines of untreated subjects": (
        document() | {"population": {"size": 4, "age": {"median": 70}, "prior_lines": {"median": 0, "range": [0, 3]}}},
        "population.prior_lines.range",
        "untreated subjects have no earlier lines",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_be_ignored_is_refused_by_name(name: str, tmp_path: Path) -> None:
    wrong, field, words = REFUSED[name]
    with pytest.raises(ValidationError):
        Trial.model_validate(wrong)
    file = tmp_path / "x.json"
    file.write_text(_yaml(wrong), encoding="utf-8")
    with pytest.raises(CereblonError) as caught:
        load_trial(file)  # what run does first
    [finding] = check_trial(file)
    assert finding.severity == "error"
    for text in (str(caught.value), finding.message):
        assert words in text
        assert "\n" not in text
    assert finding.message.startswith(f"{field}: ")


def _yaml(data: Document) -> str:
    return json.dumps(data, indent=1)


def test_the_trial_behind_the_cases_is_good() -> None:
    assert parse_trial(_yaml(document())).size == 4
    assert parse_trial(_yaml(treated(STEROID, escalation=RISE))).arms[0].treatment[1].drug == "dexamethasone"


@pytest.mark.parametrize("drug", sorted(set(DRUGS) - {"lenalidomide"}))
@pytest.mark.parametrize("part", ["treatment", "support"])
def test_every_drug_beside_lenalidomide_is_ordered_on_its_days(drug: str, part: str) -> None:
    course = {"drug": drug, "dose": "0.3 mg" if drug == "filgrastim" else "10 mg", "days": "3, 5", "cycle": "28 days"}
    wanted = treated(course) if part == "treatment" else supported(**course)
    orders = arm_orders(Trial.model_validate(wanted).arms[0], 90.0, 6)
    rows = {"prednisone": orders.dexamethasone}
    row = rows[drug] if drug in rows else getattr(orders, drug)
    assert set(np.flatnonzero(row) % 28) == {2, 4}
    amounts = {"prednisone": 10 / 6.67, "filgrastim": 300.0}
    assert row.max() == pytest.approx(amounts.get(drug, 10.0))


def past_the_border(part: Part, **fields: object) -> Any:
    """Return a part of a document with fields that no document can have."""
    changed = part.model_copy()
    changed.__dict__.update(fields)
    return changed


def test_orders_refuse_an_arm_that_skipped_the_document() -> None:
    arm = Trial.model_validate(document()).arms[0]
    idle = past_the_border(arm, treatment=Trial.model_validate(treated(STEROID)).arms[0].treatment[1:])
    with pytest.raises(CereblonError, match="arm A: no lenalidomide is ordered"):
        arm_orders(idle, 90.0, 6)
    first, second = arm.treatment[0], Trial.model_validate(treated(from_day=57)).arms[0].treatment[0]
    with pytest.raises(CereblonError, match="arm A: two courses of lenalidomide"):
        arm_orders(past_the_border(arm, treatment=(first, second)), 90.0, 6)
    given = Trial.model_validate(supported(drug="allopurinol", dose="300 mg", days="1-14")).arms[0].support[0]
    lost = past_the_border(given, drug="aspirin")
    with pytest.raises(CereblonError, match=r"arm A: support\[0\] of aspirin is not ordered"):
        arm_orders(past_the_border(arm, support=(lost,)), 90.0, 6)


@pytest.mark.parametrize("name", trial_ids())
def test_every_course_of_the_registry_is_ordered(name: str) -> None:
    for arm in load_trial(name).arms:
        for crcl in (20.0, 90.0):
            orders = arm_orders(arm, crcl, 6)
            for course in arm.treatment:
                assert (orders.planned_mg[course.mask(HORIZON)] > 0).all()


def test_ct_days_left_out_are_the_usual_ones() -> None:
    text = template_text()
    start, end = text.index("schedule:"), text.index("follow_up:")
    usual, named = parse_trial(text[:start] + text[end:]), parse_trial(text)
    assert usual.schedule.ct_days is None
    assert usual.ct_days == named.ct_days == (85, 169, 365, 729)
    days = assessment_days(usual, 900)
    np.testing.assert_array_equal(ct_flags(usual, days), ct_flags(named, days))
    assert ct_flags(usual, days).sum() == 5  # and the one before treatment


@pytest.mark.parametrize(("months", "expected"), [(2.0, ()), (3.0, (85,)), (12.0, (85, 169, 365)), (25.0, 4)])
def test_the_usual_ct_days_follow_the_follow_up(months: float, expected: tuple[int, ...] | int) -> None:
    trial = Trial.model_validate(document() | {"nodes_by": "ct", "follow_up": {"duration_months": months}})
    assert (len(trial.ct_days) if isinstance(expected, int) else trial.ct_days) == expected
    warned = [line for line in trial_warnings(trial) if "nodes are not measured under treatment" in line]
    assert len(warned) == (0 if expected else 1)
    palpated = Trial.model_validate(document() | {"follow_up": {"duration_months": months}})
    assert palpated.ct_days == ()


@pytest.mark.parametrize(
    ("course", "first"), [({}, 1), ({"from_day": 15}, 15), ({"days": "8-21"}, 8), ({"cycles": "2-6"}, 29)]
)
def test_the_calendar_of_an_escalation_begins_with_the_first_dose(course: Document, first: int) -> None:
    orders = arm_orders(Trial.model_validate(treated(escalation=RISE, **course)).arms[0], 90.0, 6)
    assert np.flatnonzero(orders.lenalidomide)[0] + 1 == first
    assert np.flatnonzero(orders.escalate)[:2].tolist() == [first - 1 + 28, first - 1 + 56]


def test_cycles_beyond_cr_are_cycles_of_the_course() -> None:
    course = {"cycle": "42 days", "until": "progression_or_cr", "cycles_beyond_cr": 2}
    assert arm_orders(Trial.model_validate(treated(**course)).arms[0], 90.0, 6).cr_days == 84
    assert arm_orders(Trial.model_validate(document()).arms[0], 90.0, 6).cr_days == -1


# one other value for every field of an arm's rules, steroid and growth factor: each must reach the clinic
ARM_FIELDS: dict[str, Document] = {
    "rules.set": document(rules={"set": "myeloma"}),
    "rules.anc_hold": document(rules={"anc_hold": "0.9e9/L"}),
    "rules.anc_hold_days": document(rules={"anc_hold_days": "3 days"}),
    "rules.anc_hold_at_once": document(rules={"anc_hold_at_once": "0.4e9/L"}),
    "rules.anc_resume": document(rules={"anc_resume": "1.2e9/L"}),
    "rules.platelets_hold": document(rules={"platelets_hold": "40e9/L"}),
    "rules.platelets_resume": document(rules={"platelets_resume": "60e9/L"}),
    "rules.step_down": document(rules={"step_down": False}),
    "rules.flare_hold_grade": document(rules={"flare_hold_grade": 2}),
    "rules.infection_hold_grade": document(rules={"infection_hold_grade": 4}),
    "rules.tls": document(rules={"tls": "stop"}),
    "flare_steroid.policy": document(flare_steroid={"policy": "none"}),
    "flare_steroid.drug": document(flare_steroid={"drug": "prednisone", "dose": "20 mg"}),
    "flare_steroid.dose": document(flare_steroid={"drug": "dexamethasone", "dose": "20 mg"}),
    "flare_steroid.for_days": document(flare_steroid={"for_days": "9 days"}),
    "flare_steroid.from_grade": document(flare_steroid={"from_grade": 3}),
    "gcsf": document(gcsf="when_needed"),
}


def _arm_fields() -> Iterator[str]:
    for part in ("rules", "flare_steroid"):
        annotation = Arm.model_fields[part].annotation
        assert annotation is not None
        for name in annotation.model_fields:
            yield f"{part}.{name}"
    yield "gcsf"


def _numbers(data: Document) -> dict[str, float]:
    arm = Trial.model_validate(data).arms[0]
    return {name: number(arm) for name, number in ARM_RULES.items()}


def test_every_field_of_the_dose_rules_reaches_the_clinic() -> None:
    assert set(ARM_FIELDS) == set(_arm_fields())
    plain = _numbers(document())
    for name, changed in ARM_FIELDS.items():
        assert _numbers(changed) != plain, name


def test_every_printed_item_and_every_limit_reaches_the_cohort() -> None:
    words = {"of", "words"}  # for the reader
    printed = {name for name in Printed.model_fields if name not in words}
    assert printed <= set(PRINTED)
    values: Document = dict.fromkeys((n for n in printed if n.endswith("_pct")), 10.0)
    values |= {"alc_median": "60e9/L", "platelets_median": "120e9/L", "crcl_median": "70 mL/min"}
    values |= {"b2m_median": 4.0, "hemoglobin_median": 11.0}
    limits: Document = {"age_min": 50.0, "age_max": 90.0, "crcl_min": "30 mL/min", "creatinine_max_mg_dl": 2.0}
    limits |= {"anc_min": "1e9/L", "platelets_min": "50e9/L", "ecog_max": 2, "lines_min": 0, "lines_max": 0}
    assert set(values) == printed
    assert set(limits) == set(Eligibility.model_fields) - words
    people = {"size": 4, "age": {"median": 70}, "male_pct": 60, "printed": values, "eligibility": limits}
    population = population_of(Trial.model_validate(document() | {"population": people}))
    assert set(population.printed) == printed | {"male_pct"}
    assert all(getattr(population.eligibility, name) is not None for name in limits)


@pytest.mark.parametrize(("nodes_by", "found_by"), [("palpation", "examination"), ("ct", "ct")])
def test_bulk_is_what_the_trial_measured_with(nodes_by: str, found_by: str) -> None:
    people = {"size": 4, "age": {"median": 70}, "printed": {"bulky_pct": 40.0}}
    trial = Trial.model_validate(document() | {"population": people, "nodes_by": nodes_by})
    assert population_of(trial).bulky_by == found_by


@pytest.mark.parametrize("name", trial_ids())
def test_the_registry_gives_orders_to_every_arm(name: str) -> None:
    trial = load_trial(name)
    n = len(trial.arms)
    people = {key: np.full(n, value) for key, value in (("age", 70.0), ("male", 1.0), ("crcl", 80.0))}
    draws = {key: np.ones((8, n)) for key in THRESHOLDS}
    plan = Orders(trial, np.arange(n), people | {"prior_lines": np.zeros(n)}, draws)
    assert (plan.daily(0)["lenalidomide"].sum(axis=0) > 0).all()
