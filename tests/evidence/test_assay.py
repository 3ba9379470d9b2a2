"""A user's own experiment: runs from its template, and every mistake is one line that says where."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cereblon.errors import CereblonError
from cereblon.evidence.assay import run_assay, template, write_template
from cereblon.evidence.documents import load_assay
from cereblon.evidence.schema import Assay
from cereblon.model import load_model

SMALL = """\
id: small
experiment:
  days: 14
  conditions:
    none: {cells: [cll, nurse_like]}
    washed_out: {cells: [cll, nurse_like], medium: [{day: 0, um: 1}, {day: 7, um: 0}]}
    clamped: {cells: [cll], clamp: {cxcl12: 0.4}, initial: {cxcl13: 0.2}}
    patient: {doses: [{drug: lenalidomide, amount: 10, first: 3, last: 4}]}
  readouts:
  - {of: lenalidomide_free, words: drug, to: washed_out, day: 5}
  - {of: cxcl12, words: chemokine, to: clamped}
  - {of: ikzf3_t, words: Aiolos, to: patient, against: none, expect: down, day: 5}
"""


def _load(tmp_path: Path, text: str = SMALL) -> Assay:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    return load_assay(path)


def test_conditions_do_what_they_say(tmp_path: Path) -> None:
    result = run_assay(_load(tmp_path), members=8)
    drug = result.courses["washed_out"].daily["lenalidomide_free"]
    np.testing.assert_allclose(drug[0:8], 1000.0, rtol=1e-5)
    assert np.abs(drug[8:]).max() < 0.01
    np.testing.assert_allclose(result.courses["clamped"].daily["cxcl12"], 0.4, rtol=1e-6)
    taken = result.courses["patient"].daily["lenalidomide_free"]
    assert (taken[:3] == 0).all()
    assert (taken[4] > 0).all()
    assert taken[10].max() < 0.01 * taken[4].min()
    assert result.readings[2].effect < 1


def test_the_table_has_a_row_per_condition_quantity_and_day(tmp_path: Path) -> None:
    table = run_assay(_load(tmp_path), members=8).table()
    assert table.height == 4 * 3 * 15
    assert (table["low"] <= table["median"]).all()


def test_the_template_is_valid_and_never_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    write_template(path)
    assert load_assay(path).id == "my_assay"
    assert "cereblon assay mine.yaml" in path.read_text("utf-8")
    with pytest.raises(CereblonError, match="exists already"):
        write_template(path)
    assert template("mine.yaml") == path.read_text("utf-8")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("cells: [cll, nurse_like]}", "cells: [cll, nurse_likes]}", "nurse_like"),
        ("cxcl12: 0.4", "cxcl21: 0.4", "cxcl12"),
        ("drug: lenalidomide", "drug: lenalidomid", "lenalidomide"),
        ("amount: 10", "amount: 10000", "at most 50 mg"),
        ("to: washed_out", "to: washedout", "washed_out"),
        ("of: cxcl12", "of: cxcl_12", "cxcl12"),
        ("day: 5}\n  - {of: cxcl12", "day: 50}\n  - {of: cxcl12", "after the end"),
        ("days: 14", "dayz: 14", "days"),
        ("expect: down, day: 5", "expect: down, against_day: 15", "day 15 is after the end"),
        ("expect: down, day: 5", "expect: differs", "needs the field others"),
        (
            "drug, to: washed_out, day: 5",
            "drug, to: none, expect: within, low: 0, high: 1, scale: ratio",
            "needs the field",
        ),
        ("expect: down, day: 5", "expect: down, day: 0, hour: 6, against_of: cxcl12", "read one quantity"),
        ("none: {cells: [cll, nurse_like]}", "none: {trial: badoux2011}", "expected conditions of one sort"),
        ("amount: 10", "amount: -1", "greater than or equal to 0"),
        ("patient: {doses", "patient: {cells: [cll], doses", "doses belong to a patient"),
        (
            "    none: {",
            "    none: {}\n" + "".join(f"    c{n}: {{}}\n" for n in range(64)) + "    last: {",
            "at most 64",
        ),
        ("id: small", "id: !!python/object:os.system small", "tag"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in SMALL
    with pytest.raises(CereblonError, match=words) as found:
        run_assay(_load(tmp_path, SMALL.replace(old, new)), members=8)
    assert "\n" not in str(found.value)


def test_an_experiment_that_would_not_fit_into_memory_is_refused_before_it_is_built(tmp_path: Path) -> None:
    many = "".join(f"    c{n}: {{}}\n" for n in range(60))
    text = SMALL.replace("days: 14", "days: 1500").replace("    none:", f"{many}    none:")
    with pytest.raises(
        CereblonError, match=r"members: 500 members of 64 conditions need about \d+\.\d GB; expected at most"
    ):
        run_assay(_load(tmp_path, text), members=500)


OTHERS = (Path(__file__).parents[1] / "biology" / "drugs_of_others",)
OTHER = """
id: other
experiment:
  days: 14
  conditions:
    none: {cells: [cll], drug: madeupmid}
    with_it: {cells: [cll], drug: madeupmid, medium: 2, set: {mid_cl: 0}}
  readouts:
  - {of: mid_free, words: drug, to: with_it, against: none, expect: present}
"""


def test_a_condition_names_the_drug_of_its_medium(tmp_path: Path) -> None:
    model = load_model(["lenalidomide", "madeupmid"], OTHERS)
    result = run_assay(_load(tmp_path, OTHER), members=8, model=model)
    assert result.courses["with_it"].level == "mid_free"
    np.testing.assert_allclose(result.courses["with_it"].daily["mid_free"], 2000.0, rtol=1e-4)
    assert np.abs(result.courses["none"].daily["mid_free"]).max() == 0


def test_a_drug_that_no_dish_can_hold_is_refused(tmp_path: Path) -> None:
    board = load_model(["lenalidomide", "dexamethasone", "madeupinib"], OTHERS)
    text = OTHER.replace("mid_free", "alc").replace(", set: {mid_cl: 0}", "")
    for drug, words in (
        ("madeupmid", "unknown drug 'madeupmid'"),
        ("dexamethasone", "has no in_medium"),
        ("madeupinib", "mad_conc has mg_per_L; expected nM"),
    ):
        with pytest.raises(CereblonError, match=words):
            run_assay(_load(tmp_path, text.replace("madeupmid", drug)), members=8, model=board)
