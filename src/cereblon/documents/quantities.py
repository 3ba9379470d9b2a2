"""Quantities as people write them in a trial file: a number and its unit, "56 days", "1.0e9/L"; doses: `doses`.

The text is matched against a fixed pattern and a fixed table of units; nothing is evaluated. A bare number is
refused, because a dose without a unit is the classic transcription error. Values are stored as plain floats
in one unit per dimension (days, 1e9/L, mL/min) and written back as text in that unit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, PlainSerializer, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from cereblon.errors import nearest

NUMBER = r"[+-]?[0-9]{1,12}(?:\.[0-9]{1,12})?(?:[eE][+-]?[0-9]{1,2})?"
_PATTERN = re.compile(rf"({NUMBER})\s*(.*)")
_LONGEST = 60  # characters; anything longer is not a quantity
AS_STORED: Final[dict[str, Any]] = {"numbers": "stored"}
"""Validation context under which a quantity may also be a bare number in its stored unit: values of a document."""
_SIGNS = str.maketrans({"\u03bc": "u", "\u00b5": "u", "\u2212": "-", "\u00d7": "x"})
_RAISED = str.maketrans("\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079", "0123456789")
_EXPONENT = re.compile("(?<=10)[\u2070\u00b9\u00b2\u00b3\u2074-\u2079]+")
_DASHES = str.maketrans("\u2212\u2013\u2010\u2011", "----")  # minus sign, en dash, hyphen, hyphen without a break


@dataclass(frozen=True)
class Dimension:
    """One kind of quantity: its stored unit, the units it may be written in, the range that is sane."""

    name: str
    unit: str
    example: str
    factors: Mapping[str, str]  # unit as written -> exact factor to the stored unit
    low: float
    high: float
    low_included: bool = False
    whole: bool = False

    def parse(self, text: object) -> float:
        """Return `text` as a number in the stored unit.

        A bare number is refused. Raises PydanticCustomError; the loader turns it into a message with line and
        column.
        """
        if isinstance(text, bool) or not isinstance(text, (str, int, float)):
            raise self._refuse(f"expected {self.name} with its unit, such as '{self.example}'")
        if not isinstance(text, str):
            raise self._refuse(f"has no unit: expected {self.name} such as '{self.example}'")
        match = _PATTERN.fullmatch(plain(text)) if len(text) <= _LONGEST else None
        if match is None:
            raise self._refuse(f"expected {self.name} such as '{self.example}'")
        number, unit = match.group(1), match.group(2).strip()
        if unit not in self.factors:
            found = f"unit '{unit}'" if unit else "no unit"
            choices = ", ".join(self.factors)
            raise self._refuse(f"has {found}: expected {self.name} in {choices}{nearest(unit, self.factors)}")
        value = float(Decimal(number) * Decimal(self.factors[unit]))
        below = value < self.low or (value == self.low and not self.low_included)
        if below or value > self.high:
            span = f"from {self.low:g}" if self.low_included else f"above {self.low:g}"
            limits = f"{span} and at most {self.high:g} {self.unit}"
            raise self._refuse(f"is out of range: expected {self.name} {limits}")
        if self.whole and value != int(value):
            raise self._refuse(f"expected a whole number of {self.unit}")
        return value

    def parse_whole(self, text: object) -> int:
        """`parse` for dimensions counted in whole units."""
        return int(self.parse(text))

    def format(self, value: float) -> str:
        """Return `value` (stored unit) as text that `parse` reads back to the same number."""
        number = repr(float(value)).removesuffix(".0")
        gap = "" if self.unit.startswith("e") else " "
        return f"{number}{gap}{self.unit}"

    def schema(self) -> dict[str, object]:
        """Return the JSON Schema of the text form."""
        units = "|".join(re.escape(unit) for unit in self.factors)
        return {
            "type": "string",
            "pattern": rf"^\s*{NUMBER}\s*({units})\s*$",
            "examples": [self.example],
            "description": f"{self.name}, stored in {self.unit}",
        }

    def _refuse(self, why: str) -> PydanticCustomError:
        # braces in user text must not be read as a template, so the words travel as context
        return PydanticCustomError("quantity", "{why}", {"why": why})


TIME = Dimension(
    "a time", "days", "28 days",
    {"days": "1", "day": "1", "d": "1", "weeks": "7", "week": "7", "w": "7"},
    low=0.0, high=3650.0, whole=True,
)  # fmt: skip
COUNT = Dimension(
    "a blood count", "e9/L", "1.0e9/L",
    {"e9/L": "1", "x10^9/L": "1", "10^9/L": "1", "x1e9/L": "1", "1e9/L": "1", "G/L": "1", "/L": "1e-9",
     "/uL": "1e-3", "/mm3": "1e-3"},
    low=0.0, high=1500.0, low_included=True,
)  # fmt: skip
CLEARANCE = Dimension(
    "a creatinine clearance", "mL/min", "60 mL/min", {"mL/min": "1", "ml/min": "1"}, low=0.0, high=200.0
)


def _reader(dimension: Dimension) -> Callable[[object, ValidationInfo], float]:
    """Return the validator of a field: text with a unit, or the stored number where `AS_STORED` says so."""

    def read(value: object, info: ValidationInfo) -> float:
        if info.context is AS_STORED and isinstance(value, (int, float)) and not isinstance(value, bool):
            value = dimension.format(value)
        return dimension.parse_whole(value) if dimension.whole else dimension.parse(value)

    return read


Time = Annotated[
    int,
    BeforeValidator(_reader(TIME)),
    PlainSerializer(TIME.format, return_type=str, when_used="json"),
    WithJsonSchema(TIME.schema()),
]
"""Whole days, written "28 days"."""
Count = Annotated[
    float,
    BeforeValidator(_reader(COUNT)),
    PlainSerializer(COUNT.format, return_type=str, when_used="json"),
    WithJsonSchema(COUNT.schema()),
]
"""Blood count in 1e9/L, written "1.0e9/L"."""
Clearance = Annotated[
    float,
    BeforeValidator(_reader(CLEARANCE)),
    PlainSerializer(CLEARANCE.format, return_type=str, when_used="json"),
    WithJsonSchema(CLEARANCE.schema()),
]
"""Creatinine clearance in mL/min, written "60 mL/min"."""


def plain(text: str) -> str:
    """Return a quantity with the signs of word processors and papers as those of a keyboard.

    Micro sign and Greek mu become u, the minus sign a hyphen, the multiplication sign an x, a raised exponent ^9, and
    spaces of any width spaces. Digits of other scripts stay, and are refused.
    """
    text = text.translate(_SIGNS).replace("mm\u00b3", "mm3").replace("m\u00b2", "m2")
    text = _EXPONENT.sub(lambda found: "^" + found.group().translate(_RAISED), text)
    return " ".join(text.split()).replace("x 10^", "x10^")


def parse_numbers(text: object) -> tuple[int, ...] | None:
    """Return the day or cycle numbers of "1-21", "1-5, 8-12", "15" or a list; None for "every day" / "all".

    Numbers count from 1, ascending and without repeats. Raises PydanticCustomError.
    """
    expected = "expected day or cycle numbers such as '1-21', '1, 8, 15' or 'every day'"
    if text is None or text in ("every day", "all"):
        return None
    if isinstance(text, int) and not isinstance(text, bool):
        text = [text]
    if isinstance(text, str):
        text = text.translate(_DASHES)
    if isinstance(text, (list, tuple)):
        numbers = [n for n in text if isinstance(n, int) and not isinstance(n, bool)]
        if len(numbers) != len(text):
            raise PydanticCustomError("numbers", "{why}", {"why": expected})
    elif isinstance(text, str) and len(text) <= 400 and re.fullmatch(r"[0-9\s,-]+", text):
        numbers = []
        for part in text.split(","):
            ends = re.fullmatch(r"\s*([0-9]{1,4})\s*(?:-\s*([0-9]{1,4})\s*)?", part)
            if ends is None:
                raise PydanticCustomError("numbers", "{why}", {"why": expected})
            first, last = int(ends.group(1)), int(ends.group(2) or ends.group(1))
            if last < first:
                raise PydanticCustomError("numbers", "{why}", {"why": f"runs backwards: {part.strip()}"})
            numbers.extend(range(first, last + 1))
    else:
        raise PydanticCustomError("numbers", "{why}", {"why": expected})
    if not numbers or min(numbers) < 1 or max(numbers) > 3650 or sorted(set(numbers)) != numbers:
        raise PydanticCustomError("numbers", "{why}", {"why": "expected rising numbers from 1, none twice"})
    return tuple(numbers)


def format_numbers(numbers: tuple[int, ...] | None) -> str:
    """Return numbers as text that `parse_numbers` reads back: (1, 2, 3, 8) -> "1-3, 8"."""
    if numbers is None:
        return "every day"
    runs: list[list[int]] = []
    for n in numbers:
        if runs and n == runs[-1][-1] + 1:
            runs[-1].append(n)
        else:
            runs.append([n])
    return ", ".join(f"{r[0]}-{r[-1]}" if len(r) > 1 else str(r[0]) for r in runs)


def format_cycles(numbers: tuple[int, ...] | None) -> str:
    """`format_numbers` with the word "all" for every cycle."""
    return "all" if numbers is None else format_numbers(numbers)


_NUMBERS_SCHEMA = {
    "anyOf": [
        {"type": "string", "pattern": r"^(every day|all|[0-9\s,-]+)$", "examples": ["1-21", "1, 8, 15"]},
        {"type": "integer", "minimum": 1},
        {"type": "array", "items": {"type": "integer", "minimum": 1}},
        {"type": "null"},
    ]
}
Days = Annotated[
    tuple[int, ...] | None,
    BeforeValidator(parse_numbers),
    PlainSerializer(format_numbers, return_type=str, when_used="json"),
    WithJsonSchema(_NUMBERS_SCHEMA),
]
"""Days of a cycle counted from 1, written "1-21", "1, 8, 15" or "every day" (None)."""
Cycles = Annotated[
    tuple[int, ...] | None,
    BeforeValidator(parse_numbers),
    PlainSerializer(format_cycles, return_type=str, when_used="json"),
    WithJsonSchema(_NUMBERS_SCHEMA),
]
"""Numbers of cycles counted from 1, written "1-6" or "all" (None)."""
