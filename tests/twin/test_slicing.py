"""Slices: minimal shares against brute force over the queues, splits by property, the day against static slicing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnt_lab.datasets import synthetic_traffic
from dnt_lab.twin import slicing
from dnt_lab.twin.queueing import erlang_b, md1_late
from dnt_lab.twin.slicing import Slas, control_day, forecast, slice_demand, split

SHARES = st.lists(st.tuples(*[st.floats(0, 1.2)] * 3), min_size=1, max_size=6)


def kept(slas, share, demand, capacity_bps):
    """Whether each agreement holds, asked of the queues themselves."""
    rate = share * capacity_bps
    return np.array(
        [
            md1_late(demand[0], slas.packet_bits / rate[0], slas.delay_s) <= slas.late * (1 + 1e-6),
            min(rate[1] / demand[1], 1.0) >= slas.carried - 1e-9,
            erlang_b(demand[2], int(rate[2] / slas.session_bps + 1e-9)) <= slas.blocked,
        ]
    )


@pytest.mark.parametrize("demand", [[40e3, 30e6, 50.0], [200.0, 1e6, 0.5], [1e5, 9e6, 200.0]])
def test_minimal_shares_by_brute_force(demand):
    slas, capacity_bps, step = Slas(), 60e6, 1 / 400
    grid = np.arange(1, 401) * step
    good = np.array([kept(slas, np.full(3, s), demand, capacity_bps) for s in grid])
    assert good[-1].all() and (np.diff(good.astype(int), axis=0) >= 0).all()  # more never breaks an agreement
    smallest = grid[np.argmax(good, axis=0)]
    minimal = slas.minimal_shares(demand, capacity_bps)
    assert (minimal <= smallest + 1e-12).all() and (smallest - minimal <= step + 1e-12).all()


@given(SHARES, st.permutations(slicing.SLICES))
def test_split_keeps_every_agreement_wherever_it_can(minimal, priority):
    minimal = np.array(minimal)
    shares = split(minimal, priority)
    assert (shares >= 0).all() and (shares.sum(axis=1) <= 1 + 1e-12).all()
    feasible = minimal.sum(axis=1) <= 1
    assert (shares >= minimal * (1 - 1e-12))[feasible].all()
    for row, wanted in zip(shares[~feasible], minimal[~feasible], strict=True):
        order = [slicing.SLICES.index(name) for name in priority]
        short = [row[i] < wanted[i] for i in order].index(True)
        assert row.sum() == pytest.approx(1)
        assert all(row[i] == 0 for i in order[short + 1 :])  # whoever comes after one who is short gets nothing


@given(st.floats(0, 2e5), st.floats(0, 2e8), st.floats(0, 100), st.floats(0.1, 1.0))
def test_more_demand_needs_more(packets, bits, sessions, factor):
    less, more = Slas().minimal_shares(
        [[factor * packets, factor * bits, factor * sessions], [packets, bits, sessions]], 1e8
    )
    assert (less <= more + 1e-12).all()


def test_silence_needs_nothing():
    assert Slas().minimal_shares([0.0, 0.0, 0.0], 1e8).tolist() == [0.0, 0.0, 0.0]
    assert split([0.0, 0.0, 0.0]).tolist() == [0.0, 0.0, 0.0]


def test_forecast_knows_the_daily_rhythm_and_today():
    hour = np.arange(24 * 5)
    rhythm = (2 + np.sin(2 * np.pi * hour / 24))[:, None, None] * [[1.0, 2.0, 3.0]]
    demand = rhythm.copy()
    demand[-10:] *= 1.5  # today is busier than the days before
    today = forecast(demand, 24 * 5 - 2)
    assert forecast(rhythm, 24 * 5 - 2) == pytest.approx(rhythm[-1])
    assert (np.abs(today / demand[-1] - 1) < 0.15).all()


def test_forecast_does_not_read_the_future():
    demand = np.random.default_rng(0).uniform(1, 2, (96, 4, 3))
    changed = demand.copy()
    changed[73:] = 99.0
    np.testing.assert_array_equal(forecast(demand, 72), forecast(changed, 72))


def test_demand_follows_the_services():
    traffic = synthetic_traffic((2, 2), days=3, seed=0)
    demand = slice_demand(traffic, 1e3, 2e6, 30.0)
    assert demand.mean(axis=0) == pytest.approx(np.tile([1e3, 2e6, 30.0], (4, 1)))
    calls = traffic.service("call")
    assert demand[:, 2, 0] / 1e3 == pytest.approx(calls[:, 2] / calls[:, 2].mean(), rel=1e-5)


def test_a_day_by_hand():
    """Constant demand: the forecast is right, and sizing by agreements keeps them all; bits alone starve URLLC."""
    demand = np.tile([40e3, 30e6, 50.0], (360, 2, 1))
    table = control_day(demand, 47e6).set_index(["strategy", "slice"])["violations"].unstack()
    assert (table.loc[["forecast", "static", "known demand"]] == 0).all(axis=None)
    assert table.loc["proportional", "URLLC"] == 1


def test_controller_against_static_slicing():
    table = slicing.study(n_seeds=20)
    by = table["avoidable"].groupby("strategy").sum()
    assert by["known demand"] == 0  # a feasible split is always found
    assert by["forecast"] < 0.5 * min(by["static"], by["proportional"])
    urllc = table.xs("URLLC", level="slice")
    for other in ("static", "proportional"):
        assert urllc.loc["forecast", "violations_high"] < urllc.loc[other, "violations_low"]


@pytest.mark.parametrize(
    ("call", "kind", "sentence"),
    [
        (lambda: Slas(late=0.9), ValueError, "late is 0.9, but it must be over 0 and at most 0.5"),
        (lambda: Slas(carried=1.1), ValueError, "carried is 1.1"),
        (lambda: Slas(delay_s=-1), ValueError, "delay_s is -1"),
        (lambda: Slas().minimal_shares([1.0, 2.0], 1e8), ValueError, "its last axis holds the three slices"),
        (lambda: Slas().minimal_shares([1.0, 2.0, -3.0], 1e8), ValueError, "demand holds -3.0"),
        (lambda: Slas().minimal_shares([1.0, 2.0, 3.0], 0.0), ValueError, "capacity_bps holds 0.0"),
        (lambda: split([0.1, np.nan, 0.2]), ValueError, "minimal holds nan"),
        (lambda: split([0.1, 0.2, 0.3], ("URLLC", "eMBB")), ValueError, "must name each of URLLC, eMBB, mMTC once"),
        (lambda: forecast(np.ones((96, 1, 3)), 20), ValueError, "now is 20, but it must be at least 47"),
        (lambda: control_day(np.ones((48, 1, 3)), 1e8), ValueError, "at least 15 days"),
        (lambda: slicing.study(n_seeds=2.0), TypeError, "n_seeds is 2.0, but a whole number is needed"),
    ],
)
def test_wrong_calls(call, kind, sentence):
    with pytest.raises(kind, match=sentence):
        call()
