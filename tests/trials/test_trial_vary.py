"""A trial is varied by path, checked and linted as a whole; no way to copy a document makes an invalid one."""

from __future__ import annotations

import copy
import pickle
import warnings
from typing import Any

import pytest

import cereblon
from cereblon import CereblonError, CereblonWarning, load_trial
from cereblon.clinic.trial.design import Arm, Course, FollowUp, Rules, Schedule
from cereblon.clinic.trial.trial import Trial
from cereblon.evidence.schema import Condition

BUHLER = load_trial("buhler2013")  # three arms: start-5, start-10, start-15


@pytest.mark.filterwarnings("ignore:published")  # of figures with more patients than the trial has now
def test_fields_are_named_by_path_and_values_are_written_as_in_a_document() -> None:
    varied = BUHLER.vary(
        {
            "arms.start-10.rules.anc_hold": "0.5e9/L",
            "arms.0.size": 30,
            "arms[1].treatment[0].days": "1-14",
            "population.size": 99,
            "schedule.ct_days": [85],
            "schedule.counts.then_every_days": "2 weeks",
            "criteria": "iwCLL 2018",
            "population.eligibility": {"crcl_min": "30 mL/min"},
            "summary": None,
        }
    )
    assert isinstance(varied, Trial)
    assert varied.arm("start-10").rules == Rules.model_validate({"anc_hold": "500/uL"})
    assert [arm.size for arm in varied.arms] == [30, 35, 34]
    assert varied.arms[1].treatment[0].days == tuple(range(1, 15))
    assert varied.schedule.ct_days == (85,)
    assert varied.schedule.counts.then_every_days == 14
    assert varied.criteria == "iwCLL 2018"
    assert varied.population.eligibility.crcl_min == 30.0
    assert varied.population.age == BUHLER.population.age
    assert varied.summary is None
    assert BUHLER.criteria == "iwCLL 2008"  # the trial itself stays as it was


@pytest.mark.parametrize("name", cereblon.trial_ids())
def test_nothing_changed_is_the_same_trial_to_the_last_digit(name: str) -> None:
    trial = load_trial(name)
    again = trial.vary({})
    assert again == trial
    assert again.model_dump_json() == trial.model_dump_json()
    assert again.model_fields_set == trial.model_fields_set  # what was left out still follows its default


def test_parsed_parts_of_another_trial_are_values_too() -> None:
    other = load_trial("ferrajoli2008").arms[0]
    varied = BUHLER.vary({"arms.start-5.rules": other.rules, "arms.start-5.treatment": other.treatment})
    assert varied.arms[0].rules == other.rules
    assert varied.arms[0].treatment == other.treatment


def test_later_changes_see_earlier_ones() -> None:
    first = BUHLER.vary({"arms.start-5.rules.anc_hold": "0.5e9/L"})
    varied = first.vary({"arms.start-5.id": "low", "arms.low.rules.platelets_hold": "25e9/L"})
    assert varied.arm("low").rules.overrides == {**first.arms[0].rules.overrides, "platelets_hold": 25.0}


def test_an_id_wins_over_a_position_and_may_have_dots() -> None:
    size = {"population.size": 105}
    named = BUHLER.vary({"arms.0.id": "2.5mg", "arms.1.id": "0"})
    assert [arm.size for arm in named.vary({"arms.2.5mg.size": 36, **size}).arms] == [36, 35, 34]
    assert [arm.size for arm in named.vary({"arms[2.5mg].size": 36, **size}).arms] == [36, 35, 34]
    assert [arm.size for arm in named.vary({"arms.0.size": 36, **size}).arms] == [35, 36, 34]


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("critera", "iwCLL 2018", "critera: unknown field; nearest: criteria"),
        ("criteria", "iwCLL 2088", "criteria: 'iwCLL 2088': expected 'NCI-WG 1996', "),
        ("criteria.rules", 1, "criteria.rules: criteria is iwCLL 2008, which has no fields"),
        ("nodes_by", "mri", "nodes_by: 'mri': expected 'palpation' or 'ct'"),
        ("arms.start-6.size", 3, "arms: no item 'start-6': expected a position from 0 to 2 or one of start-5, "),
        ("arms.3.size", 3, "arms: no item '3': expected a position from 0 to 2"),
        ("arms.0.rules.anc_hld", "1e9/L", "arms[0].rules.anc_hld: unknown field; nearest: anc_hold"),
        ("arms.0.rules.anc_hold", 0.5, "arms[0].rules.anc_hold: 0.5: has no unit: expected a blood count such as "),
        ("arms.0.rules.anc_hold", "0.5 mg", "arms[0].rules.anc_hold: '0.5 mg': has unit 'mg': expected a blood count"),
        ("arms.0.treatment.0.dose", "7.5 mg", "arms[0].treatment[0]: the planned dose 7.5 mg is not among the levels"),
        ("arms.0.size", "30", "arms[0].size: '30': expected a whole number"),
        ("arms.0.size", 30, "population.size: the arms hold 99 subjects, but population.size is 104"),
        ("schedule", {"ct_dys": [85]}, "schedule.ct_dys: unknown field; nearest: ct_days"),
        ("schedule.ct_days.7", 85, "schedule.ct_days: no item '7': expected a position from 0 to "),
        ("follow_up", 12, "follow_up: 12: expected fields duration_months, accrual_months"),
        ("follow_up.duration_months", float("nan"), "follow_up.duration_months: nan: expected"),
        ("summary", {1, 2}, "summary: {1, 2} (set): expected text, a number, a list or a mapping"),
        ("schedule", {85: 1}, "schedule: 85: expected the name of a field"),
        ("arms..size", 1, "path 'arms..size': expected names of fields with dots"),
        ("", 1, "path '': expected names of fields with dots"),
        (5, 1, "path '5': expected names of fields with dots"),
        ("id\x1b[2J", 1, "path 'id\\x1b[2J': expected names of fields with dots"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(path: Any, value: object, words: str) -> None:
    with pytest.raises(CereblonError) as refused:
        BUHLER.vary({path: value})
    message = str(refused.value)
    assert message.startswith(words)
    assert message.isprintable()


def test_changes_are_a_mapping() -> None:
    with pytest.raises(CereblonError, match="expected a mapping of paths to values"):
        BUHLER.vary([("criteria", "iwCLL 2018")])  # type: ignore[arg-type]


def test_the_linter_speaks_and_points_at_the_caller() -> None:
    with pytest.warns(CereblonWarning, match=r"^schedule.ct_days\[0\]: day 3000 is after the end") as seen:
        BUHLER.vary({"schedule.ct_days": [3000]})
    assert seen[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        BUHLER.vary({"schedule.ct_days": [85]})


@pytest.mark.parametrize(
    ("update", "words"),
    [
        ({"criteria": "iwCLL 2088"}, "criteria: 'iwCLL 2088': expected"),
        ({"critera": "NCI-WG 1996"}, "critera: unknown field; nearest: criteria"),
        ({"nodes_by": "mri"}, "nodes_by: 'mri': expected"),
        ({"follow_up": 12}, "follow_up: 12: expected fields"),
        ({"arms": BUHLER.arms[:1]}, "population.size: the arms hold 35 subjects"),
        ({"schedule": {"ct_days": [90, 85]}}, "schedule.ct_days: expected rising days"),
    ],
)
def test_no_copy_is_invalid(update: dict[str, object], words: str) -> None:
    complete = {name: getattr(BUHLER, name) for name in Trial.model_fields}
    ways = (
        lambda: BUHLER.model_copy(update=update),
        lambda: BUHLER.model_copy(update=update, deep=True),
        lambda: BUHLER.copy(update=update),
        lambda: BUHLER.__replace__(**update),
        lambda: Trial.model_construct(**{**complete, **update}),
        lambda: Trial.construct(**{**complete, **update}),
    )
    for way in ways:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # two of them are deprecated names
            with pytest.raises(CereblonError) as refused:
                way()
        assert str(refused.value).startswith(words)


def test_a_copy_is_validated_in_every_part() -> None:
    course = BUHLER.arms[0].treatment[0]
    assert course.model_copy(update={"dose": 10.0}).dose == course.model_copy(update={"dose": "10 mg"}).dose == 10.0
    assert course.model_copy(update={"cycle": 21}) == course.model_copy(update={"cycle": "3 weeks"})
    with pytest.raises(CereblonError, match="is absurd"):
        course.model_copy(update={"dose": 500.0})
    with pytest.raises(CereblonError, match="expected a whole number of days"):
        course.model_copy(update={"cycle": 1.5})
    with pytest.raises(CereblonError, match="expected a dose with its unit"):
        course.model_copy(update={"dose": True})
    with pytest.raises(CereblonError, match="anc_resume 1 is below anc_hold 2"):
        Rules.model_construct(anc_hold=2.0, anc_resume=1.0)
    with pytest.raises(CereblonError, match=r"^duration_months: is missing: expected the fields duration_months$"):
        FollowUp.model_construct()
    with pytest.raises(CereblonError, match="medium"):
        Condition().model_copy(update={"medium": "much"})
    with pytest.raises(CereblonError, match="include: a copy has all fields"):
        Schedule().copy(include={"marrow"})


def test_valid_copies_are_what_they_were() -> None:
    blind = BUHLER.blind()
    assert blind.published == ()
    assert blind.arms[0] is BUHLER.arms[0]  # a part that was valid is not read again
    assert blind.model_copy(update={"published": BUHLER.published}) == BUHLER
    assert BUHLER.model_copy() == copy.copy(BUHLER) == copy.deepcopy(BUHLER) == pickle.loads(pickle.dumps(BUHLER))
    assert BUHLER.model_copy(update={"title": "x"}).model_fields_set == BUHLER.model_fields_set
    assert BUHLER.model_copy(deep=True).arms[0] is not BUHLER.arms[0]
    assert isinstance(BUHLER.arms[0], Arm)
    assert isinstance(BUHLER.arms[0].treatment[0], Course)


def test_a_document_still_needs_units() -> None:
    with pytest.raises(ValueError, match="has no unit"):
        Course.model_validate({"drug": "lenalidomide", "dose": 5.0})


def test_a_document_made_by_its_class_is_checked_in_one_line() -> None:
    with pytest.raises(CereblonError, match=r"^drug: 'aspirin': unknown drug: expected one of .*nearest: allopurinol"):
        Course(drug="aspirin", dose=5.0)
    with pytest.raises(CereblonError, match=r"^id: is missing: expected the fields id, title"):
        Trial()  # type: ignore[call-arg]


def test_a_document_does_not_change() -> None:
    with pytest.raises(CereblonError, match=r"^Trial\.criteria: a document does not change"):
        BUHLER.criteria = "iwCLL 2008"  # type: ignore[misc]
    with pytest.raises(CereblonError, match=r"^Arm\.size: a document does not change"):
        del BUHLER.arms[0].size
