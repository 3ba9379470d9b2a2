"""The page on a drug of one's own: the mistakes it names are refused in the words that it quotes, at their place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from test_guide import DOCS, blocks

from cereblon.cli.main import main

PAGE = DOCS / "howto" / "own_drug.md"
DRUG = "my_drugs/examplinib"


def written(folder: Path) -> None:
    for file, _, text in blocks(PAGE):
        if file:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(text, "utf-8")


def quoted(mistake: str) -> str:
    found = re.search(rf"^\| {mistake} \| `(.*?)(?:, \.\.\.)?` \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    ("mistake", "place", "old", "new"),
    [
        ("the package has a drug of that name", "card.yaml", "name: examplinib", "name: lenalidomide"),
        ("a port that does not exist", "effect.ant:7", "drug_death_blood", "drug_death_blod"),
        ("a name without the prefix", "effect.ant:3", "exa_effect", "effect"),
    ],
)
def test_mistakes_are_named_as_the_page_says(
    mistake: str,
    place: str,
    old: str,
    new: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path)
    path = Path(DRUG, place.partition(":")[0])
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    folder = Path(DRUG)
    if new == "name: lenalidomide":
        folder = folder.rename("my_drugs/lenalidomide")
    with pytest.raises(SystemExit) as stop:
        main(["check", "--drugs", "my_drugs"])
    out, err = capsys.readouterr()
    assert (stop.value.code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"{folder}/{place}: error: {quoted(mistake)}")
