"""The compiled cycle of a study, made ready once although several threads ask for it at the same time."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any


class OneStart:
    """A jitted function whose first call, which traces and compiles, is made by one thread while others wait."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function, self._lock, self._ready = function, Lock(), False

    def __call__(self, *arguments: Any) -> Any:
        """Run the function."""
        if self._ready:
            return self._function(*arguments)
        with self._lock:
            out = self._function(*arguments)
            self._ready = True
        return out
