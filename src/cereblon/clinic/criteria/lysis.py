"""Tumour lysis: laboratory definitions of Cairo-Bishop 2004 and Howard 2011, clinical grade by creatinine.

Rules of endpoints.md section 4 (TL001-TL008). Operators only: NumPy and JAX arrays both work.
Uric acid mg/dL; potassium, phosphate, calcium mmol/L; creatinine as multiple of the upper limit of normal.
"""

from __future__ import annotations

from collections.abc import Mapping

from cereblon.clinic.criteria.toxicity import Values
from cereblon.clinic.rules import Numbers
from cereblon.readings import of_role

ANALYTES = of_role("lysis")
"""What lysed cells set free, and calcium, which falls."""


def abnormal(
    values: Mapping[str, Values], site: Numbers, baseline: Mapping[str, Values] | None = None
) -> dict[str, Values]:
    """Return for each analyte whether it is beyond its limit, or 25 percent from its baseline if given."""
    beyond: dict[str, Values] = {}
    change = site["lysis_change"]
    for name in ANALYTES:
        limit, value = site[f"lysis_{name}"], values[name]
        low = name == "calcium"
        beyond[name] = (value <= limit) if low else (value >= limit)
        if baseline is not None:
            start = baseline[name]
            moved = value <= (1.0 - change) * start if low else value >= (1.0 + change) * start
            beyond[name] = beyond[name] | moved
    return beyond


def laboratory(values: Mapping[str, Values], site: Numbers, baseline: Mapping[str, Values] | None = None) -> Values:
    """Return whether two or more analytes are abnormal at once.

    With `baseline`: Cairo-Bishop. Without: Howard, who dropped the 25 percent rule (same 24 h).
    """
    flags = abnormal(values, site, baseline)
    count = flags[ANALYTES[0]].astype("int32")
    for name in ANALYTES[1:]:
        count = count + flags[name].astype("int32")
    return count >= 2


def clinical_grade(is_laboratory: Values, creatinine: Values, rise: Values, site: Numbers) -> Values:
    """Return the Cairo-Bishop grade 0-4 by creatinine (int32); 0 without laboratory lysis.

    creatinine: multiple of the upper limit; rise: ratio to the subject's own baseline, which must have risen
    too, so that an old kidney disease is not taken for lysis. Seizure and arrhythmia are not simulated.
    """
    limit = site["lysis_creatinine"]
    grade = (creatinine >= limit).astype("int32") + (creatinine > limit).astype("int32")
    for name in ("lysis_creatinine_grade3", "lysis_creatinine_grade4"):
        grade = grade + (creatinine > site[name]).astype("int32")
    return grade * (is_laboratory & (rise >= site["lysis_creatinine_rise"])).astype("int32")


def risk_class(longest_node: Values, alc: Values) -> Values:
    """Return 0 low, 1 medium, 2 high before treatment (TL009-TL011). Node in cm, ALC in 1e9/L."""
    medium = (longest_node >= 5.0) | (alc >= 25.0)
    high = (longest_node >= 10.0) | ((longest_node >= 5.0) & (alc >= 25.0))
    return medium.astype("int32") + high.astype("int32")
