"""Hashes of the package's own source, by what depends on it.

A kept program depends on what is traced into it, a finished block on all that makes its numbers. A word in a report or
a drug that a trial does not give changes neither.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Final

TRACED: Final = (
    "model",
    "engine",
    "clinic/codes.py",
    "clinic/criteria",
    "clinic/site",
    "study/program.py",
    "study/quantities.py",
    "readings.py",
    "biology/readings.tsv",
)
"""What the compiled cycle is made from, beside the documents of its model, which have a fingerprint of their own."""
SIMULATES: Final = (*TRACED, "clinic", "parameters", "patients", "study")
"""What the numbers of a finished block come from, beside model, trial and parameters."""
_KINDS: Final = (".py", ".tsv")
_ROOT: Final = Path(__file__).parents[1]


def traced_code() -> str:
    """Return a hash of the source that is traced into a compiled cycle."""
    return _hash(TRACED)


def simulating_code() -> str:
    """Return a hash of the source that decides the numbers of a run: blocks of another state of it are not mixed in."""
    return _hash(SIMULATES)


@lru_cache(maxsize=4)
def _hash(parts: tuple[str, ...]) -> str:
    digest = sha256()
    for path in sorted({file for part in parts for file in _files(_ROOT / part)}):
        digest.update(path.relative_to(_ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _files(part: Path) -> list[Path]:
    """Return the source files of a room, or the file itself. Raises FileNotFoundError where there is neither."""
    if part.is_dir():
        return [path for path in part.rglob("*") if path.suffix in _KINDS]
    part.stat()
    return [part]
