"""Same seed, same tables, whoever shares the run; labels of arms and published figures change nothing."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from small_trials import assert_exact, assert_same, of, short

import cereblon
from cereblon.clinic.trial.trial import Trial
from cereblon.patients.covariates import COVARIATES
from cereblon.result import StudyResult
from cereblon.study import run as study

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


@pytest.fixture(scope="module")
def twins(three_arms: Trial) -> StudyResult:
    return cereblon.run(three_arms, patients=30, seed=3, twins=True)


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
def test_relabelled_arms_of_the_same_people_keep_their_outcomes(
    twins: StudyResult, tmp_path: Path, order: tuple[int, int, int]
) -> None:
    def permute(document: dict[str, Any]) -> None:
        document["arms"] = [document["arms"][i] for i in order]

    permuted = cereblon.run(short("buhler2013", tmp_path / "mine.yaml", permute), patients=30, seed=3, twins=True)
    for name in TABLES:
        for place, arm in enumerate(order):
            assert_exact(of(permuted, name, arm=place), of(twins, name, arm=arm))


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


def test_arms_are_different_people(together: StudyResult) -> None:
    """And every arm has the same ones whoever else is run: `test_arm_alone_is_the_arm_among_others`."""
    subjects = together.table("subjects")
    assert subjects["TWIN"].n_unique() == subjects.height == 90
    for trait in ("AGE", "ALC0", "SPD0", "CRCL"):
        assert subjects[trait].n_unique() > 80, trait  # drawn afresh; traits of one person would come three times
    # luck is their own too: the error of the laboratory on day 1
    counts = together.table("visits").filter(PARAMCD="ANC", ADY=1)
    assert counts["AVAL"].n_unique() > 80


def test_twins_are_the_same_people_in_every_arm(twins: StudyResult, together: StudyResult) -> None:
    subjects = twins.table("subjects")
    assert sorted(subjects["TWIN"].unique()) == list(range(1, 31))
    traits = [name.upper() for name in COVARIATES]
    first = of(twins, "subjects", arm=0).select("TWIN", *traits)
    for arm in (1, 2):
        assert_exact(of(twins, "subjects", arm=arm).select("TWIN", *traits), first)
    # the first arm of a design has the same people either way
    for name in TABLES:
        assert_exact(of(twins, name, arm=0), of(together, name, arm=0))


def test_every_table_says_who_is_who(together: StudyResult, twins: StudyResult) -> None:
    for result in (together, twins):
        people = result.table("subjects").select("USUBJID", "TWIN")
        for name in TABLES:
            assert result.table(name).schema["TWIN"] == pl.Int32
            said = result.table(name).select("USUBJID", "TWIN").unique(maintain_order=True)
            assert_frame_equal(said, people.join(said.select("USUBJID"), on="USUBJID"), check_row_order=False)


def test_finished_blocks_of_other_people_are_not_taken_over(three_arms: Trial) -> None:
    model = cereblon.load_model()
    numbers = cereblon.ParameterSet.packaged(model)
    apart = study.StudyPlan(three_arms, 30, 3, (0, 1, 2), numbers, {}, twins=False)
    assert apart.fingerprint(model) != replace(apart, twins=True).fingerprint(model)


def test_twins_is_yes_or_no(three_arms: Trial) -> None:
    with pytest.raises(cereblon.CereblonError, match=r"^twins: 'no': expected True or False$"):
        cereblon.run(three_arms, patients=1, twins="no")  # type: ignore[arg-type]


def test_twins_of_a_single_arm_change_nothing(one_arm: Trial, two_blocks: StudyResult) -> None:
    few = cereblon.run(one_arm, patients=40, seed=7, twins=True)
    for name in TABLES:
        assert_exact(of(few, name), of(two_blocks, name, first=40))
    plain = cereblon.run(one_arm, patients=40, seed=7)
    assert few.summary() == {**plain.summary(), "twins": True}


def test_equal_regimens_have_equal_outcomes_in_twins(tmp_path: Path) -> None:
    def twin(document: dict[str, Any]) -> None:
        first = document["arms"][0]
        document["arms"] = [first, {**deepcopy(first), "id": "twin"}, document["arms"][2]]
        size = sum(arm["size"] for arm in document["arms"])
        document["population"]["size"] = size
        document["published"] = []

    trial = short("buhler2013", tmp_path / "mine.yaml", twin)
    result = cereblon.run(trial, patients=30, seed=3, twins=True)
    for name in TABLES:
        one, two = (of(result, name, arm=arm) for arm in (0, 1))
        if name == "subjects":
            one, two = one.drop("ARM"), two.drop("ARM")
        assert_exact(one, two)
    # and a different start dose is a different dose
    assert not of(result, "exposure", arm=0).equals(of(result, "exposure", arm=2))
    # as different people they differ by chance alone
    apart = cereblon.run(trial, patients=30, seed=3)
    assert not of(apart, "response", arm=0).equals(of(apart, "response", arm=1))


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
