"""Age of information against closed forms and against brute force; divergence against cases worked out by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnt_lab.physical import Demand, Handover, Move, PhysicalNetwork
from dnt_lab.twin import NetworkTwin
from dnt_lab.twin.freshness import AgeMeter, divergence


@settings(max_examples=50)
@given(st.lists(st.tuples(st.floats(0, 20), st.floats(0, 5)), max_size=12), st.integers(1, 7))
def test_the_meter_integrates_any_sawtooth(updates, n_looks):
    """Brute force: the age on a fine grid, its mean and its maximum."""
    generated = sorted({round(t, 2) for t, _ in updates})
    arrivals = sorted((g + round(d, 2), g) for g, (_, d) in zip(generated, updates, strict=False))
    newest = []
    for t, g in arrivals:
        if not newest or g > newest[-1][1]:
            newest.append((t, g))
    meter, looks, pending = AgeMeter(1, 0.0), np.linspace(0, 25.1, n_looks + 1)[1:], list(newest)
    area, peak, before = 0.0, 0.0, 0.0
    for look in looks:
        while pending and pending[0][0] <= look:
            meter.update(0, *pending.pop(0))
        mean_s, peak_s = meter.advance(look)
        area, peak, before = area + float(mean_s[0]) * (look - before), max(peak, float(peak_s[0])), look
    grid = (np.arange(50_200) + 0.5) * 5e-4
    last = np.zeros_like(grid)
    for t, g in newest:
        last[grid >= t] = g
    assert area == pytest.approx((grid - last).sum() * 5e-4, rel=1e-3, abs=1e-2)
    assert peak == pytest.approx((grid - last).max(), abs=1e-3)


@pytest.mark.parametrize(("period_s", "delay_s"), [(1.0, 0.0), (4.0, 0.5), (2.0, 7.0)])
def test_periodic_updates_have_mean_half_a_period_plus_delay(period_s, delay_s):
    meter = AgeMeter(1, -delay_s)  # as if an update had just arrived
    for k in range(1, 200):
        meter.update(0, k * period_s, k * period_s - delay_s)
    mean_s, peak_s = meter.advance(200 * period_s)
    assert mean_s[0] == pytest.approx(period_s / 2 + delay_s, rel=0.06)
    assert peak_s[0] == pytest.approx(period_s + delay_s)


@pytest.fixture
def pair():
    network = PhysicalNetwork.open_field(n_sites=3, n_users=20, seed=4)
    return network, NetworkTwin.mirror(network)


def test_a_fresh_mirror_does_not_diverge(pair):
    table = divergence(*pair)
    assert list(table.index) == ["position", "serving", "demand", "sinr"]
    assert (table[["error", "normalised", "outside"]].to_numpy() == 0).all()


def test_divergence_by_hand(pair):
    network, twin = pair
    state = network.state
    x, y, z = state.position_m[3].tolist()
    cell, channel = int(state.serving[5] + 1) % state.n_cells, int(state.channel[5])
    twin.apply(Move(1.0, 3, (x + 6.0, y + 8.0, z)))
    twin.apply(Handover(1.0, 5, cell, channel, int(state.beam[5])))
    twin.apply(Demand(1.0, 7, int(state.demand_bps[7]) + 200_000))
    table = divergence(network, twin)
    assert table.error["position"] == pytest.approx(10.0 / 20)
    spread_m = np.sqrt(((state.position_m - state.position_m.mean(0)) ** 2).sum() / 20)
    assert table.normalised["position"] == pytest.approx(np.sqrt(100 / 20) / spread_m)
    assert table.error["serving"] == table.normalised["serving"] == pytest.approx(1 / 20)
    assert table.error["demand"] == pytest.approx(10_000)
    assert table.outside.to_dict()["position"] == table.outside["serving"] == table.outside["demand"] == 1 / 20
    error_db = np.abs(network.kpis.sinr_db - twin.kpis.sinr_db)
    assert table.error["sinr"] == pytest.approx(error_db.mean())
    assert table.outside["sinr"] == (error_db > 1.0).mean() > 0
    loose = divergence(network, twin, {"position": 10.1, "demand": 1e6})
    assert loose.outside["position"] == loose.outside["demand"] == 0


def test_users_out_of_service_count_as_the_outage_level(pair):
    network, twin = pair
    user = int(np.argmax(network.kpis.sinr_db))
    state = network.state
    network.apply(Handover(1.0, user, -1, int(state.channel[user])))
    assert np.isneginf(network.kpis.sinr_db[user])
    assert np.isfinite(divergence(network, twin)[["error", "normalised"]].to_numpy()).all()


def test_a_network_without_spread_has_normalised_error_nought_or_infinite(pair):
    network, twin = pair
    network.state.demand_bps[:] = twin.state.demand_bps[:] = 5
    assert divergence(network, twin).normalised["demand"] == 0
    twin.state.demand_bps[0] = 6
    assert divergence(network, twin).normalised["demand"] == np.inf


def test_wrong_comparisons_are_refused(pair):
    network, twin = pair
    with pytest.raises(ValueError, match=r"tolerance names \['speed'\], but the groups are position, serving"):
        divergence(network, twin, {"speed": 1.0})
    with pytest.raises(ValueError, match="tolerance of sinr is -1"):
        divergence(network, twin, {"sinr": -1})
    with pytest.raises(ValueError, match="the network has 20 users, but the twin 6"):
        divergence(network, NetworkTwin.mirror(PhysicalNetwork.open_field(n_sites=1, n_users=6, seed=1)))
