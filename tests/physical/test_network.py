"""The physical network: deterministic by seed, independent snapshots, events that tell the whole story."""

import numpy as np
import pytest

from dnt_lab.physical import (
    Configure,
    Demand,
    Fault,
    FollowTraffic,
    Handover,
    HandoverRule,
    Move,
    OnOff,
    PhysicalNetwork,
    RandomWaypoint,
    evaluate,
)

MAKERS = {
    "field": lambda seed: PhysicalNetwork.open_field(n_users=50, seed=seed),
    "field with beams, few heard": lambda seed: PhysicalNetwork.open_field(19, 50, seed, n_heard=5, n_beams=8),
    "city": lambda seed: PhysicalNetwork.from_city("florence", n_users=40, seed=seed),
}


@pytest.fixture
def network():
    return PhysicalNetwork.open_field(n_users=50, seed=1)


def run(network, steps=5):
    return [event for _ in range(steps) for event in network.step(1.0)]


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_the_seed_decides_everything(make):
    one, again, other = make(3), make(3), make(4)
    assert one.state.digest() == again.state.digest() != other.state.digest()
    assert run(one) == run(again) != run(other)
    assert one.state.digest() == again.state.digest()
    for mine, yours in zip(one.measure(), again.measure(), strict=True):
        assert mine.equals(yours)


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_events_tell_all_that_changed(make):
    network = make(5)
    told = network.snapshot()
    for event in run(network, 10):
        event.check(told)
        event.write(told)
        told.t_s = event.t_s
    assert told.digest() == network.state.digest()
    assert told.t_s == 10.0


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_indicators_after_a_step_equal_those_of_the_state(make):
    network = make(6)
    run(network, 3)
    fresh = evaluate(network.state, network.radio)
    for name, value in vars(network.kpis).items():
        np.testing.assert_array_equal(value, getattr(fresh, name), err_msg=name)


def test_events_come_in_order_and_at_the_time_of_the_step(network):
    events = network.step(2.5)
    order = [(Move, Demand, Handover).index(type(e)) for e in events]
    assert order == sorted(order) and {0, 1} <= set(order)
    assert {e.t_s for e in events} == {2.5}
    assert [e.user for e in events if isinstance(e, Move)] == sorted({e.user for e in events if isinstance(e, Move)})


def test_a_snapshot_is_independent_both_ways(network):
    snapshot = network.snapshot()
    digest = snapshot.digest()
    run(network)
    assert snapshot.digest() == digest != network.state.digest()
    now = network.state.digest()
    snapshot.position_m[:] = 0
    assert network.state.digest() == now


def test_a_network_does_not_touch_the_state_it_was_made_from(network):
    start = network.snapshot()
    digest = start.digest()
    other = PhysicalNetwork(start, network.radio, RandomWaypoint(network.bounds_m), OnOff(np.full(50, 1000)), seed=2)
    run(other)
    other.apply(Configure(5.0, 2, on=False))
    assert start.digest() == digest


def test_measuring_does_not_change_what_happens(network):
    watched = PhysicalNetwork.open_field(n_users=50, seed=1)
    for _ in range(5):
        assert network.step(1.0) == watched.step(1.0)
        watched.measure()


def test_measurements_are_the_truth_plus_noise(network):
    users, cells = network.measure(noise_db=0.0)
    kpis, state = network.kpis, network.state
    np.testing.assert_array_equal(users["serving"], state.serving)
    np.testing.assert_allclose(users["sinr_db"], kpis.sinr_db)
    np.testing.assert_array_equal(cells["users"], kpis.attached.sum(axis=1))
    np.testing.assert_array_equal(cells["demand_bps"], kpis.demand_sum_bps.sum(axis=1))
    heard = network.radio.tile_cells[kpis.tile]
    dbm = network.radio.received_dbm(state, state.position_m, state.freq_hz[state.channel], heard)
    np.testing.assert_allclose(users["rsrp_dbm"], dbm[heard == state.serving[:, None]], atol=1e-9)
    noisy = np.array([network.measure(noise_db=2.0)[0]["rsrp_dbm"] - users["rsrp_dbm"] for _ in range(60)])
    assert noisy.std() == pytest.approx(2.0, rel=0.05)
    assert noisy.mean() == pytest.approx(0, abs=0.15)


def test_reports_name_the_strongest_neighbours(network):
    users, _ = network.measure(noise_db=0.0, n_neighbours=4)
    kpis = network.kpis
    for u in range(50):
        order = np.argsort(-kpis.heard_q[u], kind="stable")
        cells = [c for c in network.radio.tile_cells[kpis.tile[u]][order].tolist() if c != network.state.serving[u]]
        assert [users[f"neighbour_{i}"][u] for i in (1, 2, 3, 4)] == cells[:4]
    assert list(network.measure(n_neighbours=0)[0].columns) == ["serving", "rsrp_dbm", "sinr_db", "rate_bps"]


def test_a_lost_user_reports_nothing(network):
    network.apply(Handover(0.0, 7, -1, 0))
    users, _ = network.measure()
    assert np.isneginf(users["rsrp_dbm"][7]) and users["neighbour_1"][7] == -1
    assert np.isnan(users["neighbour_1_rsrp_dbm"][7])


@pytest.mark.parametrize(
    ("command", "column", "value"),
    [
        (Handover(0.0, 7, 3, 1, 2), "serving", 3),
        (Demand(0.0, 7, 123), "demand_bps", 123),
        (Configure(0.0, 7, tx_power_dbm=20.0), "tx_power_dbm", 20.0),
        (Move(0.0, 7, (1.0, 2.0, 1.5)), "position_m", [1.0, 2.0, 1.5]),
    ],
)
def test_commands_are_carried_out_and_seen_in_the_indicators(network, command, column, value):
    before = network.kpis
    network.apply(command)
    np.testing.assert_array_equal(getattr(network.state, column)[7], value)
    assert (network.kpis.rate_bps != before.rate_bps).any() or isinstance(command, Demand)


def test_models_may_be_left_out_or_started_late(network):
    still = PhysicalNetwork(network.state, network.radio)
    assert all(isinstance(e, Handover) for e in run(still, 3))
    late = PhysicalNetwork(network.state, network.radio, demand=OnOff(np.full(50, 1000)), seed=1)
    assert any(isinstance(e, Demand) for e in late.step(1.0))
    followed = PhysicalNetwork(network.state, network.radio, demand=FollowTraffic(np.full(50, 1000), [1.0, 2.0]))
    run(followed, 1)
    assert (followed.state.demand_bps == 1000).all()
    followed.step(3600.0)
    assert (followed.state.demand_bps == 2000).all()


def test_users_of_a_dead_cell_fail_and_are_counted(network):
    cell = int(np.bincount(network.state.serving).argmax())
    users = np.flatnonzero(network.state.serving == cell)
    network.inject(Fault("link_failure", cell))
    network.mobility = None
    handed = {e.user for e in network.step(1.0) if isinstance(e, Handover)}
    assert set(users.tolist()) <= handed
    assert network.failures[cell] == len(users)
    assert (network.state.serving[users] != cell).all()


def test_beams_follow_users():
    network = PhysicalNetwork.open_field(n_users=40, seed=2, n_beams=16)
    network.mobility = RandomWaypoint(network.bounds_m, speed_m_s=(10.0, 20.0))
    switches = [e for e in run(network, 10) if isinstance(e, Handover)]
    assert any(e.beam > 0 for e in switches)
    angle = network.kpis.off_boresight_deg
    centre = np.rad2deg(np.arcsin((2 * network.state.beam + 1) / 16 - 1))
    assert (np.abs(np.sin(np.deg2rad(angle)) - np.sin(np.deg2rad(centre))) <= 1 / 16 + 1e-12).all()


def test_a_handover_rule_of_ones_own(network):
    network.handover = HandoverRule(hysteresis_db=np.inf, failure_sinr_db=-np.inf)
    assert not any(isinstance(e, Handover) for e in run(network, 20))


def test_an_empty_network_runs():
    network = PhysicalNetwork.open_field(n_sites=3, n_users=0, seed=1)
    assert run(network, 2) == []
    assert network.kpis.load.shape == (9, 2)
    assert len(network.measure()[0]) == 0


def test_bounds_default_to_what_stands_there(network):
    bare = PhysicalNetwork(network.state, network.radio)
    xy = np.concatenate([network.state.position_m[:, :2], network.state.cell_position_m[:, :2]])
    assert bare.bounds_m == (*xy.min(0), *xy.max(0))
    assert repr(network) == "PhysicalNetwork(50 users, 21 cells, Radio(umi, open field, 7 sites, 7 heard), t = 0 s)"
