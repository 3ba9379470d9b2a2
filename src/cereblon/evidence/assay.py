"""A user's own experiment on the model: conditions and readouts from a file, run like those of the claims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from cereblon.arguments import instance
from cereblon.environment import check_environment
from cereblon.errors import CereblonError, nearest
from cereblon.model import Model, load_model
from cereblon.storage.output import write_new_text

from .ensemble import MEMBERS, draw_ensemble, require_ensemble
from .readouts import Reading
from .runner import Courses, Order, Say, always, hourly_names, needed, run_orders
from .schema import Assay
from .trials import Trials
from .verdicts import judge, recorded

_TEMPLATE = "assay_template.yaml"


@dataclass(frozen=True)
class AssayResult:
    """What an assay gave: readings in the order of the file, and the daily courses by condition."""

    assay: Assay
    readings: tuple[Reading, ...]
    courses: Mapping[str, Courses]
    names: tuple[str, ...]

    def table(self) -> pl.DataFrame:
        """Return the courses: condition, quantity, day, median, low and high (central 90 % of the ensemble)."""
        rows = []
        for condition, found in self.courses.items():
            for name in self.names:
                low, middle, high = np.quantile(np.asarray(found.daily[name]), [0.05, 0.5, 0.95], axis=1)
                for day, values in enumerate(zip(middle, low, high, strict=True)):
                    rows.append((condition, name, day, *map(float, values)))
        columns = ["condition", "quantity", "day", "median", "low", "high"]
        return pl.DataFrame(rows, schema=columns, orient="row")

    def as_json(self) -> dict[str, Any]:
        """Plain data for the command line."""
        return {"assay": self.assay.id, "readouts": [r.as_json() for r in self.readings]}


def run_assay(
    assay: Assay, *, members: int = MEMBERS, seed: int = 1, model: Model | None = None, say: Say | None = None
) -> AssayResult:
    """Run a user's experiment on an ensemble of `members` virtual subjects.

    Raises CereblonError naming a quantity, parameter, state, drug, cell type or claim that does not exist.
    """
    instance("assay", assay, Assay, "an experiment")
    members, seed = require_ensemble(members, seed)
    check_environment()
    model = load_model() if model is None else model
    experiment = assay.experiment
    names = needed([experiment])
    known = {*model.states, *model.rules, *model.parameters}
    for name in names:
        if name not in known:
            raise CereblonError(
                f"{assay.id}: readout of '{name}': the model has no such quantity{nearest(name, known)}"
            )
    usual = recorded()
    conditions = {k: c for k, c in experiment.conditions.items() if c.trial is None}
    wanted = {*names, *always(conditions.values(), model.drugs)}
    saved = usual if wanted <= set(usual) else tuple(sorted(wanted))
    orders = [Order(c, experiment.days, {}, hourly_names(experiment, k)) for k, c in conditions.items()]
    found = run_orders(model, draw_ensemble(model, members, seed), orders, saved, say) if orders else []
    courses = dict(zip(conditions, found, strict=True))
    return AssayResult(assay, judge(experiment, courses, Trials(seed, say), {}), courses, names)


def template(name: str) -> str:
    """Return the text of a commented experiment for a file called `name`."""
    return files("cereblon").joinpath("biology", "claims", _TEMPLATE).read_text("utf-8").replace("NAME", name)


def write_template(path: Path) -> None:
    """Write a commented experiment to a new file. Raises CereblonError when it exists or cannot be written."""
    write_new_text(path, template(path.name))
