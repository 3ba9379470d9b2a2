"""The product as a user meets it: `cereblon run` from the command line to the report.

    python benchmarks/product.py [--patients 1000] [--many 10000] [--repeat 3] [--json]

1. warm: a two-year trial (the registry's badoux2011 with 24 months of follow-up, written as a user's own file) and
   badoux2011 itself, 1,000 patients, in a new process each, caches filled by a run before; the best of a few, because
   the others only measure who else is using the machine.
2. where the time goes: the same run in phases. Threads overlap, so phases inside a block are sums over the threads.
3. cold: `cereblon run badoux2011` with empty caches.
4. memory: peak resident memory of a run of 10,000 patients.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

PRODUCT = "from cereblon.cli.main import main; main()"


def two_years(folder: Path) -> Path:
    """Write badoux2011 with two years of follow-up as a user's trial file and return its path."""
    text = (files("cereblon") / "trials" / "badoux2011.yaml").read_text(encoding="utf-8")
    text, changed = re.subn(r"duration_months: \d+", "duration_months: 24", text)
    text, named = re.subn(r"(?m)^id: .*$", "id: two_years", text)
    if (changed, named) != (1, 1):
        raise RuntimeError("badoux2011.yaml no longer states its follow-up in one place")
    path = folder / "two_years.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def measured(command: list[str], environment: dict[str, str] | None = None) -> dict[str, float]:
    """Run a command and return its wall and processor seconds and peak memory; raises RuntimeError if it fails."""
    began = time.perf_counter()
    with tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors, env=environment)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - began
        if child.returncode:
            errors.seek(0)
            raise RuntimeError(errors.read().decode()[-2000:])
    return {
        "wall_s": wall,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_gib": usage.ru_maxrss / 2**20,
        "load": os.getloadavg()[0],
    }


def cereblon(trial: str, patients: int, folder: Path, environment: dict[str, str] | None = None) -> dict[str, float]:
    """Measure `cereblon run TRIAL --patients N` in a new process."""
    out = folder / f"{Path(trial).stem}-{patients}"
    command = [sys.executable, "-c", PRODUCT, "run", trial, "--patients", str(patients), "--out", str(out)]
    return measured(command, environment)


class Phases:
    """Seconds spent inside chosen functions, summed over threads."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    def watch(self, owner: Any, name: str, phase: str) -> None:
        """Replace a function by one that adds its time to a phase."""
        kept = owner.__dict__[name]
        function: Callable[..., Any] = kept.__func__ if isinstance(kept, staticmethod) else kept

        def timed(*arguments: Any, **named: Any) -> Any:
            began = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                self.seconds[phase] += time.perf_counter() - began

        setattr(owner, name, staticmethod(timed) if isinstance(kept, staticmethod) else timed)


def phases(trial: str, patients: int, folder: Path) -> dict[str, float]:
    """Run a trial in this process and return seconds by phase; call it in a new process."""
    began = time.perf_counter()
    from cereblon.clinic.criteria.tracker import ResponseTracker
    from cereblon.clinic.trial.load import load_trial
    from cereblon.model import load_model
    from cereblon.report import folder as run_folder
    from cereblon.report import page
    from cereblon.study import block as study_block
    from cereblon.study import run as study
    from cereblon.study.checkpoint import Checkpoint
    from cereblon.study.visits import VisitWriter

    seen = Phases()
    seen.seconds["imports"] = time.perf_counter() - began
    seen.watch(study, "load_model", "model load")
    seen.watch(study, "BlockRunner", "population plan, building the cycle")
    for name in ("draw_cohort", "draw_noise", "draw_thresholds"):
        seen.watch(study_block, name, "* cohort, noise, thresholds")
    runner = study_block.BlockRunner
    seen.watch(runner, "_start", "* untreated start (5 cycles; first: waiting for the compiled cycle)")
    seen.watch(runner, "run", "* blocks in all")
    seen.watch(runner, "_assess", "* assessments")
    for name in ("complete", "apply"):
        seen.watch(ResponseTracker, name, "* assessments")
    seen.watch(study_block, "block_tables", "* tables")
    seen.watch(Checkpoint, "keep", "* tables")
    seen.watch(VisitWriter, "write", "* tables")
    seen.watch(page, "report_page", "report page")
    seen.watch(run_folder, "_write_table", "parquet files")
    result = study.run(load_trial(trial), patients=patients, out=folder / "phases")
    simulated = time.perf_counter()
    result.save(folder / "phases")
    ended = time.perf_counter()
    load_model()
    blocks = seen.seconds.pop("* blocks in all")
    inside = [k for k in seen.seconds if k.startswith("*")]
    named = sum(v for k, v in seen.seconds.items() if k in inside and k != "* tables")
    seen.seconds["* cycles and orders"] = blocks - named
    seen.seconds["everything until the tables"] = simulated - began
    seen.seconds["saving in all"] = ended - simulated
    seen.seconds["all"] = ended - began
    return dict(seen.seconds)


def benchmark(patients: int, many: int, repeat: int, folder: Path) -> dict[str, Any]:
    """Return all figures."""
    trial = str(two_years(folder))
    cereblon(trial, 1, folder)  # fills the caches
    figures: dict[str, Any] = {"patients": patients, "cores": os.cpu_count()}
    for label, name in (("two years", trial), ("badoux2011", "badoux2011")):
        runs = [cereblon(name, patients, folder) for _ in range(repeat)]
        figures[f"warm, {label}"] = min(runs, key=lambda run: run["wall_s"])
    inner = [sys.executable, __file__, "--inner", trial, "--patients", str(patients)]
    done = subprocess.run(inner, capture_output=True, text=True, check=True)
    figures["phases_s"] = json.loads(done.stdout)
    empty = {"XDG_CACHE_HOME": str(folder / "cache"), "JAX_COMPILATION_CACHE_DIR": str(folder / "cache" / "jax")}
    figures["cold, badoux2011"] = cereblon("badoux2011", 60, folder, {**os.environ, **empty})
    if many:
        figures[f"memory, {many} patients, two years"] = cereblon(trial, many, folder)
    return figures


def show(figures: dict[str, Any]) -> None:
    """Print the figures for people."""
    for name, row in figures.items():
        if isinstance(row, dict) and "peak_gib" in row:
            print(f"{name:36} wall {row['wall_s']:6.2f} s   cpu {row['cpu_s']:6.2f} s", end="")
            print(f"   peak {row['peak_gib']:.2f} GiB   load {row['load']:.1f}")
    print("\nphases (two years), s; lines with * are sums over the threads of blocks")
    for phase, seconds in figures["phases_s"].items():
        print(f"  {phase:60}{seconds:6.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patients", type=int, default=1000)
    parser.add_argument("--many", type=int, default=10_000, help="patients of the memory run; 0 leaves it out")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--inner", metavar="TRIAL", help=argparse.SUPPRESS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if given.inner:
            print(json.dumps(phases(given.inner, given.patients, Path(folder))))
            return
        figures = benchmark(given.patients, given.many, given.repeat, Path(folder))
    if given.json:
        print(json.dumps(figures, indent=2))
    else:
        show(figures)


if __name__ == "__main__":
    main()
