"""Arms in phases: what is read, what is refused and with which words, and that documents go round."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from phased import INDUCTION, MAINTENANCE, OBSERVATION, Data, given, induction, phased, then

from cereblon.clinic.trial.check import check_trial
from cereblon.clinic.trial.design import Phase
from cereblon.clinic.trial.drugs import offering
from cereblon.clinic.trial.load import load_trial, parse_trial, template_text
from cereblon.clinic.trial.transitions import CONDITIONS
from cereblon.clinic.trial.trial import Trial
from cereblon.errors import CereblonError

FIRST = "arms[0].phases[0]"
LEN = {"drug": "lenalidomide", "dose": "5 mg"}

# name: (document, field, words of the message)
REFUSED: dict[str, tuple[Data, str, str]] = {
    "phases and treatment": (
        phased(treatment=[LEN]),
        "arms[0].treatment",
        "treatment beside phases: expected it in a phase",
    ),
    "phases and support": (phased(support=[LEN]), "arms[0].support", "support beside phases"),
    "phases and rules": (phased(rules={"set": "myeloma"}), "arms[0].rules", "rules beside phases"),
    "phases and levels": (phased(levels=["5 mg"]), "arms[0].levels", "levels beside phases"),
    "no phases": ({**phased(), "arms": [{**phased()["arms"][0], "phases": []}]}, "arms[0].phases", "or phases"),
    "nothing is given": (phased(OBSERVATION), "arms[0].phases", "no phase gives a drug"),
    "two phases of one name": (
        phased(INDUCTION, MAINTENANCE, OBSERVATION, MAINTENANCE),
        "arms[0].phases[3].id",
        "two phases are called maintenance",
    ),
    "an unknown phase": (
        then(to="maintenence", randomise=None),
        f"{FIRST}.then[0].to",
        "no phase is called maintenence: expected one of maintenance, observation; nearest: maintenance",
    ),
    "a phase that leads to itself": (then(to="induction", randomise=None), f"{FIRST}.then[0].to", "leads to itself"),
    "no target": (then(to=[], randomise=None), f"{FIRST}.then[0].to", "expected the id of a phase"),
    "one target twice": (then(to=["maintenance"] * 2), f"{FIRST}.then[0].to", "one phase is named twice"),
    "targets without a lot": (then(randomise=None), f"{FIRST}.then[0].to", "such as randomise: [1, 1]"),
    "a lot of three": (then(randomise=[1, 1, 1]), f"{FIRST}.then[0].randomise", "3 numbers for 2 phases"),
    "a lot of one": (then(to="maintenance", randomise=[1]), f"{FIRST}.then[0].randomise", "a lot of one phase"),
    "a share of nothing": (then(randomise=[1, 0]), f"{FIRST}.then[0].randomise[1]", "greater than 0"),
    "a rest without an end": (then(at_most=None), f"{FIRST}.then[0].rest", "needs a longest time"),
    "an end without a rest": (then(rest=None), f"{FIRST}.then[0].at_most", "at_most is of a rest"),
    "a misspelt condition": (
        then(when="response PR or beter"),
        f"{FIRST}.then[0].when",
        "nearest: response PR or better",
    ),
    "a condition that is none": (then(when=3), f"{FIRST}.then[0].when", "expected one of 'response PR or better'"),
    "a way that is never tried": (
        induction(then=[{"to": "observation"}, {"when": "MRD undetectable", "to": "maintenance"}]),
        f"{FIRST}.then[1]",
        "an earlier transition is always taken",
    ),
    "one condition twice": (
        induction(then=[{"when": "counts recovered", "to": to} for to in ("observation", "maintenance")]),
        f"{FIRST}.then[1]",
        "has the same condition",
    ),
    "a phase that never ends": (induction(cycles=None), f"{FIRST}.then", "goes on until progression"),
    "end of cycles without cycles": (
        induction(cycles=None, until="end_of_cycles", then=None),
        f"{FIRST}.until",
        "needs the number of cycles, such as cycles: 6",
    ),
    "beyond a CR that ends nothing": (induction(cycles_beyond_cr=2), f"{FIRST}.cycles_beyond_cr", "needs until"),
    "a phase of decades": (induction(cycles=200), f"{FIRST}.cycles", "5600 days: expected a phase of at most 3650"),
    "until CR without a marrow": (
        induction(until="progression_or_cr") | {"schedule": {"marrow": "none"}},
        f"{FIRST}.until",
        "progression_or_cr needs schedule.marrow: to_confirm_cr",
    ),
    "on CR without a marrow": (
        then(when="response CR or better") | {"schedule": {"marrow": "none"}},
        f"{FIRST}.then[0].when",
        "a condition of CR needs schedule.marrow",
    ),
    "a drug twice a day by mistake": (
        induction(support=[{"drug": "dexamethasone", "dose": "4 mg", "days": 8}]),
        f"{FIRST}.support[0]",
        "dexamethasone is already given on day 8 by give[0]",
    ),
    "a cycle beyond the phase": (given(cycles="1-7"), f"{FIRST}.give[1].cycles", "cycle 7 of 28 days is beyond"),
    "an own cycle beyond the phase": (
        given(cycle="42 days", days="1-28", cycles=[5]),
        f"{FIRST}.give[1].cycles",
        "cycle 5 of 42 days is beyond the phase of 168 days",
    ),
    "a beginning beyond the phase": (
        given(**{"from": {"cycle": 7}}),
        f"{FIRST}.give[1].from",
        "cycle 7 of 28 days is beyond the phase",
    ),
    "a day beyond the cycle": (given(days="1-29"), f"{FIRST}.give[1].days", "day 29 is outside a cycle of 28 days"),
    "a beginning beyond the cycle": (
        given(**{"from": {"cycle": 1, "day": 29}}),
        f"{FIRST}.give[1].from.day",
        "day 29 is outside a cycle of 28 days",
    ),
    "no dose in the phase": (
        given(cycles=[1], days=[3]),
        f"{FIRST}.give[1]",
        "no dose of lenalidomide falls into the phase",
    ),
    "a start after the follow-up": (
        phased(INDUCTION | {"cycles": 60, "give": [LEN | {"cycles": [50]}], "then": []}),
        f"{FIRST}.give[0]",
        "falls into the follow-up of 730 days",
    ),
    "a level of another basis": (
        given(levels=["10 mg/m2", "15 mg"]),
        f"{FIRST}.give[1].levels[0]",
        "10 mg/m2 cannot be set beside 10 mg",
    ),
    "a missing level": (given(levels=["5 mg", "10 mg"]), f"{FIRST}.give[1].dose", "15 mg is not among the levels 5 mg"),
    "levels that fall": (given(levels=["10 mg", "5 mg"]), f"{FIRST}.give[1].levels", "expected rising dose levels"),
    "an absurd level": (
        given(levels=["10 mg", "15 mg", "20 mg", "25 mg", "80 mg"]),
        f"{FIRST}.give[1].levels[4]",
        "80 mg a day of lenalidomide is absurd",
    ),
    "a misspelt field": (given(**{"form": {"cycle": 1}}), f"{FIRST}.give[1].form", "unknown field; nearest: from"),
    "the name that Python has for it": (given(from_={"cycle": 1}), f"{FIRST}.give[1].from_", "nearest: from"),
    "no drug": (induction(give=[{"dose": "5 mg"}]), f"{FIRST}.give[0].drug", "expected the fields drug, dose"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_one_line_with_the_field_and_the_remedy(name: str, tmp_path: Path) -> None:
    wrong, field, words = REFUSED[name]
    file = tmp_path / "x.json"
    file.write_text(json.dumps(wrong, indent=1), encoding="utf-8")
    with pytest.raises(CereblonError) as caught:
        load_trial(file)
    [finding] = [f for f in check_trial(file) if f.severity == "error"]
    for text in (str(caught.value), finding.message):
        assert words in text
        assert "\n" not in text
    assert finding.message.startswith(f"{field}: ")


def test_the_trial_behind_the_cases_is_good() -> None:
    trial = Trial.model_validate(phased())
    assert [phase.id for phase in trial.arms[0].phases] == ["induction", "maintenance", "observation"]
    assert trial.arms[0].treatment == trial.arms[0].levels == ()


EXAMPLE = """\
id: x
title: t
setting: untreated
criteria: iwCLL 2008
nodes_by: palpation
population: {size: 4, age: {median: 70}}
arms:
- id: A
  name: a
  size: 4
  phases:
  - id: induction
    cycle: 28 days
    cycles: 6
    give:
    - {drug: rituximab, dose: 375 mg/m2, days: [1, 8, 15, 22], cycles: [1], over: 4 h}
    - {drug: lenalidomide, dose: 10 mg, days: 1-28, from: {cycle: 1, day: 9}, escalation: {step: 5 mg, every: 28 days, maximum: 25 mg}}
    support: [{drug: allopurinol, dose: 300 mg, days: 1-14, cycles: [1]}]
    then: [{when: response PR or better, rest: until counts recover, at_most: 56 days, to: [maintenance, observation], randomise: [1, 1]}]
  - {id: maintenance, cycle: 28 days, until: progression, give: [{drug: lenalidomide, dose: 10 mg}]}
  - {id: observation, until: progression}
follow_up: {duration_months: 24}
"""  # noqa: E501


ANTIBODY = """\
name: rituximab
class: antibody
prefix: rit
kinetics: antibody
enters: rit_central
unit: mg
dose: {basis: per_m2, max_daily: 1500, most: 1000}
route: intravenous
source: made up
"""


def test_a_protocol_is_read_word_for_word(tmp_path: Path) -> None:
    folder = tmp_path / "rituximab"
    folder.mkdir()
    (folder / "card.yaml").write_text(ANTIBODY, encoding="utf-8")
    (folder / "effect.ant").write_text("# none yet\n", encoding="utf-8")
    with offering([folder]):
        trial = parse_trial(EXAMPLE)
    phase = trial.arms[0].phases[0]
    assert phase.give[0].dose.text == "375 mg/m2"
    assert (phase.give[1].from_.cycle, phase.give[1].from_.day) == (1, 9)
    assert phase.then[0].to == ("maintenance", "observation")
    # the trial keeps the folder: it is changed and planned without its being named again
    [course] = [c for c in trial.vary({"title": "u"}).plans[0].phases[0].courses if c.drug == "rituximab"]
    assert np.flatnonzero(course.days).tolist() == [0, 7, 14, 21]
    assert (course.basis, course.most, course.over) == ("per_m2", 1000.0, 4.0)
    with pytest.raises(CereblonError, match=r"unknown drug: expected one of allopurinol, .*prednisone"):
        parse_trial(EXAMPLE)


def test_the_commented_arm_of_the_template_is_a_valid_and_clean_one(tmp_path: Path) -> None:
    head, comment, tail = re.split(r"(?s)# (- id: phased.*?\n)(?=- id: steady)", template_text())
    text = head + re.sub(r"(?m)^# ", "", comment) + tail
    file = tmp_path / "my_trial.yaml"
    file.write_text(text.replace("size: 60", "size: 90", 1), encoding="utf-8")
    assert check_trial(file) == []
    phases = load_trial(file).arm("phased").phases
    assert [phase.id for phase in phases] == ["induction", "maintenance", "observation"]


def test_a_trial_in_phases_goes_round() -> None:
    trial = Trial.model_validate(phased())
    for text in (trial.model_dump_json(), trial.model_dump_json(exclude_unset=True)):
        again = Trial.model_validate_json(text)
        assert again == trial
        assert hash(again) == hash(trial)
    written = json.loads(trial.model_dump_json(exclude_unset=True))["arms"][0]["phases"][0]
    assert written["give"][1]["from"] == {"cycle": 1, "day": 9}
    assert written["give"][0]["dose"] == "6 mg/m2"
    assert written["give"][0]["over"] == "4 h"
    assert written["then"] == INDUCTION["then"]
    assert trial.blind() == trial
    assert trial.model_copy(update={"title": "u"}).arms == trial.arms


@pytest.mark.filterwarnings("ignore:arms")  # of a start without cover
def test_fields_of_a_phase_are_varied_by_path() -> None:
    trial = Trial.model_validate(phased())
    varied = trial.vary(
        {
            "arms.A.phases.induction.give.0.dose": "8 mg/m2",
            "arms.A.phases.induction.give.1.from.day": 15,
            "arms.A.phases.maintenance.give.0.rules.set": "myeloma",
            "arms.A.phases.induction.then.0.randomise": [2, 1],
        }
    )
    first, second, _ = varied.arms[0].phases
    assert first.give[0].dose.text == "8 mg/m2"
    assert (first.give[1].from_.cycle, first.give[1].from_.day) == (1, 15)
    assert second.give[0].rules is not None
    assert second.give[0].rules.set == "myeloma"
    assert first.then[0].shares == (2 / 3, 1 / 3)
    copied = first.give[1].model_copy(update={"dose": "15 mg"})
    assert (copied.dose, copied.from_.day) == (15.0, 15)
    for path, words in (
        ("arms.A.phases.inducton.cycles", "no item 'inducton': expected a position from 0 to 2 or one of induction, "),
        ("arms.A.phases.0.give.1.form", "unknown field; nearest: from"),
        ("arms.A.phases.0.give.1.dose", "'x': expected a dose"),
    ):
        with pytest.raises(CereblonError, match=re.escape(words)):
            trial.vary({path: "x"})


ids = st.sampled_from(["maintenance", "observation"])
doses = st.sampled_from(["2.5 mg", "5 mg", "1.5 mg/m2", "0.05 mg/kg", "300 ug"])
optional: dict[str, st.SearchStrategy[Any]] = {
    "days": st.sampled_from(["1-14", "every day", [1, 8, 15], 3]),
    "cycles": st.sampled_from(["1-3", "all", [1, 4]]),
    "cycle": st.sampled_from(["28 days", "21 days", "3 weeks"]),
    "hours": st.lists(st.sampled_from([0, 6, 12, 18]), min_size=1, unique=True).map(sorted),
    "over": st.sampled_from(["30 min", "4 h", "90 min", "0 h"]),  # the shortest time between two doses is 6 h
    "from": st.fixed_dictionaries({}, optional={"cycle": st.integers(1, 2), "day": st.integers(1, 3)}),
}
courses = st.fixed_dictionaries({"drug": st.just("dexamethasone"), "dose": doses}, optional=optional)
ways = st.fixed_dictionaries(
    {},
    optional={"when": st.sampled_from(list(CONDITIONS))},
).flatmap(
    lambda way: st.sampled_from(
        [
            way | {"to": "maintenance"},
            way | {"to": ["maintenance", "observation"], "randomise": [2, 1.5]},
            way | {"to": ["observation"], "rest": "until counts recover", "at_most": "8 weeks"},
        ]
    )
)
phases = st.fixed_dictionaries(
    {"id": st.just("induction"), "cycles": st.integers(4, 12), "give": st.lists(courses, min_size=1, max_size=1)},
    optional={
        "until": st.sampled_from(["progression", "progression_or_cr", "end_of_cycles"]),
        "then": st.lists(ways, max_size=1),
        "support": st.just([{"drug": "allopurinol", "dose": "300 mg"}]),
    },
)


@settings(deadline=None)
@for_all(phases)
def test_every_phase_goes_round(data: Data) -> None:
    phase = Phase.model_validate(data)
    for text in (phase.model_dump_json(), phase.model_dump_json(exclude_unset=True)):
        again = Phase.model_validate_json(text)
        assert again == phase
        assert again.model_dump_json() == phase.model_dump_json()
    assert again.model_fields_set == phase.model_fields_set
    assert again.give[0].dose.text == data["give"][0]["dose"]
