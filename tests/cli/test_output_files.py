"""Every verb that writes one file: a place that cannot be written is one line, before the work."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from cereblon.cli.main import main
from cereblon.errors import CereblonError
from cereblon.storage import output as output_files
from cereblon.storage.output import check_file_target, write_new_text, write_text

VERBS: dict[str, list[str]] = {
    "sbml": ["export", "sbml"],
    "graph": ["export", "graph"],
    "new": ["new"],
    "assay template": ["assay", "--new"],
    "claims page": ["claims", "crbn_binding", "-n", "8", "--out"],
    "assay table": ["assay", "mine.yaml", "-n", "8", "--out"],
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty folder, beside whatever a test puts there, and let no work begin."""
    inside = tmp_path / "here"
    inside.mkdir()
    monkeypatch.chdir(inside)

    def never(*_: object, **__: object) -> None:
        raise AssertionError("the work began before its target was checked")

    # modules that take the name with them when they are imported must have the real one
    for module in ("report.claims_page", "evidence.assay", "evidence.dose_response", "evidence.arrow_signs"):
        import_module(f"cereblon.{module}")
    for name in ("model.load_model", "evidence.graph.mechanism_graph", "evidence.verdicts.run_claims"):
        monkeypatch.setattr(f"cereblon.{name}", never)
    monkeypatch.setattr("cereblon.evidence.assay.run_assay", never)
    return inside


def places(here: Path) -> dict[str, tuple[str, str]]:
    """Return what is given for the file, and words of the answer."""
    (here.parent / "folder").mkdir()
    (here.parent / "loop").symlink_to("loop")
    os.mkfifo(here.parent / "pipe")
    return {
        "nothing": ("", "is a folder"),
        "root": ("/", "is a folder"),
        "folder": ("../folder", "is a folder"),
        "no folder": ("../missing/a.xml", "does not exist"),
        "file for a folder": ("../here/mine.yaml/a.xml", "cannot be written (Not a directory)"),
        "circle of links": ("../loop", ""),
        "pipe": ("../pipe", ""),
        "device": ("/dev/null", ""),
        "system": ("/proc/a.graphml", "cannot be written"),
        "too long": ("a" * 300 + ".graphml", "cannot be written (File name too long)"),
    }


@pytest.mark.parametrize("verb", VERBS)
def test_impossible_places(verb: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if verb == "assay table":
        from cereblon.evidence.assay import write_template

        write_template(here / "mine.yaml")
    else:
        (here / "mine.yaml").write_text("precious")
    for place, words in places(here).values():
        before = sorted(here.parent.rglob("*"))
        with pytest.raises(SystemExit) as stop:
            main([*VERBS[verb], place])
        out, err = capsys.readouterr()
        assert (stop.value.code, out) == (2, ""), place
        assert err.startswith("cereblon: "), place
        assert err.count("\n") == 1
        assert words in err
        assert sorted(here.parent.rglob("*")) == before
    assert Path("/dev/null").is_char_device()


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
@pytest.mark.parametrize("verb", VERBS)
def test_folder_without_permission(verb: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "closed").mkdir(mode=0o500)
    with pytest.raises(SystemExit) as stop:
        main([*VERBS[verb], "closed/a.graphml"])
    assert stop.value.code == 2
    assert "no permission" in capsys.readouterr().err


@pytest.mark.parametrize("call", ["replace", "unlink", "touch"])
def test_a_system_that_refuses_is_one_line(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # what root cannot make happen
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, call, refuse)
    with pytest.raises(CereblonError, match=r"a\.xml: cannot be written \(Permission denied\)"):
        write_text(tmp_path / "a.xml", "text")
    assert not (tmp_path / "a.xml").exists()


def test_a_full_disk_leaves_the_earlier_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.xml"
    file.write_text("earlier")
    monkeypatch.setattr(output_files.os, "access", lambda *_: True)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(CereblonError, match="No space left on device"):
        write_text(file, "later")
    assert file.read_text("utf-8") == "earlier"
    assert list(tmp_path.iterdir()) == [file]


def test_a_link_stays_and_its_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link.xml").symlink_to("there/a.xml")
    write_text(tmp_path / "link.xml", "text")  # the file that the link names does not exist yet
    assert (tmp_path / "there" / "a.xml").read_text("utf-8") == "text"
    assert (tmp_path / "link.xml").is_symlink()
    with pytest.raises(CereblonError, match="exists already"):
        write_new_text(tmp_path / "link.xml", "other")


def test_a_name_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(CereblonError, match="is not a file name") as caught:
        check_file_target(tmp_path / "a\0b")
    assert str(caught.value).isprintable()
