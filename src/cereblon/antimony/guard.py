"""A text that nobody vouches for, read in a child process with limits of time and memory that can open no file.

libAntimony may take hours or all memory for 25 short lines (rules that use each other double the work with each),
and Python cannot interrupt it. The child is killed at the end of its time and by Ctrl-C.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from typing import Any

from cereblon.errors import CereblonError

from .libraries import AntimonyError, OwnUnitError, Remark, UnitError

SECONDS = 15
"""Wall time, and processor time, of a reading: the whole packaged model takes under 1 s."""
MEMORY_MB = 1_500
"""Address space of the child: the whole packaged model takes under 300 MB."""
MOST_SBML = 50_000_000
"""Characters of SBML that a text may become; the packaged model has 460,000."""


@dataclass(frozen=True)
class Reading:
    """A text as SBML with complete units, and what libSBML says against it."""

    sbml: str
    remarks: tuple[Remark, ...]


class LimitError(CereblonError):
    """The reading of a text went beyond its limits."""


def read_guarded(text: str, name: str) -> Reading:
    """Return the model called `name` of an Antimony text.

    Raises AntimonyError, UnitError or OwnUnitError as `libraries.read` does, and LimitError naming the limit that
    was passed.
    """
    task = json.dumps({"text": text, "name": name, "seconds": SECONDS, "memory_mb": MEMORY_MB, "most": MOST_SBML})
    # the child finds this package and the libraries where this process found them, and nothing in its own folder
    path = os.pathsep.join(os.path.abspath(p) for p in sys.path if p)
    with tempfile.TemporaryDirectory(prefix="cereblon-") as empty:
        try:
            done = subprocess.run(
                [sys.executable, "-P", "-X", "utf8", "-m", "cereblon.antimony.child"],
                input=task.encode(),
                capture_output=True,
                cwd=empty,
                env={**os.environ, "PYTHONPATH": path},
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise _too_slow() from None
        except OSError as error:
            raise LimitError(f"the reading could not be started ({error.strerror})") from None
    if done.returncode != 0:
        raise _broken(done.returncode)
    return _answer(json.loads(done.stdout))


def _too_slow() -> LimitError:
    return LimitError(
        f"the reading took more than {SECONDS} s; expected a smaller model, with fewer rules that use other rules"
    )


def _broken(code: int) -> LimitError:
    """Return what the end of the child means: a negative code is the number of a signal."""
    # the processor time ends with one of these; Windows knows neither, and there the wall time ends a reading
    if code < 0 and signal.Signals(-code).name in ("SIGXCPU", "SIGKILL"):
        return _too_slow()
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return LimitError(
        f"the reading needed more than {MEMORY_MB / 1000:g} GB of memory, or broke the Antimony library ({how}); "
        "expected shorter formulas"
    )


def _answer(answer: dict[str, Any]) -> Reading:
    if "error" in answer:
        raise AntimonyError(answer["error"])
    if "unit" in answer:
        raise UnitError(answer["unit"], answer["users"], answer["known"])
    if "own" in answer:
        raise OwnUnitError(answer["own"])
    if "long" in answer:
        raise LimitError(f"the model has {answer['long']:,} characters as SBML; expected at most {MOST_SBML:,}")
    return Reading(answer["sbml"], tuple(Remark(*row) for row in answer["remarks"]))
