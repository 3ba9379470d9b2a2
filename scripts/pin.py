"""Write constraints.txt and constraints-test.txt: every package at one version, with the hash of its file.

Run on Python 3.11, Linux x86_64, from the repository root:

    python scripts/pin.py            resolve anew, newest versions that pyproject.toml allows
    python scripts/pin.py --keep     keep the versions already pinned where they still fit

Both files serve ``pip install --require-hashes --no-deps -r FILE``: constraints.txt holds what a run needs (and the
build backend, so that nothing is fetched without a hash), constraints-test.txt adds tests, linters and docs.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
RUN = ROOT / "constraints.txt"
TEST = ROOT / "constraints-test.txt"
HEADER = "# {what}: Python 3.11, Linux x86_64. Written by scripts/pin.py; do not edit.\n"


class Pin(NamedTuple):
    """One package, its exact version and the SHA-256 of the wheel that pip chose."""

    name: str
    version: str
    sha256: str

    def lines(self) -> str:
        """Return the requirement as pip's hash mode reads it."""
        return f"{self.name}=={self.version} \\\n    --hash=sha256:{self.sha256}\n"


def normal(name: str) -> str:
    """Return the name as package indexes compare it: lower case, runs of ``-_.`` as one dash."""
    return re.sub(r"[-_.]+", "-", name).lower()


def resolve(requirements: list[str], versions: dict[str, str]) -> dict[str, Pin]:
    """Ask pip which files it would install for `requirements`, holding packages in `versions` at those.

    Raises SystemExit where pip fails or chooses a file that is not a wheel (a wheel runs no code).
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        held = Path(folder) / "held.txt"
        held.write_text("".join(f"{name}=={version}\n" for name, version in versions.items()))
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
        command += ["--report", str(report), "--constraint", str(held), *requirements]
        done = subprocess.run(command, cwd=ROOT, check=False)
        if done.returncode:
            raise SystemExit("pip could not resolve the requirements; see its message above")
        chosen = json.loads(report.read_text())["install"]
    pins = {}
    for item in chosen:
        name, version = normal(item["metadata"]["name"]), item["metadata"]["version"]
        download = item["download_info"]
        if not download["url"].endswith(".whl"):
            raise SystemExit(f"{name} {version} has no wheel for this Python and platform")
        pins[name] = Pin(name, version, download["archive_info"]["hashes"]["sha256"])
    return pins


def pinned(path: Path) -> dict[str, str]:
    """Return name -> version as written in a constraints file."""
    return dict(re.findall(r"^([\w.-]+)==(\S+)", path.read_text(), re.MULTILINE)) if path.exists() else {}


def main() -> None:
    """Resolve the test set, then the part of it that a run needs, and write both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", action="store_true", help="keep pinned versions where they still fit")
    keep = parser.parse_args().keep
    if sys.version_info[:2] != (3, 11):
        raise SystemExit("the pins are for Python 3.11: run this script with it")
    document = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project = document["project"]
    needed = document["build-system"]["requires"] + project["dependencies"]
    extras = project["optional-dependencies"]
    everything = resolve(needed + extras["test"] + extras["docs"], pinned(RUN) | pinned(TEST) if keep else {})
    run = resolve(needed, {pin.name: pin.version for pin in everything.values()})
    rest = [everything[name] for name in sorted(everything) if name not in run]
    RUN.write_text(HEADER.format(what="What a run needs") + "".join(run[name].lines() for name in sorted(run)))
    TEST.write_text(
        HEADER.format(what="What the tests and docs need besides")
        + f"-r {RUN.name}\n"
        + "".join(pin.lines() for pin in rest)
    )
    print(f"{RUN.name}: {len(run)} packages; {TEST.name}: {len(rest)} more")


if __name__ == "__main__":
    main()
