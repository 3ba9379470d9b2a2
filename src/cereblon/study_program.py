"""The compiled cycle of a study kept in the cache folder, so that later starts neither trace nor compile it.

The file holds machine code, under a name that hashes the model, the shapes, the code and tables of this package, the
versions of JAX, the compiler's options and the processor. A file that cannot be read, or that fits other shapes, is
ignored and written anew. Like JAX's own compilation cache it must lie where only the user can write.
"""

from __future__ import annotations

import os
import pickle
import platform
from collections.abc import Callable
from contextlib import suppress
from functools import cache, lru_cache
from hashlib import sha256
from importlib.metadata import version
from inspect import unwrap
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from jax.experimental import serialize_executable

from cereblon.checkpoint import code_fingerprint
from cereblon.engine.cache import keep_compiled

if TYPE_CHECKING:
    from cereblon.clinic.design import Trial
    from cereblon.model import Model

LANES = 256
"""Subjects in a block; smaller blocks are padded to it."""
SLOW_STEPS = 4
"""Steps of the slow clock in a day."""


def study_cycle(model: Model, trial: Trial, lanes: int = LANES) -> KeptProgram:
    """Return the cycle of `model` under the clinic for blocks of `trial`; trials with as many dose levels share it."""
    return _cycle(model, lanes, max(len(arm.levels) for arm in trial.arms))


@lru_cache(maxsize=4)
def _cycle(model: Model, lanes: int, levels: int) -> KeptProgram:
    def build() -> Any:
        # a start from the kept program does without these
        from cereblon.clinic.decide import OBSERVED, decide
        from cereblon.engine import build_cycle
        from cereblon.study_tables import RECORDED

        return unwrap(build_cycle(model, decide, RECORDED, OBSERVED, SLOW_STEPS))

    return KeptProgram(build, f"{model.fingerprint} {lanes} {levels}")


class KeptProgram:
    """A function that is compiled once per machine. Thread-safe; all its calls have arguments of one shape."""

    def __init__(self, build: Callable[[], Any], mark: str) -> None:
        """`build` returns the function, not compiled, and is called only if needed; `mark` names what it depends on."""
        self._build, self._lock = build, Lock()
        self._path = _path(mark)
        self._ready: Callable[..., Any] | None = None
        self._read: Any = None
        self._reader: Thread | None = None

    def begin(self) -> None:
        """Start reading the kept program beside what the caller does next."""
        if self._reader is None and self._ready is None:
            self._reader = Thread(target=self._load, daemon=True)
            self._reader.start()

    def __call__(self, *arguments: Any) -> Any:
        """Run the function; the first caller makes it ready, others wait for that."""
        if self._ready is None:
            with self._lock:
                if self._ready is None:
                    self._ready = self._prepare(arguments)
        return self._ready(*arguments)

    def _load(self) -> None:
        with suppress(Exception):  # a damaged file fails in as many ways as it has bytes
            self._read = serialize_executable.deserialize_and_load(*pickle.loads(self._path.read_bytes()))

    def _prepare(self, arguments: tuple[Any, ...]) -> Callable[..., Any]:
        shapes = jax.tree.map(_shape, arguments)
        self.begin()
        if self._reader is not None:
            self._reader.join()
        read, self._read = self._read, None
        if read is not None and _same(read, shapes):
            kept: Callable[..., Any] = read
            return kept
        function = self._build()
        # a program that comes out of JAX's own cache cannot be written again: the name keeps it from being found there
        function.__name__ = self._path.stem.replace("-", "_")
        compiled: jax.stages.Compiled = jax.jit(function).lower(*shapes).compile()
        with suppress(Exception):  # a program that cannot be kept still runs
            content = pickle.dumps(serialize_executable.serialize(compiled))
            again = serialize_executable.deserialize_and_load(*pickle.loads(content))
            if _equal(again(*arguments), compiled(*arguments)):
                _write(self._path, content)
        return compiled


def _shape(x: Any) -> Any:
    return jax.ShapeDtypeStruct(np.shape(x), jax.dtypes.canonicalize_dtype(np.asarray(x).dtype))


def _same(program: Any, shapes: Any) -> bool:
    given, _ = program.args_info
    has, wants = jax.tree.leaves(given), jax.tree.leaves(shapes)
    layouts: list[Any] = [jax.tree.structure(given), jax.tree.structure(shapes)]
    return bool(layouts[0] == layouts[1]) and all(
        a.shape == b.shape and a.dtype == b.dtype for a, b in zip(has, wants, strict=True)
    )


def _equal(one: Any, other: Any) -> bool:
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)


def _path(mark: str) -> Path:
    folder = Path(keep_compiled())
    double = jax.config.values["jax_enable_x64"]
    options = os.environ.get("XLA_FLAGS", "")
    made_with = (jax.__version__, version("jaxlib"), code_fingerprint(), double, options, _processor())
    name = sha256(repr((mark, *made_with)).encode()).hexdigest()[:24]
    return folder / f"cycle-{name}.program"


@cache
def _processor() -> str:
    """Return what the machine code depends on: kind of processor and, where the system tells, its instruction sets."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith(("flags", "Features")):
                return f"{platform.machine()} {line}"
    return f"{platform.system()} {platform.machine()} {platform.processor()}"


def _write(path: Path, content: bytes) -> None:
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial.write_bytes(content)
    partial.replace(path)
