"""Standard input, output and error of the command, which a shell may close, fill or break."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Final

from cereblon.errors import CereblonError

STREAMS: Final = {0: "stdin", 1: "stdout", 2: "stderr"}


def fill_closed_streams() -> bool:
    """Put the null device where a standard stream is closed, and return whether standard output was.

    Otherwise the next file that is opened takes its number, and what libraries print goes into that file.
    """
    closed = []
    for number, name in STREAMS.items():
        try:
            os.fstat(number)
        except OSError:
            closed.append(number)
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
            setattr(sys, name, open(number, "r" if number == 0 else "w", closefd=False))  # noqa: SIM115
    return 1 in closed


def flush_output() -> None:
    """Write what standard output still holds; raises OSError where it cannot be."""
    if sys.stdout is not None:
        sys.stdout.flush()


def drop_output() -> None:
    """Let what standard output still holds go nowhere, so that ending the process does not fail again."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say_error(message: str) -> None:
    """Print one line on standard error; where that is impossible too, nothing."""
    with suppress(OSError, ValueError):
        print(f"cereblon: {CereblonError(message)}", file=sys.stderr, flush=True)
