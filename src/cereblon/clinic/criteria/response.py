"""Response criteria of CLL over many subjects at once: NCI-WG 1996, iwCLL 2008 and iwCLL 2018.

The rules are those of endpoints.md sections 1 and 6 (RC001-RC037), read compartment by compartment:
lymphocytes, nodes, spleen (group A), then platelets, hemoglobin, neutrophils, marrow (group B). Every
argument is an array of shape (n,); a visit is a `Reading`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cereblon.clinic.rules import Numbers

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Codes = NDArray[np.int8]
Criteria = Literal["NCI-WG 1996", "iwCLL 2008", "iwCLL 2018"]


class Category(IntEnum):
    """A response category; the order is the rank, so that the best response is the largest."""

    NE = -2
    PD = -1
    SD = 0
    PRL = 1
    PR = 2
    nPR = 3
    CRi = 4
    CR = 5


@dataclass(frozen=True)
class Reading:
    """What one examination of n subjects found.

    alc, anc, platelets 1e9/L; hemoglobin g/dL; spd cm2; longest cm (largest node); spleen cm (length);
    marrow percent lymphocytes, NaN when no marrow was taken. The flags default to False for everyone:
    nodules (marrow), hypocellular, drug_cytopenia (low counts explained by the drug), new_node, richter,
    liver (enlarged), symptoms, transfused, leukemic_cytopenia (marrow proof that CLL makes it); `nodes` is
    the number of enlarged nodes.
    """

    alc: Floats
    spd: Floats
    longest: Floats
    spleen: Floats
    platelets: Floats
    hemoglobin: Floats
    anc: Floats
    marrow: Floats
    nodules: Flags | bool = False
    hypocellular: Flags | bool = False
    drug_cytopenia: Flags | bool = False
    new_node: Flags | bool = False
    richter: Flags | bool = False
    liver: Flags | bool = False
    symptoms: Flags | bool = False
    transfused: Flags | bool = False
    leukemic_cytopenia: Flags | bool = False
    nodes: NDArray[np.integer] | int = 2


@dataclass(frozen=True)
class Lowest:
    """The best values so far, against which progression is judged: shapes (n,), units as in `Reading`."""

    alc: Floats
    spd: Floats
    spleen: Floats


def change(value: Floats, reference: Floats) -> Floats:
    """Return the relative change, 0 where the reference is not positive."""
    safe = np.where(reference > 0, reference, 1.0)
    with np.errstate(over="ignore"):  # growth from next to nothing is infinite
        return np.where(reference > 0, value / safe - 1.0, 0.0)


def _excess(spleen: Floats, site: Numbers) -> Floats:
    return np.asarray(np.maximum(spleen - site["normal_spleen"], 0.0))


def _both(flag: Flags | bool, like: Floats) -> Flags:
    return np.broadcast_to(np.asarray(flag, dtype=bool), like.shape)


def progression(
    now: Reading,
    baseline: Reading,
    lowest: Lowest,
    criteria: Criteria,
    site: Numbers,
    *,
    flare: Flags | bool = False,
    on_drug: Flags | bool = True,
    months_off: Floats | float = 0.0,
) -> Flags:
    """Return who meets the criteria of progression at this examination, before any confirmation.

    flare: inside the flare window, where growing nodes, spleen or lymphocytes do not count; on_drug and
    months_off decide whether a falling count may count (never on drug, and never in 1996).
    """
    grown = change(now.spd, np.minimum(baseline.spd, lowest.spd)) >= 0.5
    if criteria == "NCI-WG 1996":
        nodes = grown & (np.asarray(now.nodes) >= 2) & (now.longest >= 2.0)
    else:
        nodes = grown & (now.longest > 1.5)
    nodes = nodes | _both(now.new_node, now.alc)
    excess = _excess(now.spleen, site)
    least = np.minimum(_excess(baseline.spleen, site), _excess(lowest.spleen, site))
    spleen = (excess >= 2.0) & (excess >= 1.5 * least)
    blood = (now.alc >= 5.0) & (change(now.alc, np.minimum(baseline.alc, lowest.alc)) >= 0.5)
    found = (nodes | spleen | blood) & ~_both(flare, now.alc)
    if criteria != "NCI-WG 1996":
        late = ~_both(on_drug, now.alc) & (np.broadcast_to(months_off, now.alc.shape) >= 3.0)
        fallen = (now.platelets <= 0.5 * baseline.platelets) | (now.hemoglobin < baseline.hemoglobin - 2.0)
        found = found | (late & fallen & _both(now.leukemic_cytopenia, now.alc))
    return found | _both(now.richter, now.alc)


def clear(now: Reading, criteria: Criteria, site: Numbers) -> Flags:
    """Return who is free of disease on examination and in blood: who has a marrow taken to confirm CR."""
    recent = criteria == "iwCLL 2018"
    nodes = (now.longest < 1.5) if recent else (now.longest <= 1.5)
    blood = (now.alc <= 4.0) if criteria == "NCI-WG 1996" else (now.alc < 4.0)
    well = ~_both(now.liver, now.alc) & ~_both(now.symptoms, now.alc)
    return np.asarray(nodes & blood & well & (now.spleen <= site["normal_spleen"]))


def response(
    now: Reading, baseline: Reading, criteria: Criteria, site: Numbers, *, lymphocytosis: bool | None = None
) -> Codes:
    """Return the category at this examination, progression aside: CR, CRi, nPR, PR, PRL or SD.

    lymphocytosis: whether PR with lymphocytosis exists in this trial; default only under iwCLL 2018.
    """
    old, recent = criteria == "NCI-WG 1996", criteria == "iwCLL 2018"
    partial, with_lymphocytes = _partial(now, baseline, criteria, site)
    out = np.where(partial, Category.PR, Category.SD)
    if lymphocytosis if lymphocytosis is not None else recent:
        out = np.where(with_lymphocytes, Category.PRL, out)
    untransfused = ~_both(now.transfused, now.alc)
    counts = (now.platelets >= 100.0) & (now.hemoglobin >= 11.0) & untransfused
    if not recent:
        counts = counts & (now.anc >= 1.5)
    taken = clear(now, criteria, site) & ~np.isnan(now.marrow)
    nodules, hypocellular = _both(now.nodules, now.alc), _both(now.hypocellular, now.alc)
    limit = np.nan_to_num(now.marrow, nan=100.0)
    empty = taken & ((limit <= site["marrow_blank"]) if recent else (limit < 30.0))
    if old:
        out = np.where(empty & nodules & counts, Category.nPR, out)
    else:
        explained = hypocellular | _both(now.drug_cytopenia, now.alc)
        out = np.where(empty & ~nodules & explained, Category.CRi, out)
    out = np.where(empty & ~nodules & counts & ~hypocellular, Category.CR, out)
    return out.astype(np.int8)


def _partial(now: Reading, baseline: Reading, criteria: Criteria, site: Numbers) -> tuple[Flags, Flags]:
    """Return who has a PR and who has one but for the lymphocytes."""
    old, recent = criteria == "NCI-WG 1996", criteria == "iwCLL 2018"
    start = _excess(baseline.spleen, site)
    abnormal = np.stack([baseline.alc >= 5.0, baseline.longest > 1.5, start > 0.0])
    halved = np.stack(
        [
            change(now.alc, baseline.alc) <= -0.5,
            change(now.spd, baseline.spd) <= -0.5,
            change(_excess(now.spleen, site), start) <= -0.5,
        ]
    )
    better = (abnormal & halved).sum(axis=0)
    of = abnormal.sum(axis=0)
    compartments = (of > 0) & (better == of) if old else better >= np.clip(of, 1, 2)
    counts = (now.platelets >= 100.0) | (now.platelets >= 1.5 * baseline.platelets)
    red = (now.hemoglobin >= 11.0) | (now.hemoglobin >= 1.5 * baseline.hemoglobin)
    counts = counts | (red & ~_both(now.transfused, now.alc))
    if not recent:
        counts = counts | (now.anc >= 1.5) | (now.anc >= 1.5 * baseline.anc)
    else:
        known = ~np.isnan(now.marrow) & (np.nan_to_num(baseline.marrow) > 0.0)
        counts = counts | (known & (np.nan_to_num(now.marrow, nan=100.0) <= 0.5 * np.nan_to_num(baseline.marrow)))
    solid = abnormal[1:].any(axis=0) & (halved[1:] | ~abnormal[1:]).all(axis=0)
    return compartments & counts, abnormal[0] & ~halved[0] & solid & counts


def best_response(days: Sequence[float] | Floats, visits: Codes, confirm: float) -> Codes:
    """Return the best category held on two assessments at least `confirm` days apart.

    days (v,) rising; visits (v, n) categories, NE where a subject was not assessed. What comes after the
    first PD does not count. Without any assessment the result is NE, with no response SD, or PD when the
    first assessment already is.
    """
    when, apart = np.asarray(days, dtype=float), confirm
    ended = _ended(visits)
    ranked = np.where(ended, Category.NE, visits)
    seen = (ranked >= Category.SD).any(axis=0)
    out = np.where(seen, Category.SD, np.where((visits == Category.PD).any(axis=0), Category.PD, Category.NE))
    for first in range(len(when)):
        out = np.maximum(out, np.where(seen, _held(when, ranked, first, apart), out))
    return out.astype(np.int8)


def first_response(days: Sequence[float] | Floats, visits: Codes, confirm: float) -> Floats:
    """Return the first day of a later confirmed response (CR, CRi, nPR or PR); NaN without one."""
    when, apart = np.asarray(days, dtype=float), confirm
    ranked = np.where(_ended(visits), Category.NE, visits)
    out = np.full(visits.shape[1], np.nan)
    for first in range(len(when)):
        confirmed = _held(when, ranked, first, apart) >= Category.PR
        out = np.where(np.isnan(out) & confirmed, when[first], out)
    return out


def _ended(visits: Codes) -> Flags:
    return np.asarray(np.logical_or.accumulate(visits == Category.PD, axis=0))


def _held(when: Floats, ranked: NDArray[np.integer], first: int, apart: float) -> NDArray[np.integer]:
    """Return the lowest category from visit `first` to the first assessed one `apart` days later, else NE."""
    low, done = ranked[first].astype(int), np.zeros(ranked.shape[1], dtype=bool)
    stable = int(Category.SD)
    assessed = low >= stable
    for later in range(first, len(when)):
        here = ranked[later] >= stable
        low = np.where(here & ~done, np.minimum(low, ranked[later]), low)
        if when[later] - when[first] >= apart:
            done |= here
        if done.all():
            break
    return np.where(assessed & done, low, int(Category.NE))
