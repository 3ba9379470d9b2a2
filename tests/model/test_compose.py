"""Drugs as folders: what is put together, and every mistake as one line with its place and the nearest valid choice."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cereblon import CereblonError
from cereblon.model import drug_cards, load_model
from cereblon.model.cards import entries, packaged_drugs
from cereblon.model.compose import compose, patient_documents, ports
from cereblon.model.documents import index
from cereblon.model.ports import read_ports
from cereblon.model.tables import TableError

OTHERS = Path(__file__).parents[1] / "biology" / "drugs_of_others"


@pytest.fixture
def drugs(tmp_path: Path) -> Path:
    """A folder with the one made-up oral drug."""
    shutil.copytree(OTHERS / "madeupinib", tmp_path / "drugs" / "madeupinib")
    return tmp_path / "drugs"


def change(drugs: Path, file: str, before: str, after: str) -> None:
    path = drugs / "madeupinib" / file
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), "utf-8")


MISTAKES: dict[str, tuple[str, str, str, str]] = {
    "hour": (
        "card.yaml", "max_daily: 200", "max_daily: 200, hours: [0, 7]", "hours in rising order, of 0, 6, 12, 18",
    ),
    "levels": (
        "card.yaml", "max_daily: 200", "max_daily: 200, levels: [10, 5]", "card.yaml:7:.*expected rising levels",
    ),
    "port": (
        "effect.ant", "into: drug_death_blood", "into: drug_death_blod",
        r"effect.ant:4: unknown port 'drug_death_blod'; nearest: drug_death_blood",
    ),
    "unit of a port": (
        "effect.ant", "mad_kill_blood has per_day", "mad_kill_blood has dimensionless",
        r"effect.ant:5: 'mad_kill_blood' has dimensionless; port drug_death_blood takes a sum of per_day",
    ),
    "no unit": (
        "effect.ant", "               mad_kill_blood has per_day", "", "effect.ant:5: 'mad_kill_blood' has no unit",
    ),
    "into of another form": (
        "effect.ant", "into: drug_division", "into drug_division", "effect.ant:9: expected a form",
    ),
    "into misspelt": (
        "effect.ant", "// into: drug_division", "// inot: drug_division", "effect.ant:9: expected a form",
    ),
    "into without a rule": (
        "effect.ant", "mad_left := 1 - mad_block*mad_effect;", "mad_left = 1;", "effect.ant:9: into: drug_division: ",
    ),
    "prefix": (
        "effect.ant", "mad_left := 1", "left := 1; left has dimensionless\nmad_left := 1",
        "effect.ant:11: 'left' does not begin with 'mad'",
    ),
    "prefix of a number": ("parameters.tsv", "mad_block\t", "block\t", "parameters.tsv:8: 'block' does not begin with"),
    "state of the patient": (
        "effect.ant", "mad_left := 1", "mad_loss: cll_blood => ; mad_ka*cll_blood\nmad_left := 1",
        "effect.ant:11: 'cll_blood' does not begin with 'mad': a drug .* acts on the patient through ports",
    ),
    "note on the patient": (
        "effect.ant", "mad_left := 1", 'alc notes "x"\nmad_left := 1', "effect.ant:11: 'alc' does not begin with",
    ),
    "twice in text and table": (
        "effect.ant", "mad_left := 1", "mad_cl = 3\nmad_left := 1",
        "effect.ant:11: 'mad_cl' is already defined at .*:3",
    ),
    "twice in template and text": (
        "effect.ant", "mad_left := 1", "mad_conc := 3\nmad_left := 1",
        "effect.ant:11: 'mad_conc' is already defined at .*madeupinib . kinetics/oral.ant:9",
    ),
    "missing number": ("parameters.tsv", "mad_cl\t", "mad_clr\t", "'mad_cl' is used but not defined; nearest: mad_"),
    "clock": ("effect.ant", "clock: fast", "clock: fsat", "effect.ant:2: clock 'fsat'.*nearest: fast"),
    "template": ("card.yaml", "kinetics: oral", "kinetics: orla", "card.yaml: kinetics: 'orla': .*nearest: oral"),
    "field": ("card.yaml", "unit: mg", "units: mg", "card.yaml:6:1: units: unknown field; nearest: unit"),
    "no class": ("card.yaml", "class: made-up kinase inhibitor\n", "", "is missing: expected the fields .*class"),
    "value": ("card.yaml", "max_daily: 200", "max_daily: much", "card.yaml:7:.*max_daily"),
    "two ways": (
        "card.yaml", "route: oral", "acts_as: {drug: lenalidomide, times: 1}\nroute: oral", "does not fit acts_as",
    ),
    "tag": ("card.yaml", "source: made up", "source: !!python/name:os.system x", "card.yaml:11:9: source: tag"),
    "folder": ("card.yaml", "name: madeupinib", "name: madeupmab", "'madeupmab' is not the name of its folder"),
    "enters": ("card.yaml", "enters: mad_gut", "enters: mad_gutt", "enters: 'mad_gutt' is no state; nearest: mad_gut"),
    "enters another unit": ("card.yaml", "unit: mg", "unit: ug", "enters: 'mad_gut' has mg; expected microgram"),
    "exposure": ("card.yaml", "exposure: mad_auc", "exposure: mad_aux", "exposure: 'mad_aux' is nothing in the model"),
    "needs": ("card.yaml", "route: oral", "needs: [lenalidomid]\nroute: oral", "needs: unknown drug 'lenalidomid'"),
    "ligand": (
        "card.yaml", "route: oral", "cereblon_ligand: true\nroute: oral", "no rule goes into crbn_ligand",
    ),
    "hidden ligand": (
        "effect.ant", "// into: drug_division", "// into: crbn_ligand", "cereblon_ligand: false, and a rule goes into",
    ),
    "import": ("effect.ant", "mad_left := 1", 'import "x.ant"\nmad_left := 1', "effect.ant:11: 'import'"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_one_line_with_a_place(drugs: Path, name: str) -> None:
    load_model(["madeupinib"], [drugs])
    change(drugs, *MISTAKES[name][:3])
    with pytest.raises(CereblonError, match=MISTAKES[name][3]) as error:
        load_model(["madeupinib"], [drugs])
    assert "\n" not in str(error.value)
    assert str(drugs) in str(error.value)


def _taken(drugs: Path) -> None:
    shutil.move(drugs / "madeupinib", drugs / "lenalidomide")
    path = drugs / "lenalidomide" / "card.yaml"
    path.write_text(path.read_text("utf-8").replace("name: madeupinib", "name: lenalidomide"), "utf-8")


def _linked(drugs: Path) -> None:
    secret = drugs.parent / "secret.tsv"
    (drugs / "madeupinib" / "parameters.tsv").rename(secret)
    (drugs / "madeupinib" / "parameters.tsv").symlink_to(secret)


def _linked_folder(drugs: Path) -> None:
    (drugs / "madeupinib").rename(drugs.parent / "elsewhere")
    (drugs / "madeupinib").symlink_to(drugs.parent / "elsewhere")


SHAPES: dict[str, tuple[Callable[[Path], object], str]] = {
    "name of the package": (_taken, "name: 'lenalidomide' is a drug of the package"),
    "link": (_linked, "parameters.tsv: is a link"),
    "linked folder": (_linked_folder, "madeupinib: is no folder, or a link"),
    "long card": (
        lambda d: (d / "madeupinib" / "card.yaml").write_text("# " + "x" * 300_000), "longer than 262,144 bytes",
    ),
    "long text": (
        lambda d: (d / "madeupinib" / "effect.ant").write_text("//" + "x" * 2_000_000), "longer than 1,000,000 bytes",
    ),
    "other file": (
        lambda d: (d / "madeupinib" / "efect.ant").write_text(""), "efect.ant: is not read: .*nearest: effect.ant",
    ),
    "no text": (lambda d: (d / "madeupinib" / "effect.ant").unlink(), "the folder has no effect.ant"),
    "no card": (lambda d: (d / "madeupinib" / "card.yaml").unlink(), "card.yaml: does not exist"),
    "no folder": (shutil.rmtree, "is no folder: expected a folder of drugs"),
    "named pipe": (
        lambda d: ((d / "madeupinib" / "card.yaml").unlink(), os.mkfifo(d / "madeupinib" / "card.yaml")),
        "not a regular file but a named pipe",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_folders_that_are_refused(drugs: Path, name: str) -> None:
    SHAPES[name][0](drugs)
    with pytest.raises(CereblonError, match=SHAPES[name][1]):
        drug_cards([drugs])


def test_unknown_drug_and_arguments_of_another_kind() -> None:
    with pytest.raises(CereblonError, match=r"unknown drug 'lenalidomid': expected one of .*nearest: lenalidomide"):
        load_model(["lenalidomid"])
    with pytest.raises(CereblonError, match=r"drugs: 'lenalidomide': expected a list"):
        load_model("lenalidomide")
    with pytest.raises(CereblonError, match=r"folders: 'x': expected a list of paths"):
        load_model([], "x")  # type: ignore[arg-type]


def test_one_drug_folder_is_a_folder_of_drugs(drugs: Path) -> None:
    assert "madeupinib" in drug_cards([drugs / "madeupinib"])


def test_a_changed_file_is_another_model(drugs: Path) -> None:
    first = load_model(["madeupinib"], [drugs])
    assert load_model(["madeupinib"], [drugs]) is first
    change(drugs, "parameters.tsv", "mad_cl\t240", "mad_cl\t120")
    second = load_model(["madeupinib"], [drugs])
    assert (first.defaults["mad_cl"], second.defaults["mad_cl"]) == (240.0, 120.0)
    assert first.fingerprint != second.fingerprint


def test_where_the_folder_lies_does_not_count(drugs: Path) -> None:
    here = load_model(["madeupinib"], [OTHERS])
    assert load_model(["madeupinib"], [drugs]).fingerprint == here.fingerprint


def test_needs_come_on_board_in_order_of_name() -> None:
    model = load_model(["prednisone"])
    assert [card.name for card in model.drugs] == ["dexamethasone", "prednisone"]
    assert model.entries["prednisone"].state == model.entries["dexamethasone"].state == "dex_gut"
    assert model.entries["prednisone"].times == 0.15


def test_cards_are_read_without_the_compiler() -> None:
    code = (
        "import sys; from cereblon.model.cards import drug_cards; drug_cards();"
        "sys.exit(any(m in sys.modules for m in ('jax', 'libsbml', 'antimony')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("drug", sorted(packaged_drugs()))
def test_every_drug_of_the_package_composes_alone(drug: str) -> None:
    model = load_model([drug])
    assert not [f for f in model.unit_findings if f.severity == "error"]
    assert set(entries(model.drugs)) == {card.name for card in model.drugs}


def test_every_port_has_a_place_in_the_patient() -> None:
    mentioned = index(list(patient_documents())).mentions
    assert set(ports()) <= set(mentioned)


def test_neutral_ports_leave_the_equations() -> None:
    whole, model = compose(["lenalidomide"]), load_model(["lenalidomide"])
    assert {"drug_death_blood", "drug_bcr"} <= set(whole.neutral)
    assert not set(whole.neutral) & {*model.parameters, *model.system.definitions}
    for name in whole.neutral:
        assert f'id="{name}"' in model.sbml


def test_no_drug_at_all() -> None:
    model = load_model([])
    assert model.drugs == ()
    assert model.linear == ()
    start = model.initial()
    quiet = load_model(["lenalidomide"])
    plain = quiet.rhs(quiet.initial())
    for name, rate in model.rhs(start).items():
        assert rate == pytest.approx(float(plain[name]), rel=1e-12, abs=0)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("a\tsun\t0\tper_day\tx", "ports.tsv:2: kind 'sun'.*nearest: sum"),
        ("a\tproduct\t0\tper_day\tx", "ports.tsv:2: neutral 0; expected 1 for a product"),
        ("a\tsum\t0\t\tx", "ports.tsv:2: 'a' needs"),
        ("a\tsum\t0\tper_day\tx\na\tsum\t0\tper_day\tx", "ports.tsv:3: 'a' needs a name of its own"),
    ],
)
def test_table_of_ports(row: str, words: str) -> None:
    with pytest.raises(TableError, match=words):
        read_ports(f"name\tkind\tneutral\tunit\tmeaning\n{row}\n")
