"""Oracle tests run in double precision."""

from collections.abc import Iterator

import jax
import pytest
from toy_model import toy

from cereblon.model import Model


@pytest.fixture(scope="module", autouse=True)
def _double() -> Iterator[None]:
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


@pytest.fixture(scope="session")
def model() -> Model:
    return toy()
