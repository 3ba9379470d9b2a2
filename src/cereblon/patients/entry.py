"""Who may enter a trial, and the age and earlier lines its baseline table implies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from cereblon.errors import CereblonError
from cereblon.patients.documents import load_documents
from cereblon.patients.joint import Levers, Traits
from cereblon.patients.population import Population

Booleans = NDArray[np.bool_]


def eligible(traits: Traits, setting: str, population: Population) -> Booleans:
    """Return (m,) whether each candidate may enter: plausible, diseased, inside the trial's limits."""
    e, limits = load_documents().effects, population.eligibility
    t = traits
    keep: Booleans = t["ffm"] <= e["ffm.most"] * t["weight"]
    if setting != "after_induction":
        spleen, node = t["spleen_volume0"] > e["rai.spleen"], t["ldi0"] > e["rai.node"]
        keep = keep & ((t["alc"] >= e["screen.alc"]) | node | spleen)
    hemoglobin, platelets = limits.hemoglobin_min, limits.platelets_min
    keep = keep & (t["hemoglobin"] >= (e["screen.hemoglobin"] if hemoglobin is None else hemoglobin))
    keep = keep & (t["platelets"] >= (e["screen.platelets"] if platelets is None else platelets))
    for name, low, high in (
        ("age", limits.age_min, limits.age_max),
        ("crcl", limits.crcl_min, limits.crcl_max),
        ("creatinine", None, limits.creatinine_max_mg_dl),
        ("anc0", limits.anc_min, None),
        ("ecog", None, limits.ecog_max),
        ("prior_lines", limits.lines_min, limits.lines_max),
    ):
        if low is not None:
            keep = keep & (t[name] >= low)
        if high is not None:
            keep = keep & (t[name] <= high)
    return keep


def spread_of_range(low: float, high: float, size: int) -> float:
    """Return the SD whose expected range in `size` subjects runs from `low` to `high`."""
    return (high - low) / (2.0 * float(ndtri((size - 0.375) / (size + 0.25))))


def age_levers(population: Population, setting: str) -> tuple[float, float, float, float]:
    """Return mean, SD and limits of the truncated normal of age whose median is the printed one."""
    margin, age, limits = load_documents().margins[setting]["age"], population.age, population.eligibility
    low, high, sd = margin.low, margin.high, margin.spread
    if age.low is not None and age.high is not None:
        sd = spread_of_range(age.low, age.high, max(population.size, 2))
        wider = sd / np.sqrt(population.size)
        low, high = age.low - wider, age.high + wider
    elif age.median is not None:
        low, high = min(low, age.median - 2.0 * sd), max(high, age.median + 2.0 * sd)
    low = max(low, limits.age_min if limits.age_min is not None else low)
    high = min(high, limits.age_max if limits.age_max is not None else high)
    if low >= high:
        raise CereblonError(f"population.eligibility: age limits leave nobody between {low:g} and {high:g} years")
    median = age.median
    if median is None:
        return margin.value, sd, low, high
    if not low < median < high:
        raise CereblonError(f"population.age.median: {median:g} is outside the limits {low:g}-{high:g} years")

    def excess(mean: float) -> float:
        a, b = ndtr((low - mean) / sd), ndtr((high - mean) / sd)
        return float(ndtr((median - mean) / sd) - 0.5 * (a + b))

    # Further out the normal hardly bends inside the limits, and its tail no longer has digits.
    ends = low - 4.0 * sd, high + 4.0 * sd
    if excess(ends[0]) * excess(ends[1]) > 0:
        return median, sd, low, high
    return float(brentq(excess, *ends)), sd, low, high


def lines_levers(population: Population, setting: str) -> tuple[int, int, float]:
    """Return smallest and largest number of earlier lines, and the chance of stopping at each."""
    documents = load_documents()
    margin, stop = documents.margins[setting]["prior_lines"], documents.effects["lines.stop"]
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


def first_levers(population: Population, setting: str) -> Levers:
    """Return the levers before any printed share or median has moved them."""
    e = load_documents().effects
    mean, sd, low, high = age_levers(population, setting)
    least, most, stop = lines_levers(population, setting)
    return Levers(
        age_mean=mean, age_sd=sd, age_low=low, age_high=high,
        lines_low=least, lines_high=most, lines_stop=stop,
        bulky_cm=e["bulky.node"] if population.bulky_cm is None else population.bulky_cm,
        bulky_found=1.0 if population.bulky_by == "ct" else e["bulky.examined"],
    )  # fmt: skip
