"""Runs cases in this process, one after the other, and judges what they print and write.

Started by the supervisor, which watches time and memory from outside. It reads a case a line on standard input, says
on the descriptor that it was started with which command begins, and ends a case with what was wrong.
"""

from __future__ import annotations

import base64
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import traceback
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from typing import Any, TextIO

from fuzz_cases import SMALL, Case

CODES = (0, 2, 130)
"""Exit codes that a command may end with."""
QUICK_CYCLES = 3
"""28-day cycles of the longest trial that is run in a quick session, and of all others `CYCLES`."""
CYCLES = 30
QUICK_DAYS, DAYS = 60, 2000
"""Days times conditions of the largest assay that is run; larger ones are only read."""
QUICK_ASSAYS = 6
"""Assays that one worker runs in a quick session: each takes seconds."""
COMPILING = 90.0
"""Seconds more for a command that compiles a program of a shape that this worker has not seen."""
BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_WARNING = re.compile(r"\.py:\d+: \w*Warning")


@dataclass
class Outcome:
    """What one command line did: exit code (None: an exception came out), what it printed, the exception."""

    code: int | None
    out: str
    err: str
    trace: str = ""


@contextmanager
def captured() -> Iterator[dict[str, bytes]]:
    """Send what this process prints, its C libraries included, to files, and fill in what they hold at the end."""
    found: dict[str, bytes] = {}
    saved = {number: os.dup(number) for number in (1, 2)}
    streams = sys.stdout, sys.stderr
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        os.dup2(out.fileno(), 1)
        os.dup2(err.fileno(), 2)
        sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb", closefd=False), encoding="utf-8")
        sys.stderr = io.TextIOWrapper(os.fdopen(2, "wb", closefd=False), encoding="utf-8", errors="backslashreplace")
        try:
            yield found
        finally:
            for stream in (sys.stdout, sys.stderr):
                with suppress(OSError, ValueError):
                    stream.flush()
            sys.stdout, sys.stderr = streams
            for number, copy in saved.items():
                os.dup2(copy, number)
                os.close(copy)
            for name, file in (("out", out), ("err", err)):
                file.seek(0)
                found[name] = file.read()


def perform(command: tuple[str, ...]) -> Outcome:
    """Run one command line here."""
    code: int | None = None
    trace = ""
    with captured() as printed:
        try:
            if command[0] == "read claims":
                code = _read_claims(Path(command[1]))
            else:
                from cereblon.cli.main import main

                main(list(command))
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
        except BaseException:  # whatever comes out is what this program looks for
            trace = traceback.format_exc()
    return Outcome(code, printed["out"].decode("utf-8", "replace"), printed["err"].decode("utf-8", "replace"), trace)


def perform_alone(command: tuple[str, ...]) -> Outcome:
    """Run one command line in a process of its own."""
    if command[0] == "read claims":
        return perform(command)
    done = subprocess.run([sys.executable, "-m", "cereblon.cli.main", *command], capture_output=True, check=False)
    return Outcome(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))


def _read_claims(path: Path) -> int:
    from cereblon.documents.yamltext import read_text
    from cereblon.errors import CereblonError
    from cereblon.evidence.documents import read_document
    from cereblon.evidence.schema import Claims

    try:
        read_document(read_text(path), str(path), Claims)
    except CereblonError as error:
        print(f"cereblon: {error}", file=sys.stderr)
        return 2
    return 0


def faults(command: tuple[str, ...], outcome: Outcome) -> list[str]:
    """Return what is wrong with an answer, each as a label that is equal for equal faults."""
    found = []
    if outcome.trace:
        last = outcome.trace.strip().splitlines()[-1]
        frames = re.findall(r'/cereblon/([\w/]+\.py)", line \d+, in (\w+)', outcome.trace)
        found.append(f"traceback: {last.partition(':')[0]} in {':'.join(frames[-1]) if frames else '?'}")
    elif outcome.code not in CODES:
        found.append(f"exit code {outcome.code}")
    if "Traceback (most recent call last)" in outcome.out + outcome.err:
        found.append("traceback printed")
    if _WARNING.search(outcome.err):
        found.append("warning of Python printed")
    for name, text in (("output", outcome.out), ("error", outcome.err)):
        odd = sorted({c for c in text if c != "\n" and (unicodedata.category(c) == "Cc" or c in BIDI)})
        if odd:
            found.append(f"control character on standard {name} of {command[0]}: {odd[0]!r}")
    if outcome.code == 2 and command[0] != "check" and outcome.err.count("\n") != 1:
        found.append(f"{outcome.err.count(chr(10))} lines for one mistake")
    return found


def snapshot(root: Path, targets: tuple[str, ...]) -> dict[str, str]:
    """Return what lies below `root` but for the targets, each with a digest of its content."""
    found = {}
    for path in sorted(root.rglob("*")):
        inside = path.relative_to(root).parts
        mine = (
            inside[0] == "here"
            and len(inside) > 1
            and (inside[1] in targets or ("*" in targets and inside[1] != "full"))
        )
        if not mine:
            content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
            found["/".join(inside)] = sha256(content).hexdigest()
    return found


def too_long(command: tuple[str, ...], quick: bool, done: dict[str, int]) -> bool:
    """Return whether a command that is right would take minutes: then it is not part of this session."""
    from cereblon.clinic.trial.load import load_trial
    from cereblon.evidence.documents import load_assay

    if command[0] == "run" and command[1:2] == ("t.yaml",):
        trial = load_trial("t.yaml")
        months = trial.follow_up.duration_months + (trial.follow_up.accrual_months or 0.0) / 2.0
        shape = max(len(arm.levels) for arm in trial.arms)
        return months > (QUICK_CYCLES if quick else CYCLES) or (quick and shape != 6) or len(trial.arms) > 6
    if command[0] == "assay" and command[1:2] == ("a.yaml",) and "--new" not in command:
        experiment = load_assay("a.yaml").experiment
        size = experiment.days * max(1, len(experiment.conditions))
        done["assays"] = done.get("assays", 0) + 1
        return (
            experiment.clinical or size > (QUICK_DAYS if quick else DAYS) or (quick and done["assays"] > QUICK_ASSAYS)
        )
    return False


class Worker:
    """Runs cases below one folder and reports to the supervisor."""

    def __init__(self, root: Path, reports: TextIO, quick: bool, alone: bool) -> None:
        """`quick`: leave out what needs a new compilation or is long; `alone`: a process for each command line."""
        self.root, self.reports, self.quick = root, reports, quick
        self.perform = perform_alone if alone else perform
        self.done: dict[str, int] = {}
        self.spare = 0.0

    def tell(self, **words: Any) -> None:
        """Send one message."""
        self.reports.write(json.dumps(words) + "\n")
        self.reports.flush()

    def warm_up(self) -> None:
        """Compile what the cases share, so that no case pays for it."""
        self.spare = 4 * COMPILING
        case = Case(
            0, "trial", {"t.yaml": SMALL.encode()}, ("run", "t.yaml", "-n", "2", "--out", "out"), targets=("out",)
        )
        found, ran = self.one(case)
        if found or ran != 1:
            raise RuntimeError(f"the session cannot begin: {found}")
        self.spare = 0.0 if self.quick else COMPILING
        self.tell(ready=True)

    def one(self, case: Case) -> tuple[list[str], int]:
        """Run one case; return its faults and how many commands ran."""
        rmtree(self.root, ignore_errors=True)
        here = self.root / "here"
        here.mkdir(parents=True)
        (self.root / "beside.txt").write_text("precious")
        for name, content in case.files.items():
            (here / name).parent.mkdir(exist_ok=True)
            (here / name).write_bytes(content)
        os.chdir(here)
        before = snapshot(self.root, case.targets)
        found: list[str] = []
        ran = 0
        for place, command in enumerate((case.command, *case.then)):
            if self._skips(command):
                continue
            self.tell(begin=" ".join(command), allow=max(self.spare, COMPILING if command[0] == "assay" else 0.0))
            outcome = self.perform(command)
            ran += 1
            found += faults(command, outcome)
            if place == 0 and outcome.code != 0:
                break
            if place > 0 and outcome.code != 0:
                words = re.sub(r"[-+\d.e]+", "#", outcome.err.strip())[:100]
                found.append(f"{command[0]} refused after a clean check: {words}")
        os.chdir(self.root)
        after = snapshot(self.root, case.targets)
        changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
        if changed:
            found.append(f"written outside the target: {', '.join(changed)[:100]}")
        return found, ran

    def _skips(self, command: tuple[str, ...]) -> bool:
        from cereblon.errors import CereblonError

        try:
            return too_long(command, self.quick, self.done)
        except CereblonError:
            return False  # refused in no time


def main() -> None:
    """Serve the supervisor: arguments are the folder, the descriptor for messages, quick and alone (0 or 1)."""
    root, number, quick, alone = sys.argv[1:]
    worker = Worker(Path(root), os.fdopen(int(number), "w"), quick == "1", alone == "1")
    worker.warm_up()
    for line in sys.stdin:
        given = json.loads(line)
        files = {name: base64.b64decode(text) for name, text in given["files"].items()}
        case = Case(
            given["number"], given["kind"], files, tuple(given["command"]), tuple(map(tuple, given["then"])),
            tuple(given["targets"]),
        )  # fmt: skip
        found, ran = worker.one(case)
        worker.tell(done=found, ran=ran)


if __name__ == "__main__":
    main()
