"""One runner for all experiments: conditions become lanes of one compiled simulation of the one model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from cereblon.engine import State, course, simulate
from cereblon.errors import CereblonError
from cereblon.model import DrugCard, Model
from cereblon.patients.leukemia import leukemia
from cereblon.patients.untreated import SOLVED, untreated_start

from .documents import drug_of, load_systems
from .ensemble import Ensemble
from .lanes import Lanes, Starts, States, condition_lanes, dosed_states
from .schema import Condition, Experiment, Readout

Floats = NDArray[np.floating[Any]]
PIECE = 28
"""Days in one compiled stretch."""
WIDTH = 256
"""Lanes in one batch; fewer are padded."""
SLOW_STEPS = 4
HEALTHY_PIECES = 13
"""Stretches without leukemia after which the immune system is that of a healthy person."""
MOST_BYTES = 1_000_000_000
"""Most memory that the conditions of one run may take, bytes; the process needs about half as much besides."""
Say = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Courses:
    """What was recorded of one condition: daily (days + 1, n) and, for the first day, at `hours` (K, n).

    level: the quantity that is the concentration of the condition's drug, nM; "" where the model does not have it.
    """

    daily: Mapping[str, Floats]
    hours: Floats
    hourly: Mapping[str, Floats] = field(default_factory=dict)
    level: str = ""


@dataclass(frozen=True)
class Order:
    """A condition to run for some days, with the parameters of mechanisms that are off everywhere."""

    condition: Condition
    days: int
    off: Mapping[str, float] = field(default_factory=dict)
    hourly: tuple[str, ...] = ()


def needed(experiments: Iterable[Experiment]) -> tuple[str, ...]:
    """Return the names that the readouts of experiments on patients and dishes ask for."""
    names: dict[str, None] = {}
    for experiment in experiments:
        for readout in experiment.readouts:
            if experiment.conditions[readout.to].trial is None:
                trait = () if readout.among is None else (readout.among,)
                other = () if readout.against_of is None else (readout.against_of,)
                names |= dict.fromkeys((readout.of, *readout.others, *trait, *other))
    return tuple(sorted(names))


def always(conditions: Iterable[Condition], drugs: Iterable[DrugCard]) -> tuple[str, ...]:
    """Return what is recorded whatever the readouts are: the concentrations of the drugs of conditions."""
    named = {load_systems().drug, *map(drug_of, conditions)}
    return tuple(card.in_medium for card in drugs if card.name in named and card.in_medium is not None)


def hourly_names(experiment: Experiment, condition: str) -> tuple[str, ...]:
    """Return the fast quantities that are read within the first day of a condition."""

    def wanted(readout: Readout) -> bool:
        within = readout.hour is not None or readout.read == "lowest"
        return within and condition in (readout.to, readout.against, readout.effect)

    return tuple(dict.fromkeys(r.of for r in experiment.readouts if wanted(r)))


def run_orders(
    model: Model, ensemble: Ensemble, orders: Sequence[Order], names: tuple[str, ...], say: Say | None = None
) -> list[Courses]:
    """Run conditions on every member of the ensemble.

    names: what is recorded every day at hour 0 before the dose. Returns one `Courses` per order. Raises CereblonError
    for a name that the model does not have, and for more members, conditions and days than fit into `MOST_BYTES`.
    """
    model.require(names)
    require_memory(model, ensemble.size, orders, names)
    tell: Say = say or (lambda done, total, words: None)
    starts: dict[tuple[tuple[str, float], ...], Starts] = {}
    lanes = []
    for k, order in enumerate(orders):
        key = tuple(sorted(order.off.items()))
        if key not in starts:
            tell(k, len(orders), "untreated state")
            starts[key] = start_states(model, ensemble, names, order.off)
        lanes.append(condition_lanes(model, order.condition, order.days, ensemble, starts[key], order.off))
    daily = _run_lanes(model, ensemble.size, lanes, [o.days for o in orders], names, tell)
    return [
        Courses(days, *_first_day(model, lane, order.hourly), _level(model, order.condition))
        for days, lane, order in zip(daily, lanes, orders, strict=True)
    ]


def _level(model: Model, condition: Condition) -> str:
    return next((card.in_medium or "" for card in model.drugs if card.name == drug_of(condition)), "")


def require_memory(model: Model, members: int, orders: Sequence[Order], names: tuple[str, ...]) -> None:
    """Refuse experiments that would not fit into `MOST_BYTES`, by arithmetic; raises CereblonError."""
    entries = len(dosed_states(model))
    a_day = 4 * len(names) + 8 * entries  # bytes for one member: what is recorded (single), what is given (double)
    once = 8 * (len(model.parameters) + len(model.states))
    needed_bytes = members * sum(once + order.days * a_day for order in orders)
    if needed_bytes > MOST_BYTES:
        most = members * MOST_BYTES // needed_bytes
        raise CereblonError(
            f"members: {members} members of {len(orders)} conditions need about {needed_bytes / 1e9:.1f} GB; "
            f"expected at most {most} members, or fewer conditions or days"
        )


def start_states(model: Model, ensemble: Ensemble, names: tuple[str, ...], off: Mapping[str, float]) -> Starts:
    """Return the untreated and the healthy states of the ensemble, and the scales of growth and traffic they need."""
    n = ensemble.size
    values = {k: np.asarray(v, dtype=np.float32) for k, v in ensemble.values.items()}
    values |= {k: np.full(n, v, dtype=np.float32) for k, v in off.items() if k in values}

    def start(given: dict[str, Any]) -> State:
        return _packed(model, {k: np.broadcast_to(v, (n,)) for k, v in model.initial(given).items()})

    def advance(state: State, given: dict[str, Any], free: Any, cycle: int) -> State:
        _, after = _stretch(model, state.pad(WIDTH), {k: _pad(v) for k, v in given.items()}, free[:, None], None, names)
        return jax.tree.map(lambda rows: rows[:, :n], after)  # type: ignore[no-any-return]

    with np.errstate(all="ignore"):  # a knock-out of all divisions has no balance; the limits of the scales hold
        state, solved = untreated_start(model, values, {}, ensemble.growth, start, advance)
    healthy = _packed(model, {**state.named(model), **dict.fromkeys(leukemia(model).states, 0.0)})
    for piece in range(HEALTHY_PIECES):
        healthy = advance(healthy, solved, np.ones(len(model.slow)), piece)
    states = {"untreated": _unpacked(model, state), "healthy": _unpacked(model, healthy)}
    return Starts(states, {name: np.asarray(solved[name], dtype=np.float64) for name in SOLVED})


def _run_lanes(
    model: Model, n: int, lanes: Sequence[Lanes], days: Sequence[int], names: tuple[str, ...], tell: Say
) -> list[dict[str, Floats]]:
    """Run all lanes in batches of like length; return per condition name -> (days + 1, n)."""
    pieces = [-(-d // PIECE) for d in days]
    order = sorted(range(len(lanes)), key=lambda i: pieces[i])
    group = max(1, WIDTH // n)
    out: list[dict[str, Floats]] = [{} for _ in lanes]
    batches = [order[i : i + group] for i in range(0, len(order), group)]
    total, done = sum(pieces[b[-1]] for b in batches), 0
    for batch in batches:
        values = {k: _pad(np.concatenate([lanes[i].values[k] for i in batch])) for k in lanes[batch[0]].values}
        packed = [_packed(model, lanes[i].states) for i in batch]
        state: State = jax.tree.map(lambda *rows: np.concatenate(rows, axis=-1), *packed).pad(WIDTH)
        free = _pad(np.concatenate([_free(model, lanes[i], n) for i in batch], axis=1))
        kept: list[dict[str, Floats]] = []
        for piece in range(pieces[batch[-1]]):
            tell(done, total, "simulating")
            doses = {
                k: _pad(np.concatenate([_slice(lanes[i].doses[k], piece) for i in batch], axis=1))
                for k in lanes[batch[0]].doses
            }
            seen, state = _stretch(model, state, values, free, doses, names)
            kept.append(seen)
            done += 1
        for place, i in enumerate(batch):
            columns = slice(place * n, (place + 1) * n)
            whole = {k: np.concatenate([*(s[k][:-1, columns] for s in kept), kept[-1][k][-1:, columns]]) for k in names}
            out[i] = {k: v[: days[i] + 1] for k, v in whole.items()}
    tell(total, total, "simulating")
    return out


def _stretch(
    model: Model, state: State, values: Mapping[str, Any], free: Any, doses: Any, names: tuple[str, ...]
) -> tuple[dict[str, Floats], State]:
    given = {k: np.zeros((PIECE, WIDTH)) for k in dosed_states(model)} if doses is None else doses
    people = {k: v for k, v in values.items() if k in model.individual}
    common = {k: v for k, v in values.items() if k not in model.individual}
    mask = np.broadcast_to(free, (len(model.slow), WIDTH))
    seen, after = simulate(model, people, common, given, PIECE, names, SLOW_STEPS, start=state, free=mask)
    return seen, jax.tree.map(np.asarray, after)


def _first_day(model: Model, lane: Lanes, names: tuple[str, ...]) -> tuple[Floats, dict[str, Floats]]:
    if not names:
        return np.zeros(0), {}
    people = {k: v for k, v in lane.values.items() if k in model.individual}
    common = {k: v for k, v in lane.values.items() if k not in model.individual}
    doses = {k: d[0] for k, d in lane.doses.items()}
    return course(model, names, people, common, doses, _packed(model, lane.states))


def _free(model: Model, lane: Lanes, n: int) -> Floats:
    return np.stack([np.full(n, 0.0 if name in lane.held else 1.0) for name in model.slow])


def _slice(table: Floats, piece: int) -> Floats:
    part = table[piece * PIECE : (piece + 1) * PIECE]
    return part if len(part) == PIECE else np.concatenate([part, np.zeros((PIECE - len(part), table.shape[1]))])


def _packed(model: Model, states: Mapping[str, Any]) -> State:
    return State.of(model, {name: np.asarray(value) for name, value in states.items()}, np.float32)


def _unpacked(model: Model, state: State) -> States:
    return {name: np.array(row, dtype=np.float64) for name, row in state.named(model).items()}


def _pad(array: Any) -> Floats:
    """Repeat the last lane up to `WIDTH`, so that one compiled program serves all batches."""
    found = np.asarray(array, dtype=np.float32)
    missing = WIDTH - found.shape[-1]
    return found if missing <= 0 else np.concatenate([found, np.repeat(found[..., -1:], missing, axis=-1)], axis=-1)
