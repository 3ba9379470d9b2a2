"""Doses as protocols write them: "5 mg", "375 mg/m2", "1.5 mg/kg", "300 ug", "6000 IU"; when in a day they are given.

A dose remembers the unit and the basis that it was written in, so that it is written back as it was read.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, PlainSerializer, PlainValidator, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from cereblon.documents.quantities import AS_STORED, NUMBER, Dimension, plain

Basis = Literal["flat", "per_m2", "per_kg"]
"""What a dose is counted by: nothing, square metres of body surface, or kilograms of body weight."""
_BASES: Final[dict[str, Basis]] = {"": "flat", "/m2": "per_m2", "/kg": "per_kg"}
_SUFFIX: Final[dict[str, str]] = {basis: suffix for suffix, basis in _BASES.items()}
_MASS = {"mg": "1", "ug": "1e-3", "mcg": "1e-3", "g": "1e3"}
_WHOLE_DAY = ("/day", "/d")

DOSE = Dimension(
    "a dose", "mg", "5 mg",
    {"mg": "1", "mg/day": "1", "mg/d": "1", "ug": "1e-3", "mcg": "1e-3", "g": "1e3"}
    | {unit + basis: factor for basis in ("/m2", "/kg") for unit, factor in _MASS.items()},
    low=0.0, high=5000.0,
)  # fmt: skip
ACTIVITY = Dimension("a dose", "IU", "6000 IU", {"IU": "1", "IU/m2": "1", "IU/kg": "1"}, low=0.0, high=1e9)
"""Doses of what is measured by its activity; they are no mass and convert into none."""
CLOCK = Dimension(
    "hours or minutes", "min", "4 h", {"h": "60", "hour": "60", "hours": "60", "min": "1"},
    low=0.0, high=1440.0, low_included=True, whole=True,
)  # fmt: skip
HOURS: Final = (0, 6, 12, 18)
"""Hours of the day at which a dose can be given, counted from the day's first one."""


class Amount(float):
    """A dose: as a number, the milligrams (international units where the unit is IU) for each unit of its basis.

    unit: as written, such as "ug"; basis: what it is counted by. Doses of different basis are never equal; with a
    plain number it compares as a number.
    """

    __slots__ = ("basis", "unit")
    unit: str
    basis: Basis

    def __new__(cls, value: float, unit: str = "mg", basis: Basis = "flat") -> Amount:
        """Return the dose of `value` mg (or IU), to be written in `unit`."""
        made = super().__new__(cls, value)
        made.unit, made.basis = unit, basis
        return made

    @classmethod
    def of(cls, number: float, unit: str, basis: Basis = "flat") -> Amount:
        """Return the dose of `number` of a unit, exact in decimals."""
        factor = (ACTIVITY if unit == ACTIVITY.unit else DOSE).factors[unit]
        return cls(float(Decimal(repr(float(number))) * Decimal(factor)), unit, basis)

    def __getnewargs__(self) -> tuple[float, str, Basis]:  # type: ignore[override]
        """Return what a copy is made of."""
        return float(self), self.unit, self.basis

    def __eq__(self, other: object) -> bool:
        """Return whether both are the same dose; "300 ug" and "0.3 mg" are."""
        if isinstance(other, Amount) and self.kind != other.kind:
            return False
        return float.__eq__(self, other) is True

    def __ne__(self, other: object) -> bool:
        """Return whether the doses differ."""
        return not self == other

    def __hash__(self) -> int:
        """Return the hash of the number."""
        return float.__hash__(self)

    def __repr__(self) -> str:
        """Return the dose as written, in quotes."""
        return f"Amount({self.text!r})"

    @property
    def kind(self) -> tuple[bool, Basis]:
        """What makes two doses comparable: whether they are counted by activity, and their basis."""
        return self.unit == ACTIVITY.unit, self.basis

    @property
    def whole_day(self) -> bool:
        """Whether it was written as the dose of a whole day, "10 mg/day"."""
        return self.unit.endswith(_WHOLE_DAY)

    @property
    def text(self) -> str:
        """The dose as a document writes it."""
        number = repr(self._number(self.unit)).removesuffix(".0")
        return f"{number} {self.unit}{_SUFFIX[self.basis]}"

    def within(self, unit: str) -> float:
        """Return the number in `unit`, "mg", "ug" or "IU"; a mass has none in IU, nor the reverse (ValueError)."""
        if (unit == ACTIVITY.unit) != (self.unit == ACTIVITY.unit):
            raise ValueError(f"{self.text} is no dose in {unit}")
        return self._number(unit)

    def like(self, value: float) -> Amount:
        """Return another number of mg (or IU), written in the same unit and basis."""
        return Amount(value, self.unit, self.basis)

    def plus(self, step: Amount) -> Amount:
        """Return the sum of two doses of one kind, exact in decimals."""
        return self.like(float(Decimal(repr(float(self))) + Decimal(repr(float(step)))))

    def _number(self, unit: str) -> float:
        factor = (ACTIVITY if unit == ACTIVITY.unit else DOSE).factors[unit]
        return float(Decimal(repr(float(self))) / Decimal(factor))


def parse_dose(text: object) -> Amount:
    """Return a dose from its text; a dose that is one already is kept. Raises PydanticCustomError."""
    if isinstance(text, Amount):
        return text
    if not isinstance(text, str):
        return Amount(DOSE.parse(text))
    found = re.fullmatch(rf"{NUMBER}\s*(.*?)(/m2|/kg)?", plain(text)) if len(text) <= 60 else None
    unit = found.group(1).strip() if found is not None else ""
    dimension = ACTIVITY if unit == ACTIVITY.unit else DOSE
    value = dimension.parse(text)
    suffix = found.group(2) if found is not None else None
    return Amount(value, unit, _BASES[suffix or ""])


def _read_dose(value: object, info: ValidationInfo) -> Amount:
    if info.context is AS_STORED and isinstance(value, (int, float)) and not isinstance(value, (bool, Amount)):
        value = DOSE.format(value)
    return parse_dose(value)


def _schema() -> dict[str, object]:
    units = "|".join([*DOSE.factors, *ACTIVITY.factors])
    return {
        "type": "string",
        "pattern": rf"^\s*{NUMBER}\s*({units})\s*$",
        "examples": [DOSE.example, "375 mg/m2", "1.5 mg/kg"],
        "description": "a dose: flat, per m2 of body surface or per kg of body weight",
    }


Dose = Annotated[
    Amount,
    PlainValidator(_read_dose),
    PlainSerializer(lambda dose: dose.text, return_type=str, when_used="json"),
    WithJsonSchema(_schema()),
]
"""A dose, written "5 mg", "375 mg/m2" or "1.5 mg/kg"; milligrams (or IU) as a number."""


def _read_span(value: object, info: ValidationInfo) -> int:
    if info.context is AS_STORED and isinstance(value, int) and not isinstance(value, bool):
        value = CLOCK.format(value)
    return CLOCK.parse_whole(value)


def format_span(minutes: int) -> str:
    """Return minutes as a document writes them: "4 h" for whole hours, else "90 min"."""
    return CLOCK.format(minutes) if minutes % 60 else f"{minutes // 60} h"


Span = Annotated[
    int,
    BeforeValidator(_read_span),
    PlainSerializer(format_span, return_type=str, when_used="json"),
    WithJsonSchema(CLOCK.schema()),
]
"""Minutes that an infusion takes, written "4 h" or "90 min"."""


def parse_hours(value: object) -> tuple[int, ...]:
    """Return the hours of a day from a list of them, rising and out of `HOURS`. Raises PydanticCustomError."""
    hours = tuple(value) if isinstance(value, (list, tuple)) else (value,)
    if not hours or any(isinstance(h, bool) or h not in HOURS for h in hours) or list(hours) != sorted(set(hours)):
        why = f"expected hours of the day out of {', '.join(map(str, HOURS))}, rising, such as [0, 12]"
        raise PydanticCustomError("quantity", "{why}", {"why": why})
    return tuple(int(h) for h in hours)


Hours = Annotated[
    tuple[int, ...],
    PlainValidator(parse_hours),
    WithJsonSchema(
        {"type": "array", "items": {"enum": list(HOURS)}, "minItems": 1, "uniqueItems": True, "examples": [[0, 12]]}
    ),
]
"""Hours of the day at which doses are given, of 0, 6, 12 and 18; 0 is the time of the first dose of a day."""
