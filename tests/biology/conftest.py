"""Double precision for the oracles; the helpers of the engine tests are on the path."""

import sys
from collections.abc import Iterator
from pathlib import Path

import jax
import pytest

from cereblon.model import Model, load_model

sys.path.append(str(Path(__file__).parent))


@pytest.fixture(scope="module", autouse=True)
def _double() -> Iterator[None]:
    before = bool(jax.config.read("jax_enable_x64"))
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


@pytest.fixture(scope="session")
def model() -> Model:
    return load_model()
