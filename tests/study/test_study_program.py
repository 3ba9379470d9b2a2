"""The kept cycle: made once, by one thread, and read by the next process; what does not fit is made anew."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
import pytest

from cereblon.engine import programs
from cereblon.storage.cache import cache_folder
from cereblon.study.program import KeptProgram

ONE = np.arange(3.0, dtype=np.float32)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return cache_folder()


class Builder:
    """Counts how often the program had to be built."""

    def __init__(self) -> None:
        self.built = 0

    def __call__(self) -> Any:
        self.built += 1
        return lambda tree, x: {"sum": tree["a"] + x}


def test_several_threads_wait_for_one_that_builds() -> None:
    build, meet = Builder(), Barrier(3, timeout=10)
    program = KeptProgram(build, "threads")

    def ask(number: int) -> float:
        meet.wait()
        return float(program({"a": ONE}, np.float32(number))["sum"][2])

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(ask, range(3))) == [2.0, 3.0, 4.0]
    assert build.built == 1


def test_the_next_start_reads_it_and_computes_the_same() -> None:
    first = KeptProgram(Builder(), "kept")({"a": ONE / 3}, np.float32(0.1))["sum"]
    build = Builder()
    later = KeptProgram(build, "kept")
    later.begin()
    np.testing.assert_array_equal(later({"a": ONE / 3}, np.float32(0.1))["sum"], first)
    assert build.built == 0


def test_a_program_that_reads_back_differently_is_not_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        return lambda tree, x: {"sum": tree["a"] - x}

    monkeypatch.setattr(programs.serialize_executable, "deserialize_and_load", broken)
    assert KeptProgram(Builder(), "broken")({"a": ONE}, np.float32(1))["sum"][0] == 1
    assert not list(folder.glob("*"))


@pytest.mark.parametrize("harm", ["damage", "cut", "empty", "bit", "other shapes", "other mark"])
def test_what_does_not_fit_is_built_anew(folder: Path, harm: str) -> None:
    KeptProgram(Builder(), "kept")({"a": ONE}, np.float32(1))
    (path,) = folder.glob("*.program")
    if harm == "damage":
        path.write_bytes(b"no program")
    if harm == "cut":
        path.write_bytes(path.read_bytes()[:1000])
    if harm == "empty":
        path.write_bytes(b"")
    if harm == "bit":
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    build = Builder()
    given = np.arange(5.0, dtype=np.float32) if harm == "other shapes" else ONE
    program = KeptProgram(build, "other" if harm == "other mark" else "kept")
    assert program({"a": given}, np.float32(1))["sum"].shape == given.shape
    assert build.built == 1
    again = Builder()
    KeptProgram(again, "other" if harm == "other mark" else "kept")({"a": given}, np.float32(1))
    assert again.built == 0  # what was built took the place of what did not fit


def test_a_failed_first_call_does_not_lock_out_others() -> None:
    good = Builder()
    answers = iter([ValueError("first"), good])

    def build() -> Any:
        answer = next(answers)
        if isinstance(answer, ValueError):
            raise answer
        return answer()

    program = KeptProgram(build, "failing")
    with pytest.raises(ValueError, match="first"):
        program({"a": ONE}, np.float32(1))
    assert program({"a": ONE}, np.float32(1))["sum"][0] == 1


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    occupied = tmp_path / "file"
    occupied.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(occupied / "below"))
    assert KeptProgram(Builder(), "unkept")({"a": ONE}, np.float32(1))["sum"][0] == 1
