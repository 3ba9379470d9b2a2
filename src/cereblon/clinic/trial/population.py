"""Who is in the trial: the printed baseline table and the limits of entry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from cereblon.documents.base import Age, Document, Percent, Size, Text, problem
from cereblon.documents.quantities import Clearance, Count

Lines = Annotated[float, Field(strict=True, ge=0, le=30)]


class AgeTable(Document):
    """Printed age, years."""

    median: Age
    range: tuple[Age, Age] | None = None

    @model_validator(mode="after")
    def _ordered(self) -> AgeTable:
        _inside(self.median, self.range)
        return self


class LinesTable(Document):
    """Printed number of earlier lines of therapy."""

    median: Lines
    range: tuple[Lines, Lines] | None = None

    @model_validator(mode="after")
    def _ordered(self) -> LinesTable:
        _inside(self.median, self.range)
        return self


def _inside(median: float, span: tuple[float, float] | None) -> None:
    if span is not None and not span[0] <= median <= span[1]:
        raise problem(f"the median {median:g} is not inside the range {span[0]:g} to {span[1]:g}", ("range",))


def _pairs(value: object) -> object:
    # a mapping in the document, sorted pairs inside: the population stays hashable
    return tuple(sorted(value.items())) if isinstance(value, Mapping) else value


Denominators = Annotated[
    tuple[tuple[str, Size], ...],
    BeforeValidator(_pairs),
    PlainSerializer(dict, return_type=dict[str, int], when_used="json"),
    WithJsonSchema({"type": "object", "additionalProperties": {"type": "integer", "minimum": 1}}),
]


class Printed(Document):
    """Further items of the baseline table; None is "not printed". Percent of `of` (default: all subjects).

    `of` is for the reader: the cohort is drawn to the percentage. Bulky nodes are those found by CT, or by hand in
    a trial with `nodes_by: palpation`, and are larger than `bulky_cm` where that is printed.
    """

    del17p_pct: Percent | None = None
    del11q_pct: Percent | None = None
    del17p_or_del11q_pct: Percent | None = None
    tp53_pct: Percent | None = None
    trisomy12_pct: Percent | None = None
    del13q_pct: Percent | None = None
    ighv_unmutated_pct: Percent | None = None
    zap70_pct: Percent | None = None
    cd38_pct: Percent | None = None
    rai_3_4_pct: Percent | None = None
    binet_c_pct: Percent | None = None
    ecog_0_pct: Percent | None = None
    ecog_2_pct: Percent | None = None
    bulky_pct: Percent | None = None
    bulky_cm: Annotated[float, Field(strict=True, gt=0, le=50, description="cm")] | None = None
    fludarabine_refractory_pct: Percent | None = None
    alc_median: Count | None = None
    b2m_median: Annotated[float, Field(strict=True, gt=0, le=60, description="mg/L")] | None = None
    crcl_median: Clearance | None = None
    hemoglobin_median: Annotated[float, Field(strict=True, gt=3, le=22, description="g/dL")] | None = None
    platelets_median: Count | None = None
    anc_median: Count | None = None
    igg_median: Annotated[float, Field(strict=True, gt=0, le=10_000, description="mg/dL")] | None = None
    ldh_median: Annotated[float, Field(strict=True, gt=0, le=50, description="upper limits of normal")] | None = None
    spd_median: Annotated[float, Field(strict=True, gt=0, le=5_000, description="cm2")] | None = None
    ldi_median: Annotated[float, Field(strict=True, gt=0, le=50, description="cm")] | None = None
    of: Denominators = ()
    """Field name -> number of subjects it was measured in, where that is not everyone; `dict(printed.of)`."""

    @model_validator(mode="after")
    def _above_zero(self) -> Printed:
        for name in ("alc_median", "platelets_median", "anc_median"):
            if getattr(self, name) == 0.0:
                raise problem("0: expected a median above 0", (name,))
        return self

    @model_validator(mode="after")
    def _bulk(self) -> Printed:
        if self.bulky_cm is not None and self.bulky_pct is None:
            raise problem("a size of bulky nodes needs their share, bulky_pct", ("bulky_cm",))
        return self

    @model_validator(mode="after")
    def _denominators(self) -> Printed:
        for name, _ in self.of:
            if name == "of" or name not in type(self).model_fields or getattr(self, name) is None:
                raise problem(f"a denominator is given for {name}, which is not printed here", ("of", name))
        return self


class Eligibility(Document):
    """Limits of entry; None is "no limit stated". `words`: limits that virtual patients do not carry."""

    age_min: Age | None = None
    age_max: Age | None = None
    crcl_min: Clearance | None = None
    crcl_max: Clearance | None = None
    creatinine_max_mg_dl: Annotated[float, Field(strict=True, gt=0.3, le=20)] | None = None
    anc_min: Count | None = None
    platelets_min: Count | None = None
    hemoglobin_min: Annotated[float, Field(strict=True, gt=3, le=22, description="g/dL")] | None = None
    ecog_max: Annotated[int, Field(strict=True, ge=0, le=4)] | None = None
    lines_min: Annotated[int, Field(strict=True, ge=0, le=30)] | None = None
    lines_max: Annotated[int, Field(strict=True, ge=0, le=30)] | None = None
    words: Text | None = None
    """Limits that the virtual patients do not carry, for the reader."""

    @model_validator(mode="after")
    def _ordered(self) -> Eligibility:
        for low, high in (("age_min", "age_max"), ("crcl_min", "crcl_max"), ("lines_min", "lines_max")):
            a, b = getattr(self, low), getattr(self, high)
            if a is not None and b is not None and a > b:
                raise problem(f"{low} {a:g} is above {high} {b:g}", (low,))
        if self.age_min is not None and self.age_min == self.age_max:
            raise problem(f"age_min and age_max are both {self.age_min:g}: expected a span of ages", ("age_max",))
        return self


class Population(Document):
    """The cohort: how many, its printed baseline, and who may enter."""

    size: Size
    age: AgeTable
    male_pct: Percent | None = None
    prior_lines: LinesTable | None = None
    printed: Printed = Printed()
    eligibility: Eligibility = Eligibility()

    @model_validator(mode="after")
    def _consistent(self) -> Population:
        low, high = self.eligibility.age_min, self.eligibility.age_max
        if low is not None and self.age.median < low:
            raise problem(f"the median age {self.age.median:g} is below age_min {low:g}", ("age", "median"))
        if high is not None and self.age.median > high:
            raise problem(f"the median age {self.age.median:g} is above age_max {high:g}", ("age", "median"))
        return self
