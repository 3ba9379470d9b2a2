"""Doses by surface and weight, hours and infusions: what is read, what it is worth, and that text goes round."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from cereblon.clinic.trial.drugs import Drug, drugs
from cereblon.documents.doses import CLOCK, Amount, Basis, format_span, parse_dose, parse_hours

READ: list[tuple[str, float, str, Basis, str]] = [
    ("5 mg", 5.0, "mg", "flat", "5 mg"),
    ("375 mg/m2", 375.0, "mg", "per_m2", "375 mg/m2"),
    ("375 mg/m\u00b2", 375.0, "mg", "per_m2", "375 mg/m2"),
    (" 1.5mg/kg ", 1.5, "mg", "per_kg", "1.5 mg/kg"),
    ("300 ug", 0.3, "ug", "flat", "300 ug"),
    ("5 \u03bcg/kg", 0.005, "ug", "per_kg", "5 ug/kg"),
    ("0.3 g", 300.0, "g", "flat", "0.3 g"),
    ("10 mg/day", 10.0, "mg/day", "flat", "10 mg/day"),
    ("6000 IU/m2", 6000.0, "IU", "per_m2", "6000 IU/m2"),
    ("34000000 IU", 3.4e7, "IU", "flat", "34000000 IU"),
]


@pytest.mark.parametrize(("text", "value", "unit", "basis", "written"), READ)
def test_reads(text: str, value: float, unit: str, basis: Basis, written: str) -> None:
    dose = parse_dose(text)
    assert (float(dose), dose.unit, dose.basis, dose.text) == (value, unit, basis, written)
    assert parse_dose(dose.text) == dose


@pytest.mark.parametrize(
    "text",
    [
        "5",
        5,
        True,
        None,
        "5 kg",
        "5 mg/m3",
        "5 mg/kg/day",
        "5 /m2",
        "5 mg/ m2 x",
        "6000 mg",
        "-1 IU",
        "0 IU/kg",
        "5 iu",
    ],
)
def test_refuses(text: object) -> None:
    with pytest.raises(PydanticCustomError):
        parse_dose(text)


@given(
    st.decimals("0.001", "999", places=3),
    st.sampled_from(["mg", "ug", "mcg", "IU", "mg/day"]),
    st.sampled_from(["", "/m2", "/kg"]),
)
def test_text_goes_round(number: object, unit: str, suffix: str) -> None:
    text = f"{number} {unit}" if unit == "mg/day" else f"{number} {unit}{suffix}"
    dose = parse_dose(text)
    again = parse_dose(dose.text)
    assert (again, again.text, hash(again)) == (dose, dose.text, hash(dose))
    assert dose.text.split()[1] == text.split()[1]
    assert float(dose.text.split()[0]) == float(str(number))
    for same in (pickle.loads(pickle.dumps(dose)), copy.deepcopy(dose), copy.copy(dose)):
        assert (same, same.text, type(same)) == (dose, dose.text, Amount)


def test_equal_doses_are_of_one_basis() -> None:
    assert parse_dose("300 ug") == parse_dose("0.3 mg") == 0.3
    assert parse_dose("5 mg") != parse_dose("5 mg/m2")
    assert parse_dose("5 mg") != parse_dose("5 IU")
    assert len({parse_dose("5 mg"), parse_dose("5 mg/kg"), parse_dose("5000 ug")}) == 2


def test_numbers_in_a_unit() -> None:
    assert parse_dose("0.3 mg").within("ug") == 300.0
    assert parse_dose("300 ug").plus(parse_dose("0.15 mg")).text == "450 ug"
    assert Amount.of(300.0, "ug") == parse_dose("0.3 mg")
    with pytest.raises(ValueError, match="5 IU is no dose in mg"):
        parse_dose("5 IU").within("mg")


@pytest.mark.parametrize(
    ("text", "minutes", "written"),
    [("4 h", 240, "4 h"), ("90 min", 90, "90 min"), ("0.5 h", 30, "30 min"), ("0 h", 0, "0 h")],
)
def test_spans(text: str, minutes: int, written: str) -> None:
    assert CLOCK.parse_whole(text) == minutes
    assert format_span(minutes) == written
    assert CLOCK.parse_whole(written) == minutes


@pytest.mark.parametrize("text", ["25 h", "-1 h", "4", 4, "1.5 min", "4 days"])
def test_refuses_spans(text: object) -> None:
    with pytest.raises(PydanticCustomError):
        CLOCK.parse(text)


def test_hours() -> None:
    assert parse_hours([0, 12]) == (0, 12)
    assert parse_hours([0, 6, 12, 18]) == (0, 6, 12, 18)
    assert parse_hours(6) == (6,)


@pytest.mark.parametrize("hours", [[], [12, 0], [0, 0], [24], [8], [True], ["0"], "0, 12", None, {}])
def test_refuses_hours(hours: object) -> None:
    with pytest.raises(PydanticCustomError, match="expected hours of the day out of 0, 6, 12, 18"):
        parse_hours(hours)


def test_every_drug_says_how_it_is_given() -> None:
    for name, drug in drugs().items():
        assert isinstance(drug, Drug)
        assert drug.name == name
        assert drug.max_daily > 0
        assert parse_hours(list(drug.hours)) == drug.hours
        assert list(drug.levels) == sorted(drug.levels)
        assert [float(level.within(drug.unit)) for level in drug.ladder()] == list(drug.levels)
    rescue = [drug for drug in drugs().values() if drug.rescue is not None]
    assert sorted(str(drug.rescue) for drug in rescue) == ["flare", "neutropenia"]  # one drug for each
    assert all(drug.steroid == (drug.rescue == "flare") for drug in rescue)
    assert [drug.unit for drug in rescue if drug.rescue == "neutropenia"] == ["ug"]
