"""Who may enter a trial, and the age and earlier lines its baseline table implies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from cereblon.patients.documents import load_documents
from cereblon.patients.joint import Levers, Traits
from cereblon.patients.population import Population, PopulationError

Booleans = NDArray[np.bool_]
YOUNGEST, OLDEST = 18.0, 110.0
"""Ages that the cohort may have, years: adults; the limits of an age in a trial document."""
ROUNDING: Final = 12.0**-0.5
"""SD of what an age printed in whole years leaves out, years: that of a uniform year."""


class Limit(NamedTuple):
    """One limit of entry: its field, the trait it is about, and the lowest and highest value that may enter."""

    field: str
    trait: str
    low: float | None
    high: float | None

    def met(self, traits: Traits) -> Booleans:
        """Return (m,) whether each candidate is inside the limit."""
        value = traits[self.trait]
        low, high = -np.inf if self.low is None else self.low, np.inf if self.high is None else self.high
        return np.asarray((value >= low) & (value <= high))


def limits_of(population: Population) -> tuple[Limit, ...]:
    """Return the limits of entry that a population states."""
    given = population.eligibility
    every = (
        Limit("age_min", "age", given.age_min, None),
        Limit("age_max", "age", None, given.age_max),
        Limit("crcl_min", "crcl", given.crcl_min, None),
        Limit("crcl_max", "crcl", None, given.crcl_max),
        Limit("creatinine_max_mg_dl", "creatinine", None, given.creatinine_max_mg_dl),
        Limit("anc_min", "anc0", given.anc_min, None),
        Limit("platelets_min", "platelets", given.platelets_min, None),
        Limit("hemoglobin_min", "hemoglobin", given.hemoglobin_min, None),
        Limit("ecog_max", "ecog", None, given.ecog_max),
        Limit("lines_min", "prior_lines", given.lines_min, None),
        Limit("lines_max", "prior_lines", None, given.lines_max),
    )
    return tuple(limit for limit in every if limit.low is not None or limit.high is not None)


def eligible(traits: Traits, setting: str, population: Population, e: Mapping[str, float]) -> Booleans:
    """Return (m,) whether each candidate may enter: plausible, diseased, inside the limits; `e`: the effects."""
    stated = population.eligibility
    t = traits
    keep: Booleans = t["ffm"] <= e["ffm.most"] * t["weight"]
    if setting != "after_induction":
        spleen, node = t["spleen_volume0"] > e["rai.spleen"], t["ldi0"] > e["rai.node"]
        keep = keep & ((t["alc"] >= e["screen.alc"]) | node | spleen)
    if stated.hemoglobin_min is None:
        keep = keep & (t["hemoglobin"] >= e["screen.hemoglobin"])
    if stated.platelets_min is None:
        keep = keep & (t["platelets"] >= e["screen.platelets"])
    for limit in limits_of(population):
        keep = keep & limit.met(t)
    return keep


def refuse_few(traits: Traits, setting: str, population: Population, share: float, least: float) -> None:
    """Raise PopulationError at the limit that keeps most candidates out when only `share` may enter, not `least`."""
    if share >= least:
        return
    expected = f"expected limits that at least {100 * least:g} % of them meet"
    whose = f"{setting} patients of this age"
    passed = {limit.field: float(limit.met(traits).mean()) for limit in limits_of(population)}
    if not passed:
        what = f"only {100 * share:.2g} % of {whose} may enter by the limits that every trial has, {expected}"
        raise PopulationError(("population", "printed"), what)
    field = min(passed, key=passed.__getitem__)
    alone = f" ({100 * passed[field]:.2g} % by this limit alone)" if len(passed) > 1 else ""
    what = f"only {100 * share:.2g} % of {whose} may enter{alone}, {expected}"
    raise PopulationError(("population", "eligibility", field), what)


def spread_of_range(low: float, high: float, size: int) -> float:
    """Return the SD whose expected range in `size` subjects runs from `low` to `high`."""
    return (high - low) / (2.0 * float(ndtri((size - 0.375) / (size + 0.25))))


def age_levers(population: Population, setting: str) -> tuple[float, float, float, float]:
    """Return mean, SD and limits of the truncated normal of age whose median is the printed one."""
    margin, age, limits = load_documents().margins[setting]["age"], population.age, population.eligibility
    low, high, sd = margin.low, margin.high, margin.spread
    if age.low is not None and age.high is not None:
        sd = max(spread_of_range(age.low, age.high, max(population.size, 2)), ROUNDING)
        wider = sd / np.sqrt(population.size)
        low, high = age.low - wider, age.high + wider
    elif age.median is not None:
        low, high = min(low, age.median - 2.0 * sd), max(high, age.median + 2.0 * sd)
    low = max(low, YOUNGEST, limits.age_min if limits.age_min is not None else low)
    high = min(high, OLDEST, limits.age_max if limits.age_max is not None else high)
    if low >= high:
        field = "age_min" if limits.age_min is not None else "age_max"
        what = f"the limits leave nobody between {low:g} and {high:g} years: expected a span of ages, such as 65 to 66"
        raise PopulationError(("population", "eligibility", field), what)
    median = age.median
    if median is None:
        return margin.value, sd, low, high
    if not low < median < high:
        what = f"{median:g}: expected a median above {low:g} and below {high:g} years, the limits of this cohort"
        raise PopulationError(("population", "age", "median"), what)

    def excess(mean: float) -> float:
        a, b = ndtr((low - mean) / sd), ndtr((high - mean) / sd)
        return float(ndtr((median - mean) / sd) - 0.5 * (a + b))

    # Further out the normal hardly bends inside the limits, and its tail no longer has digits.
    ends = low - 4.0 * sd, high + 4.0 * sd
    if excess(ends[0]) * excess(ends[1]) > 0:
        return median, sd, low, high
    return float(brentq(excess, *ends)), sd, low, high


def lines_levers(population: Population, setting: str, effects: Mapping[str, float]) -> tuple[int, int, float]:
    """Return smallest and largest number of earlier lines, and the chance of stopping at each."""
    margin, stop = load_documents().margins[setting]["prior_lines"], effects["lines.stop"]
    lines, limits = population.prior_lines, population.eligibility
    if setting == "untreated":
        return 0, 0, stop
    if setting == "after_induction" and lines.median is None:
        return int(margin.value), int(margin.value), stop
    low = int(max(x for x in (lines.low, limits.lines_min, margin.value if lines.low is None else 0) if x is not None))
    high = int(
        min(x for x in (lines.high, limits.lines_max, margin.high if lines.high is None else None) if x is not None)
    )
    high = max(high, low)
    if lines.median is None or lines.median <= low:
        return low, high, stop
    median = min(int(np.ceil(lines.median)), high)

    def excess(p: float) -> float:
        # Half of the subjects below the middle of the printed value, so that samples print it again.
        q = 1.0 - p
        whole = 1.0 - q ** (high - low + 1)
        return float(2.0 - q ** (median - low) - q ** (median - low + 1) - whole)

    return low, high, float(brentq(excess, 1e-6, 1.0 - 1e-9)) if excess(1e-6) < 0 else 1e-6


def first_levers(population: Population, setting: str, effects: Mapping[str, float] | None = None) -> Levers:
    """Return the levers before any printed share or median has moved them; effects: default the packaged ones."""
    e = {**load_documents().effects, **(effects or {})}
    mean, sd, low, high = age_levers(population, setting)
    least, most, stop = lines_levers(population, setting, e)
    return Levers(
        age_mean=mean, age_sd=sd, age_low=low, age_high=high,
        lines_low=least, lines_high=most, lines_stop=stop,
        bulky_cm=e["bulky.node"] if population.bulky_cm is None else population.bulky_cm,
        bulky_found=1.0 if population.bulky_by == "ct" else e["bulky.examined"],
        effects=e,
    )  # fmt: skip
