"""Response criteria: the checked cases, and the vectorised rules against the rules for one subject."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st

from cereblon.clinic.criteria.response import (
    Category,
    Criteria,
    Lowest,
    Reading,
    best_response,
    first_response,
    progression,
    response,
)
from cereblon.clinic.rules import Site

SITE = Site.packaged()
CRITERIA: dict[str, Criteria] = {"1996": "NCI-WG 1996", "2008": "iwCLL 2008", "2018": "iwCLL 2018"}
FLAGS = (
    "nodules",
    "hypocellular",
    "drug_cytopenia",
    "new_node",
    "richter",
    "liver",
    "symptoms",
    "transfused",
)
BASE: dict[str, Any] = {
    "alc": 100.0,
    "spd": 40.0,
    "longest": 6.0,
    "spleen": 17.0,
    "platelets": 90.0,
    "hemoglobin": 10.0,
    "anc": 3.0,
    "marrow": 70.0,
    "leukemic_cytopenia": False,
    "nodes": 3,
    **dict.fromkeys(FLAGS, False),
}
CLEAN = {
    "alc": 2.0,
    "spd": 2.0,
    "longest": 1.0,
    "spleen": 12.0,
    "platelets": 200.0,
    "hemoglobin": 13.0,
    "marrow": 10.0,
}
PARTLY = {"alc": 20.0, "spd": 15.2, "longest": 3.0, "spleen": 14.5, "platelets": 120.0, "marrow": None}
# baseline ALC 100, SPD 40, spleen 17, platelets 90, Hb 10, ANC 3: endpoints table of checked cases
CASES = [
    ("everything normal, marrow 10 %", CLEAN, ("CR", "CR", "PR")),
    ("same with nodules", CLEAN | {"nodules": True}, ("nPR", "PR", "PR")),
    ("same, drug neutropenia", CLEAN | {"anc": 0.8, "drug_cytopenia": True}, ("PR", "CRi", "PR")),
    ("ALC -80, SPD -62, spleen excess -62 %", PARTLY, ("PR", "PR", "PR")),
    ("same but spleen excess -12 %", PARTLY | {"spleen": 16.5}, ("SD", "PR", "PR")),
    ("ALC -10 %, nodes and spleen down", PARTLY | {"alc": 90.0}, ("SD", "PR", "PRL")),
]


def reading(visits: list[dict[str, Any]]) -> Reading:
    def column(name: str) -> Any:
        values = [visit[name] for visit in visits]
        if isinstance(BASE[name], bool):
            return np.array(values, dtype=bool)
        if name == "nodes":
            return np.array(values)
        return np.array([np.nan if v is None else v for v in values], dtype=float)

    return Reading(**{name: column(name) for name in BASE})


def lowest(visits: list[dict[str, Any]]) -> Lowest:
    return Lowest(*(np.array([v[k] for v in visits], dtype=float) for k in ("alc", "spd", "spleen")))


@pytest.mark.parametrize(("words", "found", "expected"), CASES, ids=[c[0] for c in CASES])
def test_checked_cases(words: str, found: dict[str, Any], expected: tuple[str, ...]) -> None:
    now, base = reading([BASE | found]), reading([BASE])
    for name, wanted in zip(CRITERIA, expected, strict=True):
        assert Category(int(response(now, base, CRITERIA[name], SITE)[0])).name == wanted
        assert not progression(now, base, lowest([BASE]), CRITERIA[name], SITE)[0]
        assert reference.category(BASE | found, BASE, name) == wanted


@pytest.mark.parametrize("name", CRITERIA)
def test_flare_is_not_progression(name: str) -> None:
    now, base = reading([BASE | {"spd": 62.0, "alc": 130.0, "marrow": None}]), reading([BASE])
    assert progression(now, base, lowest([BASE]), CRITERIA[name], SITE)[0]
    assert not progression(now, base, lowest([BASE]), CRITERIA[name], SITE, flare=True)[0]


@pytest.mark.parametrize(("name", "late"), [("1996", False), ("2008", True), ("2018", True)])
def test_cytopenia_is_progression_only_late_after_the_drug_and_proven(name: str, late: bool) -> None:
    now, base = reading([BASE | {"platelets": 36.0, "leukemic_cytopenia": True}]), reading([BASE])
    low = lowest([BASE])
    assert not progression(now, base, low, CRITERIA[name], SITE)[0]
    assert progression(now, base, low, CRITERIA[name], SITE, on_drug=False, months_off=4.0)[0] == late
    assert not progression(now, base, low, CRITERIA[name], SITE, on_drug=False, months_off=2.0)[0]


def numbers(low: float, high: float, *edges: float) -> st.SearchStrategy[float]:
    """Values in a range, and often one of the limits of the criteria."""
    return st.one_of(st.floats(low, high), st.sampled_from([low, high, *edges]))


VISIT = st.fixed_dictionaries(
    {
        "alc": numbers(0.0, 300.0, 4.0, 5.0, 7.5, 50.0, 100.0),
        "spd": numbers(0.0, 120.0, 20.0, 40.0, 60.0),
        "longest": numbers(0.0, 12.0, 1.5, 2.0),
        "spleen": numbers(9.0, 30.0, 13.0, 15.0, 17.0),
        "platelets": numbers(10.0, 300.0, 90.0, 100.0, 135.0, 45.0),
        "hemoglobin": numbers(6.0, 16.0, 11.0, 10.0, 15.0, 8.0),
        "anc": numbers(0.1, 9.0, 1.5, 3.0, 4.5),
        "marrow": st.one_of(st.none(), numbers(0.0, 100.0, 1.0, 30.0)),
        "leukemic_cytopenia": st.booleans(),
        "nodes": st.integers(0, 4),
        **{name: st.sampled_from([False, False, False, True]) for name in FLAGS},
    }
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(VISIT, VISIT, VISIT), min_size=1, max_size=8),
    st.sampled_from(list(CRITERIA)),
    st.sampled_from([None, True, False]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([0.0, 2.0, 3.0, 6.0]),
)
def test_arrays_agree_with_one_subject_at_a_time(visits, name, lymphocytosis, flare, on_drug, months) -> None:
    now, base, low = ([v[i] for v in visits] for i in range(3))
    found = response(reading(now), reading(base), CRITERIA[name], SITE, lymphocytosis=lymphocytosis)
    expected = [reference.category(o, b, name, lymphocytosis) for o, b in zip(now, base, strict=True)]
    assert [Category(int(c)).name for c in found] == expected
    worse = progression(
        reading(now),
        reading(base),
        lowest(low),
        CRITERIA[name],
        SITE,
        flare=flare,
        on_drug=on_drug,
        months_off=months,
    )
    wanted = [
        reference.progressed(o, b, n, name, on_drug, months, flare) for o, b, n in zip(now, base, low, strict=True)
    ]
    assert worse.tolist() == wanted


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(7, 60), min_size=1, max_size=8),
    st.lists(st.lists(st.sampled_from([-1, 0, 1, 2, 3, 4, 5]), min_size=8, max_size=8), min_size=1, max_size=4),
)
def test_best_response_agrees_with_one_subject_at_a_time(gaps: list[int], codes: list[list[int]]) -> None:
    days = np.cumsum(gaps)
    visits = np.array(codes, dtype=np.int8).T[: len(days)]
    found = best_response(days, visits, 56.0)
    for subject in range(visits.shape[1]):
        told = [(float(d), Category(int(c)).name) for d, c in zip(days, visits[:, subject], strict=True)]
        assert Category(int(found[subject])).name == reference.best(told)


def test_response_needs_two_months() -> None:
    pr, sd, pd, ne = Category.PR, Category.SD, Category.PD, Category.NE
    visits = np.array([[ne, ne, ne], [pr, pr, ne], [pr, ne, ne], [pd, pr, ne]], dtype=np.int8)
    days = [0, 28, 56, 84]
    # the first lost it too soon; the second missed a visit and still holds it 56 days later
    assert best_response(days, visits, 56.0).tolist() == [sd, pr, ne]
    np.testing.assert_equal(first_response(days, visits, 56.0), [np.nan, 28.0, np.nan])
