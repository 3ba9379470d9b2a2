"""A trial in phases: the example of the how-to, as data that tests change."""

from __future__ import annotations

from typing import Any

Data = dict[str, Any]

INDUCTION: Data = {
    "id": "induction",
    "cycle": "28 days",
    "cycles": 6,
    "give": [
        {"drug": "dexamethasone", "dose": "6 mg/m2", "days": [1, 8, 15, 22], "cycles": [1], "over": "4 h"},
        {
            "drug": "lenalidomide",
            "dose": "10 mg",
            "days": "1-28",
            "from": {"cycle": 1, "day": 9},
            "escalation": {"step": "5 mg", "every": "28 days", "maximum": "25 mg"},
        },
    ],
    "support": [{"drug": "allopurinol", "dose": "300 mg", "days": "1-14", "cycles": [1]}],
    "then": [
        {
            "when": "response PR or better",
            "rest": "until counts recover",
            "at_most": "56 days",
            "to": ["maintenance", "observation"],
            "randomise": [1, 1],
        }
    ],
}
MAINTENANCE: Data = {
    "id": "maintenance",
    "cycle": "28 days",
    "until": "progression",
    "give": [{"drug": "lenalidomide", "dose": "5 mg"}],
}
OBSERVATION: Data = {"id": "observation", "until": "progression"}


def phased(*phases: Data, **arm: Any) -> Data:
    """Return a small trial by palpation whose arm has these phases, or the three of the example."""
    given = list(phases) or [INDUCTION, MAINTENANCE, OBSERVATION]
    return {
        "id": "x",
        "title": "t",
        "setting": "untreated",
        "criteria": "iwCLL 2008",
        "nodes_by": "palpation",
        "population": {"size": 4, "age": {"median": 70}},
        "arms": [{"id": "A", "name": "a", "size": 4, "phases": given} | arm],
        "follow_up": {"duration_months": 24.0},
    }


def induction(**fields: Any) -> Data:
    """Return the trial with fields of its first phase changed; None: left out."""
    changed = {name: value for name, value in (INDUCTION | fields).items() if value is not None}
    return phased(changed, MAINTENANCE, OBSERVATION)


def given(**fields: Any) -> Data:
    """Return the trial with fields of the lenalidomide of its first phase changed."""
    steroid, drug = INDUCTION["give"]
    return induction(give=[steroid, drug | fields])


def then(**fields: Any) -> Data:
    """Return the trial with fields of its transition changed; None: left out."""
    way = INDUCTION["then"][0] | fields
    return induction(then=[{name: value for name, value in way.items() if value is not None}])
