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
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from .grid import FINEST, HOURS_PER_DAY, Grid

Entry = tuple[int, int]

_TERMS = 8  # of the exponential series
_HALVINGS = 7  # the series runs at the finest interval / 128: for rates up to 500 per hour the rest is below 2e-7
_SMALL = 0.5  # what leaves a state is known better than what stays below this, and worse above it
_DAY = 7  # the finest interval doubled this often is a day


class Block:
    """Linear states that exchange amounts: sparse matrices as (entries, n), the entries reachable along the graph."""

    def __init__(self, places: tuple[int, ...], transfer: Sequence[Entry], watched: Sequence[int]) -> None:
        self.places, m = places, len(places)
        self.given = [(places.index(i), places.index(j), t) for t, (i, j) in enumerate(transfer) if i in places]
        self.watched = tuple(k for k, place in enumerate(places) if place in watched)
        direct = np.eye(m, dtype=bool)
        for i, j, _ in self.given:
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


class Propagator:
    """exp(A t) of the linear states at the hours of a grid, block by block.

    `transfer` lists the entries (row, column) of A that can be non-zero, `watched` the states needed within the day.
    """

    def __init__(self, size: int, transfer: Sequence[Entry], grid: Grid, watched: Sequence[int]) -> None:
        self.size, self.grid, self.watched = size, grid, tuple(watched)
        joined = list(range(size))
        for i, j in transfer:
            old, new = joined[i], joined[j]
            joined = [new if k == old else k for k in joined]
        groups = [tuple(k for k in range(size) if joined[k] == label) for label in dict.fromkeys(joined)]
        self.blocks = [Block(places, transfer, self.watched) for places in groups]

    def build(self, coefficients: Array) -> list[tuple[Array, Array]]:
        """Per block: entries of exp(A*24 h), (entries, n), and of its watched rows at every grid hour, (K, rows, n).

        `coefficients` has shape (transfer, n), 1/day, in the order of `transfer`.
        """
        return [self._build(block, coefficients) for block in self.blocks]

    def _build(self, block: Block, coefficients: Array) -> tuple[Array, Array]:
        n, dtype = coefficients.shape[-1], coefficients.dtype
        rows = np.array(block.rows, dtype=np.int32)
        if len(block.places) == 1:
            rate = coefficients[block.given[0][2]] if block.given else jnp.zeros(n, dtype)
            days = jnp.asarray(self.grid.hours / HOURS_PER_DAY, dtype)
            course = jnp.exp(days[:, None] * rate)[:, None]
            return course[-1], course[:, rows]
        first, left = self._short_step(block, coefficients)

        def square(carry: tuple[Array, Array], _: None) -> tuple[tuple[Array, Array], Array]:
            following = _squared(block, *carry)
            return following, following[0]

        _, doubled = lax.scan(square, (first, left), None, length=_HALVINGS + _DAY)
        doubled = doubled[_HALVINGS - 1 :]

        def advance(carry: Array, k: Array) -> tuple[Array, Array]:
            whole = dict(zip(block.rows, carry, strict=True))
            following = _product(block.along, whole, doubled[k])
            return following, following

        ones = np.array([1.0 if i == j else 0.0 for i, j in block.entries])
        start = jnp.broadcast_to(jnp.asarray(ones, dtype)[:, None], first.shape)[rows]
        _, later = lax.scan(advance, start, jnp.asarray(self.grid.doubling))
        return doubled[_DAY], jnp.concatenate([start[None], later])

    @staticmethod
    def _short_step(block: Block, coefficients: Array) -> tuple[Array, Array]:
        """exp(A h) of the shortest step as (entries, n), and what leaves each state in it, (states, n)."""
        n, dtype = coefficients.shape[-1], coefficients.dtype
        cells: list[Any] = [jnp.zeros(n, dtype)] * len(block.entries)
        for i, j, t in block.given:
            cells[block.slot[i, j]] = coefficients[t] * (FINEST / HOURS_PER_DAY / 2**_HALVINGS)
        rates = jnp.stack(cells)

        def term(carry: tuple[Array, Array], k: Array) -> tuple[tuple[Array, Array], None]:
            power, total = carry
            power = _product(block.sparse, power, rates) / k
            return (power, total + power), None

        (_, change), _ = lax.scan(term, (rates, rates), jnp.arange(2, _TERMS + 1, dtype=dtype))
        left = jnp.clip(-change[block.diagonal], 0.0, 1.0)  # bounds that only rates beyond the series reach
        return jnp.maximum(change, 0.0).at[block.diagonal].set(1.0 - left), left

    def course(self, built: list[tuple[Array, Array]], start: Array) -> dict[int, Array]:
        """Watched states at the grid hours, each (K, n), from `start` (size, n) at hour 0."""
        out: dict[int, Any] = {}
        for block, (_, rows) in zip(self.blocks, built, strict=True):
            for slot, k in enumerate(block.rows):
                i, j = block.entries[k]
                part, place = rows[:, slot] * start[block.places[j]], block.places[i]
                out[place] = out[place] + part if place in out else part
        return out

    def finish(self, built: list[tuple[Array, Array]], start: Array) -> Array:
        """All states after 24 hours, (size, n)."""
        out: list[Any] = [None] * self.size
        for block, (day, _) in zip(self.blocks, built, strict=True):
            for k, (i, j) in enumerate(block.entries):
                part, place = day[k] * start[block.places[j]], block.places[i]
                out[place] = part if out[place] is None else out[place] + part
        return jnp.stack(out)


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
