"""The process of the command line: how it begins, what it answers, how it ends.

Errors are one line with exit code 2, Ctrl-C ends with 130, SIGTERM with 143.
"""

from __future__ import annotations

import atexit
import errno
import gc
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

import typer

from cereblon.cli.commands import app
from cereblon.cli.shared import FAILURE
from cereblon.cli.streams import drop_output, fill_closed_streams, flush_output, say_error
from cereblon.errors import CereblonError

INTERNAL = 1
INTERRUPTED = 130
TERMINATED = 143
TRACEBACK = "CEREBLON_TRACEBACK"
"""Environment variable that asks for the traceback of an internal error."""
LONGEST = 300
"""Characters of an internal error that are shown."""
FULL = (errno.ENOSPC, errno.EIO, errno.EFBIG, errno.EDQUOT, errno.EBADF, errno.EINVAL)
"""What a write to standard output fails with when there is no room, or no place, for it."""
OBJECTS = 50_000  # new ones before Python looks for unused rings: libraries make many that stay


def _fail(message: str) -> int:
    say_error(message)
    return FAILURE


class _Terminated(BaseException):
    """Unwinds the process when the system asks it to end, so that nothing half-written stays."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0, 2 for a mistake of the user, 130 for Ctrl-C, 143 for SIGTERM.

    Called by a program (`arguments` given), a fault of Cereblon itself is raised. The command says it in one line and
    ends with 1; with CEREBLON_TRACEBACK=1 it shows where.
    """
    if arguments is not None:
        sys.exit(_main(arguments))
    gc.set_threshold(OBJECTS)
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:  # one that is ignored stays so
        signal.signal(signal.SIGTERM, _terminate)
    if fill_closed_streams():
        _leave(_fail("standard output is closed: expected a place for the results, such as /dev/null"))
    try:
        code = _main(sys.argv[1:])
    except Exception as error:
        if os.environ.get(TRACEBACK):
            traceback.print_exc()
        what = f"{type(error).__name__}: {error}"[:LONGEST]
        say_error(f"internal error, please report it: {what}; {TRACEBACK}=1 shows where it happened")
        code = INTERNAL
    _leave(code)


def _terminate(number: int, frame: object) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)  # once is enough
    raise _Terminated


def _leave(code: int) -> NoReturn:
    """End the process without taking the numerical libraries apart, which takes half a second.

    After Ctrl-C at once: a compilation in another thread cannot be stopped, and an ordinary exit would wait for it.
    """
    if code in (INTERRUPTED, TERMINATED):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # polars passes a Ctrl-C on twice, and people press it twice
        from cereblon.storage.lock import release_all
        from cereblon.study.checkpoint import remove_temporary

        remove_temporary()
        release_all()
    else:
        atexit._run_exitfuncs()
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def _main(arguments: Sequence[str]) -> int:
    try:
        code = app(list(arguments), prog_name="cereblon", standalone_mode=False)
        flush_output()
        if code == INTERRUPTED:  # typer answers Ctrl-C with this code and no words
            raise KeyboardInterrupt
        return code if isinstance(code, int) else 0
    except CereblonError as error:
        return _fail(str(error))
    except (KeyboardInterrupt, typer.Abort):
        say_error("interrupted")
        return INTERRUPTED
    except _Terminated:
        say_error("terminated")
        return TERMINATED
    except (BrokenPipeError, SystemExit):  # the reader of a pipe went away, which typer and Rich answer with an exit
        drop_output()
        return FAILURE
    except MemoryError:
        return _fail("not enough memory for this; expected fewer patients or members")
    except OSError as error:
        if error.filename is not None or error.errno not in FULL:
            raise
        drop_output()
        return _fail(f"standard output cannot be written ({error.strerror})")
    except Exception as error:  # usage errors of the parser, whose class belongs to typer's inside
        explain = getattr(error, "format_message", None)
        if explain is None:
            raise
        message = explain()
        return _fail(message) if message else FAILURE


if __name__ == "__main__":
    main()
