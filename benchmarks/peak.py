"""How much of the processor the engine uses: arithmetic per patient-day against the measured single-precision peak.

    python benchmarks/peak.py [--json]

Peak: products of matrices, which are fused multiply-adds from the first cache. Work: the operations that the compiled
programs hold (each addition, multiplication, division or function counted once, shared sub-expressions once), as often
as a day runs them. Both in processor time, so that other programs on the machine change the ratio little.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cereblon.engine import Day, simulate
from cereblon.model import load_model
from cereblon.study.program import LANES, SLOW_STEPS

STEP_OPERATIONS = 30
"""Additions and multiplications of one exponential Heun step per slow state, beside the rates."""
DAYS = 364


def peak() -> float:
    """Return multiply and add operations per second and core: products of matrices, best of thirty."""
    size = 768
    matrix = jnp.full((size, size), 0.5, jnp.float32)
    product = jax.jit(jnp.dot).lower(matrix, matrix).compile()
    best = np.inf
    for _ in range(30):
        began = time.process_time()
        jax.block_until_ready(product(matrix, matrix))
        best = min(best, time.process_time() - began)
    return 2.0 * size**3 / best


def work() -> dict[str, float]:
    """Return operations per patient-day by part, as the programs of the model count them."""
    model = load_model()
    day = Day(model, SLOW_STEPS)
    hours = day.fast.grid.hours.size
    heun = SLOW_STEPS * (day._both.count() + day._rates.count())
    stepping = SLOW_STEPS * STEP_OPERATIONS * len(model.slow)
    mixed = SLOW_STEPS * 2 * day.fast.mixture.count() * day.fast.grid.after_dose.hours.size
    fast = [day.fast._drivers, day.fast._averaged, day.fast._inputs, *(v.program for v in day.fast._levels)]
    relaxing = 40 * len(model.relaxing)
    return {
        "slow rates": heun,
        "slow steps": stepping,
        "signals averaged with live slow states": mixed,
        "fast clock": hours * (sum(p.count() for p in fast) + relaxing),
    }


def spent() -> float:
    """Return processor seconds per patient-day of a plain simulation, best of five."""
    model = load_model()
    people = {"age": np.full(LANES, 70.0, np.float32)}
    given: dict[str, Any] = {"individual": people, "doses": {"len_gut": np.full(DAYS, 5.0)}, "days": DAYS}
    given |= {"save": ("alc",), "slow_steps": SLOW_STEPS}
    simulate(model, **given)
    best = np.inf
    for _ in range(5):
        began = time.process_time()
        simulate(model, **given)
        best = min(best, time.process_time() - began)
    return best / (LANES * DAYS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    parts, fastest, seconds = work(), peak(), spent()
    rate = sum(parts.values()) / seconds
    figures: dict[str, Any] = {
        "operations_per_patient_day": {**parts, "all": sum(parts.values())},
        "microseconds_per_patient_day": 1e6 * seconds,
        "engine_gflops": rate / 1e9,
        "peak_gflops": fastest / 1e9,
        "share_of_peak_pct": 100.0 * rate / fastest,
    }
    if given.json:
        print(json.dumps(figures, indent=2))
        return
    print("operations per patient and day")
    for name, count in figures["operations_per_patient_day"].items():
        print(f"  {name:45}{count:10,.0f}")
    print(f"processor time per patient and day {figures['microseconds_per_patient_day']:.2f} us")
    print(f"engine {figures['engine_gflops']:.1f}, peak of a core {figures['peak_gflops']:.1f} GFLOP/s", end="")
    print(f": {figures['share_of_peak_pct']:.0f} %")


if __name__ == "__main__":
    main()
