"""Runs that are killed or interrupted: they go on to the same tables, and leave nothing half-written."""

from __future__ import annotations

import errno
import gc
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from small_trials import assert_exact, assert_same, edited, in_memory, short

import cereblon
from cereblon.clinic.trial.trial import Trial
from cereblon.errors import CereblonError
from cereblon.result import StudyResult, run
from cereblon.study.block import BlockRunner
from cereblon.study.checkpoint import Checkpoint, checkpoint_folder
from cereblon.study.program import LANES

BLOCKS = 4
PATIENTS = BLOCKS * LANES
GIVE_UP = 300.0  # seconds


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    return short("badoux2011", tmp_path_factory.mktemp("trial") / "mine.yaml")


@pytest.fixture(scope="module")
def undisturbed(trial: Trial) -> StudyResult:
    """Come first, so that the processes of these tests find the model compiled."""
    return cereblon.run(trial, patients=PATIENTS)


@pytest.fixture
def process(tmp_path: Path, undisturbed: StudyResult) -> Iterator[subprocess.Popen[str]]:
    edited("badoux2011", tmp_path / "mine.yaml")
    command = [
        sys.executable,
        "-m",
        "cereblon.cli.main",
        "run",
        "mine.yaml",
        "-n",
        str(PATIENTS),
        "--out",
        "deep/out",
    ]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # an ignored Ctrl-C would be inherited
    try:
        started = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, before)
    yield started
    started.kill()
    started.communicate()


def wait_for(pattern: str, folder: Path, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + GIVE_UP
    while not list(folder.glob(pattern)):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.01)


def contents(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.name != "mine.yaml"}


def test_killed_run_goes_on_to_the_same_tables(
    tmp_path: Path, process: subprocess.Popen[str], trial: Trial, undisturbed: StudyResult
) -> None:
    out = tmp_path / "deep" / "out"
    blocks = checkpoint_folder(out)
    wait_for("done-*", blocks, process)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not out.exists()
    finished = {path: path.stat().st_mtime_ns for path in blocks.glob("done-*")}
    assert 1 <= len(finished) < BLOCKS

    resumed = run(trial, patients=PATIENTS, out=out)
    assert {path: path.stat().st_mtime_ns for path in finished} == finished  # not simulated again
    assert_same(undisturbed, resumed)
    saved = resumed.save(out)
    assert not blocks.exists()
    assert_same(undisturbed, resumed)  # the tables outlive the blocks
    for name in resumed.tables:
        assert_exact(pl.read_parquet(saved / f"{name}.parquet"), undisturbed.table(name))
    assert contents(tmp_path / "deep") == {"out", *(f"out/{path.name}" for path in out.iterdir())}


def errors(text: str) -> str:
    """Standard error without the warnings on a trial that was cut short."""
    return "".join(line for line in text.splitlines(keepends=True) if ": warning: " not in line)


def test_interrupt_while_simulating(tmp_path: Path, process: subprocess.Popen[str]) -> None:
    wait_for("done-*", tmp_path / "deep" / ".out.blocks", process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=GIVE_UP)
    assert (process.returncode, out, errors(err)) == (130, "", "cereblon: interrupted\n")
    left = contents(tmp_path)
    assert all(path == "deep" or path.startswith("deep/.out.blocks") for path in left)
    # what is left is of use: only whole blocks count
    marks = [path for path in left if "/done-" in path]
    assert 1 <= len(marks) < BLOCKS
    for mark in marks:
        block = mark[-6:]
        assert f"deep/.out.blocks/subjects-{block}.parquet" in left
        assert f"deep/.out.blocks/visits/part-{block}.parquet" in left


def test_interrupt_before_the_first_block_leaves_nothing(tmp_path: Path, process: subprocess.Popen[str]) -> None:
    wait_for("fingerprint", tmp_path / "deep" / ".out.blocks", process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=GIVE_UP)
    assert (process.returncode, out, errors(err)) == (130, "", "cereblon: interrupted\n")
    assert contents(tmp_path) == set()


def test_terminated_while_simulating(tmp_path: Path, process: subprocess.Popen[str]) -> None:
    wait_for("done-*", tmp_path / "deep" / ".out.blocks", process)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=GIVE_UP)
    assert (process.returncode, out, errors(err)) == (143, "", "cereblon: terminated\n")
    assert [p for p in contents(tmp_path) if p != "deep" and not p.startswith("deep/.out.blocks")] == []


def test_interrupt_while_the_tables_are_written(tmp_path: Path, process: subprocess.Popen[str]) -> None:
    wait_for(".out.partial-*", tmp_path / "deep", process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=GIVE_UP)
    assert (process.returncode, out, errors(err)) == (130, "", "cereblon: interrupted\n")
    assert [p for p in contents(tmp_path) if p != "deep" and not p.startswith("deep/.out.blocks")] == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_reproduce_leaves_no_temporary_folder(tmp_path: Path, undisturbed: StudyResult, number: signal.Signals) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "cereblon", "reproduce", "-n", "300"],
            env={**os.environ, "TMPDIR": str(temporary)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        signal.signal(signal.SIGINT, before)
    wait_for("cereblon-*/visits", temporary, process)
    process.send_signal(number)
    _, err = process.communicate(timeout=GIVE_UP)
    assert (process.returncode, err) == (
        (143, "cereblon: terminated\n") if number == signal.SIGTERM else (130, "cereblon: interrupted\n")
    )
    assert list(temporary.iterdir()) == []


def test_interrupt_at_the_very_start_is_one_line(tmp_path: Path) -> None:
    """Ctrl-C while the command line itself is imported."""
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    command = [sys.executable, "-m", "cereblon", "trials"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=GIVE_UP)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "cereblon: interrupted\n")


def _interrupt_after(blocks: int, out: Path | None, trial: Trial) -> None:
    def progress(done: int, total: int, words: str) -> None:
        if out is None:
            if words == "simulating":
                raise KeyboardInterrupt
        elif len(list(checkpoint_folder(out).glob("done-*"))) >= blocks:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(trial, patients=3 * LANES, out=out, progress=progress)


def test_blocks_of_another_run_are_not_taken(trial: Trial, tmp_path: Path) -> None:
    out = tmp_path / "out"
    _interrupt_after(1, out, trial)
    mark = checkpoint_folder(out) / "fingerprint"
    first = mark.read_text("utf-8")
    other = run(trial, patients=5, seed=2, out=out)
    assert mark.read_text("utf-8") != first
    assert_same(other, run(trial, patients=5, seed=2))
    del other  # one result at a time has the place
    changed = run(trial, patients=5, seed=2, out=out, overrides={"len_clearance_scale": 0.5})
    with pytest.raises(AssertionError):
        assert_same(changed, run(trial, patients=5, seed=2))


def test_same_run_in_the_same_place_is_taken_from_disk(
    trial: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = in_memory(run(trial, patients=5, out=tmp_path / "out"))

    def never(*_: object) -> None:
        raise AssertionError("simulated again")

    monkeypatch.setattr(BlockRunner, "run", never)
    again = run(trial, patients=5, out=tmp_path / "out")
    for name, table in first.items():
        assert_exact(table, again.table(name))


def test_temporary_files_go_with_the_result(trial: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    result = run(trial, patients=5)
    assert result.table("visits").height > 0
    assert len(list(tmp_path.iterdir())) == 1
    del result
    gc.collect()
    assert list(tmp_path.iterdir()) == []
    _interrupt_after(1, None, trial)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(CereblonError):
        run(trial, patients=5, overrides={"blood_volume": 0.0})
    assert list(tmp_path.iterdir()) == []


def test_full_disk_is_one_line_and_leaves_nothing(
    trial: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Checkpoint, "keep", full)
    with pytest.raises(CereblonError, match="No space left on device") as caught:
        run(trial, patients=5, out=tmp_path / "deep" / "out")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_interrupt_while_the_folder_is_written_keeps_the_earlier_run(
    trial: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    result = run(trial, patients=5)
    result.save(out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    rename = Path.rename

    def interrupted(path: Path, target: Path) -> Path:
        if ".partial-" in path.name:
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        result.save(out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert contents(tmp_path) == {"out", *(f"out/{name}" for name in before)}


def test_folders_of_killed_processes_are_swept(trial: Trial, tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (tmp_path / f".out.partial-{gone.pid}").mkdir()
    (tmp_path / f".out.partial-{gone.pid}" / "visits.parquet").write_text("half")
    (tmp_path / ".out.partial-mine").mkdir()
    (tmp_path / f".outer.partial-{gone.pid}").mkdir()
    run(trial, patients=5).save(tmp_path / "out")
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"out", ".out.partial-mine", f".outer.partial-{gone.pid}"}
