"""Where the finished blocks of a run are kept until its folder is complete."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def checkpoint_folder(out: Path) -> Path:
    """Return where the finished blocks of a run to `out` are kept until its folder is complete."""
    target = Path(os.path.abspath(out))
    return target.with_name(f".{target.name}.blocks")


def clear_checkpoint(out: Path) -> None:
    """Remove the finished blocks of a run whose folder is complete."""
    shutil.rmtree(checkpoint_folder(out), ignore_errors=True)
