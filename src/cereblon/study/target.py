"""Places to write to: checked before the work, and filled in one step at the end."""

from __future__ import annotations

import os
from pathlib import Path

from cereblon.errors import CereblonError
from cereblon.storage.lock import TargetLock, resolve
from cereblon.study.earlier import Request, earlier_run
from cereblon.study.placing import sweep


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
