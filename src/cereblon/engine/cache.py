"""Where compiled programs are kept between runs."""

from __future__ import annotations

import jax
from platformdirs import user_cache_dir


def keep_compiled(folder: str | None = None) -> str:
    """Turn JAX's persistent compilation cache on, in the user's cache folder unless one is set; return the folder."""
    current = folder or getattr(jax.config, "jax_compilation_cache_dir", None) or user_cache_dir("cereblon")
    jax.config.update("jax_compilation_cache_dir", current)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.3)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)
    return str(current)
