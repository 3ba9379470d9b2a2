"""Outcomes worked out again from the written tables alone, by the text of docs/criteria: polars and statsmodels, and
nothing of Cereblon. Columns that are not named here are of no concern.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import polars as pl
from statsmodels.duration.survfunc import SurvfuncRight

BEST_FIRST = ("CR", "CRi", "nPR", "PR", "PRL", "SD", "PD")
RESPONSES = ("CR", "CRi", "nPR", "PR")
HELD_DAYS = 56
CYCLE = 28
REPORTED_DAYS = 28
"""Days after the last dose in which events are recorded."""
SEVERE = 3

Tables = Mapping[str, pl.DataFrame]


class Time(NamedTuple):
    """Days from the start, and whether the event happened."""

    days: float
    event: bool


def visits_of(response: pl.DataFrame) -> dict[int, list[tuple[int, str]]]:
    """Assessments after the baseline by subject: (day, category)."""
    found: dict[int, list[tuple[int, str]]] = {}
    for who, day, category in response.sort("USUBJID", "ADY").select("USUBJID", "ADY", "AVALC").iter_rows():
        found.setdefault(who, [])
        if category != "BL":
            found[who].append((day, category))
    return found


def best_response(visits: list[tuple[int, str]]) -> tuple[str, int | None]:
    """The best category that was held for two months, and the first day of a held response."""
    if not visits:
        return "NE", None
    if visits[0][1] == "PD":
        return "PD", None
    before = [v for v in visits if v[1] != "PD"]
    worst_first = {c: -k for k, c in enumerate(BEST_FIRST)}
    best, first = "SD", None
    for i, (start, _) in enumerate(before):
        for j in range(i, len(before)):
            if before[j][0] - start < HELD_DAYS:
                continue
            held = min((c for _, c in before[i : j + 1]), key=worst_first.__getitem__)
            best = max(best, held, key=worst_first.__getitem__)
            if held in RESPONSES and first is None:
                first = start
    return best, first


def deaths(times: pl.DataFrame) -> dict[int, Time]:
    """End of each subject's time on study, and whether it was death."""
    rows = times.filter(pl.col("PARAMCD") == "OS").select("USUBJID", "AVAL", "EVNTDESC")
    return {who: Time(days, words.startswith("death")) for who, days, words in rows.iter_rows()}


def survival(tables: Tables) -> dict[int, dict[str, Time]]:
    """PFS, OS and, for responders, DOR of every subject."""
    seen, ends = visits_of(tables["response"]), deaths(tables["time_to_event"])
    out: dict[int, dict[str, Time]] = {}
    for who, last_day in tables["subjects"].select("USUBJID", "EOSDY").iter_rows():
        visits = seen[who]
        died = ends[who].event
        overall = Time(last_day - 1.0, died)
        progressed = [day - 1.0 for day, category in visits if category == "PD"]
        events = progressed[:1] + [overall.days] * died
        free = Time(min(events), True) if events else Time(visits[-1][0] - 1.0 if visits else 0.0, False)
        out[who] = {"OS": overall, "PFS": free}
        _, first = best_response(visits)
        if first is not None:
            out[who]["DOR"] = Time(free.days - (first - 1.0), free.event)
    return out


def emergent(events: pl.DataFrame) -> pl.DataFrame:
    """Adverse events that count: those that began under treatment, where the table says so."""
    return events.filter(pl.col("TRTEMFL") == "Y") if "TRTEMFL" in events.columns else events


def with_event(tables: Tables, term: str, grade: int) -> set[int]:
    """Subjects with an event of at least a grade."""
    rows = emergent(tables["adverse_events"]).filter((pl.col("AETERM") == term) & (pl.col("AETOXGR") >= grade))
    return set(rows["USUBJID"])


def given_cycles(exposure: pl.DataFrame) -> set[tuple[int, int]]:
    """Cycles of 28 days, (subject, number from 1), with any lenalidomide."""
    rows = exposure.filter((pl.col("DRUG") == "lenalidomide") & (pl.col("DOSEMG") > 0)).select("USUBJID", "ADY")
    return {(who, (day - 1) // CYCLE + 1) for who, day in rows.iter_rows()}


def cycles_with_event(tables: Tables, term: str, grade: int) -> set[tuple[int, int]]:
    """Given cycles with an event of at least a grade."""
    rows = emergent(tables["adverse_events"]).filter((pl.col("AETERM") == term) & (pl.col("AETOXGR") >= grade))
    return set(rows.select("USUBJID", "AECYCLE").iter_rows()) & given_cycles(tables["exposure"])


COUNTS = {"neutropenia": ("ANC", 1.0, 0.5), "thrombocytopenia": ("PLAT", 50.0, 25.0), "anemia": ("HGB", 8.0, 6.5)}
"""Event -> its count, and below what it is grade 3 and 4 (CTCAE; hemoglobin as in version 3)."""


def severe_cycles(tables: Tables, term: str, *, surely: bool) -> dict[tuple[int, int], int]:
    """Worst grade, 3 or 4, of the counts in each cycle in which events are recorded; (subject, cycle) -> grade.

    surely: up to 28 days after the day of the last dose; otherwise after the last week with a dose, and to the end of a
    treatment that is ongoing: the tables do not say when a dose is given after the data cut.
    """
    count, third, fourth = COUNTS[term]
    doses = tables["exposure"].filter(pl.col("DOSEMG") > 0).group_by("USUBJID").agg(last=pl.col("ADY").max() + 6)
    ends = tables["subjects"].select("USUBJID", "EOSDY", "TRTREAS", "TRTEDY")
    visits = tables["visits"].filter((pl.col("PARAMCD").cast(pl.String) == count) & (pl.col("AVAL") < third))
    if "SOURCE" in visits.columns:  # what the laboratory read, not the true state
        visits = visits.filter(pl.col("SOURCE").cast(pl.String) == "measured")
    rows = visits.join(doses, on="USUBJID").join(ends, on="USUBJID")
    if surely:
        recorded = pl.col("ADY") <= pl.min_horizontal("TRTEDY", "last") + REPORTED_DAYS
    else:
        recorded = (pl.col("ADY") <= pl.col("last") + REPORTED_DAYS) | (pl.col("TRTREAS") == "ongoing")
    grades = rows.filter(recorded & (pl.col("ADY") < pl.col("EOSDY"))).select(
        "USUBJID", cycle=(pl.col("ADY") - 1) // CYCLE + 1, grade=3 + (pl.col("AVAL") < fourth).cast(pl.Int32)
    )
    worst = grades.group_by("USUBJID", "cycle").agg(pl.col("grade").max())
    return {(who, cycle): grade for who, cycle, grade in worst.iter_rows()}


def curve(times: list[Time]) -> SurvfuncRight:
    """The product-limit curve in days."""
    return SurvfuncRight(np.array([t.days for t in times]), np.array([t.event for t in times]).astype(int))


def at(fitted: SurvfuncRight, day: float) -> float:
    """The share still free of the event on a day."""
    passed = np.flatnonzero(fitted.surv_times <= day)
    return float(fitted.surv_prob[passed[-1]]) if passed.size else 1.0


def median(fitted: SurvfuncRight) -> float | None:
    """The first day on which the curve is at or below one half; None if it never is."""
    below = np.flatnonzero(fitted.surv_prob <= 0.5 + 1e-9)
    return float(fitted.surv_times[below[0]]) if below.size else None
