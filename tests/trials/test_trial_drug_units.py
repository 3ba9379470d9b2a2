"""A drug that the tables of a run cannot hold is refused before it is simulated."""

from __future__ import annotations

from pathlib import Path

import pytest

from cereblon.clinic.trial.check import check_trial
from cereblon.clinic.trial.load import load_trial, template_text
from cereblon.errors import CereblonError

DRUG = Path(__file__).parents[1] / "biology" / "drugs_of_others" / "madeupinib"


def test_a_drug_in_international_units_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / DRUG.name
    folder.mkdir()
    for path in DRUG.iterdir():
        (folder / path.name).write_text(path.read_text("utf-8").replace("unit: mg", "unit: IU"), "utf-8")
    trial = tmp_path / "trial.yaml"
    course = "{drug: lenalidomide, dose: 10 mg, days: 1-21, cycle: 28 days}"
    assert course in template_text()
    text = template_text().replace(course, course.replace("lenalidomide, dose: 10 mg", "madeupinib, dose: 10 IU"))
    trial.write_text(text.replace("id: my_trial", "id: counted_in_units"), "utf-8")
    (finding,) = (f for f in check_trial(trial, drugs=[folder]) if f.severity == "error")
    assert finding.message.endswith(
        "madeupinib is counted in IU: expected a drug in mg or ug, which tables of a run hold"
    )
    (folder / "card.yaml").write_text((DRUG / "card.yaml").read_text("utf-8"), "utf-8")
    trial.write_text(trial.read_text("utf-8").replace("10 IU", "10 mg"), "utf-8")
    assert [f for f in check_trial(trial, drugs=[folder]) if f.severity == "error"] == []


def test_a_folder_without_drugs_is_refused_for_a_registered_trial_too(tmp_path: Path) -> None:
    for name in ("badoux2011", str(tmp_path / "mine.yaml")):
        with pytest.raises(CereblonError, match="is no folder"):
            load_trial(name, drugs=[tmp_path / "none"])
