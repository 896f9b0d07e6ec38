"""Isolated twins: right about their own object, blind to what others do."""

import numpy as np
import pytest

from dnt_lab import physical, twin


@pytest.fixture
def network():
    return physical.PhysicalNetwork.open_field(n_sites=4, n_users=40, seed=4)


def test_right_about_the_object_itself_wrong_about_the_others(network):
    isolated = twin.IsolatedTwins.mirror(network)
    state, cells = network.state, np.arange(network.state.n_cells)
    user = int(np.argmax(state.demand_bps))
    target = int(cells[cells != state.serving[user]][0])
    event = physical.Handover(1.0, user, target, int(state.channel[user]))
    network.apply(event)
    assert isolated.apply(event).tolist() == [user]
    assert isolated.state.digest() == network.state.digest()  # every own property is known ...
    wrong = isolated.kpis.sinr != network.kpis.sinr
    hurt = np.flatnonzero(wrong & (np.arange(40) != user))
    assert len(hurt) > 0  # ... and the effect on others is not
    touched = twin.NetworkTwin(network.snapshot(), network.radio)
    np.testing.assert_array_equal(touched.kpis.sinr, network.kpis.sinr)


def test_without_interaction_isolated_twins_are_exact():
    network = physical.PhysicalNetwork.open_field(n_sites=1, n_sectors=1, n_users=5, seed=0)
    network.demand = None
    isolated = twin.IsolatedTwins.mirror(network)
    for _ in range(5):
        isolated.apply_all(network.step(1.0))
    np.testing.assert_allclose(isolated.kpis.sinr, network.kpis.sinr, rtol=1e-12)


def test_order_among_users_does_not_matter(network):
    a, b = twin.IsolatedTwins.mirror(network), twin.IsolatedTwins.mirror(network)
    events = network.step(1.0)
    a.apply_all(events)
    for event in sorted(events, key=lambda e: e.user):
        b.apply(event)
    np.testing.assert_array_equal(a.kpis.sinr, b.kpis.sinr)


def test_a_cell_event_updates_no_user_and_bad_events_change_nothing(network):
    isolated = twin.IsolatedTwins.mirror(network)
    assert len(isolated.apply(physical.Configure(0.0, 1, tilt_deg=3.0))) == 0
    digest = isolated.state.digest()
    with pytest.raises(ValueError, match="user is 99"):
        isolated.apply(physical.Demand(0.0, 99, 5))
    assert isolated.state.digest() == digest
