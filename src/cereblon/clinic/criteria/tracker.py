"""Follows n subjects from assessment to assessment: readings, response, and who has progressed.

Progression counts when two assessments at least two weeks apart agree, and is dated at the first of them;
inside a flare window size and lymphocytes do not count (endpoints.md section 2). Only the method that raised a
suspicion can refute it: what a CT alone saw stands until the next CT. Progression is judged against the
lowest value that held over several assessments in a row: the lowest of many noisy readings alone is too low
and would make stable disease progress.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cereblon.clinic.codes import NOISE_ROW, Off
from cereblon.clinic.criteria.nodes import Nodes, Sizes, by_ct, by_hand, felt_spd
from cereblon.clinic.criteria.response import (
    Category,
    Codes,
    Criteria,
    Flags,
    Floats,
    Lowest,
    Reading,
    best_response,
    clear,
    first_response,
    progression,
    response,
)
from cereblon.clinic.rules import Numbers
from cereblon.readings import by_quantity, of_role

TRUTH = of_role("response")
"""Observables of the model that an assessment reads, true values of shape (n,)."""
BLOOD = tuple(name for name in TRUTH if name == "alc" or by_quantity()[name].measured)
"""Those of them that are read in blood."""
Array = NDArray[np.floating]


class ResponseTracker:
    """Response assessments of n subjects of one trial.

    criteria, nodes_by: of the trial; spd (cm2) and longest (cm): baseline sizes drawn with the subjects;
    hand, nodules: one standard normal per subject (personal bias of palpation, infiltrate at which nodules
    show); marrow: whether a marrow is taken to confirm CR. All arrays (n,).
    """

    def __init__(
        self,
        criteria: Criteria,
        nodes_by: str,
        spd: Array,
        longest: Array,
        hand: Array,
        nodules: Array,
        site: Numbers,
        *,
        marrow: bool = True,
    ) -> None:
        """Start without any assessment; the first `update` is the baseline."""
        n, self._site = len(spd), site
        self.criteria: Criteria = criteria
        self._ct, self._marrow = nodes_by == "ct", marrow
        self._hand = np.asarray(hand, dtype=float)
        self._sizes = Sizes(np.ones(n), np.asarray(spd, dtype=float), np.asarray(longest, dtype=float))
        self._nodules = self._site["marrow_nodules"] * np.exp(self._site["marrow_nodules_spread"] * np.asarray(nodules))
        self._scan_base: Reading | None = None
        self._scan_low: _Low | None = None
        self._last_scan: Nodes | None = None
        self.days: list[float] = []
        self.categories: list[Codes] = []
        self.readings: list[Reading] = []
        self.mrd: list[NDArray[np.int8]] = []
        self.progressed_day: Floats = np.full(n, np.nan)
        self.found_day: Floats = np.full(n, np.nan)
        """Day at which progression was confirmed; `progressed_day` is the first of the two assessments."""
        self._suspected: Floats = np.full(n, np.nan)
        self._suspected_by_ct: Floats = np.full(n, np.nan)
        self._bone: Floats = np.full(n, np.nan)
        self._bone_day: Floats = np.full(n, -np.inf)
        self._cr_day: Floats = np.full(n, np.nan)

    def update(
        self,
        day: float,
        truth: Mapping[str, Array],
        noise: Array,
        clinic: Mapping[str, Array],
        *,
        ct: bool = False,
    ) -> None:
        """Assess everyone who is alive, on study and not yet progressed.

        truth: names of TRUTH; noise: (K, n) of this week, rows of codes.NOISE, the same that `decide` saw;
        clinic: its state; ct: whether a CT is taken (day 0 always has one when the trial uses CT).
        """
        found = self._measure(truth, noise)
        hand, scan = self._nodes(truth, noise, first=not self.days, ct=ct)
        if not self.days:
            self._start(day, found, hand, scan)
            return
        alive = np.asarray(clinic["dead"]) == 0
        open_ = alive & np.isnan(self.found_day)
        last_step = np.asarray(clinic["last_step_day"])
        flare = (day < self._site["flare_window"]) | ((day > 0) & (day - last_step < self._site["flare_window_step"]))
        flare = flare | ((np.asarray(clinic["flare_max"]) > 0) & (day < self._site["flare_window_long"]))
        steroid_day = np.asarray(clinic["steroid_day"])
        recent_steroid = (steroid_day >= 0) & (day - steroid_day < self._site["steroid_window"])

        worse = self._worse(found, hand, self._hand_base, self._hand_low, flare)
        grown: Flags | None = None
        if scan is not None and self._scan_base is not None and self._scan_low is not None:
            # of a CT only the sizes: lymphocytes are judged at every visit, with the examination
            bloodless = {**found, "alc": np.zeros_like(found["alc"])}
            grown = self._worse(bloodless, scan, self._scan_base, self._scan_low, flare)
            self._last_scan = scan
        self._settle(day, worse, grown, open_)
        seen = hand if self._last_scan is None else self._last_scan
        now, category = self._respond(day, found, seen, noise, truth, open_)
        category = np.where(open_ & ~recent_steroid, category, Category.NE)
        self.categories.append(category.astype(np.int8))
        self._record(day, now, truth, noise)
        self._lower(found, hand, scan)

    def apply(self, clinic: Mapping[str, Array], day: float) -> dict[str, NDArray[np.float32]]:
        """Return the clinic's state with treatment ended for who has progressed, before the next block."""
        state = {name: np.array(value, dtype=np.float32) for name, value in clinic.items()}
        gone = np.isfinite(self.found_day)
        new = gone & (state["off"] == 0)
        state["progressed"] = np.where(gone, 1.0, state["progressed"]).astype(np.float32)
        state["progressed_day"] = np.where(gone, self.progressed_day, -1.0).astype(np.float32)
        state["off"] = np.where(new, 1.0, state["off"]).astype(np.float32)
        state["off_day"] = np.where(new, day, state["off_day"]).astype(np.float32)
        state["off_reason"] = np.where(new, float(Off.PROGRESSION), state["off_reason"]).astype(np.float32)
        return state

    def complete_response_day(self) -> Floats:
        """Return the day of the assessment that confirmed a CR, (n,), NaN without one; to be asked after each."""
        has = best_response(self.days, self._visits(), self._site["confirm_response"]) >= Category.CR
        self._cr_day = np.where(has & np.isnan(self._cr_day), self.days[-1], self._cr_day)
        return self._cr_day

    def so_far(self) -> tuple[Codes, NDArray[np.int8]]:
        """Return the best category so far, not confirmed, and the latest MRD level (0, 1 low, 2 undetectable), (n,)."""
        return np.asarray(self._visits().max(axis=0)), self.mrd[-1]

    def best(self) -> Codes:
        """Return the best confirmed response, (n,) codes of `Category`."""
        return best_response(self.days, self._visits(), self._site["confirm_response"])

    def response_day(self) -> Floats:
        """Return the day of the first visit of a confirmed response, NaN without one."""
        return first_response(self.days, self._visits(), self._site["confirm_response"])

    def visits(self) -> Codes:
        """Return the categories by assessment, (assessments, n), PD from its date, NE at baseline."""
        return self._visits()

    def last_assessed(self) -> Floats:
        """Return the day of the last adequate assessment, 0 when there was only the baseline."""
        days = np.asarray(self.days)[:, None]
        return np.asarray(np.where(self._visits() > Category.NE, days, 0.0).max(axis=0))

    def _visits(self) -> Codes:
        visits = np.stack(self.categories)
        day = np.asarray(self.days)[:, None]
        return np.where(np.isfinite(self.progressed_day) & (day >= self.progressed_day), Category.PD, visits).astype(
            np.int8
        )

    def _measure(self, truth: Mapping[str, Array], noise: Array) -> dict[str, Floats]:
        found = {}
        for name in BLOOD:
            row = by_quantity()[name]
            error = self._site[row.error] * np.asarray(noise[NOISE_ROW[row.noises[0]]], dtype=float)
            found[name] = np.asarray(truth[name], dtype=float) * np.exp(error)
        return found

    def _nodes(self, truth: Mapping[str, Array], noise: Array, *, first: bool, ct: bool) -> tuple[Nodes, Nodes | None]:
        volume = np.asarray(truth["node_volume"], dtype=float)
        spleen = np.asarray(truth["spleen_volume"], dtype=float)
        if first:
            self._sizes = Sizes(volume, self._sizes.spd, self._sizes.longest)
        of_spleen = np.asarray(noise[NOISE_ROW["spleen"]], dtype=float)
        by_fingers = np.asarray(noise[NOISE_ROW["nodes_hand"]], dtype=float)
        hand = by_hand(volume, spleen, self._sizes, by_fingers, of_spleen, self._hand, self._site)
        if not (self._ct and (ct or first)):
            return hand, None
        return hand, by_ct(volume, spleen, self._sizes, np.asarray(noise[NOISE_ROW["nodes_ct"]]), of_spleen, self._site)

    def _start(self, day: float, found: dict[str, Floats], hand: Nodes, scan: Nodes | None) -> None:
        n = len(hand.spd)
        floor = felt_spd(self._sizes, self._site)
        felt_spleen = np.full(n, self._site["palpable_spleen"])
        self._hand_base = self._reading(found, hand)
        # what hands cannot feel cannot be a reference: growth is judged from the palpable size
        self._hand_low = _Low(hand, found["alc"], floor, felt_spleen, int(self._site["lowest_held_hand"]))
        if scan is not None:
            self._last_scan = scan
            self._scan_base = self._reading(found, scan)
            none = np.zeros(n)
            self._scan_low = _Low(scan, found["alc"], none, none, int(self._site["lowest_held_ct"]))
        self.categories.append(np.full(n, Category.NE, dtype=np.int8))
        self.days.append(day)
        self.readings.append(self._hand_base if self._scan_base is None else self._scan_base)
        self.mrd.append(np.zeros(n, dtype=np.int8))

    def _reading(self, found: dict[str, Floats], nodes: Nodes, marrow: Floats | None = None) -> Reading:
        bone = np.full(len(nodes.spd), np.nan) if marrow is None else marrow
        empty = np.nan_to_num(bone, nan=100.0)
        return Reading(
            alc=found["alc"],
            anc=found["anc"],
            platelets=found["platelets"],
            hemoglobin=found["hemoglobin"],
            spd=nodes.spd,
            longest=nodes.longest,
            spleen=nodes.spleen,
            marrow=bone,
            nodules=~np.isnan(bone) & (empty >= self._nodules),
            # low counts beside a marrow free of leukemia are the drug's
            drug_cytopenia=empty < 30.0,
        )

    def _worse(self, found: dict[str, Floats], nodes: Nodes, base: Reading, low: _Low, flare: Flags) -> Flags:
        # baselines below the reference floor are lifted to it too: nobody progresses from an unfelt size
        reference = low.reference()
        lifted = replace(base, spd=np.maximum(base.spd, low.floor), spleen=np.maximum(base.spleen, low.spleen_floor))
        return progression(self._reading(found, nodes), lifted, reference, self.criteria, self._site, flare=flare)

    def _settle(self, day: float, worse: Flags, grown: Flags | None, open_: Flags) -> None:
        """Confirm an earlier suspicion by either method, note a new one, and drop what its own method refutes.

        worse: by examination and blood; grown: by CT, None when none was taken. Both (n,).
        """
        seen = (worse if grown is None else worse | grown) & open_
        first = np.fmin(self._suspected, self._suspected_by_ct)
        agreed = seen & (day - first >= self._site["confirm_progression"])
        self.progressed_day = np.where(agreed, first, self.progressed_day)
        self.found_day = np.where(agreed, day, self.found_day)
        self._suspected = _standing(self._suspected, worse & open_, day)
        if grown is not None:
            self._suspected_by_ct = _standing(self._suspected_by_ct, grown & open_, day)

    def _respond(
        self,
        day: float,
        found: dict[str, Floats],
        seen: Nodes,
        noise: Array,
        truth: Mapping[str, Array],
        open_: Flags,
    ) -> tuple[Reading, Codes]:
        base = self._hand_base if self._scan_base is None else self._scan_base
        candidate = clear(self._reading(found, seen), self.criteria, self._site) & open_
        if self._marrow:
            limit = self._site["marrow_blank"] if self.criteria == "iwCLL 2018" else self._nodules
            settled = self._bone < np.minimum(limit, 30.0)  # NaN, no marrow yet: False
            take = candidate & ~settled & (day - self._bone_day >= self._site["marrow_again_after"])
            error = self._site["error_marrow"] * np.asarray(noise[NOISE_ROW["marrow"]], dtype=float)
            read = 100.0 * np.asarray(truth["marrow_infiltration"], dtype=float) * np.exp(error)
            self._bone = np.where(take, np.minimum(read, 100.0), self._bone)
            self._bone_day = np.where(take, day, self._bone_day)
        # a marrow stands for as long as the subject stays free of disease elsewhere
        marrow = np.where(candidate, self._bone, np.nan)
        now = self._reading(found, seen, marrow)
        return now, response(now, base, self.criteria, self._site)

    def _record(self, day: float, now: Reading, truth: Mapping[str, Array], noise: Array) -> None:
        self.days.append(day)
        self.readings.append(now)
        error = self._site["error_mrd"] * np.asarray(noise[NOISE_ROW["mrd"]], dtype=float)
        clone = np.asarray(truth["blood_clone_fraction"], dtype=float) * np.exp(error)
        level = (clone < self._site["mrd_low"]).astype(np.int8) + (clone < self._site["mrd_undetectable"]).astype(
            np.int8
        )
        self.mrd.append(level.astype(np.int8))

    def _lower(self, found: dict[str, Floats], hand: Nodes, scan: Nodes | None) -> None:
        self._hand_low.take(hand, found["alc"])
        if scan is not None and self._scan_low is not None:
            self._scan_low.take(scan, found["alc"])


def _standing(since: Floats, seen: Flags, day: float) -> Floats:
    """Return the day since when a method has seen growth without a break, NaN where it sees none now."""
    return np.where(seen, np.where(np.isnan(since), day, since), np.nan)


class _Low:
    """Lowest values that `held` assessments in a row confirm, never under a floor; arrays (n,)."""

    def __init__(self, nodes: Nodes, alc: Floats, floor: Floats, spleen_floor: Floats, held: int) -> None:
        self.floor, self.spleen_floor, self._held = floor, spleen_floor, held
        first = np.stack([alc, nodes.spd, nodes.spleen])
        self._recent = [first] * (held - 1)
        self._lowest = first

    def take(self, nodes: Nodes, alc: Floats) -> None:
        """Add an assessment."""
        self._recent = [*self._recent, np.stack([alc, nodes.spd, nodes.spleen])][-self._held :]
        self._lowest = np.minimum(self._lowest, np.max(self._recent, axis=0))

    def reference(self) -> Lowest:
        """Return the values progression is judged against."""
        alc, spd, spleen = self._lowest
        return Lowest(alc, np.maximum(spd, self.floor), np.maximum(spleen, self.spleen_floor))
