"""What-if: the prediction is what the network then does, and neither network nor twin notices being asked."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnt_lab.physical import Configure, Demand, Fault, Handover, HandoverRule, OnOff, PhysicalNetwork, RandomWaypoint
from dnt_lab.physical.kpis import evaluate
from dnt_lab.twin import SLA, NetworkTwin, Scenario, Switch, UserGrowth, n_minus_one, network_kpis, what_if


@pytest.fixture(scope="module")
def network():
    pn = PhysicalNetwork.open_field(n_sites=7, n_users=60, seed=4)
    for _ in range(3):
        pn.step(1.0)
    pn.mobility = pn.demand = None
    for _ in range(5):  # let handovers settle
        pn.step(1.0)
    return pn


@pytest.fixture
def twin(network):
    return NetworkTwin.mirror(network)


def fails(cell):
    return Scenario(f"bs-{cell} fails", [Fault("link_failure", cell)])


SCENARIOS = [
    fails(3),
    Scenario("louder", [Configure(0.0, 5, tx_power_dbm=44.0)]),
    Scenario("moved", [Handover(0.0, 7, 2, 1)]),
    Scenario("busier", [Demand(0.0, 7, 30_000_000)]),
    Scenario("surge", [Fault("overload", 0, 6.0)]),
    Scenario("tilted", [Fault("wrong_tilt", 0, 15.0)]),
    Scenario("gap", [Fault("missing_neighbour", 0, 5.0)]),
    Scenario("crowd", [UserGrowth(1.5, seed=2)]),
    Scenario("other band", [Switch(3, channel=1), Switch(4, channel=0)]),
]


@pytest.mark.parametrize("run_s", [0.0, 2.0])
def test_network_and_twin_are_untouched(network, twin, run_s):
    before = network.state.digest(), twin.state.digest()
    heard_q, sinr, load = twin.kpis.heard_q.copy(), twin.kpis.sinr.copy(), twin.kpis.load.copy()
    what_if(twin, SCENARIOS, run_s=run_s, mobility=lambda state: RandomWaypoint(network.bounds_m))
    n_minus_one(twin)
    assert (network.state.digest(), twin.state.digest()) == before
    np.testing.assert_array_equal(twin.kpis.heard_q, heard_q)
    np.testing.assert_array_equal(twin.kpis.sinr, sinr)
    np.testing.assert_array_equal(twin.kpis.load, load)


def test_writing_to_a_branch_raises_nothing_on_the_parent(twin):
    before, branch = twin.state.digest(), twin.branch()
    branch.apply(Configure(1.0, 2, on=False))
    branch.apply(Handover(1.0, 4, 3, 0))
    assert branch.state.digest() != before
    assert twin.state.digest() == before
    np.testing.assert_array_equal(twin.kpis.sinr, evaluate(twin.state, twin.radio).sinr)


def test_table_is_baseline_plus_difference(twin):
    table = what_if(twin, SCENARIOS)
    assert list(table.columns) == ["baseline", "predicted", "difference", "verdict"]
    np.testing.assert_allclose(table["baseline"] + table["difference"], table["predicted"])
    for name, value in network_kpis(twin.state, twin.radio).items():
        assert (table.xs(name, level="kpi")["baseline"] == value).all()
    assert (table.xs("failures", level="kpi")["baseline"] == 0).all()


def test_a_scenario_that_repeats_what_is_changes_nothing(twin):
    same = Scenario("same", [Configure(0.0, 1, tilt_deg=float(twin.state.tilt_deg[1]))])
    assert (what_if(twin, [same])["difference"] == 0).all()


@pytest.mark.parametrize("scenario", SCENARIOS[:7], ids=lambda s: s.name)
def test_the_network_confirms_the_prediction_exactly_when_nobody_moves(network, twin, scenario):
    """Same change in the physical network, users at rest: indicators equal to the last bit."""
    predicted = what_if(twin, [scenario], run_s=3.0).xs(scenario.name)["predicted"]
    real = PhysicalNetwork(network.state, network.radio)
    for change in scenario.changes:
        (real.inject if isinstance(change, Fault) else real.apply)(change)
    moved, each = int((real.state.serving != twin.state.serving).sum()), []
    for _ in range(3):
        before = real.state.serving.copy()
        real.step(1.0)
        moved += int((real.state.serving != before).sum())
        each.append(network_kpis(real.state, real.radio))
    for name in each[0]:
        assert predicted[name] == pytest.approx(np.mean([k[name] for k in each]), abs=1e-12), name
    assert predicted["failures"] == real.failures.sum()
    assert predicted["handovers"] == moved - real.failures.sum()


def test_the_network_confirms_the_prediction_within_a_tenth_when_users_move():
    """The twin does not know where users will go: its means over 30 s of its own future are within the stated error."""
    pn = PhysicalNetwork.open_field(n_sites=7, n_users=200, seed=11)
    pn.demand = None
    twin = NetworkTwin.mirror(pn)
    predicted = what_if(twin, [fails(0)], run_s=30.0, mobility=lambda state: RandomWaypoint(pn.bounds_m), seed=5)
    pn.inject(Fault("link_failure", 0))
    each = []
    for _ in range(30):
        pn.step(1.0)
        each.append(network_kpis(pn.state, pn.radio))
    real = {name: np.mean([k[name] for k in each]) for name in each[0]}
    row = predicted.xs("bs-0 fails")["predicted"]
    assert row["throughput_mbit_s"] == pytest.approx(real["throughput_mbit_s"], rel=0.1)
    assert row["median_sinr_db"] == pytest.approx(real["median_sinr_db"], abs=1.5)
    assert row["p5_rate_mbit_s"] == pytest.approx(real["p5_rate_mbit_s"], rel=0.3)


def test_same_seed_same_table_and_another_seed_another(network, twin):
    def ask(seed):
        future = {
            "mobility": lambda s: RandomWaypoint(network.bounds_m),
            "demand": lambda s: OnOff(s.demand_bps + 10**6),
        }
        return what_if(twin, [fails(3)], run_s=4.0, seed=seed, **future)

    assert ask(1).equals(ask(1))
    assert not ask(1).equals(ask(2))


def test_n_minus_one_equals_one_by_one_simulation(twin):
    """Oracle: switch the cell off in a simulator where only users without signal re-attach, and evaluate afresh."""
    table = n_minus_one(twin)
    assert len(table) == twin.state.n_cells
    for cell in range(twin.state.n_cells):
        only_rescue = HandoverRule(hysteresis_db=1e9, failure_sinr_db=-1e3)
        real = twin.simulator(handover=only_rescue)
        real.apply(Configure(0.0, cell, on=False))
        real.step(1.0)
        row = table.loc[f"bs-{cell}"]
        for name, value in network_kpis(real.state, real.radio).items():
            assert row[name] == pytest.approx(value, abs=1e-9), (cell, name)
        assert row["users"] == (twin.state.serving == cell).sum() == real.failures.sum()
        at_once = what_if(twin, [fails(cell)]).xs(f"bs-{cell} fails")["predicted"]
        assert row["max_load"] == pytest.approx(at_once["max_load"], abs=1e-12)


def test_n_minus_one_is_sorted_by_severity_and_takes_whole_sites(twin):
    cells, sites = n_minus_one(twin), n_minus_one(twin, by="site")
    for table in (cells, sites):
        worst_first = list(zip(table["lost_mbit_s"], table["max_load"], strict=True))
        assert worst_first == sorted(worst_first, reverse=True)
    assert len(sites) == 7
    assert sites["users"].sum() == cells["users"].sum() == (twin.state.serving >= 0).sum()
    assert sites.loc["bs-0, bs-1, bs-2", "users"] == cells.loc[["bs-0", "bs-1", "bs-2"], "users"].sum()


def test_when_the_only_site_fails_nobody_is_served():
    twin = NetworkTwin.mirror(PhysicalNetwork.open_field(n_sites=1, n_users=10, seed=1))
    row = n_minus_one(twin, by="site", sla=SLA(max_outage_share=0.5)).iloc[0]
    assert (row["outage_share"], row["throughput_mbit_s"], row["verdict"]) == (1.0, 0.0, "violated")
    assert row["median_sinr_db"] == -np.inf


def test_beams_point_at_rescued_users():
    twin = NetworkTwin.mirror(PhysicalNetwork.open_field(n_sites=3, n_users=30, seed=1, n_beams=8))
    real = twin.simulator(handover=HandoverRule(hysteresis_db=1e9, failure_sinr_db=-1e3))
    real.apply(Configure(0.0, 0, on=False))
    real.step(1.0)
    row = n_minus_one(twin).loc["bs-0"]
    assert row["median_sinr_db"] == pytest.approx(network_kpis(real.state, real.radio)["median_sinr_db"])


@given(factor=st.floats(1.0, 4.0), seed=st.integers(0, 5))
def test_growth_adds_users_who_resemble_others_and_leaves_the_others_alone(factor, seed):
    twin = NetworkTwin.mirror(PhysicalNetwork.open_field(n_sites=3, n_users=20, seed=3))
    grown = UserGrowth(factor, seed).grown(twin.state, twin.radio)
    assert grown.n_users == 20 + round((factor - 1) * 20)
    for name in ("position_m", "serving", "demand_bps", "kind", "channel", "beam"):
        np.testing.assert_array_equal(getattr(grown, name)[:20], getattr(twin.state, name))
    distance_m = np.linalg.norm(grown.position_m[20:, None] - twin.state.position_m, axis=2)
    assert (distance_m.min(axis=1, initial=np.inf) <= 30).all()
    assert set(grown.kind[20:]) <= set(twin.state.kind)


def test_growth_in_a_city_keeps_newcomers_out_of_houses():
    pn = PhysicalNetwork.from_city("florence", n_sites=3, n_users=30, seed=2)
    grown = UserGrowth(3.0).grown(pn.state, pn.radio)
    assert not pn.radio.scene.indoor(grown.position_m[:, :2]).any()


def test_growth_raises_the_load(twin):
    crowd = what_if(twin, [Scenario("crowd", [UserGrowth(2.0)])]).xs("crowd")
    assert crowd.loc["max_load", "difference"] > 0
    assert crowd.loc["p5_rate_mbit_s", "difference"] < 0


def test_throughput_is_the_demand_until_a_cell_is_full():
    pn = PhysicalNetwork.open_field(n_sites=1, n_users=1, seed=0, n_sectors=1)
    pn.apply(Demand(0.0, 0, 1_000_000))
    assert network_kpis(pn.state, pn.radio)["throughput_mbit_s"] == pytest.approx(1.0)
    pn.apply(Demand(0.0, 0, 10**9))
    capacity = evaluate(pn.state, pn.radio).rate_bps[0]  # alone on the channel: its rate is the cell's capacity
    after = network_kpis(pn.state, pn.radio)
    assert after["throughput_mbit_s"] == pytest.approx(capacity / 1e6, rel=1e-4)
    assert after["max_load"] == pytest.approx(1e9 / capacity, rel=1e-4)


def test_sla_verdicts(twin):
    strict, lax = SLA(1e6, 0.0, 0.0), SLA(0.0, 1.0, 1e9)
    for sla, word in ((strict, "violated"), (lax, "met")):
        verdict = what_if(twin, [fails(3)], sla=sla).xs("bs-3 fails")["verdict"]
        assert verdict[["p5_rate_mbit_s", "max_load"]].tolist() == [word, word]
        assert verdict["handovers"] == ""
    assert (what_if(twin, [fails(3)])["verdict"] == "").all()
    assert set(n_minus_one(twin, sla=lax)["verdict"]) == {"met"}
    assert set(n_minus_one(twin)["verdict"]) == {""}


def test_the_outage_threshold_is_the_agreements(twin):
    all_out = what_if(twin, [fails(3)], sla=SLA(outage_sinr_db=100.0))
    assert (all_out.xs("outage_share", level="kpi")["predicted"] == 1.0).all()


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda t: what_if(t, []), TypeError, "a list of at least one Scenario is needed"),
        (lambda t: what_if(t, [Fault("link_failure", 1)]), TypeError, "a list of at least one Scenario is needed"),
        (lambda t: what_if(t, [fails(1), fails(1)]), ValueError, "two scenarios are called 'bs-1 fails'"),
        (lambda t: what_if(t, [fails(99)]), ValueError, "fault names cell 99, but this network has cells 0 ... 20"),
        (lambda t: what_if(t, [fails(1)], run_s=-1), ValueError, "run_s is -1, but it must be at least 0"),
        (lambda t: what_if(t, [fails(1)], run_s=5, step_s=0), ValueError, "step_s is 0, but it must be over 0"),
        (
            lambda t: what_if(t, [fails(1)], run_s=5, mobility=3),
            TypeError,
            "mobility is 3, but a function from a State",
        ),
        (lambda t: what_if(t, [fails(1)], seed=-2), ValueError, "seed is -2, but it must be at least 0"),
        (lambda t: what_if(t, [Scenario("s", [Switch(77, channel=1)])]), ValueError, "switch names user 77"),
        (lambda t: what_if(t, [Scenario("s", [Switch(7, channel=9)])]), ValueError, "channel is 9, but"),
        (
            lambda t: what_if(with_beams(), [Scenario("s", [Switch(7, beam=9)])]),
            ValueError,
            "beam is 9, but this codebook",
        ),
        (lambda t: Scenario("", [Fault("link_failure", 1)]), ValueError, "name of a scenario is ''"),
        (lambda t: Scenario("s", []), ValueError, "must be a list of at least one change"),
        (lambda t: Scenario("s", ["link_failure"]), TypeError, "holds 'link_failure', but a change is an event, fault"),
        (lambda t: UserGrowth(0.5), ValueError, "factor of user growth is 0.5, but it must be at least 1"),
        (lambda t: UserGrowth("2"), TypeError, "factor of user growth is '2', but a number is needed"),
        (lambda t: Switch(3), ValueError, "names neither channel nor beam"),
        (lambda t: SLA(max_outage_share=1.5), ValueError, "max_outage_share is 1.5"),
        (lambda t: SLA(max_load=float("nan")), ValueError, "max_load is nan"),
        (lambda t: n_minus_one(t, by="region"), ValueError, "by is 'region', but 'cell' or 'site' fails"),
        (lambda t: n_minus_one(nobody()), ValueError, "no users, so nobody feels its quality"),
    ],
)
def test_wrong_calls_are_answered_in_one_sentence(twin, call, error, sentence):
    before = twin.state.digest()
    with pytest.raises(error) as caught:
        call(twin)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert twin.state.digest() == before


def nobody():
    return NetworkTwin.mirror(PhysicalNetwork.open_field(n_sites=3, n_users=0, seed=1))


def with_beams():
    return NetworkTwin.mirror(PhysicalNetwork.open_field(n_sites=3, n_users=20, seed=1, n_beams=8))
