"""Variables of the environment that would stop JAX, found before it starts and named in one line.

XLA ends the whole process when it does not know an option, so what the user set is tried in a process of its own.
Where nothing is set, nothing is tried: the check then costs nothing.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from cereblon.errors import CereblonError

HARMLESS: Final = {"JAX_COMPILATION_CACHE_DIR": None, "JAX_PLATFORMS": "cpu"}
"""Variables (None: any value; else this one) that many users set, and that cannot stop JAX."""
TRUE: Final = ("1", "y", "yes", "t", "true", "on")
"""Words that JAX takes for true."""
PATIENCE: Final = 60.0
"""Seconds that JAX may take to start when it is tried."""
_PROBE = "import jax; jax.devices()"
_REASON = re.compile(r"(?:F\d{4} .*?\] |(?:[\w.]+\.)?\w*(?:Error|Exception): )(.+)")


def check_environment() -> None:
    """Raise CereblonError naming the variables of the environment with which JAX cannot run the model."""
    jit = os.environ.get("JAX_DISABLE_JIT", "")
    loaded = sys.modules.get("jax")
    if jit.lower() in TRUE or getattr(getattr(loaded, "config", None), "jax_disable_jit", False):
        said = f"JAX_DISABLE_JIT={jit}" if jit else "jax_disable_jit"
        raise CereblonError(f"{said}: the model is compiled before it runs; expected JAX_DISABLE_JIT unset or 0")
    if _started():
        return
    chosen = _chosen(os.environ)
    why = _failure(chosen) if chosen else None
    if why is not None:
        names = ", ".join(f"{name}={value}" for name, value in chosen)
        if why == "AssertionError":  # what JAX says of a platform whose libraries or device are not there
            why = "no such platform on this machine"
        raise CereblonError(f"{names}: JAX does not start with this ({why}); expected the variable unset")


def _chosen(environment: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the variables, with values, that the user set and that could stop JAX."""
    chosen = []
    for name in sorted(environment):
        value = environment[name].strip()
        harmless = name in HARMLESS and HARMLESS[name] in (None, value)
        if (name == "XLA_FLAGS" or name.startswith("JAX_")) and value and not harmless:
            chosen.append((name, value))
    return tuple(chosen)


def _started() -> bool:
    """Return whether JAX computes in this process already: its variables were read, and were good."""
    bridge = sys.modules.get("jax._src.xla_bridge")  # JAX has no public name for it
    return bridge is not None and bool(bridge.backends_are_initialized())


@lru_cache(maxsize=4)
def _failure(chosen: tuple[tuple[str, str], ...]) -> str | None:
    """Return why JAX does not start with these variables, or None when it does."""
    command = [sys.executable, "-c", _PROBE]
    try:
        done = subprocess.run(
            command, env={**os.environ, **dict(chosen)}, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        return f"nothing happens for {PATIENCE:g} s"
    except OSError:  # no second process here: JAX says what it does not like itself
        return None
    if done.returncode == 0:
        return None
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    reasons = [found.group(1) for line in lines if (found := _REASON.match(line)) is not None]
    return (reasons or lines or [f"exit code {done.returncode}"])[-1][:200].rstrip(". ")
