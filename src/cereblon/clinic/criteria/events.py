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
from cereblon.clinic.criteria.toxicity import grade_anc, grade_hemoglobin, grade_platelets
from cereblon.clinic.rules import Numbers

Floats = NDArray[np.float64]
Array = NDArray[Any]
Grades = NDArray[np.int_]
Flags = NDArray[np.bool_]
WEEKS = columns.DAYS_PER_CYCLE // 7  # of a cycle


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


def adverse_events(weekly: Mapping[str, Array], cut: Floats, site: Numbers) -> dict[str, Array]:
    """Return adverse events as columns: a row per subject, event, 28-day cycle and grade reached in it.

    weekly: the clinic's state at the end of each week, (weeks, n): counted, anc_measured,
    platelets_measured, hemoglobin_measured, flare_week, lysis_laboratory_week, lysis_clinical_week, lysis_day,
    infection_week, febrile_week, dosed, last_dose_day, dead, death_day; cut: day of the data cut, (n,).
    Columns: "subject" (row number 0..n-1), ASTDY, AETERM, AETOXGR, AECYCLE, TRTEMFL; grade 1 and 2 counts are
    included. Within a cycle a row stands for each grade above the ones before it, with the day on which it was
    first seen, so the worst grade and the onset of every grade can be read. TRTEMFL "N": a count or lysis of
    before the first dose, for as long as it lasts and is not worse. Events up to 28 days after the last dose are
    reported. Rows are ordered by subject, cycle, term, flag and day.
    """
    dosed = np.asarray(weekly["dosed"]) > 0
    start: Floats = 7.0 * np.arange(len(dosed), dtype=np.float64)
    on = _reported(dosed, np.asarray(weekly["last_dose_day"], dtype=float), start, cut, site)
    grades = _grades(weekly, site)
    found = []
    for order, (term, (grade, judged)) in enumerate(grades.items()):
        emerged = _emerged(grade, judged, _before(term, weekly, dosed))
        for flag, rows in (("N", grade * ~emerged), ("Y", grade * emerged)):
            found.append(_rows(term, flag, order, rows * on, start))
    table = {name: np.concatenate([rows[name] for rows in found]) for name in found[0]}
    keys = (columns.ASTDY, columns.TRTEMFL, "order", columns.AECYCLE, "subject")
    ranked = np.lexsort(tuple(table[key] for key in keys))
    del table["order"]
    return {name: values[ranked] for name, values in table.items()}


def _grades(weekly: Mapping[str, Array], site: Numbers) -> dict[str, tuple[Grades, Flags]]:
    """Return of each event its grade in each week and whether it was looked for then, both (weeks, n)."""
    start = 7.0 * np.arange(len(np.asarray(weekly["counted"])))[:, None]
    # the state of the last week: who died on a day was not seen on it
    last = np.where(np.asarray(weekly["dead"])[-1] > 0, np.asarray(weekly["death_day"], dtype=float)[-1], np.inf)
    counted = (np.asarray(weekly["counted"]) > 0) & (start < last)
    always = np.ones_like(counted)
    clinical = np.asarray(weekly["lysis_clinical_week"])
    infection = np.asarray(weekly["infection_week"])
    grades: dict[str, tuple[Array, Flags]] = {
        columns.NEUTROPENIA: (grade_anc(np.asarray(weekly["anc_measured"]), site) * counted, counted),
        columns.THROMBOCYTOPENIA: (grade_platelets(np.asarray(weekly["platelets_measured"]), site) * counted, counted),
        columns.ANEMIA: (grade_hemoglobin(np.asarray(weekly["hemoglobin_measured"]), site) * counted, counted),
        columns.FEBRILE_NEUTROPENIA: (infection * (np.asarray(weekly["febrile_week"]) > 0), always),
        columns.INFECTION: (infection, always),
        columns.TUMOR_FLARE: (np.asarray(weekly["flare_week"]), always),
        # CTCAE: tumour lysis is grade 3 when present
        columns.TUMOR_LYSIS: (np.where(clinical > 0, np.maximum(clinical, 3), 0), always),
        columns.LABORATORY_LYSIS: (3.0 * np.asarray(weekly["lysis_laboratory_week"]), always),
    }
    return {term: (np.asarray(grade).astype(int), judged) for term, (grade, judged) in grades.items()}


def _before(term: str, weekly: Mapping[str, Array], dosed: Flags) -> Flags:
    """Return the weeks whose finding is from before the first dose, (weeks, n).

    Blood is taken before the dose of the day, so a count in the week of the first dose is one of before it; a
    lysis is when its first day is no later. What a week shows otherwise began after the dose.
    """
    week = np.arange(len(dosed))[:, None]
    first = np.where(dosed.any(axis=0), dosed.argmax(axis=0), len(dosed))
    if term in (columns.NEUTROPENIA, columns.THROMBOCYTOPENIA, columns.ANEMIA):
        return np.asarray(week <= first)
    early = week < first
    if term in (columns.TUMOR_LYSIS, columns.LABORATORY_LYSIS):
        day = np.asarray(weekly["lysis_day"], dtype=float)
        early = early | ((week == first) & (day >= 0) & (day <= 7.0 * first))
    return np.asarray(early)


def _emerged(grade: Grades, judged: Flags, before: Flags) -> Flags:
    """Return the weeks with a treatment-emergent grade, (weeks, n).

    A finding of before the first dose lasts until a later reading is normal; while it lasts only a grade above
    it has emerged under treatment. Of several readings before the dose the last one is the baseline.
    """
    week = np.arange(len(grade))[:, None]
    last = np.where(judged & before, week, -1).max(axis=0)
    baseline = np.where(last >= 0, np.take_along_axis(grade, np.maximum(last, 0)[None], axis=0)[0], 0)
    normal = np.logical_or.accumulate(judged & ~before & (grade == 0), axis=0)
    over = np.concatenate([np.zeros((1, grade.shape[1]), dtype=bool), normal[:-1]])
    return np.asarray(judged & ~before & (grade > np.where(over, 0, baseline)))


def _reported(dosed: Flags, last_dose_day: Floats, start: Floats, cut: Floats, site: Numbers) -> Flags:
    """Return in which weeks events are reported: some days after the last dose, before the cut, (weeks, n)."""
    last = np.where(dosed, last_dose_day, -np.inf).max(axis=0)
    open_ = start[:, None] <= last + site["events_after_last_dose"]
    return np.asarray(open_ & (start[:, None] < cut))


def _rows(term: str, flag: str, order: int, grade: Grades, start: Floats) -> dict[str, Array]:
    """Return a row for each grade above 0 that is the worst of its cycle so far."""
    weeks, n = grade.shape
    cycles = -(-weeks // WEEKS)
    padded = np.zeros((cycles * WEEKS, n), dtype=int)
    padded[:weeks] = grade
    by_cycle = padded.reshape(cycles, WEEKS, n)
    worst = np.maximum.accumulate(by_cycle, axis=1)
    new = by_cycle > np.concatenate([np.zeros((cycles, 1, n), dtype=int), worst[:, :-1]], axis=1)
    cycle, week, subject = np.nonzero(new)
    return {
        "subject": subject.astype(np.int64),
        columns.ASTDY: start[WEEKS * cycle + week].astype(np.int64) + 1,
        columns.AETERM: np.full(len(subject), term),
        columns.AETOXGR: by_cycle[cycle, week, subject].astype(np.int8),
        columns.AECYCLE: cycle.astype(np.int64) + 1,
        columns.TRTEMFL: np.full(len(subject), flag),
        "order": np.full(len(subject), order),
    }
