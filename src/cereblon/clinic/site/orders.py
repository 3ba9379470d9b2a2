"""From a trial document to the arrays the compiled clinic runs on: static, weekly and daily.

Days count from 0 = day of the first dose (day 1 of the document). A block is 28 days whatever the length of
the trial's own cycles: masks are made on absolute days and cut. Subjects of different arms can share a batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from cereblon.clinic.codes import INFECTIONS, MEASURED, NOISE, NOISE_ROW, THRESHOLDS
from cereblon.clinic.criteria.lysis import ANALYTES
from cereblon.clinic.rules import rule
from cereblon.clinic.site.decide import WEEKLY
from cereblon.clinic.site.hazards import fixed_days, infection_base, infection_fatality
from cereblon.clinic.site.orders_arm import HORIZON, ArmOrders, arm_orders
from cereblon.clinic.site.orders_rules import ARM_RULES
from cereblon.clinic.trial.trial import Trial
from cereblon.errors import CereblonError

Single = NDArray[np.float32]
Tree = dict[str, Single]
BLOCK = 28  # days


def uniform(exponential: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return uniforms in (0, 1) from standard exponentials of the same shape."""
    return np.clip(-np.expm1(-np.asarray(exponential, dtype=np.float64)), 1e-12, 1.0 - 1e-12)


def normal(exponential: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return standard normals from standard exponentials of the same shape."""
    return np.asarray(ndtri(uniform(exponential)))


class Orders:
    """The orders of a trial for n subjects.

    arm: (n,) index into trial.arms; covariates: age (years), male (0/1), crcl (mL/min), prior_lines, and
    creatinine_uln (baseline creatinine over the upper limit) where known, each (n,); thresholds: standard
    exponentials by the names of codes.THRESHOLDS, each (k, n).
    """

    def __init__(
        self,
        trial: Trial,
        arm: NDArray[np.integer],
        covariates: Mapping[str, NDArray[np.floating]],
        thresholds: Mapping[str, NDArray[np.floating]],
    ) -> None:
        """Raise CereblonError for a missing covariate or threshold, or an arm number out of range."""
        self.trial, self.arm = trial, np.asarray(arm, dtype=np.int64)
        if self.arm.size and not 0 <= int(self.arm.min()) <= int(self.arm.max()) < len(trial.arms):
            raise CereblonError(f"arm: expected numbers from 0 to {len(trial.arms) - 1}")
        for name in ("age", "male", "crcl", "prior_lines"):
            if name not in covariates:
                raise CereblonError(f"covariates: {name} is missing")
        for name in THRESHOLDS:
            if name not in thresholds:
                raise CereblonError(f"thresholds: {name} is missing")
        self._covariates, self._thresholds = covariates, thresholds
        self._arms, self._row = self._tables()
        self.static: Tree = self._static()

    @property
    def size(self) -> int:
        """The number of subjects."""
        return int(self.arm.size)

    def _tables(self) -> tuple[list[ArmOrders], NDArray[np.int64]]:
        """Return the distinct (arm, renal class) tables and the row of each subject."""
        crcl = np.asarray(self._covariates["crcl"], dtype=np.float64)
        top = max(len(arm.levels) for arm in self.trial.arms)
        tables: list[ArmOrders] = []
        row = np.zeros(self.size, dtype=np.int64)
        for index, arm in enumerate(self.trial.arms):
            limits = sorted({renal.below for course in arm.treatment for renal in course.renal})
            kidney = np.searchsorted(limits, crcl, side="right")  # 0 = below every limit
            for renal_class in range(len(limits) + 1):
                at = limits[renal_class] - 1e-9 if renal_class < len(limits) else np.inf
                row[(self.arm == index) & (kidney == renal_class)] = len(tables)
                tables.append(arm_orders(arm, at, top))
        return tables, row

    def _each(self, name: str) -> Single:
        """Return an attribute of the tables per subject: (..., n)."""
        stacked = np.stack([np.asarray(getattr(table, name), dtype=np.float32) for table in self._arms], axis=-1)
        return np.ascontiguousarray(stacked[..., self._row])

    def _static(self) -> Tree:
        covariates, draws = self._covariates, self._thresholds
        n = self.size
        static: dict[str, Any] = {
            "relapsed": np.full(n, float(self.trial.setting == "relapsed")),
            "creatinine_uln": covariates.get("creatinine_uln", np.full(n, rule("creatinine_typical"))),
            "infection_at": np.cumsum(draws["infection"][:INFECTIONS], axis=0),
            "infection_severity": uniform(draws["infection_severity"][:INFECTIONS]),
            "lysis_fatality": uniform(draws["lysis_fatality"][0]),
            "flare_sensitivity": np.exp(rule("flare_spread") * normal(draws["flare"][0])),
        }
        age, relapsed = np.asarray(covariates["age"], dtype=np.float64), static["relapsed"]
        static |= fixed_days(age, np.asarray(covariates["male"]), relapsed, draws, HORIZON)
        static["death_leukemia"] = draws["death_leukemia"][0]
        static["infection_base"] = infection_base(age, relapsed)
        static["infection_fatality"] = infection_fatality(age)
        static["cut_day"] = self.follow_up_days()
        for name in ("levels", "next_level", "start_level", "end_day", "cr_days"):
            static[name] = self._each(name)
        for name in ARM_RULES:
            values = np.array([ARM_RULES[name](arm) for arm in self.trial.arms], dtype=np.float32)
            static[name] = values[self.arm]
        static["gcsf_user"] = (uniform(draws["gcsf"][0]) < static.pop("gcsf_share")).astype(np.float32)
        return {name: np.asarray(value, dtype=np.float32) for name, value in static.items()}

    def initial(self) -> Tree:
        """Return the clinic's state before the first day: (n,) float32 arrays by name."""
        n = self.size
        zero = [*WEEKLY, *_ZERO, *(f"{k}_0" for k in (*ANALYTES, "anc", "platelets"))]
        state = {name: np.zeros(n, dtype=np.float32) for name in zero}
        state |= {name: np.full(n, -1.0, dtype=np.float32) for name in _MINUS_ONE}
        state["level"] = self.static["start_level"].copy()
        state["ceiling"] = np.full(n, self.static["levels"].shape[0] - 1, dtype=np.float32)
        state["end_day"] = self.static["end_day"].copy()
        for name in ("anc_measured", "platelets_measured", "hemoglobin_measured"):
            state[name] = np.full(n, 1.0e3, dtype=np.float32)  # unmeasured: no rule is met
        return state

    def weekly(self, block: int, noise: NDArray[np.floating]) -> dict[str, Single]:
        """Return {"error": (4, E, n) factors of codes.MEASURED, "counts": (4, n) flags} of a block.

        noise: (4, K, n) standard normals of its weeks, rows as in codes.NOISE.
        """
        expected = (4, len(NOISE), self.size)
        if noise.shape != expected:
            raise CereblonError(f"noise: has shape {noise.shape}, expected {expected}")
        weeks = np.arange(4) + 4 * block
        counts = np.repeat(count_weeks(self.trial, weeks)[:, None], self.size, axis=1)
        size = np.array([_error(name) for name in MEASURED])[:, None]
        error = np.exp(size * noise[:, [NOISE_ROW[name] for name in MEASURED]])
        return {"error": error.astype(np.float32), "counts": counts.astype(np.float32)}

    def daily(self, block: int) -> Tree:
        """Return the orders of a block by day, each (28, n).

        lenalidomide 0/1 dosing day; planned_mg (never exceeded by what is given); dexamethasone, allopurinol
        mg; filgrastim ug; level_change levels; escalate, review, week_start 0/1.
        """
        first = block * BLOCK
        days = slice(first, first + BLOCK)
        out: Tree = {}
        for name in ("lenalidomide", "planned_mg", "dexamethasone", "allopurinol", "filgrastim"):
            out[name] = self._cut(name, days)
        for name in ("level_change", "escalate", "review"):
            out[name] = self._cut(name, days)
        starts = (np.arange(first, first + BLOCK) % 7 == 0).astype(np.float32)
        out["week_start"] = np.repeat(starts[:, None], self.size, axis=1)
        return out

    def _cut(self, name: str, days: slice) -> Single:
        rows = np.stack([getattr(table, name)[days] for table in self._arms], axis=-1)
        rows = np.pad(rows, ((0, BLOCK - len(rows)), (0, 0)))  # beyond the horizon nothing is ordered
        return np.ascontiguousarray(rows[:, self._row].astype(np.float32))

    def follow_up_days(self) -> NDArray[np.float64]:
        """Return the day of the data cut of each subject, (n,): median follow-up, spread over the accrual."""
        follow_up = self.trial.follow_up
        spread = (uniform(self._thresholds["follow_up"][0]) - 0.5) * (follow_up.accrual_months or 0.0)
        return np.asarray(np.round((follow_up.duration_months + spread) * 365.25 / 12.0))


def _error(name: str) -> float:
    """Return the observation error of a measured quantity, SD of the logarithm."""
    return rule(f"error_{name}" if name in ("anc", "platelets", "hemoglobin") else "error_laboratory")


def count_weeks(trial: Trial, weeks: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return which weeks begin with a blood count, by the trial's schedule; week 0 always does."""
    counts = trial.schedule.counts
    day = weeks * 7
    past = day - counts.weekly_until_day
    # the first week that starts at or after each due day
    due = np.floor_divide(past, counts.then_every_days) != np.floor_divide(past - 7, counts.then_every_days)
    return np.asarray((day <= counts.weekly_until_day) | due)


def assessment_days(trial: Trial, last_day: float) -> NDArray[np.int64]:
    """Return the days of response assessments from day 0, on week starts, up to `last_day`."""
    every = trial.schedule.examination_every_days
    days = np.arange(0, min(float(last_day), float(HORIZON)) + 1, every)
    return np.unique(np.round(days / 7.0).astype(np.int64) * 7)


def ct_flags(trial: Trial, days: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return at which of the assessment days a CT is taken: the one nearest to each planned CT, and day 0."""
    flags = np.zeros(len(days), dtype=bool)
    if trial.nodes_by == "ct" and len(days):
        flags[0] = True
        every = trial.schedule.examination_every_days
        for planned in trial.ct_days:
            nearest = int(np.abs(days - (planned - 1)).argmin())
            flags[nearest] |= abs(int(days[nearest]) - (planned - 1)) <= every
    return flags


_ZERO = (
    "off",
    "off_reason",
    "dead",
    "death_cause",
    "progressed",
    "hold",
    "hold_anc",
    "hold_platelets",
    "hold_flare",
    "hold_infection",
    "hold_lysis",
    "hold_day",
    "holds",
    "anc_holds",
    "flare_holds",
    "lowest_holds",
    "step_pending",
    "failures",
    "event_since",
    "counted_today",
    "flare_grade",
    "flare_max",
    "steroid_left",
    "gcsf_left",
    "lysis_laboratory",
    "lysis_grade",
    "lysis_fatal_today",
    "infections",
    "infection_today",
    "infection_until",
    "febrile_today",
    "lysis_until",
    "hazard_infection",
    "hazard_leukemia",
)
_MINUS_ONE = (
    "off_day",
    "death_day",
    "failed_level",
    "low_anc_since",
    "grade4_since",
    "last_dose_day",
    "last_step_day",
    "lysis_day",
    "lysis_clinical_day",
    "flare_day",
    "steroid_day",
    "progressed_day",
)
