"""What is read of the model: `biology/readings.tsv`, one row for each quantity that the site or a table reads.

The lists of the clinic (what a visit and an assessment read, with what error) and of the visits table (codes, labels,
units, days) are taken from its rows, so that a name of the model stands in one place.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from cereblon.errors import CereblonError, nearest, printable

TABLE: Final = "readings.tsv"
COLUMNS: Final = (
    "code", "quantity", "label", "unit", "error", "noise", "role", "when", "log", "graded", "meaning",
)  # fmt: skip
ROLES: Final = ("response", "site", "lysis")
"""Who reads it: a response assessment, the site at a visit, the rules of tumour lysis among these."""
WHEN: Final = ("", "count", "month", "week-then-month")
"""When the visits table has it: never, with a blood count, every 28 days, weekly at first."""
COUNT, WEEKLY_FIRST = WHEN[1], WHEN[3]


@dataclass(frozen=True)
class Quantity:
    """One row: a quantity of the model that somebody reads.

    code: its PARAMCD in the visits table, "" where it has none; quantity: its name in the model; unit: of the value;
    errors: ids of the site's numbers with the error of its measurement, SD of the logarithm, none where the true value
    is taken; noises: names of the draws that they are multiplied with; roles: of `ROLES`; when: of `WHEN`; log:
    whether a log axis shows it best; graded: the adverse event that is graded by it, "" for none; meaning: in a line.
    """

    code: str
    quantity: str
    label: str
    unit: str
    errors: tuple[str, ...]
    noises: tuple[str, ...]
    roles: tuple[str, ...]
    when: str
    log: bool
    graded: str
    meaning: str

    @property
    def error(self) -> str:
        """The one number with the error of its measurement. Raises CereblonError where there is none or several."""
        if len(self.errors) != 1:
            raise CereblonError(f"{TABLE}: {self.quantity}: error: expected one number, found {len(self.errors)}")
        return self.errors[0]

    @property
    def measured(self) -> bool:
        """Whether the visits table holds it with the error of a measurement."""
        return self.when == COUNT


@cache
def readings() -> tuple[Quantity, ...]:
    """Return the rows of the packaged table, in its order, which is that of the visits table."""
    return read(files("cereblon").joinpath("biology", TABLE).read_text(encoding="utf-8"))


def read(text: str) -> tuple[Quantity, ...]:
    """Return the rows of a table of readings. Raises CereblonError with the line of what is wrong."""
    reader = csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    header = tuple(reader.fieldnames or ())
    if header != COLUMNS:
        raise CereblonError(f"{TABLE}:1: columns {', '.join(header)}: expected {', '.join(COLUMNS)}")
    found: list[Quantity] = []
    for line, row in enumerate(reader, start=2):
        one = _quantity({name: row[name] or "" for name in COLUMNS}, f"{TABLE}:{line}")
        for field in ("code", "quantity"):
            value = getattr(one, field)
            if value and value in (getattr(other, field) for other in found):
                raise CereblonError(f"{TABLE}:{line}: {field} '{value}' is given twice")
        found.append(one)
    return tuple(found)


def _quantity(row: Mapping[str, str], place: str) -> Quantity:
    for field in ("quantity", "label", "unit", "meaning"):
        if not row[field]:
            raise CereblonError(f"{place}: {field} is empty: expected text")
    errors, noises, roles = (_words(row[name]) for name in ("error", "noise", "role"))
    for field, given, known in (
        *(("role", role, ROLES) for role in roles),
        ("when", row["when"], WHEN),
        ("log", row["log"], ("", "yes")),
    ):
        if given not in known:
            expected = ", ".join(word or "nothing" for word in known)
            raise CereblonError(f"{place}: {field} '{printable(given)}': expected {expected}{nearest(given, known)}")
    if bool(row["code"]) != bool(row["when"]):
        raise CereblonError(f"{place}: code and when belong together: expected both or neither")
    if bool(errors) != bool(noises):
        raise CereblonError(f"{place}: error and noise belong together: expected both or neither")
    return Quantity(
        code=row["code"],
        quantity=row["quantity"],
        label=row["label"],
        unit=row["unit"],
        errors=errors,
        noises=noises,
        roles=roles,
        when=row["when"],
        log=row["log"] == "yes",
        graded=row["graded"],
        meaning=row["meaning"],
    )


def _words(cell: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in cell.split(",") if word.strip())


def of_role(role: str) -> tuple[str, ...]:
    """Return the quantities that a role of `ROLES` reads, in the order of the table."""
    return tuple(row.quantity for row in readings() if role in row.roles)


def by_quantity() -> Mapping[str, Quantity]:
    """Return the rows by the name of the quantity."""
    return {row.quantity: row for row in readings()}
