"""The state of a batch of subjects, by the way in which the engine advances it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from cereblon.model import Model


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class State:
    """All states of n subjects, last axis: `slow` (S, n), `linear` (L, n) and `relaxing` (R, n), in the model's order.

    A pytree: `jax.tree.map` works on its three arrays, which are JAX's or NumPy's.
    """

    slow: Array
    linear: Array
    relaxing: Array

    @classmethod
    def of(cls, model: Model, values: Mapping[str, Any], dtype: Any = None) -> State:
        """Pack every state by name, each (n,) or a scalar, in `dtype` (default: as given).

        NumPy arrays if all values are, else JAX's. Raises KeyError for a state without a value.
        """
        names = {f.name: getattr(model, f.name) for f in fields(cls)}
        n = max((np.shape(values[s])[0] for group in names.values() for s in group if np.ndim(values[s])), default=1)
        traced = any(isinstance(values[s], Array) for group in names.values() for s in group)
        xp: Any = jnp if traced else np

        def packed(group: tuple[str, ...]) -> Array:
            rows = [xp.broadcast_to(xp.asarray(values[s]), (n,)) for s in group]
            out: Array = xp.stack(rows) if rows else xp.zeros((0, n))
            kind = dtype if dtype is not None or rows else xp.asarray(values[model.states[0]]).dtype
            return out if kind is None else out.astype(kind)

        return cls(**{clock: packed(group) for clock, group in names.items()})

    @property
    def size(self) -> int:
        """Number of subjects."""
        return int(self.slow.shape[-1])

    def named(self, model: Model) -> dict[str, Any]:
        """Every state by name, each (n,)."""
        return {
            name: row
            for f in fields(self)
            for name, row in zip(getattr(model, f.name), getattr(self, f.name), strict=True)
        }

    def pad(self, n: int) -> State:
        """As NumPy arrays, the last subject repeated up to `n` subjects; unchanged where there are as many or more."""
        missing = max(n - self.size, 0)
        padded: State = jax.tree.map(lambda rows: np.pad(rows, ((0, 0), (0, missing)), "edge"), self)
        return padded
