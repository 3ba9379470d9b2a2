"""Gives cases to workers, watches their time and memory from outside, and makes failing cases small."""

from __future__ import annotations

import base64
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fuzz_cases import Case

HERE = Path(__file__).parent
HANG = 20.0
"""Seconds that a command may take, a first compilation not counted."""
MOST_BYTES = 2 * 1024**3
"""Memory that a process may have in use."""
POLL = 0.1
SHRINK_SECONDS = 25.0
"""How long one failing case is made smaller."""
LIFE = 300
"""Cases after which a worker is replaced: libraries keep what they read."""


@dataclass
class Failure:
    """A case that failed, what was wrong, and the smallest files that still show it."""

    case: Case
    faults: list[str]
    small: Case


@dataclass
class Tally:
    """What a session found."""

    cases: Counter[str] = field(default_factory=Counter)
    commands: int = 0
    failures: list[Failure] = field(default_factory=list)


def memory(process: int) -> int:
    """Return the largest memory in use, bytes, of a process and of those that it started."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError, IndexError, ValueError):
                parent = int((entry / "stat").read_text("utf-8").rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    most, waiting = 0, [process]
    while waiting:
        number = waiting.pop()
        waiting += children.get(number, [])
        with suppress(OSError, IndexError, ValueError):
            pages = int(Path(f"/proc/{number}/statm").read_text("utf-8").split()[1])
            most = max(most, pages * os.sysconf("SC_PAGE_SIZE"))
    return most


class Supervised:
    """One worker process, replaced when it hangs, grows or dies."""

    def __init__(self, quick: bool, alone: bool) -> None:
        """`quick`, `alone`: as for the worker."""
        self.flags = [str(int(quick)), str(int(alone))]
        self.folder = tempfile.TemporaryDirectory(prefix="fuzz-")
        self.process: subprocess.Popen[bytes] | None = None
        self.served = 0
        self.reports = -1
        self.buffer = b""

    def _start(self) -> str | None:
        read, write = os.pipe()
        root = Path(self.folder.name) / "root"
        command = [sys.executable, str(HERE / "fuzz_worker.py"), str(root), str(write), *self.flags]
        cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        environment = {
            **os.environ,
            "XDG_CACHE_HOME": cache,
            "HOME": self.folder.name,
            "PYTHONUTF8": "1",
            "TERM": "xterm",
        }
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, pass_fds=[write], env=environment, start_new_session=True
        )
        os.close(write)
        self.reports, self.buffer, self.served = read, b"", 0
        fault, _ = self._wait("ready")
        return fault

    def run(self, case: Case) -> tuple[list[str], int]:
        """Run a case; return its faults and how many commands ran."""
        if self.process is None or self.served >= LIFE:
            self.close()
            fault = self._start()
            if fault is not None:
                self.close()
                return [f"{fault} before any case"], 0
        assert self.process is not None
        assert self.process.stdin is not None
        files = {name: base64.b64encode(content).decode() for name, content in case.files.items()}
        given = {"number": case.number, "kind": case.kind, "files": files, "command": case.command}
        given |= {"then": case.then, "targets": case.targets}
        self.process.stdin.write(json.dumps(given).encode() + b"\n")
        self.process.stdin.flush()
        self.served += 1
        fault, message = self._wait("done")
        if fault is not None:
            self.close()
            return [fault], 1
        return list(message["done"]), int(message["ran"])

    def _wait(self, until: str) -> tuple[str | None, dict[str, Any]]:
        """Return the fault that ended the worker, or None and the message that holds the key `until`."""
        assert self.process is not None
        limit, command = time.monotonic() + HANG, "?"
        with selectors.DefaultSelector() as selector:
            selector.register(self.reports, selectors.EVENT_READ)
            while True:
                for message in self._messages(selector):
                    if until in message:
                        return None, message
                    command = message["begin"].split()[0]
                    limit = time.monotonic() + HANG + message["allow"]
                if self.process.poll() is not None:
                    return f"the process died in {command} (exit {self.process.returncode})", {}
                if memory(self.process.pid) > MOST_BYTES:
                    return f"more than {MOST_BYTES / 1024**3:g} GiB in {command}", {}
                if time.monotonic() > limit:
                    return f"hang in {command}", {}

    def _messages(self, selector: selectors.BaseSelector) -> Iterator[dict[str, Any]]:
        if selector.select(POLL):
            self.buffer += os.read(self.reports, 65536)
            *lines, self.buffer = self.buffer.split(b"\n")
            yield from (json.loads(line) for line in lines)

    def close(self) -> None:
        """End the worker and whatever it started."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            os.close(self.reports)
            if self.process.stdin is not None:
                with suppress(OSError):
                    self.process.stdin.close()
            self.process = None


def shrink(case: Case, faults: list[str], run: Callable[[Case], list[str]]) -> Case:
    """Return the case with as much of its first file taken out as leaves one of its faults: lines, then characters."""
    name = next(iter(case.files), None)
    if name is None or any(fault.startswith(("hang", "more than", "the process")) for fault in faults):
        return case
    end = time.monotonic() + SHRINK_SECONDS

    def still(content: bytes) -> bool:
        return bool(set(faults) & set(run(replace(case, files={**case.files, name: content}))))

    content = case.files[name]
    for parts, join in ((content.split(b"\n"), b"\n"), (None, b"")):
        pieces = parts if parts is not None else [content[i : i + 1] for i in range(len(content))]
        size = max(1, len(pieces) // 2)
        while size and time.monotonic() < end:
            start = 0
            while start < len(pieces) and time.monotonic() < end:
                fewer = pieces[:start] + pieces[start + size :]
                if len(fewer) < len(pieces) and still(join.join(fewer)):
                    pieces = fewer
                else:
                    start += size
            size //= 2
        content = join.join(pieces)
    return replace(case, files={**case.files, name: content})


def session(
    cases: Iterator[Case], *, jobs: int, quick: bool, alone: bool, say: Callable[[Tally, Failure | None], None]
) -> Tally:
    """Run all cases on `jobs` workers; `say` is called after each case. Of each fault the first case is made small."""
    tally, lock, known = Tally(), threading.Lock(), Counter[str]()

    def serve() -> None:
        worker = Supervised(quick, alone)
        try:
            while True:
                with lock:
                    case = next(cases, None)
                if case is None:
                    return
                found, ran = worker.run(case)
                fresh = [fault for fault in found if not known[fault]]
                with lock:
                    known.update(found)
                small = shrink(case, fresh, lambda c: worker.run(c)[0]) if fresh else case
                with lock:
                    tally.cases[case.kind] += 1
                    tally.commands += ran
                    failure = Failure(case, found, small) if found else None
                    if failure is not None:
                        tally.failures.append(failure)
                    say(tally, failure if fresh else None)
        finally:
            worker.close()

    threads = [threading.Thread(target=serve) for _ in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return tally


def told(failure: Failure, seed: int) -> str:
    """Return a failure in words: how to see it again, and the smallest files."""
    case = failure.small
    lines = [f"seed {seed}, case {case.number} ({case.kind}): {'; '.join(failure.faults)}"]
    lines.append(f"  again: python scripts/fuzz.py --seed {seed} --first {case.number} --cases 1 --kind {case.kind}")
    lines += [f"  cereblon {' '.join(map(repr, command))}" for command in (case.command, *case.then)]
    for name, content in list(case.files.items())[:1]:
        shown = repr(content)[2:-1].replace("\\n", "\n")
        lines += [f"  {name}:", *(f"    {line[:200]}" for line in shown.splitlines()[:40])]
    return "\n".join(lines)
