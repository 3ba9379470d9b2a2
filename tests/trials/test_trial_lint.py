"""Lint: clean where it should be, and one finding for each kind of slip."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from cereblon.clinic.trial.check import check_trial, trial_warnings
from cereblon.clinic.trial.lint import RULES
from cereblon.clinic.trial.load import load_trial, template_text, trial_ids, write_template

REGISTRY = Path(str(resources.files("cereblon") / "trials"))


@pytest.mark.parametrize("name", trial_ids())
def test_registry_is_clean(name: str) -> None:
    assert check_trial(REGISTRY / f"{name}.yaml") == []
    assert trial_warnings(load_trial(name)) == ()


def test_template_is_a_valid_and_clean_trial(tmp_path: Path) -> None:
    file = tmp_path / "my_trial.yaml"
    write_template(file)
    assert file.read_text("utf-8") == template_text()
    assert check_trial(file) == []
    assert load_trial(file).id == "my_trial"


SLIPS = {
    "rounding": (
        "value: 11.5, n: 6, of: 52",
        "value: 11.5, n: 8, of: 52",
        "published[0].value: 11.5 % is not 8 of",
    ),
    "parts": (
        "endpoint: orr, value: 11.5, n: 6,",
        "endpoint: orr, value: 25, n: 13,",
        "published[0]: orr 25 is not",
    ),
    "denominators": (
        "value: 44, n: 23, of: 52",
        "value: 44, n: 33, of: 75",
        "75 patients are more than the 52",
    ),
    "assumed_fields": ("field: arms.treatment.until", "field: arms.treatment.untill", "no field is called"),
    "assumed_fields again": ("field: arms.rules", "field: rules", "no field is called rules"),
    "unused_sources": (
        'what: "Medline record 21879809 (copy); bibliographic data"',
        "what: x",
        "source S3 is never",
    ),
    "beyond_follow_up": (
        "ct_days: [85, 169, 365]",
        "ct_days: [85, 169, 3650]",
        "ct_days[2]: day 3650 is after",
    ),
    "beyond_follow_up of support": (
        "allopurinol, dose: 300 mg, days: 1-84}",
        "allopurinol, dose: 300 mg, days: 1-84, from_day: 900}",
        "arms[0].support[0]: no dose of allopurinol falls into the follow-up of 730 days",
    ),
    "support_after_treatment": (
        "    cycle: 28 days\n",
        "    cycle: 28 days\n    cycles: 1-2\n",
        "arms[0].support[0]: allopurinol is not given after the last planned dose of the treatment (day 56)",
    ),
    "nodes_without_ct": ("ct_days: [85, 169, 365]", "ct_days: [1]", "nodes are not measured under treatment"),
    "nodes_without_ct again": (
        "ct_days: [85, 169, 365]",
        "ct_days: [85, 90, 365]",
        "ct_days[1]: day 90 and day 85 have the same nearest examination",
    ),
    "growth_factor_first": (
        "  gcsf: when_needed\n  rules: {set: lymphoma}",
        "  rules: {set: gcsf_first}",
        "arms[0].rules.set: gcsf_first, but gcsf is none",
    ),
    "taken_id": ("id: wendtner2012", "id: badoux2011", "also a registry entry"),
}


@pytest.mark.parametrize("name", SLIPS)
def test_slip_is_found(name: str, tmp_path: Path) -> None:
    old, new, message = SLIPS[name]
    text = (REGISTRY / "wendtner2012.yaml").read_text("utf-8")
    text = text.replace("- field: arms.treatment.renal", "- field: arms.treatment.until", 1)
    assert old in text
    file = tmp_path / "wendtner2012.yaml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    findings = [f for f in check_trial(file) if name == "taken_id" or "also a registry entry" not in f.message]
    assert [f.severity for f in findings] == ["warning"]
    assert message in findings[0].message
    assert message in "\n".join(trial_warnings(load_trial(file)))
    line = int(findings[0].place.split(":")[1])
    assert 1 <= line <= text.count("\n")


def test_brisk_start_without_cover_is_found(tmp_path: Path) -> None:
    file = tmp_path / "my_trial.yaml"
    text = template_text()
    cover = "  support:\n  - {drug: allopurinol, dose: 300 mg, days: 1-28}\n\nschedule"
    assert cover in text
    file.write_text(text.replace(cover, "\nschedule"), encoding="utf-8")
    assert ["tumour lysis is likely" in f.message for f in check_trial(file)] == [True]


def test_every_rule_is_tried() -> None:
    tried = {name.split()[0] for name in SLIPS} | {"brisk_start"}  # the test above
    assert {rule.__name__ for rule in RULES} <= tried
    assert all(rule.__doc__ for rule in RULES)
