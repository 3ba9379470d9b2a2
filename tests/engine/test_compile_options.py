"""The options of XLA are set before it first computes, never against the user."""

import os
import subprocess
import sys

import pytest

ASK = "import os, cereblon.engine; print(os.environ.get('XLA_FLAGS', ''))"
COMPUTED = f"import jax; jax.numpy.ones(3); {ASK}"


@pytest.mark.parametrize(
    ("program", "given", "begins"),
    [
        (ASK, "", "--xla_backend_extra_options=xla_cpu_use_multi_output_fusion\n"),
        (ASK, "--xla_cpu_enable_fast_math=false", "--xla_cpu_enable_fast_math=false --xla_backend_extra_options="),
        (ASK, "--xla_backend_extra_options=mine", "--xla_backend_extra_options=mine\n"),
        (COMPUTED, "", "\n"),
    ],
)
def test_options_are_set_where_they_have_an_effect(program: str, given: str, begins: str) -> None:
    environment = {**os.environ, "XLA_FLAGS": given}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(begins)
