"""Places to write to: checked before the work, and filled in one step at the end."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from cereblon.errors import CereblonError
from cereblon.files import PARTIAL, left_behind, write_bytes
from cereblon.report.earlier import Request, earlier_run
from cereblon.report.placing import sweep
from cereblon.target_lock import TargetLock, resolve


def check_target(folder: Path, request: Request | None = None, force: bool = False) -> Path:
    """Return the absolute path, links followed, of a run folder that can be written; raises CereblonError otherwise.

    An earlier run in that place may be replaced when it is of the same `request` (None: not looked at), or by `force`;
    a file, and a folder with anything else in it, is refused. Called before a simulation, so that long work does not
    end at a folder without write permission.
    """
    target = resolve(folder)
    try:
        if target.exists() and not target.is_dir():
            raise CereblonError(f"output folder '{folder}': is a file; expected a new folder")
        if target.is_mount():
            raise CereblonError(f"output folder '{folder}': is a mount point; expected a folder in it")
        lock = TargetLock(folder)
        try:
            sweep(target)
            if target.is_dir() and not os.access(target, os.W_OK):
                raise CereblonError(f"output folder '{folder}': no permission to write in it")
            earlier = earlier_run(target, folder)
            if earlier is not None and request is not None and not force:
                earlier.require_same(request)
        finally:
            lock.release()
    except OSError as error:
        raise CereblonError(f"output folder '{folder}': cannot be written ({error.strerror or error})") from None
    return target


def write_text(path: Path, text: str) -> None:
    """Write a text file in one step, links followed: it is there complete, or not at all.

    Raises CereblonError when it cannot be.
    """
    check_file_target(path)
    target = Path(os.path.realpath(path))
    prefix = f".{target.name}{PARTIAL}-"
    try:
        for left, _ in left_behind(target.parent, prefix):
            with suppress(OSError):
                left.unlink()
        write_bytes(target, text.encode(), target.with_name(f"{prefix}{os.getpid()}"))
    except OSError as error:
        raise CereblonError(f"{path}: cannot be written ({error.strerror or error})") from None


def check_file_target(path: Path) -> None:
    """Refuse a file that cannot be written, before the work; raises CereblonError."""
    try:
        if path.is_dir() or not path.name:
            raise CereblonError(f"{path}: is a folder; expected the name of a file")
        if path.exists() and not path.is_file():
            raise CereblonError(f"{path}: is no ordinary file; expected the name of a file")
        folder = Path(os.path.realpath(path)).parent
        if not folder.is_dir():
            raise CereblonError(f"{path}: the folder {folder} does not exist")
        if not os.access(folder, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
            raise CereblonError(f"{path}: no permission to write it")
    except OSError as error:
        raise CereblonError(f"{path}: cannot be written ({error.strerror or error})") from None
