"""Events: on the wire and back, written into a state, each idempotent."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnt_lab.physical import Configure, Demand, Handover, Move, PhysicalNetwork, decode, encode

numbers = st.floats(allow_nan=False, allow_infinity=False)
vectors = st.tuples(numbers, numbers, numbers)
whole = st.integers(0, 10**12)
events = st.one_of(
    st.builds(Move, numbers, whole, vectors, vectors),
    st.builds(Handover, numbers, whole, st.integers(-1, 999), whole, whole),
    st.builds(Demand, numbers, whole, whole),
    st.builds(Configure, numbers, whole, *[st.none() | numbers] * 3, st.none() | st.booleans()),
)


@given(events)
def test_decode_undoes_encode_to_the_last_bit(event):
    message = encode(event)
    assert decode(message) == event
    assert encode(decode(message)) == message
    assert b" " not in message and json.loads(message)["event"] == type(event).__name__


@given(events)
def test_a_cut_message_is_refused(event):
    message = encode(event)
    for cut in (message[:-1], message[: len(message) // 2], b"x" + message):
        with pytest.raises(ValueError, match="is not an event"):
            decode(cut)


@given(st.binary(max_size=40))
def test_noise_is_refused(data):
    with pytest.raises(ValueError, match="is not an event"):
        decode(data)


def test_numpy_scalars_are_as_good_as_python_numbers():
    state = PhysicalNetwork.open_field(n_users=5, seed=1).snapshot()
    plain = [
        Handover(1.0, 3, 2, 1, 0),
        Demand(1.0, 3, 77),
        Configure(1.0, 2, 30.0, on=False),
        Move(1.0, 3, (1.0, 2.0, 1.5)),
    ]
    numpy = [
        Handover(np.float64(1.0), *map(np.int64, (3, 2, 1, 0))),
        Demand(1.0, np.int32(3), np.int64(77)),
        Configure(1.0, np.int64(2), np.float64(30.0), on=np.bool(False)),
        Move(1.0, np.int64(3), np.array([1.0, 2.0, 1.5])),
    ]
    for a, b in zip(plain, numpy, strict=True):
        assert encode(a) == encode(b)
        one, other = state.copy(), state.copy()
        for event, target in ((a, one), (b, other)):
            event.check(target)
            event.write(target)
        assert one.digest() == other.digest() != state.digest()


def test_each_event_writes_its_columns_and_no_other():
    state = PhysicalNetwork.open_field(n_users=5, seed=1).snapshot()
    written = {
        Move(1.0, 3, (1.0, 2.0, 1.5), (0.1, 0.0, 0.0)): {"position_m", "velocity_m_s"},
        Handover(1.0, 3, (state.serving[3].item() + 1) % 21, 1 - state.channel[3].item(), 4): {
            "serving",
            "channel",
            "beam",
        },
        Demand(1.0, 3, 77): {"demand_bps"},
        Configure(1.0, 2, 30.0, 2.0, 15.0, False): {"tx_power_dbm", "tilt_deg", "azimuth_deg", "on"},
        Configure(1.0, 2, tilt_deg=2.0): {"tilt_deg"},
    }
    for event, columns in written.items():
        after = state.copy()
        event.check(after)
        event.write(after)
        different = {n for n, a in after.arrays().items() if not np.array_equal(a, state.arrays()[n])}
        assert different == columns
        once = after.digest()
        event.write(after)
        assert after.digest() == once
