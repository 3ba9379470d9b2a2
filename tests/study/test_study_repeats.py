"""Same seed, same tables, whoever shares the run; labels of arms and published figures change nothing."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from small_trials import assert_exact, assert_same, of, short

import cereblon
from cereblon import study
from cereblon.clinic.design import Trial
from cereblon.result import StudyResult

TABLES = ("subjects", "visits", "exposure", "response", "adverse_events", "time_to_event")


@pytest.fixture(scope="module")
def one_arm(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    return short("badoux2011", tmp_path_factory.mktemp("trial") / "mine.yaml")


@pytest.fixture(scope="module")
def three_arms(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    return short("buhler2013", tmp_path_factory.mktemp("trial") / "mine.yaml")


@pytest.fixture(scope="module")
def two_blocks(one_arm: Trial) -> StudyResult:
    return cereblon.run(one_arm, patients=study.LANES + 44, seed=7)


@pytest.fixture(scope="module")
def together(three_arms: Trial) -> StudyResult:
    return cereblon.run(three_arms, patients=30, seed=3)


@pytest.mark.parametrize("patients", [1, 40])
def test_subject_does_not_depend_on_who_shares_the_run(one_arm: Trial, two_blocks: StudyResult, patients: int) -> None:
    few = cereblon.run(one_arm, patients=patients, seed=7)
    assert few.table("subjects").height == patients
    for name in TABLES:
        assert_exact(of(few, name), of(two_blocks, name, first=patients))


def test_place_in_a_block_changes_nothing(three_arms: Trial) -> None:
    """With 100 subjects in an arm the third arm straddles two blocks; alone it fits one."""
    all_arms = cereblon.run(three_arms, patients=100, seed=3)
    alone = cereblon.run(three_arms, patients=100, seed=3, arms=[three_arms.arms[2].id])
    for name in TABLES:
        assert_exact(of(alone, name, arm=2), of(all_arms, name, arm=2))


def test_number_of_workers_changes_nothing(
    one_arm: Trial, two_blocks: StudyResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(study, "worker_count", lambda blocks: asked.append(blocks) or 1)
    assert_same(two_blocks, cereblon.run(one_arm, patients=study.LANES + 44, seed=7))
    monkeypatch.setattr(study, "worker_count", lambda blocks: asked.append(blocks) or 2)
    assert_same(two_blocks, cereblon.run(one_arm, patients=study.LANES + 44, seed=7))
    assert asked == [2, 2]


def test_another_seed_is_another_cohort(one_arm: Trial, two_blocks: StudyResult) -> None:
    other = cereblon.run(one_arm, patients=40, seed=8)
    assert not other.table("subjects").equals(of(two_blocks, "subjects", first=40))


@pytest.mark.parametrize("position", [0, 1, 2])
def test_arm_alone_is_the_arm_among_others(three_arms: Trial, together: StudyResult, position: int) -> None:
    arm = three_arms.arms[position].id
    alone = cereblon.run(three_arms, patients=30, seed=3, arms=[arm])
    assert set(alone.table("subjects")["ARM"]) == {arm}
    for name in TABLES:
        subjects = of(together, "subjects").filter(pl.col("ARM") == arm)["USUBJID"]
        assert_exact(of(alone, name), of(together, name).filter(pl.col("USUBJID").is_in(subjects.implode())))


def test_order_of_the_asked_arms_changes_nothing(three_arms: Trial, together: StudyResult) -> None:
    names = [arm.id for arm in three_arms.arms]
    assert_same(together, cereblon.run(three_arms, patients=30, seed=3, arms=[*reversed(names), names[0]]))


@pytest.mark.parametrize("order", [(1, 2, 0), (2, 1, 0)])
def test_relabelled_arms_keep_their_outcomes(
    together: StudyResult, tmp_path: Path, order: tuple[int, int, int]
) -> None:
    def permute(document: dict[str, Any]) -> None:
        document["arms"] = [document["arms"][i] for i in order]

    permuted = cereblon.run(short("buhler2013", tmp_path / "mine.yaml", permute), patients=30, seed=3)
    for name in TABLES:
        for place, arm in enumerate(order):
            assert_exact(of(permuted, name, arm=place), of(together, name, arm=arm))


def test_renamed_arms_change_nothing_but_their_names(together: StudyResult, tmp_path: Path) -> None:
    def rename(document: dict[str, Any]) -> None:
        for letter, arm in zip("XYZ", document["arms"], strict=True):
            for figure in document["published"]:
                if figure.get("arm") == arm["id"]:
                    figure["arm"] = letter
            arm["id"] = letter
            arm["name"] = f"arm {letter}"

    renamed = cereblon.run(short("buhler2013", tmp_path / "mine.yaml", rename), patients=30, seed=3)
    assert_exact(of(renamed, "subjects").drop("ARM"), of(together, "subjects").drop("ARM"))
    for name in TABLES[1:]:
        assert_exact(of(renamed, name), of(together, name))


def test_equal_regimens_have_equal_outcomes(tmp_path: Path) -> None:
    def twin(document: dict[str, Any]) -> None:
        first = document["arms"][0]
        document["arms"] = [first, {**deepcopy(first), "id": "twin"}, document["arms"][2]]
        size = sum(arm["size"] for arm in document["arms"])
        document["population"]["size"] = size
        document["published"] = []

    result = cereblon.run(short("buhler2013", tmp_path / "mine.yaml", twin), patients=30, seed=3)
    for name in TABLES:
        one, two = (of(result, name, arm=arm) for arm in (0, 1))
        if name == "subjects":
            one, two = one.drop("ARM"), two.drop("ARM")
        assert_exact(one, two)
    # and a different start dose is a different dose
    assert not of(result, "exposure", arm=0).equals(of(result, "exposure", arm=2))


def test_simulation_does_not_read_published_outcomes(together: StudyResult, tmp_path: Path) -> None:
    generator = np.random.default_rng(1)

    def falsify(document: dict[str, Any]) -> None:
        assert document["published"]
        for figure in document["published"]:
            if figure.get("value") is not None:
                figure["value"] = round(float(generator.uniform(0.1, 99.0)), 1)

    trial = short("buhler2013", tmp_path / "mine.yaml", falsify)
    falsified = cereblon.run(trial, patients=30, seed=3)
    assert [f.value for f in falsified.trial.published] != [f.value for f in together.trial.published]
    assert_same(together, falsified)
    assert falsified.summary() != together.summary()  # they are compared with, afterwards
    assert_same(together, cereblon.run(trial.blind(), patients=30, seed=3))
