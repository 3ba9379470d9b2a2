"""Runs that are killed at any moment, and files that lose a bit: the numbers are those of an undisturbed run."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SEED = 20
KILLS = 20
FLIPS = 2
AMONG_BLOCKS = 0.25  # of the time of a whole run: about what is left of it after the first block
PATIENTS = 600
TRIAL = "chen2011"
GIVE_UP = 300.0  # seconds for one run

pytestmark = pytest.mark.slow
Contents = dict[str, bytes]


def begin(folder: Path, *more: str, cache: Path | None = None) -> subprocess.Popen[str]:
    environment = dict(os.environ) if cache is None else {**os.environ, "XDG_CACHE_HOME": str(cache)}
    command = [sys.executable, "-m", "cereblon", "run", TRIAL, "-n", str(PATIENTS), "--out", "out", *more]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=pipe, stderr=pipe, text=True, encoding="utf-8")


def complete(folder: Path, cache: Path | None = None) -> Contents:
    """Run to the end; return the tables."""
    process = begin(folder, cache=cache)
    _, err = process.communicate(timeout=GIVE_UP)
    assert process.returncode == 0, err
    return {path.name: path.read_bytes() for path in (folder / "out").glob("*.parquet")}


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Contents:
    tables = complete(tmp_path_factory.mktemp("healthy"))  # compiles, if need be
    assert len(tables) == 6
    return tables


@pytest.fixture(scope="module")
def seconds(healthy: Contents, tmp_path_factory: pytest.TempPathFactory) -> float:
    """How long a whole run takes here."""
    began = time.monotonic()
    complete(tmp_path_factory.mktemp("timed"))
    return time.monotonic() - began


def test_killed_at_random_moments_it_goes_on_to_the_same_bytes(
    tmp_path: Path, healthy: Contents, seconds: float
) -> None:
    moments = random.Random(SEED)
    met: dict[str, int] = {"before": 0, "blocks": 0, "writing": 0, "complete": 0}
    for number in range(KILLS):
        folder = tmp_path / str(number)
        folder.mkdir()
        process = begin(folder)
        moment = moments.uniform(0.0, seconds)
        if number % 2:  # every other one among the blocks: most of a run's time goes before the first
            wait_for_block(folder, process)
            moment *= AMONG_BLOCKS
        end = time.monotonic() + moment
        while time.monotonic() < end and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        left = {path.name for path in folder.iterdir()}
        assert left <= {"out", ".out.blocks", ".out.lock"} or any(".partial-" in name for name in left)
        if "out" in left:  # never half a folder
            assert {p.name: p.read_bytes() for p in (folder / "out").glob("*.parquet")} == healthy
        blocks = list((folder / ".out.blocks").glob("done-*"))
        writing = any(".partial-" in name for name in left)
        met["complete" if "out" in left else "writing" if writing else "blocks" if blocks else "before"] += 1
        assert complete(folder) == healthy
        assert {path.name for path in folder.iterdir()} == {"out"}
    print(f"killed {KILLS} times within {seconds:.1f} s: {met}")
    assert met["blocks"] >= KILLS // 5


def flip(path: Path, at: random.Random) -> None:
    content = bytearray(path.read_bytes())
    place = at.randrange(8 * len(content))
    content[place // 8] ^= 1 << place % 8
    path.write_bytes(content)


@pytest.mark.parametrize("kind", ["*.program", "model-*.json"])
def test_a_flipped_bit_in_the_cache_is_noticed(tmp_path: Path, healthy: Contents, kind: str) -> None:
    cache = tmp_path / "cache"
    assert complete(tmp_path, cache) == healthy
    at = random.Random(SEED)
    for _ in range(FLIPS):
        (file,) = (cache / "cereblon").glob(kind)
        whole = file.read_bytes()
        flip(file, at)
        assert complete(tmp_path, cache) == healthy
        again = file.read_bytes()
        assert re.match(rb"cereblon cache 1 [0-9a-f]{64}\n", again)
        if kind.endswith("json"):
            assert again == whole
        file.write_bytes(whole)


def wait_for_block(folder: Path, process: subprocess.Popen[str]) -> None:
    while not list((folder / ".out.blocks").glob("done-*")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


def after_the_first_block(folder: Path) -> None:
    process = begin(folder)
    wait_for_block(folder, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()


@pytest.mark.parametrize(
    "kind", ["subjects-*.parquet", "adverse_events-*.parquet", "visits/part-*.parquet", "done-*", "fingerprint"]
)
def test_a_flipped_bit_in_the_blocks_is_noticed(tmp_path: Path, healthy: Contents, kind: str) -> None:
    at = random.Random(SEED)
    for number in range(FLIPS):
        folder = tmp_path / str(number)
        folder.mkdir()
        after_the_first_block(folder)
        flip(sorted((folder / ".out.blocks").glob(kind))[0], at)
        process = begin(folder)
        _, err = process.communicate(timeout=GIVE_UP)
        if kind == "fingerprint" and process.returncode != 0:  # no longer ours: refused, and nothing is touched
            assert process.returncode == 2
            assert err.count("\n") == 1
            assert "fingerprint" in err
            continue
        assert process.returncode == 0, err
        assert {path.name: path.read_bytes() for path in (folder / "out").glob("*.parquet")} == healthy


@pytest.mark.parametrize("more", [(), ("--seed", "2"), ("--set", "len_clearance_scale=0.5")])
def test_of_two_runs_into_one_folder_at_once_one_is_refused(
    tmp_path: Path, healthy: Contents, more: tuple[str, ...]
) -> None:
    for number, pause in enumerate((0.0, 0.5)):  # seconds between the starts
        folder = tmp_path / str(number)
        folder.mkdir()
        first = begin(folder)
        time.sleep(pause)
        second = begin(folder, *more)
        ends = [(process.communicate(timeout=GIVE_UP)[1], process.returncode) for process in (first, second)]
        assert sorted(code for _, code in ends) == [0, 2], ends
        (said,) = [err for err, code in ends if code == 2]
        assert said == "cereblon: another run is writing out (wait for it or choose another folder)\n"
        if ends[0][1] == 0:
            assert {path.name: path.read_bytes() for path in (folder / "out").glob("*.parquet")} == healthy
        assert {path.name for path in folder.iterdir()} == {"out"}
