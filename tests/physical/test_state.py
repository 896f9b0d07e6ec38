"""State: a round trip through arrays, independence of copies, a digest that sees every column."""

import numpy as np
import pytest

from dnt_lab.physical import PhysicalNetwork, State


@pytest.fixture
def state():
    network = PhysicalNetwork.open_field(n_users=12, seed=2)
    network.step(1.0)
    return network.snapshot()


def changed(column):
    """The column with its first entry made another valid one."""
    column = column.copy()
    first = column.reshape(-1)[:1]
    if column.dtype.kind == "U":
        first[:] = "drone"
    elif column.dtype.kind == "b":
        first[:] = ~first
    elif column.dtype.kind == "i":
        first[:] = 1 if first[0] != 1 else 0
    else:
        first[:] = 10.0 if np.isnan(first[0]) else first + 1
    return column


def test_arrays_and_back(state):
    arrays = {name: array.copy() for name, array in state.arrays().items()}
    again = State.from_arrays(arrays)
    assert again.digest() == state.digest()
    for name, array in again.arrays().items():
        np.testing.assert_array_equal(array, arrays[name])
        assert array.dtype == arrays[name].dtype


def test_copies_share_nothing(state):
    copy, digest = state.copy(), state.digest()
    for name, array in copy.arrays().items():
        if name not in ("t_s", "missing_neighbours"):
            assert not np.shares_memory(array, getattr(state, name))
            array[:] = changed(array)
    assert state.digest() == digest != copy.digest()


def test_the_digest_sees_every_column(state):
    arrays = {**state.arrays(), "missing_neighbours": np.array([[0, 2]])}
    seen = {State.from_arrays(arrays).digest()}
    for name, array in arrays.items():
        seen.add(State.from_arrays({**arrays, name: 5.0 if name == "t_s" else changed(array)}).digest())
    assert len(seen) == len(arrays) + 1


def test_lists_and_smaller_types_are_taken_where_nothing_is_lost(state):
    arrays = {name: array.tolist() for name, array in state.arrays().items()}
    arrays["serving"] = state.serving.astype(np.int8)
    arrays["missing_neighbours"] = np.empty((0, 2))
    assert State.from_arrays(arrays).digest() == state.digest()


def test_repr(state):
    assert repr(state) == "State(12 users, 21 cells, 2 channels, t = 1 s)"


def test_a_whole_number_of_seconds_is_the_same_time(state):
    state.t_s = 3
    whole = state.digest()
    state.t_s = 3.0
    assert state.digest() == whole
