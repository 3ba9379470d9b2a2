"""A trial too small to tell is counted apart: neither for a claim nor against it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import synthetic
from cereblon.evidence.documents import load_claims
from cereblon.evidence.readouts import Reading
from cereblon.evidence.schema import Claim, Experiment, Readout
from cereblon.evidence.trials import Trials, read_trial
from cereblon.evidence.verdicts import ClaimResult, judge_all
from cereblon.model import load_model
from cereblon.report.claims_page import claims_page
from cereblon.report.claims_view import claim_parts, summary_parts
from cereblon.report.console import console
from cereblon.result import StudyResult


def readout(expect: str = "covers", low: float = 31, high: float = 38, **fields: object) -> Readout:
    given = {"of": "orr", "words": "response, %", "to": "trial", "expect": expect, "low": low, "high": high}
    return Readout.model_validate({**given, **fields})


def reading(low: float, high: float, band: tuple[float, float] = (31, 38), effect: float = 24) -> Reading:
    inside = low <= band[1] and high >= band[0]
    return Reading(
        readout(low=band[0], high=band[1]), effect, low, high, "%", "", inside, float(inside), n=8, simulated=46
    )


@pytest.mark.parametrize(
    ("low", "high", "band", "verdict"),
    [
        (0, 50, (31, 38), "cannot tell"),
        (10, 40, (31, 38), "holds"),  # 30 points are told
        (10, 40.5, (31, 38), "cannot tell"),
        (50, 90, (10, 20), "cannot tell"),  # so wide that missing the band says nothing either
        (50, 70, (10, 20), "fails"),
        (5, 60, (20, 40), "holds"),  # three times a band of 20 is more than 30
        (5, 65.5, (20, 40), "cannot tell"),
        (60, 89, (65, 65), "holds"),
    ],
)
def test_covers_tells_within_30_points_or_three_bands(
    low: float, high: float, band: tuple[float, float], verdict: str
) -> None:
    found = reading(low, high, band)
    assert found.verdict == verdict
    assert found.holds == (verdict == "holds")
    assert found.as_json()["verdict"] == verdict


def test_other_readouts_are_not_measured_by_their_width() -> None:
    wide = Reading(readout("within", 0, 100), 50.0, 0.0, 100.0, "%", "", True, 1.0)
    assert (wide.widest, wide.verdict) == (None, "holds")


class Given(Trials):
    """Trials with a result that nobody simulated."""

    def __init__(self, result: StudyResult) -> None:
        super().__init__(seed=1)
        self.given = result

    def result(self, *_: object) -> StudyResult:
        return self.given


EXPERIMENT = Experiment.model_validate({"conditions": {"trial": {"trial": "badoux2011"}}, "readouts": []})


def test_n_is_that_of_the_subgroup_and_the_cohort_is_in_the_interval() -> None:
    trials = Given(synthetic.study(200))
    whole = read_trial(readout(low=50, high=65), EXPERIMENT, trials, {})
    assert (whole.n, whole.simulated) == (60, 200)
    assert whole.verdict == "holds"
    some = read_trial(readout(low=50, high=65, among="DEL17P"), EXPERIMENT, trials, {})
    assert some.simulated == trials.given.table("subjects")["DEL17P"].sum()
    assert some.n == round(60 * some.simulated / 200)
    assert some.high - some.low > 40
    assert some.verdict == "cannot tell"
    never = read_trial(readout(of="npr", low=0, high=4), EXPERIMENT, Given(without(trials.given, "nPR")), {})
    assert never.low == 0
    assert never.high > 0  # none of 200 does not exclude one of 60


def without(result: StudyResult, best: str) -> StudyResult:
    subjects = result.table("subjects")
    changed = subjects.with_columns(BESTRESP=subjects["BESTRESP"].replace(best, "SD"))
    return replace(result, tables={**result.tables, "subjects": changed})


def test_where_nobody_is_asked_nothing_is_told() -> None:
    result = without(synthetic.study(60), "CRi")
    nobody = replace(result, tables={**result.tables, "subjects": result.table("subjects").with_columns(DEL17P=0)})
    for expect in ("covers", "within"):
        found = read_trial(readout(expect, among="DEL17P"), EXPERIMENT, Given(nobody), {})
        assert found.verdict == "cannot tell"
        json.dumps(found.as_json(), allow_nan=False)
    area = read_trial(readout("ranks", 0.4, 0.6, of="AGE", outcome="cri"), EXPERIMENT, Given(result), {})
    assert (area.low, area.high, area.verdict) == (0.0, 1.0, "cannot tell")


def test_a_claim_cannot_tell_unless_a_readout_that_can_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    claim = load_claims()["del17p_response"]
    wide, good, bad = reading(0, 50), reading(20, 45), reading(50, 70)
    for readings, verdict in (
        ((good,), "holds"),
        ((wide,), "cannot tell"),
        ((wide, good), "cannot tell"),
        ((wide, bad), "fails"),
        ((good, bad), "fails"),
    ):
        monkeypatch.setattr("cereblon.evidence.verdicts.judge", lambda *_, r=readings: r)
        [result] = judge_all(load_model(), None, [(claim, {})], arrows=False)  # type: ignore[arg-type]
        assert result.verdict == verdict
        assert result.as_json()["verdict"] == verdict


@pytest.fixture
def told() -> dict[str, ClaimResult]:
    def of(name: str, verdict: str, *readings: Reading) -> ClaimResult:
        claim: Claim = load_claims()[name]
        return ClaimResult(claim, verdict, readings)  # type: ignore[arg-type]

    return {
        "del17p_response": of("del17p_response", "cannot tell", reading(0, 50)),
        "refractory_response": of("refractory_response", "holds", reading(20, 45)),
        "venetoclax": of("venetoclax", "waits"),
    }


def test_the_console_counts_it_apart_and_prints_n_and_interval(told: dict[str, ClaimResult]) -> None:
    screen = console()
    with screen.capture() as shown:
        for part in summary_parts(told):
            screen.print(part)
    text = shown.get()
    assert "3 claims: 1 hold, 1 cannot tell, 1 wait" in " ".join(text.split())
    [line] = [line for line in text.splitlines() if line.strip().startswith("del17p_response")]
    assert "24 % (0-50) n 8" in line
    assert "cannot tell" in line
    assert max(map(len, text.splitlines())) <= 100
    with screen.capture() as shown:
        for part in claim_parts(told["del17p_response"]):
            screen.print(part)
    assert "cannot tell" in shown.get()
    assert " 8 " in shown.get()


def test_the_page_has_a_colour_a_sign_and_the_numbers(told: dict[str, ClaimResult]) -> None:
    page = claims_page(told, {})
    assert "<b>1</b> cannot tell" in page
    assert 'data-verdict="cannot tell"' in page
    assert '<option value="cannot tell">' in page
    assert '<span class="badge v-cannot-tell">cannot tell</span>' in page
    card = page.split('id="claim-del17p_response"')[1].split('<details class="claim"')[0]
    assert "24 (0 to 50) %, n = 8 in a trial of the printed size, 46 simulated" in card
    assert "wider than 30 points" in card
    for rule in (".v-cannot-tell { color", ".arrow.v-cannot-tell .mark", ".by-verdict .arrow.v-cannot-tell"):
        assert rule in page
    assert '<li class="v-cannot-tell">' in page


def test_json_has_numbers_only() -> None:
    text = json.dumps(replace(reading(0, 50), effect=float("nan")).as_json(), allow_nan=False)
    assert json.loads(text)["effect"] is None
    assert {"n": 8, "simulated": 46, "widest": 30.0}.items() <= json.loads(text).items()
    assert np.isfinite(json.loads(text)["high"])
