"""Variables that stop JAX are named in one line, before the work; unset, they cost nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cereblon import environment
from cereblon.errors import CereblonError

CASES = {
    "JAX_PLATFORMS=cuda": "no such platform on this machine",
    "JAX_PLATFORMS=banana": "Unable to initialize backend 'banana'",
    "JAX_DISABLE_JIT=1": "compiled before it runs",
    "JAX_DISABLE_JIT=banana": "invalid truth value",
    "XLA_FLAGS=--banana": "Unknown flag in XLA_FLAGS",
    "XLA_FLAGS=banana": "Could not open file",
    "JAX_NUM_CPU_DEVICES=x": "Invalid value",
}


def answer(setting: str, folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    name, _, value = setting.partition("=")
    given = {**os.environ, name: value}
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=given, timeout=100, check=False)


@pytest.mark.parametrize("setting", CASES)
def test_variable_is_named(setting: str, tmp_path: Path) -> None:
    if setting == "JAX_PLATFORMS=cuda" and Path("/dev/nvidia0").exists():
        pytest.skip("this machine has a GPU")
    done = answer(setting, tmp_path, sys.executable, "-m", "cereblon.cli.main", "run", "chen2011", "-n", "2")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"cereblon: {setting}: ")
    assert done.stderr.count("\n") == 1
    assert CASES[setting] in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["run", "run_claims", "load_model"])
@pytest.mark.parametrize("setting", ["XLA_FLAGS=--banana", "JAX_DISABLE_JIT=banana"])
def test_python_names_it_too(name: str, setting: str, tmp_path: Path) -> None:
    code = f"import cereblon\ntry: cereblon.{name}\nexcept cereblon.CereblonError as error: print(error)"
    done = answer(setting, tmp_path, sys.executable, "-c", code)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{setting}: JAX does not start")


def test_a_good_option_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_started", lambda: False)
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_enable_fast_math=false")
    environment.check_environment()


def test_unset_costs_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(environment, "_started", lambda: False)
    monkeypatch.setattr(environment, "_failure", never)
    for name in [name for name in os.environ if name.startswith(("JAX_", "XLA_"))]:
        monkeypatch.delenv(name)
    environment.check_environment()
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "/tmp/somewhere")
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")


def test_jit_that_a_program_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    import jax

    with jax.disable_jit(), pytest.raises(CereblonError, match="jax_disable_jit: the model is compiled"):
        environment.check_environment()
    environment.check_environment()
