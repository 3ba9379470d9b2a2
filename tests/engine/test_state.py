"""The state of a batch: packed by name, padded, and a pytree."""

import jax
import numpy as np
import pytest

from cereblon.engine import State
from cereblon.model import Model


@pytest.fixture
def state(model: Model) -> State:
    return State.of(model, {name: k + np.arange(3.0) for k, name in enumerate(model.states)}, np.float32)


def test_packed_and_named_again(model: Model, state: State) -> None:
    assert state.size == 3
    assert [len(rows) for rows in (state.slow, state.linear, state.relaxing)] == [
        len(names) for names in (model.slow, model.linear, model.relaxing)
    ]
    named = state.named(model)
    assert {name: row.tolist() for name, row in named.items()} == {
        name: [k, k + 1, k + 2] for k, name in enumerate(model.states)
    }
    assert state.slow.dtype == np.float32
    assert isinstance(state.slow, np.ndarray)


def test_scalars_are_everybodys_and_a_missing_state_is_an_error(model: Model) -> None:
    values = dict.fromkeys(model.states, 1.0)
    assert State.of(model, {**values, "node": np.full(5, 2.0)}).linear.shape == (len(model.linear), 5)
    del values["blood"]
    with pytest.raises(KeyError, match="blood"):
        State.of(model, values)


def test_padding_repeats_the_last_subject(model: Model, state: State) -> None:
    padded = state.pad(8)
    assert padded.size == 8
    assert (padded.slow[:, :3] == state.slow).all()
    assert (padded.slow[:, 3:] == state.slow[:, 2:]).all()
    assert padded.pad(2).size == 8


def test_a_state_is_a_pytree(state: State) -> None:
    doubled = jax.tree.map(lambda rows: 2 * rows, state)
    assert (doubled.relaxing == 2 * state.relaxing).all()
