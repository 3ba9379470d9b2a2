"""One writer for each result folder, and the place that a folder's name stands for."""

from __future__ import annotations

import os
import weakref
from contextlib import suppress
from pathlib import Path
from weakref import WeakSet

from filelock import FileLock, Timeout

from cereblon.errors import CereblonError


def resolve(folder: Path) -> Path:
    """Return the absolute place of a result folder, links followed, so that one place has one name.

    Raises CereblonError for a place that cannot have neighbours.
    """
    try:
        target = Path(os.path.realpath(folder))
    except ValueError:
        raise CereblonError(f"output folder {str(folder)!r}: is not the name of a folder") from None
    if not target.name:
        raise CereblonError(f"output folder '{folder}': is the root of the file system; expected a folder in it")
    if os.path.islink(target):
        raise CereblonError(f"output folder '{folder}': is a link that leads back to itself; expected a folder")
    return target


class TargetLock:
    """The right to write one result folder, from the start of a run until its result is saved.

    The system takes it from a process that dies, so a run that was killed goes on at once; the empty hidden file
    .NAME.lock that then stays goes with the next run.
    """

    def __init__(self, folder: Path) -> None:
        """Take the lock of `folder` and make the folders above it.

        Raises CereblonError when another run holds it, of this process or another, or nothing can be written there.
        """
        self.target = resolve(folder)
        path = self.target.with_name(f".{self.target.name}.lock")
        made = [parent for parent in path.parents if not parent.exists()]
        lock = FileLock(path, timeout=0, thread_local=False)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()  # where it cannot be made, the lock would only seem taken
            lock.acquire()
        except Timeout:
            here = any(other.held and other.target == self.target for other in _HELD)
            why = "a result of this process that is not saved yet" if here else "wait for it or choose another folder"
            raise CereblonError(f"another run is writing {folder} ({why})") from None
        except OSError as error:
            _remove_empty(made)
            raise CereblonError(f"output folder '{folder}': cannot be written ({error.strerror or error})") from None
        self._free = weakref.finalize(self, _free, lock, path, made, os.getpid())
        _HELD.add(self)

    @property
    def held(self) -> bool:
        """Whether it still gives the right to write."""
        return self._free.alive

    def release(self) -> None:
        """Give the right back; the folders made for it go unless something is in them. May be called again."""
        self._free()

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        """Be nothing in a copy of a result: the right cannot be copied."""
        return type(None), ()


_HELD: WeakSet[TargetLock] = WeakSet()


def release_all() -> None:
    """Release what this process holds; called when it ends without taking its objects apart."""
    for lock in list(_HELD):
        lock.release()


def _free(lock: FileLock, path: Path, made: list[Path], process: int) -> None:
    if os.getpid() != process:  # a copy of the process that took it, which ends before that does
        return
    with suppress(OSError):
        if path.stat().st_size == 0:  # ours is empty; removed while held, so that nobody else can hold it
            path.unlink()
    lock.release()
    _remove_empty(made)


def _remove_empty(folders: list[Path]) -> None:
    """Remove the folders, nearest first, as long as they are empty."""
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:
            break
