"""What a trial does not use does not touch it; site numbers and parameters are arguments of one compiled program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from polars.testing import assert_frame_equal

import cereblon
from cereblon.model import load_model
from cereblon.parameters import ParameterSet
from cereblon.result import StudyResult
from cereblon.study import fingerprints, program
from cereblon.study.drugs import site_drugs, trial_model
from cereblon.study.fingerprints import SIMULATES, TRACED

DRUGS_OF_OTHERS = Path(__file__).parents[1] / "biology" / "drugs_of_others"
PATIENTS = 24


@pytest.fixture(scope="module")
def short() -> cereblon.Trial:
    changes = {"follow_up.duration_months": 3.0, "follow_up.accrual_months": None, "schedule.ct_days": [85]}
    return cereblon.load_trial("badoux2011").vary(changes)


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of cycles that were compiled or read from the cache folder meanwhile."""
    asked: list[str] = []
    read = program.read_program

    def noted(name: str) -> Any:
        asked.append(name)
        return read(name)

    monkeypatch.setattr(program, "read_program", noted)
    program._cycle.cache_clear()
    return asked


def assert_same(one: StudyResult, other: StudyResult) -> None:
    assert one.tables.keys() == other.tables.keys()
    for name in one.tables:
        assert_frame_equal(one.table(name), other.table(name), check_exact=True)


def test_a_drug_that_a_trial_does_not_give_changes_no_bit_and_compiles_nothing(
    short: cereblon.Trial, compiled: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = cereblon.run(short, patients=PATIENTS, seed=5)
    # the same trial where more drugs are on offer, as after a folder was added to the package
    short.model_dump(mode="json")
    path = tmp_path / "short.json"
    path.write_text(short.model_dump_json(exclude_unset=True))
    more = cereblon.load_trial(path, drugs=[DRUGS_OF_OTHERS])
    assert more.drug_folders == (DRUGS_OF_OTHERS,)
    assert len(load_model(None, more.drug_folders).drugs) > len(load_model().drugs)
    program._cycle.cache_clear()
    after = cereblon.run(more, patients=PATIENTS, seed=5)
    assert_same(before, after)
    assert len(compiled) == 2
    assert compiled[0] == compiled[1]
    assert trial_model(more).fingerprint == trial_model(short).fingerprint


def test_the_key_of_a_program_holds_no_document_of_another_room() -> None:
    root = Path(fingerprints.__file__).parents[1]
    assert all((root / part).exists() for part in SIMULATES)
    rooms = {part.split("/")[0] for part in TRACED if part != "biology/readings.tsv"}
    assert not rooms & {"biology", "report", "trials", "parameters", "patients", "documents"}


def test_two_sites_and_two_sets_go_through_one_program(short: cereblon.Trial, compiled: list[str]) -> None:
    model = trial_model(short)
    packaged = ParameterSet.packaged(model)
    kept = program.study_cycle(model, short, site_drugs(model))
    strict = packaged.replace({"lymphoma_anc_hold": 2.0, "lymphoma_anc_hold_days": 0.0, "lymphoma_anc_resume": 2.0})
    slow = packaged.replace({"len_clearance_scale": 0.5})
    results = [cereblon.run(short, patients=PATIENTS, seed=5, parameters=given) for given in (packaged, strict, slow)]
    assert len(compiled) <= 1  # read or compiled once
    assert program.study_cycle(model, short, site_drugs(model)) is kept
    doses = [result.table("exposure")["DOSEMG"].sum() for result in results]
    assert doses[1] < doses[0]  # the site held more often
    exposure = [result.table("visits").filter(PARAMCD="AUC")["AVAL"].sum() for result in results]
    assert exposure[2] > 1.2 * exposure[0]
    assert len({result.meta["parameter_set"] for result in results}) == 3


def test_a_set_and_the_same_overrides_are_one_run(short: cereblon.Trial) -> None:
    changes = {"len_clearance_scale": 0.7, "flare_grade1": 0.5, "error_anc": 0.1}
    given = ParameterSet.packaged(trial_model(short)).replace(changes)
    one = cereblon.run(short, patients=PATIENTS, seed=5, parameters=given)
    other = cereblon.run(short, patients=PATIENTS, seed=5, overrides=changes)
    assert_same(one, other)
    assert one.meta["parameter_set"] == other.meta["parameter_set"] == given.id
    assert one.meta["parameter_set"] != ParameterSet.packaged(trial_model(short)).id


def test_a_set_of_the_whole_package_fits_any_trial_unless_it_changes_a_drug_that_is_not_given(
    short: cereblon.Trial,
) -> None:
    whole = ParameterSet.packaged(load_model())
    assert_same(
        cereblon.run(short, patients=PATIENTS, seed=5, parameters=whole), cereblon.run(short, patients=PATIENTS, seed=5)
    )
    without = short.vary({"arms.0.support": [], "arms.0.gcsf": "none"})
    absent = sorted(whole.numbers.keys() - ParameterSet.packaged(trial_model(without)).numbers.keys())
    assert absent
    changed = whole.replace({absent[0]: 1.5 * whole.numbers[absent[0]] or 1.0})
    with pytest.raises(cereblon.CereblonError, match=f"parameter {absent[0]}: is of no drug that this trial gives"):
        cereblon.run(without, patients=PATIENTS, seed=5, parameters=changed)
