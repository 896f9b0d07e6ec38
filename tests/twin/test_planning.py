"""Exhaustion dates: closed form, load coupling against its own definition, nested crowds, and the twin left alone."""

import numpy as np
import pytest

from dnt_lab.physical import PhysicalNetwork, coupled_load
from dnt_lab.twin import NetworkTwin
from dnt_lab.twin.growth import estimate_growth
from dnt_lab.twin.planning import demand_growth, exhaustion, exhaustion_factor, user_growth


def open_twin(**settings) -> NetworkTwin:
    return NetworkTwin.mirror(PhysicalNetwork.open_field(**({"n_sites": 3, "n_users": 40, "seed": 2} | settings)))


@pytest.fixture(scope="module")
def twin():
    return open_twin()


def cell_loads(state, radio, factor):
    grown = state.copy()
    grown.demand_bps = np.rint(state.demand_bps * factor).astype(np.int64)
    return (coupled_load(grown, radio) * state.bandwidth_hz).sum(axis=1) / state.bandwidth_hz.sum()


@pytest.mark.parametrize("growth", [0.01, 0.05])
def test_uncoupled_is_the_closed_form(twin, growth):
    table = exhaustion(twin, growth, coupled=False, max_factor=1000)
    load = cell_loads(twin.state, twin.radio, 1.0)
    busy = load > 1e-3
    assert busy.sum() > 4
    expected = np.log(1 / load[busy]) / np.log(1 + growth)
    for column in ("months", "earliest", "latest"):
        assert table[column].to_numpy()[busy] == pytest.approx(expected, rel=1e-9)


def test_a_lonely_cell_needs_no_coupling():
    twin = open_twin(n_sites=1, n_sectors=1, n_users=30)
    coupled, alone = (exhaustion(twin, 0.03, coupled=c)["months"].item() for c in (True, False))
    assert coupled == pytest.approx(alone, rel=1e-5) and 0 < alone < np.inf


def test_coupled_date_is_where_the_load_passes_one_and_earlier(twin):
    table, alone = exhaustion(twin, 0.04), exhaustion(twin, 0.04, coupled=False)
    assert (table["months"] <= alone["months"] + 1e-6).all()
    assert (table["months"] < alone["months"] - 0.1).any()
    for b, factor in enumerate(table["factor"]):
        if np.isfinite(factor):
            assert (
                cell_loads(twin.state, twin.radio, factor * 0.999)[b]
                < 1
                < cell_loads(twin.state, twin.radio, factor * 1.001)[b]
            )
        else:
            assert cell_loads(twin.state, twin.radio, 16.0)[b] <= 1
    assert table["months"].to_numpy() == pytest.approx(np.log(table["factor"]) / np.log(1.04))


def test_the_first_cell_gives_the_date_of_the_network(twin):
    factor = exhaustion(twin, 0.04)["factor"].min()
    assert exhaustion_factor(twin.state, twin.radio) == pytest.approx(factor, rel=1e-5)
    assert exhaustion_factor(twin.state, twin.radio, max_factor=1.01) == np.inf


def test_more_users(twin):
    table = exhaustion(twin, 0.04, by="users", max_factor=8, seed=3)
    load_with = user_growth(twin.state, twin.radio, 280, seed=3)
    assert load_with(0) == pytest.approx(demand_growth(twin.state, twin.radio)(1.0))  # the first users are today's
    reached = [(b, f) for b, f in enumerate(table["factor"]) if np.isfinite(f)]
    assert len(reached) > 2
    for b, factor in reached:
        count = round((factor - 1) * 40)
        assert load_with(count)[b] > 1 >= load_with(count - 1)[b]
    steps = np.array([load_with(k) for k in range(0, 281, 40)])
    assert (np.diff(steps, axis=0) >= -1e-5).all()  # one user more never relieves anybody


def test_users_and_demand_agree_on_average():
    """Twenty crowds drawn from the users of a lonely cell need, on average, what the growth of demand says."""
    twin = open_twin(n_sites=1, n_sectors=1, n_users=60, seed=4)
    by_demand = exhaustion(twin, 0.03)["factor"].item()
    by_users = [exhaustion(twin, 0.03, by="users", max_factor=6, seed=s)["factor"].item() for s in range(20)]
    assert np.mean(by_users) == pytest.approx(by_demand, rel=0.12)


def test_interval_from_history(twin):
    history = 100 * 1.04 ** np.arange(24) * np.random.default_rng(0).lognormal(0, 0.1, 24)
    table = exhaustion(twin, estimate_growth(history))
    late = table[np.isfinite(table["factor"])]
    assert (late["earliest"] < late["months"]).all() and (late["months"] < late["latest"]).all()
    narrow = exhaustion(twin, estimate_growth(history), confidence=0.5)
    assert (narrow["latest"] - narrow["earliest"]).min() < (table["latest"] - table["earliest"]).min()


def test_busy_and_idle_networks():
    twin = open_twin()
    state = twin.state.copy()
    state.demand_bps[:] = 0
    idle = exhaustion(NetworkTwin(state, twin.radio), 0.05)
    assert (idle["load"] == 0).all() and (idle["months"] == np.inf).all()
    state.demand_bps[:] = 20_000_000
    assert exhaustion(NetworkTwin(state, twin.radio), 0.05)["months"].min() == 0
    assert exhaustion_factor(state, twin.radio) == 1.0


def test_shrinking_demand_exhausts_nothing(twin):
    assert (exhaustion(twin, -0.01)["months"] == np.inf).all()


def test_planning_leaves_the_twin_alone(twin):
    before = twin.state.digest()
    exhaustion(twin, 0.04)
    exhaustion(twin, 0.04, by="users", max_factor=2)
    assert twin.state.digest() == before


@pytest.mark.parametrize(
    ("settings", "kind", "sentence"),
    [
        ({"growth_per_month": -2.0}, ValueError, "growth per month is -2.0, but it must be over -1"),
        ({"growth_per_month": "3 %"}, TypeError, "growth per month is '3 %', but a number is needed"),
        ({"by": "traffic"}, ValueError, "by is 'traffic', but growth is by 'demand' or by 'users'"),
        ({"by": "users", "coupled": False}, ValueError, "coupled is False, but new users change interference"),
        ({"max_factor": 0.5}, ValueError, "max_factor is 0.5, but it must be over 1"),
        ({"confidence": 1.0}, ValueError, "confidence is 1.0"),
    ],
)
def test_wrong_calls(twin, settings, kind, sentence):
    with pytest.raises(kind, match=sentence):
        exhaustion(twin, **({"growth_per_month": 0.04} | settings))
