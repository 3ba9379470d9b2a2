"""What a document says must hold together: each contradiction is an error at its own field."""

from __future__ import annotations

import re
from typing import Any

import pytest

from cereblon.clinic.trial.load import parse_trial, template_text
from cereblon.documents.yamltext import DocumentError, field_path
from cereblon.errors import CereblonError

FIGURES = """
published:
- {endpoint: orr, arm: slow, value: 65, n: 39, of: 60, source: S1}
- {endpoint: pfs_median, not_reached: true, source: S1, also: [{value: 20, source: S1}]}
sources:
- {id: S1, what: The report}
"""

# name: (text replaced, replacement, field, words in the message)
CASES: dict[str, tuple[str, str, str, str]] = {
    "step and steps": (
        "step: 5 mg",
        "step: 5 mg\n      to_steps: [10 mg]",
        "escalation",
        "exactly one of to_steps",
    ),
    "steps that fall": ("step: 5 mg", "to_steps: [10 mg, 5 mg]", "to_steps", "rising doses"),
    "step above the top": ("step: 5 mg", "to_steps: [20 mg]", "to_steps", "above the maximum"),
    "first step down": ("step: 5 mg", "to_steps: [2.5 mg]", "to_steps", "not above the starting dose"),
    "top below the start": (
        "maximum: 15 mg\n",
        "maximum: 2.5 mg\n",
        "escalation.maximum",
        "below the starting",
    ),
    "absurd step": ("step: 5 mg ", "to_steps: [15 mg, 90 mg]", "to_steps", "above the maximum"),
    "absurd renal dose": ("dose: 2.5 mg, max", "dose: 250 mg, max", "renal[0].dose", "absurd"),
    "renal dose off the levels": (
        "dose: 2.5 mg, max",
        "dose: 3 mg, max",
        "treatment[0]",
        "3 mg is not among",
    ),
    "cycles without a cycle": (
        "days: 1-28}\n  flare",
        "days: 1-28, cycles: 1-2}\n  flare",
        "cycles",
        "length of a cy",
    ),
    "end without cycles": (
        "until: progression ",
        "until: end_of_cycles ",
        "until",
        "needs the number of cycles",
    ),
    "beyond a CR that ends nothing": (
        "    until: prog",
        "    cycles_beyond_cr: 2\n    until: prog",
        "cr",
        "progression_",
    ),
    "resume below hold": (
        "platelets_resume: 50",
        "platelets_resume: 20",
        "platelets_resume",
        "is below platelets_hold",
    ),
    "levels that fall": ("[2.5 mg, 5 mg, 10 mg, 15 mg]", "[5 mg, 2.5 mg]", "levels", "rising dose levels"),
    "no drug": (
        "  treatment:\n  - {drug: lenalidomide, dose: 10 mg, days: 1-21, cycle: 28 days}",
        "  treatment: []",
        "arms[1].treatment",
        "at least one drug",
    ),
    "one name for two arms": ("- id: steady", "- id: slow", "arms", "two arms are called slow"),
    "median outside the range": ("median: 68", "median: 90", "population.age.range", "not inside the range"),
    "median below the limit": ("age_min: 50", "age_min: 70", "population.age.median", "below age_min"),
    "median above the limit": ("age_min: 50", "age_max: 60", "population.age.median", "above age_max"),
    "limits crossed": ("age_min: 50", "lines_min: 3\n    lines_max: 1", "lines_min", "is above lines_max"),
    "denominator of nothing": (
        "    # of: {tp53_pct: 96}",
        "    of: {tp53_pct: 96}",
        "of.tp53_pct",
        "not printed here",
    ),
    "untreated with lines": (
        "  printed:",
        "  prior_lines: {median: 3}\n  printed:",
        "prior_lines",
        "untreated",
    ),
    "CT days that fall": ("[85, 169, 365, 729]", "[169, 85]", "ct_days", "rising days"),
    "accrual too long": ("accrual_months: 12", "accrual_months: 48", "accrual_months", "without follow-up"),
    "no such source": (
        "of: 60, source: S1",
        "of: 60, source: S2",
        "published[0].source",
        "no source is called S2",
    ),
    "no such source below": (
        "value: 20, source: S1",
        "value: 20, source: S2",
        "also[0].source",
        "no source is called",
    ),
    "no such arm": ("arm: slow", "arm: fast", "published[0].arm", "no arm is called fast"),
    "figure twice": ("endpoint: pfs_median", "endpoint: orr, arm: slow", "published[1]", "given twice"),
    "two readings": ("value: 65,", "value: 65, below: 70,", "published[0]", "exactly one of value"),
    "n without of": ("n: 39, of: 60", "n: 39", "published[0]", "denominator"),
    "n above of": ("n: 39, of: 60", "n: 39, of: 30", "published[0]", "larger than its denominator"),
    "no percentage": ("value: 65,", "value: 165,", "published[0].value", "not a percentage"),
}


@pytest.mark.parametrize("name", CASES)
def test_contradiction_is_found_at_its_field(name: str) -> None:
    old, new, field, words = CASES[name]
    text = re.sub(r"(?m)^# .*\n", "", template_text()) + FIGURES  # without the commented arm
    assert old in text
    with pytest.raises(DocumentError) as caught:
        parse_trial(new.join(text.rsplit(old, 1)), "my.yaml")  # the last: not the commented example
    assert words in caught.value.what
    assert field_path(caught.value.loc).endswith(field)
    assert caught.value.line > 1


def test_the_text_behind_the_cases_is_good() -> None:
    trial = parse_trial(template_text() + FIGURES)
    figure = trial.figure("orr", "slow")
    assert figure is not None
    assert figure.value == 65
    assert trial.figure("orr") is None
    assert trial.arm("steady").treatment[0].doses == (10.0,)
    with pytest.raises(CereblonError, match="arm 'none': my_trial has slow, steady"):
        trial.arm("none")


def test_relapsed_subjects_have_a_line_behind_them() -> None:
    text = template_text().replace("setting: untreated", "setting: relapsed")
    with pytest.raises(DocumentError, match="at least one earlier line"):
        parse_trial(text.replace("  printed:", "  prior_lines: {median: 0}\n  printed:"))


def test_rules_name_what_they_change() -> None:
    changed: dict[str, Any] = parse_trial(template_text()).arm("slow").rules.overrides
    assert changed == {"platelets_hold": 30.0, "platelets_resume": 50.0}
