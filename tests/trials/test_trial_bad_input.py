"""Every kind of bad trial file gives one line with the place, the value and the remedy."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cereblon.clinic.trial.check import check_trial
from cereblon.clinic.trial.load import load_trial, parse_trial, write_template
from cereblon.documents.yamltext import MAX_BYTES, DocumentError
from cereblon.errors import CereblonError

GOOD = """\
id: x
title: t
setting: untreated
criteria: NCI-WG 1996
nodes_by: palpation
population:
  size: 60
  age: {median: 71, range: [66, 85]}
arms:
- id: A
  name: a
  size: 60
  treatment:
  - drug: lenalidomide
    dose: 5 mg
    escalation: {step: 5 mg, first_after: 56 days, every: 28 days, maximum: 25 mg}
  support:
  - {drug: allopurinol, dose: 300 mg, days: 1-14}
follow_up: {duration_months: 29}
"""

# name: (text replaced, replacement, place, words that must be in the message)
CASES: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    "missing field": ("title: t\n", "", "1:1", ("title: is missing",)),
    "missing nested field": ("  size: 60\n  age", "  age", "6:1", ("population.size: is missing",)),
    "misspelt field": ("median: 71", "medain: 71", "8:9", ("age.medain: unknown field", "median")),
    "misspelt top field": ("setting:", "seting:", "3:1", ("seting: unknown field", "nearest: setting")),
    "misspelt choice": ("setting: untreated", "setting: untreted", "3:10", ("'untreted'", "untreated")),
    "wrong unit": ("dose: 5 mg", "dose: 5 kg", "15:11", ("'5 kg'", "unit 'kg'", "mg")),
    "unit of another quantity": ("dose: 5 mg", "dose: 5 days", "15:11", ("unit 'days'", "a dose")),
    "no unit": ("dose: 5 mg", "dose: 5", "15:11", ("has no unit", "5 mg")),
    "no unit in text": ("dose: 5 mg", "dose: '5'", "15:11", ("no unit",)),
    "negative dose": ("dose: 5 mg", "dose: -5 mg", "15:11", ("'-5 mg'", "above 0")),
    "zero dose": ("dose: 5 mg", "dose: 0 mg", "15:11", ("'0 mg'", "above 0")),
    "absurd dose": ("dose: 5 mg", "dose: 500 mg", "15:11", ("500 mg a day", "at most 50 mg")),
    "absurd maximum": ("maximum: 25 mg", "maximum: 2500 mg", "16:77", ("absurd",)),
    "dose that is no number": ("dose: 5 mg", "dose: five mg", "15:11", ("'five mg'",)),
    "infinite dose": ("dose: 5 mg", "dose: inf mg", "15:11", ("'inf mg'",)),
    "code for a dose": ("dose: 5 mg", "dose: __import__('os').getcwd()", "15:11", ("expected a dose",)),
    "tiny step": ("step: 5 mg", "step: 0.000000001 mg", "16:24", ("2e+10 doses", "step", "at most 20")),
    "step a little too small": ("step: 5 mg", "step: 1 mg", "16:24", ("21 doses from 5 mg to 25 mg",)),
    "too many levels": (
        "  treatment:\n",
        f"  levels: [{', '.join(f'{n + 1} mg' for n in range(21))}]\n  treatment:\n",
        "13:11",
        ("21 dose levels: expected at most 20",),
    ),
    "too many courses": (
        "  - {drug: allopurinol, dose: 300 mg, days: 1-14}",
        "\n".join(f"  - {{drug: allopurinol, dose: 300 mg, days: {n + 1}}}" for n in range(21)),
        "18:3",
        ("support: 21 courses: expected at most 20",),
    ),
    "median of nothing": (
        "  age:",
        "  printed: {alc_median: 0e9/L}\n  age:",
        "8:25",
        ("0: expected a median above 0",),
    ),
    "one age": (
        "  age:",
        "  eligibility: {age_min: 71, age_max: 71}\n  age:",
        "8:39",
        ("both 71", "a span of ages"),
    ),
    "half a day": ("56 days", "56.5 days", "16:43", ("whole number of days",)),
    "unknown drug": ("drug: lenalidomide", "drug: lenalidomid", "14:11", ("unknown drug", "lenalidomide")),
    "overlapping doses": (
        "  support:\n",
        "  - {drug: lenalidomide, dose: 10 mg, days: 1-21}\n  support:\n",
        "17:5",
        ("already given on day 1", "treatment[0]"),
    ),
    "overlap with support": (
        "{drug: allopurinol, dose: 300 mg, days: 1-14}",
        "{drug: lenalidomide, dose: 5 mg, days: 9}",
        "18:5",
        ("already given on day 9",),
    ),
    "level that is none": ("dose: 5 mg\n", "dose: 7 mg\n", "14:5", ("7 mg is not among the levels",)),
    "days backwards": ("days: 1-14", "days: 14-1", "18:45", ("runs backwards",)),
    "day outside the cycle": (
        "dose: 5 mg\n",
        "dose: 5 mg\n    days: 1-29\n",
        "16:11",
        ("day 29 is outside",),
    ),
    "arms that do not add up": ("  size: 60\n  age", "  size: 61\n  age", "7:9", ("60 subjects", "61")),
    "number in quotes": ("  size: 60\n  age", "  size: '60'\n  age", "7:9", ("a whole number",)),
    "percent above 100": ("  size: 60\n  age", "  size: 60\n  male_pct: 670\n  age", "8:13", ("100",)),
    "repeated field": ("title: t\n", "title: t\ntitle: u\n", "3:1", ("'title' is given twice",)),
    "field that holds a part": (
        "follow_up: {duration_months: 29}",
        "follow_up: 29",
        "19:12",
        ("duration_months",),
    ),
    "list of nothing": ("arms:\n- id", "arms:\n- 5\n- id", "10:3", ("expected fields id, name",)),
    "python tag": ("title: t", "title: !!python/object/apply:os.system ['id']", "2:8", ("is refused",)),
    "python name": ("title: t", "title: !!python/name:os.system", "2:8", ("is refused",)),
    "own tag": ("title: t", "title: !mine t", "2:8", ("is refused",)),
    "anchor": ("title: t", "title: &a t", "2:8", ("anchors and aliases",)),
    "alias": ("title: t", "title: *a", "2:8", ("anchors and aliases",)),
    "merge key": ("title: t", "<<: {title: t}", "2:1", ("merge keys",)),
    "tab": ("title: t", "tit\tle: t", "2:4", ("not YAML",)),
    "open bracket": ("title: t", "title: [t", "3:8", ("not YAML",)),
    "second document": ("follow_up", "---\nfollow_up", "19:1", ("second document",)),
    "mapping for a name": ("title: t", "{a: b}: t", "2:1", ("name of a field",)),
}


@pytest.mark.parametrize("name", CASES)
def test_one_line_with_place_and_remedy(name: str) -> None:
    old, new, place, words = CASES[name]
    assert old in GOOD
    with pytest.raises(CereblonError) as caught:
        parse_trial(GOOD.replace(old, new, 1), "my.yaml")
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"my.yaml:{place}: ")
    for word in words:
        assert word in message


def test_the_text_behind_the_cases_is_good() -> None:
    assert parse_trial(GOOD).size == 60


@pytest.mark.parametrize("name", ["badoux", "badoux2012", "chen"])
def test_unknown_trial_names_the_nearest(name: str) -> None:
    with pytest.raises(CereblonError, match=rf"unknown trial '{name}'.*nearest: .*(badoux2011|chen201)"):
        load_trial(name)


def test_unknown_trial_without_a_nearest_lists_the_registry() -> None:
    with pytest.raises(CereblonError, match="badoux2011, buhler2013, chanan-khan2006"):
        load_trial("qqq")


@pytest.mark.parametrize("name", ["nope.yaml", "no/such/trial", "x\0.yaml", "\x1b[31m.yaml"])
def test_missing_file(name: str) -> None:
    with pytest.raises(CereblonError) as caught:
        load_trial(name)
    assert str(caught.value).isprintable()


def test_folder_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(CereblonError, match="is not a regular file but a folder"):
        load_trial(tmp_path)


NOT_YAML = [
    b"\xff\xfe\x00binary",
    b"\x00\x01",
    b"just words",
    b"",
    b"- a\n- b\n",
    b"{",
    b"a: 1: 2",
    b"\x1b[2J: 1",
]


@pytest.mark.parametrize("content", NOT_YAML)
def test_not_yaml(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "my.yaml"
    file.write_bytes(content)
    with pytest.raises(CereblonError) as caught:
        load_trial(file)
    assert str(caught.value).isprintable()
    assert check_trial(file)[0].severity == "error"


def test_huge_file(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    file.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(CereblonError, match="is longer than"):
        load_trial(file)


def test_deep_file() -> None:
    with pytest.raises(DocumentError, match="levels deep"):
        parse_trial("title: " + "[" * 5000 + "]" * 5000)


def test_many_values() -> None:
    with pytest.raises(DocumentError, match="more than"):
        parse_trial("title: [" + "1," * 30_000 + "]")


def test_alias_bomb() -> None:
    rungs = [f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)]
    with pytest.raises(DocumentError, match="anchors and aliases"):
        parse_trial("a: &a [lol]\n" + "\n".join(rungs))


def test_several_problems_are_counted_and_listed(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    file.write_text(GOOD.replace("dose: 5 mg", "dose: 5").replace("setting: untreated", "setting: new"))
    with pytest.raises(DocumentError, match=r"setting.*and 1 more, which a check of the file lists"):
        load_trial(file)
    findings = check_trial(file)
    assert [f.place for f in findings] == [f"{file}:3:10", f"{file}:15:11"]
    assert {f.severity for f in findings} == {"error"}


def test_template_is_never_written_over(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("precious")
    with pytest.raises(CereblonError, match="exists already"):
        write_template(file)
    assert file.read_text("utf-8") == "precious"
    with pytest.raises(CereblonError, match="cannot be written"):
        write_template(tmp_path / "no" / "mine.yaml")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    start=st.integers(0, len(GOOD) - 1),
    length=st.integers(0, 12),
    insert=st.text(alphabet=" \n\t:-[]{}!&*<>'\"#%@0159eE.mgdaysx/\x00\x85\u2028é", max_size=8),
)
def test_any_slip_is_a_clear_error_or_a_trial(start: int, length: int, insert: str) -> None:
    text = GOOD[:start] + insert + GOOD[start + length :]
    problem = None
    try:
        parse_trial(text, "my.yaml")
    except DocumentError as error:
        problem = error
    if problem is not None:
        assert str(problem).isprintable()
        assert 1 <= problem.line <= text.count("\n") + text.count("\x85") + text.count("\u2028") + 2
