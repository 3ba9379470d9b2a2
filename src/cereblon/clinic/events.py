"""Time to event and adverse-event rows of n subjects, from what the clinic and the tracker recorded.

Endpoints of endpoints.md section 5. Days are counted from the first dose; everything is cut at each
subject's data cut, which censors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cereblon import columns
from cereblon.clinic.codes import DEATH_WORDS, OFF_WORDS, Off
from cereblon.clinic.toxicity import grade_anc, grade_hemoglobin, grade_platelets

Floats = NDArray[np.float64]
Array = NDArray[Any]
CYCLE = columns.DAYS_PER_CYCLE
AFTER_LAST_DOSE = 28  # days after the last dose in which an adverse event is still reported [assumed]


@dataclass(frozen=True)
class Times:
    """One endpoint: time in days, censored 1 or event 0, and what happened, each (n,)."""

    time: Floats
    censored: NDArray[np.int8]
    reason: NDArray[np.str_]


def time_to_event(
    clinic: Mapping[str, Array],
    progressed_day: Floats,
    response_day: Floats,
    last_assessed: Floats,
    cut: Floats,
) -> dict[str, Times]:
    """Return PFS, OS, TTF and DOR by name.

    clinic: final state of `decide`; progressed_day, response_day, last_assessed: of the tracker, NaN = never;
    cut: day of the data cut. DOR has NaN time for subjects without a response; it counts from the response.
    """
    dead = np.asarray(clinic["dead"]) > 0
    death = np.where(dead, np.asarray(clinic["death_day"], dtype=float), np.inf)
    death = np.where(death <= cut, death, np.inf)
    causes = np.array([DEATH_WORDS[c] for c in DEATH_WORDS])
    death_words = causes[np.asarray(clinic["death_cause"]).astype(int)]
    progressed = _day_or_never(progressed_day, cut)

    off = (np.asarray(clinic["off"]) > 0) & (np.asarray(clinic["off_day"]) <= cut)
    off_day = np.where(off, np.asarray(clinic["off_day"], dtype=float), np.inf)
    # treatment that ended as planned did not fail
    failed = off & (np.asarray(clinic["off_reason"]).astype(int) != Off.COMPLETED)
    stop_words = np.array([OFF_WORDS[c] for c in OFF_WORDS])[np.asarray(clinic["off_reason"]).astype(int)]

    event = np.minimum(progressed, death)
    seen = np.minimum(last_assessed, cut)
    words = np.where(progressed <= death, "progression", death_words)
    pfs = _times(event, seen, words, "last assessment")
    stopped = np.where(failed, off_day, np.inf)
    fail = np.minimum(np.minimum(progressed, death), stopped)
    why = np.where(stopped <= np.minimum(progressed, death), stop_words, words)
    responded = np.isfinite(_day_or_never(response_day, cut))
    dor = Times(
        time=np.where(responded, pfs.time - np.nan_to_num(response_day), np.nan),
        censored=pfs.censored,
        reason=pfs.reason,
    )
    return {
        columns.PFS: pfs,
        columns.OS: _times(death, cut, death_words, "data cut"),
        columns.TTF: _times(fail, cut, why, "data cut"),
        columns.DOR: dor,
    }


def _day_or_never(day: Floats, cut: Floats) -> Floats:
    """Return the day, or infinity where it never came (NaN) or came after the data cut."""
    return np.where(np.isnan(day) | (day > cut), np.inf, day)


def _times(event: Floats, censor: Floats, words: Array, otherwise: str) -> Times:
    happened = np.isfinite(event)
    return Times(
        time=np.where(happened, event, censor),
        censored=(~happened).astype(np.int8),
        reason=np.where(happened, words, otherwise).astype(np.str_),
    )


def adverse_events(weekly: Mapping[str, Array], cut: Floats) -> dict[str, Array]:
    """Return adverse events as columns: one row per subject, event and 28-day cycle, with its worst grade.

    weekly: the clinic's state at the end of each week, (weeks, n): counted, anc_measured,
    platelets_measured, hemoglobin_measured, flare_week, lysis_laboratory_week, lysis_clinical_week,
    infection_week, febrile_week, dose_mg, dead, death_day. Events from the first dose to 28 days after the
    last one are reported. Columns: "subject" (row number 0..n-1), ASTDY, AETERM, AETOXGR, AECYCLE; grade 1
    and 2 counts are included. Rows are ordered by subject, cycle, then term.
    """
    weeks = len(np.asarray(weekly["dose_mg"]))
    start: Floats = 7.0 * np.arange(weeks, dtype=np.float64)
    on = _reported(np.asarray(weekly["dose_mg"]) > 0, start) & (start[:, None] < cut)
    counted = np.asarray(weekly["counted"]) > 0
    lysis_grade = np.maximum(np.asarray(weekly["lysis_clinical_week"]), 3)
    grades: dict[str, Array] = {
        columns.NEUTROPENIA: grade_anc(np.asarray(weekly["anc_measured"])) * counted,
        columns.THROMBOCYTOPENIA: grade_platelets(np.asarray(weekly["platelets_measured"])) * counted,
        columns.ANEMIA: grade_hemoglobin(np.asarray(weekly["hemoglobin_measured"])) * counted,
        columns.FEBRILE_NEUTROPENIA: np.asarray(weekly["infection_week"]) * (np.asarray(weekly["febrile_week"]) > 0),
        columns.INFECTION: np.asarray(weekly["infection_week"]),
        columns.TUMOR_FLARE: np.asarray(weekly["flare_week"]),
        # CTCAE: tumour lysis is grade 3 when present
        columns.TUMOR_LYSIS: np.where(np.asarray(weekly["lysis_clinical_week"]) > 0, lysis_grade, 0),
        columns.LABORATORY_LYSIS: 3.0 * np.asarray(weekly["lysis_laboratory_week"]),
    }
    found = [
        _rows(term, order, np.asarray(grade).astype(int) * on, start)
        for order, (term, grade) in enumerate(grades.items())
    ]
    table = {name: np.concatenate([rows[name] for rows in found]) for name in found[0]}
    ranked = np.lexsort((table["order"], table[columns.AECYCLE], table["subject"]))
    del table["order"]
    return {name: values[ranked] for name, values in table.items()}


def _reported(dosed: NDArray[np.bool_], start: Floats) -> NDArray[np.bool_]:
    """Return in which weeks events are reported: up to 28 days after the last dose, (weeks, n)."""
    last = np.where(dosed, start[:, None] + 6.0, -np.inf).max(axis=0)
    return np.asarray(start[:, None] <= last + AFTER_LAST_DOSE)


def _rows(term: str, order: int, grade: NDArray[np.int_], start: Floats) -> dict[str, Array]:
    """Return one row per subject and cycle with a grade above 0."""
    weeks, n = grade.shape
    cycles = -(-weeks // 4)
    padded = np.zeros((cycles * 4, n), dtype=int)
    padded[:weeks] = grade
    by_cycle = padded.reshape(cycles, 4, n)
    worst = by_cycle.max(axis=1)
    first_week = (by_cycle > 0).argmax(axis=1) + 4 * np.arange(cycles)[:, None]
    cycle, subject = np.nonzero(worst)
    days = start[np.minimum(first_week[cycle, subject], weeks - 1)]
    return {
        "subject": subject.astype(np.int64),
        columns.ASTDY: days.astype(np.int64) + 1,
        columns.AETERM: np.full(len(subject), term),
        columns.AETOXGR: worst[cycle, subject].astype(np.int8),
        columns.AECYCLE: cycle.astype(np.int64) + 1,
        "order": np.full(len(subject), order),
    }
