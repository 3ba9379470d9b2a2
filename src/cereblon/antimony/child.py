"""The child process of `guard`: one task on standard input, one answer on standard output, as JSON."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import antimony  # noqa: F401  loaded before the limits, after which no file can be opened
import libsbml

from .libraries import AntimonyError, OwnUnitError, UnitError, read, remarks


def main() -> None:
    """Read the task, take the limits on, and answer; 3 where memory is used up."""
    task = json.loads(sys.stdin.buffer.read())
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints does not mix with the answer
    limit(task["seconds"], task["memory_mb"])
    try:
        answer = _answer(task)
    except MemoryError:
        os._exit(3)
    answers.write(json.dumps(answer).encode())
    answers.flush()
    os._exit(0)  # the libraries need not be taken apart


def limit(seconds: int, memory_mb: int) -> None:
    """Bound the processor time and the address space of this process, and let it open no further file.

    Where the system has no such limits (Windows) the wall time of the parent remains.
    """
    try:
        import resource
    except ImportError:
        return
    bounds = (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, memory_mb * 1_000_000),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 0),
    )
    for kind, most in bounds:
        hard = resource.getrlimit(kind)[1]
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(kind, (bound, bound))
        except (OSError, ValueError):  # macOS knows RLIMIT_AS but does not take it
            continue


def _answer(task: dict[str, Any]) -> dict[str, Any]:
    try:
        document = read(task["text"], task["name"])
    except AntimonyError as error:
        return {"error": str(error)}
    except UnitError as error:
        return {"unit": error.unit, "users": error.users, "known": error.known}
    except OwnUnitError as error:
        return {"own": str(error)}
    sbml = libsbml.writeSBMLToString(document)
    if len(sbml) > task["most"]:
        return {"long": len(sbml)}
    return {"sbml": sbml, "remarks": [[r.severe, r.words, r.number] for r in remarks(document)]}


if __name__ == "__main__":
    main()
