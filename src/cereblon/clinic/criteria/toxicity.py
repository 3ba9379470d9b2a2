"""Haematologic toxicity: CTCAE and iwCLL grades, and rates per patient and per cycle.

Grades follow endpoints.md section 3. The grading functions use operators only, so that NumPy and JAX arrays
both work, inside a compiled cycle or on finished tables. Shapes broadcast; a missing count (NaN) grades 0.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cereblon.clinic.rules import Numbers

Values: TypeAlias = Any
"""A NumPy or JAX array of any shape."""
System = Literal["ctcae", "iwcll"]


def _steps(value: Values, *limits: float) -> Values:
    """Return how many of `limits` the value is below: the grade, as int32."""
    return sum(((value < limit).astype("int32") for limit in limits[1:]), (value < limits[0]).astype("int32"))


def grade_anc(anc: Values, site: Numbers) -> Values:
    """Return the CTCAE neutrophil grade 0-4 (v3 = v4 = v5; TG010). `anc` in 1e9/L."""
    return _steps(anc, site["normal_anc"], 1.5, site["dose_limiting_anc"], site["grade4_anc"])


def grade_platelets(platelets: Values, site: Numbers) -> Values:
    """Return the CTCAE platelet grade 0-4 (TG011). `platelets` in 1e9/L."""
    limits = (site["dose_limiting_platelets"], site["grade4_platelets"])
    return _steps(platelets, site["normal_platelets"], 75.0, *limits)


def grade_hemoglobin(hemoglobin: Values, site: Numbers) -> Values:
    """Return the CTCAE v3 hemoglobin grade 0-4 (TG012). `hemoglobin` in g/dL."""
    return _steps(hemoglobin, site["normal_hemoglobin"], 10.0, 8.0, 6.5)


def grade_anc_iwcll(anc: NDArray[np.floating], baseline: NDArray[np.floating]) -> NDArray[np.int_]:
    """Return the iwCLL neutrophil grade 0-4; -1, not evaluable, where baseline ANC < 1.0 (TG002-TG008)."""
    return np.where(baseline < 1.0, -1, _steps(anc, 2.0, 1.5, 1.0, 0.5)).astype(int)


def grade_fall_iwcll(
    value: NDArray[np.floating], baseline: NDArray[np.floating], kind: Literal["platelets", "hemoglobin"], site: Numbers
) -> NDArray[np.int_]:
    """Return the iwCLL grade of a fall in platelets or hemoglobin, by percent of baseline (TG001-TG009).

    The count must also be below normal. Platelets under 20 are grade 4, and not evaluable (-1) when the
    baseline was already about that low.
    """
    normal = site[f"normal_{kind}"]
    percent_left = 100.0 * value / np.maximum(baseline, 1e-9)
    # grade 1 is a fall of at least 11 percent, 2 of 25, 3 of 50, 4 of 75
    grade = sum((percent_left <= left).astype(int) for left in (89.0, 75.0, 50.0, 25.0))
    grade = np.where(value < normal, grade, 0)
    if kind == "platelets":
        grade = np.where(value < 20.0, 4, grade)
        grade = np.where(baseline <= 20.0, -1, grade)
    return np.asarray(grade, dtype=int)


def patients_with(grades: NDArray[np.integer], at_least: int = 3) -> float:
    """Return the percent of subjects with the grade at any visit. `grades` (visits, n)."""
    if grades.shape[1] == 0:
        return float("nan")
    return float(100.0 * (grades >= at_least).any(axis=0).mean())


def cycles_with(
    grades: NDArray[np.integer], cycle: NDArray[np.integer], given: NDArray[np.bool_], at_least: int = 3
) -> float:
    """Return the percent of treatment cycles with the grade.

    grades (visits, n); cycle (visits,) number of the cycle a visit falls in, from 0; given (cycles, n) says
    whether any dose was taken in the cycle. The denominator is cycles given, over all subjects.
    """
    events = np.zeros(given.shape, dtype=bool)
    for number in range(given.shape[0]):
        events[number] = (grades[cycle == number] >= at_least).any(axis=0)
    total = int(given.sum())
    return float(100.0 * (events & given).sum() / total) if total else float("nan")
