"""The model kept in the cache folder is the model of the documents."""

import subprocess
import sys
from pathlib import Path

import pytest

from cereblon.model import Model, load_model
from cereblon.model.compose import compose
from cereblon.model.load import build
from cereblon.storage import cache


def made() -> Model:
    whole = compose(None)
    return build(list(whole.documents), dict(whole.parameters), whole.drugs, whole.neutral, packaged_text=True)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return cache.cache_folder()


def test_kept_model_is_the_same_object_by_object(folder: Path) -> None:
    fresh = made()
    (file,) = folder.iterdir()
    assert file.suffix == ".json"
    again = made()
    # equal expressions are one object, so dictionaries of them compare by structure
    assert again.system == fresh.system
    assert again.plan == fresh.plan
    assert again.sbml == fresh.sbml


@pytest.mark.parametrize("sealed", [False, True])
@pytest.mark.parametrize(
    "damage", ["", "{", '{"nodes": [["system", "id", []]]}', '{"nodes": [["add", null, [7]]]}', "[" * 100_000]
)
def test_damaged_file_is_ignored_and_written_anew(folder: Path, damage: str, sealed: bool) -> None:
    fresh = made()
    (file,) = folder.iterdir()
    whole = file.read_text("utf-8")
    if sealed:  # whole, but of another version
        cache.keep(file.name, damage.encode())
    else:
        file.write_text(damage)
    assert made().plan == fresh.plan
    assert file.read_text("utf-8") == whole


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file" / "cache"))
    assert made().states


def test_a_later_start_does_not_load_libsbml() -> None:
    load_model()
    code = (
        "import sys, cereblon; cereblon.load_model(); sys.exit('libsbml' in sys.modules or 'antimony' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
