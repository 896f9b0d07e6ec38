"""KPIs against a dense oracle in plain loops and float64, written from the formulas alone."""

import cmath
import math

import numpy as np
import pytest

from dnt_lab.physical import Configure, Handover, PhysicalNetwork, Radio, evaluate
from dnt_lab.physical.kpis import NOMINAL_EFFICIENCY, PEAK_EFFICIENCY


def by_hand(state, radio):
    """Loads, interference and noise (mW), SINR and rates from the formulas, one user and one cell at a time."""
    n_users, n_cells, n_channels = state.n_users, state.n_cells, state.n_channels
    tile = radio.tile(state.position_m)
    offered = [[0.0] * n_channels for _ in range(n_cells)]
    attached = [[0] * n_channels for _ in range(n_cells)]
    for u in range(n_users):
        if state.serving[u] >= 0:
            offered[state.serving[u]][state.channel[u]] += float(state.demand_bps[u])
            attached[state.serving[u]][state.channel[u]] += 1
    load = [
        [
            min(1.0, offered[b][c] / (NOMINAL_EFFICIENCY * state.bandwidth_hz[c])) * bool(state.on[b])
            for c in range(n_channels)
        ]
        for b in range(n_cells)
    ]
    interference, noise, sinr, rate = [], [], [], []
    for u in range(n_users):
        c, serving = state.channel[u], state.serving[u]
        order = radio.tile_cells[tile[u]]
        dbm = radio.received_dbm(state, state.position_m[[u]], state.freq_hz[[c]], order[None])[0]
        power_mw = {int(b): 10.0 ** (p / 10.0) for b, p in zip(order, dbm, strict=True)}
        noise.append(10.0 ** ((-173.975 + radio.noise_figure_db + 10 * math.log10(state.bandwidth_hz[c])) / 10.0))
        interference.append(math.fsum(load[b][c] * p for b, p in power_mw.items() if b != serving))
        signal = power_mw.get(int(serving), 0.0) * beam_gain(state, radio, u)
        sinr.append(signal / (noise[-1] + interference[-1]))
        share = state.bandwidth_hz[c] / max(attached[serving][c], 1) if serving >= 0 else 0.0
        rate.append(share * min(math.log2(1 + sinr[-1]), PEAK_EFFICIENCY))
    return np.array(load), np.array(interference), np.array(noise), np.array(sinr), np.array(rate), np.array(attached)


def beam_gain(state, radio, u):
    b, n = state.serving[u], radio.n_beams
    if n == 1 or b < 0 or math.isnan(state.azimuth_deg[b]):
        return 1.0
    dx, dy = state.position_m[u, :2] - state.cell_position_m[b, :2]
    sine = math.sin(math.atan2(dy, dx) - math.radians(state.azimuth_deg[b]))
    centre = (2 * state.beam[u] + 1) / n - 1
    return abs(sum(cmath.exp(1j * math.pi * k * (sine - centre)) for k in range(n))) ** 2 / n


def networks():
    field = PhysicalNetwork.open_field(n_sites=7, n_users=80, seed=1)
    yield "field", field.state, field.radio
    narrow = PhysicalNetwork.open_field(
        n_sites=19, n_users=80, seed=2, n_heard=5, n_beams=8, freq_hz=(2e9, 3.5e9, 28e9)
    )
    narrow.state.bandwidth_hz[:] = 5e6, 20e6, 100e6
    yield "few heard, beams, uneven channels", narrow.state, narrow.radio
    city = PhysicalNetwork.from_city("florence", n_users=60, seed=3)
    yield "city", city.state, city.radio
    omni = PhysicalNetwork.open_field(n_sites=1, n_users=20, seed=4, n_sectors=1, n_beams=4, scenario="inh")
    yield "one omnidirectional cell", omni.state, omni.radio
    broken = PhysicalNetwork.open_field(n_sites=7, n_users=80, seed=5)
    for command in (
        Configure(0, 2, on=False),
        Configure(0, 5, 20.0, 30.0, -90.0),
        Handover(0, 3, -1, 1),
        Handover(0, 4, 20, 0),
    ):
        broken.apply(command)
    broken.state.demand_bps[:40] = 30_000_000
    yield "cells down and overloaded, users detached", broken.state, broken.radio


NETWORKS = {name: (state, radio) for name, state, radio in networks()}


@pytest.mark.parametrize("name", NETWORKS)
def test_evaluate_equals_the_formulas(name):
    state, radio = NETWORKS[name]
    kpis = evaluate(state, radio)
    load, interference_mw, noise_mw, sinr, rate_bps, attached = by_hand(state, radio)
    np.testing.assert_allclose(kpis.load, load, rtol=1e-12)
    np.testing.assert_array_equal(kpis.attached, attached)
    np.testing.assert_array_equal(kpis.demand_sum_bps.sum(), state.demand_bps[state.serving >= 0].sum())
    total_mw = kpis.interference_q * radio.quantum_mw(state) + radio.noise_mw(state)[state.channel]
    np.testing.assert_allclose(total_mw, noise_mw + interference_mw, rtol=1e-9)
    np.testing.assert_allclose(kpis.sinr, sinr, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(kpis.rate_bps, rate_bps, rtol=1e-9, atol=1e-3)
    assert kpis.load.max() > 0
    if state.n_cells > 1:
        assert interference_mw.max() > 10 * noise_mw.max()  # not only noise is compared


@pytest.mark.parametrize("name", NETWORKS)
def test_rounding_to_quanta_costs_at_most_half_a_quantum_a_cell_heard(name):
    state, radio = NETWORKS[name]
    kpis = evaluate(state, radio)
    interference_mw = by_hand(state, radio)[1]
    rounding_q = np.abs(kpis.interference_q - interference_mw / radio.quantum_mw(state))
    floats_q = 1e-12 * kpis.interference_q
    assert (rounding_q <= 0.5 * kpis.heard_q.shape[1] + floats_q).all()


def test_a_user_without_a_cell_or_out_of_earshot_of_it_gets_nothing():
    network = PhysicalNetwork.open_field(n_sites=19, n_users=20, seed=1, n_heard=3)
    heard = network.radio.tile_cells[network.kpis.tile[4]]
    deaf_to = int(np.setdiff1d(np.arange(57), heard)[0])
    network.apply(Handover(0.0, 3, -1, 0))
    network.apply(Handover(0.0, 4, deaf_to, 0))
    kpis = network.kpis
    assert kpis.sinr[3] == kpis.rate_bps[3] == kpis.sinr[4] == kpis.rate_bps[4] == 0
    assert np.isneginf(kpis.sinr_db[3])
    assert kpis.attached[deaf_to, 0] >= 1


def test_rate_is_capped_by_the_highest_modulation():
    network = PhysicalNetwork.open_field(n_sites=1, n_users=2, seed=0, n_sectors=1, scenario="free_space")
    network.state.demand_bps[:] = 0
    network.state.channel[:] = 0, 1
    kpis = evaluate(network.state, network.radio)
    assert kpis.sinr.min() > 2**PEAK_EFFICIENCY
    np.testing.assert_allclose(kpis.rate_bps, 10e6 * PEAK_EFFICIENCY)


def test_one_handover_changes_the_interference_of_others():
    """The external effect the article's Fig. 1 is about."""
    network = PhysicalNetwork.open_field(n_users=60, seed=1)
    user = int(np.argmax(network.state.demand_bps))
    before = evaluate(network.state, network.radio)
    other_cell = int((network.state.serving[user] + 3) % 21)
    network.apply(Handover(0.0, user, other_cell, int(network.state.channel[user])))
    others = np.arange(60) != user
    changed = (network.kpis.interference_q != before.interference_q) & others
    assert changed.sum() > 10
    assert (network.state.channel[changed] == network.state.channel[user]).all()


def test_kpis_do_not_depend_on_other_states_seen_by_the_radio():
    network = PhysicalNetwork.open_field(n_sites=19, n_users=40, seed=1, n_heard=5)
    fresh = Radio(network.state.cell_position_m, seed=1, n_heard=5, tile_m=200.0)
    fresh.tile(np.random.default_rng(0).uniform(-900, 900, (200, 3)))
    a, b = evaluate(network.state, network.radio), evaluate(network.state, fresh)
    for name in ("heard_q", "interference_q", "sinr", "rate_bps", "load"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
