"""The statements of the review hold on the model, and can fail."""

from __future__ import annotations

from collections import Counter

import pytest

from cereblon.errors import CereblonError
from cereblon.evidence.documents import load_claims, load_evidence, load_group, switches
from cereblon.evidence.verdicts import ClaimResult, run_claims
from cereblon.model import load_model
from cereblon.parameters.rows import packaged_priors

DRUG = [c.id for c in load_group("drug")]
LABORATORY = [c.id for c in load_group("microenvironment")] + DRUG
CLINIC = [c.id for c in load_group("clinic")]


def test_the_review_has_62_statements() -> None:
    assert Counter(len(load_group(g)) for g in ("microenvironment", "drug", "clinic")) == Counter([14, 23, 25])


def test_laboratory_claims_hold_or_are_contested(verdicts: dict[str, ClaimResult]) -> None:
    found = Counter(verdicts[name].verdict for name in LABORATORY)
    assert found["holds"] + found["contested"] >= 35, found
    assert found["contested"] <= 8, found
    assert found["waits"] == 0


def test_a_contested_claim_has_findings_against_it_and_a_prior_of_both_signs(
    verdicts: dict[str, ClaimResult],
) -> None:
    model, priors = load_model(), packaged_priors()
    both = {p.id for p in priors.values() if p.distribution == "normal" and p.low < 0 < p.high}
    for name in LABORATORY:
        if verdicts[name].verdict == "contested":
            assert any(e.claim == name and e.supports == "contradicts" for e in load_evidence()), name
            terms = {p for r in verdicts[name].readings for p in _parameters(r.readout.of)}
            assert terms & both, name
            assert 0 < min(r.agree for r in verdicts[name].readings) < 0.9
    assert both <= set(model.parameters)


def _parameters(name: str) -> set[str]:
    """Parameters that stand in the equations of a quantity and of what it is made of."""
    equations = {e.name: e.formula for e in load_model().equations()}
    seen, todo = set(), [name]
    while todo:
        formula = equations.get(todo.pop(), "")
        for sign in "()+-*/^,":
            formula = formula.replace(sign, " ")
        for word in set(formula.split()) - seen:
            seen.add(word)
            todo.append(word)
    return seen


def test_clinical_claims_are_run_or_say_what_they_wait_for(verdicts: dict[str, ClaimResult]) -> None:
    for name in CLINIC:
        result = verdicts[name]
        assert (result.verdict == "waits") == (result.claim.waits_for is not None)
        assert bool(result.readings) == (result.verdict != "waits")


@pytest.mark.parametrize("name", DRUG)
def test_switching_a_mechanism_off_turns_its_verdict(
    name: str, verdicts: dict[str, ClaimResult], switched_off: dict[str, ClaimResult]
) -> None:
    assert verdicts[name].verdict in ("holds", "contested")
    assert switched_off[name].verdict == "fails"


def test_a_verdict_repeats_alone_and_in_company(verdicts: dict[str, ClaimResult]) -> None:
    alone = run_claims(["ikzf_degradation"])["ikzf_degradation"]
    assert [r.as_json() for r in alone.readings] == [r.as_json() for r in verdicts["ikzf_degradation"].readings]


def test_every_laboratory_claim_has_a_switch_that_the_model_knows() -> None:
    model = load_model()
    for name in LABORATORY:
        assert set(switches([name])) <= set(model.parameters), name
        assert load_claims()[name].switch, name


def test_no_recalled_finding_sets_a_band() -> None:
    recalled = {e.readout for e in load_evidence() if e.evidence == "recalled"}
    for claim in load_claims().values():
        for readout in claim.experiment.readouts if claim.experiment else ():
            if readout.low is not None:
                assert readout.evidence, (claim.id, readout.words)
                assert not any(readout.evidence.startswith(words) for words in recalled), (claim.id, readout.words)


def test_an_unknown_claim_is_answered_with_the_nearest() -> None:
    with pytest.raises(CereblonError, match="synapse_repair"):
        run_claims(["synapse_repairs"])
    with pytest.raises(CereblonError, match="no mechanism"):
        switches(["venetoclax"])
