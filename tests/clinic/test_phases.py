"""Phases, told by day: what follows on what, who is drawn to what, who rests, and each drug by its own ladder."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from story import DRUGS, SITE, orders, run, trial

from cereblon.clinic.codes import Off
from cereblon.clinic.criteria.response import Category
from cereblon.clinic.site.drugs import SiteDrug
from cereblon.clinic.site.orders import Orders
from cereblon.clinic.trial.trial import Trial
from cereblon.errors import CereblonError

LEAD_IN = {
    "id": "lead-in",
    "cycle": "21 days",
    "cycles": 1,
    "give": [{"drug": "lenalidomide", "dose": "5 mg", "days": "1-14"}],
    "then": [{"to": "induction"}],
}
INDUCTION = {
    "id": "induction",
    "cycle": "28 days",
    "cycles": 2,
    "give": [
        {"drug": "lenalidomide", "dose": "10 mg", "days": "1-21", "from": {"cycle": 1, "day": 8}},
        {"drug": "dexamethasone", "dose": "20 mg", "days": [1, 8], "cycles": [1]},
    ],
    "support": [{"drug": "allopurinol", "dose": "300 mg", "days": "1-3", "cycles": [1]}],
    "then": [
        {
            "when": "response PR or better",
            "rest": "until counts recover",
            "at_most": "56 days",
            "to": ["maintenance", "observation"],
            "randomise": [1, 1],
        }
    ],
}
MAINTENANCE = {
    "id": "maintenance",
    "cycle": "28 days",
    "until": "progression",
    "give": [{"drug": "lenalidomide", "dose": "2.5 mg", "days": "every day"}],
}
OBSERVATION = {"id": "observation", "until": "progression"}
END_OF_INDUCTION = 21 + 56


def phased(*phases: dict[str, Any], **changes: Any) -> Trial:
    """Return a trial of one arm with these phases."""
    document = trial().model_dump(mode="json", exclude_unset=True)
    arm = {k: v for k, v in document["arms"][0].items() if k != "treatment"}
    return Trial.model_validate({**document, "arms": [{**arm, "phases": list(phases), **changes}]})


def days_of(doses: dict[str, np.ndarray], state: str, subject: int = 0) -> list[int]:
    """Return the days of the document (from 1) with a dose."""
    return (np.flatnonzero(doses[state][:, subject]) + 1).tolist()


def seen(*categories: Category, mrd: int = 0) -> Any:
    """Return what the site knows, the same on all days."""
    return lambda day: (np.array(categories, dtype=np.int8), np.full(len(categories), mrd, dtype=np.int8))


def test_three_phases_by_hand() -> None:
    plan = orders(phased(LEAD_IN, INDUCTION, MAINTENANCE, OBSERVATION), n=2, randomisation=0.1)
    assert plan.weeks == 1  # a step is decided on the day it is due
    history, doses = run(plan, 140, seen=seen(Category.PR, Category.SD))
    # lead-in days 1-14; induction begins on day 22: its cycle 1 has days 8-21 = 29-42, its cycle 2 days 1-21 = 50-70;
    # it is over after day 77, and maintenance is every day from 78
    wanted = [*range(1, 15), *range(29, 43), *range(50, 71), *range(78, 141)]
    assert days_of(doses, "len_gut") == wanted
    assert days_of(doses, "dex_gut") == [22, 29]
    assert days_of(doses, "allopurinol_gut") == [22, 23, 24]
    given = doses["len_gut"][:, 0]
    assert set(given[:14]) == {5.0}
    assert set(given[28:42]) == {10.0}
    assert set(given[77:]) == {2.5}
    # the second subject has no response: the plan ends with induction
    assert days_of(doses, "len_gut", 1) == [day for day in wanted if day <= END_OF_INDUCTION]
    assert history[-1]["off_reason"].tolist() == [Off.ON, Off.COMPLETED]
    assert history[-1]["off_day"][1] == END_OF_INDUCTION


def test_the_second_step_is_drawn() -> None:
    document = phased(LEAD_IN, INDUCTION, MAINTENANCE, OBSERVATION)
    # exponentials below log 2 are uniforms below a half
    kept = run(orders(document, randomisation=0.6), 140, seen=seen(Category.CR))[1]
    observed_history, observed = run(orders(document, randomisation=0.8), 140, seen=seen(Category.CR))
    assert days_of(kept, "len_gut")[-1] == 140
    assert days_of(observed, "len_gut")[-1] == 70
    assert observed_history[-1]["off"][0] == 0  # observation is part of the plan: nobody has left it


def test_a_rest_lasts_until_counts_recover_and_not_for_ever() -> None:
    document = phased(LEAD_IN, INDUCTION, MAINTENANCE, OBSERVATION)

    def low_until(end: int) -> Any:
        return lambda day: {"platelets": 40.0 if 60 <= day < end else 180.0, "anc": 4.0}

    _, rested = run(orders(document, randomisation=0.1), 160, low_until(98), seen=seen(Category.PR))
    # counted on day 99, known on the next visit
    assert next(day for day in days_of(rested, "len_gut") if day > 70) == 98 + 7 + 1
    history, never = run(orders(document, randomisation=0.1), 160, low_until(1000), seen=seen(Category.PR))
    assert all(day <= 70 for day in days_of(never, "len_gut"))
    assert history[-1]["off_reason"][0] == Off.CYTOPENIA
    assert history[-1]["off_day"][0] == END_OF_INDUCTION + 56


def test_a_step_on_mrd() -> None:
    on_mrd = INDUCTION | {"then": [{"when": "MRD undetectable", "to": "observation"}, {"to": "maintenance"}]}
    document = phased(LEAD_IN, on_mrd, MAINTENANCE, OBSERVATION)
    deep = run(orders(document), 100, seen=seen(Category.PR, mrd=2))[1]
    shallow = run(orders(document), 100, seen=seen(Category.PR, mrd=1))[1]
    assert days_of(deep, "len_gut")[-1] == 70
    assert days_of(shallow, "len_gut")[-1] == 100


def test_phases_of_any_length_follow_on_the_day() -> None:
    ten = LEAD_IN | {"cycle": "10 days", "give": [{"drug": "lenalidomide", "dose": "5 mg"}]}
    plan = orders(phased(ten, INDUCTION | {"then": []}))
    assert plan.weeks == 4  # nothing is decided on the way
    history, doses = run(plan, 84)
    assert days_of(doses, "len_gut") == [*range(1, 11), *range(18, 32), *range(39, 60)]
    assert history[-1]["off_day"][0] == 66


def test_two_courses_of_one_drug_each_by_its_own_ladder() -> None:
    rising = {"to_steps": ["10 mg"], "first_after": "28 days", "every": "28 days", "maximum": "10 mg"}
    first = {
        "drug": "lenalidomide",
        "dose": "5 mg",
        "days": "1-21",
        "cycle": "28 days",
        "cycles": "1-4",
        "escalation": rising | {"condition": "always"},
    }
    second = {"drug": "lenalidomide", "dose": "15 mg", "days": "1-21", "cycle": "28 days", "from_day": 113}
    _, doses = run(orders(trial(treatment=[first, second])), 252)
    given = doses["len_gut"][:, 0]
    assert given[:112].max() == 10  # as published for O2: at most 10 mg before day 113
    assert set(given[112:]) == {0.0, 15.0}
    # a reduction in the first course is not carried into the second, nor can it lower it
    _, reduced = run(orders(trial(treatment=[first, second])), 252, lambda day: {"anc": 0.4 if 35 <= day < 42 else 4.0})
    assert reduced["len_gut"][56:112, 0].max() <= 10
    assert reduced["len_gut"][112, 0] == 15


def test_drugs_are_held_by_their_own_rules() -> None:
    ruled = {"drug": "lenalidomide", "dose": "10 mg"}
    free = {"drug": "dexamethasone", "dose": "4 mg"}
    _, doses = run(
        orders(phased({"id": "both", "give": [ruled, free]})), 28, lambda day: {"anc": 0.4 if day >= 7 else 4}
    )
    assert days_of(doses, "len_gut") == list(range(1, 8))
    assert days_of(doses, "dex_gut") == list(range(1, 29))


def test_a_drug_alone_is_given() -> None:
    _, doses = run(orders(phased({"id": "steroid", "give": [{"drug": "prednisone", "dose": "50 mg"}]})), 28)
    np.testing.assert_allclose(doses["dex_gut"][:, 0], 0.15 * 50, rtol=1e-6)


def test_a_dose_by_surface_and_weight() -> None:
    by_surface = {"drug": "dexamethasone", "dose": "10 mg/m2"}
    by_weight = {"drug": "filgrastim", "dose": "5 ug/kg"}
    document = phased({"id": "both", "give": [by_surface, by_weight]})
    covariates = {
        "age": np.full(2, 60.0),
        "male": np.ones(2),
        "crcl": np.full(2, 90.0),
        "prior_lines": np.zeros(2),
        "bsa": np.array([1.6, 2.1]),
        "weight": np.array([60.0, 100.0]),
    }
    thresholds = orders(document, n=2)._thresholds
    plan = Orders(document, np.zeros(2, int), covariates, thresholds, DRUGS, SITE)
    _, doses = run(plan, 7)
    np.testing.assert_allclose(doses["dex_gut"][0], [16.0, 21.0], rtol=1e-6)
    np.testing.assert_allclose(doses["gcsf_depot"][0], [300.0, 500.0], rtol=1e-6)


def test_a_drug_that_reaches_no_state_is_refused() -> None:
    document = phased({"id": "steroid", "give": [{"drug": "prednisone", "dose": "50 mg"}]})
    plan = orders(document)
    only = (SiteDrug("lenalidomide", "len_gut", 1.0),)
    with pytest.raises(CereblonError, match="arm a: prednisone reaches no state of the model; it has lenalidomide"):
        Orders(document, plan.arm, plan._covariates, plan._thresholds, only, SITE)
