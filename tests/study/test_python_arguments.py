"""Every public name answers a wrong argument with a CereblonError of one line that speaks of no option."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import cereblon
import synthetic
from cereblon.clinic.trial.check import check_trial
from cereblon.errors import CereblonError
from cereblon.evidence.assay import run_assay
from cereblon.evidence.documents import load_assay
from cereblon.result import StudyResult

untyped: Any = cereblon


@pytest.fixture(scope="module")
def result() -> StudyResult:
    return synthetic.study(6)


def numbers() -> Any:
    return cereblon.ParameterSet.packaged(cereblon.load_model())


MISTAKES: dict[str, tuple[Callable[[StudyResult], object], str]] = {
    "trial is an id": (lambda r: untyped.run("badoux2011"), "trial: 'badoux2011': expected .*load_trial"),
    "trial is a path": (lambda r: untyped.run(Path("x.yaml")), "load_trial"),
    "trial is nothing": (lambda r: untyped.run(None), "trial: None: expected"),
    "load_trial number": (lambda r: untyped.load_trial(123), "trial: 123: expected a registry id or the path"),
    "load_trial bytes": (lambda r: untyped.load_trial(b"x"), "expected a registry id"),
    "load_trial nothing": (lambda r: untyped.load_trial(""), "unknown trial ''"),
    "load_model number": (lambda r: untyped.load_model(extra=123), "extra: 123: expected Antimony text"),
    "load_model list": (lambda r: untyped.load_model(extra=[]), "extra: "),
    "knockout unknown": (lambda r: cereblon.knockout("crbn_bindin"), "unknown claim 'crbn_bindin'; nearest"),
    "knockout number": (lambda r: untyped.knockout(5), "knockout: 5: expected text"),
    "knockout list": (lambda r: untyped.knockout(["crbn_binding"]), "knockout: .*expected text"),
    "claims text": (lambda r: untyped.run_claims("crbn_binding"), "ids: 'crbn_binding': expected a list"),
    "claims number": (lambda r: untyped.run_claims(5), "ids: 5: expected a list"),
    "claims unknown": (lambda r: untyped.run_claims(["crbn"]), "unknown claim 'crbn'"),
    "claims knockout": (lambda r: untyped.run_claims(knockout="crbn_binding"), "knockout: .*expected a list"),
    "claims members": (lambda r: untyped.run_claims(members=2.5), "members: 2.5: expected a whole number"),
    "claims few": (lambda r: untyped.run_claims(members=0), "members: 0 is outside"),
    "claims many": (lambda r: untyped.run_claims(members=10**9), "members: 1000000000 is outside"),
    "claims memory": (lambda r: untyped.run_claims(members=2000), r"members: 2000 .* need about \d\.\d GB"),
    "claims seed": (lambda r: untyped.run_claims(seed=-1), "seed: -1 is outside"),
    "claims model": (lambda r: untyped.run_claims(["crbn_binding"], model="x"), "model: 'x': expected a model"),
    "claims say": (lambda r: untyped.run_claims(say=1), "say: 1: expected a function"),
    "set of no model": (lambda r: untyped.ParameterSet.packaged("x"), "model: 'x': expected a model"),
    "set of a list": (lambda r: numbers().replace(["len_volume"]), "parameters: .*expected a dictionary"),
    "set beside no set": (lambda r: numbers().changes({}), "other: {}: expected a ParameterSet"),
    "read number": (lambda r: untyped.read_params(5), "params: 5: expected a path"),
    "read base": (lambda r: untyped.read_params("x", {}), "base: {}: expected a ParameterSet"),
    "write number": (lambda r: untyped.write_params(numbers(), 5), "params: 5: expected a path"),
    "write no set": (lambda r: untyped.write_params({}, "x"), "parameters: {}: expected a ParameterSet"),
    "assay": (lambda r: run_assay("x"), "assay: 'x': expected an experiment"),  # type: ignore[arg-type]
    "assay file": (lambda r: load_assay("nothing.yaml"), "nothing.yaml: does not exist"),
    "assay number": (lambda r: load_assay(5), "experiment: 5: expected a path"),  # type: ignore[arg-type]
    "check": (lambda r: check_trial(5), "trial file: 5: expected a path"),  # type: ignore[arg-type]
    "table": (lambda r: r.table("visit"), "table 'visit': .*nearest: visits"),
    "table number": (lambda r: r.table(5), "table '5'"),  # type: ignore[arg-type]
    "save": (lambda r: r.save(5), "folder: 5: expected a path"),  # type: ignore[arg-type]
    "curve": (lambda r: r.plot.kaplan_meier("PSF"), "kaplan_meier 'PSF': .*DOR; nearest: PFS"),
    "figure": (lambda r: r.plot.watrfall(), "plot 'watrfall': .*nearest: waterfall"),
    "arm": (lambda r: r.trial.arm("continuos"), "arm 'continuos': synthetic has continuous; nearest: continuous"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_is_a_line(name: str, result: StudyResult) -> None:
    call, words = MISTAKES[name]
    with pytest.raises(CereblonError, match=words) as caught:
        call(result)
    assert "\n" not in str(caught.value)
    assert "--" not in str(caught.value)


def test_every_public_name_was_tried() -> None:
    tried = {"run", "load_trial", "load_model", "knockout", "run_claims", "StudyResult", "Trial"}
    tried |= {"ParameterSet", "read_params", "write_params"}
    # Model is made by load_model alone; trial_ids takes nothing
    untried = {"CereblonError", "CereblonWarning", "__version__", "Model", "trial_ids"}
    assert set(cereblon.__all__) == tried | untried


def test_a_figure_that_is_not_there_is_no_attribute(result: StudyResult) -> None:
    assert not hasattr(result.plot, "watrfall")
    assert hasattr(result.plot, "waterfall")
