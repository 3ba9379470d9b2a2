"""Conditions of a claim that name arms compare within persons; a whole trial counts every person once."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

import synthetic
from cereblon.clinic.trial.trial import Trial
from cereblon.evidence.schema import Condition
from cereblon.evidence.trials import Trials, _column
from cereblon.model import load_model
from cereblon.parameters import draw_variability
from cereblon.result import StudyResult
from cereblon.study import run as study


@pytest.mark.parametrize(("arm", "twins"), [("start-10", True), (None, False)])
def test_arms_of_a_contrast_are_twins(monkeypatch: pytest.MonkeyPatch, arm: str | None, twins: bool) -> None:
    calls: list[dict[str, Any]] = []

    def run(trial: Trial, **options: Any) -> StudyResult:
        calls.append(options)
        return synthetic.study(20)

    monkeypatch.setattr(study, "simulate_trial", run)
    Trials(seed=1).result(Condition(trial="buhler2013", arm=arm), 20, {})
    assert calls[0]["arms"] == (None if arm is None else [arm])
    assert calls[0]["twins"] is twins


def test_a_latent_trait_is_that_of_the_drawn_person() -> None:
    result = synthetic.twins(12, arms=("a", "b"))
    persons = result.table("subjects").sort("USUBJID")["TWIN"].to_numpy()
    drawn = draw_variability(load_model().parameters, persons, result.seed)["crbn_expression"]
    np.testing.assert_array_equal(_column(result, "crbn_expression"), drawn)
    assert pl.Series(drawn).n_unique() == 12
