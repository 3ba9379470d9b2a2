"""Exact propagators of the linear fast states, one sparse matrix per subject.

The transfer matrix A of drug kinetics has non-negative entries off its diagonal. Its exponential over a short step
comes from the Taylor series, and squaring takes that step to the longer ones. States that exchange nothing are kept
in separate blocks.

Squaring a matrix near 1 again and again turns a rounding of 1e-7 into 5e-4 a day, which a sum over a year shows. So
what leaves a state in a step, 1 minus its diagonal entry, is squared by itself, f(2t) = f(2 - f) - what comes back:
no small difference of large numbers, no rounding that grows, and nothing at all leaves a state that only collects.
All terms but the last are positive, so amounts do not turn negative in single precision either.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import reduce
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from .grid import HOURS_PER_DAY, Grid, Span

Entry = tuple[int, int]

_TERMS = 8  # of the exponential series
_HALVINGS = 7  # the series runs at the finest interval / 128: for rates up to 500 per hour the rest is below 2e-7
_SMALL = 0.5  # what leaves a state is known better than what stays below this, and worse above it
_MOVED = 1e-3  # relative change of a rate that calls for a new propagator
_GROUP = 32  # subjects built at a time


class Block:
    """Linear states that exchange amounts: sparse matrices as (entries, n), the entries reachable along the graph."""

    def __init__(self, places: tuple[int, ...], transfer: Sequence[Entry], watched: Sequence[int]) -> None:
        self.places, m = places, len(places)
        self.rates = np.array([t for t, (i, _) in enumerate(transfer) if i in places], dtype=np.int32)
        self.given = [(places.index(i), places.index(j)) for i, j in transfer if i in places]
        self.watched = tuple(k for k, place in enumerate(places) if place in watched)
        direct = np.eye(m, dtype=bool)
        for i, j in self.given:
            direct[i, j] = True
        reach = direct.copy()
        for _ in range(m):
            reach = reach | (reach @ reach)
        self.entries: list[Entry] = [(i, j) for i in range(m) for j in range(m) if reach[i, j]]
        self.slot = {entry: k for k, entry in enumerate(self.entries)}
        self.full = self._pairs(self.entries, reach, reach)
        self.sparse = self._pairs(self.entries, reach, direct)
        self.diagonal = np.array([self.slot[i, i] for i in range(m)], dtype=np.int32)
        self.returns = [
            [(self.slot[i, k], self.slot[k, i]) for k in range(m) if k != i and reach[i, k] and reach[k, i]]
            for i in range(m)
        ]
        self.rows = [k for k, (i, _) in enumerate(self.entries) if i in self.watched]
        self.along = self._pairs([self.entries[k] for k in self.rows], reach, reach)

    def _pairs(self, targets: list[Entry], left: np.ndarray, right: np.ndarray) -> list[list[Entry]]:
        middle = range(len(self.places))
        return [[(self.slot[i, m], self.slot[m, j]) for m in middle if left[i, m] and right[m, j]] for i, j in targets]


class Built(NamedTuple):
    """What is kept of one block: its rates (given, n), exp(A t) over a window (entries, n), its watched rows at every
    hour after a dose, (K, rows, n). A block with infusions keeps exp(A t) of each length of interval instead of both,
    `pace` (lengths, entries, n).
    """

    rates: Array
    whole: Array
    rows: Array
    pace: Array


class Propagator:
    """exp(A t) of the linear states at the hours of a window, block by block.

    `transfer` lists the entries (row, column) of A that can be non-zero, `watched` the states needed within the day,
    `infused` those that may be given at a constant rate. Each of these gets a state more, the rate itself, which flows
    into it and does not change within an interval: the same exponential then holds what has been infused.
    """

    def __init__(
        self, size: int, transfer: Sequence[Entry], grid: Grid, watched: Sequence[int], infused: Sequence[int] = ()
    ) -> None:
        self.size, self.grid, self.watched, self.infused = size, grid, tuple(watched), tuple(infused)
        entries = [*transfer, *((place, size + k) for k, place in enumerate(infused))]
        joined = list(range(size + len(infused)))
        for i, j in entries:
            old, new = joined[i], joined[j]
            joined = [new if k == old else k for k in joined]
        groups = [tuple(k for k, of in enumerate(joined) if of == label) for label in dict.fromkeys(joined)]
        self.blocks = [Block(places, entries, self.watched) for places in groups]
        parts = round(grid.length / grid.finest)
        self._powers = [k for k in range(parts.bit_length()) if parts >> k & 1]  # doublings that make up a window

    def blank(self, n: int, dtype: Any) -> tuple[Built, ...]:
        """What `refresh` builds for everybody, n subjects."""
        out = []
        for block in self.blocks:
            rates = jax.ShapeDtypeStruct((len(block.rates), n), dtype)
            shapes = jax.eval_shape(lambda r, b=block: self._build(b, r), rates)
            made = Built(*(jnp.zeros(x.shape, x.dtype) for x in shapes))
            out.append(made._replace(rates=jnp.full(rates.shape, jnp.nan, dtype)))
        return tuple(out)

    def refresh(self, built: tuple[Built, ...], coefficients: Array) -> tuple[Built, ...]:
        """`built`, made anew block by block for the subjects whose rates in that block have moved by a thousandth.

        Each subject is judged by himself, so that his numbers do not depend on his neighbours. A block costs nothing
        while nobody has moved in it, and otherwise as much as there are groups of `_GROUP` subjects who have.
        """
        out = []
        for (block, rates), old in zip(self._rates(coefficients), built, strict=True):
            moved = ~jnp.all(jnp.abs(rates - old.rates) <= _MOVED * jnp.abs(old.rates), axis=0)  # blank rates have too
            out.append(self._renewed(block, old, rates, moved))
        return tuple(out)

    def _rates(self, coefficients: Array) -> list[tuple[Block, Array]]:
        ones = jnp.ones((len(self.infused), coefficients.shape[-1]), coefficients.dtype)
        whole = jnp.concatenate([coefficients, ones])
        return [(block, whole[block.rates]) for block in self.blocks]

    def _renewed(self, block: Block, old: Built, rates: Array, who: Array) -> Built:
        """`old` with the subjects `who` (n,) built from `rates`, a group at a time."""
        width = min(_GROUP, who.size)

        def group(carry: tuple[Array, Built]) -> tuple[Array, Built]:
            left, built = carry
            place = jnp.cumsum(left) - 1
            taken = left & (place < width)
            lanes = jnp.nonzero(taken, size=width, fill_value=0)[0]
            place = jnp.clip(place, 0, width - 1)
            fresh = self._build(block, rates[:, lanes])
            return left & ~taken, jax.tree.map(lambda a, b: jnp.where(taken, a[..., place], b), fresh, built)

        _, built = lax.while_loop(lambda carry: jnp.any(carry[0]), group, (who, old))
        return built

    def _infusing(self, block: Block) -> bool:
        return block.places[-1] >= self.size

    def _build(self, block: Block, rates: Array) -> Built:
        n, dtype = rates.shape[-1], rates.dtype
        rows, hours = np.array(block.rows, dtype=np.int32), self.grid.after_dose.hours
        nothing = jnp.zeros((0, len(block.entries), n), dtype)
        if len(block.places) == 1:
            rate = rates[0] if block.given else jnp.zeros(n, dtype)
            course = jnp.exp(jnp.asarray(hours / HOURS_PER_DAY, dtype)[:, None] * rate)[:, None]
            return Built(rates, course[-1], course[:, rows], nothing)
        first, left = self._short_step(block, rates)

        def square(carry: tuple[Array, Array], _: None) -> tuple[tuple[Array, Array], Array]:
            following = _squared(block, *carry)
            return following, following[0]

        _, doubled = lax.scan(square, (first, left), None, length=_HALVINGS + self._powers[-1])
        doubled = doubled[_HALVINGS - 1 :]
        if self._infusing(block):
            lengths = int(self.grid.after_dose.doubling.max()) + 1
            return Built(rates, nothing[:0, 0], jnp.zeros((hours.size, 0, n), dtype), doubled[:lengths])
        whole = reduce(lambda a, b: _product(block.full, a, b), [doubled[k] for k in self._powers])
        if not block.rows:
            return Built(rates, whole, jnp.zeros((hours.size, 0, n), dtype), nothing)

        def advance(carry: Array, k: Array) -> tuple[Array, Array]:
            whole = dict(zip(block.rows, carry, strict=True))
            following = _product(block.along, whole, doubled[k])
            return following, following

        ones = np.array([1.0 if i == j else 0.0 for i, j in block.entries])
        start = jnp.broadcast_to(jnp.asarray(ones, dtype)[:, None], first.shape)[rows]
        _, later = lax.scan(advance, start, jnp.asarray(self.grid.after_dose.doubling))
        return Built(rates, whole, jnp.concatenate([start[None], later]), nothing)

    def _short_step(self, block: Block, rates: Array) -> tuple[Array, Array]:
        """exp(A h) of the shortest step as (entries, n), and what leaves each state in it, (states, n)."""
        n, dtype = rates.shape[-1], rates.dtype
        cells: list[Any] = [jnp.zeros(n, dtype)] * len(block.entries)
        for k, (i, j) in enumerate(block.given):
            cells[block.slot[i, j]] = rates[k] * (self.grid.finest / HOURS_PER_DAY / 2**_HALVINGS)
        matrix = jnp.stack(cells)

        def term(carry: tuple[Array, Array], k: Array) -> tuple[tuple[Array, Array], None]:
            power, total = carry
            power = _product(block.sparse, power, matrix) / k
            return (power, total + power), None

        (_, change), _ = lax.scan(term, (matrix, matrix), jnp.arange(2, _TERMS + 1, dtype=dtype))
        left = jnp.clip(-change[block.diagonal], 0.0, 1.0)  # bounds that only rates beyond the series reach
        return jnp.maximum(change, 0.0).at[block.diagonal].set(1.0 - left), left

    def advance(
        self, built: tuple[Built, ...], start: Array, span: Span, inflow: Array | None = None
    ) -> tuple[dict[int, Array], Array]:
        """Watched states at the hours of a window, place -> (K, n), and all states at its end, (size, n).

        start: (size, n); inflow: what is infused into each of `infused` in each interval, (K-1, infused, n) per day.
        """
        out: dict[int, Any] = {}
        end: list[Any] = [None] * (self.size + len(self.infused))
        for block, made in zip(self.blocks, built, strict=True):
            if self._infusing(block):
                assert inflow is not None
                self._march(block, made, start, span, inflow, out, end)
                continue
            for slot, k in enumerate(block.rows):
                i, j = block.entries[k]
                _add(out, block.places[i], made.rows[span.places, slot] * start[block.places[j]])
            for k, (i, j) in enumerate(block.entries):
                part, place = made.whole[k] * start[block.places[j]], block.places[i]
                end[place] = part if end[place] is None else end[place] + part
        return out, jnp.stack(end[: self.size])

    def _march(
        self, block: Block, made: Built, start: Array, span: Span, inflow: Array, out: dict[int, Any], end: list[Any]
    ) -> None:
        """Put the watched course and the end of a block with infusions into `out` and `end`, interval by interval."""
        own = [k for k, place in enumerate(block.places) if place < self.size]
        sources = [block.places[k] - self.size for k in range(len(own), len(block.places))]

        def step(now: Array, given: tuple[Array, Array]) -> tuple[Array, Array]:
            k, rates = given
            here = [*now, *(rates[s] for s in sources)]
            rows: dict[int, Any] = {}
            for slot, (i, j) in enumerate(block.entries):
                _add(rows, i, made.pace[k, slot] * here[j])
            after = jnp.stack([rows[i] for i in own])
            return after, after

        first = start[np.array(block.places[: len(own)])]
        last, later = lax.scan(step, first, (jnp.asarray(span.doubling), inflow))
        course = jnp.concatenate([first[None], later])
        for k in own:
            end[block.places[k]] = last[k]
            if k in block.watched:
                out[block.places[k]] = course[:, k]


def _add(to: dict[int, Any], key: int, part: Array) -> None:
    to[key] = to[key] + part if key in to else part


def _squared(block: Block, whole: Array, left: Array) -> tuple[Array, Array]:
    """The matrix and what leaves each state over twice the time; see the head of this file."""
    back = [sum((whole[p] * whole[q] for p, q in pairs), jnp.zeros_like(left[0])) for pairs in block.returns]
    following = _product(block.full, whole, whole)
    left = left * (2.0 - left) - jnp.stack(back)
    stays = following[block.diagonal]
    left, stays = jnp.where(left < _SMALL, left, 1.0 - stays), jnp.where(left < _SMALL, 1.0 - left, stays)
    return following.at[block.diagonal].set(stays), left


def _product(pairs: list[list[Entry]], a: Any, b: Array) -> Array:
    """Sparse matrix product per subject: entry k is the sum of a[p]*b[q] over pairs[k]."""
    return jnp.stack([reduce(operator.add, [a[p] * b[q] for p, q in listed]) for listed in pairs])
