"""Quantities: what is read, in which unit it is stored, and that text and number go round."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from cereblon.documents.doses import DOSE
from cereblon.documents.quantities import (
    CLEARANCE,
    COUNT,
    TIME,
    Dimension,
    format_cycles,
    format_numbers,
    parse_numbers,
)

READ: list[tuple[Dimension, str, float]] = [
    (DOSE, "5 mg", 5.0),
    (DOSE, " 2.5mg ", 2.5),
    (DOSE, "10 mg/day", 10.0),
    (DOSE, "300 ug", 0.3),
    (DOSE, "0.3 g", 300.0),
    (TIME, "56 days", 56.0),
    (TIME, "1 day", 1.0),
    (TIME, "8 weeks", 56.0),
    (COUNT, "1.0e9/L", 1.0),
    (COUNT, "1.5 x10^9/L", 1.5),
    (COUNT, "30 G/L", 30.0),
    (COUNT, "1500 /uL", 1.5),
    (COUNT, "50000 /mm3", 50.0),
    (COUNT, "0 e9/L", 0.0),
    (CLEARANCE, "60 mL/min", 60.0),
]


@pytest.mark.parametrize(("dimension", "text", "value"), READ)
def test_reads(dimension: Dimension, text: str, value: float) -> None:
    assert dimension.parse(text) == value


REFUSED: list[tuple[Dimension, object]] = [
    (DOSE, "5"), (DOSE, 5), (DOSE, True), (DOSE, None), (DOSE, "mg"), (DOSE, "5 mg mg"), (DOSE, "5 MG"),
    (DOSE, "-5 mg"), (DOSE, "0 mg"), (DOSE, "1e99 mg"), (DOSE, "nan mg"), (DOSE, "5,5 mg"),
    (DOSE, "5 mg" + " " * 99),
    (DOSE, "٥ mg"), (TIME, "2.5 days"), (TIME, "0 days"), (TIME, "1 month"), (TIME, "9999 days"),
    (COUNT, "-1 e9/L"), (COUNT, "1.0e9"), (COUNT, "1.0e13/L"), (CLEARANCE, "60"), (CLEARANCE, "999 mL/min"),
]  # fmt: skip


@pytest.mark.parametrize(("dimension", "text"), REFUSED)
def test_refuses(dimension: Dimension, text: object) -> None:
    with pytest.raises(PydanticCustomError):
        dimension.parse(text)


@given(st.floats(min_value=1e-6, max_value=1400.0))
def test_dose_and_count_go_round(value: float) -> None:
    shown = float(f"{value:.9f}")
    if shown > 0:
        for dimension in (DOSE, COUNT):
            assert dimension.parse(dimension.format(shown)) == pytest.approx(shown, rel=1e-12)


@given(st.lists(st.integers(1, 400), min_size=1, unique=True))
def test_numbers_go_round(days: list[int]) -> None:
    numbers = tuple(sorted(days))
    assert parse_numbers(format_numbers(numbers)) == numbers if len(format_numbers(numbers)) <= 400 else True


def test_numbers() -> None:
    assert parse_numbers("1-3, 8") == (1, 2, 3, 8)
    assert parse_numbers(15) == (15,)
    assert parse_numbers([1, 8]) == (1, 8)
    assert parse_numbers("every day") is None
    assert format_numbers(None) == "every day"
    assert format_cycles(None) == "all"
    assert format_cycles(tuple(np.arange(1, 4).tolist())) == "1-3"


@pytest.mark.parametrize(
    "text", ["", "0-3", "3-1", "1-2, 2", "8, 1", "1--3", "1.5", True, [1, "2"], "1-99999", {}, "x"]
)
def test_refuses_numbers(text: object) -> None:
    with pytest.raises(PydanticCustomError):
        parse_numbers(text)


@pytest.mark.parametrize(
    ("dimension", "text", "value"),
    [
        (DOSE, "2500 \u03bcg", 2.5),
        (DOSE, "2500 \u00b5g", 2.5),
        (DOSE, "2500 mcg", 2.5),
        (DOSE, "2.5\u00a0mg", 2.5),
        (DOSE, "2.5\u202fmg", 2.5),
        (COUNT, "1.0\u00d710\u2079/L", 1.0),
        (COUNT, "1.0 \u00d7 10\u2079/L", 1.0),
        (COUNT, "1000/\u03bcL", 1.0),
        (COUNT, "1000/\u00b5L", 1.0),
        (COUNT, "1000/mm\u00b3", 1.0),
        (COUNT, "20 \u00d7 10\u2079/L", 20.0),
    ],
)
def test_signs_of_papers_and_word_processors(dimension: Dimension, text: str, value: float) -> None:
    assert dimension.parse(text) == pytest.approx(value)


@pytest.mark.parametrize(
    ("dimension", "text"),
    [
        (DOSE, "\u22125 mg"),
        (DOSE, "5\u200bmg"),
        (DOSE, "\uff15 mg"),
        (DOSE, "5 \uff4dg"),
        (DOSE, "5\u2075 mg"),
        (DOSE, "\u00bd mg"),
        (DOSE, "5 \u043cg"),
        (DOSE, "2.5\u20135 mg"),
        (COUNT, "10\u2079/L"),
        (COUNT, "1.0\u00b710\u2079/L"),
        (COUNT, "1.0 109/L"),
    ],
)
def test_look_alikes_that_could_mean_something_else_are_refused(dimension: Dimension, text: str) -> None:
    with pytest.raises(PydanticCustomError):
        dimension.parse(text)


@pytest.mark.parametrize("text", ["1\u201321", "1\u221221", "1\u201021", "1\u00a0\u2013\u00a021"])
def test_a_span_of_days_with_the_dash_of_a_paper(text: str) -> None:
    assert parse_numbers(text) == tuple(range(1, 22))
