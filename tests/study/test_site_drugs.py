"""How the site gives each drug of a model: into which state, in which unit, and what of it is recorded."""

from __future__ import annotations

from pathlib import Path

import pytest

from cereblon.model import load_model
from cereblon.study.drugs import site_drugs

CARD = """\
name: madeupase
class: made-up enzyme
prefix: ase
kinetics: own
enters: ase_central
unit: {unit}
dose: {{basis: per_m2, max_daily: 100000}}
route: intravenous
source: made up
"""
EFFECT = """\
// Madeupase: an enzyme that takes its time to go
// clock: fast
ase_central = 0; ase_central has {unit}
ase_central' = -ase_loss*ase_central
ase_central notes "source: definition; says: enzyme in plasma"
// into: drug_death_blood
ase_kill := ase_kill_max*ase_central/(ase_half + ase_central);   ase_kill has per_day
"""
ROWS = """\
id	value	unit	distribution	spread	group	status	source	evidence	organ	note
ase_loss	0.5	per_day	none			assumed	made up	assumed	drug	none
ase_kill_max	0.1	per_day	none			assumed	made up	assumed	drug	none
ase_half	5000	{unit}	none			assumed	made up	assumed	drug	none
"""


@pytest.mark.parametrize(("unit", "of_text", "mg"), [("mg", "mg", 1.0), ("ug", "microgram", 1e-3)])
def test_a_drug_is_given_and_recorded_in_its_unit(unit: str, of_text: str, mg: float, tmp_path: Path) -> None:
    folder = tmp_path / "madeupase"
    folder.mkdir()
    for name, text, its in (
        ("card.yaml", CARD, unit), ("effect.ant", EFFECT, of_text), ("parameters.tsv", ROWS, of_text)
    ):  # fmt: skip
        (folder / name).write_text(text.format(unit=its), encoding="utf-8")
    [drug] = site_drugs(load_model(["madeupase"], [folder]))
    assert (drug.enters, drug.per_unit, drug.unit, drug.mg) == ("ase_central", 1.0, unit, mg)


def test_a_drug_that_stands_for_another_enters_its_state() -> None:
    found = {drug.name: drug for drug in site_drugs(load_model(["prednisone"]))}
    model = load_model(["prednisone"])
    assert list(found) == [card.name for card in model.drugs] == list(model.entries)
    assert found["prednisone"].enters == found["dexamethasone"].enters
    assert found["prednisone"].per_unit == found["prednisone"].steroid == model.entries["prednisone"].times < 1
    assert found["dexamethasone"].per_unit == found["dexamethasone"].steroid == 1
    assert found["dexamethasone"].rescue == "flare"
