"""A user's own experiment on the model: conditions and readouts from a file, run like those of the claims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
from .readouts import ALWAYS, Reading
from .runner import Courses, Order, Say, hourly_names, needed, run_orders
from .schema import Assay
from .trials import Trials
from .verdicts import judge, recorded

TEMPLATE = """\
# An experiment on the model. Run it with: cereblon assay {name}
id: my_assay
title: Does the drug lower CLL viability beside nurse-like cells?
experiment:
  days: 14
  conditions:
    control:
      cells: [cll, nurse_like]     # a dish with these cells; leave `cells` out for the whole patient
    lenalidomide:
      cells: [cll, nurse_like]
      medium: 1                    # uM of lenalidomide, or a list such as [{{day: 0, um: 1}}, {{day: 7, um: 0}}]
    no_crbn:
      cells: [cll, nurse_like]
      medium: 1
      knockout: [crbn_binding]     # mechanisms that are off, by claim
    # patient:
    #   doses: [{{drug: lenalidomide, amount: 10, first: 1, last: 21, cycle: 28}}]
    #   set: {{cxcl12_block: 0.5}}   # parameters; `scale` multiplies them
    #   clamp: {{pd_l1: 0}}          # states held at a value
  readouts:
  - {{of: burden, read: kept, words: viability, to: lenalidomide, against: control, expect: down, least: 1.05}}
  - {{of: burden, read: kept, words: CRBN off, to: no_crbn, effect: lenalidomide, against: control, expect: blocked}}
  - {{of: niche_support, words: niche support, to: lenalidomide}}
"""


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
    saved = usual if set(names) <= set(usual) else tuple(sorted({*names, *ALWAYS}))
    conditions = {k: c for k, c in experiment.conditions.items() if c.trial is None}
    orders = [Order(c, experiment.days, {}, hourly_names(experiment, k)) for k, c in conditions.items()]
    found = run_orders(model, draw_ensemble(model, members, seed), orders, saved, say) if orders else []
    courses = dict(zip(conditions, found, strict=True))
    return AssayResult(assay, judge(experiment, courses, Trials(seed, say), {}), courses, names)


def write_template(path: Path) -> None:
    """Write a commented experiment to a new file. Raises CereblonError when it exists or cannot be written."""
    write_new_text(path, TEMPLATE.format(name=path.name))
