"""libRoadRunner (CVODE) on the exported SBML of the whole model: one instance, many subjects."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import roadrunner

from cereblon.model import Model


class RoadRunnerReference:
    """The model in libRoadRunner, doses at hour 0 of each day added to their state."""

    def __init__(self, model: Model, rtol: float = 1e-8, atol: float = 1e-12) -> None:
        self.model = model
        self.run = roadrunner.RoadRunner(model.sbml)
        solver = self.run.getIntegrator()
        for key, value in (("relative_tolerance", rtol), ("absolute_tolerance", atol), ("maximum_num_steps", 500_000)):
            solver.setValue(key, value)
        solver.setValue("maximum_time_step", 0.05)  # days; without a limit CVODE stalls at the first step of some days

    def course(
        self,
        values: Mapping[str, float],
        start: Mapping[str, float],
        doses: Mapping[str, np.ndarray],
        days: int,
        names: tuple[str, ...],
    ) -> dict[str, np.ndarray]:
        """Return the named quantities at hour 0 of every day before its dose, (days + 1,).

        `values` are all parameters, `start` every state at hour 0 of day 0. Derived constants are set as the engine
        computes them, because a change of a parameter does not re-evaluate initial assignments.
        """
        run, model = self.run, self.model
        for name, value in values.items():
            run.setValue(name, float(value))
        derived = model.observe(tuple(model.system.derived), model.initial(values), values)
        for name, value in {**derived, **start}.items():
            run.setValue(name, float(value))
        run.timeCourseSelections = list(names)
        out = np.empty((days + 1, len(names)))
        for day in range(days):  # no equation knows the time: each day is simulated as the first
            for name, amounts in doses.items():
                if amounts[day]:
                    run.setValue(name, run[name] + float(amounts[day]))
            found = np.asarray(run.simulate(0, 1, 2))
            if day == 0:
                out[0] = [run.getValue(n) for n in names] if not doses else found[0]
            out[day + 1] = found[-1]
        return {name: out[:, i] for i, name in enumerate(names)}
