"""Exact propagators of the linear fast states, one sparse matrix per subject.

The transfer matrix A of drug kinetics has non-negative entries off its diagonal. Uniformisation (Jensen 1953) writes
exp(A t) as a sum of non-negative terms, which neither cancels nor goes negative in single precision; squaring takes
a short step to the longer ones. States that exchange nothing are kept in separate blocks.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from .grid import HOURS_PER_DAY, QUARTER, Grid

Entry = tuple[int, int]

_TERMS = 8  # of the exponential series
_HALVINGS = 4  # the series runs at a quarter hour / 16: for rates up to 60 per hour, rate*step stays below 1
_DAY = 7  # a quarter hour doubled this often is 32 hours; 24 = 16 + 8


@dataclass(frozen=True)
class Block:
    """Linear states that exchange amounts, their places among all, and which of them are watched within the day."""

    places: tuple[int, ...]
    entries: tuple[tuple[int, int, int], ...]  # (row, column) in the block, place in the transfer list
    watched: tuple[int, ...]


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
        self.blocks = []
        for label in dict.fromkeys(joined):
            places = tuple(k for k in range(size) if joined[k] == label)
            entries = tuple(
                (places.index(i), places.index(j), t) for t, (i, j) in enumerate(transfer) if i in places
            )
            seen = tuple(k for k, place in enumerate(places) if place in self.watched)
            self.blocks.append(Block(places, entries, seen))

    def build(self, coefficients: Array) -> list[tuple[Array, Array]]:
        """Per block of m states: exp(A*24 h), (m, m, n), and the watched rows at every grid hour, (K, watched, m, n).

        `coefficients` has shape (transfer, n), 1/day, in the order of `transfer`.
        """
        return [self._build(block, coefficients) for block in self.blocks]

    def _build(self, block: Block, coefficients: Array) -> tuple[Array, Array]:
        m, n, dtype = len(block.places), coefficients.shape[-1], coefficients.dtype
        rows = np.array(block.watched, dtype=np.int32)
        if m == 1:
            rate = coefficients[block.entries[0][2]] if block.entries else jnp.zeros(n, dtype)
            days = jnp.asarray(self.grid.hours / HOURS_PER_DAY, dtype)
            course = jnp.exp(days[:, None] * rate)[:, None, None]
            return course[-1], course[:, rows]
        step = QUARTER / HOURS_PER_DAY / 2**_HALVINGS
        cells: list[list[Any]] = [[jnp.zeros(n, dtype)] * m for _ in range(m)]
        for i, j, t in block.entries:
            cells[i][j] = coefficients[t]
        rate = jnp.max(jnp.stack([-cells[i][i] for i in range(m)] + [jnp.zeros(n, dtype)]), axis=0)
        for i in range(m):
            cells[i][i] = cells[i][i] + rate
        shifted = jnp.stack([jnp.stack(row) for row in cells]) * step
        identity = jnp.broadcast_to(jnp.eye(m, dtype=dtype)[:, :, None], (m, m, n))

        def term(carry: tuple[Array, Array], k: Array) -> tuple[tuple[Array, Array], None]:
            power, total = carry
            power = _product(power, shifted) / k
            return (power, total + power), None

        numbers = jnp.arange(2, _TERMS + 1, dtype=dtype)
        (_, series), _ = lax.scan(term, (shifted, identity + shifted), numbers)

        def square(carry: Array, _: None) -> tuple[Array, Array]:
            following = _product(carry, carry)
            return following, following

        short = series * jnp.exp(-rate * step)
        _, doubled = lax.scan(square, short, None, length=_HALVINGS + _DAY - 1)
        doubled = doubled[_HALVINGS - 1 :]

        def advance(carry: Array, k: Array) -> tuple[Array, Array]:
            following = _product(carry, doubled[k])
            return following, following

        first = identity[rows]
        _, later = lax.scan(advance, first, jnp.asarray(self.grid.doubling))
        return _product(doubled[_DAY - 1], doubled[_DAY - 2]), jnp.concatenate([first[None], later])

    def course(self, built: list[tuple[Array, Array]], start: Array) -> dict[int, Array]:
        """Watched states at the grid hours, each (K, n), from `start` (size, n) at hour 0."""
        out: dict[int, Array] = {}
        for block, (_, rows) in zip(self.blocks, built, strict=True):
            for slot, k in enumerate(block.watched):
                terms = [rows[:, slot, j] * start[place] for j, place in enumerate(block.places)]
                out[block.places[k]] = reduce(operator.add, terms)
        return out

    def finish(self, built: list[tuple[Array, Array]], start: Array) -> Array:
        """All states after 24 hours, (size, n)."""
        out: list[Any] = [None] * self.size
        for block, (day, _) in zip(self.blocks, built, strict=True):
            ends = reduce(operator.add, [day[:, j] * start[place] for j, place in enumerate(block.places)])
            for k, place in enumerate(block.places):
                out[place] = ends[k]
        return jnp.stack(out)


def _product(a: Array, b: Array) -> Array:
    """Matrix product per subject: (r, m, n) by (m, m, n)."""
    return reduce(operator.add, [a[:, j, None] * b[None, j] for j in range(b.shape[0])])
