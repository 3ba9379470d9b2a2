"""Single files that a verb writes: the place is checked before the work, the file is there complete or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from cereblon.errors import CereblonError, printable
from cereblon.storage.files import left_behind, write_bytes


def check_file_target(path: Path) -> None:
    """Refuse a file that cannot be written, before the work; raises CereblonError."""
    try:
        _refuse_place(path)
        probe = _beside(path, "probe")
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        raise CereblonError(f"{_shown(path)}: cannot be written ({error.strerror})") from None


def check_new_file(path: Path) -> None:
    """Refuse a file that exists already or cannot be written; raises CereblonError."""
    if os.path.lexists(path) and not path.is_dir():
        raise CereblonError(f"{_shown(path)}: exists already: expected the name of a new file")
    check_file_target(path)


def write_text(path: Path, text: str) -> None:
    """Write a text file in one step, replacing an earlier one. Raises CereblonError when it cannot be."""
    check_file_target(path)
    partial = _beside(path, "partial")
    try:
        for left, _ in left_behind(partial.parent, ".cereblon-partial-"):
            with suppress(OSError):
                left.unlink()
        # a link stays, what it points to is replaced
        write_bytes(Path(os.path.realpath(path)), text.encode(), partial)
    except OSError as error:
        raise CereblonError(f"{_shown(path)}: cannot be written ({error.strerror or error})") from None


def write_new_text(path: Path, text: str) -> None:
    """Write a text file that does not exist yet, in one step. Raises CereblonError when it does or cannot be."""
    check_new_file(path)
    write_text(path, text)


def _refuse_place(path: Path) -> None:
    """Raise CereblonError for what is no place for a file; OSError where the system does not let one look."""
    shown = _shown(path)
    if "\0" in str(path):
        raise CereblonError(f"{shown}: is not a file name")
    with suppress(FileNotFoundError):
        path.stat()  # a circle of links, a name that is too long: OSError
    if path.is_dir():
        raise CereblonError(f"{shown}: is a folder; expected the name of a file")
    if path.exists() and not path.is_file():
        raise CereblonError(f"{shown}: is a device or a pipe; expected the name of a file")
    folder = _beside(path, "probe").parent
    if not folder.is_dir():
        raise CereblonError(f"{shown}: the folder {_shown(folder)} does not exist; it cannot be written there")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise CereblonError(f"{shown}: cannot be written (no permission)")


def _beside(path: Path, kind: str) -> Path:
    """Return a hidden sibling of the file that `path` names or links to, for this process."""
    target = Path(os.path.realpath(path))
    return target.with_name(f".cereblon-{kind}-{os.getpid()}")


def _shown(path: Path) -> str:
    return printable(str(path))
