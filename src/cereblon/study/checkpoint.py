"""Finished blocks of a run, kept on disk until its folder is complete."""

from __future__ import annotations

import json
import os
import re
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cereblon.columns import TABLES
from cereblon.errors import CereblonError
from cereblon.storage.files import digest, remove, write_bytes, write_table
from cereblon.storage.lock import resolve

if TYPE_CHECKING:
    import polars as pl

_HEADER: Final = "cereblon blocks 1"
_MARK: Final = "fingerprint"
_VISITS: Final = "visits"
_BLOCK: Final = re.compile(rf"done-\d{{6}}(\.partial)?|({'|'.join(TABLES)})-\d{{6}}\.(parquet|partial)")
_VISIT_PART: Final = re.compile(r"part-\d{6}\.(parquet|partial)")
_temporary: dict[Path, int] = {}
"""Folder -> process that made it; a copy of the process leaves it alone."""


def checkpoint_folder(out: Path) -> Path:
    """Return where the finished blocks of a run to `out` are kept until its folder is complete."""
    target = resolve(out)
    return target.with_name(f".{target.name}.blocks")


def clear_checkpoint(out: Path) -> None:
    """Remove the finished blocks of a run whose folder is complete."""
    folder = checkpoint_folder(out)
    if _recorded(folder) is not None and not _foreign(folder):
        _remove(folder)


def temporary(folder: Path) -> Path:
    """Note a folder of this process that must not outlive it, and return it."""
    _temporary[folder] = os.getpid()
    return folder


def remove_temporary() -> None:
    """Remove the temporary folders of this process; called when it ends without taking its objects apart."""
    for folder in list(_temporary):
        discard(folder)


def discard(folder: Path) -> None:
    """Remove one temporary folder of this process."""
    if _temporary.get(folder) == os.getpid():
        remove(folder)
        _temporary.pop(folder, None)


class TemporaryBlocks:
    """The temporary folder of a run without a place of its own; removed when nobody reads from it any more."""

    def __init__(self, folder: Path) -> None:
        """Take a folder that `temporary` noted."""
        self.folder = folder
        weakref.finalize(self, discard, folder)


class Checkpoint:
    """The folder of finished blocks of one run.

    A block counts only once all its tables are on disk and as long as they are what was written, so a run that is
    killed goes on from whole blocks. Who opens one beside a folder holds the folder's lock.
    """

    def __init__(self, out: Path | None, fingerprint: str) -> None:
        """Open the folder beside `out`, emptied unless it belongs to the run `fingerprint`; None: a temporary one.

        Raises CereblonError when it cannot be written, or holds anything that no run of Cereblon wrote.
        """
        self.out, self.temporary, self.fingerprint = out, out is None, fingerprint
        try:
            if out is None:
                self.folder = temporary(Path(tempfile.mkdtemp(prefix="cereblon-")))
                return
            self.folder = checkpoint_folder(out)
            self._open()
        except OSError as error:
            raise self.unwritable(error) from None

    def _open(self) -> None:
        if os.path.lexists(self.folder) and not _is_empty(self.folder):
            recorded, foreign = _recorded(self.folder), _foreign(self.folder)
            if recorded is None or foreign:
                why = f"holds '{foreign}'" if foreign else f"has no readable file '{_MARK}'"
                raise CereblonError(f"{self.folder}: {why}, so it is not only of Cereblon; move it away or remove it")
            if recorded == self.fingerprint:
                return
            _remove(self.folder)
        self.folder.mkdir(exist_ok=True)
        write_bytes(self.folder / _MARK, f"{_HEADER}\n{self.fingerprint}\n".encode(), durable=True)

    def unwritable(self, error: OSError) -> CereblonError:
        """Return the error that says in one line why nothing can be written here."""
        place = "temporary folder" if self.out is None else f"output folder '{self.out}'"
        return CereblonError(f"{place}: cannot be written ({error.strerror or error})")

    def has(self, block: int, tables: Sequence[str]) -> bool:
        """Say whether the `tables` and the visits of a block are complete and still what was written."""
        try:
            done = json.loads(self._done(block).read_text(encoding="utf-8"))
            return bool(done == self._content(block, tables))
        except (OSError, ValueError, RecursionError):
            return False

    def keep(self, block: int, frames: Mapping[str, pl.DataFrame]) -> None:
        """Write the tables of a block, each complete or absent."""
        for name, frame in frames.items():
            write_table(frame, self._part(name, block))

    def finish(self, block: int, tables: Sequence[str]) -> None:
        """Count a block whose `tables` and visits are all written."""
        write_bytes(self._done(block), json.dumps(self._content(block, tables)).encode())

    def read(self, table: str, blocks: Sequence[int]) -> pl.DataFrame:
        """Return one table of all blocks, in their order."""
        import polars as pl

        return pl.concat([pl.read_parquet(self._part(table, block)) for block in blocks])

    def abandon(self) -> None:
        """Leave nothing behind that a later run cannot use: called when a run ends without a result."""
        if self.temporary:
            discard(self.folder)
        elif not any(self.folder.glob("done-*")):
            _remove(self.folder)

    def _content(self, block: int, tables: Sequence[str]) -> dict[str, Any]:
        """Return what the mark of a block says: whose it is, and the hash of each of its files."""
        parts = [self._part(name, block) for name in tables]
        parts.append(self.folder / _VISITS / f"part-{block:06d}.parquet")
        return {"run": self.fingerprint, "sha256": {p.relative_to(self.folder).as_posix(): digest(p) for p in parts}}

    def _part(self, table: str, block: int) -> Path:
        return self.folder / f"{table}-{block:06d}.parquet"

    def _done(self, block: int) -> Path:
        return self.folder / f"done-{block:06d}"


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir())


def _recorded(folder: Path) -> str | None:
    """Return the fingerprint of the run whose blocks a folder holds; None when it is not of Cereblon."""
    try:
        header, _, rest = (folder / _MARK).read_bytes().decode("ascii").partition("\n")
    except (OSError, ValueError):
        return None
    return rest.strip() if header == _HEADER else None


def _foreign(folder: Path) -> str:
    """Return the name of an entry that no run wrote, or nothing."""
    if folder.is_symlink() or not folder.is_dir():
        return folder.name
    for path in sorted(folder.iterdir()):
        plain = path.is_file() and not path.is_symlink()
        if path.name == _VISITS and path.is_dir() and not path.is_symlink():
            for part in sorted(path.iterdir()):
                if not (_VISIT_PART.fullmatch(part.name) and part.is_file()):
                    return f"{_VISITS}/{part.name}"
        elif not plain or not (path.stem == _MARK or _BLOCK.fullmatch(path.name)):
            return path.name
    return ""


def _remove(folder: Path) -> None:
    """Remove a folder of blocks: the files that runs write, and it when nothing else is in it."""
    with suppress(OSError):
        for path in [*folder.glob(f"{_VISITS}/part-*"), *folder.glob("*-*"), *folder.glob(f"{_MARK}*")]:
            path.unlink()
        for path in (folder / _VISITS, folder):
            if path.exists():
                path.rmdir()
