"""One compiled day of a model: doses, fast clock, slow steps. The cycle and the plain simulation are loops over it.

Within a day the two clocks take turns: the fast one runs over a slow step with the slow states as they stand, the slow
one makes that step with the averages it gets. So a kidney that fails at noon clears less in the afternoon.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from cereblon.model import Model, ModelError, Program
from cereblon.model.expr import Expr

from .dose import Doses, Slots, all_hours, infused, require_linear, slots
from .fast import Drive, FastDay, Kept, Ready, Window, joined
from .grid import SLOTS, day_grid
from .slow import Ends, step
from .state import State

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Prepared:
    """Parameters of one run with every constant sub-expression evaluated."""

    values: dict[str, Any]
    fast: Ready
    slow: dict[Expr, Array]


class Day:
    """A model's day with `slow_steps` steps of the slow clock (1, 2, 4 or 8), computing in `dtype`.

    doses: what is given on a day, or anything of that structure: it decides whether the day has one hour of dosing or
    four, and which states may be infused. fine: whether the grid is dense after all four hours (default: where any
    dose is a `Dose`); else infusions at hour 0 go by the grid that is dense after that hour alone.
    """

    def __init__(
        self,
        model: Model,
        slow_steps: int = 2,
        dtype: Any = jnp.float32,
        watch_all: bool = False,
        doses: Doses | None = None,
        fine: bool | None = None,
    ) -> None:
        self.model, self.slow_steps, self.dtype = model, slow_steps, jnp.dtype(dtype)
        require_linear(model, doses or {})
        self._at_slots = all_hours(doses or {})
        grid = day_grid(slow_steps, self._at_slots if fine is None else fine)
        self.fast = FastDay(model, grid, watch_all, infused(doses or {}))
        plan, bodies = model.plan, model.system.definitions
        rates = [plan.rates[s] for s in plan.slow]
        own = [plan.own[s] for s in plan.slow]
        self._both = Program([*rates, *own], bodies, model.is_constant, plan.signals)
        self._rates = Program(rates, bodies, model.is_constant, plan.signals)
        self._ends = [plan.slow.index(s) for s in chain_ends(model)]
        self._end_rates = Program([rates[k] for k in self._ends], bodies, model.is_constant, plan.signals)

    def prepare(self, individual: Values, shared: Values) -> Prepared:
        """Cast parameters to the working type and evaluate what depends on them alone."""
        values = {k: jnp.asarray(v, self.dtype) for k, v in {**shared, **individual}.items()}
        missing = [p for p in self.model.parameters if p not in values]
        if missing:
            raise ModelError(f"no value for parameter {', '.join(missing[:5])}")
        programs = (self._rates, self._both, self._end_rates)
        ready = {k: v for p in programs for k, v in p.prepare(values).items()}
        return Prepared(values, self.fast.prepare(values), ready)

    def all_values(self, state: State) -> dict[str, Array]:
        """All states by name."""
        return state.named(self.model)

    def begin(self, state: State) -> Kept:
        """What `run` keeps from day to day, for a first day that begins in this state."""
        return self.fast.begin(state.slow)

    def run(self, state: State, doses: Doses, prepared: Prepared, kept: Kept, free: Array) -> tuple[State, Kept]:
        """24 hours from the state before the doses. `free` (S,) or (S, n) is 0 for clamped slow states.

        Raises ModelError for a dose into a state that is not linear.
        """
        given = None
        if self._at_slots:
            given = slots(self.model, doses, state.size, self.dtype)
        else:
            state = self._dosed(state, doses)
        mask = free.astype(self.dtype)
        mask = mask if mask.ndim == 2 else mask[:, None]
        size = len(self.model.slow)

        def advance(x: Array, drive: Drive) -> Array:
            def ends(seen: Mapping[str, Array]) -> Ends:
                def moved(to: Array) -> Array:
                    here = {self.model.slow[k]: to[k] for k in self._ends}
                    return self._evaluate(self._end_rates, {**seen, **here}, prepared)

                return moved

            def both(at: Array) -> tuple[Array, Array, Ends]:
                seen = self._seen(at, drive, prepared)
                out = self._evaluate(self._both, seen, prepared)
                return out[:size], out[size:], ends(seen)

            def rates(at: Array) -> tuple[Array, Ends]:
                seen = self._seen(at, drive, prepared)
                return self._evaluate(self._rates, seen, prepared), ends(seen)

            return step(x, 1.0 / self.slow_steps, both, rates, mask, self._ends)

        def one(carry: tuple[State, Kept], number: Array) -> tuple[tuple[State, Kept], None]:
            now, kept = carry
            linear, relaxing, kept, drive = self._fast(now, kept, number, prepared, given)
            return (State(advance(now.slow, drive), linear, relaxing), self.fast.follow(kept, now.slow)), None

        return lax.scan(one, (state, kept), jnp.arange(self.slow_steps))[0]

    def _fast(
        self, now: State, kept: Kept, number: Array, prepared: Prepared, given: Slots | None
    ) -> tuple[Array, Array, Kept, Drive]:
        """The fast clock over slow step `number`: (linear, relaxing) at its end, what is kept, its averages."""
        each = self.fast.grid.per_step

        def window(carry: tuple[Array, Array, Kept], k: Array) -> tuple[tuple[Array, Array, Kept], Drive]:
            linear, relaxing, kept = carry
            here = number * each + k
            kept, slow = self.fast.refresh(kept, now.slow, prepared, (k + 0.5) / each)
            linear = self._at_once(linear, here, given)
            linear, relaxing, drive = self.fast.run(linear, relaxing, slow, prepared, kept, here, given)
            return (linear, relaxing, kept), drive

        begin = (now.linear, now.relaxing, kept)
        if each == 1:
            (linear, relaxing, kept), drive = window(begin, jnp.asarray(0))
            return linear, relaxing, kept, drive
        (linear, relaxing, kept), drives = lax.scan(window, begin, jnp.arange(each))
        return linear, relaxing, kept, joined(drives)

    def _at_once(self, linear: Array, window: Array, given: Slots | None) -> Array:
        """`linear` with the doses at the start of a window."""
        if given is None:
            return linear
        each = self.fast.grid.windows // SLOTS
        dose = given.at_once[window // each]
        return linear + (dose if each == 1 else jnp.where(window % each == 0, dose, 0.0))

    def _dosed(self, state: State, doses: Doses) -> State:
        """Add each dose (n,) to its linear state, at hour 0."""
        if not doses:
            return state
        require_linear(self.model, doses)
        rows = zip(self.model.linear, state.linear, strict=True)
        linear = [row + jnp.asarray(doses[name], self.dtype) if name in doses else row for name, row in rows]
        return replace(state, linear=jnp.stack(linear))

    def course(
        self, state: State, doses: Doses, prepared: Prepared, names: tuple[str, ...]
    ) -> tuple[np.ndarray, dict[str, Array]]:
        """Hours of the day (H,) and named quantities at each, (H, n), after that hour's doses; slow states held."""
        program, size, grid = self.model.program(names), state.size, self.fast.grid
        given = slots(self.model, doses, size, self.dtype) if self._at_slots else None
        linear, relaxing = (state if self._at_slots else self._dosed(state, doses)).linear, state.relaxing
        kept, slow = jax.jit(lambda now: self.fast.refresh(self.begin(now), now.slow, prepared, 0.0))(state)

        @partial(jax.jit, static_argnums=0)  # compiled once for windows of a kind
        def window(dense: bool, linear: Array, relaxing: Array, number: Array) -> tuple[Array, Array, list[Array]]:
            span = grid.after_dose if dense else grid.later
            at = Window(span, number.astype(self.dtype) * grid.length, given)
            known, end = self.fast.known(self._at_once(linear, number, given), relaxing, slow, prepared, kept, at)
            last = [known[name][-1] for name in self.model.relaxing]
            found = [jnp.broadcast_to(v, (span.hours.size, size)) for v in program.run(known)]
            return end, jnp.stack(last) if last else relaxing, found

        parts = []
        for number in range(grid.windows):
            linear, relaxing, found = window(grid.dense[number], linear, relaxing, jnp.asarray(number))
            parts.append([v if number == grid.windows - 1 else v[:-1] for v in found])
        return grid.hours, {k: jnp.concatenate(v) for k, v in zip(names, zip(*parts, strict=True), strict=True)}

    def _seen(self, at: Array, drive: Drive, prepared: Prepared) -> dict[str, Array]:
        """Slow states and signals by name."""
        slow = dict(zip(self.model.slow, at, strict=True))
        return {**slow, **self.fast.signals(drive, slow, prepared)}

    def _evaluate(self, program: Program, seen: Mapping[str, Array], prepared: Prepared) -> Array:
        n = seen[self.model.slow[0]].shape[-1]
        out = program.run({**prepared.values, **seen}, prepared.slow)
        return jnp.stack([jnp.broadcast_to(jnp.asarray(x, self.dtype), (n,)) for x in out])

    def start(self, individual: Values, shared: Values, n: int) -> State:
        """The model's own starting state for n subjects."""
        given = {k: jnp.asarray(v, self.dtype) for k, v in {**shared, **individual}.items()}
        values = {k: jnp.broadcast_to(jnp.asarray(v), (n,)) for k, v in self.model.initial(given).items()}
        return State.of(self.model, values, self.dtype)


def chain_ends(model: Model) -> tuple[str, ...]:
    """Slow states that move no other but each other, and are moved by one another: the maturing blood cells."""
    plan = model.plan
    reads = {s: model.needs(plan.rates[s]) for s in plan.slow}
    fast = [*plan.transfer.values(), *plan.source.values(), *plan.loss.values()]
    ends = set(plan.slow).difference(*(model.needs(e) for e in fast))
    while needed := {end for s in plan.slow if s not in ends for end in reads[s] & ends}:
        ends -= needed
    return tuple(s for s in plan.slow if s in ends and reads[s] & (ends - {s}))


def working_type(dtype: Any) -> Any:
    """`dtype`, checked: float64 needs JAX's x64 mode."""
    wanted = jnp.dtype(dtype)
    if wanted == jnp.dtype("float64") and not jax.config.jax_enable_x64:  # type: ignore[attr-defined]
        raise ModelError("float64 needs jax.config.update('jax_enable_x64', True) before the first computation")
    return wanted
