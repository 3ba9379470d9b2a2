"""Where a registry entry comes from and what its report printed.

Published outcomes are data for comparison and display only. No part of the simulation reads them:
`Trial.blind()` is what a run is given.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from cereblon.documents.base import Document, Key, Number, Size, Text, Whole, problem

Confidence = Literal["read", "derived", "recalled"]
"""read: seen in the source; derived: follows from figures read; recalled: from memory, never a limit."""

ENDPOINTS: dict[str, str] = {
    "orr": "percent with a response (CR, CRi, nPR or PR)",
    "cr": "percent with a complete response, CRi counted where the report counts it",
    "pr": "percent with a partial response, nodular PR included",
    "pfs_median": "median progression-free survival, months",
    "neutropenia_g34": "percent of patients with neutropenia of grade 3-4 in any cycle",
    "neutropenia_g34_cycles": "percent of treatment cycles with neutropenia of grade 3-4",
    "thrombocytopenia_g34": "percent of patients with thrombocytopenia of grade 3-4 in any cycle",
    "tls": "percent of patients with tumour lysis syndrome",
    "tfr": "percent of patients with tumour flare of any grade",
}
"""The endpoints every run reports; a report may print more, under keys of its own."""


class Citation(Document):
    """The report of a trial."""

    authors: Text
    journal: Text
    year: Annotated[int, Field(strict=True, ge=1950, le=2100)]
    volume: Text | None = None
    issue: Text | None = None
    pages: Text | None = None
    doi: Annotated[str, StringConstraints(pattern=r"^10\.\d{4,9}/\S+$")] | None = None
    pmid: Annotated[str, StringConstraints(pattern=r"^\d{1,9}$")] | None = None
    note: Text | None = None


class Figure(Document):
    """One printed figure. Percent 0-100 for rates, months for times.

    Exactly one of `value`, `below` (print shows only that it is smaller), `not_reached` (a median) is given.
    """

    value: Number | None = None
    below: Number | None = None
    not_reached: bool = False
    n: Whole | None = None
    of: Size | None = None
    source: Key
    confidence: Confidence = "read"
    note: Text | None = None

    @model_validator(mode="after")
    def _one_reading(self) -> Figure:
        given = (self.value is not None) + (self.below is not None) + self.not_reached
        if given != 1:
            raise problem("expected exactly one of value, below and not_reached")
        if self.n is not None and self.of is None:
            raise problem("expected the denominator `of` beside `n`")
        if self.n is not None and self.of is not None and self.n > self.of:
            raise problem(f"n {self.n} is larger than its denominator {self.of}")
        return self


class Published(Figure):
    """The figure that a run is compared with, and other figures printed for the same endpoint.

    `arm` None: the figure is for the pooled trial. `basis` says what the denominator counts.
    """

    endpoint: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    arm: Key | None = None
    basis: Literal["patients", "cycles"] = "patients"
    also: tuple[Figure, ...] = ()

    @model_validator(mode="after")
    def _percent(self) -> Published:
        if not self.in_months and self.value is not None and self.value > 100:
            raise problem(f"{self.value:g} is not a percentage: expected 0 to 100", ("value",))
        return self

    @property
    def in_months(self) -> bool:
        """Whether the figure is a time in months; all others are percentages."""
        return self.endpoint.endswith(("_median", "_months"))


class Assumption(Document):
    """A choice the report leaves open: the document field, what was chosen, and why."""

    field: Text
    choice: Text
    why: Text


class Source(Document):
    """A source that figures and choices point to by id."""

    id: Key
    what: Text
    url: Annotated[str, StringConstraints(pattern=r"^https?://\S+$")] | None = None
