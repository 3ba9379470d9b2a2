"""A study result with invented numbers of realistic shape, for tests of outcomes, report and command line."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from cereblon.clinic.trial.trial import Trial
from cereblon.columns import MEASURES
from cereblon.result import StudyResult
from cereblon.study.visits import visit_frame

WEEKS = 104


def trial(arms: tuple[str, ...] = ("continuous",), published: list[dict[str, object]] | None = None) -> Trial:
    """Return a small trial document; `published` replaces its figures."""
    size = 60 // len(arms)
    figures: list[dict[str, object]] = [
        {"endpoint": "orr", "value": 65.0, "n": 39, "of": 60, "source": "S1"},
        {"endpoint": "cr", "value": 15.0, "n": 9, "of": 60, "source": "S1"},
        {"endpoint": "pfs_median", "not_reached": True, "of": 60, "source": "S1"},
        {"endpoint": "pfs_2y", "value": 60.0, "of": 60, "source": "S1"},
        {"endpoint": "neutropenia_g34", "value": 83.0, "n": 50, "of": 60, "source": "S1"},
        {"endpoint": "neutropenia_g34_cycles", "value": 34.0, "source": "S1", "basis": "cycles"},
        {"endpoint": "tls", "below": 10.0, "source": "S1", "of": 60},
        {"endpoint": "tfr", "value": 52.0, "of": 60, "source": "S1", "confidence": "derived"},
    ]
    return Trial.model_validate(
        {
            "id": "synthetic",
            "title": "Lenalidomide in invented patients with untreated CLL",
            "setting": "untreated",
            "criteria": "iwCLL 2008",
            "nodes_by": "palpation",
            "population": {
                "size": size * len(arms),
                "age": {"median": 71.0, "range": [66.0, 85.0]},
                "male_pct": 60.0,
                "printed": {
                    "del17p_pct": 10.0,
                    "rai_3_4_pct": 42.0,
                    "b2m_median": 4.5,
                    "of": {"b2m_median": 43},
                },
            },
            "arms": [
                {
                    "id": name,
                    "name": f"{name} dosing",
                    "size": size,
                    "treatment": [{"drug": "lenalidomide", "dose": "5 mg"}],
                }
                for name in arms
            ],
            "follow_up": {"duration_months": 24.0},
            "published": figures if published is None else published,
            "assumptions": [{"field": "schedule", "choice": "default", "why": "not in the report"}],
            "sources": [{"id": "S1", "what": "An abstract", "url": "https://example.org/abstract"}],
        }
    )


def _subjects(design: Trial, n: int, rng: np.random.Generator) -> pl.DataFrame:
    arms = np.repeat([arm.id for arm in design.arms], n)
    total = arms.size
    best = rng.choice(["CR", "CRi", "nPR", "PR", "SD", "PD", "NE"], total, p=[0.09, 0.05, 0.04, 0.44, 0.28, 0.07, 0.03])
    responded = np.isin(best, ["CR", "CRi", "nPR", "PR"])
    end = np.minimum(rng.exponential(600, total) + 20, WEEKS * 7).astype(np.int32)
    reasons = np.where(
        end >= WEEKS * 7,
        "ongoing",
        rng.choice(["progression", "adverse event", "withdrawal", "death"], total),
    )
    onset = rng.choice([57, 85, 113, 169, 253], total).astype(np.int32)
    f32 = np.float32
    return pl.DataFrame(
        {
            "STUDYID": [design.id] * total,
            "USUBJID": np.arange(total, dtype=np.int32),
            "TWIN": np.arange(total, dtype=np.int32),
            "ARM": arms,
            "AGE": rng.normal(72, 5, total).clip(66, 85).astype(f32),
            "MALE": (rng.random(total) < 0.6).astype(np.int8),
            "WEIGHT": rng.normal(78, 12, total).astype(f32),
            "CRCL": rng.normal(68, 18, total).clip(30, 150).astype(f32),
            "PRIOR_LINES": np.zeros(total, np.int32),
            "RAI": rng.choice([0, 1, 2, 3, 4], total).astype(np.int8),
            "ALC0": rng.gamma(1.45, 55, total).astype(f32),
            "SPD0": (45 * rng.lognormal(0, 0.9, total)).astype(f32),
            "B2M": (4 * rng.lognormal(0, 0.4, total)).astype(f32),
            "ANC0": (4 * rng.lognormal(0, 0.5, total)).astype(f32),
            "PLATELETS0": rng.normal(150, 60, total).clip(20, 400).astype(f32),
            "HEMOGLOBIN0": rng.normal(12.5, 1.8, total).astype(f32),
            "IGG0": (7.5 * rng.lognormal(0, 0.5, total)).astype(f32),
            "IGHV_UNMUTATED": (rng.random(total) < 0.6).astype(np.int8),
            "DEL17P": (rng.random(total) < 0.1).astype(np.int8),
            "TP53": (rng.random(total) < 0.12).astype(np.int8),
            "DEL11Q": (rng.random(total) < 0.2).astype(np.int8),
            "LDI0": (3.8 * rng.lognormal(0, 0.4, total)).astype(f32),
            "BESTRESP": best,
            "RSPDY": pl.Series(np.where(responded, onset, -1)).replace(-1, None).cast(pl.Int32),
            "TRTEDY": end,
            "TRTREAS": reasons,
            "EOSDY": np.full(total, WEEKS * 7, dtype=np.int32),
        }
    )


def _visits(subjects: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    n = subjects.height
    days = np.arange(0, WEEKS + 1, 2) * 7 + 1
    fall = np.exp(-days[:, None] / 90) * 0.95 + 0.05
    base = {
        "ALC": subjects["ALC0"].to_numpy()[None, :] * fall,
        "NODEVOL": 80 * rng.lognormal(0, 0.8, n)[None, :] * fall,
        "SPLEEN": 600 * rng.lognormal(0, 0.5, n)[None, :] * np.sqrt(fall),
        "ANC": subjects["ANC0"].to_numpy()[None, :] * (0.4 + 0.6 * np.exp(-days[:, None] / 20)),
        "PLAT": subjects["PLATELETS0"].to_numpy()[None, :] * (0.8 + 0.2 * np.exp(-days[:, None] / 20)),
        "HGB": subjects["HEMOGLOBIN0"].to_numpy()[None, :] * np.ones((days.size, 1)),
        "IGG": subjects["IGG0"].to_numpy()[None, :] * (1 + days[:, None] / 3000),
    }
    values = {name: value * rng.lognormal(0, 0.15, value.shape) for name, value in base.items()}
    on_study = days[:, None] <= subjects["TRTEDY"].to_numpy()[None, :] + 28
    numbers = subjects["USUBJID"].to_numpy()
    return visit_frame(MEASURES, numbers, numbers, days, values, on_study)


def _exposure(subjects: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    n = subjects.height
    day = np.arange(WEEKS) * 7 + 1
    level = np.minimum(5 * (1 + np.arange(WEEKS) // 8), 25)[None, :].repeat(n, 0).astype(np.float32)
    level = np.minimum(level, rng.choice([2.5, 5, 10, 15, 25], n)[:, None])
    level[rng.random(level.shape) < 0.15] = 0
    level[day[None, :] > subjects["TRTEDY"].to_numpy()[:, None]] = 0
    days = np.where(level > 0, 7, 0).astype(np.int8)
    return pl.DataFrame(
        {
            "USUBJID": subjects["USUBJID"].to_numpy().repeat(WEEKS),
            "ADY": np.tile(day.astype(np.int32), n),
            "DRUG": ["lenalidomide"] * (n * WEEKS),
            "DOSEMG": (level * days).ravel(),
            "LEVELMG": level.ravel(),
            "DAYSDOSED": days.ravel(),
        }
    )


def _response(subjects: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    n = subjects.height
    days = np.array([1, 57, 85, 113, 169, 253, 365], dtype=np.int32)
    depth = np.where(subjects["BESTRESP"].is_in(["CR", "CRi", "nPR", "PR"]).to_numpy(), 0.25, 0.85)
    share = 1 - (1 - depth[:, None] * rng.lognormal(0, 0.3, n)[:, None]) * (1 - np.exp(-(days - 1) / 60))[None, :]
    share = share.clip(0.01, 3)
    kept = days[None, :] <= subjects["TRTEDY"].to_numpy()[:, None] + 28
    rank = np.where(days[None, :] == 1, "BL", np.where(share < 0.5, "PR", np.where(share > 1.5, "PD", "SD")))
    return pl.DataFrame(
        {
            "USUBJID": subjects["USUBJID"].to_numpy().repeat(days.size),
            "ADY": np.tile(days, n),
            "AVALC": rank.ravel(),
            "ALC": (subjects["ALC0"].to_numpy()[:, None] * share).astype(np.float32).ravel(),
            "SPD": (subjects["SPD0"].to_numpy()[:, None] * share).astype(np.float32).ravel(),
        }
    ).filter(pl.Series(kept.ravel()))


def _events(subjects: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    rows = []
    for number, end in zip(subjects["USUBJID"].to_list(), subjects["TRTEDY"].to_list(), strict=True):
        for cycle in range(1, (end - 1) // 28 + 2):
            day = (cycle - 1) * 28 + 8
            for term, chance, grades in (
                ("neutropenia", 0.5, [1, 2, 3, 3, 4]),
                ("thrombocytopenia", 0.25, [1, 2, 3]),
                ("anemia", 0.1, [1, 2]),
                ("infection", 0.03, [2, 3, 4]),
                ("tumour flare", 0.5 if cycle == 1 else 0.02, [1, 1, 2, 3]),
                ("tumour lysis syndrome", 0.03 if cycle == 1 else 0, [3, 4]),
                ("laboratory tumour lysis", 0.08 if cycle == 1 else 0, [3]),
            ):
                if rng.random() < chance:
                    rows.append((number, day, term, int(rng.choice(grades)), cycle, "Y"))
    names = {
        "USUBJID": pl.Int32, "ASTDY": pl.Int32, "AETERM": pl.String, "AETOXGR": pl.Int8, "AECYCLE": pl.Int32,
        "TRTEMFL": pl.String,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=names, orient="row")


def _times(subjects: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    n = subjects.height
    parts = []
    for name, scale in (("PFS", 900.0), ("OS", 4000.0), ("TTF", 500.0)):
        event = np.ceil(rng.exponential(scale, n) / 28) * 28
        follow = rng.uniform(500, 900, n).round()
        parts.append(
            pl.DataFrame(
                {
                    "USUBJID": subjects["USUBJID"],
                    "PARAMCD": [name] * n,
                    "AVAL": np.minimum(event, follow).astype(np.float32),
                    "CNSR": (event > follow).astype(np.int8),
                    "EVNTDESC": np.where(event > follow, "data cut", "progression"),
                }
            )
        )
    return pl.concat(parts)


def _of_first_arm(frame: pl.DataFrame, patients: int, arms: int) -> pl.DataFrame:
    """Return a table in which every arm repeats what happened to the subjects of the first."""
    first = frame.filter(pl.col("USUBJID") < patients)
    again = [first.with_columns((pl.col("USUBJID") + arm * patients).cast(pl.Int32)) for arm in range(arms)]
    return pl.concat(again)


def twins(patients: int = 120, arms: tuple[str, ...] = ("a", "b", "c")) -> StudyResult:
    """Return a result whose arms hold the same people, with the same outcomes in each."""
    result = study(patients, arms=arms)
    tables: dict[str, pl.DataFrame | pl.LazyFrame] = {
        name: _of_first_arm(result.table(name), patients, len(arms)) for name in result.tables
    }
    subjects = tables["subjects"].lazy().collect()
    tables["subjects"] = subjects.with_columns(ARM=result.table("subjects")["ARM"])
    return replace(result, tables=tables, twins=True)


def study(
    patients: int = 120,
    seed: int = 1,
    arms: tuple[str, ...] = ("continuous",),
    design: Trial | None = None,
) -> StudyResult:
    """Return a result of `patients` per arm; equal arguments give equal tables."""
    design = trial(arms) if design is None else design
    rng = np.random.default_rng(seed)
    subjects = _subjects(design, patients, rng)
    tables: dict[str, pl.DataFrame | pl.LazyFrame] = {
        "subjects": subjects,
        "visits": _visits(subjects, rng),
        "exposure": _exposure(subjects, rng),
        "response": _response(subjects, rng),
        "adverse_events": _events(subjects, rng),
        "time_to_event": _times(subjects, rng),
    }
    return StudyResult(trial=design, seed=seed, patients=patients, tables=tables, meta={"versions": {"cereblon": "0"}})
