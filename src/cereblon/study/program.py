"""The compiled cycle of a study kept in the cache folder, so that later starts neither trace nor compile it.

The file holds machine code, under a name that hashes the model, the shapes, the code and tables of this package, the
versions of JAX, the compiler's options and the processor. A file that cannot be trusted or read, or that fits other
shapes, is ignored and written anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from inspect import unwrap
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from cereblon.clinic.site.drugs import SiteDrug
from cereblon.clinic.site.shape import Shape, shape_of
from cereblon.engine.programs import compile_well, keep_program, program_name, read_program
from cereblon.study.fingerprints import traced_code

if TYPE_CHECKING:
    from cereblon.clinic.trial.trial import Trial
    from cereblon.model import Model

LANES = 256
"""Subjects in a block; smaller blocks are padded to it."""
SLOW_STEPS = 4
"""Steps of the slow clock in a day."""


def study_cycle(model: Model, trial: Trial, drugs: Sequence[SiteDrug], lanes: int = LANES) -> KeptProgram:
    """Return the cycle of `model` under the clinic for blocks of `trial`; trials of the same `Shape` share it."""
    return _cycle(model, tuple(drugs), lanes, shape_of(trial, drugs))


@lru_cache(maxsize=64)
def _cycle(model: Model, drugs: tuple[SiteDrug, ...], lanes: int, shape: Shape) -> KeptProgram:
    def build() -> Any:
        # a start from the kept program does without these
        from cereblon.clinic.site.decide import OBSERVED, build_decide
        from cereblon.engine import build_cycle
        from cereblon.study.quantities import recorded

        names = recorded(model.drugs)
        return unwrap(
            build_cycle(
                model, build_decide(drugs, shape.ruled, shape.by_hour, shape.infused), names, OBSERVED, SLOW_STEPS
            )
        )

    return KeptProgram(build, f"{model.fingerprint} {lanes} {shape} {drugs}", model.packaged)


class KeptProgram:
    """A function that is compiled once per machine. Thread-safe; all its calls have arguments of one shape."""

    def __init__(self, build: Callable[[], Any], mark: str, fuse: bool = True) -> None:
        """`build` returns the function, not compiled, and is called if needed; `mark` names what it depends on."""
        self._build, self._lock, self._fuse = build, Lock(), fuse
        self._mark = f"{mark} {traced_code()}"
        self._ready: Callable[..., Any] | None = None
        self._read: jax.stages.Compiled | None = None
        self._reader: Thread | None = None

    def begin(self) -> None:
        """Start reading the kept program beside what the caller does next."""
        if self._reader is None and self._ready is None:
            # not a daemon: one that is reading while the process ends would abort it
            self._reader = Thread(target=self._load)
            self._reader.start()

    def __call__(self, *arguments: Any) -> Any:
        """Run the function; the first caller makes it ready, others wait for that."""
        if self._ready is None:
            with self._lock:
                if self._ready is None:
                    self._ready = self._prepare(arguments)
        return self._ready(*arguments)

    def _load(self) -> None:
        with suppress(RuntimeError):  # no device: said where the program is built
            self._read = read_program(self._name())

    def _name(self) -> str:
        return program_name("cycle", self._mark, self._fuse)

    def _prepare(self, arguments: tuple[Any, ...]) -> Callable[..., Any]:
        shapes = jax.tree.map(_shape, arguments)
        self.begin()
        if self._reader is not None:
            self._reader.join()
        read, self._read = self._read, None
        if read is not None and _same(read, shapes):
            return read
        name = self._name()
        function = self._build()
        # a program that comes out of JAX's own cache cannot be written again: the name keeps it from being found there
        function.__name__ = name.partition(".")[0].replace("-", "_")
        compiled = compile_well(jax.jit(function).lower(*shapes), self._fuse)
        keep_program(name, compiled, arguments)
        return compiled


def _shape(x: Any) -> Any:
    return jax.ShapeDtypeStruct(np.shape(x), jax.dtypes.canonicalize_dtype(np.asarray(x).dtype))


def _same(program: jax.stages.Compiled, shapes: Any) -> bool:
    given, _ = program.args_info
    has, wants = jax.tree.leaves(given), jax.tree.leaves(shapes)
    layouts: list[Any] = [jax.tree.structure(given), jax.tree.structure(shapes)]
    return bool(layouts[0] == layouts[1]) and all(
        a.shape == b.shape and a.dtype == b.dtype for a, b in zip(has, wants, strict=True)
    )
