"""From a trial document to the arrays the compiled clinic runs on: static, weekly and daily.

Days count from 0 = day of the first dose (day 1 of the document). A block is some weeks whatever the length of the
trial's own cycles: tables are made on days of a phase and cut. Subjects of different arms can share a batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from cereblon.clinic.codes import COUNTS, INFECTIONS, MEASURED, NOISE, NOISE_ROW, THRESHOLDS
from cereblon.clinic.criteria.lysis import ANALYTES
from cereblon.clinic.rules import Numbers
from cereblon.clinic.site.calendar import Calendar, Seen
from cereblon.clinic.site.day_tables import DayTables
from cereblon.clinic.site.decide import WEEKLY, WEEKLY_BY_DRUG
from cereblon.clinic.site.drugs import SiteDrug
from cereblon.clinic.site.hazards import fixed_days, infection_base, infection_fatality
from cereblon.clinic.site.ladders import EVERYBODY, Ladders, amount_factor
from cereblon.clinic.site.orders_rules import DRUG_RULES, arm_numbers
from cereblon.clinic.site.shape import shape_of
from cereblon.clinic.site.state import MINUS_ONE, MINUS_ONE_BY_RULED, ZERO, ZERO_BY_DRUG, ZERO_BY_RULED
from cereblon.clinic.trial.calendar import HORIZON
from cereblon.clinic.trial.trial import Trial
from cereblon.errors import CereblonError
from cereblon.readings import by_quantity

Single = NDArray[np.float32]
Tree = dict[str, Single]
NEVER = 1.0e6
DAILY = ("due", "begin", "escalate", "review", "part")
RULED = ("escalate", "review")
"""Daily orders that are of ruled drugs alone."""


def uniform(exponential: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return uniforms in (0, 1) from standard exponentials of the same shape."""
    return np.clip(-np.expm1(-np.asarray(exponential, dtype=np.float64)), 1e-12, 1.0 - 1e-12)


def normal(exponential: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return standard normals from standard exponentials of the same shape."""
    return np.asarray(ndtri(uniform(exponential)))


class Orders:
    """The orders of a trial for n subjects.

    arm: (n,) index into trial.arms; covariates: age (years), male (0/1), crcl (mL/min), prior_lines, bsa (m2), weight
    (kg), and creatinine_uln (baseline creatinine over the upper limit) where known, each (n,); thresholds: standard
    exponentials by the names of codes.THRESHOLDS, each (k, n); drugs: of the model, in its order; site: its numbers.
    """

    def __init__(
        self,
        trial: Trial,
        arm: NDArray[np.integer],
        covariates: Mapping[str, NDArray[np.floating]],
        thresholds: Mapping[str, NDArray[np.floating]],
        drugs: Sequence[SiteDrug],
        site: Numbers,
    ) -> None:
        """Raise CereblonError for a missing covariate or threshold, an arm out of range, or a drug not on board."""
        self.trial, self.arm, self.site, self.drugs = trial, np.asarray(arm, dtype=np.int64), site, tuple(drugs)
        if self.arm.size and not 0 <= int(self.arm.min()) <= int(self.arm.max()) < len(trial.arms):
            raise CereblonError(f"arm: expected numbers from 0 to {len(trial.arms) - 1}")
        for name in ("age", "male", "crcl", "prior_lines"):
            if name not in covariates:
                raise CereblonError(f"covariates: {name} is missing")
        for name in THRESHOLDS:
            if name not in thresholds:
                raise CereblonError(f"thresholds: {name} is missing")
        self._covariates, self._thresholds = covariates, thresholds
        self.names = tuple(drug.name for drug in self.drugs)
        self.plans = trial.plans
        self._require_on_board()
        self.shape = shape_of(trial, self.drugs)
        self.weeks, self._ruled = self.shape.weeks, list(self.shape.ruled)
        self._ladders = [Ladders(plan, self.names) for plan in self.plans]
        self._classes, self._kidney = self._renal_classes()
        self._tables, self._first_table = self._day_tables()
        self.static: dict[str, Any] = self._static()
        self.calendar = Calendar(self.plans, self.arm, uniform(thresholds["randomisation"]))

    @property
    def size(self) -> int:
        """The number of subjects."""
        return int(self.arm.size)

    def _require_on_board(self) -> None:
        """Raise CereblonError unless every drug of the trial has a row: what is written is given."""
        for plan in self.plans:
            for course in (course for phase in plan.phases for course in phase.courses):
                if course.drug not in self.names:
                    known = ", ".join(self.names)
                    raise CereblonError(f"arm {plan.id}: {course.drug} reaches no state of the model; it has {known}")

    def _renal_classes(self) -> tuple[list[tuple[float, ...]], NDArray[np.int64]]:
        """Return the clearances that stand for the classes of each arm, and the class of each subject."""
        crcl = np.asarray(self._covariates["crcl"], dtype=np.float64)
        classes, kidney = [], np.zeros(self.size, dtype=np.int64)
        for index, ladders in enumerate(self._ladders):
            # 0 = below every limit; a clearance just under the limit stands for the class
            classes.append((*(limit - 1e-9 for limit in ladders.limits), EVERYBODY))
            here = self.arm == index
            kidney[here] = np.searchsorted(ladders.limits, crcl[here], side="right")
        return classes, kidney

    def _day_tables(self) -> tuple[list[DayTables], NDArray[np.int64]]:
        """Return all day tables, the idle one first, and of each subject the table of the first phase."""
        tables, first = [DayTables.idle(len(self.drugs))], np.zeros(self.size, dtype=np.int64)
        for index, ladders in enumerate(self._ladders):
            for renal_class, crcl in enumerate(self._classes[index]):
                first[(self.arm == index) & (self._kidney == renal_class)] = len(tables)
                tables += [DayTables.of(ladders, phase, crcl) for phase in range(len(ladders.plan.phases))]
        return tables, first

    def _levels(self) -> dict[str, Single]:
        """Return the level tables of each subject: amounts (levels, drugs, n), the others (levels, ruled, n)."""
        top = self.shape.levels

        def each(made: list[list[NDArray[np.float64]]]) -> Single:
            flat = [np.pad(table, ((0, top - len(table)), (0, 0)), mode="edge") for of_arm in made for table in of_arm]
            first = np.cumsum([0, *(len(of_arm) for of_arm in made[:-1])])
            return np.ascontiguousarray(np.stack(flat, axis=-1)[..., first[self.arm] + self._kidney], dtype=np.float32)

        out = {}
        for kind in ("floor", "top", "condition"):
            tables = [[lad.table(kind)] * len(c) for lad, c in zip(self._ladders, self._classes, strict=True)]
            out[f"level_{kind}"] = each(tables)[:, self._ruled]
        tables = [[lad.next_level(c) for c in cs] for lad, cs in zip(self._ladders, self._classes, strict=True)]
        out["next_level"] = each(tables)[:, self._ruled]
        amounts = each([[lad.table("amount")] * len(c) for lad, c in zip(self._ladders, self._classes, strict=True)])
        out["levels"] = self._scaled(amounts)
        return out

    def _scaled(self, amounts: Single) -> Single:
        """Return the level table in units of the drugs: by the subject's size, none above the highest dose."""
        out = amounts.astype(np.float64)
        one = np.ones(self.size)
        bsa, weight = (np.asarray(self._covariates.get(k, one), dtype=np.float64) for k in ("bsa", "weight"))
        for index, ladders in enumerate(self._ladders):
            here = self.arm == index
            for (phase, place), base in ladders.bases.items():
                course = ladders.plan.phases[phase].courses[place]
                rows = slice(base, base + len(course.ladder))
                column = self.names.index(course.drug)
                made = out[rows, column][:, here] * amount_factor(course, bsa, weight)[here]
                out[rows, column, here] = made if course.most is None else np.minimum(made, course.most)
        return out.astype(np.float32)

    def _static(self) -> dict[str, Any]:
        covariates, draws, site, n = self._covariates, self._thresholds, self.site, self.size
        static: dict[str, Any] = {
            "relapsed": np.full(n, float(self.trial.setting == "relapsed")),
            "creatinine_uln": covariates.get("creatinine_uln", np.full(n, site["creatinine_typical"])),
            "infection_at": np.cumsum(draws["infection"][:INFECTIONS], axis=0),
            "infection_severity": uniform(draws["infection_severity"][:INFECTIONS]),
            "lysis_fatality": uniform(draws["lysis_fatality"][0]),
            "flare_sensitivity": np.exp(site["flare_spread"] * normal(draws["flare"][0])),
        }
        age, relapsed = np.asarray(covariates["age"], dtype=np.float64), static["relapsed"]
        static |= fixed_days(age, np.asarray(covariates["male"]), relapsed, draws, HORIZON, site)
        static["death_leukemia"] = draws["death_leukemia"][0]
        static["infection_base"] = infection_base(age, relapsed, site)
        static["infection_fatality"] = infection_fatality(age, site)
        static["cut_day"] = self.follow_up_days()
        static |= self._levels() | self._arm_numbers()
        share = static.pop("gcsf_share")
        static["gcsf_user"] = uniform(draws["gcsf"][0]) < share
        static["steroid_of"] = np.array([drug.steroid for drug in self.drugs])[:, None]
        numbers = {name: np.asarray(value, dtype=np.float32) for name, value in static.items()}
        return {**numbers, "site": {name: np.float32(value) for name, value in site.items()}}

    def _arm_numbers(self) -> dict[str, NDArray[np.float64]]:
        """Return the numbers of dose rules, (ruled, n), and of rescue, (drugs, n) or (n,)."""
        made = [arm_numbers(plan, self.drugs, self.site) for plan in self.plans]
        out = {name: np.array([single[name] for single, _ in made])[self.arm] for name in made[0][0]}
        for name in made[0][1]:
            table = np.stack([by_drug[name] for _, by_drug in made], axis=-1)[:, self.arm]
            out[name] = table[self._ruled] if name in DRUG_RULES else table
        return out

    def initial(self) -> Tree:
        """Return the clinic's state before the first day: (n,), (drugs, n) or (ruled, n) float32 arrays."""
        n, by_drug, by_ruled = self.size, (len(self.drugs), self.size), (len(self._ruled), self.size)
        zero = [*WEEKLY, *ZERO, *(f"{k}_0" for k in (*ANALYTES, "anc", "platelets"))]
        state = {name: np.zeros(n, dtype=np.float32) for name in zero}
        state |= {name: np.full(n, -1.0, dtype=np.float32) for name in MINUS_ONE}
        state |= {name: np.zeros(by_drug, dtype=np.float32) for name in (*WEEKLY_BY_DRUG, *ZERO_BY_DRUG)}
        state |= {name: np.zeros(by_ruled, dtype=np.float32) for name in ZERO_BY_RULED}
        state |= {name: np.full(by_ruled, -1.0, dtype=np.float32) for name in MINUS_ONE_BY_RULED}
        state["end_day"] = np.full(n, NEVER, dtype=np.float32)
        for name in (f"{count}_measured" for count in COUNTS):
            state[name] = np.full(n, 1.0e3, dtype=np.float32)  # unmeasured: no rule is met
        return state

    def block(
        self, number: int, clinic: Mapping[str, Any], noise: NDArray[np.floating], seen: Seen | None = None
    ) -> tuple[Tree, Tree, Tree]:
        """Return (clinic, weekly, daily) of a block: steps between phases are decided, then days are written down.

        noise: (weeks, K, n) standard normals of its weeks, rows as in codes.NOISE; seen: what the site knows; None: no
        step is decided.
        """
        first = number * 7 * self.weeks
        if seen is not None:
            active = (np.asarray(clinic["off"]) == 0) & (np.asarray(clinic["dead"]) == 0)
            self.calendar.settle(first, seen, active, self.site)
        daily = self.daily(number)
        state = dict(clinic)
        end = np.minimum(np.nan_to_num(self.calendar.completed, posinf=NEVER), NEVER)
        state["end_day"] = end.astype(np.float32)
        state["end_reason"] = self.calendar.stopped.astype(np.float32)
        return state, self.weekly(number, noise), daily

    def idle(self) -> tuple[Tree, Tree, Tree]:
        """Return (clinic, weekly, daily) of a block in which nobody is treated and nothing is measured."""
        clinic = self.initial() | {"off": np.ones(self.size, dtype=np.float32)}
        by_drug = (7 * self.weeks, len(self.drugs), self.size)
        names = [field.name for field in fields(DayTables) if self._needs(field.name)]
        daily = {name: np.zeros(by_drug, dtype=np.float32)[:, self._columns(name)] for name in names}
        starts = (np.arange(7 * self.weeks) % 7 == 0).astype(np.float32)
        daily["week_start"] = np.repeat(starts[:, None], self.size, axis=1)
        daily["begin"] -= 1.0
        silent = np.zeros((self.weeks, len(NOISE), self.size))
        return clinic, self.weekly(0, silent), daily

    def weekly(self, block: int, noise: NDArray[np.floating]) -> dict[str, Single]:
        """Return {"error": (weeks, E, n) factors of codes.MEASURED, "counts": (weeks, n) flags} of a block."""
        expected = (self.weeks, len(NOISE), self.size)
        if noise.shape != expected:
            raise CereblonError(f"noise: has shape {noise.shape}, expected {expected}")
        weeks = np.arange(self.weeks) + self.weeks * block
        counts = np.repeat(count_weeks(self.trial, weeks)[:, None], self.size, axis=1)
        counts = counts | self.calendar.waiting  # who rests until counts recover is seen weekly
        rows = [by_quantity()[name] for name in MEASURED]
        size = np.array([float(self.site[row.error]) for row in rows])[:, None]
        error = np.exp(size * noise[:, [NOISE_ROW[row.noises[0]] for row in rows]])
        return {"error": error.astype(np.float32), "counts": counts.astype(np.float32)}

    def daily(self, block: int) -> Tree:
        """Return the orders of a block by day, (days, drugs or ruled, n), see `DayTables`; week_start (days, n) 0/1."""
        first, days = block * 7 * self.weeks, 7 * self.weeks
        phase, within = self.calendar.walk(first, days)
        # beyond the horizon nothing is ordered
        row = np.where((phase < 0) | (within >= HORIZON), 0, self._first_table + phase)
        within = np.minimum(within, HORIZON - 1)
        out = {field.name: self._cut(field.name, row, within) for field in fields(DayTables) if self._needs(field.name)}
        starts = (np.arange(first, first + days) % 7 == 0).astype(np.float32)
        return {**out, "week_start": np.repeat(starts[:, None], self.size, axis=1)}

    def _needs(self, name: str) -> bool:
        return name in DAILY or bool(self.shape.infused)

    def _columns(self, name: str) -> list[int]:
        """Return the drugs that a daily order speaks of."""
        return self._ruled if name in RULED else list(range(len(self.drugs)))

    def _cut(self, name: str, row: NDArray[np.int64], within: NDArray[np.int64]) -> Single:
        columns = self._columns(name)
        tables = [getattr(table, name)[:, columns] for table in self._tables]
        days = within[:, 0]
        if (within == days[:, None]).all() and (row == row[0]).all():  # everybody on one calendar: no gather by day
            cut = np.stack([table[days] for table in tables], axis=-1)
            return np.ascontiguousarray(cut[..., row[0]])
        out = np.empty((len(within), len(columns), self.size), dtype=np.float32)
        for number in np.unique(row):
            here = row == number
            out.transpose(0, 2, 1)[here] = tables[number][within[here]]
        return out

    def follow_up_days(self) -> NDArray[np.float64]:
        """Return the day of the data cut of each subject, (n,): median follow-up, spread over the accrual."""
        follow_up = self.trial.follow_up
        spread = (uniform(self._thresholds["follow_up"][0]) - 0.5) * (follow_up.accrual_months or 0.0)
        return np.asarray(np.round((follow_up.duration_months + spread) * 365.25 / 12.0))


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
