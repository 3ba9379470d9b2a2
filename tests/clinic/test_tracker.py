"""Assessments over time: noise must not make progression, growth must, flare and steroid do not count."""

from __future__ import annotations

import numpy as np
import pytest

from cereblon.clinic.codes import NOISE, NOISE_ROW, Off
from cereblon.clinic.criteria.nodes import Sizes, by_ct, by_hand, felt_spd, spleen_length
from cereblon.clinic.criteria.response import Category
from cereblon.clinic.criteria.tracker import ResponseTracker
from cereblon.clinic.rules import Site

SITE = Site.packaged()
BEFORE = {
    "alc": 60.0,
    "anc": 4.0,
    "platelets": 120.0,
    "hemoglobin": 12.0,
    "node_volume": 400.0,
    "spleen_volume": 700.0,
    "marrow_infiltration": 0.7,
    "blood_clone_fraction": 0.9,
}


def clinic(n: int, **changes: float) -> dict[str, np.ndarray]:
    state = {k: np.zeros(n) for k in ("dead", "off", "off_reason", "progressed", "flare_max", "death_cause")} | {
        k: np.full(n, -1.0) for k in ("off_day", "last_step_day", "steroid_day", "progressed_day", "death_day")
    }
    state["end_day"] = np.full(n, 1.0e6)
    return state | {k: np.full(n, float(v)) for k, v in changes.items()}


def follow(course, n=1, months=24, nodes_by="palpation", criteria="iwCLL 2008", seed=None, state=None, ct=()):
    """Assess n subjects every 28 days; `course(day)` changes the truth. seed None: no measurement error."""
    rng = np.random.default_rng(seed)
    zero = np.zeros(n)
    personal = rng.standard_normal(n) if seed is not None else zero
    tracker = ResponseTracker(criteria, nodes_by, zero + 30.0, zero + 5.0, personal, zero, SITE)
    for visit in range(months + 1):
        day = 28 * visit
        truth = {k: np.broadcast_to(v, n).astype(float) for k, v in (BEFORE | course(day)).items()}
        noise = rng.standard_normal((len(NOISE), n)) if seed is not None else np.zeros((len(NOISE), n))
        tracker.update(day, truth, noise, clinic(n) if state is None else state(day), ct=day in ct)
    return tracker


def categories(tracker: ResponseTracker) -> list[str]:
    return [Category(int(c)).name for c in tracker.visits()[:, 0]]


@pytest.mark.parametrize("nodes_by", ["palpation", "ct"])
@pytest.mark.parametrize("criteria", ["NCI-WG 1996", "iwCLL 2008"])
def test_stable_disease_seldom_progresses_by_noise_alone(nodes_by: str, criteria: str) -> None:
    tracker = follow(lambda day: {}, n=2000, nodes_by=nodes_by, criteria=criteria, seed=1, ct=(84, 168, 364, 728))
    assert np.isfinite(tracker.found_day).mean() < 0.03
    assert (tracker.best() == Category.SD).mean() > 0.95


def test_response_is_dated_at_its_first_visit() -> None:
    def course(day: int) -> dict[str, float]:
        share = 1.0 if day < 80 else 0.2
        return {"alc": 60 * share, "node_volume": 400 * share, "spleen_volume": 700 * share}

    tracker = follow(course, months=6)
    assert categories(tracker) == ["NE", "SD", "SD", "PR", "PR", "PR", "PR"]
    assert Category(int(tracker.best()[0])) == Category.PR
    assert tracker.response_day()[0] == 84
    assert tracker.last_assessed()[0] == 168


def test_progression_needs_two_assessments_and_is_dated_at_the_first() -> None:
    tracker = follow(lambda day: {"node_volume": 400.0 if day < 130 else 1000.0}, months=6)
    assert categories(tracker) == ["NE", "SD", "SD", "SD", "SD", "PD", "PD"]
    assert tracker.progressed_day[0] == 140
    assert tracker.found_day[0] == 168
    state = tracker.apply(clinic(1), 168)
    assert (state["off"][0], state["off_reason"][0], state["off_day"][0]) == (1, Off.PROGRESSION, 168)
    assert state["progressed"][0] == 1
    # who was off before keeps the reason
    state = tracker.apply(clinic(1, off=1, off_reason=Off.WITHDRAWAL, off_day=50), 168)
    assert (state["off_reason"][0], state["off_day"][0]) == (Off.WITHDRAWAL, 50)
    once = follow(lambda day: {"node_volume": 1000.0 if day == 140 else 400.0}, months=6)
    assert np.isnan(once.found_day[0])


def test_progression_is_from_the_best_response_and_by_lymphocytes_too() -> None:
    def course(day: int) -> dict[str, float]:
        return {"alc": 60.0 if day == 0 else 4.0 if day < 200 else 9.0}

    assert follow(course, months=10).progressed_day[0] == 224
    assert np.isnan(follow(lambda day: {"alc": 60.0 if day < 200 else 80.0}, months=10).found_day[0])


@pytest.mark.parametrize(("flare_max", "expected"), [(2.0, None), (0.0, 28.0)])
def test_a_flare_on_record_widens_the_window(flare_max: float, expected: float | None) -> None:
    tracker = follow(
        lambda day: {"node_volume": 900.0 if 20 < day < 80 else 400.0},
        months=5,
        state=lambda day: clinic(1, flare_max=flare_max),
    )
    found = None if np.isnan(tracker.progressed_day[0]) else tracker.progressed_day[0]
    assert found == expected


def test_no_assessment_soon_after_steroid_or_after_death() -> None:
    tracker = follow(lambda day: {}, months=3, state=lambda day: clinic(1, steroid_day=20.0))
    assert categories(tracker) == ["NE", "NE", "SD", "SD"]
    tracker = follow(lambda day: {}, months=3, state=lambda day: clinic(1, dead=float(day > 40)))
    assert categories(tracker) == ["NE", "SD", "NE", "NE"]
    assert tracker.last_assessed()[0] == 28


def all_gone(marrow: float):
    return lambda day: (
        {}
        if day == 0
        else {
            "alc": 1.5,
            "node_volume": 4.0,
            "spleen_volume": 200.0,
            "marrow_infiltration": marrow,
            "blood_clone_fraction": 5e-5,
            "platelets": 200.0,
        }
    )


def test_complete_response_needs_a_marrow() -> None:
    assert follow(all_gone(0.02), months=4).best()[0] == Category.CR
    assert follow(all_gone(0.5), months=4).best()[0] == Category.PR
    assert follow(all_gone(0.2), months=4, criteria="NCI-WG 1996").best()[0] == Category.nPR
    assert follow(all_gone(0.02), months=4, criteria="iwCLL 2018").best()[0] == Category.PR
    zero = np.zeros(1)
    tracker = ResponseTracker("iwCLL 2008", "palpation", zero + 30, zero + 5, zero, zero, SITE, marrow=False)
    for day in range(0, 140, 28):
        truth = {k: np.array([v]) for k, v in (BEFORE | all_gone(0.02)(day)).items()}
        tracker.update(day, truth, np.zeros((len(NOISE), 1)), clinic(1))
    assert tracker.best()[0] == Category.PR


def test_drug_neutropenia_gives_cri_in_2008_and_pr_in_1996() -> None:
    def course(day: int) -> dict[str, float]:
        return all_gone(0.02)(day) | ({} if day == 0 else {"anc": 0.8})

    assert follow(course, months=4).best()[0] == Category.CRi
    assert follow(course, months=4, criteria="NCI-WG 1996").best()[0] == Category.PR


def test_the_day_of_a_confirmed_complete_response() -> None:
    tracker = follow(all_gone(0.02), months=3)
    assert tracker.complete_response_day().tolist() == [84.0]
    assert np.isnan(follow(lambda day: {}, months=3).complete_response_day()[0])
    assert tracker.mrd[-1][0] == 2
    assert tracker.mrd[0][0] == 0


def test_ct_reads_nodes_only_when_taken() -> None:
    def course(day: int) -> dict[str, float]:
        share = 1.0 if day < 20 else 0.2
        return {"alc": 60 * share, "node_volume": 400 * share, "spleen_volume": 700.0}

    tracker = follow(course, months=6, nodes_by="ct", ct=(84, 168))
    assert categories(tracker)[1:4] == ["SD", "SD", "PR"]


def by_ct_alone(
    sizes: dict[int, float], hands: dict[int, float] | None = None, alc: dict[int, float] | None = None
) -> ResponseTracker:
    """Assess one subject whose nodes read otherwise by CT than by hand on chosen days: true volumes in mL."""
    zero, hands, alc = np.zeros(1), hands or {}, alc or {}
    tracker = ResponseTracker("iwCLL 2008", "ct", zero + 30.0, zero + 5.0, zero, zero, SITE)
    for day in range(0, 393, 28):
        truth = BEFORE | {"node_volume": sizes.get(day, 400.0), "alc": alc.get(day, 60.0)}
        noise = np.zeros((len(NOISE), 1))
        # an error of the hand that makes up for the difference: it feels its own volume
        felt = hands.get(day, 400.0)
        noise[NOISE_ROW["nodes_hand"]] = 2 / 3 * np.log(felt / truth["node_volume"]) / SITE["error_hand"]
        tracker.update(day, {k: np.array([v]) for k, v in truth.items()}, noise, clinic(1), ct=day in (84, 168, 364))
    return tracker


def test_growth_seen_by_ct_alone_stands_until_the_next_ct() -> None:
    grown = {day: 1000.0 for day in range(168, 393, 28)}
    confirmed = by_ct_alone(grown)
    # the hand feels nothing of it at 196 to 336: the CT of day 364 agrees, and the first CT dates it
    assert (confirmed.progressed_day[0], confirmed.found_day[0]) == (168, 364)
    assert categories(confirmed)[6] == "PD"
    # an examination that agrees earlier confirms it too
    felt = by_ct_alone(grown, hands={280: 1000.0})
    assert (felt.progressed_day[0], felt.found_day[0]) == (168, 280)


def test_growth_that_the_next_ct_refutes_is_forgotten() -> None:
    refuted = by_ct_alone({168: 1000.0})
    assert np.isnan(refuted.found_day[0])
    # a growth that one examination felt and the next one did not is forgotten as before
    once = by_ct_alone({}, hands={140: 1000.0, 196: 1000.0})
    assert np.isnan(once.found_day[0])


def test_lymphocytes_on_the_day_of_a_ct_are_no_finding_of_the_ct() -> None:
    # one high count on the day of a CT and another half a year later are not two assessments that agree
    assert np.isnan(by_ct_alone({}, alc={168: 150.0, 280: 150.0}).found_day[0])


def test_hands_feel_nothing_below_the_floor() -> None:
    sizes = Sizes(np.array([100.0]), np.array([16.0]), np.array([4.0]))
    zero = np.zeros(1)
    small, spleen = np.array([100.0 / 9.0]), np.array([440.0])
    hand = by_hand(small, spleen, sizes, zero, zero, zero, SITE)
    scan = by_ct(small, spleen, sizes, zero, zero, SITE)
    assert (hand.spd[0], hand.longest[0], hand.spleen[0]) == (0.0, 0.0, 13.0)
    assert scan.longest[0] == pytest.approx(4 * 9 ** (-1 / 3))
    assert scan.spd[0] == pytest.approx(16 * 9 ** (-2 / 3))
    assert scan.spleen[0] > 14.5
    assert felt_spd(sizes, SITE)[0] == pytest.approx(4.0)
    # SPD -50 % is volume x 0.35, +50 % is x 1.84
    for factor, change in ((0.3536, 0.5), (1.8371, 1.5)):
        assert by_ct(100 * np.full(1, factor), spleen, sizes, zero, zero, SITE).spd[0] == pytest.approx(
            16 * change, rel=1e-3
        )
    assert spleen_length(np.array([450.0]), SITE)[0] == pytest.approx(15.0)


def test_a_subject_does_not_depend_on_the_others() -> None:
    def course(day: int) -> dict[str, np.ndarray]:
        growth = np.array([1.0, 0.3, 2.5])
        return {"node_volume": 400.0 * (growth if day > 100 else 1.0)}

    together = follow(course, n=3, months=8)
    for subject in range(3):
        alone = follow(
            lambda day, s=subject: {"node_volume": np.broadcast_to(course(day)["node_volume"], 3)[s]},
            months=8,
        )
        np.testing.assert_array_equal(alone.visits()[:, 0], together.visits()[:, subject])
