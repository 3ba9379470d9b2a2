import numpy as np
import pytest

from cereblon.errors import CereblonError
from cereblon.evidence.documents import load_claims, require_claim
from cereblon.evidence.dose_response import MULTIPLES, chosen, dose_of, dose_responses, levels
from cereblon.evidence.schema import Condition, Dosing, Experiment, Level


def experiment(name: str) -> Experiment:
    found = require_claim(name).experiment
    assert found is not None
    return found


def test_the_plainest_condition_is_drawn() -> None:
    assert {k: [r.of for r in v] for k, v in chosen(experiment("synapse_repair")).items()} == {
        "both": ["synapse", "granzyme_delivery"]
    }
    assert list(chosen(experiment("crbn_binding"))) == ["um_1"]  # of eight like conditions the one at the usual dose
    assert set(chosen(experiment("cross_priming"))) == {"lenalidomide", "patient_treated"}  # a dish and a patient
    assert chosen(experiment("homing")) == {}


def test_every_drug_claim_with_a_dish_or_patient_has_curves() -> None:
    for claim in load_claims().values():
        if claim.experiment is None:
            continue
        dosed = any(dose_of(c) > 0 for c in claim.experiment.conditions.values())
        assert bool(chosen(claim.experiment)) == dosed, claim.id


def test_levels_are_multiples_and_capped() -> None:
    dish = Condition(cells=("cll",), medium=2.0)
    assert list(levels(dish, 50.0)) == [2.0 * m for m in MULTIPLES]
    steps = Condition(cells=("cll",), medium=(Level(day=0, um=1), Level(day=3, um=4)))
    assert list(levels(steps, 50.0)) == [4.0 * m for m in MULTIPLES]
    given = (Dosing(drug="lenalidomide", amount=25), Dosing(drug="dexamethasone", amount=12))
    patient = levels(Condition(doses=given), 50.0)
    assert list(patient) == [0.0, 0.75, 2.5, 7.5, 25.0, 50.0]
    assert {d.amount for c in patient.values() for d in c.doses if d.drug == "dexamethasone"} == {12.0}


def test_unknown_claim_is_refused() -> None:
    with pytest.raises(CereblonError, match="unknown claim"):
        dose_responses(["synapse_repairs"])


def test_responses_start_untreated_and_grow() -> None:
    found = dose_responses(["crbn_binding", "il2_derepression", "homing"], members=20)
    assert set(found) == {"crbn_binding", "il2_derepression"}
    for response in found.values():
        for curve in response.curves:
            assert curve.levels[0] == 0.0
            assert curve.unit == "uM"
            assert (curve.low <= curve.median).all()
            assert (curve.median <= curve.high).all()
            assert (np.diff(curve.median) > 0).all()
    (binding,) = found["crbn_binding"].curves
    assert binding.median[0] == 0.0
    # one site: half effect within the levels, so the last step is less than linear
    assert binding.median[-1] / binding.median[-2] < 10 / 3
    assert binding.median[-1] <= 1.0
    unbound = dose_responses(["il2_derepression"], members=20, knockout=["crbn_binding"])["il2_derepression"]
    for curve in unbound.curves:
        np.testing.assert_allclose(curve.median, curve.median[0], rtol=1e-5)
