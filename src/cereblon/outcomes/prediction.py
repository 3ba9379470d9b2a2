"""What a trial of the published size would have shown: endpoints of many trials drawn from the simulated
subjects.

Trials are drawn with replacement. Drawing without it would shrink the interval to nothing as the published
size nears the number simulated, although the next 60 patients would differ from these 60 just as much.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from cereblon.errors import CereblonError
from cereblon.outcomes.data import ArmData, Floats, Times
from cereblon.outcomes.endpoints import Endpoint
from cereblon.outcomes.survival import Resampled, resample

REPLICATES: Final = 2000
_STREAM: Final = 0x7E5A  # sets these draws apart from every other use of the seed


@dataclass(frozen=True)
class Draws:
    """Resampled trials of one arm or of several pooled.

    picks: arm -> (replicates, size of that arm in the trial) indices into the arm's subjects.
    """

    arms: Mapping[str, ArmData]
    picks: Mapping[str, NDArray[np.int64]]

    @property
    def size(self) -> int:
        """Subjects in one drawn trial."""
        return sum(data.size for data in self.arms.values())

    def shares(self, total: int) -> dict[str, int]:
        """Split `total` subjects over the arms in proportion to their published sizes (largest remainder)."""
        total = min(total, self.size)
        exact = {arm: total * data.size / self.size for arm, data in self.arms.items()}
        split = {arm: int(value) for arm, value in exact.items()}
        by_remainder = sorted(exact, key=lambda arm: split[arm] - exact[arm])
        for arm in by_remainder[: total - sum(split.values())]:
            split[arm] += 1
        return split

    def rates(self, values: Mapping[str, Floats], total: int) -> Floats:
        """Return the mean of `values` (arm -> (N,)) in each drawn trial of `total` subjects:
        (replicates,).
        """
        split = self.shares(total)
        sums = sum(values[arm][picks[:, : split[arm]]].sum(axis=1) for arm, picks in self.picks.items())
        return np.asarray(sums / sum(split.values()))

    def curves(self, name: str, total: int | None = None) -> Resampled:
        """Return the Kaplan-Meier estimate of each drawn trial for the time-to-event parameter `name`, in
        months.
        """
        split = self.shares(self.size if total is None else total)
        offset = 0
        rows = []
        for arm, picks in self.picks.items():
            rows.append(picks[:, : split[arm]] + offset)
            offset += self.arms[arm].subjects.size
        pooled = pool([data.times[name] for data in self.arms.values()])
        return resample(pooled.time, pooled.event, np.hstack(rows))


def pool(times: Sequence[Times]) -> Times:
    """Join the times of several arms."""
    return Times(np.concatenate([t.time for t in times]), np.concatenate([t.event for t in times]))


def draw(arms: Mapping[str, ArmData], seed: int, replicates: int = REPLICATES, *, twins: bool = False) -> Draws:
    """Draw trials from the subjects of `arms`.

    An arm's draws depend on (seed, arm id) only, not on the other arms. With `twins` the arms hold the same people:
    the persons of a trial are drawn once and are the same in every arm (in a smaller arm the first of them), so a
    person is not counted as several. Raises CereblonError where they are not the same people.
    """
    if not twins:
        return Draws(arms, {name: _picks(data, seed, name, (replicates, data.size)) for name, data in arms.items()})
    first = next(iter(arms.values()))
    if any(not np.array_equal(data.twins, first.twins) for data in arms.values()):
        raise CereblonError("subjects: the arms of a run with twins do not hold the same people (TWIN)")
    persons = _picks(first, seed, next(iter(arms)), (replicates, max(data.size for data in arms.values())))
    return Draws(arms, {name: persons[:, : data.size] for name, data in arms.items()})


def _picks(data: ArmData, seed: int, name: str, shape: tuple[int, int]) -> NDArray[np.int64]:
    stream = np.random.SeedSequence([seed, _STREAM, crc32(name.encode())])
    return np.random.Generator(np.random.Philox(stream)).integers(data.subjects.size, size=shape)


def replicate(endpoint: Endpoint, key: str, draws: Draws, total: int) -> Floats:
    """Return the endpoint in each drawn trial of `total` subjects: (replicates,), percent or months.

    Infinite where a median is not reached; NaN for cycles when no cycle was given.
    """
    if endpoint.kind == "median":
        return draws.curves(endpoint.curve, total).medians()
    if endpoint.kind == "landmark":
        return 100 * draws.curves(endpoint.curve, total).at(np.array([float(endpoint.months)]))[:, 0]
    if endpoint.kind == "cycles":
        hit = draws.rates({arm: data.cycles_hit[key] for arm, data in draws.arms.items()}, total)
        given = draws.rates({arm: data.cycles_given for arm, data in draws.arms.items()}, total)
        return 100 * np.divide(hit, given, out=np.full_like(hit, np.nan), where=given > 0)
    flags = {arm: data.flags[key].astype(np.float64) for arm, data in draws.arms.items()}
    return 100 * draws.rates(flags, total)


def quantile(values: Floats, share: float) -> float | None:
    """Return an order statistic of `values`, None where it is infinite or NaN.

    Order statistics, not interpolation: a percentage stays one that a trial of this size can have, and a
    median that some trials do not reach needs no arithmetic with infinity. The lower end is rounded down and
    the upper end up.
    """
    if np.isnan(values).any():
        return None
    method = "lower" if share < 0.5 else "higher" if share > 0.5 else "inverted_cdf"
    value = float(np.quantile(values, share, method=method))  # type: ignore[call-overload]
    return value if np.isfinite(value) else None
