"""Write the frozen summary of every registry entry, or of those named, anew.

    python scripts/freeze.py [TRIAL ...]

Each change of a frozen figure is a change of results: say in the commit which figures moved, and why.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path

from cereblon import trial_ids

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "study"))


def main() -> None:
    """Freeze the trials of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trials", nargs="*", metavar="TRIAL", help="registry ids; default: all")
    store = import_module("frozen_summary")
    for trial in parser.parse_args().trials or trial_ids():
        store.freeze(trial)
        print(store.path(trial).name)


if __name__ == "__main__":
    main()
