"""A finished folder takes the place of its target; what a killed process left half-way is put right.

The caller holds the lock of the target, and has checked that only a run of Cereblon is in it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from cereblon.storage.files import left_behind, remove
from cereblon.study.checkpoint import temporary
from cereblon.study.earlier import RECORD


def partial_folder(target: Path) -> Path:
    """Return where this process makes the folder; it goes with the process."""
    return temporary(target.with_name(f".{target.name}.partial-{os.getpid()}"))


def place(partial: Path, target: Path) -> None:
    """Put the finished folder `partial` in the place of `target`; raises OSError, and `target` is then as before."""
    if target.is_dir() and _stood_in(target):
        _exchange(partial, target)
        return
    old = _old(partial, target)
    try:
        if target.exists():
            target.rename(old)
        partial.rename(target)
    finally:
        if old.exists():
            if target.exists():
                remove(old)
            else:
                old.rename(target)


def sweep(target: Path) -> None:
    """Finish or undo what a killed process left half-way beside `target`."""
    if not target.parent.is_dir():
        return
    for path, _ in left_behind(target.parent, f".{target.name}.partial-"):
        if (path / RECORD).is_file() and target.is_dir() and not (target / RECORD).exists():
            _move_in(path, target)
            remove(_old(path, target))
        remove(path)
    for path, _ in left_behind(target.parent, f".{target.name}.old-"):
        if target.exists():
            remove(path)
        else:
            path.rename(target)


def _old(partial: Path, target: Path) -> Path:
    return target.with_name(f".{target.name}.old-{partial.name.rpartition('-')[2]}")


def _stood_in(target: Path) -> bool:
    """Whether the current folder is the target: then the person who started us stands in it, and it must stay."""
    with suppress(OSError):
        return target.samefile(os.getcwd())
    return False


def _exchange(partial: Path, target: Path) -> None:
    """Replace the content of `target`. The record leaves first and comes last, so that a half exchange is seen."""
    old = _old(partial, target)
    names = sorted((path.name for path in target.iterdir()), key=lambda name: name != RECORD)
    old.mkdir()
    try:
        for name in names:
            (target / name).rename(old / name)
    except BaseException:
        for path in sorted(old.iterdir(), key=lambda path: path.name == RECORD):
            path.rename(target / path.name)
        remove(old)
        raise
    try:
        _move_in(partial, target)
    except BaseException:  # a few renames in one folder: end what was begun
        _move_in(partial, target)
        raise
    finally:
        remove(old)


def _move_in(partial: Path, target: Path) -> None:
    for path in sorted(partial.iterdir(), key=lambda path: path.name == RECORD):
        path.rename(target / path.name)
