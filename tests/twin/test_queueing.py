"""Queues against published tables, scipy's Poisson distribution and a simulation (Lindley's recursion)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson

from dnt_lab.twin.queueing import erlang_b, erlang_b_channels, md1_late, md1_service_s


@pytest.mark.parametrize(
    ("n_channels", "offered"),
    [(1, 0.0101), (2, 0.1526), (5, 1.361), (10, 4.461), (20, 12.03), (50, 37.90), (100, 84.06)],
)
def test_erlang_b_table_of_one_percent(n_channels, offered):
    assert erlang_b(offered, n_channels) == pytest.approx(0.01, rel=3e-3)
    assert erlang_b_channels(0.995 * offered, 0.01) == n_channels


@given(st.floats(0.01, 200), st.integers(0, 250))
def test_erlang_b_is_a_truncated_poisson_law(offered, n_channels):
    expected = poisson.pmf(n_channels, offered) / poisson.cdf(n_channels, offered)
    assert erlang_b(offered, n_channels) == pytest.approx(expected, rel=1e-9)


@given(st.lists(st.floats(1e-6, 150), min_size=1, max_size=5), st.floats(1e-4, 0.5))
def test_fewest_channels(offered, blocked):
    offered = np.array(offered)
    channels = erlang_b_channels(offered, blocked)
    for a, n in zip(offered, channels.tolist(), strict=True):
        assert erlang_b(a, n) <= blocked
        assert n == 0 or erlang_b(a, n - 1) > blocked


@pytest.mark.parametrize("load", [0.5, 0.8])
def test_md1_bound_holds_and_decays_as_simulated(load):
    rng = np.random.default_rng(7)
    gap = rng.exponential(1 / load, 2_000_000)  # service time 1
    walk = np.cumsum(1 - gap)
    sojourn = 1 + walk - np.minimum(np.minimum.accumulate(walk), 0)
    delays = np.array([4.0, 7.0] if load == 0.5 else [8.0, 16.0])
    simulated = np.array([(sojourn > d).mean() for d in delays])
    bound = np.array([md1_late(load, 1.0, d) for d in delays])
    assert (simulated <= bound).all()
    slopes = [np.log(p[0] / p[1]) for p in (simulated, bound)]
    assert slopes[0] == pytest.approx(slopes[1], rel=0.1)


@given(st.floats(0, 2000), st.floats(1e-4, 1.0), st.floats(1e-9, 0.1))
def test_longest_service_time_inverts_the_bound(arrivals, delay_s, late):
    service_s = md1_service_s(arrivals, delay_s, late)
    assert 0 < service_s <= delay_s
    assert md1_late(arrivals, service_s * (1 - 1e-6), delay_s) <= late
    assert md1_late(arrivals, min(service_s * (1 + 1e-5), delay_s * 1.0001), delay_s) >= late * (
        arrivals * delay_s > 1e-3
    )


def test_light_and_heavy_traffic():
    assert md1_service_s(0.0, 1e-3, 1e-5) == 1e-3
    assert md1_service_s(1e8, 1e-3, 1e-5) == pytest.approx(1e-8, rel=1e-3)  # the server must just keep up
    assert md1_late([0.0, 10.0, 5.0], [0.05, 0.2, 0.3], 0.1).tolist() == [0.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: md1_late(-1.0, 0.1, 1.0), "arrivals_per_s holds -1.0, but every value must be at least 0"),
        (lambda: md1_late(1.0, 0.0, 1.0), "service_s holds 0.0, but every value must be over 0"),
        (lambda: md1_service_s(1.0, 0.0, 0.1), "delay_s is 0.0, but it must be over 0"),
        (lambda: md1_service_s(1.0, 1.0, 0.9), "late is 0.9, but it must be over 0 and at most 0.5"),
        (lambda: erlang_b(1.0, -1), "n_channels is -1, but it must be at least 0"),
        (lambda: erlang_b_channels(1.0, 0.0), "blocked is 0.0, but it must be over 0"),
        (lambda: erlang_b_channels(np.nan, 0.1), "offered_erlang holds nan"),
    ],
)
def test_wrong_calls(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
