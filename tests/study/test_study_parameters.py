"""A run takes a set of parameters, and what it took is what changed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from small_trials import assert_same, short

import cereblon
from cereblon.clinic.trial.trial import Trial
from cereblon.errors import CereblonError
from cereblon.evidence.documents import knockout
from cereblon.evidence.ensemble import draw_ensemble
from cereblon.evidence.trials import _column
from cereblon.evidence.verdicts import run_claims
from cereblon.model import load_model
from cereblon.parameters import ParameterSet, draw, read_params

CHANGES = {
    "len_clearance_scale": 0.5,
    "th1_gain": 0.0,
    "height.men": 180.0,
    "len_volume.spread": 0.1,
    "pk.correlation": 0.0,
}


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    return short("badoux2011", tmp_path_factory.mktemp("trial") / "mine.yaml")


@pytest.fixture(scope="module")
def packaged() -> ParameterSet:
    return ParameterSet.packaged(load_model())


def test_a_set_and_overrides_are_one_run(trial: Trial, packaged: ParameterSet) -> None:
    by_name = cereblon.run(trial, patients=20, seed=2, overrides=CHANGES)
    by_set = cereblon.run(trial, patients=20, seed=2, parameters=packaged.replace(CHANGES))
    half = {"len_clearance_scale": CHANGES["len_clearance_scale"], "th1_gain": 0.7}
    rest = {name: value for name, value in CHANGES.items() if name != "len_clearance_scale"}
    by_both = cereblon.run(trial, patients=20, seed=2, parameters=packaged.replace(half), overrides=rest)
    plain = cereblon.run(trial, patients=20, seed=2)
    for result in (by_set, by_both):
        assert_same(by_name, result)
        assert result.parameters == by_name.parameters
        assert result.meta["parameter_set"] == packaged.replace(CHANGES).id
        assert result.overrides == CHANGES
    assert plain.meta["parameter_set"] == packaged.id
    assert not plain.table("exposure").equals(by_name.table("exposure"))


def test_the_folder_of_a_run_gives_its_parameters_back(trial: Trial, packaged: ParameterSet, tmp_path: Path) -> None:
    result = cereblon.run(trial, patients=5, overrides=CHANGES)
    folder = result.save(tmp_path / "run")
    again = read_params(folder / "params.tsv")
    assert again == packaged.replace(CHANGES)
    assert_same(result, cereblon.run(trial, patients=5, parameters=again))


def test_a_latent_trait_is_drawn_again_with_the_set_of_the_run(trial: Trial, packaged: ParameterSet) -> None:
    result = cereblon.run(trial, patients=20, seed=2, overrides={"crbn_expression.spread": 1.0})
    persons = result.table("subjects")["TWIN"].to_numpy()
    given = packaged.replace({"crbn_expression.spread": 1.0})
    assert np.array_equal(_column(result, "crbn_expression"), draw(given, persons, 2)["crbn_expression"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"parameters": {"len_volume": 1.0}}, "parameters: .*expected a ParameterSet"),
        ({"overrides": {"lymphoma_anc_hol": 0.5}}, "lymphoma_anc_hol: .*nearest: lymphoma_anc_hold"),
        ({"overrides": {"growth.log_sd": 1e4}}, "the effects of covariates give no number for growth"),
    ],
)
def test_what_no_run_would_read_is_refused(trial: Trial, options: dict[str, object], words: str) -> None:
    with pytest.raises(CereblonError, match=words):
        cereblon.run(trial, patients=5, **options)  # type: ignore[arg-type]


def test_a_number_of_the_site_reaches_the_run(trial: Trial) -> None:
    """Doses are held under twice the usual count: there is more time without, and the same people before it."""
    strict = cereblon.run(trial, patients=20, seed=2, overrides={"lymphoma_anc_hold": 4.0, "lymphoma_anc_resume": 4.0})
    plain = cereblon.run(trial, patients=20, seed=2)
    held, usual = (
        int((each.table("exposure").filter(pl.col("DRUG") == "lenalidomide")["LEVELMG"] == 0).sum())
        for each in (strict, plain)
    )
    assert held > usual
    first = [each.table("visits").filter(pl.col("ADY") == 1) for each in (strict, plain)]
    assert first[0].equals(first[1])


def test_an_ensemble_is_drawn_around_the_set(packaged: ParameterSet) -> None:
    model = load_model()
    first, same = draw_ensemble(model, 16, 3), draw_ensemble(model, 16, 3, packaged)
    assert all(np.array_equal(first.values[k], same.values[k]) for k in first.values)
    changes = {"len_volume": 31.0, "il2_gain.prior": 0.0, "th1_gain": 1.5, "crcl": 50.0}
    other = draw_ensemble(model, 16, 3, packaged.replace(changes))
    assert other.values["len_volume"] == pytest.approx(first.values["len_volume"] / 2)
    assert np.ptp(first.values["il2_gain"]) > 0
    assert (other.values["il2_gain"] == packaged.values["il2_gain"]).all()
    assert (other.values["crcl"] == 50.0).all()
    moved = {k for k in first.values if not np.array_equal(first.values[k], other.values[k])}
    assert moved == {"len_volume", "il2_gain", "th1_gain", "crcl"}
    slower = draw_ensemble(model, 16, 3, packaged.replace({"growth.unmutated": 0.2, "growth.mutated": 0.1}))
    assert (slower.growth < first.growth).all()
    with pytest.raises(CereblonError, match=r"th1_gain=6: expected -0\.9 to 5, the limits of its prior"):
        draw_ensemble(model, 16, 3, packaged.replace({"th1_gain": 6.0}))


def test_claims_are_judged_around_the_set(packaged: ParameterSet) -> None:
    """Without occupancy nothing that the drug does by cereblon is left; the arrows are read at those values too."""
    name = "ikzf_degradation"
    off = knockout("crbn_binding")
    by_set = run_claims([name], members=16, parameters=packaged.replace(off))[name]
    by_knockout = run_claims([name], members=16, knockout=["crbn_binding"])[name]
    assert run_claims([name], members=16)[name].verdict == "holds"
    assert by_set.verdict == by_knockout.verdict == "fails"
    assert by_set.arrows == by_knockout.arrows
    with pytest.raises(CereblonError, match=r"parameters: .*expected a ParameterSet"):
        run_claims([name], parameters=off)  # type: ignore[arg-type]
