"""With what a run was made: versions, machine, date and command."""

from __future__ import annotations

import platform
import shlex
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

NUMERICAL: Final = ("jax", "jaxlib", "numpy", "polars", "pydantic", "scipy")
"""Packages whose version can change a number of a run."""


def software_record() -> dict[str, Any]:
    """Return versions of Python and of the packages behind the numbers, the platform, the date (UTC), the command."""
    program, *arguments = sys.argv or [""]  # none where another program embeds Python
    return {
        "versions": {"python": platform.python_version(), **{name: version(name) for name in NUMERICAL}},
        "platform": platform.platform(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shlex.join([Path(program).name, *arguments]),
    }
