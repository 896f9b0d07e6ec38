"""Coupled load against a root finder on equations written out in plain loops."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from dnt_lab.physical import Configure, Handover, PhysicalNetwork, antenna, coupled_load, evaluate
from dnt_lab.physical.kpis import PEAK_EFFICIENCY


def new_load(state, radio, load):
    """Right-hand side of the load-coupling equation."""
    kpis, noise_mw, quantum = evaluate(state, radio), radio.noise_mw(state), radio.quantum_mw(state)
    result = np.zeros_like(load)
    for u in np.flatnonzero((state.serving >= 0) & (state.demand_bps > 0)):
        c, serving = state.channel[u], state.serving[u]
        power_mw = {int(b): q * quantum for b, q in zip(radio.tile_cells[kpis.tile[u]], kpis.heard_q[u], strict=True)}
        interference_mw = math.fsum(min(max(load[b, c], 0.0), 1.0) * p for b, p in power_mw.items() if b != serving)
        gain = float(antenna.beam_gain(kpis.off_boresight_deg[u], state.beam[u], radio.n_beams))
        sinr = power_mw.get(int(serving), 0.0) * gain / (noise_mw[c] + interference_mw)
        efficiency = min(math.log2(1 + sinr), PEAK_EFFICIENCY)
        result[serving, c] += state.demand_bps[u] / (state.bandwidth_hz[c] * efficiency) if efficiency else math.inf
    return result


@pytest.mark.parametrize("n_beams", [1, 8])
def test_the_coupled_load_is_the_root_of_the_equations(n_beams):
    network = PhysicalNetwork.open_field(n_sites=3, n_users=30, seed=4, n_beams=n_beams)
    state, radio = network.state, network.radio
    load = coupled_load(state, radio, tolerance=1e-10)
    root = optimize.root(
        lambda x: x - new_load(state, radio, x.reshape(load.shape)).ravel(), np.zeros(load.size), tol=1e-12
    )
    assert root.success
    np.testing.assert_allclose(load.ravel(), root.x, atol=1e-8)
    assert 0 < load.max() < 1
    above = np.ones_like(load)  # from a full buffer down: the fixed point is unique
    for _ in range(60):
        above = new_load(state, radio, above)
    np.testing.assert_allclose(load, above, atol=1e-8)


def test_overload_shows_as_a_load_over_1_with_interference_from_a_full_buffer():
    network = PhysicalNetwork.open_field(n_sites=3, n_users=30, seed=4)
    network.state.demand_bps[:] *= 12
    load = coupled_load(network.state, network.radio)
    assert load.max() > 1
    np.testing.assert_allclose(new_load(network.state, network.radio, load), load, atol=1e-5)


@settings(max_examples=25)
@given(st.integers(0, 10), st.integers(0, 29), st.floats(1.1, 3))
def test_load_is_monotone_in_demand(seed, user, factor):
    network = PhysicalNetwork.open_field(n_sites=3, n_users=30, seed=seed)
    state, radio = network.state, network.radio
    before = coupled_load(state, radio, tolerance=1e-9)
    state.demand_bps[user] = max(state.demand_bps[user], 100_000) * factor
    after = coupled_load(state, radio, tolerance=1e-9)
    assert (after >= before - 1e-8).all()
    assert after[state.serving[user], state.channel[user]] > before[state.serving[user], state.channel[user]]


def test_cells_without_demand_carry_no_load_and_users_without_signal_an_infinite_one():
    network = PhysicalNetwork.open_field(n_sites=3, n_users=12, seed=1)
    network.state.demand_bps[:] = 0
    assert (coupled_load(network.state, network.radio) == 0).all()
    network.state.demand_bps[5] = 1000
    network.apply(Handover(0.0, 5, 4, 1))
    network.apply(Configure(0.0, 4, on=False))
    load = coupled_load(network.state, network.radio)
    assert np.isinf(load[4, 1])
    assert np.isinf(load).sum() == 1
    network.apply(Handover(0.0, 5, -1, 1))
    assert (coupled_load(network.state, network.radio, network.kpis) == 0).all()


def test_loads_that_do_not_settle_in_time_are_refused():
    network = PhysicalNetwork.open_field(n_users=60, seed=1)
    with pytest.raises(ValueError, match="did not settle within 1 iterations"):
        coupled_load(network.state, network.radio, max_iterations=1)
