"""Files of somebody else's, read within limits: regular files of a sane size, in UTF-8, with or without a mark."""

from __future__ import annotations

import stat
from pathlib import Path

from cereblon.errors import CereblonError, printable


def read_limited(path: Path, most_bytes: int, expected: str) -> str:
    """Return the text of a file, without its byte order mark; a link is followed.

    `expected` says in errors what the file should be. Raises CereblonError for a file that is missing, unreadable,
    no regular file (a folder, a named pipe, a device), longer than `most_bytes`, or not UTF-8 text.
    """
    shown = printable(str(path))
    try:
        # asked before opening: to open a named pipe waits for its writer, for ever
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise CereblonError(f"{shown}: is not a regular file{_kind(mode)}: expected {expected}")
        with path.open("rb") as stream:
            raw = stream.read(most_bytes + 1)
    except FileNotFoundError:
        raise CereblonError(f"{shown}: does not exist: expected {expected}") from None
    except OSError as error:
        raise CereblonError(f"{shown}: cannot be read: {error.strerror}") from None
    except ValueError:  # a NUL in the name
        raise CereblonError(f"{shown}: is not a file name") from None
    if len(raw) > most_bytes:
        raise CereblonError(f"{shown}: is longer than {most_bytes:,} bytes: expected {expected}")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise CereblonError(f"{shown}:{line}: is not text in UTF-8 (byte {error.start}): expected {expected}") from None


def _kind(mode: int) -> str:
    kinds = (
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISFIFO, "a named pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
    )
    return next((f" but {words}" for test, words in kinds if test(mode)), "")
