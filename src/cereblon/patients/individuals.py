"""The individual parameters of drawn subjects: what varies, what the baseline examination gave, what was set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np

from cereblon.parameters import ParameterSet, draw
from cereblon.parameters.subjects import Floats, Integers

if TYPE_CHECKING:
    from cereblon.model import Model

COHORT_NAME: Final = {"ldh0": "ldh"}
"""Parameters whose baseline column has another name."""


def individual_values(
    model: Model, parameters: ParameterSet, covariates: Mapping[str, Floats], numbers: Integers, seed: int
) -> dict[str, Floats]:
    """Return id -> (n,) for every individual parameter of the model.

    One with spread is drawn around its typical value. One that is a covariate is the subject's own, unless the set
    has another value than the model's table: then everybody has that.
    """
    drawn = draw(parameters, numbers, seed)
    out = {}
    for name in model.individual:
        value = parameters.values[name]
        own = drawn.get(name)
        if own is None and value == model.parameters[name].value:
            own = covariates.get(COHORT_NAME.get(name, name))
        out[name] = np.full(len(numbers), value) if own is None else np.asarray(own, dtype=np.float64)
    return out
