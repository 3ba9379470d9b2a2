"""Where compiled programs are kept between runs, and how XLA is asked to compile them."""

from __future__ import annotations

import os

import jax
from platformdirs import user_cache_dir

# Rates share most of their terms. Without fusions of several outputs XLA's CPU compiler writes each shared term to
# memory and reads it back: a cycle took half as long again, and longer to compile.
_FUSE = "--xla_backend_extra_options=xla_cpu_use_multi_output_fusion"


def compile_well() -> None:
    """Ask XLA for fusions with several outputs, unless the user's XLA_FLAGS set the same option.

    JAX reads the option when it first computes; in a process that has computed already it changes nothing.
    """
    given = os.environ.get("XLA_FLAGS", "")
    if "xla_backend_extra_options" not in given:
        os.environ["XLA_FLAGS"] = f"{given} {_FUSE}".strip()


def keep_compiled(folder: str | None = None) -> str:
    """Turn JAX's persistent compilation cache on, in the user's cache folder unless one is set; return the folder."""
    compile_well()
    current = folder or getattr(jax.config, "jax_compilation_cache_dir", None) or user_cache_dir("cereblon")
    jax.config.update("jax_compilation_cache_dir", current)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.3)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)
    return str(current)
