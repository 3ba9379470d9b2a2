"""The cache folder: nothing is read from it that another user can have written, or that is not as it was written."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from cereblon.engine.programs import Program, program_name
from cereblon.storage import cache

NOBODY = 65534


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(cache, "_said", set())
    return cache.cache_folder()


def test_what_is_kept_comes_back_from_a_private_folder(folder: Path) -> None:
    before = os.umask(0)  # a group that writes together, as some systems have it
    try:
        cache.keep("a.json", b"content\nof two lines")
    finally:
        os.umask(before)
    assert cache.read_kept("a.json") == b"content\nof two lines"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in folder.iterdir()] == ["a.json"]
    assert cache.read_kept("b.json") is None


def test_every_flipped_bit_is_noticed(folder: Path) -> None:
    cache.keep("a.json", b"content")
    whole = (folder / "a.json").read_bytes()
    for bit in range(8 * len(whole)):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        (folder / "a.json").write_bytes(damaged)
        assert cache.read_kept("a.json") is None
    (folder / "a.json").write_bytes(whole)
    assert cache.read_kept("a.json") == b"content"


class Trap:
    """Runs code when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


@pytest.mark.skipif(os.name != "posix", reason="needs the rights of POSIX")
@pytest.mark.parametrize("harm", ["file of others", "file for all", "folder of others", "folder for all", "link", ""])
def test_nothing_is_unpickled_that_another_user_can_have_written(tmp_path: Path, folder: Path, harm: str) -> None:
    if harm.endswith("others") and os.getuid() != 0:
        pytest.skip("only root may give a file away")
    program = Program(lambda x: x + 1)
    argument = np.arange(3, dtype=np.float32)
    text = program._jitted.lower(argument).as_text()
    file = folder / program_name("program", text)
    cache.keep(file.name, pickle.dumps((Trap(tmp_path / "sprung"),)))
    place = folder if harm.startswith("folder") else file
    if harm.endswith("others"):
        os.chown(place, NOBODY, NOBODY)
    elif harm.endswith("all"):
        place.chmod(0o777)
    elif harm == "link":
        file.rename(tmp_path / "elsewhere")
        file.symlink_to(tmp_path / "elsewhere")
    np.testing.assert_array_equal(program(argument), [1, 2, 3])
    assert (tmp_path / "sprung").exists() == (harm == "")  # the trap works where the user is the owner
    if not harm.startswith("folder"):  # what was not read is replaced
        assert cache.read_kept(file.name) is not None
        assert not file.is_symlink()


def test_a_folder_that_others_may_write_is_said_once(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache.keep("a.json", b"content")
    folder.chmod(0o770)
    for _ in range(2):
        assert cache.read_kept("a.json") is None
        cache.keep("b.json", b"content")
    assert caplog.messages == [
        f"cereblon: {folder}: other users may write in it (chmod go-w mends that); programs are compiled anew each time"
    ]
    assert [path.name for path in folder.iterdir()] == ["a.json"]


def test_what_ended_processes_left_is_swept(folder: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    cache.keep("a.json", b"content")
    model = f"model-{'0' * 24}.json"
    stay = {f"{model}.{os.getppid()}", f"{model}.mine", f"notes.{gone.pid}"}
    for name in (*stay, f"{model}.{gone.pid}", f"cycle-{'a' * 24}.program.{gone.pid}"):
        (folder / name).write_bytes(b"half")
    cache.keep("b.json", b"content")
    assert {path.name for path in folder.iterdir()} == {"a.json", "b.json", *stay}


def test_no_place_for_the_cache_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code = (
        "import numpy as np; from cereblon.engine.programs import Program; import cereblon\n"
        "cereblon.load_model()\n"
        "for n in range(2): print(Program(lambda x: x + n)(np.float32(1)))\n"
    )
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "file" / "below")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "1.0\n2.0\n"
    where = tmp_path / "file" / "below" / "cereblon"
    assert done.stderr == (
        f"cereblon: {where}: cannot be written (Not a directory); programs are compiled anew each time\n"
    )


def test_the_callers_jax_cache_gets_nothing_of_ours_without_being_asked(tmp_path: Path) -> None:
    assert jax.config.values["jax_compilation_cache_dir"] == os.environ.get("JAX_COMPILATION_CACHE_DIR")
    Program(lambda x: x * 2)(np.float32(1))
    assert all(path.suffix == ".program" for path in cache.cache_folder().iterdir())


def test_what_nobody_reads_is_removed_when_something_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    names = [f"program-{number:024x}.program" for number in range(5)]
    for name in names[:3]:
        cache.keep(name, b"old")
    long_ago = time.time() - cache.LONGEST_UNUSED - 1
    for name in names[:2]:
        os.utime(cache.cache_folder() / name, (long_ago, long_ago))
    assert cache.read_kept(names[1]) == b"old"  # read: in use again
    other = cache.cache_folder() / "notes.txt"
    other.write_text("mine")
    os.utime(other, (long_ago, long_ago))
    cache.keep(names[3], b"new")
    assert [cache.read_kept(name) for name in names[:4]] == [None, b"old", b"old", b"new"]
    assert other.exists()  # not of this package
    monkeypatch.setattr(cache, "MOST_KEPT", 2)
    cache.keep(names[4], b"newest")
    assert len(list(cache.cache_folder().glob("*.program"))) == 2
    assert cache.read_kept(names[4]) == b"newest"
