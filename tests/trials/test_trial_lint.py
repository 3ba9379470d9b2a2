"""Lint: clean where it should be, and one finding for each kind of slip."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from cereblon.clinic.trial.check import check_trial, trial_warnings
from cereblon.clinic.trial.design import Design
from cereblon.clinic.trial.lint import RULES, Remarks
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


def test_a_start_in_a_phase_is_covered_on_its_own_day(tmp_path: Path) -> None:
    course = "{drug: lenalidomide, dose: 10 mg, from: {cycle: 1, day: 15}}"
    later = "- {id: later, give: [{drug: lenalidomide, dose: 15 mg}]}"
    arm = f"- id: steady\n  name: n\n  size: 30\n  phases:\n  - id: one\n    cycles: 2\n    give: [{course}]\n"
    head, rest = template_text().split("- id: steady", 1)
    tail = rest[rest.index("\nschedule:") :]
    for days, warned in (("1-14", True), ("8-21", False)):
        support = (
            f"    support: [{{drug: allopurinol, dose: 300 mg, days: {days}}}]\n    then: [{{to: later}}]\n  {later}\n"
        )
        file = tmp_path / "my_trial.yaml"
        file.write_text(head + arm + support + tail, encoding="utf-8")
        found = [f.message for f in check_trial(file)]
        what = "arms[1].phases[0].give[0].dose: a start at 10 mg without allopurinol: tumour lysis is likely"
        assert found == ([what] if warned else [])


def test_a_phase_that_nobody_comes_to_is_found(tmp_path: Path) -> None:
    phases = (
        "  - {id: a, cycles: 1, give: [{drug: lenalidomide, dose: 5 mg}], then: [{to: c}]}\n  - {id: b}\n  - {id: c}\n"
    )
    head, rest = template_text().split("- id: steady", 1)
    arm = f"- id: steady\n  name: n\n  size: 30\n  phases:\n{phases}"
    file = tmp_path / "my_trial.yaml"
    file.write_text(head + arm + rest[rest.index("\nschedule:") :], encoding="utf-8")
    [finding] = check_trial(file)
    assert finding.message == "arms[1].phases[1].id: no transition leads to b: nobody comes to it"
    assert finding.severity == "warning"


def test_every_rule_is_tried() -> None:
    tried = {name.split()[0] for name in SLIPS} | {"brisk_start", "unreached_phases"}  # the tests above
    assert {rule.__name__ for rule in RULES} <= tried
    assert all(rule.__doc__ for rule in RULES)


def test_findings_name_their_rule_and_rules_can_be_added(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(template_text())

    def short_follow_up(trial: Design) -> Remarks:
        """Follow-up reaches three years."""
        if trial.follow_up.duration_months < 36:
            yield ("follow_up", "duration_months"), "shorter than three years"

    found = check_trial(path, rules=[*RULES, short_follow_up])
    assert [(f.severity, f.rule) for f in found] == [("warning", "short-follow-up")]
    assert found[0].place.startswith(f"{path}:")
    assert check_trial(path) == []
    path.write_text("id: [")
    assert [f.rule for f in check_trial(path)] == ["valid"]
