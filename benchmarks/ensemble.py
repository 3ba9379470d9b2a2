"""The same model, patients and doses through Cereblon, libRoadRunner and COPASI: speed and accuracy in one run.

    python benchmarks/ensemble.py [--patients 1024] [--days 730] [--json]

Every patient takes lenalidomide daily, 5 mg for eight weeks, then 10 mg, with no clinic: the doses are given, so that
programs without a protocol engine can do the same work. All three start from the same state of the same drawn patient
and read the same exported SBML (Cereblon: the text that it is exported from).

Cereblon runs in single precision, two threads over blocks of patients. libRoadRunner runs a few of these patients on
one core in one instance (CVODE, relative tolerance 1e-6: its standard stiff method, and the Adams method), with doses
added between its calls; COPASI (LSODA, the same tolerance) gets the doses as an event, in a shorter horizon. Their
time per patient and day is what is compared. Two years of the exact reference take minutes; `--days 168` is shorter.
Loading, compilation and the untreated start are not timed. Accuracy is against libRoadRunner at 1e-8, every 28 days.

Ratios are given from wall time and from processor time; where other programs share the machine, the second is the
fairer one. libRoadRunner on two cores is taken as two independent processes at full speed.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import basico
import jax
import jax.numpy as jnp
import libsbml
import numpy as np
import roadrunner
from numpy.typing import NDArray

from cereblon.clinic.trial.load import load_trial
from cereblon.engine import State, simulate
from cereblon.model import Model, load_model
from cereblon.parameters import draw_variability
from cereblon.patients import draw_cohort
from cereblon.patients.untreated import untreated_start
from cereblon.study.population import population_of
from cereblon.study.program import LANES, SLOW_STEPS

Floats = NDArray[np.float64]
READ = {"ALC": "alc", "node volume": "node_volume", "ANC": "anc", "platelets": "platelets"}
NAMES = tuple(READ.values())
FLOOR = {"alc": 0.05, "node_volume": 1.0, "anc": 0.05, "platelets": 1.0}
"""Below this a relative difference means nothing clinically: 0.05e9/L, 1 mL, 0.05e9/L, 1e9/L."""
TRIAL, SEED, THREADS, VISIT = "badoux2011", 1, 2, 28
TIMED_TOLERANCE, EXACT_TOLERANCE = 1e-6, 1e-8
STATE = "len_gut"


def doses(days: int) -> Floats:
    """Return mg of lenalidomide per day, (days,)."""
    return np.where(np.arange(days) < 56, 5.0, 10.0)


class Patients:
    """Parameters and state at the first dose of n drawn patients, single precision, from the untreated model."""

    def __init__(self, model: Model, count: int) -> None:
        trial = load_trial(TRIAL)
        numbers = np.arange(1, count + 1)
        cohort = draw_cohort(population_of(trial), trial.setting, numbers, SEED).columns
        varied = draw_variability(model.parameters, numbers, SEED)
        self.individual: dict[str, Any] = {}
        for name in model.individual:
            value = varied.get(name, cohort.get({"ldh0": "ldh"}.get(name, name), model.defaults[name]))
            self.individual[name] = np.broadcast_to(np.asarray(value), (count,)).astype(np.float32)
        self.model, self.count = model, count
        parts = [self._start(cohort["growth0"], slice(i, i + LANES)) for i in range(0, count, LANES)]
        self.state: State = jax.tree.map(lambda *rows: np.concatenate(rows, axis=-1), *(state for state, _ in parts))
        self.individual = {k: np.concatenate([p[k] for _, p in parts]) for k in self.individual}

    def _start(self, growth: Floats, part: slice) -> tuple[State, dict[str, Any]]:
        model = self.model
        given = {k: v[part] for k, v in self.individual.items()}

        def start(values: Mapping[str, Any]) -> State:
            return State.of(model, model.initial(values), np.float32)

        def advance(state: State, values: Mapping[str, Any], free: Any, _: int) -> State:
            ready = jax.tree.map(jnp.asarray, state)
            return simulate(model, values, None, None, 28, ("alc",), SLOW_STEPS, start=ready, free=free)[1]

        shared = {name: model.defaults[name] for name in model.shared}
        return untreated_start(model, given, shared, growth[part], start, advance)

    def block(self, i: int) -> tuple[dict[str, Any], State]:
        """Return (individual, state) of block i."""
        part = slice(i * LANES, (i + 1) * LANES)
        state = jax.tree.map(lambda rows: jnp.asarray(rows[:, part]), self.state)
        return {k: v[part] for k, v in self.individual.items()}, state

    def one(self, i: int) -> tuple[dict[str, float], dict[str, float]]:
        """Return all constants (derived ones too) and the states of patient i by name."""
        model = self.model
        values = {**model.defaults, **{k: float(v[i]) for k, v in self.individual.items()}}
        derived = model.observe(tuple(model.system.derived), model.initial(values), values)
        state = {name: float(row[i]) for name, row in self.state.named(model).items()}
        return {**values, **{k: float(v) for k, v in derived.items()}}, state


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """Return (result, wall seconds, processor seconds of all threads)."""
    wall, cpu = time.perf_counter(), time.process_time()
    out = work()
    return out, time.perf_counter() - wall, time.process_time() - cpu


def run_cereblon(model: Model, patients: Patients, days: int) -> tuple[dict[str, Floats], float, float]:
    """Return (read quantities (days + 1, n), wall, processor seconds) of all patients, compiled beforehand."""
    blocks = [patients.block(i) for i in range(patients.count // LANES)]
    given = {STATE: doses(days)}

    def one(block: tuple[dict[str, Any], State]) -> dict[str, Any]:
        individual, state = block
        return simulate(model, individual, doses=given, days=days, save=NAMES, slow_steps=SLOW_STEPS, start=state)[0]

    one(blocks[0])

    def every() -> list[dict[str, Any]]:
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(one, blocks))

    parts, wall, cpu = timed(every)
    return {k: np.concatenate([p[k] for p in parts], axis=1) for k in NAMES}, wall, cpu


class RoadRunner:
    """One libRoadRunner instance for all patients."""

    def __init__(self, model: Model) -> None:
        self.run = roadrunner.RoadRunner(model.sbml)
        solver = self.run.getIntegrator()
        solver.setValue("absolute_tolerance", 1e-10)
        solver.setValue("maximum_num_steps", 500_000)
        self.run.timeCourseSelections = list(NAMES)

    def course(
        self, patient: tuple[dict[str, float], dict[str, float]], days: int, rtol: float, stiff: bool = True
    ) -> Floats:
        """Return the read quantities at the start of every day and the end, (days + 1, 4)."""
        run = self.run
        run.resetToOrigin()
        run.getIntegrator().setValue("relative_tolerance", rtol)
        run.getIntegrator().setValue("stiff", stiff)
        for name, value in {**patient[0], **patient[1]}.items():
            run.setValue(name, value)
        out = np.empty((days + 1, len(NAMES)))
        out[0] = [run.getValue(name) for name in NAMES]
        for day, amount in enumerate(doses(days)):
            run.setValue(STATE, run.getValue(STATE) + float(amount))
            out[day + 1] = np.asarray(run.simulate(day, day + 1, 2))[-1]
        return out


def with_patient(sbml: str, patient: tuple[dict[str, float], dict[str, float]]) -> str:
    """Return the SBML text with the patient's values set and the daily dose as an event."""
    document = libsbml.readSBMLFromString(sbml)
    model = document.getModel()
    for name, value in {**patient[0], **patient[1]}.items():
        model.removeInitialAssignment(name)
        species, parameter = model.getSpecies(name), model.getParameter(name)
        if species is not None:
            species.setInitialAmount(value)
        elif parameter is not None:
            parameter.setValue(value)
    following = model.createParameter()
    following.setId("next_dose")
    following.setConstant(False)
    following.setValue(0.0)
    following.setUnits("day")
    event = model.createEvent()
    event.setId("daily_dose")
    event.setUseValuesFromTriggerTime(True)
    trigger = event.createTrigger()
    trigger.setInitialValue(False)
    trigger.setPersistent(True)
    trigger.setMath(libsbml.parseL3Formula("time >= next_dose"))
    for name, formula in ((STATE, f"{STATE} + piecewise(5, time < 55.5, 10)"), ("next_dose", "next_dose + 1")):
        change = event.createEventAssignment()
        change.setVariable(name)
        change.setMath(libsbml.parseL3Formula(formula))
    return str(libsbml.writeSBMLToString(document))


def run_copasi(model: Model, patients: Patients, count: int, days: int) -> tuple[list[Floats], float, float]:
    """Return (read quantities every 28 days, wall, processor seconds) of the first `count` patients."""
    courses, wall, cpu = [], 0.0, 0.0
    for i in range(count):
        loaded = basico.load_model_from_string(with_patient(model.sbml, patients.one(i)))

        def course(loaded: Any = loaded) -> Any:
            return basico.run_time_course(
                duration=days,
                intervals=days // VISIT,
                use_sbml_id=True,
                r_tol=TIMED_TOLERANCE,
                a_tol=1e-10,
                max_steps=1_000_000,
                model=loaded,
            )

        found, took, used = timed(course)
        wall, cpu = wall + took, cpu + used
        courses.append(found[list(NAMES)].to_numpy(dtype=float))
        basico.remove_datamodel(loaded)
    return courses, wall, cpu


def differences(found: Floats, exact: Floats) -> dict[str, dict[str, float]]:
    """Return median and worst relative difference of each quantity over (visits, 4), in percent."""
    out = {}
    for k, (label, name) in enumerate(READ.items()):
        size = np.maximum(np.abs(exact[:, k]), FLOOR[name])
        relative = 100.0 * np.abs(found[:, k] - exact[:, k]) / size
        out[label] = {"median_pct": float(np.median(relative)), "worst_pct": float(relative.max())}
    return out


def benchmark(count: int, days: int, few: int, copasi_days: int) -> dict[str, Any]:
    """Run all three and return figures; keys end in their unit."""
    model = load_model()
    count = -(-count // LANES) * LANES
    patients = Patients(model, count)
    ours, wall, cpu = run_cereblon(model, patients, days)
    runner = RoadRunner(model)
    people = [patients.one(i) for i in range(few)]
    runner.course(people[0], 2, TIMED_TOLERANCE)
    timed_courses, rr_wall, rr_cpu = timed(lambda: [runner.course(p, days, TIMED_TOLERANCE) for p in people])
    _, ad_wall, ad_cpu = timed(lambda: [runner.course(p, days, TIMED_TOLERANCE, False) for p in people])
    exact = [runner.course(p, days, EXACT_TOLERANCE) for p in people]
    copasi_few = min(few, 2)
    copasi, co_wall, co_cpu = run_copasi(model, patients, copasi_few, copasi_days)
    visits = np.arange(0, days + 1, VISIT)
    short = np.arange(0, copasi_days + 1, VISIT)
    target = np.concatenate([e[visits] for e in exact])
    mine = np.concatenate([np.stack([ours[n][visits, i] for n in NAMES], axis=1) for i in range(few)])
    theirs = np.concatenate([t[visits] for t in timed_courses])
    copasi_target = np.concatenate([e[short] for e in exact[:copasi_few]])

    def speed(n: int, length: int, took: float, used: float) -> dict[str, float]:
        scale = days / length / n
        return {"patients": n, "days": length, "wall_ms": 1e3 * took * scale, "cpu_ms": 1e3 * used * scale}

    cereblon = speed(count, days, wall, cpu)
    others = {
        "libroadrunner": speed(few, days, rr_wall, rr_cpu),
        "RR Adams": speed(few, days, ad_wall, ad_cpu),
        "copasi": speed(copasi_few, copasi_days, co_wall, co_cpu),
    }
    ratios = {
        name: {
            "wall_two_cores_to_one_process": other["wall_ms"] / cereblon["wall_ms"],
            "wall_two_cores_to_two_processes": other["wall_ms"] / THREADS / cereblon["wall_ms"],
            "cpu_two_cores_to_one_process": other["cpu_ms"] / (cereblon["cpu_ms"] / THREADS),
            "cpu_core_to_core": other["cpu_ms"] / cereblon["cpu_ms"],
        }
        for name, other in others.items()
    }
    return {
        "states": len(model.states),
        "days": days,
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "speed_per_patient": {"cereblon": cereblon, **others},
        "ratio": ratios,
        "accuracy": {
            "cereblon": differences(mine, target),
            "libroadrunner": differences(theirs, target),
            "copasi": differences(np.concatenate(copasi), copasi_target),
        },
    }


def show(figures: dict[str, Any]) -> None:
    """Print the figures for people."""
    print(f"{figures['states']} states, {figures['days']} days of daily doses, {figures['cores']} cores", end="")
    print(f", load of the machine {figures['load']:.1f}\n")
    print(f"{'':14}{'patients':>9}{'days':>6}{'wall, ms':>11}{'cpu, ms':>11}{'patients/s':>12}")
    for name, row in figures["speed_per_patient"].items():
        rate = 1e3 / row["wall_ms"]
        print(f"{name:14}{row['patients']:9}{row['days']:6}{row['wall_ms']:11.3f}{row['cpu_ms']:11.3f}{rate:12.3f}")
    print(f"times are per patient and {figures['days']} days; fewer patients or days are scaled up in proportion\n")
    for name, row in figures["ratio"].items():
        print(f"Cereblon on two cores is {row['wall_two_cores_to_one_process']:,.0f} times one {name} process,")
        print(f"  {row['wall_two_cores_to_two_processes']:,.0f} times two of them; by processor time", end=" ")
        print(f"{row['cpu_two_cores_to_one_process']:,.0f} and {row['cpu_core_to_core']:,.0f} times")
    print("\nrelative difference from libRoadRunner at 1e-8, every 28 days: median / worst, %")
    print(f"{'':14}" + "".join(f"{label:>20}" for label in READ))
    for name, row in figures["accuracy"].items():
        cells = (f"{row[label]['median_pct']:.4f} / {row[label]['worst_pct']:.4f}" for label in READ)
        print(f"{name:14}" + "".join(f"{cell:>20}" for cell in cells))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patients", type=int, default=1024, help=f"for Cereblon; rounded up to blocks of {LANES}")
    parser.add_argument("--days", type=int, default=730)
    parser.add_argument("--few", type=int, default=2, help="patients for libRoadRunner; COPASI takes at most 2")
    parser.add_argument("--copasi-days", type=int, default=112)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    figures = benchmark(given.patients, given.days, given.few, min(given.copasi_days, given.days))
    if given.json:
        print(json.dumps(figures, indent=2))
    else:
        show(figures)


if __name__ == "__main__":
    main()
