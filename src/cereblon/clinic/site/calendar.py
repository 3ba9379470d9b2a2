"""In which phase of the arm every subject is, and since when.

A phase that simply follows another begins on the day on which the other is over. A step that depends on the response,
on counts or on a draw is decided at the start of a block of weeks, from what the site knows then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cereblon.clinic.codes import Off
from cereblon.clinic.criteria.response import Category
from cereblon.clinic.rules import Numbers
from cereblon.clinic.trial.plan import ArmPlan, PhasePlan, TransitionPlan
from cereblon.clinic.trial.transitions import Condition

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Flags = NDArray[np.bool_]
OPEN = np.inf
MRD_LEVELS = {"low": 1, "undetectable": 2}
"""Levels of the tracker's MRD at least as deep as a word of a trial file."""


@dataclass(frozen=True)
class Seen:
    """What the site knows when it decides a step; each (n,).

    category: best code of `Category` so far, confirmed or not; mrd: latest level (0, 1 low, 2 undetectable); anc,
    platelets: last counts, 1e9/L, and the same at entry.
    """

    category: NDArray[np.int8]
    mrd: NDArray[np.int8]
    anc: Floats
    platelets: Floats
    anc_0: Floats
    platelets_0: Floats


def is_automatic(phase: PhasePlan) -> bool:
    """Say whether what follows a phase depends on nothing but the calendar."""
    if not phase.then:
        return True
    first = phase.then[0]
    return first.when is None and first.rest == "none" and len(first.to) == 1


class Calendar:
    """The phases of n subjects.

    plans: the arms; arm: (n,) index into them; draws: (k, n) uniforms, one for each randomisation on the way.
    """

    def __init__(self, plans: Sequence[ArmPlan], arm: Whole, draws: Floats) -> None:
        """Begin everybody's first phase on day 0."""
        n = len(arm)
        self.plans, self.arm, self._draws = plans, arm, draws
        self.phase: Whole = np.zeros(n, dtype=np.int64)
        self.start: Floats = np.zeros(n)
        self.end: Floats = np.array([_end(plans[a].phases[0], 0.0) for a in arm])
        self.completed: Floats = np.full(n, OPEN)
        """Day after the last one of the plan; infinite while treatment goes on."""
        self.stopped: NDArray[np.int64] = np.zeros(n, dtype=np.int64)
        """Code of `Off` for who was stopped while waiting for a step, 0 otherwise."""
        self._randomised: Whole = np.zeros(n, dtype=np.int64)
        self._waiting: Flags = np.zeros(n, dtype=bool)

        phases = [phase for plan in plans for phase in plan.phases]
        self.decides: Final = not all(is_automatic(phase) for phase in phases)
        """Whether any step waits for a decision of the site."""
        self.asks_for_complete_response: Final = any(phase.cr_days >= 0 for phase in phases)
        """Whether any phase ends after a complete response."""

    @property
    def waiting(self) -> Flags:
        """Who is between two phases until the site decides, (n,); known after `walk`."""
        return self._waiting

    def walk(self, first: int, days: int) -> tuple[Whole, Whole]:
        """Go through the days from `first`; return phase (days, n), -1 for none, and day of the phase (days, n)."""
        if (self.end >= first + days).all():  # nothing ends meanwhile: the usual case
            self._waiting = np.zeros(len(self.arm), dtype=bool)
            within = np.arange(first, first + days)[:, None] - self.start.astype(np.int64)
            return np.repeat(self.phase[None], days, axis=0), within
        phases, within = np.empty((days, len(self.arm)), np.int64), np.empty((days, len(self.arm)), np.int64)
        for i, day in enumerate(range(first, first + days)):
            self._waiting = self._pass_on(day)
            idle = self._waiting | (self.completed <= day)
            phases[i] = np.where(idle, -1, self.phase)
            within[i] = (day - self.start).astype(np.int64)
        return phases, within

    def _pass_on(self, day: int) -> Flags:
        """Begin what simply follows; return who waits for a decision."""
        over = (self.end <= day) & np.isinf(self.completed)
        waiting = np.zeros(len(self.arm), dtype=bool)
        while over.any():
            for who, phase in self._groups(over):
                if not phase.then:
                    self.completed = np.where(who, self.end, self.completed)
                elif is_automatic(phase):
                    self._enter(who, np.full(len(who), phase.then[0].to[0]), day)
                else:
                    waiting |= who
            over = (self.end <= day) & np.isinf(self.completed) & ~waiting
        return waiting

    def _groups(self, among: Flags) -> list[tuple[Flags, PhasePlan]]:
        found = []
        for a, p in sorted({(int(a), int(p)) for a, p in zip(self.arm[among], self.phase[among], strict=True)}):
            found.append((among & (self.arm == a) & (self.phase == p), self.plans[a].phases[p]))
        return found

    def _enter(self, who: Flags, target: Whole, day: int) -> None:
        self.phase = np.where(who, target, self.phase)
        self.start = np.where(who, float(day), self.start)
        ends = np.array([_end(self.plans[a].phases[p], float(day)) for a, p in zip(self.arm, self.phase, strict=True)])
        self.end = np.where(who, ends, self.end)

    def note_complete_response(self, confirmed: Floats) -> None:
        """Bring the end of phases forward that end so long after a confirmed CR. confirmed: (n,) day, NaN = none."""
        extra = np.array([self.plans[a].phases[p].cr_days for a, p in zip(self.arm, self.phase, strict=True)])
        end = np.maximum(confirmed, self.start) + extra
        self.end = np.where((extra >= 0) & ~np.isnan(confirmed), np.fmin(self.end, end), self.end)

    def settle(self, day: int, seen: Seen, active: Flags, site: Numbers) -> None:
        """Decide the steps that are due on `day` for the subjects who are `active` (on treatment and alive)."""
        over = (self.end <= day) & np.isinf(self.completed) & active
        for who, phase in self._groups(over):
            if is_automatic(phase):
                continue
            left = who
            for step in phase.then:
                fits = left & meets(step.when, seen, site)
                left = left & ~fits
                ready = fits & (recovered(seen, site) if step.rest == "counts" else True)
                late = fits & ~ready & (day - self.end >= step.at_most)
                self.stopped = np.where(late, int(Off.CYTOPENIA), self.stopped)
                self.completed = np.where(late, float(day), self.completed)
                self._send(ready, step, day)
            self.completed = np.where(left, float(day), self.completed)

    def _send(self, who: Flags, step: TransitionPlan, day: int) -> None:
        """Begin the next phase: the only one, or the one that the subject's own draw says."""
        if not who.any():
            return
        targets = np.asarray(step.to)
        if len(targets) == 1:
            self._enter(who, np.full(len(who), targets[0]), day)
            return
        place = np.minimum(self._randomised, len(self._draws) - 1)
        drawn = self._draws[place, np.arange(len(who))]
        chosen = np.searchsorted(np.cumsum(step.share)[:-1], drawn, side="right")
        self._randomised = np.where(who, self._randomised + 1, self._randomised)
        self._enter(who, targets[chosen], day)


def _end(phase: PhasePlan, start: float) -> float:
    return OPEN if phase.length is None else start + phase.length


def meets(condition: Condition | None, seen: Seen, site: Numbers) -> Flags:
    """Return who meets the condition of a step, (n,)."""
    if condition is None:
        return np.ones(len(seen.category), dtype=bool)
    if condition.kind == "response":
        return np.asarray(seen.category >= Category[condition.level])
    if condition.kind == "mrd":
        return np.asarray(seen.mrd >= MRD_LEVELS[condition.level])
    return recovered(seen, site)


def recovered(seen: Seen, site: Numbers) -> Flags:
    """Return whose last counts allow another phase: limits as for resuming, own baseline where that was lower."""
    share = site["low_baseline_resume"]
    anc = np.where(seen.anc_0 < site["recovered_anc"], share * seen.anc_0, site["recovered_anc"])
    platelets = np.where(
        seen.platelets_0 < site["recovered_platelets"], share * seen.platelets_0, site["recovered_platelets"]
    )
    return np.asarray((seen.anc >= anc) & (seen.platelets >= platelets))


def seen_of(clinic: Mapping[str, Any], category: NDArray[np.int8], mrd: NDArray[np.int8]) -> Seen:
    """Return what the site knows, from the clinic's state and the latest assessment."""
    counts = (
        np.asarray(clinic[k], dtype=float) for k in ("anc_measured", "platelets_measured", "anc_0", "platelets_0")
    )
    return Seen(category, mrd, *counts)
