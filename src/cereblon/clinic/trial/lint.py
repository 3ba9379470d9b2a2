"""Lint of trial documents: what is valid and probably a slip.

A rule is a function from a design to (field path, message) pairs; `clinic.trial.check` adds the place in the file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from cereblon.clinic.trial.calendar import HORIZON, Mask
from cereblon.clinic.trial.courses import Course
from cereblon.clinic.trial.design import Design
from cereblon.clinic.trial.drugs import drugs
from cereblon.clinic.trial.phases import reached
from cereblon.documents.problems import field_names
from cereblon.documents.yamltext import Loc

Remarks = Iterator[tuple[Loc, str]]
Rule = Callable[[Design], Remarks]


class Remark(NamedTuple):
    """What a rule says of a field: where, what, and the id of the rule (the name of its function, with hyphens)."""

    loc: Loc
    what: str
    rule: str


def lint(trial: Design, rules: Sequence[Rule] | None = None) -> Iterator[Remark]:
    """Yield what is valid and probably a slip, in the order of the rules (default: `RULES`)."""
    for rule in RULES if rules is None else rules:
        for loc, what in rule(trial):
            yield Remark(loc, what, rule.__name__.replace("_", "-"))


def rounding(trial: Design) -> Remarks:
    """A printed percentage agrees with its n and denominator to the last printed digit."""
    for i, figure in enumerate(trial.published):
        for j, printed in enumerate((figure, *figure.also)):
            if figure.in_months or printed.value is None or printed.n is None or printed.of is None:
                continue
            exact = 100.0 * printed.n / printed.of
            digits = len(repr(printed.value).removesuffix(".0").partition(".")[2])
            if abs(exact - printed.value) > 0.5 * 10.0**-digits + 1e-9:
                loc: Loc = ("published", i) if j == 0 else ("published", i, "also", j - 1)
                counts = f"{printed.n} of {printed.of} ({exact:.1f} %)"
                yield (*loc, "value"), f"{printed.value:g} % is not {counts}"


def parts(trial: Design) -> Remarks:
    """Complete and partial responses add up to the response rate, within rounding."""
    for i, figure in enumerate(trial.published):
        cr, pr = trial.figure("cr", figure.arm), trial.figure("pr", figure.arm)
        values = (figure.value, cr.value if cr else None, pr.value if pr else None)
        if figure.endpoint != "orr" or values[0] is None or values[1] is None or values[2] is None:
            continue
        if abs(values[0] - values[1] - values[2]) > 1.0:
            yield ("published", i), f"orr {values[0]:g} is not cr {values[1]:g} and pr {values[2]:g} together"


def denominators(trial: Design) -> Remarks:
    """A denominator in patients is not larger than the trial."""
    for i, figure in enumerate(trial.published):
        size = trial.size if figure.arm is None else trial.arm(figure.arm).size
        if figure.basis == "patients" and figure.of is not None and figure.of > size:
            yield ("published", i, "of"), f"{figure.of} patients are more than the {size} of the trial or arm"


def assumed_fields(trial: Design) -> Remarks:
    """An assumption points to a field that documents have."""
    for i, assumption in enumerate(trial.assumptions):
        steps = [step for step in re.split(r"[.\[\]]+", assumption.field) if step and not step.isdecimal()]
        for depth, step in enumerate(steps):
            if step not in field_names(tuple(steps[:depth]), Design):
                yield ("assumptions", i, "field"), f"no field is called {assumption.field}"
                break


def unused_sources(trial: Design) -> Remarks:
    """A registered source is pointed to by a figure or named in a note or a reason."""
    used = {printed.source for figure in trial.published for printed in (figure, *figure.also)}
    words = " ".join(f"{a.choice} {a.why}" for a in trial.assumptions)
    for i, source in enumerate(trial.sources):
        named = source.id in used or re.search(rf"\b{re.escape(source.id)}\b", words) is not None
        if not named and "; " not in source.what:
            yield ("sources", i), f"source {source.id} is never used, and does not say for what"


def brisk_start(trial: Design) -> Remarks:
    """A start that can break tumours down too fast is covered on its first day, or said to be uncovered."""
    if any(re.match(r"arms\.(support|phases\.support)", a.field) for a in trial.assumptions):
        return
    for loc, course, days, support in _starts(trial):
        card = drugs()[course.drug]
        brisk = card.lysis_from is not None and course.dose.within(card.unit) >= card.lysis_from
        first = np.flatnonzero(days)[:1]
        covered = any(drugs()[given.drug].covers == "lysis" and mask[first].any() for given, mask in support)
        if brisk and first.size and not covered:
            cover = " or ".join(drug.name for drug in drugs().values() if drug.covers == "lysis")
            yield (*loc, "dose"), f"a start at {course.dose.text} without {cover}: tumour lysis is likely"


Start = tuple[Loc, Course, Mask, list[tuple[Course, Mask]]]


def _starts(trial: Design) -> Iterator[Start]:
    """Yield (place, course, its days, support beside it) where a drug of the treatment is first given."""
    for i, arm in enumerate(trial.arms):
        beside: list[tuple[Course, Mask]] = [(course, course.mask(HORIZON)) for course in arm.support]
        first: dict[str, int] = {}
        for j, course in enumerate(arm.treatment):
            if course.from_day < arm.treatment[first.setdefault(course.drug, j)].from_day:
                first[course.drug] = j
        for j in first.values():
            course = arm.treatment[j]
            yield ("arms", i, "treatment", j), course, course.mask(HORIZON), beside
        begun: set[str] = set()
        for k, phase in enumerate(arm.phases):
            beside = [(course, course.mask(HORIZON, phase.cycle)) for course in phase.support]
            for j, given in enumerate(phase.give):
                if given.drug not in begun:
                    yield ("arms", i, "phases", k, "give", j), given, given.mask(HORIZON, phase.cycle), beside
            begun |= {given.drug for given in phase.give}


def beyond_follow_up(trial: Design) -> Remarks:
    """CT visits, examinations and supportive courses lie inside the follow-up."""
    end = trial.follow_up.last_day
    after = f"after the end of follow-up (day {end:.0f})"
    for i, day in enumerate(trial.schedule.ct_days or ()):
        if day > end + 31.0:
            yield ("schedule", "ct_days", i), f"day {day} is {after}"
    if trial.schedule.examination_every_days > end:
        yield ("follow_up", "duration_months"), f"the first examination under treatment is {after}"
    for i, arm in enumerate(trial.arms):
        for j, course in enumerate(arm.support):
            if not course.mask(max(int(end), 1)).any():
                yield ("arms", i, "support", j), f"no dose of {course.drug} falls into the follow-up of {end:.0f} days"
        for phase in arm.phases[:1]:
            for j, given in enumerate(phase.support):
                if not given.mask(max(int(end), 1), phase.cycle).any():
                    what = f"no dose of {given.drug} falls into the follow-up of {end:.0f} days"
                    yield ("arms", i, "phases", 0, "support", j), what


def support_after_treatment(trial: Design) -> Remarks:
    """Scheduled support lies before the end of the planned treatment, which ends it."""
    for i, arm in enumerate(trial.arms):
        end = arm.last_dose_day
        for j, course in enumerate(arm.support):
            if end is not None and course.mask(HORIZON)[end:].any():
                what = f"{course.drug} is not given after the last planned dose of the treatment (day {end})"
                yield ("arms", i, "support", j), what


def unreached_phases(trial: Design) -> Remarks:
    """Some way leads to every phase."""
    for i, arm in enumerate(trial.arms):
        known = reached(arm.phases) if arm.phases else set()
        for k, phase in enumerate(arm.phases):
            if k not in known:
                yield ("arms", i, "phases", k, "id"), f"no transition leads to {phase.id}: nobody comes to it"


def nodes_without_ct(trial: Design) -> Remarks:
    """Nodes measured by CT are measured again under treatment, and each CT is one of its own."""
    if trial.nodes_by != "ct":
        return
    where: Loc = ("nodes_by",) if trial.schedule.ct_days is None else ("schedule", "ct_days")
    end, every = trial.follow_up.last_day, trial.schedule.examination_every_days
    taken: dict[int, int] = {}
    for i, day in enumerate(trial.ct_days):
        visit = math.ceil((day - 1) / every - 0.5)  # of two as near, the earlier one
        if visit in taken:
            same = f"day {day} and day {taken[visit]} have the same nearest examination: one CT is taken"
            yield (where if trial.schedule.ct_days is None else (*where, i)), same
        taken.setdefault(visit, day)
    if not any(visit > 0 and visit * every <= end for visit in taken):
        yield where, f"no CT is taken in the follow-up of {end:.0f} days: nodes are not measured under treatment"


def growth_factor_first(trial: Design) -> Remarks:
    """A rule set that puts growth factor first is used where growth factor is given."""
    what = "gcsf_first, but gcsf is none: neutropenia costs a dose level each time"
    for i, arm in enumerate(trial.arms):
        if arm.gcsf != "none":
            continue
        if arm.rules.set == "gcsf_first":
            yield ("arms", i, "rules", "set"), what
        for k, phase in enumerate(arm.phases):
            for j, given in enumerate(phase.give):
                if given.rules is not None and given.rules.set == "gcsf_first":
                    yield ("arms", i, "phases", k, "give", j, "rules", "set"), what


RULES: tuple[Rule, ...] = (
    rounding,
    parts,
    denominators,
    assumed_fields,
    unused_sources,
    brisk_start,
    beyond_follow_up,
    support_after_treatment,
    unreached_phases,
    nodes_without_ct,
    growth_factor_first,
)
"""The rules behind the warnings; `lint` takes a longer list, with rules of one's own."""
