"""Upgrades: each does what it says and nothing else; ranking and greedy plan against brute force."""

from itertools import combinations

import numpy as np
import pytest

from dnt_lab.physical import PhysicalNetwork, evaluate
from dnt_lab.twin import NetworkTwin
from dnt_lab.twin.planning import exhaustion_factor
from dnt_lab.twin.upgrades import Upgrade, greedy_plan, rank_upgrades, settle

CANDIDATES = [
    Upgrade("carrier", 3.52e9, 8.0),
    Upgrade("site", (60.0, 110.0), 5.0),
    Upgrade("tilt", 12.0, 1.0, cell=1),
    Upgrade("power", -3.0, 1.0, cell=4),
]


@pytest.fixture(scope="module")
def twin():
    return NetworkTwin.mirror(PhysicalNetwork.open_field(n_sites=3, n_users=40, seed=2))


def months(twin, upgrades, growth=0.04):
    state, radio = twin.state, twin.radio
    for upgrade in upgrades:
        state, radio = upgrade.apply(state, radio)
    return np.log(exhaustion_factor(settle(state, radio), radio, 64.0)) / np.log(1 + growth)


def test_power_and_tilt_change_one_cell(twin):
    state, radio = Upgrade("power", 3.0, 1.0, cell=1).apply(twin.state, twin.radio)
    assert (state.tx_power_dbm - twin.state.tx_power_dbm).tolist() == [0, 3, 0, 0, 0, 0, 0, 0, 0]
    state, radio = Upgrade("tilt", 12.0, 1.0, cell=2).apply(twin.state, twin.radio)
    assert np.flatnonzero(state.tilt_deg != twin.state.tilt_deg).tolist() == [2] and radio is twin.radio


def test_a_carrier_is_for_all_cells(twin):
    state, radio = Upgrade("carrier", 2.1e9, 1.0).apply(twin.state, twin.radio)
    assert state.freq_hz.tolist() == [3.5e9, 3.51e9, 2.1e9] and state.bandwidth_hz.tolist() == [1e7] * 3
    settled = settle(state, radio)
    assert set(settled.channel) == {0, 1, 2}
    assert settled.digest() == settle(settled, radio).digest()


def test_settling_balances_the_channels_of_each_cell(twin):
    state = settle(twin.state, twin.radio)
    for cell in range(state.n_cells):
        mine = state.serving == cell
        filled = [state.demand_bps[mine & (state.channel == c)].sum() for c in range(2)]
        assert abs(filled[0] - filled[1]) <= state.demand_bps[mine].max(initial=0)
    best = twin.radio.received_dbm(
        state, state.position_m, state.freq_hz[state.channel], np.tile(np.arange(9), (state.n_users, 1))
    )
    assert (state.serving == best.argmax(axis=1)).all()


@pytest.mark.parametrize("xy_m", [(60.0, 110.0), (-500.0, -500.0)])
def test_a_new_site_leaves_the_old_links_as_they_were(twin, xy_m):
    state, radio = Upgrade("site", xy_m, 1.0).apply(twin.state, twin.radio)
    assert state.n_cells == 12 and state.cell_position_m[9:, :2].tolist() == [list(xy_m)] * 3
    before, after = (evaluate(s, r) for s, r in ((twin.state, twin.radio), (state, radio)))
    old = [
        np.argsort(twin.radio.tile_cells[before.tile], axis=1),
        np.argsort(radio.tile_cells[after.tile], axis=1)[:, :9],
    ]
    heard = [np.take_along_axis(k.heard_q, order, axis=1) for k, order in zip((before, after), old, strict=True)]
    np.testing.assert_allclose(*heard, rtol=1e-12)
    assert (after.heard_q > 0).all()


def test_a_second_carrier_doubles_a_lonely_cell():
    network = PhysicalNetwork.open_field(n_sites=1, n_users=40, seed=1, n_sectors=1, freq_hz=(3.5e9,))
    network.state.demand_bps[:] = 100_000
    table = rank_upgrades(NetworkTwin.mirror(network), [Upgrade("carrier", 3.5e9, 2.0)], 0.05)
    assert table["upgrade"].tolist() == ["carrier at 3.5 GHz", "as it is"]
    assert table["months_gained"][0] == pytest.approx(np.log(2) / np.log(1.05), rel=1e-4)
    assert table["gain_per_cost"][0] == pytest.approx(table["months_gained"][0] / 2)


def test_ranking_by_brute_force(twin):
    before = twin.state.digest()
    table = rank_upgrades(twin, CANDIDATES, 0.04)
    assert (table["gain_per_cost"].diff().dropna() <= 0).all() and len(table) == 5
    now = months(twin, [])
    for upgrade in CANDIDATES:
        row = table[table["upgrade"] == upgrade.name].iloc[0]
        assert row["months"] == pytest.approx(months(twin, [upgrade]))
        assert row["gain_per_cost"] == pytest.approx((row["months"] - now) / upgrade.cost)
    assert twin.state.digest() == before


@pytest.mark.parametrize("seed", [2, 5])
def test_greedy_plan_by_brute_force(seed):
    twin = NetworkTwin.mirror(PhysicalNetwork.open_field(n_sites=3, n_users=40, seed=seed))
    budget = 10.0
    plan = greedy_plan(twin, CANDIDATES, 0.04, budget)
    sets = [s for n in range(5) for s in combinations(CANDIDATES, n) if sum(u.cost for u in s) <= budget]
    best, now = max(months(twin, s) for s in sets), months(twin, [])
    assert plan["months"].iloc[0] == pytest.approx(now)
    assert (plan["months"].diff().dropna() > 0).all() and plan["cost"].sum() <= budget
    assert now + 0.8 * (best - now) <= plan["months"].iloc[-1] <= best + 1e-9  # the first step may be a trap


def test_no_budget_buys_nothing(twin):
    assert greedy_plan(twin, CANDIDATES, 0.04, 0.0)["upgrade"].tolist() == ["as it is"]


@pytest.mark.parametrize(
    ("call", "kind", "sentence"),
    [
        (lambda t: Upgrade("antenna", 1.0, 1.0), ValueError, "kind of an upgrade is 'antenna'"),
        (lambda t: Upgrade("carrier", 3.5e9, 0.0), ValueError, "cost of an upgrade is 0.0, but it must be over 0"),
        (lambda t: Upgrade("site", 5.0, 1.0), ValueError, "value of a new site is 5.0, but a position"),
        (lambda t: Upgrade("power", 3.0, 1.0), ValueError, "cell of a power upgrade is None, but a cell must be named"),
        (lambda t: Upgrade("carrier", 3.5e9, 1.0, cell=2), ValueError, "is 2, but no cell can be named"),
        (
            lambda t: Upgrade("tilt", "down", 1.0, cell=2),
            TypeError,
            "value of a tilt is 'down', but a number is needed",
        ),
        (
            lambda t: Upgrade("power", 3.0, 1.0, cell=9).apply(t.state, t.radio),
            ValueError,
            "cell is 9, but this network",
        ),
        (
            lambda t: Upgrade("tilt", 95.0, 1.0, cell=0).apply(t.state, t.radio),
            ValueError,
            "tilt_deg of cell 0 is 95.0",
        ),
        (
            lambda t: Upgrade("site", tuple(t.state.cell_position_m[0, :2]), 1.0).apply(t.state, t.radio),
            ValueError,
            "a site stands there already",
        ),
        (lambda t: rank_upgrades(t, [], 0.04), ValueError, "candidates are empty"),
        (lambda t: rank_upgrades(t, CANDIDATES, 0.0), ValueError, "upgrades gain time only if demand grows"),
        (lambda t: greedy_plan(t, CANDIDATES, 0.04, -1.0), ValueError, "budget is -1.0, but it must be at least 0"),
    ],
)
def test_wrong_calls(twin, call, kind, sentence):
    with pytest.raises(kind, match=sentence):
        call(twin)
