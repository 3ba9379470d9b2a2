"""Published against simulated, endpoint by endpoint: the table, the summary object, and the count of hits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from cereblon.clinic.trial.design import Published
from cereblon.outcomes.data import ArmData
from cereblon.outcomes.endpoints import ENDPOINTS, STANDARD, Endpoint
from cereblon.outcomes.prediction import Draws, quantile, replicate
from cereblon.outcomes.rates import Interval
from cereblon.study.record import Record

POOLED: Final = "all"  # arm key of figures printed for all arms together


@dataclass(frozen=True)
class Comparison:
    """One endpoint of one arm.

    published: the printed value (None when not printed as a number), published_text: as print has it;
    published_n: subjects behind it; source, confidence and note: where it comes from; simulated: median of
    the drawn trials (None: not reached); p90: the middle 90 % of them, an end None where the median is not
    reached; reached: share of drawn trials that reach it.
    """

    arm: str
    key: str
    endpoint: Endpoint
    published: float | None
    published_text: str
    published_n: int
    source: str
    confidence: str
    note: str
    simulated: float | None
    p90: Interval
    inside: bool | None


def _exact(figure: Published) -> tuple[float, float]:
    """Return the published value and half a unit of its last printed digit."""
    assert figure.value is not None
    if figure.n is not None and figure.of is not None and figure.basis == "patients":
        exact = 100 * figure.n / figure.of
        if abs(exact - figure.value) <= 0.5:  # a count that belongs to the percentage, not to something else
            return exact, 1e-9
    digits = -int(Decimal(repr(figure.value)).normalize().as_tuple().exponent)
    return figure.value, 0.5 * 10.0 ** -max(digits, 0)


def is_inside(figure: Published | None, p90: Interval) -> bool | None:
    """Say whether the published value lies in the 90 % interval, allowing for the rounding in print.

    None when no number was printed, or it is only recalled. A missing upper end means "beyond follow-up"; an
    interval whose lower end is missing holds no number at all.
    """
    if figure is None or figure.value is None or figure.confidence == "recalled":
        return None
    if p90.low is None:
        return False
    value, slack = _exact(figure)
    return p90.low - slack <= value and (p90.high is None or value <= p90.high + slack)


def _text(figure: Published | None) -> str:
    if figure is None:
        return ""
    if figure.not_reached:
        return "not reached"
    return f"< {figure.below:g}" if figure.value is None else f"{figure.value:g}"


def _keys(figures: Iterable[Published]) -> list[str]:
    """Return the standard endpoints and those further ones that were printed, in the order of the registry of
    endpoints.
    """
    printed = {figure.endpoint for figure in figures}  # a key of a user's own is shown by `show trial` only
    return [key for key in ENDPOINTS if key in STANDARD or key in printed]


def _one(arm: str, key: str, figure: Published | None, draws: Draws) -> Comparison:
    endpoint = ENDPOINTS[key]
    counted = figure is not None and figure.of is not None and figure.basis == "patients"
    total = figure.of if counted and figure is not None and figure.of is not None else draws.size
    values = replicate(endpoint, key, draws, total)
    p90 = Interval(quantile(values, 0.05), quantile(values, 0.95))
    simulated = quantile(values, 0.5)
    return Comparison(
        arm=arm,
        key=key,
        endpoint=endpoint,
        published=None if figure is None else figure.value,
        published_text=_text(figure),
        published_n=total,
        source="" if figure is None else figure.source,
        confidence="" if figure is None else figure.confidence,
        note="" if figure is None or figure.note is None else figure.note,
        simulated=simulated,
        p90=p90,
        inside=is_inside(figure, p90),
    )


def compare(result: Record, simulated: Mapping[str, ArmData]) -> tuple[Comparison, ...]:
    """Return every endpoint of every simulated arm, and of all arms together when all of several were
    simulated.

    A figure printed without an arm belongs to the pooled trial; with one arm, to that arm.
    """
    trial = result.trial
    groups: dict[str, tuple[str | None, Mapping[str, ArmData]]] = {
        arm: (None if len(trial.arms) == 1 else arm, {arm: data}) for arm, data in simulated.items()
    }
    if len(trial.arms) > 1 and len(simulated) == len(trial.arms):
        groups[POOLED] = (None, simulated)
    rows: list[Comparison] = []
    for name, (printed_arm, arms) in groups.items():
        figures = {f.endpoint: f for f in trial.published if f.arm == printed_arm}
        if len(trial.arms) == 1:  # a single arm may also be named in print
            figures |= {f.endpoint: f for f in trial.published if f.arm == name}
        draws = Draws(arms, result.seed, twins=result.twins)
        rows += [_one(name, key, figures.get(key), draws) for key in _keys(figures.values())]
    return tuple(rows)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def summary_object(result: Record, comparisons: Iterable[Comparison]) -> dict[str, Any]:
    """Return {"trial": ID, "twins": BOOL, "arms": {ARM: {ENDPOINT: {...}}}} with the standard endpoints."""
    arms: dict[str, dict[str, Any]] = {}
    for row in comparisons:
        if row.key not in STANDARD:
            continue
        arms.setdefault(row.arm, {})[row.key] = {
            "published": row.published,
            "published_n": row.published_n,
            "simulated": _rounded(row.simulated),
            "p90": [_rounded(row.p90.low), _rounded(row.p90.high)],
            "inside": row.inside,
        }
    return {"trial": result.trial.id, "twins": result.twins, "arms": arms}


def hits(rows: Iterable[Comparison]) -> tuple[int, int]:
    """Return how many of the printed standard figures lie inside their interval, and how many there are."""
    judged = [row.inside for row in rows if row.inside is not None and row.key in STANDARD]
    return sum(judged), len(judged)


def cohort_note(result: Record, arms: Mapping[str, ArmData]) -> str | None:
    """Return a sentence where so few patients were simulated that they, more than the size of the published trial, set
    the width of an interval; None where enough were.
    """
    few = [data for data in arms.values() if data.subjects.size < data.size]
    if not few:
        return None
    sizes = ", ".join(f"{data.subjects.size} for {data.size}{_of_arm(data, result)}" for data in few)
    return (
        f"Fewer patients were simulated than the trial has ({sizes}): the intervals are wide mostly because the "
        "virtual cohort is small. Simulate more with --patients."
    )


def _of_arm(data: ArmData, result: Record) -> str:
    return f" in arm {data.arm}" if len(result.trial.arms) > 1 else ""
