"""Faults: each writes what it says, silently, and stays until mended."""

import numpy as np
import pytest

from dnt_lab.physical import FAULT_KINDS, Configure, Demand, Fault, PhysicalNetwork, random_fault


@pytest.fixture
def network():
    return PhysicalNetwork.open_field(n_users=60, seed=1)


@pytest.mark.parametrize(
    ("fault", "column", "expected"),
    [
        (Fault("link_failure", 4), "on", lambda old: np.where(np.arange(21) == 4, False, old)),
        (Fault("wrong_tilt", 4, -15.0), "tilt_deg", lambda old: np.where(np.arange(21) == 4, old - 15, old)),
        (Fault("wrong_power", 4, -9.0), "tx_power_dbm", lambda old: np.where(np.arange(21) == 4, old - 9, old)),
        (Fault("missing_neighbour", 4, 7.0), "missing_neighbours", lambda old: [[4, 7]]),
    ],
)
def test_a_fault_changes_its_column_and_no_other(network, fault, column, expected):
    before = network.snapshot()
    network.inject(fault)
    for name, array in network.state.arrays().items():
        np.testing.assert_array_equal(
            array, expected(before.arrays()[name]) if name == column else before.arrays()[name]
        )


def test_an_overload_multiplies_the_demand_of_the_cells_users_and_lasts(network):
    twin = PhysicalNetwork.open_field(n_users=60, seed=1)  # the same network without the fault
    cell = int(np.bincount(network.state.serving).argmax())
    mine = network.state.serving == cell
    network.inject(Fault("overload", cell, 5.0))
    np.testing.assert_array_equal(network.state.demand_bps, np.where(mine, 5, 1) * twin.state.demand_bps)
    silent = True
    for _ in range(20):
        told = [e for e in network.step(1.0) if isinstance(e, Demand)]
        expected = [e for e in twin.step(1.0) if isinstance(e, Demand)]
        assert told == expected  # events do not know of the overload
        silent &= not told
        np.testing.assert_array_equal(network.state.demand_bps, np.where(mine, 5, 1) * twin.state.demand_bps)
    assert not silent


def test_an_overload_twice_is_an_overload_once_and_a_demand_command_ends_it(network):
    cell = int(network.state.serving[3])
    network.inject(Fault("overload", cell, 4.0))
    once = network.state.digest()
    network.inject(Fault("overload", cell, 4.0))
    assert network.state.digest() == once
    network.apply(Demand(0.0, 3, 1000))
    assert network.state.demand_bps[3] == 1000


def test_faults_are_silent(network):
    user = int(np.argmax(network.state.demand_bps))
    network.mobility = network.demand = None
    before = network.kpis.demand_sum_bps.copy()
    network.inject(Fault("overload", int(network.state.serving[user]), 3.0))
    assert network.step(1.0) == []
    assert network.kpis.demand_sum_bps.sum() >= before.sum() + 2 * network.state.demand_bps[user] // 3


def test_a_failed_cell_can_be_mended(network):
    before = network.state.digest()
    network.inject(Fault("link_failure", 4))
    assert (network.kpis.load[4] == 0).all()
    network.apply(Configure(0.0, 4, on=True))
    assert network.state.digest() == before


def test_the_same_missing_neighbour_twice_is_one(network):
    for _ in range(2):
        network.inject(Fault("missing_neighbour", 4, 7))
    network.inject(Fault("missing_neighbour", 2, 7))
    assert network.state.missing_neighbours.tolist() == [[2, 7], [4, 7]]


@pytest.mark.parametrize("kind", FAULT_KINDS)
def test_random_faults_hit_a_serving_cell_hard_enough_by_seed(network, kind):
    faults = [random_fault(network.state, kind, seed) for seed in range(60)]
    assert faults == [random_fault(network.state, kind, seed) for seed in range(60)]
    assert {f.kind for f in faults} == {kind}
    busy = set(network.state.serving.tolist())
    assert {f.cell for f in faults} <= busy and len({f.cell for f in faults}) > 8
    amount = np.array([f.amount for f in faults])
    if kind == "wrong_tilt":
        assert ((np.abs(amount) >= 10) & (np.abs(amount) <= 20)).all() and (amount > 0).any() and (amount < 0).any()
    elif kind == "wrong_power":
        assert ((amount >= -12) & (amount <= -6)).all()
    elif kind == "overload":
        assert ((amount >= 4) & (amount <= 8)).all()
    elif kind == "missing_neighbour":
        for f in faults:
            gap = network.state.cell_position_m[f.cell] - network.state.cell_position_m[int(f.amount)]
            assert 0 < np.linalg.norm(gap) < 401  # another site, one of the nearest
    for f in faults:
        f.write(network.snapshot())


def test_no_fault_where_nobody_would_feel_it():
    network = PhysicalNetwork.open_field(n_sites=1, n_users=3, seed=1)
    with pytest.raises(ValueError, match="none has a neighbour to miss"):
        random_fault(network.state, "missing_neighbour", 0)
    network.state.serving[:] = -1
    with pytest.raises(ValueError, match="no cell serves anybody"):
        random_fault(network.state, "link_failure", 0)
