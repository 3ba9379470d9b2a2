"""The pages for developers: every path and name that they quote exists, and their tables are those of the package."""

from __future__ import annotations

import ast
import csv
import re
from pathlib import Path

import pytest

from cereblon.model.cards import CardDose, DrugCard
from cereblon.model.tables import packaged_table
from cereblon.parameters import ParameterSet
from cereblon.parameters.streams import Purpose
from cereblon.study.fingerprints import SIMULATES, TRACED

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "cereblon"
DEVELOP = ROOT / "docs" / "develop"
PAGES = sorted(DEVELOP.glob("*.md"))
PATH = re.compile(r"`([\w.-]+(?:/[\w.-]+)+)`")
NAMED = re.compile(r"`(\w[\w.]*)`(?: or `(\w+)`)? of `((?:tests/)?[\w/.-]+\.py)`")


def text(page: str) -> str:
    return (DEVELOP / page).read_text("utf-8")


def rows(page: str, header: str) -> list[list[str]]:
    """Return the cells of the table below a header line, without the marks of code."""
    found = re.search(rf"^{re.escape(header)}\n\|[-|]+\n((?:\|.*\n)+)", text(page), re.MULTILINE)
    assert found is not None, header
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in found[1].splitlines()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_path_exists(page: Path) -> None:
    quoted = set(PATH.findall(page.read_text("utf-8")))
    drug = {path.replace("/NAME", "/lenalidomide") for path in quoted}
    assert [path for path in sorted(drug) if not (SOURCE / path).exists() and not (ROOT / path).exists()] == []
    assert quoted or page.stem == "index"


def test_every_name_exists_where_it_is_said_to_be() -> None:
    quoted = {match for page in PAGES for match in NAMED.findall(page.read_text("utf-8"))}
    assert len(quoted) > 40
    for first, second, path in sorted(quoted):
        file = SOURCE / path if (SOURCE / path).exists() else ROOT / path
        names = {node.name for node in ast.walk(ast.parse(file.read_text("utf-8"))) if hasattr(node, "name")}
        names |= {node.id for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Name)}
        for name in filter(None, (first, second)):
            assert name in names, f"{name} of {path}"


def test_floors_are_those_of_the_layout_test() -> None:
    tree = ast.parse((ROOT / "tests" / "layout" / "test_import_order.py").read_text("utf-8"))
    values = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id.isupper()
    }
    told = [
        (int(floor), tuple(re.findall(r"\w+", rooms)))
        for floor, rooms, _ in rows("architecture.md", "| floor | rooms | what is there |")
    ]
    assert told == list(enumerate(values["FLOORS"]))
    within = ", ".join(f"`{name}`" for name in values["CLINIC"])
    assert f"Within the clinic the floors are {within}." in text("architecture.md")
    assert f"No file has more than {values['LONGEST']}\nlines" in text("architecture.md")


def test_ports_and_fields_of_a_card() -> None:
    page = "adding-a-drug.md"
    table = csv.DictReader(packaged_table("ports.tsv").splitlines(), delimiter="\t")
    told = rows(page, "| port | kind | without drugs | unit | meaning |")
    assert told == [list(port.values()) for port in table]
    fields = [field.alias or name for name, field in DrugCard.model_fields.items()]
    assert [row[0] for row in rows(page, "| field | |")] == fields
    assert [row[0] for row in rows(page, "| field of `dose` | |")] == list(CardDose.model_fields)


def test_templates_of_kinetics() -> None:
    folder = SOURCE / "biology" / "kinetics"
    told = rows("adding-a-drug.md", "| template | states and rules | parameters that the drug must give |")
    assert sorted(row[0] for row in told) == sorted(path.stem for path in folder.glob("*.ant"))
    for name, made, needed in told:
        template = (folder / f"{name}.ant").read_text("utf-8")
        code = "\n".join(line.partition("//")[0] for line in template.splitlines())
        names = set(re.findall(r"DRUG_\w+", code))
        defined = set(re.findall(r"(DRUG_\w+)(?='| :=)", code))
        assert set(re.findall(r"DRUG_\w+", made)) == defined
        assert set(re.findall(r"DRUG_\w+", needed)) == names - defined


def test_purposes_and_tables_of_numbers() -> None:
    page = "numbers-and-streams.md"
    assert {row[0] for row in rows(page, "| purpose | drawn by | name | position |")} == {p.value for p in Purpose}
    stores = {name for name in ParameterSet.__dataclass_fields__ if name != "parameters"}
    assert len(rows(page, "| table | holds | set as |")) == len(stores) + 3  # patient, drugs, and what is not set


def test_what_keys_depend_on() -> None:
    program, block = (row[2] for row in rows("architecture.md", "| kept | key | made anew after |")[1:])
    told = [re.findall(r"`([\w/.]+)(?:`|$)", cell) for cell in (program, block)]
    assert [len(parts) for parts in told] == [5, 4]
    assert set(told[0]) <= set(TRACED)
    assert set(told[1]) <= set(SIMULATES)
