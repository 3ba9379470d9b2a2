"""libRoadRunner (CVODE) on the exported SBML of a model, one subject, doses at 0 h or at 0, 6, 12 and 18 h of a day."""

from collections.abc import Mapping

import numpy as np
import roadrunner

from cereblon.model import Model


def reference(
    model: Model, values: Mapping[str, float], doses: Mapping[str, np.ndarray], days: int, rtol: float = 1e-8
) -> dict[str, np.ndarray]:
    """Every state at hour 0 of every day before the dose, (days + 1,); doses are (days,) or (days, 4)."""
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
        for slot in range(4):
            for name, amounts in doses.items():
                amount = amounts[day] if slot == 0 and np.ndim(amounts) == 1 else 0.0
                run.setValue(name, run[name] + float(amounts[day][slot] if np.ndim(amounts) == 2 else amount))
            run.simulate(day + slot / 4, day + (slot + 1) / 4, 2)
        for state in model.states:
            out[state].append(run[state])
    return {state: np.asarray(course) for state, course in out.items()}
