"""libRoadRunner (CVODE) on the exported SBML of a model, one subject, doses at the start of each day."""

from collections.abc import Mapping

import numpy as np
import roadrunner

from cereblon.model import Model


def reference(
    model: Model, values: Mapping[str, float], doses: Mapping[str, np.ndarray], days: int, rtol: float = 1e-8
) -> dict[str, np.ndarray]:
    """Every state at hour 0 of every day before the dose, (days + 1,)."""
    run = roadrunner.RoadRunner(model.sbml)
    solver = run.getIntegrator()
    for key, value in (("relative_tolerance", rtol), ("absolute_tolerance", 1e-10), ("maximum_num_steps", 200_000)):
        solver.setValue(key, value)
    for name, value in values.items():
        run.setValue(name, float(value))
    # derived constants and starting values follow from the parameters; set them as the engine computes them
    for name, value in model.initial(values).items():
        run.setValue(name, float(value))
    derived = model.observe(tuple(model.system.derived), model.initial(values), values)
    for name, value in derived.items():
        run.setValue(name, float(value))
    out = {state: [run[state]] for state in model.states}
    for day in range(days):
        for name, amounts in doses.items():
            run.setValue(name, run[name] + float(amounts[day]))
        run.simulate(day, day + 1, 2)
        for state in model.states:
            out[state].append(run[state])
    return {state: np.asarray(course) for state, course in out.items()}
