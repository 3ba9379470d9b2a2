"""Places to write to: checked before the work, and filled in one step at the end."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from cereblon.errors import CereblonError
from cereblon.output_files import check_file_target as check_file_target
from cereblon.output_files import write_text as write_text

RECORD: Final = "run.json"


def check_target(folder: Path) -> Path:
    """Return the absolute path of a run folder that can be written; raises CereblonError otherwise.

    An earlier run in that place may be replaced; any other folder with content, and any file, is refused.
    Called before a simulation, so that long work does not end at a folder without write permission.
    """
    target = Path(os.path.abspath(folder))
    try:
        _refuse_occupied(target, folder)
        parent = target.parent
        while not parent.exists():
            parent = parent.parent
        probe = parent / f".cereblon-probe-{os.getpid()}"
        probe.mkdir()
        probe.rmdir()
    except OSError as error:
        raise CereblonError(f"output folder '{folder}': cannot be written ({error.strerror})") from None
    if target.is_dir() and not os.access(target, os.W_OK):
        raise CereblonError(f"output folder '{folder}': no permission to write in it")
    return target


def _refuse_occupied(target: Path, folder: Path) -> None:
    if target.exists() and not target.is_dir():
        raise CereblonError(f"output folder '{folder}': is a file; expected a new folder")
    if target.is_dir() and any(target.iterdir()) and not (target / RECORD).is_file():
        raise CereblonError(f"output folder '{folder}': holds files that are no Cereblon run; choose a new folder")
