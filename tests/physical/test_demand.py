"""Demand: the on-off chain against its closed forms, demand that follows a traffic series."""

import numpy as np
import pytest
from scipy import stats

from dnt_lab.datasets import synthetic_traffic
from dnt_lab.physical import FollowTraffic, OnOff
from dnt_lab.physical.demand import KINDS, draw_devices


def test_devices_follow_their_shares_and_carry_their_own_size_and_peak():
    kind, size_m, peak_bps = draw_devices(20_000, np.random.default_rng(0))
    for name, (share, peak, size) in KINDS.items():
        mine = kind == name
        assert mine.mean() == pytest.approx(share, abs=0.01)
        assert (peak_bps[mine] == peak).all()
        assert (size_m[mine] == size).all()
    assert sum(share for share, _, _ in KINDS.values()) == pytest.approx(1)


@pytest.mark.parametrize("dt_s", [0.3, 10.0, 500.0])
def test_on_off_is_stationary_from_the_start(dt_s):
    n, rng = 20_000, np.random.default_rng(1)
    model = OnOff(np.full(n, 100), mean_on_s=30.0, mean_off_s=90.0)
    shares = [np.mean(model.start(rng) > 0)] + [np.mean(model.step(0.0, dt_s, rng) > 0) for _ in range(10)]
    np.testing.assert_allclose(shares, 0.25, atol=0.013)  # 4 sigma


def test_on_off_forgets_exponentially():
    n, rng, dt_s = 40_000, np.random.default_rng(2), 5.0
    model = OnOff(np.ones(n, int), mean_on_s=20.0, mean_off_s=60.0)
    first = model.start(rng) - 0.25
    for k in (1, 2, 3):
        later = model.step(k * dt_s, dt_s, rng) - 0.25
        expected = 0.25 * 0.75 * np.exp(-k * dt_s * (1 / 20 + 1 / 60))
        assert np.mean(first * later) == pytest.approx(expected, abs=0.004)


def test_on_off_holding_times_are_exponential():
    rng, dt_s = np.random.default_rng(3), 0.05
    model = OnOff(np.ones(400, int), mean_on_s=2.0, mean_off_s=5.0)
    active = np.array([model.start(rng)] + [model.step(0.0, dt_s, rng) for _ in range(3000)]).T
    held = {0: [], 1: []}
    for row in active:
        edges = np.flatnonzero(np.diff(row)) + 1
        for start, length in zip(edges[:-1], np.diff(edges), strict=True):  # whole stays only
            held[int(row[start])].append(length * dt_s)
    for state, mean_s in ((1, 2.0), (0, 5.0)):
        sample = np.array(held[state])
        # a stay that is looked at every dt_s is geometric: dt_s / (1 - exp(-dt_s / mean)) on average, nearly
        assert sample.mean() == pytest.approx(mean_s, rel=0.05)
        assert stats.kstest(sample, stats.expon(scale=mean_s).cdf).statistic < 0.04


def test_on_off_steps_without_a_start():
    first = OnOff(np.full(50, 7)).step(1.0, 1.0, np.random.default_rng(0))
    assert set(first.tolist()) == {0, 7}


def test_on_off_active_users_ask_for_their_peak_as_whole_bits():
    peak = np.arange(50)
    model, rng = OnOff(peak), np.random.default_rng(0)
    model.start(rng)
    demand = model.step(1.0, 1.0, rng)
    assert demand.dtype == np.int64
    assert ((demand == 0) | (demand == peak)).all()


def test_follow_traffic_takes_the_hour_and_begins_anew_after_the_last():
    model = FollowTraffic(np.array([100, 1000]), np.array([[0.5, 0.1], [1.0, 0.0], [0.25, 2.0]]))
    rng = np.random.default_rng(0)
    assert model.start(rng).tolist() == [50, 100]
    for t_s, expected in ((3599.9, [50, 100]), (3600, [100, 0]), (7200, [25, 2000]), (3 * 3600, [50, 100])):
        assert model.step(t_s, 1.0, rng).tolist() == expected


def test_follow_traffic_follows_a_cell_of_the_milan_like_data():
    traffic = synthetic_traffic((4, 4), days=2, seed=0)
    series = traffic.service("internet")[:, 5]
    series = series / series.max()
    model = FollowTraffic(np.full(3, 1_000_000), series)
    hours = np.array([model.step(3600.0 * h, 1.0, None) for h in range(48)])
    np.testing.assert_allclose(hours, 1e6 * np.tile(series[:, None], 3), atol=0.51)
    assert np.ptp(hours) > 100_000
