"""Try Cereblon with mutated trials, assays, tables, model texts, claims and command lines.

    python scripts/fuzz.py --seed 1 --cases 3000 --jobs 2      the whole search
    python scripts/fuzz.py --seed 1 --first 17 --cases 1       one case again
    python scripts/fuzz.py --cases 200 --quick                 what the tests run: no case that must compile anew

Fails on a traceback, an exit code other than 0, 2 and 130, more than 20 s beyond a first compilation, more than 2 GiB,
a control character in the output, a file outside the target, and a run that is refused after a clean check. Needs Linux
(/proc). A trial of more than 30 months or an assay of more than 2,000 condition-days is checked, not run.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "fuzz"))

from fuzz_cases import KINDS, make_case
from fuzz_supervisor import Failure, Tally, session, told


def main() -> int:
    """Run the session that the command line asks for; return 1 when a case failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--first", type=int, default=1, help="number of the first case")
    parser.add_argument("--kind", choices=KINDS, help="cases of this kind alone")
    parser.add_argument("--jobs", type=int, default=1, help="worker processes")
    parser.add_argument("--quick", action="store_true", help="run no trial or assay that needs a new compilation")
    parser.add_argument(
        "--alone", action="store_true", help="a process for each command line: slow, and the real thing"
    )
    given = parser.parse_args()
    began = time.monotonic()

    def say(tally: Tally, failure: Failure | None) -> None:
        if failure is not None:
            print(told(failure, given.seed), flush=True)
        done = tally.cases.total()
        if done % 50 == 0:
            print(f"{done} cases, {len(tally.failures)} failed, {time.monotonic() - began:.0f} s", flush=True)

    numbers = range(given.first, given.first + given.cases)
    cases = (make_case(given.seed, number, given.kind) for number in numbers)
    tally = session(cases, jobs=given.jobs, quick=given.quick, alone=given.alone, say=say)
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(tally.cases.items()))
    print(f"seed {given.seed}: {kinds}; {tally.commands} commands, {time.monotonic() - began:.0f} s")
    for fault, count in Counter(fault for failure in tally.failures for fault in failure.faults).most_common():
        print(f"{count:5d}  {fault}")
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
