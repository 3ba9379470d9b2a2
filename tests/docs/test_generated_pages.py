"""What the package holds is on the generated pages: states, rules, parameters, fields, columns, trials."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from cereblon import columns
from cereblon.clinic.trial.load import json_schema, trial_ids
from cereblon.model import load_model
from cereblon.study.quantities import COUNTED, MONTHLY, exposures, measures

EXTENSION = Path(__file__).resolve().parents[2] / "docs" / "_ext"


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    sys.path.insert(0, str(EXTENSION))
    try:
        from cereblon_pages import pages as generate
    finally:
        sys.path.remove(str(EXTENSION))
    return dict(generate())


def test_every_state_and_rule_has_its_equation(pages: dict[str, str]) -> None:
    text = "\n".join(body for name, body in pages.items() if name.startswith("model/"))
    model = load_model()
    assert [name for name in model.states if f"### {name}\n" not in text] == []
    assert [name for name in model.rules if f"### {name}\n" not in text] == []


def test_every_parameter_is_listed(pages: dict[str, str]) -> None:
    listed = re.findall(r"^\| `(\w+)` \|", pages["parameters.md"], re.MULTILINE)
    assert sorted(listed) == sorted(load_model().parameters)


def test_every_field_of_a_trial_is_listed(pages: dict[str, str]) -> None:
    schema = json_schema()
    for part in (schema, *schema["$defs"].values()):
        for name in part.get("properties", {}):
            assert f"| `{name}` |" in pages["trial_file.md"]


def test_every_column_and_trial_is_listed(pages: dict[str, str]) -> None:
    for table in columns.TABLES.values():
        for name in table:
            assert f"| `{name}` |" in pages["tables.md"]
    for name in trial_ids():
        assert f"\n## {name}\n" in pages["registry.md"]


def test_every_quantity_of_the_visits_is_explained(pages: dict[str, str]) -> None:
    model = load_model()
    assert set(measures(model)) == {*COUNTED, *MONTHLY, *exposures(model.drugs)}
    for code, measure in measures(model).items():
        assert measure.source == ("measured" if code in COUNTED else "true"), code
        assert f"| `{code}` | {measure.label} | {measure.unit} | `{measure.source}` | {measure.meaning} |" in (
            pages["tables.md"].replace("\\", "")
        )


def test_meanings_name_nothing_of_the_code(pages: dict[str, str]) -> None:
    """A reader of a run folder has no Python module before him."""
    constants = {name for name, value in vars(columns).items() if isinstance(value, (dict, tuple)) and name.isupper()}
    assert {"MEASURES", "ADVERSE_EVENTS"} <= constants
    text = pages["tables.md"] + json.dumps([c.meaning for table in columns.TABLES.values() for c in table.values()])
    assert [name for name in constants if re.search(rf"(?<!## )\b{name}\b", text)] == []


def test_tables_are_not_broken(pages: dict[str, str]) -> None:
    for name, text in pages.items():
        width = 0
        for line in text.splitlines():
            bars = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
            assert not (bars and width and bars != width), f"{name}: {line}"
            width = bars
