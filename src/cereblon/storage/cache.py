"""The cache folder: files that only this user can have written, and that are read only as they were written.

Files here hold machine code and models. Each begins with a line that holds the hash of the rest; a file that does not
fit it, or that another user owns or may write, is ignored and written anew. Nothing in it decides a number: without
the folder all of it is made again at each start, which is said once.
"""

from __future__ import annotations

import os
import re
import stat
import time
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Final

from platformdirs import user_cache_dir

from cereblon.notice import notice
from cereblon.storage.files import runs, write_bytes

_HEADER: Final = "cereblon cache 1"
_PRIVATE: Final = 0o700
_PRIVATE_FILE: Final = 0o600
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
_PARTIAL: Final = re.compile(r"[a-z]+-[0-9a-f]{24}\.(?:program|json)\.([0-9]+)")
"""What `keep` writes before it renames it: a name of this package and the number of the process."""
_KEPT: Final = re.compile(r"[a-z]+-[0-9a-f]{24}\.(?:program|json)")
MOST_KEPT: Final = 64
"""Files that are kept; the largest are programs of some 4 MB."""
LONGEST_UNUSED: Final = 30 * 86400.0
"""Seconds after which a file that nobody reads is removed."""
_writing = Lock()
_said: set[str] = set()


def cache_folder() -> Path:
    """Return where compiled programs and read models are kept; XDG_CACHE_HOME moves it."""
    return Path(user_cache_dir("cereblon"))


def read_kept(name: str) -> bytes | None:
    """Return what was kept under a name; None when there is nothing that can be trusted."""
    folder = cache_folder()
    try:
        if why := _not_ours(os.stat(folder)):
            _say(f"{folder}: {why}")
            return None
        opened = os.open(folder / name, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(opened, "rb") as stream:
            if _not_ours(os.fstat(stream.fileno())):
                return None
            with suppress(OSError):
                os.utime(folder / name)  # in use: see `_prune`
            head, content = stream.readline(len(_head(b""))), stream.read()
    except OSError:
        return None
    return content if head == _head(content) else None


def keep(name: str, content: bytes) -> None:
    """Keep content under a name, complete or not at all; a folder that cannot be used is no error, and is said."""
    folder = cache_folder()
    try:
        folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
        if why := _not_ours(os.stat(folder)):
            _say(f"{folder}: {why}")
            return
        with _writing:
            _sweep(folder)
            partial = folder / f"{name}.{os.getpid()}"
            write_bytes(folder / name, _head(content) + content, partial, mode=_PRIVATE_FILE)
            _prune(folder)
    except OSError as error:
        _say(f"{folder}: cannot be written ({error.strerror or error})")


def _head(content: bytes) -> bytes:
    return f"{_HEADER} {sha256(content).hexdigest()}\n".encode()


def _not_ours(entry: os.stat_result) -> str:
    """Return why something in a file system cannot be trusted, or nothing. Windows has neither of the two."""
    if hasattr(os, "getuid") and entry.st_uid != os.getuid():
        return "belongs to another user"
    if os.name == "posix" and entry.st_mode & _OTHERS_WRITE:
        return "other users may write in it (chmod go-w mends that)"
    return ""


def _sweep(folder: Path) -> None:
    """Remove what processes that ended left half-written."""
    for path in list(folder.iterdir()):
        found = _PARTIAL.fullmatch(path.name)
        if found and not runs(int(found[1])):
            with suppress(OSError):
                path.unlink()


def _prune(folder: Path) -> None:
    """Remove what has not been read for long, as programs of earlier versions are, and the oldest of too many."""
    used = []
    for path in list(folder.iterdir()):
        if _KEPT.fullmatch(path.name):
            with suppress(OSError):
                used.append((path.stat().st_mtime, path))
    newest = sorted(used, reverse=True)
    for place, (last, path) in enumerate(newest):
        if place >= MOST_KEPT or time.time() - last > LONGEST_UNUSED:
            with suppress(OSError):
                path.unlink()


def _say(why: str) -> None:
    if not _said:
        _said.add(why)
        notice(f"{why}; programs are compiled anew each time")
