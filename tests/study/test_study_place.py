"""One writer for each result folder, and blocks beside it that are used only as they were written."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import polars as pl
import pytest
from small_trials import assert_exact, edited, in_memory, short

from cereblon.clinic.trial.trial import Trial
from cereblon.errors import CereblonError
from cereblon.result import run
from cereblon.study.block import BlockRunner
from cereblon.study.checkpoint import Checkpoint, checkpoint_folder

PATIENTS = 5
GIVE_UP = 300.0  # seconds
Tables = dict[str, pl.DataFrame]


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    return short("badoux2011", tmp_path_factory.mktemp("trial") / "mine.yaml")


@pytest.fixture(scope="module")
def healthy(trial: Trial) -> Tables:
    return in_memory(run(trial, patients=PATIENTS))


@pytest.fixture
def out(trial: Trial, healthy: Tables, tmp_path: Path) -> Path:
    """A place beside which the blocks of a finished run lie that was never saved."""
    in_memory(run(trial, patients=PATIENTS, out=tmp_path / "out"))
    return tmp_path / "out"


def same_again(trial: Trial, out: Path, healthy: Tables) -> None:
    again = in_memory(run(trial, patients=PATIENTS, out=out))
    for name, table in healthy.items():
        assert_exact(again[name], table)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def test_a_second_run_into_one_place_is_refused_at_once(trial: Trial, tmp_path: Path, healthy: Tables) -> None:
    first = run(trial, patients=PATIENTS, out=tmp_path / "out")
    (tmp_path / "link").symlink_to("out")
    for place in ("out", "link"):  # also for the same request
        with pytest.raises(CereblonError, match=f"another run is writing .*{place}"):
            run(trial, patients=PATIENTS, out=tmp_path / place)
    for name, table in healthy.items():
        assert_exact(first.table(name), table)
    first.save(tmp_path / "out")
    second = run(trial, patients=PATIENTS, seed=2, out=tmp_path / "link")
    second.save(tmp_path / "link", force=True)
    assert json.loads((tmp_path / "out" / "run.json").read_text("utf-8"))["seed"] == 2
    assert {path.name for path in tmp_path.iterdir()} == {"out", "link"}


def test_of_two_threads_one_runs(trial: Trial, tmp_path: Path, healthy: Tables) -> None:
    refused: list[str] = []

    def progress(done: int, total: int, words: str) -> None:
        if not refused:
            second = Thread(target=attempt)
            second.start()
            second.join()

    def attempt() -> None:
        with pytest.raises(CereblonError) as caught:
            run(trial, patients=PATIENTS, out=tmp_path / "out")
        refused.append(str(caught.value))

    first = run(trial, patients=PATIENTS, out=tmp_path / "out", progress=progress)
    assert "another run is writing" in refused[0]
    assert_exact(first.table("visits"), healthy["visits"])


def test_a_run_that_fails_gives_the_place_back(trial: Trial, tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(CereblonError, match="blood_volume"):
            run(trial, patients=PATIENTS, out=tmp_path / "deep" / "out", overrides={"blood_volume": 0.0})
        assert list(tmp_path.iterdir()) == []
    result = run(trial, patients=PATIENTS, out=tmp_path / "out")
    del result
    gc.collect()
    assert {path.name for path in tmp_path.iterdir()} == {".out.blocks"}


@pytest.fixture
def other_process(trial: Trial, tmp_path: Path, healthy: Tables) -> Iterator[subprocess.Popen[str]]:
    """A run into tmp_path/out that has begun, and holds still."""
    edited("badoux2011", tmp_path / "mine.yaml")
    code = (
        "import sys, time, cereblon\n"
        "def still(*_):\n"
        "    print('begun', flush=True)\n"
        "    time.sleep(300)\n"
        "cereblon.run(cereblon.load_trial('mine.yaml'), patients=5, out='out', progress=still)\n"
    )
    started = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    assert started.stdout.readline() == "begun\n"
    yield started
    started.kill()
    started.communicate()


def test_the_place_of_a_killed_process_is_free_at_once(
    trial: Trial, tmp_path: Path, healthy: Tables, other_process: subprocess.Popen[str]
) -> None:
    with pytest.raises(CereblonError, match="another run is writing"):
        run(trial, patients=PATIENTS, out=tmp_path / "out")
    command = [sys.executable, "-m", "cereblon", "run", "mine.yaml", "-n", "5", "--out", "out"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=GIVE_UP)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "cereblon: another run is writing out (wait for it or choose another folder)\n"
    other_process.send_signal(signal.SIGKILL)
    other_process.wait()
    result = run(trial, patients=PATIENTS, out=tmp_path / "out")
    result.save(tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"out", "mine.yaml"}


def _no_json(path: Path) -> None:
    path.write_bytes(b"[" * 100_000)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _of_another_run(path: Path) -> None:
    text = path.read_text("utf-8").rstrip()
    path.write_text(text[:-1] + ("1" if text.endswith("0") else "0") + "\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "harm"),
    [
        ("subjects-000000.parquet", flip),
        ("subjects-000000.parquet", _empty),
        ("time_to_event-000000.parquet", Path.unlink),
        ("visits/part-000000.parquet", flip),
        ("visits/part-000000.parquet", _empty),
        ("done-000000", flip),
        ("done-000000", _empty),
        ("done-000000", _no_json),
        ("fingerprint", _of_another_run),
    ],
)
def test_what_is_not_as_it_was_written_is_made_again(
    trial: Trial, out: Path, healthy: Tables, name: str, harm: Callable[[Path], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    real = BlockRunner.run

    def counted(runner: BlockRunner, block: object, tick: object) -> object:
        made.append(1)
        return real(runner, block, tick)  # type: ignore[arg-type]

    monkeypatch.setattr(BlockRunner, "run", counted)
    harm(checkpoint_folder(out) / name)
    same_again(trial, out, healthy)
    assert made == [1]
    same_again(trial, out, healthy)
    assert made == [1]


@pytest.mark.parametrize("mark", [b"\xff\xfe", b"", b"0123456789abcdef"])
def test_a_folder_of_blocks_without_our_mark_is_not_touched(trial: Trial, out: Path, mark: bytes) -> None:
    folder = checkpoint_folder(out)
    (folder / "fingerprint").write_bytes(mark)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(CereblonError, match="no readable file 'fingerprint'") as caught:
        run(trial, patients=PATIENTS, out=out)
    assert "\n" not in str(caught.value)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("where", ["", "visits/"])
def test_a_folder_of_blocks_with_something_else_in_it_is_not_removed(trial: Trial, out: Path, where: str) -> None:
    precious = checkpoint_folder(out) / f"{where}precious"
    precious.write_text("a")
    with pytest.raises(CereblonError, match="precious"):
        run(trial, patients=PATIENTS, seed=2, out=out)
    assert precious.read_text("utf-8") == "a"
    alone = checkpoint_folder(out.with_name("alone"))
    alone.mkdir()
    (alone / "precious").write_text("a")
    with pytest.raises(CereblonError, match="precious"):
        run(trial, patients=PATIENTS, out=out.with_name("alone"))
    assert (alone / "precious").read_text("utf-8") == "a"


def test_a_place_with_files_of_others_is_refused_before_the_work(trial: Trial, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("a")
    with pytest.raises(CereblonError, match=r"'notes\.txt' in it is of no Cereblon run"):
        run(trial, patients=PATIENTS, out=tmp_path, progress=lambda *_: pytest.fail("began"))


def test_an_empty_folder_of_blocks_is_used(trial: Trial, healthy: Tables, tmp_path: Path) -> None:
    checkpoint_folder(tmp_path / "out").mkdir()
    same_again(trial, tmp_path / "out", healthy)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
def test_a_full_disk_under_the_blocks_is_one_line(
    trial: Trial, tmp_path: Path, healthy: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every part is written to the device that has no space: no library may turn that into an error of its own."""
    part = Checkpoint._part
    monkeypatch.setattr(Checkpoint, "_part", lambda self, table, block: _full(part(self, table, block)))
    with pytest.raises(CereblonError, match="No space left on device") as caught:
        run(trial, patients=PATIENTS, out=tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def _full(path: Path) -> Path:
    partial = path.with_suffix(".partial")
    if not os.path.lexists(partial):
        partial.symlink_to("/dev/full")
    return path
