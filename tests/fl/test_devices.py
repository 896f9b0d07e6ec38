"""Virtual time: known answers, who takes part when, drawn speeds, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dnt_lab.fl import ClientData, Connection, Devices, LocalTraining, mlp
from dnt_lab.fl.clients import Clients

LINK = Connection(1e6, 2e6, 0.01)


def test_a_message_takes_its_bits_over_the_rate_and_the_latency():
    # 5,000 bytes are 40,000 bit: 40 ms at 1 Mbit/s, 20 ms at 2 Mbit/s, and 10 ms of latency each way
    assert LINK.up_s(5000) == pytest.approx(0.05)
    assert LINK.down_s(5000) == pytest.approx(0.03)
    assert LINK.up_s(0) == 0.01
    assert Connection(np.inf, np.inf).up_s(1e9) == 0
    links = Connection([1e6, 4e6], 1e6, np.array([0.0, 0.5]))
    np.testing.assert_allclose(links.up_s(5000), [0.04, 0.51])
    np.testing.assert_allclose(links.down_s(5000), [0.04, 0.54])


@given(st.floats(1e3, 1e9), st.floats(1e3, 1e9), st.floats(0, 10), st.integers(0, 10**7))
def test_latency_comes_once_a_message_and_bytes_count_in_proportion(up_bps, down_bps, latency_s, n_bytes):
    link, ideal = Connection(up_bps, down_bps, latency_s), Connection(up_bps, down_bps)
    assert link.up_s(n_bytes) == pytest.approx(latency_s + n_bytes * ideal.up_s(1))
    assert link.down_s(n_bytes) == pytest.approx(latency_s + n_bytes * ideal.down_s(1))


def test_a_job_costs_download_training_and_upload():
    """The formulas of virtual time with numbers: F = 3 x 2 x 11 x n, M = 4 x 12 bytes."""
    model = mlp(11, n_layers=0)
    data = ClientData(np.zeros((2, 40, 11)), np.zeros((2, 40, 1)), [40, 10])
    devices = Devices(np.array([1e4, 2e3]), Connection(np.array([480.0, 96.0]), 960.0, 0.25))
    cost = Clients(model, data, LocalTraining(epochs=2), devices).cost(np.array([1, 0]), np.array([10, 40]))
    np.testing.assert_allclose(cost.down_s, [0.65, 0.65])
    np.testing.assert_allclose(cost.train_s, [2 * 660 / 2e3, 2 * 2640 / 1e4])
    np.testing.assert_allclose(cost.up_s, [4.25, 1.05])
    np.testing.assert_allclose(cost.total_s, [5.56, 2.228])


def test_one_number_serves_all_clients():
    devices = Devices(np.array([1.0, 2.0, 3.0]), LINK, drop_probability=0.5)
    assert len(devices) == 3
    for values in (devices.joins_s, devices.leaves_s, devices.drop_probability, *devices.connection.parts()):
        assert values.shape == (3,) and len(set(values)) == 1
    np.testing.assert_array_equal(devices.connection.up_s(5000), np.full(3, LINK.up_s(5000)))
    assert len(Devices(5e6, LINK)) == 1


def test_clients_take_part_from_joining_until_leaving():
    devices = Devices(np.ones(4), LINK, joins_s=np.array([0.0, 10, 10, np.inf]), leaves_s=[np.inf, 20, 10, np.inf])
    assert devices.present(0).tolist() == [True, False, False, False]
    assert devices.present(10).tolist() == [True, True, False, False]
    assert devices.present(19.9).tolist() == [True, True, False, False]
    assert devices.present(20).tolist() == [True, False, False, False]
    assert devices.present(np.array([0.0, 15, 10, 1e12])).tolist() == [True, True, False, False]
    late = replace(devices, joins_s=5.0, leaves_s=np.inf)
    assert not late.present(4.9).any() and late.present(5.0).all()


def test_drawn_speeds_are_lognormal_around_the_median():
    devices = Devices.drawn(4000, LINK, speed_flops=2e8, spread=0.5, seed=1)
    assert stats.kstest(np.log(devices.speed_flops / 2e8) / 0.5, "norm").pvalue > 0.01
    assert (devices.speed_flops < 0.61 * 2e8).mean() == pytest.approx(1 / 6, abs=0.02)
    np.testing.assert_array_equal(Devices.drawn(5, LINK, speed_flops=2e8, spread=0.0).speed_flops, np.full(5, 2e8))
    again = Devices.drawn(4000, LINK, speed_flops=2e8, seed=np.random.default_rng(1))
    np.testing.assert_array_equal(again.speed_flops, devices.speed_flops)
    assert (Devices.drawn(4000, LINK, speed_flops=2e8, seed=2).speed_flops != devices.speed_flops).all()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"up_bps": 0.0}, r"up_bps holds 0\.0, but every value must be over 0"),
        ({"down_bps": [1e6, -1.0]}, r"down_bps holds -1\.0"),
        ({"down_bps": np.nan}, "down_bps holds nan"),
        ({"latency_s": -0.1}, r"latency_s holds -0\.1, but every value must be at least 0"),
    ],
)
def test_bad_connections_are_refused(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        Connection(**{"up_bps": 1e6, "down_bps": 1e6, **change})


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"speed_flops": np.array([1.0, 0.0, 1.0])}, r"speed_flops holds 0\.0, but every value must be over 0"),
        ({"speed_flops": np.array([1.0, np.nan, 1.0])}, "speed_flops holds nan"),
        ({"speed_flops": np.ones((3, 2))}, r"speed_flops has shape \(3, 2\), but must be one number or \(3,\)"),
        ({"joins_s": [0.0, 1.0]}, r"joins_s has shape \(2,\), but must be one number or \(3,\), one a client"),
        ({"joins_s": -1.0}, r"joins_s holds -1\.0, but every value must be at least 0"),
        ({"leaves_s": np.nan}, "leaves_s holds nan"),
        ({"joins_s": 5.0, "leaves_s": [9.0, 4.0, 9.0]}, "client 1 leaves before it joins; leaves_s must not be below"),
        ({"drop_probability": 1.5}, r"drop_probability holds 1\.5, .* at least 0 and at most 1"),
        ({"drop_probability": np.zeros(4)}, r"drop_probability has shape \(4,\)"),
        ({"connection": Connection(np.ones(2), 1.0)}, r"up_bps has shape \(2,\), but must be one number or \(3,\)"),
    ],
)
def test_bad_devices_are_refused(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        Devices(**{"speed_flops": np.ones(3), "connection": LINK, **change})


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"n": 0}, ValueError, "n is 0, but must be 1 or more"),
        ({"n": 2.0}, TypeError, r"n is 2\.0, but must be a whole number"),
        ({"speed_flops": 0.0}, ValueError, r"speed_flops is 0\.0, but it must be over 0"),
        ({"spread": -0.5}, ValueError, r"spread is -0\.5, but it must be at least 0"),
        ({"spread": np.inf}, ValueError, "spread is inf"),
        ({"seed": None}, TypeError, "seed is None"),
    ],
)
def test_bad_draws_are_refused(change, error, sentence):
    with pytest.raises(error, match=sentence):
        Devices.drawn(**{"n": 3, "connection": LINK, "speed_flops": 1e8, **change})
