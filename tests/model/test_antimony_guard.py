"""A text of somebody's own is read in a child process: bounded time and memory, no file, nothing left behind."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cereblon.antimony import guard
from cereblon.antimony.guard import LimitError, read_guarded
from cereblon.antimony.libraries import AntimonyError
from cereblon.errors import CereblonError
from cereblon.model import load_model, load_model_text

DOUBLING = "r0 := 1\n" + "".join(f"r{n} := r{n - 1} + r{n - 1}\n" for n in range(1, 40))


def test_rules_that_double_are_stopped_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "SECONDS", 2)
    began = time.monotonic()
    with pytest.raises(CereblonError, match=r"own\.ant: the reading took more than 2 s; expected a smaller model"):
        load_model_text(DOUBLING, name="own.ant")
    assert time.monotonic() - began < 6


def test_a_text_that_takes_all_memory_is_stopped() -> None:
    # min of many becomes piecewise in piecewise: twice as much with each operand
    text = "a = 1; x := " + "min(a, " * 40 + "a" + ")" * 40 + "\n"
    with pytest.raises(CereblonError, match=r"own\.ant: the reading (needed more than 1\.5 GB|took more)") as caught:
        load_model_text(text, name="own.ant")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("terms", [100, 400])
def test_a_long_sum_takes_memory_with_its_length(terms: int) -> None:
    model = load_model_text("zz := " + "+".join(["1"] * terms) + "\n")
    assert float(model.observe(("zz",), {})["zz"]) == terms


def test_a_reading_leaves_nothing_and_opens_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    secret = tmp_path / "secret.ant"
    secret.write_text("canary_word ((\n", encoding="utf-8")
    # what the lexer refuses, given to the child all the same: there is no file that it could open
    with pytest.raises(AntimonyError) as caught:
        read_guarded(f'import "{secret}"\nmodel cereblon()\nx = 1\nend\n', "cereblon")
    assert "canary_word" not in str(caught.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["secret.ant"]


def test_the_child_can_open_no_file() -> None:
    code = "from cereblon.antimony.child import limit; limit(5, 1500); open('/etc/hostname')"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert found.returncode != 0
    assert "Too many open files" in found.stderr


def test_a_broken_library_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for code, words in ((-signal.SIGSEGV, "SIGSEGV"), (3, "exit code 3")):
        assert words in str(guard._broken(code))
    assert "took more than" in str(guard._broken(-signal.SIGXCPU))
    monkeypatch.setattr(guard.sys, "executable", "/no/such/python")
    with pytest.raises(LimitError, match="could not be started"):
        read_guarded("model cereblon()\nend\n", "cereblon")


def test_ctrl_c_ends_the_child(tmp_path: Path) -> None:
    (tmp_path / "slow.ant").write_text(DOUBLING, encoding="utf-8")
    command = [sys.executable, "-m", "cereblon.cli.main", "check", "slow.ant"]
    running = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children")
    for _ in range(300):
        time.sleep(0.1)
        child = children.read_text("utf-8").split() if children.exists() else []
        if child:
            break
    assert child
    time.sleep(0.3)
    running.send_signal(signal.SIGINT)
    assert running.wait(timeout=10) == 130
    assert running.stderr is not None
    assert running.stderr.read().splitlines()[-1] == "cereblon: interrupted"
    for _ in range(50):
        if not alive(child[0]):
            break
        time.sleep(0.1)
    assert not alive(child[0])


def alive(process: str) -> bool:
    """Whether a process runs; a dead one may stay listed where nobody asks for its end."""
    try:
        return Path(f"/proc/{process}/stat").read_text("utf-8").split()[2] not in "ZX"
    except OSError:
        return False


def test_own_text_joins_the_packaged_model_and_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    state = "guard_test = 1; guard_test has dimensionless\nguard_test' = -guard_rate*guard_test\n"
    model = load_model(extra="// clock: slow\n" + state + "guard_rate = 1; guard_rate has per_day\n")
    assert "guard_test" in model.states
    monkeypatch.setattr("cereblon.model.load.to_sbml_guarded", None)
    monkeypatch.setattr("cereblon.model.model.to_sbml", None)
    assert "guard_test" in model.sbml
    assert not [f for f in model.unit_findings if f.severity == "error"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = 10^400\ny := x*10^400\n", "own: a number in a formula is too large"),
        ("a = 2\nx := " + "^".join(["a"] * 499) + "\n", "own: a formula is nested too deeply"),
        ("r0 := r1*2\nr1 := r0\n", "depends on itself|[Ll]oop"),
    ],
)
def test_python_callers_get_a_cereblon_error(text: str, expected: str) -> None:
    with pytest.raises(CereblonError, match=expected):
        load_model_text(text, name="own")
