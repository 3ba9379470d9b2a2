"""A run folder replaces nothing but an earlier run, wherever its name leads, and is complete or absent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import synthetic
from cereblon.errors import CereblonError
from cereblon.result import StudyResult
from cereblon.storage.output import write_text
from cereblon.study.earlier import planned
from cereblon.study.target import check_target

FILES = {
    *(f"{name}.parquet" for name in synthetic.study(5).tables),
    "run.json",
    "summary.json",
    "report.html",
}


@pytest.fixture(scope="module")
def result() -> StudyResult:
    return synthetic.study(20)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def refused(result: StudyResult, folder: Path, *words: str, force: bool = False) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(CereblonError) as caught:
        result.save(folder, force=force)
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    "record",
    [
        "{}",
        "[" * 100_000,
        '{"format": 1, "sha256": {"notes.txt": ""}}',
        '{"cereblon": "0.1.0", "format": 99, "sha256": {"notes.txt": ""}}',
        "\udcff",
    ],
    ids=["empty", "nested", "incomplete", "other format", "bytes"],
)
@pytest.mark.parametrize("force", [False, True])
def test_a_file_named_run_json_makes_no_run(result: StudyResult, tmp_path: Path, record: str, force: bool) -> None:
    folder = tmp_path / "X"
    folder.mkdir()
    (folder / "run.json").write_bytes(record.encode("utf-8", "surrogateescape"))
    (folder / "notes.txt").write_text("a")
    refused(result, folder, "notes.txt", force=force)
    (folder / "notes.txt").unlink()
    refused(result, folder, "run.json", force=force)


@pytest.mark.parametrize("force", [False, True])
def test_a_file_that_a_run_does_not_list_keeps_the_folder(result: StudyResult, tmp_path: Path, force: bool) -> None:
    folder = result.save(tmp_path / "X")
    (folder / "notes.txt").write_text("a")
    refused(result, folder, "notes.txt", force=force)
    (folder / "notes.txt").unlink()
    (folder / "visits.parquet").unlink()
    (folder / "visits.parquet").mkdir()
    refused(result, folder, "visits.parquet", force=force)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda r: replace(r, seed=2), "seed 1 there, 2 here"),
        (lambda r: replace(r, patients=300), "patients"),
        (lambda r: replace(r, overrides={"len_clearance_scale": 0.5}), "len_clearance_scale=0.5"),
        (lambda r: replace(r, trial=r.trial.model_copy(update={"title": "Another"})), "the trial"),
        (lambda r: replace(r, twins=True), "twins"),
    ],
)
def test_a_run_of_another_request_is_replaced_only_when_asked(
    result: StudyResult, tmp_path: Path, change: Callable[[StudyResult], StudyResult], word: str
) -> None:
    folder = result.save(tmp_path / "X")
    other = change(result)
    refused(other, folder, "another request", word, "--force")
    other.save(folder, force=True)
    refused(result, folder, "another request")
    other.save(folder)


def test_the_same_request_is_replaced_silently_and_said_under_another_version(
    result: StudyResult, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = result.save(tmp_path / "X")
    result.save(folder)
    assert caplog.messages == []
    replace(result, meta={**result.meta, "cereblon": "0.0.9"}).save(folder)
    caplog.clear()
    record = json.loads((folder / "run.json").read_text("utf-8"))
    del record["cereblon"]  # as version 0.1.0 wrote it
    (folder / "run.json").write_text(json.dumps(record))
    result.save(folder)
    assert caplog.messages == [f"cereblon: {folder}: replaced an earlier run by version 0.0.9"]


def test_what_is_planned_is_compared_before_the_work(result: StudyResult, tmp_path: Path) -> None:
    folder = result.save(tmp_path / "X")
    arms = list(result.arms)
    same = planned(result.trial, result.patients, result.seed, None, {}, False)
    assert check_target(folder, same) == folder
    assert check_target(folder, planned(result.trial, result.patients, result.seed, arms, {}, False)) == folder
    other = planned(result.trial, 7, result.seed, arms, {"len_clearance_scale": 0.5}, False)
    with pytest.raises(CereblonError, match="patients 20 there, 7 here; settings none there, len_clear"):
        check_target(folder, other)
    assert check_target(folder, other, force=True) == folder
    assert names(tmp_path) == {"X"}


def test_links_are_followed(result: StudyResult, tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to("real")
    for _ in range(2):
        assert result.save(link) == real
    dangling = tmp_path / "dangling"
    dangling.symlink_to("elsewhere/deep")
    assert check_target(dangling) == tmp_path / "elsewhere" / "deep"
    assert not (tmp_path / "elsewhere").exists()
    assert result.save(dangling) == tmp_path / "elsewhere" / "deep"
    assert link.is_symlink()
    assert dangling.is_symlink()
    assert names(real) == names(tmp_path / "elsewhere" / "deep") == FILES
    assert names(tmp_path) == {"real", "link", "dangling", "elsewhere"}


def test_places_that_cannot_be_made_are_refused_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").write_text("")
    os.mkfifo(tmp_path / "pipe")
    for place in (
        "/",
        "/dev/null",
        tmp_path / "pipe",
        tmp_path / "loop",
        tmp_path / "file",
        tmp_path / "file" / "below",
        "/proc/X",
        "x" * 300,
        "a\0b",
    ):
        with pytest.raises(CereblonError) as caught:
            check_target(Path(place))
        assert "\n" not in str(caught.value)
        assert str(caught.value).startswith("output folder ")
    assert names(tmp_path) == {"loop", "file", "pipe"}


def test_the_folder_one_stands_in_stays(result: StudyResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "X"
    folder.mkdir()
    inode = folder.stat().st_ino
    monkeypatch.chdir(folder)
    for _ in range(2):  # empty, then with an earlier run
        assert result.save(".") == folder
        assert folder.stat().st_ino == inode
        assert set(os.listdir(".")) == FILES
        assert names(tmp_path) == {"X"}
    refused(replace(result, seed=2), Path(), "another request")
    replace(result, seed=2).save(".", force=True)
    assert json.loads(Path("run.json").read_text("utf-8"))["seed"] == 2


@pytest.mark.parametrize("moves", range(1, 2 * len(FILES) + 1))
def test_an_exchange_of_files_that_is_killed_is_finished_or_undone(
    result: StudyResult, tmp_path: Path, moves: int
) -> None:
    """Killed after every number of renames: the next look finds a whole run, the old or the new."""
    folder = result.save(tmp_path / "X")
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from cereblon.study.placing import place, partial_folder\n"
        "target, left = Path(sys.argv[1]), int(sys.argv[2])\n"
        "rename = Path.rename\n"
        "def counted(path, to):\n"
        "    global left\n"
        "    rename(path, to)\n"
        "    left -= 1\n"
        "    left or os._exit(9)\n"
        "os.chdir(target)\n"
        "new = partial_folder(target)\n"
        "new.mkdir()\n"
        "for path in target.iterdir():\n"
        "    (new / path.name).write_bytes(path.read_bytes().replace(b'\"seed\": 1', b'\"seed\": 2'))\n"
        "Path.rename = counted\n"
        "place(new, target)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder), str(moves)], check=False)
    assert done.returncode == 9
    assert check_target(folder) == folder
    assert names(folder) == FILES
    assert names(tmp_path) == {"X"}
    assert json.loads((folder / "run.json").read_text("utf-8"))["seed"] == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
def test_an_error_of_the_table_writer_is_one_line(
    result: StudyResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = pl.LazyFrame.sink_parquet

    def full(frame: pl.LazyFrame, to: Any, **options: Any) -> None:
        if isinstance(to, Path):
            to = "/dev/full"
        sink(frame, to, **options)

    monkeypatch.setattr(pl.LazyFrame, "sink_parquet", full)
    lazy = replace(result, tables={**result.tables, "visits": result.table("visits").lazy()})
    with pytest.raises(CereblonError) as caught:
        lazy.save(tmp_path / "X")
    assert str(caught.value) == f"output folder '{tmp_path / 'X'}': No space left on device (os error 28)"
    assert names(tmp_path) == set()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
def test_a_text_file_on_a_full_disk_is_one_line_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.xml").write_text("earlier")
    (tmp_path / f".cereblon-partial-{os.getpid()}").symlink_to("/dev/full")
    with pytest.raises(CereblonError, match="No space left on device"):
        write_text(tmp_path / "a.xml", "x" * 1_000_000)
    assert (tmp_path / "a.xml").read_text("utf-8") == "earlier"
    assert names(tmp_path) == {"a.xml"}


def test_a_text_file_follows_links_and_replaces_no_device(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link.xml").symlink_to("real/a.xml")
    for _ in range(2):
        write_text(tmp_path / "link.xml", "text")
        assert (tmp_path / "real" / "a.xml").read_text("utf-8") == "text"
    assert (tmp_path / "link.xml").is_symlink()
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(CereblonError, match="is a device or a pipe"):
            write_text(place, "text")
