"""Finished blocks of a run, kept on disk until its folder is complete."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from cereblon.errors import CereblonError

if TYPE_CHECKING:
    import polars as pl


def checkpoint_folder(out: Path) -> Path:
    """Return where the finished blocks of a run to `out` are kept until its folder is complete."""
    target = Path(os.path.abspath(out))
    return target.with_name(f".{target.name}.blocks")


def clear_checkpoint(out: Path) -> None:
    """Remove the finished blocks of a run whose folder is complete."""
    shutil.rmtree(checkpoint_folder(out), ignore_errors=True)


@lru_cache(maxsize=1)
def code_fingerprint() -> str:
    """Return a hash of the package's programs and tables: blocks of another state of them are never mixed in."""
    root = Path(__file__).parent
    digest = sha256()
    for path in sorted(p for kind in ("py", "tsv", "ant") for p in root.rglob(f"*.{kind}")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


class Checkpoint:
    """The folder of finished blocks of one run.

    A block counts only once all its tables are on disk, so a run that is killed goes on from whole blocks.
    """

    def __init__(self, out: Path | None, fingerprint: str) -> None:
        """Open the folder beside `out`, emptied unless it belongs to the run `fingerprint`; None: a temporary one.

        Raises CereblonError when it cannot be written.
        """
        self.out, self.temporary = out, out is None
        self._made: list[Path] = []
        try:
            if out is None:
                self.folder = Path(tempfile.mkdtemp(prefix="cereblon-"))
                return
            self.folder = checkpoint_folder(out)
            mark = self.folder / "fingerprint"
            if self.folder.exists() and (not mark.exists() or mark.read_text() != fingerprint):
                shutil.rmtree(self.folder)
            self._made = [p for p in self.folder.parents if not p.exists()]
            self.folder.mkdir(parents=True, exist_ok=True)
            mark.write_text(fingerprint)
        except OSError as error:
            raise self.unwritable(error) from None

    def unwritable(self, error: OSError) -> CereblonError:
        """Return the error that says in one line why nothing can be written here."""
        place = "temporary folder" if self.out is None else f"output folder '{self.out}'"
        return CereblonError(f"{place}: cannot be written ({error.strerror or error})")

    def has(self, block: int) -> bool:
        """Say whether a block is complete."""
        return self._done(block).exists()

    def keep(self, block: int, frames: Mapping[str, pl.DataFrame]) -> None:
        """Write the tables of a block, each complete or absent."""
        for name, frame in frames.items():
            target = self._part(name, block)
            partial = target.with_suffix(".partial")
            frame.write_parquet(partial, compression="zstd", compression_level=1)
            partial.rename(target)

    def finish(self, block: int) -> None:
        """Count a block whose tables are all written."""
        self._done(block).touch()

    def read(self, table: str, blocks: Sequence[int]) -> pl.DataFrame:
        """Return one table of all blocks, in their order."""
        import polars as pl

        return pl.concat([pl.read_parquet(self._part(table, block)) for block in blocks])

    def abandon(self) -> None:
        """Leave nothing behind that a later run cannot use: called when a run ends without a result."""
        if not self.temporary and any(self.folder.glob("done-*")):
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        for parent in self._made:  # nearest first
            try:
                parent.rmdir()
            except OSError:
                break

    def _part(self, table: str, block: int) -> Path:
        return self.folder / f"{table}-{block:06d}.parquet"

    def _done(self, block: int) -> Path:
        return self.folder / f"done-{block:06d}"
