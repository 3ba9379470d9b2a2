"""Exact propagators of the linear fast states, one sparse matrix per subject.

The transfer matrix A of drug kinetics has non-negative entries off its diagonal. Uniformisation (Jensen 1953) writes
exp(A t) as a sum of non-negative terms, which neither cancels nor goes negative in single precision; squaring takes
a short step to the longer ones. States that exchange nothing are kept in separate blocks.
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

_TERMS = 9  # of the exponential series
_HALVINGS = 5  # the series runs at the finest interval / 32: rates up to 125 per hour lose less than 1e-7 of the drug
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
        step = FINEST / HOURS_PER_DAY / 2**_HALVINGS
        zero = jnp.zeros(n, dtype)
        cells: list[Any] = [zero] * len(block.entries)
        for i, j, t in block.given:
            cells[block.slot[i, j]] = coefficients[t]
        diagonal = [block.slot[i, i] for i in range(len(block.places))]
        rate = jnp.max(jnp.stack([-cells[k] for k in diagonal] + [zero]), axis=0)
        for k in diagonal:
            cells[k] = cells[k] + rate
        shifted = jnp.stack(cells) * step
        ones = np.array([1.0 if i == j else 0.0 for i, j in block.entries])
        identity = jnp.broadcast_to(jnp.asarray(ones, dtype)[:, None], shifted.shape)

        def term(carry: tuple[Array, Array], k: Array) -> tuple[tuple[Array, Array], None]:
            power, total = carry
            power = _product(block.sparse, power, shifted) / k
            return (power, total + power), None

        numbers = jnp.arange(2, _TERMS + 1, dtype=dtype)
        (_, series), _ = lax.scan(term, (shifted, identity + shifted), numbers)

        def square(carry: Array, _: None) -> tuple[Array, Array]:
            following = _product(block.full, carry, carry)
            return following, following

        short = series * jnp.exp(-rate * step)
        _, doubled = lax.scan(square, short, None, length=_HALVINGS + _DAY)
        doubled = doubled[_HALVINGS - 1 :]

        def advance(carry: Array, k: Array) -> tuple[Array, Array]:
            whole = dict(zip(block.rows, carry, strict=True))
            following = _product(block.along, whole, doubled[k])
            return following, following

        first = identity[rows]
        _, later = lax.scan(advance, first, jnp.asarray(self.grid.doubling))
        return doubled[_DAY], jnp.concatenate([first[None], later])

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


def _product(pairs: list[list[Entry]], a: Any, b: Array) -> Array:
    """Sparse matrix product per subject: entry k is the sum of a[p]*b[q] over pairs[k]."""
    return jnp.stack([reduce(operator.add, [a[p] * b[q] for p, q in listed]) for listed in pairs])
