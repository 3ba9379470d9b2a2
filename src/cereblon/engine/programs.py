"""Compiled programs: with the options that suit the model, kept in the cache folder, and nothing else changed.

The options go with each program that is compiled here, so XLA_FLAGS, the settings of JAX and what else the process
compiles stay as the caller has them. JAX's own cache of compiled programs is left to the caller too: one process has
one, and what it reads is not checked.
"""

from __future__ import annotations

import os
import pickle
import platform
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, TypeAlias

import jax
import numpy as np
from jax._src import compiler  # JAX has no public name for it
from jax.experimental import serialize_executable

from cereblon.storage.cache import keep, read_kept

Compiled: TypeAlias = jax.stages.Compiled

# Rates share most of their terms. Without fusions of several outputs XLA's CPU compiler writes each shared term to
# memory and reads it back: a cycle takes half as long again, and longer to compile.
_FUSE: Final = "xla_cpu_use_multi_output_fusion"
_GROUP: Final = "xla_backend_extra_options"
# Numbers of the fields that lead to this group in XLA's CompileOptionsProto: executable_build_options, debug_options,
# xla_backend_extra_options, and of key and value in a map. JAX's compiler_options take no maps.
_BUILD, _DEBUG, _EXTRA, _KEY, _VALUE = 3, 3, 500, 1, 2
_compiling = threading.Lock()


class Program:
    """A function compiled once for each kind of arguments, here or by an earlier start. Thread-safe."""

    def __init__(self, function: Callable[..., Any], fuse: bool = True) -> None:
        """Take a function that JAX can compile; it stays at hand as `__wrapped__`. fuse: see `compile_well`."""
        self.__wrapped__, self._fuse = function, fuse
        self._jitted = jax.jit(function)
        self._lock = threading.Lock()
        self._ready: dict[Any, Compiled] = {}

    def __call__(self, *arguments: Any) -> Any:
        """Run the function."""
        kind = (jax.tree.structure(arguments), tuple(jax.typeof(leaf) for leaf in jax.tree.leaves(arguments)))
        with self._lock:
            if kind not in self._ready:
                self._ready[kind] = _ready(self._jitted.lower(*arguments), arguments, self._fuse)
        return self._ready[kind](*arguments)


def _ready(lowered: jax.stages.Lowered, arguments: tuple[Any, ...], fuse: bool) -> Compiled:
    name = program_name("program", lowered.as_text(), fuse)
    kept = read_program(name)
    if kept is not None:
        return kept
    compiled = compile_well(lowered, fuse)
    keep_program(name, compiled, arguments)
    return compiled


def compile_well(lowered: jax.stages.Lowered, fuse: bool = True) -> Compiled:
    """Compile with the options that suit the model, unless the user's XLA_FLAGS set options of the same group.

    fuse: the program is of equations that were tried with these options. On some others XLA ends the whole process in
    this pass, so a model that holds a text of somebody else's goes without, and takes half as long again.
    """
    if not fuse or not _fusing():
        return lowered.compile()
    with _fusions():
        return lowered.compile()


def program_name(kind: str, mark: str, fuse: bool = True) -> str:
    """Return the name under which a program is kept: of what it was made from, `mark`, and with, and for which machine.

    mark: all that decides the program beside JAX, the compiler's options and the processor.
    """
    double = jax.config.values["jax_enable_x64"]
    options = (os.environ.get("XLA_FLAGS", ""), fuse and _fusing())
    made_with = (jax.__version__, version("jaxlib"), jax.default_backend(), double, options, _processor())
    return f"{kind}-{sha256(repr((mark, *made_with)).encode()).hexdigest()[:24]}.program"


def read_program(name: str) -> Compiled | None:
    """Return the program that is kept under a name, or None if there is none that can be read."""
    content = read_kept(name)
    if content is None:
        return None
    try:
        found: Compiled = serialize_executable.deserialize_and_load(*pickle.loads(content))
    except Exception:  # whole, but of another build of the libraries: it fails in ways that are theirs
        return None
    return found


def keep_program(name: str, compiled: Compiled, arguments: tuple[Any, ...]) -> None:
    """Keep a program if what is read back computes the same from `arguments`."""
    try:
        content = pickle.dumps(serialize_executable.serialize(compiled))
        again = serialize_executable.deserialize_and_load(*pickle.loads(content))
        same = _equal(again(*arguments), compiled(*arguments))
    except Exception:  # a program that cannot be kept still runs
        return
    if same:
        keep(name, content)


def _equal(one: Any, other: Any) -> bool:
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)


def _fusing() -> bool:
    return _GROUP not in os.environ.get("XLA_FLAGS", "") and hasattr(compiler, "get_compile_options")


@contextmanager
def _fusions() -> Iterator[None]:
    """Add the option to what this thread compiles meanwhile."""
    mine = threading.get_ident()

    def with_fusions(*given: Any, **named: Any) -> Any:
        options = ordinary(*given, **named)
        if threading.get_ident() != mine:
            return options
        return options.ParseFromString(options.SerializeAsString() + _ADDED)  # in this format appending is adding

    with _compiling:
        ordinary = compiler.get_compile_options
        compiler.get_compile_options = with_fusions
        try:
            yield
        finally:
            compiler.get_compile_options = ordinary


def _field(number: int, content: bytes) -> bytes:
    """Return a field of the protocol buffer format that holds text or a message."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])


_ADDED: Final = _field(_BUILD, _field(_DEBUG, _field(_EXTRA, _field(_KEY, _FUSE.encode()) + _field(_VALUE, b""))))


@cache
def _processor() -> str:
    """Return what the machine code depends on: kind of processor and, where the system tells, its instruction sets."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith(("flags", "Features")):
                return f"{platform.machine()} {line}"
    return f"{platform.system()} {platform.machine()} {platform.processor()}"
