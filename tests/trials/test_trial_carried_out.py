"""What a trial document asks is carried out, or refused by name: by check, by run and in Python alike."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from cereblon.clinic.codes import THRESHOLDS
from cereblon.clinic.rules import Site
from cereblon.clinic.site.drugs import SiteDrug
from cereblon.clinic.site.orders import Orders, assessment_days, ct_flags
from cereblon.clinic.site.orders_rules import arm_numbers
from cereblon.clinic.trial.calendar import HORIZON
from cereblon.clinic.trial.check import check_trial, trial_warnings
from cereblon.clinic.trial.design import Arm
from cereblon.clinic.trial.drugs import drugs
from cereblon.clinic.trial.load import load_trial, parse_trial, template_text, trial_ids
from cereblon.clinic.trial.plan import PhasePlan, arm_plan
from cereblon.clinic.trial.population import Eligibility, Printed
from cereblon.clinic.trial.trial import Trial
from cereblon.errors import CereblonError
from cereblon.model import load_model
from cereblon.patients.population import PRINTED
from cereblon.study.drugs import site_drugs
from cereblon.study.population import population_of

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


STEROID = {"drug": "dexamethasone", "dose": "20 mg", "days": "1-4", "cycle": "28 days"}

# name: (document, field, words of the message)
REFUSED: dict[str, tuple[Document, str, str]] = {
    "a course after the follow-up": (treated(from_day=400), "arms[0].treatment[0]", "no dose of lenalidomide falls"),
    "cycles after the follow-up": (treated(cycles="20-24"), "arms[0].treatment[0]", "no dose of lenalidomide falls"),
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
        "20 mg is outside 2.5 mg to 15 mg",
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
    "examinations between weeks": (
        document() | {"schedule": {"examination_every_days": "20 days"}},
        "schedule.examination_every_days",
        "20 days is not a multiple of 7 days: expected 14, 28, 84 ... (nearest: 14 or 21 days)",
    ),
    "two ends of treatment": (
        treated(STEROID | {"until": "progression_or_cr"}, until="progression_or_cr", cycles_beyond_cr=2),
        "arms[0].treatment[1]",
        "treatment ends 56 days after CR by treatment[0], and 0 days after by this one",
    ),
    "rules of a drug that has none": (
        document(treatment=[STEROID], rules={"set": "myeloma"}),
        "arms[0].rules",
        "no dose of dexamethasone is held by rules",
    ),
    "levels of a drug that has none": (
        document(treatment=[STEROID], levels=["10 mg", "20 mg"]),
        "arms[0].levels",
        "no drug of the treatment is stepped by levels",
    ),
    "neither treatment nor phases": (
        {**document(), "arms": [{"id": "A", "name": "a", "size": 4}]},
        "arms[0]",
        "expected what is given: treatment, or phases",
    ),
    "an infusion past midnight": (
        treated(STEROID | {"hours": [0, 18], "over": "7 h", "dose": "2 mg"}),
        "arms[0].treatment[1].over",
        "7 h from hour 18 run past midnight: expected at most 6 h",
    ),
    "an infusion into the next dose": (
        treated(STEROID | {"hours": [0, 6], "over": "390 min", "dose": "2 mg"}),
        "arms[0].treatment[1].over",
        "6.5 h from hour 0 run into the dose of hour 6",
    ),
    "an absurd dose twice a day": (
        treated(hours=[0, 12], dose="30 mg"),
        "arms[0].treatment[0].dose",
        "30 mg, 2 times a day, of lenalidomide is absurd: expected at most 50 mg",
    ),
    "an absurd dose by surface": (
        treated(STEROID | {"dose": "50 mg/m2"}),
        "arms[0].treatment[1].dose",
        "50 mg/m2 a day of dexamethasone is absurd: expected at most 80 mg in a body of 1.8 m2",
    ),
    "the dose of a day at two hours": (
        treated(hours=[0, 12], dose="10 mg/day"),
        "arms[0].treatment[0].dose",
        "10 mg/day at 2 hours of a day",
    ),
    "a cap of a flat dose": (
        treated(STEROID | {"most": "40 mg"}),
        "arms[0].treatment[1].most",
        "20 mg is the same for everybody",
    ),
    "a cap by surface": (
        treated(STEROID | {"dose": "6 mg/m2", "most": "8 mg/m2"}),
        "arms[0].treatment[1].most",
        "8 mg/m2 is no highest dose: expected a flat one",
    ),
    "a dose in the unit of another drug": (
        treated(STEROID | {"dose": "20 IU"}),
        "arms[0].treatment[1].dose",
        "20 IU: dexamethasone is counted in mg",
    ),
    "a step of another basis": (
        treated(escalation=RISE | {"step": "5 mg/m2"}),
        "arms[0].treatment[0].escalation.maximum",
        "15 mg cannot be set beside 5 mg/m2",
    ),
    "a flare steroid by surface": (
        document(flare_steroid={"drug": "prednisone", "dose": "20 mg/m2"}),
        "arms[0].flare_steroid.dose",
        "expected it flat",
    ),
    "a flare steroid that is none": (
        document(flare_steroid={"drug": "allopurinol", "dose": "20 mg"}),
        "arms[0].flare_steroid.drug",
        "unknown steroid: expected one of dexamethasone, prednisone",
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


@pytest.mark.parametrize("drug", sorted(drugs()))
@pytest.mark.parametrize("part", ["treatment", "support"])
def test_every_drug_is_planned_on_its_days(drug: str, part: str) -> None:
    course = {"drug": drug, "dose": "0.3 mg" if drug == "filgrastim" else "10 mg", "days": "3, 5", "cycle": "28 days"}
    wanted = document(treatment=[course]) if part == "treatment" else document(treatment=[STEROID], support=[course])
    if drug == "dexamethasone" and part == "support":
        wanted = document(support=[course])
    [planned] = [p for p in only_phase(wanted).courses if p.treatment == (part == "treatment")]
    assert set(np.flatnonzero(planned.days) % 28) == {2, 4}
    assert (planned.drug, planned.ladder[planned.start]) == (drug, 300.0 if drug == "filgrastim" else 10.0)


def only_phase(data: Document) -> PhasePlan:
    """Return the phase of the plan of a trial with one arm and no phases of its own."""
    [phase] = arm_plan(Trial.model_validate(data).arms[0]).phases
    return phase


@pytest.mark.parametrize("name", trial_ids())
def test_every_course_of_the_registry_is_planned(name: str) -> None:
    for arm in load_trial(name).arms:
        [phase] = arm_plan(arm).phases
        assert len(phase.courses) == len(arm.treatment) + len(arm.support)
        for planned, course in zip(phase.courses, (*arm.treatment, *arm.support), strict=True):
            np.testing.assert_array_equal(planned.days, course.mask(HORIZON))
            assert planned.ladder[planned.start] == course.dose


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
    [planned] = only_phase(treated(escalation=RISE, **course)).courses
    assert np.flatnonzero(planned.days)[0] + 1 == first
    assert np.flatnonzero(planned.escalate)[:2].tolist() == [first - 1 + 28, first - 1 + 56]


def test_cycles_beyond_cr_are_cycles_of_the_course() -> None:
    course = {"cycle": "42 days", "until": "progression_or_cr", "cycles_beyond_cr": 2}
    assert only_phase(treated(**course)).cr_days == 84
    assert only_phase(document()).cr_days == -1


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


@cache
def on_board() -> tuple[SiteDrug, ...]:
    """Return every drug of the package as the site gives it."""
    return site_drugs(load_model(tuple(drugs())))


def _numbers(data: Document) -> dict[str, Any]:
    plan = arm_plan(Trial.model_validate(data).arms[0])
    single, by_drug = arm_numbers(plan, on_board(), Site.packaged())
    return {**single, **{name: tuple(of_drug) for name, of_drug in by_drug.items()}}


def test_every_field_of_the_dose_rules_reaches_the_clinic() -> None:
    assert set(ARM_FIELDS) == set(_arm_fields())
    plain = _numbers(document())
    for name, changed in ARM_FIELDS.items():
        assert _numbers(changed) != plain, name


def test_every_printed_item_and_every_limit_reaches_the_cohort() -> None:
    words, cut = {"of", "words"}, {"bulky_cm"}  # for the reader; what a bulky node is
    printed = {name for name in Printed.model_fields if name not in words}
    assert printed == set(PRINTED) - {"male_pct"} | cut
    values: Document = dict.fromkeys((n for n in printed if n.endswith("_pct")), 10.0)
    values |= {"alc_median": "60e9/L", "platelets_median": "120e9/L", "crcl_median": "70 mL/min"}
    values |= {"b2m_median": 4.0, "hemoglobin_median": 11.0, "anc_median": "3e9/L", "igg_median": 600.0}
    values |= {"ldh_median": 1.1, "spd_median": 30.0, "ldi_median": 4.0, "bulky_cm": 7.0}
    limits: Document = {"age_min": 50.0, "age_max": 90.0, "crcl_min": "30 mL/min", "crcl_max": "150 mL/min"}
    limits |= {"creatinine_max_mg_dl": 2.0, "anc_min": "1e9/L", "platelets_min": "50e9/L", "hemoglobin_min": 8.0}
    limits |= {"ecog_max": 2, "lines_min": 0, "lines_max": 0}
    assert set(values) == printed
    assert set(limits) == set(Eligibility.model_fields) - words
    people = {"size": 4, "age": {"median": 70}, "male_pct": 60, "printed": values, "eligibility": limits}
    population = population_of(Trial.model_validate(document() | {"population": people}))
    assert set(population.printed) == set(PRINTED)
    assert population.bulky_cm == 7.0
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
    plan = Orders(trial, np.arange(n), people | {"prior_lines": np.zeros(n)}, draws, on_board(), Site.packaged())
    due, levels = plan.daily(0)["due"], plan.static["levels"]
    for subject, arm in enumerate(trial.arms):
        for course in arm.treatment:
            row = plan.names.index(course.drug)
            assert (due[:, row, subject] > 0).any() == (course.mask(28).any())
            assert np.float32(course.dose.within(on_board()[row].unit)) in levels[:, row, subject]
        assert (due[:, :, subject] > 0).any()
