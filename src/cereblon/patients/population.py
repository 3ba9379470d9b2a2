"""What a trial's baseline table says of its population: the input of a virtual cohort."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType

from cereblon.errors import CereblonError, nearest

PRINTED_SHARES: Mapping[str, str] = MappingProxyType(
    {
        "male_pct": "male",
        "ighv_unmutated_pct": "ighv_unmutated",
        "del17p_pct": "del17p",
        "tp53_pct": "tp53",
        "del11q_pct": "del11q",
        "del17p_or_del11q_pct": "del17p_or_del11q",
        "trisomy12_pct": "trisomy12",
        "del13q_pct": "del13q",
        "zap70_pct": "zap70",
        "cd38_pct": "cd38",
        "rai_3_4_pct": "rai_3_4",
        "binet_c_pct": "binet_c",
        "bulky_pct": "bulky",
        "fludarabine_refractory_pct": "fludarabine_refractory",
        "ecog_0_pct": "ecog_0",
        "ecog_2_pct": "ecog_2",
    }
)
"""Printed percentage (0-100) -> the yes-or-no trait it counts."""

PRINTED_MEDIANS: Mapping[str, str] = MappingProxyType(
    {
        "alc_median": "alc",
        "hemoglobin_median": "hemoglobin",
        "platelets_median": "platelets",
        "anc_median": "anc0",
        "b2m_median": "b2m",
        "igg_median": "igg_mg_dl",
        "ldh_median": "ldh",
        "spd_median": "spd0",
        "ldi_median": "ldi0",
        "crcl_median": "crcl",
    }
)
"""Printed median -> trait. Counts 1e9/L, hemoglobin g/dL, b2m mg/L, igg mg/dL, ldh in upper limits, spd cm2,
ldi cm, crcl mL/min."""

PRINTED = (*PRINTED_SHARES, *PRINTED_MEDIANS)
"""Every key that `Population.printed` may hold."""


Loc = tuple[str, ...]


class PopulationError(CereblonError):
    """A population that no virtual cohort can have: `loc` is the field of a trial document, `what` the words."""

    def __init__(self, loc: Loc, what: str) -> None:
        self.loc, self.what = loc, what
        super().__init__(f"{'.'.join(loc)}: {what}")


def item_loc(name: str) -> Loc:
    """Return the field of a trial document that holds a printed item or a matched median."""
    own = {"age_median": ("age", "median"), "prior_lines_median": ("prior_lines", "median"), "male_pct": (name,)}
    return ("population", *own.get(name, ("printed", name)))


@dataclass(frozen=True)
class Printed:
    """A printed median with its range; what was not printed is None."""

    median: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Eligibility:
    """Entry limits; None is no limit. Ages in years, clearance mL/min, counts 1e9/L, hemoglobin g/dL."""

    age_min: float | None = None
    age_max: float | None = None
    crcl_min: float | None = None
    crcl_max: float | None = None
    creatinine_max_mg_dl: float | None = None
    anc_min: float | None = None
    platelets_min: float | None = None
    hemoglobin_min: float | None = None
    ecog_max: float | None = None
    lines_min: float | None = None
    lines_max: float | None = None


@dataclass(frozen=True)
class Population:
    """A trial's population as printed.

    `printed` maps the keys of `PRINTED` to numbers (percentages 0-100, medians in the units there).
    `bulky_cm` is the largest-node cut behind ``bulky_pct``; `bulky_by` says whether it was found on CT
    (``ct``) or by hand (``examination``).
    """

    size: int
    age: Printed = Printed()
    prior_lines: Printed = Printed()
    printed: Mapping[str, float] = field(default_factory=dict)
    eligibility: Eligibility = Eligibility()
    bulky_cm: float | None = None
    bulky_by: str = "ct"

    def __post_init__(self) -> None:
        if self.size < 1:
            raise PopulationError(("population", "size"), f"{self.size} is too small, expected at least 1")
        if self.bulky_by not in ("ct", "examination"):
            what = f"{self.bulky_by!r} is unknown, expected ct or examination"
            raise PopulationError(("population", "bulky_by"), what)
        for name, value in self.printed.items():
            if name not in PRINTED:
                raise PopulationError(item_loc(name), f"unknown key{nearest(name, PRINTED)}")
            if name in PRINTED_SHARES and not 0 <= value <= 100:
                raise PopulationError(item_loc(name), f"{value:g} is outside 0-100 %")
            if name in PRINTED_MEDIANS and not value > 0:
                raise PopulationError(item_loc(name), f"{value:g}: expected a positive number")
        for name, item in (("age", self.age), ("prior_lines", self.prior_lines)):
            known = [x for x in (item.low, item.median, item.high) if x is not None]
            if known != sorted(known):
                said = ", ".join(f"{value:g}" for value in known)
                raise PopulationError(("population", name), f"expected low <= median <= high, got {said}")

    def key(self) -> str:
        """Return a text that is equal for equal populations, whatever the order of the printed items."""
        content = {
            "size": self.size,
            "age": asdict(self.age),
            "prior_lines": asdict(self.prior_lines),
            "printed": sorted((name, float(value)) for name, value in self.printed.items()),
            "eligibility": asdict(self.eligibility),
            "bulky": (self.bulky_cm, self.bulky_by),
        }
        return repr(content)
