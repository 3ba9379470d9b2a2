"""Every number of the virtual patients has a unit, a status and a source that can be looked up."""

import re
from importlib.resources import files

import pytest

from cereblon.errors import CereblonError
from cereblon.patients.documents import SETTINGS, load_documents, parse_rows, read_rows
from cereblon.patients.joint import LABORATORY

DOCUMENTS = ("margins.tsv", "effects.tsv", "shifts.tsv", "copula.tsv")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_rows_are_complete_and_their_sources_exist(name: str) -> None:
    text = (files("cereblon.patients") / "evidence.tsv").read_text(encoding="utf-8")
    known = {line.split("\t")[0] for line in text.splitlines()}
    for row in read_rows(name):
        float(row["value"])
        for cited in re.findall(r"POP-\d+", row["source"] + " " + row["note"]):
            assert cited in known, (name, cited)


def test_every_setting_has_every_margin() -> None:
    margins = load_documents().margins
    quantities = [set(margins[setting]) for setting in SETTINGS]
    assert quantities[0] == quantities[1] == quantities[2]
    assert set(LABORATORY) <= quantities[0]


def test_ids_are_unique() -> None:
    effects = [row["id"] for row in read_rows("effects.tsv")]
    assert len(effects) == len(set(effects))
    pairs = [frozenset((row["a"], row["b"])) for row in read_rows("copula.tsv")]
    assert len(pairs) == len(set(pairs))
    assert all(len(pair) == 2 and pair <= set(LABORATORY) for pair in pairs)


def test_every_effect_is_used() -> None:
    folder = files("cereblon.patients")
    source = "".join(p.read_text("utf-8") for p in folder.iterdir() if p.name.endswith(".py"))
    for row in read_rows("effects.tsv"):
        gene, _, kind = row["id"].partition(".")
        assert f'"{row["id"]}"' in source or (f'{{gene}}.{kind}"' in source and f'"{gene}"' in source), row["id"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("x\t1\t\tassumed\tPOP-001\tread", "effects.tsv:2: unit is empty"),
        ("x\t1\tcm\tassumed\t\tread", "source is empty"),
        ("x\t1\tcm\tguessed\tPOP-001\tread", "status is 'guessed'"),
        ("x\t1\tcm\tassumed\tPOP-001\theard", "evidence is 'heard'"),
    ],
)
def test_incomplete_rows_are_refused(line: str, words: str) -> None:
    with pytest.raises(CereblonError, match=re.escape(words)):
        parse_rows("effects.tsv", f"id\tvalue\tunit\tstatus\tsource\tevidence\n{line}\n")
