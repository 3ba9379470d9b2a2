"""Exact propagators of the linear fast states, one sparse matrix per subject.

The transfer matrix A of drug kinetics has non-negative entries off its diagonal. Uniformisation (Jensen 1953) writes
exp(A t) as a sum of non-negative terms, which neither cancels nor goes negative in single precision; squaring takes
a short step to the longer ones. Only entries that can be reached along the transfer graph are stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from .grid import HOURS_PER_DAY, QUARTER, Grid

Entry = tuple[int, int]

_TERMS = 12  # of the exponential series
_HALVINGS = 3  # the series runs at a quarter hour / 8: rates up to 60 per hour keep rate*step below 2


class Propagator:
    """Sparse exp(A t) at the hours of a grid. `transfer` lists the entries (row, column) of A that can be non-zero."""

    def __init__(self, size: int, transfer: Sequence[Entry], grid: Grid, watched: Sequence[int]) -> None:
        self.size, self.grid = size, grid
        self.transfer = list(transfer)
        reach = np.eye(size, dtype=bool)
        for i, j in self.transfer:
            reach[i, j] = True
        for _ in range(size):
            reach = reach | (reach @ reach)
        self.entries: list[Entry] = [(i, j) for i in range(size) for j in range(size) if reach[i, j]]
        self._slot = {entry: k for k, entry in enumerate(self.entries)}
        self._through = [
            [(self._slot[i, m], self._slot[m, j]) for m in range(size) if reach[i, m] and reach[m, j]]
            for i, j in self.entries
        ]
        self.watched = list(watched)
        self.rows = [k for k, (i, _) in enumerate(self.entries) if i in self.watched]

    def build(self, coefficients: Array) -> tuple[Array, Array]:
        """(day, rows): exp(A*24 h), shape (entries, n), and the watched rows at every grid hour, (rows, K, n).

        `coefficients` has shape (transfer, n), 1/day, in the order of `transfer`.
        """
        n = coefficients.shape[-1]
        step = QUARTER / HOURS_PER_DAY / 2**_HALVINGS
        matrix: list[Any] = [jnp.zeros(n, coefficients.dtype)] * len(self.entries)
        for value, entry in zip(coefficients, self.transfer, strict=True):
            matrix[self._slot[entry]] = value
        diagonal = [self._slot[i, i] for i in range(self.size)]
        rate = jnp.maximum(jnp.max(jnp.stack([-matrix[k] for k in diagonal]), axis=0), 0.0)
        for k in diagonal:
            matrix[k] = matrix[k] + rate
        shifted = jnp.stack(matrix) * step
        identity = jnp.zeros((len(self.entries), n), coefficients.dtype).at[np.array(diagonal)].set(1.0)

        def term(carry: tuple[Array, Array], k: Array) -> tuple[tuple[Array, Array], None]:
            power, total = carry
            power = self._product(power, shifted) / k
            return (power, total + power), None

        numbers = jnp.arange(1, _TERMS + 1, dtype=coefficients.dtype)
        (_, series), _ = lax.scan(term, (identity, identity), numbers)
        short = series * jnp.exp(-rate * step)
        most = int(self.grid.doubling.max())

        def square(carry: Array, _: None) -> tuple[Array, Array]:
            following = self._product(carry, carry)
            return following, following

        _, steps = lax.scan(square, short, None, length=_HALVINGS + most)
        steps = steps[_HALVINGS - 1 :]

        def advance(carry: Array, k: Array) -> tuple[Array, Array]:
            following = self._product(steps[k], carry)
            return following, following[np.array(self.rows, dtype=np.int32)]

        day, later = lax.scan(advance, identity, jnp.asarray(self.grid.doubling))
        first = identity[np.array(self.rows, dtype=np.int32)]
        return day, jnp.moveaxis(jnp.concatenate([first[None], later]), 0, 1)

    def _product(self, a: Array, b: Array) -> Array:
        return jnp.stack(
            [
                sum((a[p] * b[q] for p, q in pairs[1:]), a[pairs[0][0]] * b[pairs[0][1]])
                for pairs in self._through
            ]
        )

    def course(self, rows: Array, start: Array) -> dict[int, Array]:
        """Watched states at the grid hours, each (K, n), from `start` (size, n) at hour 0."""
        out: dict[int, Any] = {}
        for slot, k in enumerate(self.rows):
            i, j = self.entries[k]
            part = rows[slot] * start[j]
            out[i] = out[i] + part if i in out else part
        return out

    def finish(self, day: Array, start: Array) -> Array:
        """All states after 24 hours, (size, n)."""
        out: list[Any] = [None] * self.size
        for k, (i, j) in enumerate(self.entries):
            part = day[k] * start[j]
            out[i] = part if out[i] is None else out[i] + part
        return jnp.stack(out)
