"""Named random streams: a draw is a function of (seed, purpose, name, subject, position) and of nothing else.

A new parameter, event, laboratory value or drug brings streams of its own names and moves no draw that is there
already; neither do the batch, the number of subjects, the order of arms or the number of cores. So subject 17 is the
same person whatever else is in the model.

Each (seed, purpose, name) is hashed to the 128-bit key of a Philox generator, which is counter-based: subject and
position are the counter. Neighbouring subjects are neighbours in the counter, so a block is one call to NumPy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from cereblon.errors import CereblonError

from .subjects import Floats, Integers

Words = NDArray[np.uint64]


class Purpose(StrEnum):
    """What a stream is for. The word is hashed: to change it changes every draw of that purpose."""

    COVARIATES = "covariates"
    VARIABILITY = "variability"
    VISIT_NOISE = "visit noise"
    THRESHOLDS = "thresholds"
    PRIORS = "priors"
    POOL = "pool"


WORDS: Final = 4
"""64-bit numbers that Philox makes from one value of its counter; so many subjects share one."""
GAP: Final = 64
"""Subjects further apart than this are drawn by separate calls; nearer ones with those between, which are dropped."""


def stream_key(seed: int, purpose: Purpose, name: str) -> Words:
    """Return the key of a stream, two 64-bit words."""
    text = f"{seed}\0{purpose.value}\0{name}"
    return np.frombuffer(blake2b(text.encode(), digest_size=16).digest(), dtype="<u8").astype(np.uint64)


def stream_generator(seed: int, purpose: Purpose, name: str) -> np.random.Generator:
    """Return a generator on the stream of a name, for draws that belong to no subject."""
    return np.random.Generator(np.random.Philox(key=stream_key(seed, purpose, name)))


def uniforms(seed: int, purpose: Purpose, names: Sequence[str], subjects: Integers, positions: range) -> Floats:
    """Return uniform numbers inside (0, 1), shape (names, positions, subjects).

    `positions` tells apart the draws of one name and subject: weeks, candidates, recurrences. Raises CereblonError
    when two names have the same stream.
    """
    keys = [stream_key(seed, purpose, name) for name in names]
    _refuse_shared(names, keys)
    runs = list(_runs(subjects))
    drawn = np.empty((len(names), len(positions), len(subjects)), dtype=np.uint64)
    philox = np.random.Philox(key=0)
    fresh = dict(philox.state)
    for row, key in enumerate(keys):
        for column, position in enumerate(positions):
            for run in runs:
                counter = np.array([run.counter, position, 0, 0], dtype=np.uint64)
                state: Any = {**fresh, "state": {"counter": counter, "key": key}}
                philox.state = state
                drawn[row, column, run.where] = philox.random_raw(run.size)[run.picked]
    # 52 bits and a half: never 0 or 1, whose normal scores are infinite
    return ((drawn >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


def normals(seed: int, purpose: Purpose, names: Sequence[str], subjects: Integers, positions: range) -> Floats:
    """Return standard normal numbers, shape (names, positions, subjects); as `uniforms`."""
    return np.asarray(ndtri(uniforms(seed, purpose, names, subjects, positions)))


def exponentials(seed: int, purpose: Purpose, names: Sequence[str], subjects: Integers, positions: range) -> Floats:
    """Return unit exponential numbers, shape (names, positions, subjects); as `uniforms`."""
    return np.asarray(-np.log(uniforms(seed, purpose, names, subjects, positions)))


def _refuse_shared(names: Sequence[str], keys: Sequence[Words]) -> None:
    owners: dict[bytes, str] = {}
    for name, key in zip(names, keys, strict=True):
        if key.tobytes() in owners:
            other = owners[key.tobytes()]
            raise CereblonError(f"random streams: '{other}' and '{name}' are one stream; expected names of their own")
        owners[key.tobytes()] = name


class _Run(NamedTuple):
    """Subjects drawn by one call: first counter, numbers to draw, which subjects they are for, which are taken."""

    counter: int
    size: int
    where: Integers
    picked: Integers


def _runs(subjects: Integers) -> Iterator[_Run]:
    """Cut subjects (n,), in any order, into runs of neighbours."""
    if not len(subjects):
        return
    order = np.argsort(subjects, kind="stable")
    ranked = subjects[order]
    for where in np.split(order, np.flatnonzero(np.diff(ranked) > GAP) + 1):
        first, last = int(subjects[where[0]]) // WORDS, int(subjects[where[-1]]) // WORDS
        yield _Run(first, (last - first + 1) * WORDS, where, subjects[where] - first * WORDS)
