"""Drugs in a folder of somebody else's: composed, checked, exported, and run as libRoadRunner runs them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from roadrunner_reference import RoadRunnerReference
from virtual_subjects import READ

from cereblon.engine import simulate
from cereblon.model import Model, check, drug_cards, load_model

FOLDERS = (Path(__file__).parent / "drugs_of_others",)
DAYS, SLOW_STEPS = 28, 4
VISIBLE = {"flare_drive": 0.1, "node_swelling": 0.05}  # below these a state is not read
COURSES = {
    "oral": {"madeupinib": 20.0},
    "antibody": {"madeupmab": 600.0},
    "three drugs": {"lenalidomide": 10.0, "madeupinib": 20.0, "madeupmab": 600.0},
}


def composed(*drugs: str) -> Model:
    return load_model(drugs, FOLDERS)


def doses(model: Model, course: dict[str, float]) -> dict[str, np.ndarray]:
    """Tablets daily, the antibody weekly: state -> amount per day, (DAYS,)."""
    weekly = np.arange(DAYS) % 7 == 0
    return {
        model.entries[drug].state: np.where(weekly | (drug != "madeupmab"), amount, 0.0)
        for drug, amount in course.items()
    }


def run(model: Model, given: dict[str, np.ndarray], names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """The reference patient in double precision, (DAYS + 1,)."""
    people = {name: np.full(1, model.defaults[name]) for name in model.individual}
    table = {state: amounts[:, None] for state, amounts in given.items()}
    found, _ = simulate(model, people, {}, table, DAYS, names, SLOW_STEPS, np.float64)
    return {name: np.asarray(found[name])[:, 0] for name in names}


@pytest.mark.parametrize("course", COURSES)
def test_engine_and_roadrunner_agree(course: str) -> None:
    model = composed(*COURSES[course])
    assert check(model) == []
    given = doses(model, COURSES[course])
    exposures = tuple(card.exposure for card in model.drugs if card.exposure is not None)
    names = (*READ, *exposures)
    found = run(model, given, names)
    start = {name: float(value) for name, value in model.initial().items()}
    exact = RoadRunnerReference(model).course(model.defaults, start, given, DAYS, names)
    for name in names:  # at weekly visits, as in the numerical contract
        ours, theirs = found[name][7::7], exact[name][7::7]
        read = np.abs(theirs) > VISIBLE.get(name, 0.0)
        np.testing.assert_allclose(ours[read], theirs[read], rtol=0.01, err_msg=name)
    untreated = run(model, {state: 0 * amounts for state, amounts in given.items()}, ("alc",))
    assert found["alc"][-1] < 0.9 * untreated["alc"][-1]


def test_cards_of_both_folders_are_read() -> None:
    cards = drug_cards(FOLDERS)
    assert list(cards) == sorted(cards)
    assert {"lenalidomide", "madeupinib", "madeupmab", "madeupmid"} <= set(cards)
    assert cards["madeupmab"].dose.basis == "per_m2"


def test_a_drug_that_is_not_given_changes_no_rate() -> None:
    """Ports are neutral at zero concentration: with the drug on board and none in the body all is as without it."""
    alone, beside = load_model(["lenalidomide"]), composed("lenalidomide", "madeupinib", "madeupmab", "madeupmid")
    state = {**alone.initial(), "len_central": 3.0, "ikzf1_t": 0.5, "myeloid_reeducation": 0.2}
    plain, more = alone.rhs(state), beside.rhs({**beside.initial(), **state})
    for name, rate in plain.items():
        assert more[name] == pytest.approx(rate, rel=1e-12, abs=0), name


def test_a_folder_elsewhere_changes_no_fingerprint() -> None:
    assert load_model(["lenalidomide"], FOLDERS) is load_model(["lenalidomide"])
    assert load_model(["lenalidomide"], FOLDERS).fingerprint != composed("lenalidomide", "madeupmid").fingerprint


LIGANDS = ("crbn_occupancy", "ligase_ikzf1", "ligase_ikzf3")


def bound(model: Model, lenalidomide: float, other: float) -> np.ndarray:
    """Occupancy and the two ligases with amounts (mg) of both drugs in the body."""
    state = {**model.initial(), "len_central": lenalidomide, "mid_central": other}
    seen = model.observe(LIGANDS, {name: value for name, value in state.items() if name in model.states})
    return np.array([float(seen[name]) for name in LIGANDS])


def test_ligands_compete_for_cereblon() -> None:
    both = composed("lenalidomide", "madeupmid")
    one, other = load_model(["lenalidomide"]), composed("madeupmid")
    assert bound(both, 4.0, 0.0) == pytest.approx(bound(one, 4.0, 0.0), rel=1e-12)
    assert bound(both, 0.0, 0.5) == pytest.approx(bound(other, 0.0, 0.5), rel=1e-12)
    # C/K of each, from its occupancy alone
    first, second = (share / (1 - share) for share in (bound(one, 4.0, 0.0)[0], bound(other, 0.0, 0.5)[0]))
    occupancy = (first + second) / (1 + first + second)
    depth = {name: both.defaults[name] for name in ("ikzf1_alpha", "ikzf3_alpha", "mid_ikzf1_alpha", "mid_ikzf3_alpha")}
    ikzf1 = (depth["ikzf1_alpha"] * first + depth["mid_ikzf1_alpha"] * second) / (1 + first + second)
    ikzf3 = (depth["ikzf3_alpha"] * first + depth["mid_ikzf3_alpha"] * second) / (1 + first + second)
    mixed = bound(both, 4.0, 0.5)
    assert mixed == pytest.approx([occupancy, ikzf1, ikzf3], rel=1e-9)
    assert mixed[1] < bound(one, 4.0, 0.0)[1] + bound(other, 0.0, 0.5)[1]


def test_endless_ligand_drives_the_other_out() -> None:
    both = composed("lenalidomide", "madeupmid")
    shallow, deep = both.defaults["mid_ikzf1_alpha"], both.defaults["mid_ikzf3_alpha"]
    assert bound(both, 4.0, 1e12) == pytest.approx([1.0, shallow, deep], rel=1e-6)
    alphas = [both.defaults[name] for name in ("ikzf1_alpha", "ikzf3_alpha")]
    assert bound(both, 1e15, 0.5) == pytest.approx([1.0, *alphas], rel=1e-6)
    # a ligand that lets Ikaros fall less deep gives some of it back
    assert bound(both, 1e3, 1e3)[1] < bound(both, 1e3, 0.0)[1]
