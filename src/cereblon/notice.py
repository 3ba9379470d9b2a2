"""One line to the person at the screen that is no error and no result."""

from __future__ import annotations

import logging


def notice(line: str) -> None:
    """Say a line: on standard error, unless the logger "cereblon" was given another place."""
    logging.getLogger("cereblon").warning("cereblon: %s", line)
