"""The tables of one block of subjects, from the weekly records, the tracker and the clinic's final state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cereblon import columns
from cereblon.clinic.codes import OFF_WORDS, Off
from cereblon.clinic.criteria.events import adverse_events, time_to_event
from cereblon.clinic.criteria.response import Category
from cereblon.clinic.criteria.tracker import ResponseTracker
from cereblon.clinic.rules import Site
from cereblon.clinic.site.decide import WEEKLY_BY_DRUG
from cereblon.clinic.site.drugs import SiteDrug
from cereblon.clinic.trial.trial import Trial
from cereblon.study.quantities import COUNTED, EARLY, MONTHLY
from cereblon.study.subjects import SubjectBlock

Tree = dict[str, Any]
Frames = dict[str, pl.DataFrame]
Days = NDArray[np.int64]

TABLES_WRITTEN: Final = ("subjects", "exposure", "response", "adverse_events", "time_to_event")
"""Tables that come with every block beside the visits."""
EARLY_WEEKS: Final = 8
"""Weeks in which quantities of EARLY are written every week."""


def block_tables(
    trial: Trial,
    block: SubjectBlock,
    cohort: Tree,
    tracker: ResponseTracker,
    clinic: Tree,
    weekly: Tree,
    cut: NDArray[np.float64],
    site: Site,
    drugs: Sequence[SiteDrug],
    exposures: Mapping[str, str],
) -> tuple[Frames, Days, Tree, NDArray[np.bool_]]:
    """Return the block's tables and its visits (ADY (t,), quantity -> (t, n), present (t, n)), padding removed.

    weekly: records (weeks, n) and the clinic's own under "clinic"; cut: day of the data cut, (n,); drugs: rows
    of the arrays of shape (drugs, n); exposures: PARAMCD -> quantity of the drugs on board.
    """
    n = len(block.usubjid)
    clinic = {k: np.asarray(v)[..., :n] for k, v in clinic.items()}
    records = {k: np.asarray(v)[:, :n] for k, v in weekly.items() if k != "clinic"}
    weeks = {k: np.asarray(v)[..., :n] for k, v in weekly["clinic"].items()}
    cut = cut[:n]
    times = time_to_event(
        clinic, tracker.progressed_day[:n], tracker.response_day()[:n], tracker.last_assessed()[:n], cut
    )
    usubjid = block.usubjid.astype(np.int32)
    twin = pl.DataFrame({columns.USUBJID: usubjid, columns.TWIN: block.number.astype(np.int32)})
    frames = {
        "subjects": _subjects(trial, block, cohort, tracker, clinic, cut),
        "exposure": _exposure(trial, drugs, usubjid, weeks, cut),
        "response": _response(trial, usubjid, tracker, cut),
        "adverse_events": _events(usubjid, weeks, cut, site),
        # by subject, so that the order of rows does not show how subjects were cut into blocks
        "time_to_event": pl.concat([_times(usubjid, name, value) for name, value in times.items()]).sort(
            columns.USUBJID, maintain_order=True
        ),
    }
    frames = {name: frame if name == "subjects" else _with_twin(frame, twin) for name, frame in frames.items()}
    return frames, *_visits(records, weeks, clinic, cut, exposures)


def _with_twin(frame: pl.DataFrame, twin: pl.DataFrame) -> pl.DataFrame:
    """Return a table with TWIN beside USUBJID."""
    joined = frame.join(twin, on=columns.USUBJID, how="left", maintain_order="left")
    return joined.select(columns.USUBJID, columns.TWIN, pl.exclude(columns.USUBJID, columns.TWIN))


def _subjects(
    trial: Trial, block: SubjectBlock, cohort: Tree, tracker: ResponseTracker, clinic: Tree, cut: Any
) -> pl.DataFrame:
    n = len(block.usubjid)
    arms = np.array([arm.id for arm in trial.arms])
    best = np.array([Category(c).name for c in tracker.best()[:n]])
    response = tracker.response_day()[:n]
    off = (clinic["off"] > 0) & (clinic["off_day"] <= cut)
    words = np.array([OFF_WORDS[c] for c in OFF_WORDS])
    reason = np.where(off, words[clinic["off_reason"].astype(int)], OFF_WORDS[Off.ON])
    died = np.where(clinic["dead"] > 0, clinic["death_day"], np.inf)
    return pl.DataFrame(
        {
            columns.STUDYID: [trial.id] * n,
            columns.USUBJID: block.usubjid.astype(np.int32),
            columns.TWIN: block.number.astype(np.int32),
            columns.ARM: arms[block.arm],
            **{name.upper(): np.asarray(value)[:n].astype(np.float32) for name, value in cohort.items()},
            columns.BESTRESP: best,
            columns.RSPDY: _whole(np.where(response <= cut, response + 1, np.nan)),
            # -1: no dose was given before the cut
            columns.TRTEDY: _whole(np.where(clinic["last_dose_day"] < 0, np.nan, clinic["last_dose_day"] + 1)),
            columns.TRTREAS: reason,
            columns.EOSDY: _whole(np.minimum(died, cut) + 1),
        }
    )


def _whole(values: NDArray[np.floating[Any]]) -> pl.Series:
    return pl.Series(np.asarray(values, dtype=np.float64)).fill_nan(None).cast(pl.Int32)


def _long(usubjid: NDArray[np.int32], keep: NDArray[np.bool_], ady: Days) -> tuple[Any, Any, Any]:
    """Return (row index, USUBJID, ADY) of the kept cells of (t, n), ordered by subject, then day."""
    subject, time = np.nonzero(keep.T)
    return (time, subject), usubjid[subject], ady[time].astype(np.int32)


def _exposure(
    trial: Trial, drugs: Sequence[SiteDrug], usubjid: NDArray[np.int32], weeks: Tree, cut: Any
) -> pl.DataFrame:
    """Return a row for each week and drug: drugs of the treatment while it goes on, others where they were given."""
    start = 7 * np.arange(len(weeks["dose"]))
    frames = []
    for row, drug in enumerate(drugs):
        given = weeks["dose"][:, row] > 0
        shown = ((weeks["off"] == 0) | given) if drug.name in trial.treatment else given
        at, who, day = _long(usubjid, shown & (start[:, None] < cut), start + 1)
        if len(who):
            frames.append(_of_drug(drug, at, who, day, {k: weeks[k][:, row] for k in WEEKLY_BY_DRUG}))
    # by subject, so that the order of rows does not show how subjects were cut into blocks
    return pl.concat(frames).sort(columns.USUBJID, columns.ADY, maintain_order=True)


def _of_drug(drug: SiteDrug, at: Any, who: Any, day: Any, weeks: Tree) -> pl.DataFrame:
    return pl.DataFrame(
        {
            columns.USUBJID: who,
            columns.ADY: day,
            columns.DRUG: pl.repeat(drug.name, len(who), eager=True),
            columns.DOSEMG: (drug.mg * weeks["dose"][at]).astype(np.float32),
            columns.LEVELMG: (drug.mg * weeks["level_given"][at]).astype(np.float32),
            columns.DAYSDOSED: weeks["days_dosed"][at].astype(np.int8),
        }
    )


def _sizes(trial: Trial, tracker: ResponseTracker, n: int) -> NDArray[np.float32]:
    """Return the SPD measured at each assessment, (assessments, n); NaN where the last scan still stands."""
    spd = np.stack([r.spd[:n] for r in tracker.readings]).astype(np.float32)
    if trial.nodes_by == "ct":
        spd[1:][spd[1:] == spd[:-1]] = np.nan
    return spd


def _response(trial: Trial, usubjid: NDArray[np.int32], tracker: ResponseTracker, cut: Any) -> pl.DataFrame:
    n = len(usubjid)
    days = np.asarray(tracker.days)
    codes = tracker.visits()[:, :n].copy()
    seen = (codes > Category.NE) & (days[:, None] <= cut)
    seen[0] = True
    # after progression nobody is assessed again; the first PD row stands for it
    later = np.cumsum(codes == Category.PD, axis=0) > 1
    at, who, day = _long(usubjid, seen & ~later, days.astype(np.int64) + 1)
    names = {int(c): c.name for c in Category}
    words = np.array([names[c] for c in sorted(names)])
    category = words[codes[at] - min(names)]
    return pl.DataFrame(
        {
            columns.USUBJID: who,
            columns.ADY: day,
            columns.AVALC: np.where(day == 1, columns.BASELINE, category),
            columns.ALC: np.stack([r.alc[:n] for r in tracker.readings])[at].astype(np.float32),
            columns.SPD: pl.Series(_sizes(trial, tracker, n)[at]).fill_nan(None),
        }
    )


def _events(usubjid: NDArray[np.int32], weeks: Tree, cut: Any, site: Site) -> pl.DataFrame:
    rows = adverse_events(weeks, cut, site)
    who = usubjid[rows.pop("subject")]
    kinds = {columns.ASTDY: pl.Int32, columns.AETOXGR: pl.Int8, columns.AECYCLE: pl.Int32}
    return pl.DataFrame({columns.USUBJID: who, **rows}).with_columns(pl.col(k).cast(t) for k, t in kinds.items())


def _times(usubjid: NDArray[np.int32], name: str, value: Any) -> pl.DataFrame:
    keep = np.isfinite(value.time)
    return pl.DataFrame(
        {
            columns.USUBJID: usubjid[keep],
            columns.PARAMCD: pl.repeat(name, int(keep.sum()), eager=True),
            columns.AVAL: value.time[keep].astype(np.float32),
            columns.CNSR: value.censored[keep].astype(np.int8),
            columns.EVNTDESC: value.reason[keep].astype(str),
        }
    )


def _visits(
    records: Tree, weeks: Tree, clinic: Tree, cut: Any, exposures: Mapping[str, str]
) -> tuple[Days, Tree, NDArray[np.bool_]]:
    count = len(weeks["dose"])
    start = 7 * np.arange(count)
    died = np.where(clinic["dead"] > 0, clinic["death_day"], np.inf)
    present = (start[:, None] <= cut) & (start[:, None] < died)
    counted = weeks["counted"] > 0
    values: Tree = {code: np.where(counted, weeks[name], np.nan) for code, name in COUNTED.items()}
    monthly = (np.arange(count) % 4 == 0)[:, None]
    early = monthly | (np.arange(count) < EARLY_WEEKS)[:, None]
    for code, name in {**MONTHLY, **exposures}.items():
        values[code] = np.where(early if code in EARLY else monthly, records[name], np.nan)
    return (start + 1).astype(np.int64), values, present
