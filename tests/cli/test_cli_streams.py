"""Standard streams that are closed, full or broken: one line or nothing, exit code 2, no traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cereblon.cli import main as cli

COMMAND = f'"{sys.executable}" -m cereblon.cli.main'
FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")


def shell(line: str, folder: Path) -> tuple[int, str, str]:
    done = subprocess.run(
        ["bash", "-c", f"{line}; exit ${{PIPESTATUS[0]}}"], capture_output=True, text=True, cwd=folder, timeout=60
    )
    return done.returncode, done.stdout, done.stderr


@FULL
@pytest.mark.parametrize("verb", ["trials", "trials --json", "show model alc", "check", "new mine.yaml", "--version"])
def test_full_output(verb: str, tmp_path: Path) -> None:
    code, _, err = shell(f"{COMMAND} {verb} >/dev/full", tmp_path)
    assert (code, err) == (2, "cereblon: standard output cannot be written (No space left on device)\n")


def test_closed_output_is_refused_before_the_work(tmp_path: Path) -> None:
    code, _, err = shell(f"{COMMAND} new mine.yaml >&-", tmp_path)
    assert code == 2
    assert err.startswith("cereblon: standard output is closed")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@FULL
@pytest.mark.parametrize("place", ["&-", "/dev/full"])
def test_errors_that_nobody_hears(place: str, tmp_path: Path) -> None:
    assert shell(f"{COMMAND} trials 2>{place} >/dev/null", tmp_path) == (0, "", "")
    code, out, _ = shell(f"{COMMAND} run nothing 2>{place}", tmp_path)
    assert (code, out) == (2, "")  # a closed standard error must not send the line to standard output


@pytest.mark.parametrize("verb", ["trials", "show model", "trials --json"])
def test_reader_that_goes_away(verb: str, tmp_path: Path) -> None:
    assert shell(f"(sleep 0.1; {COMMAND} {verb}) | true", tmp_path) == (2, "", "")


def test_all_streams_closed(tmp_path: Path) -> None:
    assert shell(f"{COMMAND} trials <&- >&- 2>&-", tmp_path) == (2, "", "")


BUG = """
import sys
from cereblon.cli import main as cli
def broken(*_, **__):
    raise {error}
cli.app = broken
sys.argv = ["cereblon"]
cli.main()
"""


def bug(error: str, tmp_path: Path, shown: str = "") -> tuple[int, str]:
    code = BUG.format(error=error)
    environment = {"PATH": "", "PYTHONPATH": str(Path(cli.__file__).parents[1]), cli.TRACEBACK: shown}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=60
    )
    return done.returncode, done.stderr


def test_internal_error_is_one_line_and_exit_code_one(tmp_path: Path) -> None:
    code, err = bug("ZeroDivisionError('a\\nb')", tmp_path)
    assert code == cli.INTERNAL == 1
    assert err.startswith("cereblon: internal error, please report it: ZeroDivisionError: a b; CEREBLON_TRACEBACK=1")
    assert err.count("\n") == 1
    assert "Traceback" in bug("ZeroDivisionError('a')", tmp_path, "1")[1]


def test_internal_error_is_raised_to_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a fault of Cereblon")

    monkeypatch.setattr(cli, "app", broken)
    with pytest.raises(ZeroDivisionError):
        cli.main(["trials"])


def test_memory_that_is_not_there(tmp_path: Path) -> None:
    code, err = bug("MemoryError", tmp_path)
    assert (code, err.count("\n")) == (2, 1)
    assert "not enough memory" in err
