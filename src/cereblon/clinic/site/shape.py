"""What of a trial decides the compiled cycle: the shapes of its orders, not their content."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd
from typing import NamedTuple

from cereblon.clinic.site.calendar import is_automatic
from cereblon.clinic.site.drugs import SiteDrug
from cereblon.clinic.site.ladders import Ladders
from cereblon.clinic.trial.trial import Trial

MOST_WEEKS = 4
LEVELS = 8
"""The level table has a multiple of so many rows, so that trials with other ladders share a program."""


class Shape(NamedTuple):
    """Rows of the level table, weeks of a block, whether doses are given at other hours than 0.

    ruled: rows of the drugs that are held, reduced or escalated in any arm; the others are given as scheduled;
    infused: rows of those of which any dose takes hours.
    """

    levels: int
    ruled: tuple[int, ...]
    weeks: int
    by_hour: bool
    infused: tuple[int, ...]


def shape_of(trial: Trial, drugs: Sequence[SiteDrug]) -> Shape:
    """Return the shape of a trial for a model with these drugs."""
    plans = trial.plans
    courses = [course for plan in plans for phase in plan.phases for course in phase.courses]
    slow = {course.drug for course in courses if course.over > 0}
    infused = tuple(row for row, drug in enumerate(drugs) if drug.name in slow)
    by_hour = any(course.hours != (0,) for course in courses)
    height = max(Ladders(plan, tuple(drug.name for drug in drugs)).height for plan in plans)
    ruled = {course.drug for course in courses if course.rules is not None or course.condition > 0}
    rows = tuple(row for row, drug in enumerate(drugs) if drug.name in ruled) or (0,)
    return Shape(LEVELS * -(-height // LEVELS), rows, block_weeks(trial), by_hour, infused)


def block_weeks(trial: Trial) -> int:
    """Return how many weeks are simulated between two looks of the site: 4 where nothing is decided in between."""
    if not all(is_automatic(phase) for plan in trial.plans for phase in plan.phases):
        return 1
    return gcd(MOST_WEEKS, max(1, round(trial.schedule.examination_every_days / 7)))
