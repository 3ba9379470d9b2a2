"""Files that are there complete or not at all, and what a process that ended left behind."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import polars as pl

PARTIAL: Final = ".partial"
_HASH_BLOCK: Final = 1 << 20  # bytes
_PATIENCE: Final = 2.0
"""Seconds in which a table that is still being written by an interrupted thread must end."""
_PAUSE: Final = 0.05
"""Seconds between two tries to remove a folder."""


def digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal; raises OSError when it cannot be read."""
    found = sha256()
    with path.open("rb") as stream:
        while block := stream.read(_HASH_BLOCK):
            found.update(block)
    return found.hexdigest()


def write_bytes(
    path: Path, content: bytes | memoryview, partial: Path | None = None, durable: bool = False, mode: int = 0o666
) -> None:
    """Write a file under the name `partial` first (default: its own with the suffix .partial), then rename it.

    durable: it outlives a power cut; mode: rights of the file, less those that the user's umask takes.
    Raises OSError when it cannot be written, and leaves nothing then.
    """
    beside = path.with_suffix(PARTIAL) if partial is None else partial
    try:
        with open(beside, "wb", opener=lambda name, flags: os.open(name, flags, mode)) as stream:
            stream.write(content)
            if durable:
                stream.flush()
                os.fsync(stream.fileno())
        beside.replace(path)
    except BaseException:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise


def write_table(frame: pl.DataFrame, path: Path) -> None:
    """Write a Parquet file, complete or not at all; raises OSError when it cannot be.

    It is made in memory first: a disk that is full is then Python's own error, and not one of polars.
    """
    content = BytesIO()
    frame.write_parquet(content, compression="zstd", compression_level=1)
    write_bytes(path, content.getbuffer())


def remove(folder: Path) -> None:
    """Remove a folder that Cereblon made, also while a thread that was interrupted still writes into it."""
    end = time.monotonic() + _PATIENCE
    while os.path.lexists(folder):
        shutil.rmtree(folder, ignore_errors=True)
        if time.monotonic() > end:
            return
        if os.path.lexists(folder):
            time.sleep(_PAUSE)


def left_behind(folder: Path, prefix: str) -> Iterator[tuple[Path, str]]:
    """Yield the entries of `folder` named PREFIX plus the number of a process that has ended, and that number."""
    for path in list(folder.iterdir()):
        process = path.name.removeprefix(prefix)
        if path.name.startswith(prefix) and process.isascii() and process.isdigit() and not runs(int(process)):
            yield path, process


def runs(process: int) -> bool:
    """Say whether a process with this number exists on this machine."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True
