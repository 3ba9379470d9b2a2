"""Programs are compiled with the options that suit the model, and nothing of the caller's process is changed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cereblon.engine.programs import Program, compile_well, program_name
from cereblon.model import load_model
from cereblon.storage.cache import cache_folder

FLAG = "--xla_backend_extra_options=xla_cpu_use_multi_output_fusion"


def fusions(compiled: jax.stages.Compiled) -> int:
    return compiled.as_text().count(" fusion(")


def three(x: jax.Array) -> tuple[jax.Array, ...]:
    shared = jnp.exp(x) * 3 + 1
    return shared * 2, jnp.sin(shared), shared


def lowered() -> jax.stages.Lowered:
    return jax.jit(lambda x: three(x)).lower(jnp.ones(1000))  # a new function: JAX remembers what it compiled


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="an option of the compiler for processors")
def test_the_option_is_in_force_for_what_is_compiled_here_alone() -> None:
    jnp.ones(3).block_until_ready()  # also in a process that has computed already
    before = fusions(lowered().compile())
    fused = fusions(compile_well(lowered()))
    assert fused < before
    assert fusions(lowered().compile()) == before
    other: list[int] = []

    class Meanwhile:
        """Lets another thread compile while ours does."""

        def compile(self) -> jax.stages.Compiled:
            second = threading.Thread(target=lambda: other.append(fusions(lowered().compile())))
            second.start()
            second.join()
            return lowered().compile()

    assert fusions(compile_well(Meanwhile())) == fused  # type: ignore[arg-type]
    assert other == [before]
    flagged = "import sys; sys.path.insert(0, sys.argv[1]); import test_compile_options as t;"
    flagged += " print(t.fusions(t.lowered().compile()))"
    done = subprocess.run(
        [sys.executable, "-c", flagged, str(Path(__file__).parent)],
        env={**os.environ, "XLA_FLAGS": FLAG},
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) == fused  # the same as what XLA_FLAGS does for a whole process


def test_the_users_own_options_of_the_group_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    before = fusions(lowered().compile())
    monkeypatch.setenv("XLA_FLAGS", "--xla_backend_extra_options=xla_cpu_disable_something")
    assert fusions(compile_well(lowered())) == before


def test_a_program_is_kept_for_each_kind_of_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    calls = []

    def function(x: jax.Array, y: jax.Array) -> jax.Array:
        calls.append(x)
        return x * y

    program = Program(function)
    for _ in range(2):
        np.testing.assert_array_equal(program(np.arange(3, dtype=np.float32), 2.0), [0, 2, 4])
    assert len(calls) == 1
    program(np.arange(3, dtype=np.float32), np.float32(2.0))
    program(np.arange(4, dtype=np.float32), 2.0)
    assert len(calls) == 3
    # a file that is written anew is another one; reading it only says that it is in use
    kept = {path.name: path.stat().st_ino for path in cache_folder().iterdir()}
    assert len(kept) == 3
    np.testing.assert_array_equal(Program(function)(np.arange(3, dtype=np.float32), 2.0), [0, 2, 4])
    assert {path.name: path.stat().st_ino for path in cache_folder().iterdir()} == kept


CALLER = """
import logging, os, signal, sys, warnings
import jax, numpy, polars, scipy.stats, scipy.special, scipy.sparse, pydantic, plotly.io
import antimony, libsbml
jax.numpy.ones(3).block_until_ready()
jax.config.update("jax_persistent_cache_min_compile_time_secs", 7.0)

def state():
    config = {name: jax.config.values[name] for name in sorted(jax.config.values)}
    return {
        "environment": dict(os.environ), "jax": config, "filters": list(warnings.filters), "folder": os.getcwd(),
        "limit": sys.getrecursionlimit(), "logging": list(logging.getLogger().handlers),
        "signals": [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE)],
        "numpy": numpy.geterr(),
    }

def others():
    place = os.environ["XDG_CACHE_HOME"] + "/cereblon"
    return {n for n in (os.listdir(place) if os.path.isdir(place) else []) if not n.startswith(("cycle-", "model-"))}

before, kept = state(), others()
import cereblon
cereblon.run(cereblon.load_trial("chen2011"), patients=2).summary()
for name, value in state().items():
    assert value == before[name], (name, value, before[name])
jax.jit(lambda x: x + 1)(3.0)
print(sorted(others() - kept))
"""


def test_a_run_changes_nothing_of_its_caller() -> None:
    environment = dict(os.environ)
    environment.setdefault("XDG_CACHE_HOME", str(cache_folder().parent))
    for name in ("XLA_FLAGS", "JAX_COMPILATION_CACHE_DIR"):
        environment.pop(name, None)
    command = [sys.executable, "-c", CALLER]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_a_model_with_a_text_of_somebody_else_goes_without_the_option() -> None:
    """On some equations that pass of the compiler ends the process; only what was tried with it is given to it."""
    assert load_model().packaged
    own = Path(__file__).parents[1] / "biology" / "drugs_of_others"
    assert not load_model(["madeupinib"], [own]).packaged
    assert fusions(compile_well(lowered(), fuse=False)) != fusions(compile_well(lowered()))
    assert program_name("cycle", "mark", fuse=False) != program_name("cycle", "mark")
