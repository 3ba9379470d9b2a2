"""The program `cereblon`, and `python -m cereblon`: the command line, with an answer to Ctrl-C from the beginning."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

_INTERRUPTED = 130
"""Exit code of a program that was ended by Ctrl-C, as in `cereblon.cli.main`, which is not imported yet."""


def main() -> NoReturn:
    """Run the command line and exit."""
    try:
        from cereblon.cli.main import main as run

        run()
    except KeyboardInterrupt:  # while the libraries of the command line are imported
        os.write(2, b"cereblon: interrupted\n")
        os._exit(_INTERRUPTED)
    sys.exit()  # not reached: run ends the process


if __name__ == "__main__":
    main()
