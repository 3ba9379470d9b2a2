"""Two hundred mutated cases, and that the judge of the cases can say no."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

import pytest

import fuzz_worker
from cereblon.clinic.trial.load import json_schema
from fuzz_cases import KINDS, SMALL, Case, make_case
from fuzz_supervisor import Failure, Supervised, Tally, session, shrink, told
from fuzz_values import sample, subschema
from fuzz_worker import Outcome, faults, perform, snapshot

SEED, CASES = 1, 200
MINUTES = 4.0

linux = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")


TRACE = 'Traceback\n  File "/x/cereblon/a/b.py", line 3, in f\nValueError: x\n'


@linux
def test_two_hundred_cases() -> None:
    """Not one may fail. Again, and more of them: python scripts/fuzz.py --seed 1 --quick."""
    shown: list[str] = []
    began = time.monotonic()
    cases = (make_case(SEED, number) for number in range(1, CASES + 1))
    tally = session(
        cases,
        jobs=1,
        quick=True,
        alone=False,
        say=lambda _, failure: shown.append(told(failure, SEED)) if failure else None,
    )
    assert not shown, "\n".join(shown)
    assert not tally.failures
    assert tally.cases.total() == CASES
    assert set(tally.cases) == set(KINDS)
    assert tally.commands > 1.2 * CASES  # many trials are valid, and run
    assert time.monotonic() - began < 60 * MINUTES


def test_a_case_is_decided_by_seed_and_number() -> None:
    for number in range(1, 60):
        random.seed(number)
        assert make_case(5, number) == make_case(5, number)
    assert len({str(make_case(5, number)) for number in range(1, 60)}) > 55
    assert make_case(5, 1, "trial") != make_case(6, 1, "trial")


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Outcome(None, "", "", TRACE), "ValueError in a/b.py:f"),
        (Outcome(1, "", ""), "exit code 1"),
        (Outcome(-11, "", ""), "exit code -11"),
        (Outcome(2, "", "a: b\nc: d\n"), "2 lines for one mistake"),
        (Outcome(2, "", ""), "0 lines for one mistake"),
        (Outcome(0, "\x1b[31mred\n", ""), "control character on standard output"),
        (Outcome(0, "", "a\rb\n"), "control character on standard error"),
        (Outcome(0, "\u202e\n", ""), "control character on standard output"),
        (Outcome(0, "", "/x/y.py:3: RuntimeWarning: overflow\n"), "warning of Python"),
        (Outcome(0, "", "Traceback (most recent call last)\n"), "traceback printed"),
    ],
)  # fmt: skip
def test_the_judge_says_no(outcome: Outcome, words: str) -> None:
    assert words in "; ".join(faults(("run", "t.yaml"), outcome))


@pytest.mark.parametrize("outcome", [Outcome(0, "é [x]\n", ""), Outcome(2, "", "cereblon: a\n"), Outcome(130, "", "")])
def test_the_judge_says_yes(outcome: Outcome) -> None:
    command = ("run", "t.yaml") if outcome.code != 130 else ("check",)
    assert faults(command, outcome) == []


def test_printing_is_captured_from_here_and_from_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    answer = perform(("run", "none.yaml"))
    assert (answer.code, answer.out, answer.trace) == (2, "", "")
    assert answer.err == "cereblon: none.yaml: does not exist: expected a document in YAML\n"

    def broken(path: Path) -> int:
        raise ZeroDivisionError(path)

    monkeypatch.setattr(fuzz_worker, "_read_claims", broken)
    assert "ZeroDivisionError" in perform(("read claims", "x")).trace


def test_what_is_written_elsewhere_is_seen(tmp_path: Path) -> None:
    (tmp_path / "here" / "full").mkdir(parents=True)
    before = snapshot(tmp_path, ("out",))
    (tmp_path / "here" / "out").mkdir()
    (tmp_path / "here" / "out" / "x").write_text("x")
    assert snapshot(tmp_path, ("out",)) == before
    (tmp_path / "here" / ".out.blocks").mkdir()
    assert snapshot(tmp_path, ("out",)) != before
    every = snapshot(tmp_path, ("*",))
    (tmp_path / "here" / "full" / "keep.txt").write_text("x")
    assert snapshot(tmp_path, ("*",)) != every


@linux
@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import time; tell('begin'); time.sleep(60)", "hang in check"),
        ("import time; tell('begin'); x = b'x' * 200_000_000; time.sleep(60)", "more than"),
        ("tell('begin'); import os; os.abort()", "the process died in check"),
    ],
)
def test_the_supervisor_ends_what_hangs_grows_or_dies(
    code: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = """
import json, os, sys
out = os.fdopen(int(sys.argv[2]), 'w')
def tell(key):
    out.write(json.dumps({'begin': 'check x', 'allow': 0} if key == 'begin' else {key: True}) + '\\n'); out.flush()
tell('ready')
for line in sys.stdin:
"""
    (tmp_path / "fuzz_worker.py").write_text(worker + f"    {code}\n")
    monkeypatch.setattr("fuzz_supervisor.HERE", tmp_path)
    monkeypatch.setattr("fuzz_supervisor.HANG", 2.0)
    monkeypatch.setattr("fuzz_supervisor.MOST_BYTES", 100_000_000)
    supervised = Supervised(quick=True, alone=False)
    found, _ = supervised.run(Case(1, "table", {}, ("check", "x")))
    assert words in found[0]
    assert supervised.process is None


def test_a_failing_file_is_made_small() -> None:
    case = Case(1, "trial", {"t.yaml": SMALL.encode()}, ("check", "t.yaml"))
    tried: list[bytes] = []

    def run(changed: Case) -> list[str]:
        tried.append(changed.files["t.yaml"])
        return ["fault"] if b"palp" in tried[-1] else []

    small = shrink(case, ["fault"], run)
    assert small.files["t.yaml"] == b"palp"
    assert "palp" in told_of(small)


def told_of(case: Case) -> str:
    return told(Failure(case, ["fault"], case), 3)


def test_samples_follow_the_schema() -> None:
    schema, source = json_schema(), random.Random(1)
    part = subschema(schema, schema, ("arms", 0, "treatment", 0, "escalation", "condition"))
    assert part is not None
    assert sample(part, schema, source) in ("tolerated", "always", "if_not_progressing")
    sizes = [sample({"type": "integer", "minimum": 1, "maximum": 9}, {}, source) for _ in range(100)]
    assert {1, 9} <= set(sizes) <= set(range(1, 10))
    assert subschema(schema, schema, ("arms", 0, "nothing")) is None


def test_the_script_says_how_to_see_a_case_again() -> None:
    assert Tally().failures == []
    assert "--first 1 --cases 1 --kind table" in told_of(Case(1, "table", {}, ("check", "x")))
    assert sys.version_info >= (3, 11)
