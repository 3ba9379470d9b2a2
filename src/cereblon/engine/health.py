"""Finding subjects whose state has left the possible range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cereblon.errors import CereblonError
from cereblon.model import Model

from .state import State


class NumericalError(CereblonError):
    """A subject's state is negative or not finite."""


@dataclass(frozen=True)
class Ailment:
    """A subject (position in the batch) with the state that failed and its value."""

    subject: int
    state: str
    value: float


def ailing(model: Model, state: State) -> list[Ailment]:
    """Subjects with a negative or non-finite state."""
    out: dict[int, Ailment] = {}
    for clock, names in (("slow", model.slow), ("linear", model.linear), ("relaxing", model.relaxing)):
        values = np.asarray(getattr(state, clock))
        if values.size and not (np.isfinite(values) & (values >= 0)).all():
            for i, k in np.argwhere(~(np.isfinite(values) & (values >= 0))):
                out.setdefault(int(k), Ailment(int(k), names[i], float(values[i, k])))
    return sorted(out.values(), key=lambda a: a.subject)


def require_healthy(model: Model, state: State, subjects: Sequence[int] | None = None) -> None:
    """Raise NumericalError naming the subjects (by number where `subjects` gives the numbers) that failed."""
    found = ailing(model, state)
    if not found:
        return
    shown = [
        f"subject {a.subject if subjects is None else subjects[a.subject]} ({a.state} = {a.value:g})" for a in found[:5]
    ]
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    raise NumericalError(f"the model failed for {', '.join(shown)}{more}; expected finite, non-negative states")
