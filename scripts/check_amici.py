"""Check that AMICI can read, compile and simulate the exported model, and gives what libRoadRunner gives.

    python scripts/check_amici.py

AMICI (1.0 or later) is not a dependency of Cereblon: it needs a C++ compiler and CMake, and takes minutes to compile
the model. Install it beside Cereblon (`pip install amici`), or write the model with `cereblon export sbml model.xml`
and, where AMICI and libRoadRunner are installed, give that file:

    python scripts/check_amici.py model.xml

AMICI multiplies the branches of a piecewise with 0 or 1 and so evaluates both: a branch that divides by 0 where it is
not taken stops it, which is what this check is for. Exit code 0: the two agree untreated; 1: they do not; 2: a tool is
missing.

With a dose at the start the two do not agree, and that is said, not judged: the tolerance of the flare asks whether one
state is above another, both begin at 0, and AMICI (1.0.1) follows a condition by its crossing and keeps the branch of
the start when it begins exactly at the crossing.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

DAYS = 28
DOSE_MG = 25.0
RELATIVE = 1e-5
"""Of each state's largest value; the tools integrate with a relative tolerance of 1e-9."""
NAME = "cereblon_export"


def missing() -> list[str]:
    """What has to be installed first."""
    packages = [name for name in ("amici", "libsbml", "roadrunner") if find_spec(name) is None]
    compilers = ("c++", "g++", "clang++")
    return packages + ([] if any(map(shutil.which, compilers)) else [f"a C++ compiler ({', '.join(compilers)})"])


def exported() -> str:
    """The model of the installed Cereblon as SBML."""
    from cereblon import load_model

    return load_model().sbml


def dosed(sbml: str) -> str:
    """The model with a capsule of lenalidomide in the gut at the start, so that choices between branches are made."""
    libsbml: Any = import_module("libsbml")
    document = libsbml.readSBMLFromString(sbml)
    model = document.getModel()
    model.removeInitialAssignment("len_gut")
    model.getParameter("len_gut").setValue(DOSE_MG)
    return str(libsbml.writeSBMLToString(document))


def by_roadrunner(sbml: str, names: list[str]) -> np.ndarray:
    """Quantities at every day, (days + 1, names)."""
    roadrunner: Any = import_module("roadrunner")
    run = roadrunner.RoadRunner(sbml)
    for key, value in (("relative_tolerance", 1e-9), ("absolute_tolerance", 1e-12), ("maximum_num_steps", 500_000)):
        run.getIntegrator().setValue(key, value)
    run.timeCourseSelections = names
    return np.asarray(run.simulate(0, DAYS, DAYS + 1))


def by_amici(sbml: str, folder: Path) -> tuple[list[str], np.ndarray]:
    """Names of the states, and their values at every day, (days + 1, states)."""
    importer: Any = import_module("amici.importers.sbml").SbmlImporter
    sundials: Any = import_module("amici.sim.sundials")
    source = folder / "model.xml"
    source.write_text(sbml, encoding="utf-8")
    target = folder / "compiled"
    model = importer(str(source)).sbml2amici(model_name=NAME, output_dir=str(target), generate_sensitivity_code=False)
    model.set_timepoints(np.arange(DAYS + 1.0))
    solver = model.create_solver()
    solver.set_relative_tolerance(1e-9)
    solver.set_absolute_tolerance(1e-12)
    solver.set_max_steps(500_000)
    found = sundials.run_simulation(model, solver)
    if found.status != sundials.AMICI_SUCCESS:
        raise RuntimeError(f"AMICI stopped with status {found.status}")
    return list(model.get_state_ids()), np.asarray(found.x)


def main() -> int:
    """Run the check and say what came out."""
    parser = argparse.ArgumentParser(description="Simulate the exported model in AMICI and in libRoadRunner.")
    parser.add_argument("file", nargs="?", type=Path, help="SBML written by `cereblon export sbml`")
    given = parser.parse_args().file
    if lacking := missing():
        print(f"check_amici: {', '.join(lacking)}: not found; install it first", file=sys.stderr)
        return 2
    sbml = exported() if given is None else given.read_text("utf-8")
    agree = compared("untreated", sbml)
    compared("25 mg at the start", dosed(sbml))
    return 0 if agree else 1


def compared(words: str, sbml: str) -> bool:
    """Simulate in both, say how far apart they are, and return whether they agree."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            names, amici = by_amici(sbml, Path(folder))
        except RuntimeError as error:
            print(f"check_amici: {words}: {error}", file=sys.stderr)
            return False
    roadrunner = by_roadrunner(sbml, names)
    scale = np.maximum(np.abs(roadrunner).max(axis=0), 1e-12)
    errors = np.abs(amici - roadrunner).max(axis=0) / scale
    worst = int(np.argmax(errors))
    print(
        f"{words}: {len(names)} states over {DAYS} days, at most {errors[worst]:.1e} of its range apart, {names[worst]}"
    )
    return bool(errors[worst] <= RELATIVE)


if __name__ == "__main__":
    sys.exit(main())
