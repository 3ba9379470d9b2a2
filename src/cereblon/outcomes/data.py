"""Per-subject outcomes of each arm, as arrays aligned on the subject number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cereblon.columns import (
    ADY,
    AECYCLE,
    AETERM,
    AETOXGR,
    ARM,
    AVAL,
    BESTRESP,
    CNSR,
    DAYS_PER_CYCLE,
    DAYS_PER_MONTH,
    DOR,
    DOSEMG,
    DRUG,
    ONGOING,
    OS,
    PARAMCD,
    PFS,
    TRTEMFL,
    TRTREAS,
    TTF,
    TWIN,
    USUBJID,
)
from cereblon.errors import CereblonError
from cereblon.outcomes.endpoints import ENDPOINTS, Endpoint
from cereblon.study.record import Record

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
EVERYBODY = (PFS, OS, TTF)
"""Time-to-event parameters that every subject has; DOR is of responders only."""


@dataclass(frozen=True)
class Times:
    """Times to one event: time (N,) in months, event (N,) False where censored."""

    time: Floats
    event: Flags


@dataclass(frozen=True)
class ArmData:
    """One arm: its design size and, for N simulated subjects, everything the endpoints need.

    subjects: (N,) numbers, ascending; twins: (N,) numbers of the drawn persons; flags: endpoint -> (N,) yes or no;
    cycles_given, cycles_hit: (N,) cycles with a dose of the treatment and, of these, cycles with grade 3-4 neutropenia;
    times: PFS, OS, TTF -> Times of the N subjects, DOR -> Times of those who responded.
    """

    arm: str
    size: int
    subjects: NDArray[np.int64]
    twins: NDArray[np.int64]
    flags: Mapping[str, Flags]
    cycles_given: Floats
    cycles_hit: Mapping[str, Floats]
    times: Mapping[str, Times]


def _subject_flags(
    endpoint: Endpoint, subjects: pl.DataFrame, worst: Mapping[str, Mapping[int, int]], died: Flags
) -> Flags | None:
    if endpoint.kind == "response":
        return subjects[BESTRESP].is_in(list(endpoint.categories)).to_numpy()
    if endpoint.kind == "event":
        grades = worst.get(endpoint.term, {})
        return np.array([grades.get(number, 0) >= endpoint.grade for number in subjects[USUBJID].to_list()])
    if endpoint.kind == "treatment":
        return (subjects[TRTREAS] == ONGOING).to_numpy()
    if endpoint.kind == "death":
        return died
    return None


def _worst_grades(events: pl.DataFrame) -> dict[str, dict[int, int]]:
    worst: dict[str, dict[int, int]] = {}
    rows = events.group_by(AETERM, USUBJID).agg(pl.col(AETOXGR).max())
    for term, number, grade in rows.select(AETERM, USUBJID, AETOXGR).iter_rows():
        worst.setdefault(term, {})[number] = grade
    return worst


def _given_cycles(exposure: pl.LazyFrame, treatment: Sequence[str]) -> pl.DataFrame:
    """Return USUBJID and AECYCLE of every cycle in which any drug of the treatment was given."""
    cycle = ((pl.col(ADY) - 1) // DAYS_PER_CYCLE + 1).cast(pl.Int32).alias(AECYCLE)
    weeks = exposure.filter(pl.col(DRUG).is_in(list(treatment)) & (pl.col(DOSEMG) > 0))
    return weeks.select(pl.col(USUBJID), cycle).unique().collect()


def _hit_cycles(given: pl.DataFrame, events: pl.DataFrame, endpoint: Endpoint) -> pl.DataFrame:
    """Return USUBJID and `hit`, how many of the subject's given cycles had the event."""
    bad = (
        events.filter((pl.col(AETERM) == endpoint.term) & (pl.col(AETOXGR) >= endpoint.grade))
        .select(pl.col(USUBJID), pl.col(AECYCLE).cast(pl.Int32))
        .unique()
        .with_columns(hit=pl.lit(1))
    )
    return given.join(bad, on=[USUBJID, AECYCLE], how="left").group_by(USUBJID).agg(pl.col("hit").fill_null(0).sum())


def _counts(subjects: pl.DataFrame, table: pl.DataFrame) -> Floats:
    joined = subjects.select(USUBJID).join(table, on=USUBJID, how="left", maintain_order="left")
    return joined["hit"].fill_null(0).to_numpy().astype(np.float64)


def _times(table: pl.DataFrame, parameter: str, numbers: NDArray[np.int64]) -> Times:
    rows = table.filter(pl.col(PARAMCD) == parameter).sort(USUBJID)
    found = rows[USUBJID].to_numpy().astype(np.int64)
    place = np.searchsorted(found, numbers).clip(max=max(found.size - 1, 0))
    missing = numbers[found[place] != numbers] if found.size else numbers
    if missing.size:
        raise CereblonError(f"time_to_event: no {parameter} row for subject {missing[0]}")
    return _read(rows[place])


def _of_some(table: pl.DataFrame, parameter: str, numbers: NDArray[np.int64]) -> Times:
    chosen = pl.col(USUBJID).is_in(pl.Series(numbers, dtype=table.schema[USUBJID]).implode())
    return _read(table.filter((pl.col(PARAMCD) == parameter) & chosen).sort(USUBJID))


def _read(rows: pl.DataFrame) -> Times:
    return Times(rows[AVAL].to_numpy().astype(np.float64) / DAYS_PER_MONTH, rows[CNSR].to_numpy() == 0)


def arm_data(result: Record) -> dict[str, ArmData]:
    """Return the outcomes of each simulated arm of `result`, in the order of the design.

    Raises CereblonError when a subject number occurs twice or has no PFS, OS or TTF row.
    """
    everyone = result.table("subjects").sort(USUBJID)
    if everyone[USUBJID].n_unique() != everyone.height:
        raise CereblonError("subjects: USUBJID occurs more than once; one row per subject expected")
    # what was abnormal before the first dose is no event of the treatment
    events = result.scan("adverse_events").filter(pl.col(TRTEMFL) == "Y").collect()
    times = result.table("time_to_event")
    worst = _worst_grades(events)
    given = _given_cycles(result.scan("exposure"), result.trial.treatment)
    hits = {key: _hit_cycles(given, events, e) for key, e in ENDPOINTS.items() if e.kind == "cycles"}
    cycles = given.group_by(USUBJID).agg(hit=pl.len())
    arms: dict[str, ArmData] = {}
    for arm in result.trial.arms:
        subjects = everyone.filter(pl.col(ARM) == arm.id)
        if subjects.height == 0:
            continue
        numbers = subjects[USUBJID].to_numpy().astype(np.int64)
        curves = {name: _times(times, name, numbers) for name in EVERYBODY}
        curves[DOR] = _of_some(times, DOR, numbers)
        flags = {}
        for key, endpoint in ENDPOINTS.items():
            flag = _subject_flags(endpoint, subjects, worst, curves[OS].event)
            if flag is not None:
                flags[key] = flag
        arms[arm.id] = ArmData(
            arm=arm.id,
            size=arm.size,
            subjects=numbers,
            twins=subjects[TWIN].to_numpy().astype(np.int64),
            flags=flags,
            cycles_given=_counts(subjects, cycles),
            cycles_hit={key: _counts(subjects, table) for key, table in hits.items()},
            times=curves,
        )
    if not arms:
        raise CereblonError("subjects: no row belongs to an arm of the trial")
    return arms
