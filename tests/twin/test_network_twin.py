"""NetworkTwin: lives on events, names what they touch, branches that stay apart."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnt_lab.physical import (
    Configure,
    Demand,
    Handover,
    Move,
    OnOff,
    PhysicalNetwork,
    RandomWaypoint,
    evaluate,
)
from dnt_lab.twin import NetworkTwin, Touched


@pytest.fixture
def network():
    return PhysicalNetwork.open_field(n_users=40, seed=2)


def kpis_of(twin):
    return {name: value.copy() for name, value in vars(twin.kpis).items()}


def assert_same(a, b):
    assert a.state.digest() == b.state.digest()
    for name, value in vars(a.kpis).items():
        np.testing.assert_array_equal(value, getattr(b.kpis, name), err_msg=name)


@pytest.mark.parametrize(
    "make",
    [
        lambda: PhysicalNetwork.open_field(n_users=40, seed=2, n_beams=4),
        lambda: PhysicalNetwork.open_field(n_sites=19, n_users=40, seed=2, n_heard=5),
        lambda: PhysicalNetwork.from_city("florence", n_users=40, seed=2),
    ],
)
def test_a_twin_that_hears_every_event_equals_the_network(make):
    network = make()
    twin = NetworkTwin.mirror(network)
    for _ in range(10):
        twin.apply_all(network.step(2.0))
        assert twin.state.digest() == network.state.digest()
        for name, value in vars(evaluate(network.state, network.radio)).items():
            np.testing.assert_array_equal(getattr(twin.kpis, name), value, err_msg=name)


def test_a_twin_never_reaches_its_network(network):
    digest = network.state.digest()
    twin = NetworkTwin.mirror(network)
    twin.apply(Configure(1.0, 2, on=False))
    twin.apply(Move(1.0, 3, (0.0, 0.0, 1.5)))
    assert network.state.digest() == digest


def test_a_handover_touches_both_cells_and_others(network):
    twin = NetworkTwin.mirror(network)
    user = int(np.argmax(twin.state.demand_bps))
    old, new = int(twin.state.serving[user]), int((twin.state.serving[user] + 6) % 21)
    before = kpis_of(twin)
    touched = twin.apply(Handover(1.0, user, new, int(twin.state.channel[user])))
    assert touched.cells.tolist() == sorted((old, new))
    assert (np.diff(touched.users) > 0).all() and user in touched.users
    changed = np.flatnonzero(before["rate_bps"] != twin.kpis.rate_bps)
    assert set(changed.tolist()) <= set(touched.users.tolist())
    assert len(changed) > 3


def test_touched_cells_of_every_kind_of_event(network):
    twin = NetworkTwin.mirror(network)
    cell, channel = int(twin.state.serving[4]), int(twin.state.channel[4])
    assert twin.apply(Move(1.0, 4, (1.0, 2.0, 1.5))).cells.tolist() == []
    assert twin.apply(Demand(1.0, 4, 5)).cells.tolist() == [cell]
    assert twin.apply(Handover(1.0, 4, cell, 1 - channel)).cells.tolist() == [cell]
    assert twin.apply(Configure(1.0, 7, tilt_deg=3.0)).cells.tolist() == [7]
    assert twin.apply(Handover(1.0, 4, -1, channel)).cells.tolist() == [cell]
    assert twin.apply(Demand(1.0, 4, 6)).cells.tolist() == []
    assert twin.apply(Handover(1.0, 4, 9, channel)).cells.tolist() == [9]


def test_touched_reads_well():
    assert repr(Touched(np.array([3, 5]), np.array([1]))) == "Touched(ue-3, ue-5; bs-1)"
    assert (
        repr(Touched(np.arange(9), np.array([], int))) == "Touched(ue-0, ue-1, ue-2, ue-3, ue-4, ue-5, ... (9 in all))"
    )
    assert repr(Touched(np.array([], int), np.array([], int))) == "Touched(nothing)"


N_USERS, N_CELLS = 12, 9
cells, users = st.integers(-1, N_CELLS - 1), st.integers(0, N_USERS - 1)
places = st.tuples(st.floats(-300, 300), st.floats(-300, 300), st.just(1.5))
times = st.floats(0, 100)
fitting = st.one_of(
    st.builds(Move, times, users, places),
    st.builds(Move, times, users, places),
    st.builds(Handover, times, users, cells, st.integers(0, 1)),
    st.builds(Demand, times, users, st.integers(0, 10**8)),
    st.builds(Configure, times, st.integers(0, N_CELLS - 1), st.floats(0, 38), st.none(), st.none(), st.booleans()),
)
misfits = st.sampled_from(
    [
        Move(1.0, 99, (0.0, 0.0, 1.5)),
        Move(1.0, 2, (0.0, 0.0, 0.1)),
        Demand(1.0, 1, -1),
        Handover(1.0, 1, 99, 0),
        "event",
    ]
)
SMALL = PhysicalNetwork.open_field(n_sites=3, n_users=N_USERS, seed=3)


@settings(max_examples=60)
@given(st.lists(fitting, max_size=25))
def test_applying_all_equals_applying_one_by_one(events):
    together, single = NetworkTwin.mirror(SMALL), NetworkTwin.mirror(SMALL)
    together.apply_all(iter(events))
    for event in events:
        single.apply(event)
    assert_same(together, single)
    assert together.state.t_s == max([0.0, *(e.t_s for e in events)])


@settings(max_examples=60)
@given(st.lists(fitting, max_size=10), misfits, st.lists(fitting, max_size=5))
def test_a_misfit_in_the_middle_leaves_those_before_it_applied(before, misfit, after):
    together, single = NetworkTwin.mirror(SMALL), NetworkTwin.mirror(SMALL)
    with pytest.raises((ValueError, TypeError)):
        together.apply_all([*before, misfit, *after])
    for event in before:
        single.apply(event)
    assert_same(together, single)


def test_time_never_runs_back(network):
    twin = NetworkTwin.mirror(network)
    twin.apply(Demand(5.0, 1, 10))
    twin.apply(Demand(3.0, 2, 10))
    twin.apply_all([Move(4.0, 1, (0.0, 0.0, 1.5)), Move(2.0, 2, (0.0, 0.0, 1.5))])
    assert twin.state.t_s == 5.0
    twin.apply_all([Move(7.0, 1, (0.0, 0.0, 1.5)), Move(6.0, 2, (0.0, 0.0, 1.5))])
    assert twin.state.t_s == 7.0


def test_branches_stay_apart(network):
    twin = NetworkTwin.mirror(network, name="north")
    branch = twin.branch("what if bs-2 fails")
    assert_same(twin, branch)
    digest, kpis = twin.state.digest(), kpis_of(twin)
    branch.apply(Configure(1.0, 2, on=False))
    branch.apply_all(network.step(1.0))
    assert twin.state.digest() == digest
    for name, value in kpis.items():
        np.testing.assert_array_equal(getattr(twin.kpis, name), value)
    twin.apply(Demand(1.0, 1, 77))
    assert branch.state.demand_bps[1] != 77
    assert repr(branch).startswith("NetworkTwin('what if bs-2 fails', State(40 users")


def test_a_simulator_runs_into_a_future_of_its_own(network):
    twin = NetworkTwin.mirror(network)
    digest = twin.state.digest()
    runs = []
    for seed in (1, 1, 2):
        future = twin.simulator(RandomWaypoint(network.bounds_m), OnOff(np.full(40, 1000)), seed=seed)
        runs.append([e for _ in range(3) for e in future.step(1.0)])
    assert runs[0] == runs[1] != runs[2]
    assert twin.state.digest() == digest
    assert twin.simulator().state.digest() == digest


def test_cards_show_what_the_twin_believes(network):
    twin = NetworkTwin.mirror(network)
    twin.apply(Demand(1.0, 3, 5_000_000))
    assert twin["ue-3"].external["demand"] == "5 Mbit/s"
    assert network["ue-3"].external["demand"] != "5 Mbit/s"
    assert twin["bs-0"].internal == network["bs-0"].internal
