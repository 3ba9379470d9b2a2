"""Match the joint model to a trial's printed baseline table.

The order of population model section 5: entry limits by rejection, then locations and intercepts, then
exponential tilting of a fixed pool for what remains. The plan depends on setting and population only, so
every subject of a trial is drawn from one law. Printed shares are met in expectation: how a share varies
from trial to trial belongs to the prediction interval, which is computed where outcomes are summarized.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from scipy.special import logit, ndtri

from cereblon.errors import CereblonError
from cereblon.parameters.streams import Purpose, stream_generator
from cereblon.parameters.subjects import Floats
from cereblon.patients.documents import check_setting, load_documents
from cereblon.patients.entry import eligible, first_levers, refuse_few
from cereblon.patients.joint import (
    NORMALS,
    UNIFORMS,
    Chances,
    Frame,
    Levers,
    Traits,
    chain,
    complete,
    measure_frame,
    normal_stream,
    uniform_stream,
)
from cereblon.patients.population import PRINTED_MEDIANS, PRINTED_SHARES, Population, PopulationError, item_loc
from cereblon.patients.scales import own_scale, weighted_median
from cereblon.patients.tilting import features, log_weight, targets, tilt

ROUNDS = 12
"""Most rounds in which locations and intercepts are moved."""
TOLERANCE = 0.003
"""Moves smaller than this, on the margin's own scale, end the rounds."""
INTERCEPTS = (
    "male", "ighv_unmutated", "del17p", "tp53", "del11q", "trisomy12", "del13q", "zap70", "cd38",
    "fludarabine_refractory",
)  # fmt: skip
"""Yes-or-no traits whose printed share moves an intercept before any tilting."""
SMALLEST_ENTRY = 0.005
"""Share of the pool that must pass the entry limits, and share of all candidates that must pass limits and tilt: a
subject draws at most 4,092 candidates, and one in a billion then finds none."""


@dataclass(frozen=True)
class Match:
    """One printed item: what was printed and what the plan gives, in the units of the print."""

    printed: float
    expected: float


@dataclass(frozen=True)
class Plan:
    """How subjects of one population are drawn."""

    setting: str
    population: Population
    levers: Levers
    frame: Frame
    tilt: Mapping[str, float]
    """feature -> log weight"""
    weight_cap: float
    """Largest log weight in the pool, the bound of the rejection step."""
    eligible: float
    """Share of candidates that pass the entry limits."""
    effective: float
    """Effective size of the tilted pool, as a share of the eligible pool (1 = no tilting was needed)."""
    margins_moved: bool
    """Whether bulk or stage moved sizes and counts because tilting alone left too few effective subjects."""
    matches: Mapping[str, Match]


def pool_chances(size: int, seed: int) -> Chances:
    """Return the randomness of a pool of candidates, the same for the same seed.

    Every dimension is stratified (a Latin hypercube), so that shares and medians of the pool carry little
    sampling error.
    """

    def stratified(name: str) -> Floats:
        source = stream_generator(seed, Purpose.POOL, name)
        return np.asarray((source.permutation(size) + source.random(size)) / size)

    normals = {name: np.asarray(ndtri(stratified(normal_stream(name)))) for name in NORMALS}
    return Chances(normals, {name: stratified(uniform_stream(name)) for name in UNIFORMS})


@cache
def _pool() -> Chances:
    e = load_documents().effects
    return pool_chances(int(e["condition.pool"]), int(e["condition.pool_seed"]))


_PLANS: dict[tuple[str, str, tuple[tuple[str, float], ...]], Plan] = {}


def plan_population(population: Population, setting: str, effects: Mapping[str, float] | None = None) -> Plan:
    """Return the plan of a population, from memory when it was made before.

    effects: of covariates on each other, by id (default, also for those left out: the packaged ones).

    Raises `PopulationError` when the entry limits leave nobody or the printed items contradict each other.
    """
    changed = {name: x for name, x in (effects or {}).items() if x != load_documents().effects.get(name)}
    key = (check_setting(setting), population.key(), tuple(sorted(changed.items())))
    if key not in _PLANS:
        _PLANS[key] = _make_plan(population, setting, changed)
    return _PLANS[key]


@dataclass(frozen=True)
class _Round:
    """The pool under one set of levers."""

    frame: Frame
    traits: Traits
    share: float
    columns: Traits
    weights: dict[str, float]
    mass: Floats
    effective: float


def _evaluate(population: Population, setting: str, levers: Levers) -> _Round:
    chances = _pool()
    with np.errstate(all="ignore"):  # effects without sense are said below
        traits = chain(chances, setting, levers)
        frame = measure_frame(chances, traits, setting, levers.effects)
        traits = complete(chances, traits, setting, levers, frame)
    _require_numbers(traits)
    keep = eligible(traits, setting, population, levers.effects)
    share = float(keep.mean())
    refuse_few(traits, setting, population, share, SMALLEST_ENTRY)
    traits = {name: value[keep] for name, value in traits.items()}
    columns = features(traits, population, levers)
    weights = tilt(columns, targets(population, columns))
    power = log_weight(columns, weights, len(traits["age"]))
    mass = np.exp(power - power.max())
    mass = mass / mass.sum()
    effective = float(1.0 / (mass @ mass) / len(mass))
    return _Round(frame, traits, share, columns, weights, mass, effective)


def _require_numbers(traits: Traits) -> None:
    """Refuse effects that give traits without a value, such as a spread beyond all numbers. Raises CereblonError."""
    for name, value in traits.items():
        if not np.isfinite(value).all():
            raise CereblonError(f"the effects of covariates give no number for {name} of a subject")


def _make_plan(population: Population, setting: str, effects: Mapping[str, float]) -> Plan:
    levers = first_levers(population, setting, effects)
    e = levers.effects
    state = _evaluate(population, setting, levers)
    moved = False
    for _ in range(ROUNDS):
        moves = _moves(population, setting, state)
        if state.effective < e["condition.effective"]:
            extra = _margin_moves(population, setting, state)
            moved = moved or bool(extra)
            moves.update(extra)
        age = moves.pop("age", 0.0)
        if max((abs(x) for x in (*moves.values(), age / levers.age_sd)), default=0.0) < TOLERANCE:
            break
        shifts = {**levers.shifts}
        for name, move in moves.items():
            shifts[name] = shifts.get(name, 0.0) + move
        levers = replace(levers, shifts=shifts, age_mean=levers.age_mean + age)
        state = _evaluate(population, setting, levers)
    power = log_weight(state.columns, state.weights, len(state.mass))
    plan = Plan(
        setting=setting,
        population=population,
        levers=levers,
        frame=state.frame,
        tilt=state.weights,
        weight_cap=float(power.max()),
        eligible=state.share,
        effective=state.effective,
        margins_moved=moved,
        matches=_matches(population, state),
    )
    _refuse_contradiction(plan)
    _refuse_rare(plan, state.share * float(np.exp(power - power.max()).mean()))
    return plan


def _moves(population: Population, setting: str, state: _Round) -> dict[str, float]:
    """Return how far each printed median and each intercept is off, on its own scale."""
    margins = load_documents().margins[setting]
    moves = {}
    for key, trait in PRINTED_MEDIANS.items():
        if key in population.printed:
            now = weighted_median(state.traits[trait], state.mass)
            target = float(population.printed[key])
            scale = margins[trait].scale if trait in margins else "lognormal"
            moves[trait] = own_scale(scale, target) - own_scale(scale, now)
    if population.age.median is not None:
        moves["age"] = population.age.median - weighted_median(state.traits["age"], state.mass)
    wanted = targets(population, state.columns)
    union = wanted.get("del17p_or_del11q")
    edge = 1.0 / len(state.mass)
    for trait in INTERCEPTS:
        goal, now = wanted.get(trait), float(state.traits[trait].mean())
        if goal is None and union is not None and trait in ("del17p", "del11q"):
            goal, now = union, float(state.traits["del17p_or_del11q"].mean())
        if goal is not None and 0.0 < now < 1.0:
            moves[trait] = float(logit(goal) - logit(max(now, edge)))
    return moves


def _margin_moves(population: Population, setting: str, state: _Round) -> dict[str, float]:
    """Return moves of sizes and counts towards printed bulk and stage that are too far off to tilt."""
    margins = load_documents().margins[setting]
    wanted = targets(population, state.columns)
    edge = 1.0 / len(state.mass)

    def gap(trait: str) -> float:
        now = float(np.clip(state.traits[trait].mean(), edge, 1.0 - edge))
        return float(ndtri(wanted[trait]) - ndtri(now)) if trait in wanted else 0.0

    moves = {}
    if "bulky" in wanted:
        moves["spd0"] = margins["spd0"].spread * gap("bulky")
    stage = gap("rai_3_4") or gap("binet_c")
    if stage:
        for trait in ("hemoglobin", "platelets"):
            if f"{trait}_median" not in population.printed:
                moves[trait] = -0.8 * margins[trait].spread * stage
    return moves


def _matches(population: Population, state: _Round) -> dict[str, Match]:
    found = {}
    for key, printed in population.printed.items():
        if key in PRINTED_SHARES:
            expected = 100.0 * float(state.mass @ state.traits[PRINTED_SHARES[key]])
        else:
            expected = weighted_median(state.traits[PRINTED_MEDIANS[key]], state.mass)
        found[key] = Match(float(printed), expected)
    for key, item, trait in (
        ("age_median", population.age, "age"),
        ("prior_lines_median", population.prior_lines, "prior_lines"),
    ):
        if item.median is not None:
            found[key] = Match(item.median, weighted_median(state.traits[trait], state.mass))
    return found


def _refuse_contradiction(plan: Plan) -> None:
    for key, match in plan.matches.items():
        allowed = 2.0 + 50.0 / plan.population.size if key in PRINTED_SHARES else 0.1 * abs(match.printed) + 1.0
        if abs(match.printed - match.expected) > allowed:
            what = f"{match.printed:g} cannot be met by the virtual patients; nearest {match.expected:.3g}"
            raise PopulationError(item_loc(key), what)


def _refuse_rare(plan: Plan, accepted: float) -> None:
    """Raise PopulationError at the item that was tilted most when too few candidates pass limits and tilt."""
    if accepted >= SMALLEST_ENTRY:
        return
    feature = max(plan.tilt, key=lambda name: abs(plan.tilt[name]))
    item = {trait: key for key, trait in PRINTED_SHARES.items()}.get(feature, "prior_lines_median")
    what = f"only {100 * accepted:.2g} % of drawn patients fit the printed items together, expected at least "
    raise PopulationError(item_loc(item), f"{what}{100 * SMALLEST_ENTRY:g} %")
