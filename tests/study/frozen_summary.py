"""What one seeded run of a trial shows, in a form that other processors give too: counts of patients and medians.

`tests/study/frozen/` holds it for every registry entry; only `scripts/freeze.py` writes there.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cereblon import load_trial, run
from cereblon.outcomes.survival import kaplan_meier

FROZEN = Path(__file__).parent / "frozen"
PATIENTS = 60
SEED = 1


def summary(trial: str) -> dict[str, Any]:
    """Return arm -> {"patients", "counts": endpoint -> patients, "cycles": endpoint -> cycles, "medians": months}."""
    result = run(load_trial(trial), patients=PATIENTS, seed=SEED)
    arms: dict[str, Any] = {}
    for name, data in result.arms.items():
        medians = {key: kaplan_meier(times.time, times.event).median for key, times in data.times.items()}
        arms[name] = {
            "patients": int(data.subjects.size),
            "counts": {key: int(flag.sum()) for key, flag in sorted(data.flags.items())},
            "cycles": {key: int(hit.sum()) for key, hit in sorted(data.cycles_hit.items())},
            "cycles_given": int(data.cycles_given.sum()),
            "medians": {key: None if m is None else round(m, 2) for key, m in sorted(medians.items())},
        }
    return arms


def path(trial: str) -> Path:
    """Return the file of a trial."""
    return FROZEN / f"{trial}.json"


def frozen(trial: str) -> dict[str, Any]:
    """Return the summary that was kept."""
    found: dict[str, Any] = json.loads(path(trial).read_text("utf-8"))
    return found


def freeze(trial: str) -> None:
    """Keep the summary of this version."""
    FROZEN.mkdir(exist_ok=True)
    path(trial).write_text(json.dumps(summary(trial), indent=1) + "\n", encoding="utf-8")
