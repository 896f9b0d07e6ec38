"""The synchroniser: known ages, budgets that hold, no way back in time, policies that rank as proven."""

import math
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnt_lab.physical import Configure, Demand, Handover, Move, PhysicalNetwork, encode
from dnt_lab.twin import DigitalNetworkTwin, NetworkTwin
from dnt_lab.twin.agent import Scope
from dnt_lab.twin.link import Arrival, Link
from dnt_lab.twin.policies import AgeOptimal, EventTriggered, Periodic, Randomised
from dnt_lab.twin.receiver import Receiver
from dnt_lab.twin.sync import Synchroniser
from dnt_lab.twin.sync_study import Recording, policy_study

POSITIONS = Scope(("position",))


@pytest.fixture(scope="module")
def recording():
    return Recording(PhysicalNetwork.open_field(n_sites=3, n_users=30, seed=2), 60)


def start(recording, policy, link=None, **settings):
    return Synchroniser(recording.rewind(), NetworkTwin.mirror(recording), policy, link, **settings)


# ages and budgets


@pytest.mark.parametrize(("period_s", "delay_s"), [(1.0, 0.0), (1.0, 0.3), (5.0, 0.25), (3.0, 4.5)])
def test_periodic_updates_with_constant_delay_have_the_known_age(recording, period_s, delay_s):
    sync = start(recording, Periodic(period_s), Link(delay_s), scope=POSITIONS, timeout_s=10.0)
    history = sync.run(60)
    settled = history[(history.t_s > 15) & (history.t_s <= 15 + 3 * 15)]  # whole periods
    assert settled.aoi_mean_s.mean() == pytest.approx(period_s / 2 + delay_s)
    assert settled.aoi_peak_s.max() == pytest.approx(period_s + delay_s)


@pytest.mark.parametrize("policy", [AgeOptimal(), Periodic(0.5)])
def test_serving_a_users_k_at_a_time_gives_a_mean_age_of_half_a_round(recording, policy):
    length = len(encode(Move(10.0, 10, (-100.1234567890123,) * 3, (-1.23456789012345678,) * 3)))
    sync = start(recording, policy, scope=POSITIONS, budget_bytes_s=6 * length)
    history = sync.run(60).iloc[20:]
    reports = history.messages.mean()
    assert history.aoi_mean_s.mean() == pytest.approx(30 / reports / 2, rel=0.03)


def test_the_twin_equals_the_network_when_everything_is_sent_at_once(recording):
    for policy in (EventTriggered(0.0), Periodic(1.0), AgeOptimal(), Randomised()):
        sync = start(recording, policy)
        history = sync.run(60)
        assert (history[["position_error_m", "serving_mismatch", "demand_error_bps", "sinr_error_db"]] == 0).all(None)
        assert sync.twin.state.digest() == recording.state.digest()


def test_a_network_of_twins_is_kept_in_step_through_one_link_a_region():
    network = PhysicalNetwork.open_field(n_sites=4, n_users=30, n_regions=2, seed=2)
    links = [Link(seed=1), Link(loss=1.0, seed=2)]
    sync = Synchroniser(network, DigitalNetworkTwin.mirror(network), AgeOptimal(), links)
    history = sync.run(10)
    assert links[0].stats.messages_lost == 0 < links[1].stats.messages_lost == links[1].stats.messages_sent
    assert (network.state.region[network.state.serving] == 0).any()
    age_s = sync.age_s.position
    assert (age_s == 0).any() and (age_s > 5).any()
    assert history.bytes.sum() == sum(link.stats.bytes_sent for link in links)


@settings(max_examples=15)
@given(st.floats(10, 1500), st.sampled_from([1.0, 3.0]), st.sampled_from([Randomised(), Periodic(10.0)]))
def test_no_stretch_of_time_costs_more_than_the_budget_allows(recording, budget, pace_s, policy):
    sync = start(recording, policy, budget_bytes_s=budget, pace_s=pace_s)
    total = np.concatenate([[0], np.cumsum(sync.run(30).bytes)])
    allowed = 512 + budget * (np.arange(31) + pace_s - 1)
    for first in range(30):
        assert (total[first + 1 :] - total[first] <= allowed[1 : 31 - first] * (1 + 1e-9)).all()
    if isinstance(policy, Randomised):  # it always has more to say, so it leaves no more than a message's worth unspent
        assert total[-1] >= budget * 30 - 512


def test_pace_sets_how_often_anything_is_sent(recording):
    bytes_sent = start(recording, AgeOptimal(), pace_s=4.0).run(20).bytes
    assert (bytes_sent.to_numpy().reshape(5, 4)[:, :3] == 0).all()
    assert (bytes_sent.to_numpy().reshape(5, 4)[:, 3] > 0).all()


def test_scope_sets_what_is_mirrored(recording):
    start_state = recording.rewind().snapshot()
    sync = start(recording, Periodic(1.0), scope=Scope(("position", "demand"), users=(3, 4)))
    history = sync.run(20)
    mirrored, real = sync.twin.state, recording.state
    assert np.array_equal(mirrored.position_m[3:5], real.position_m[3:5])
    others = np.delete(np.arange(30), [3, 4])
    assert np.array_equal(mirrored.position_m[others], start_state.position_m[others])
    assert np.array_equal(mirrored.serving, start_state.serving)
    assert (history.messages == 4).all()
    assert history.aoi_peak_s.max() == 1.0
    assert math.isnan(start(recording, Periodic(1.0), scope=Scope(("demand",))).run(3).aoi_mean_s.iloc[0])


def test_a_region_as_scope_follows_its_users():
    network = PhysicalNetwork.open_field(n_sites=4, n_users=30, n_regions=2, seed=2)
    scope = Scope(regions=(1,))
    sync = Synchroniser(network, NetworkTwin.mirror(network), Periodic(1.0), scope=scope)
    sync.run(5)
    inside = network.state.region[network.state.serving] == 1
    assert (sync.age_s.position.to_numpy()[inside] == 0).all()
    assert (sync.age_s.position.to_numpy()[~inside] > 0).all()


def test_dead_reckoning_needs_fewer_reports_for_the_same_error(recording):
    plain = start(recording, EventTriggered(3.0), scope=POSITIONS).run(60)
    reckoned = start(recording, EventTriggered(3.0), scope=POSITIONS, dead_reckoning=True).run(60)
    assert reckoned.messages.sum() < 0.5 * plain.messages.sum()
    assert reckoned.position_error_m.mean() < plain.position_error_m.mean() < 3.0


def test_the_threshold_bounds_the_error_of_every_user(recording):
    for dead_reckoning in (False, True):
        sync = start(recording, EventTriggered(4.0), dead_reckoning=dead_reckoning)
        for _ in range(60):
            sync.step(1.0)
            gap = np.linalg.norm(sync.twin.state.position_m - recording.state.position_m, axis=1)
            assert gap.max() <= 4.0 + 1e-9
            assert np.array_equal(sync.twin.state.serving, recording.state.serving)


def test_lost_reports_are_sent_again(recording):
    lossy = start(recording, EventTriggered(0.0), Link(loss=0.5, seed=3), timeout_s=1.0)
    lossy.run(60)
    assert lossy.twin.state.digest() != recording.state.digest()
    still = Recording(_standing_still(recording), 30)
    sync = start(still, EventTriggered(0.0), Link(loss=0.5, seed=3), timeout_s=1.0)
    sync.twin.apply(Demand(0.0, 3, 77))
    sync = Synchroniser(still, sync.twin, EventTriggered(0.0), Link(loss=0.5, seed=3), timeout_s=1.0)
    sync.run(30)
    assert sync.twin.state.demand_bps[3] == still.state.demand_bps[3]
    assert 1 <= sync.history.messages.sum() <= 10


def _standing_still(recording):
    return PhysicalNetwork(recording.rewind().snapshot(), recording.radio)


# never back in time


def _updates(recording):
    """Newer and older reports of one user, and the settings of a cell."""
    state = recording.rewind().state
    cell = int(state.serving[4])
    return [
        Move(1.0, 4, (1.0, 1.0, 1.5), (1.0, 0.0, 0.0)),
        Move(3.0, 4, (3.0, 3.0, 1.5)),
        Demand(2.0, 4, 50),
        Handover(2.5, 4, (cell + 1) % state.n_cells, 1),
        Handover(1.5, 4, (cell + 2) % state.n_cells, 0),
        Configure(1.0, 2, tx_power_dbm=20.0, tilt_deg=3.0),
        Configure(2.0, 2, tilt_deg=7.0),
    ]


def test_any_order_of_arrival_with_duplicates_leaves_the_same_twin(recording):
    events = _updates(recording)
    orders = list(permutations(events))[:: len(events) * 60 + 1]
    found = set()
    for order in orders:
        twin = NetworkTwin.mirror(recording)
        receiver = Receiver(twin, Scope(), False)
        for k, event in enumerate([*order, *order[::2]]):
            receiver.receive([Arrival(10.0 + k, encode(event))], 10.0 + k)
        found.add(twin.state.digest())
        assert twin.state.tilt_deg[2] == 7.0 and twin.state.tx_power_dbm[2] == 20.0
        assert tuple(twin.state.position_m[4]) == (3.0, 3.0, 1.5) and twin.state.channel[4] == 1
        assert receiver.outdated >= 4 and receiver.refused == 0
    assert len(found) == 1 and len(orders) > 5


@settings(max_examples=12)
@given(st.floats(0, 5), st.floats(0, 8), st.floats(0, 0.9), st.floats(0, 0.9), st.integers(0, 99))
def test_generation_times_never_fall_over_any_link(recording, delay_s, jitter_s, loss, duplicate, seed):
    sync = start(recording, AgeOptimal(), Link(delay_s, jitter_s, loss, duplicate, seed))
    before = sync.receiver.generated_s.copy()
    for k in range(1, 25):
        sync.step(1.0)
        assert (sync.receiver.generated_s >= before).all() and (sync.receiver.generated_s <= k).all()
        before = sync.receiver.generated_s.copy()
        assert sync.receiver.refused == 0
    # what the twin believes of a user is what was true when it was generated
    truth = np.array([moment[0].position_m for moment in recording._moments])
    rows = sync.receiver.generated_s[2].astype(int)
    assert np.array_equal(sync.twin.state.position_m, truth[rows, np.arange(30)])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x00\xff", "is not an event"),
        (b'{"event":"Shout","t_s":1}', "is not an event"),
        (encode(Move(99.0, 1, (0.0, 0.0, 1.5))), r"t_s is 99.0, but the message arrived at 5.0 s"),
        (b'{"event":"Demand","t_s":NaN,"user":1,"demand_bps":3}', "t_s is nan"),
        (b'{"event":"Demand","t_s":"now","user":1,"demand_bps":3}', "t_s is 'now'"),
        (b'{"event":"Move","t_s":1,"user":1,"position_m":[0,Infinity,1.5]}', "three finite numbers"),
        (encode(Demand(1.0, 400, 3)), "user is 400"),
        (b'{"event":"Move","t_s":1,"user":1,"position_m":5}', "three finite numbers"),
        (encode(Handover(1.0, 1, 77, 0)), "cell is 77"),
        (encode(Configure(1.0, 1, tilt_deg=400.0)), "tilt_deg of cell 1 is 400"),
    ],
)
def test_nonsense_is_counted_and_changes_nothing(recording, data, words):
    recording.rewind()
    twin = NetworkTwin.mirror(recording)
    before = twin.state.digest()
    receiver = Receiver(twin, Scope(), False)
    assert receiver.receive([Arrival(5.0, data)], 5.0) == []
    assert receiver.refused == 1
    with pytest.raises(ValueError, match=words):
        raise ValueError(receiver.last_refusal)
    assert twin.state.digest() == before


def test_settings_of_cells_are_forwarded_at_once(recording):
    class Configured(Recording):
        def step(self, dt_s):
            return [*super().step(dt_s), Configure(self.state.t_s, 1, tilt_deg=2.5)]

    network = Configured(_standing_still(recording), 3)
    sync = start(network, Periodic(100.0))
    assert sync.run(1).messages.iloc[0] == 1
    assert sync.twin.state.tilt_deg[1] == 2.5


# policies


@settings(max_examples=5)
@given(st.sampled_from([0.0, 0.3, 0.6]), st.integers(2, 9), st.integers(0, 50))
def test_oldest_first_has_the_least_mean_age_over_equal_links(recording, loss, reports, seed):
    def mean_age_s(policy):
        settings = {"scope": POSITIONS, "budget_bytes_s": reports * 175.0, "timeout_s": 0.5, "seed": seed}
        return start(recording, policy, Link(loss=loss, seed=seed), **settings).run(60).aoi_mean_s.iloc[10:].mean()

    oldest = mean_age_s(AgeOptimal())
    assert oldest < mean_age_s(Randomised())
    round_robin = mean_age_s(Periodic(0.5))
    assert oldest < round_robin * (1 if loss else 1.001)


def test_over_unequal_links_whittles_index_beats_round_robin():
    recording = Recording(PhysicalNetwork.open_field(n_sites=4, n_users=30, n_regions=2, seed=2), 60)

    def mean_age_s(policy, seed):
        links = [Link(loss=0.05, seed=seed), Link(loss=0.85, seed=seed + 100)]
        sync = start(recording, policy, links, scope=POSITIONS, budget_bytes_s=700.0, timeout_s=0.5)
        return sync.run(60).aoi_mean_s.iloc[15:].mean()

    gains = [mean_age_s(Periodic(0.5), seed) - mean_age_s(AgeOptimal(), seed) for seed in range(4)]
    assert min(gains) > 0


def test_policy_study_compares_policies_at_equal_cost():
    table = policy_study(
        lambda seed: PhysicalNetwork.open_field(n_sites=3, n_users=20, seed=seed),
        {"periodic": Periodic(1.0), "event": EventTriggered(5.0), "age": AgeOptimal()},
        [600.0, math.inf],
        seeds=range(3),
        n_steps=25,
        warm_up=5,
        make_link=lambda seed: Link(delay_s=0.2, loss=0.1, seed=seed),
    )
    assert len(table) == 6
    tight = table[table.budget_bytes_s == 600.0].set_index("policy")
    free = table[table.budget_bytes_s == math.inf].set_index("policy")
    assert (tight.bytes_s <= 601).all() and (tight.bytes_s_low <= tight.bytes_s).all()
    assert tight.aoi_mean_s["age"] < tight.aoi_mean_s["periodic"]
    assert tight.position_error_m["event"] < tight.position_error_m["periodic"]
    assert (free.aoi_mean_s <= tight.aoi_mean_s + 1e-9).all()
    assert free.bytes_s["periodic"] > free.bytes_s["age"] > free.bytes_s["event"]


def test_the_same_seed_gives_the_same_history(recording):
    def run(seed):
        return start(recording, Randomised(), Link(0.1, 3.0, 0.2, 0.1, seed), budget_bytes_s=900.0, seed=seed).run(20)

    pd.testing.assert_frame_equal(run(3), run(3))
    assert not run(3).equals(run(4))


def test_a_twin_that_starts_wrong_is_told(recording):
    twin = NetworkTwin.mirror(recording.rewind())
    twin.apply(Demand(0.0, 3, 123))
    sync = Synchroniser(recording, twin, EventTriggered(0.0))
    sync.step(1.0)
    assert twin.state.demand_bps[3] == recording.state.demand_bps[3]


def test_a_recording_replays_the_same_life():
    network = PhysicalNetwork.open_field(n_sites=1, n_users=5, seed=8)
    twin = NetworkTwin.mirror(network)
    replay = Recording(network, 4)
    for _ in range(2):
        replay.rewind()
        for _ in range(4):
            twin.apply_all(replay.step(1.0))
        assert twin.state.digest() == replay.state.digest() == network.state.digest()
    assert np.array_equal(replay.kpis.sinr, network.kpis.sinr)
    assert repr(replay) == "Recording(4 steps of 1 s, 5 users, at step 4)"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"budget_bytes_s": 0}, "budget_bytes_s is 0"),
        ({"budget_bytes_s": math.nan}, "budget_bytes_s is nan"),
        ({"pace_s": -1.0}, "pace_s is -1.0"),
        ({"timeout_s": math.inf}, "timeout_s is inf"),
        ({"link": [Link(), Link(), Link()]}, "3 links are given"),
        ({"link": []}, "0 links are given"),
        ({"scope": Scope(users=(30,))}, r"scope names users \(30,\), but there are users 0 ... 29"),
        ({"scope": Scope(regions=(4,))}, r"scope names regions \(4,\), but there are \[0\]"),
    ],
)
def test_wrong_settings_are_refused(recording, settings, words):
    with pytest.raises(ValueError, match=words):
        start(recording, Periodic(1.0), **settings)


def test_wrong_use_is_refused(recording):
    with pytest.raises(ValueError, match="properties is 'position', but a scope names some of"):
        Scope("position")
    with pytest.raises(ValueError, match=r"properties is \(\)"):
        Scope(())
    with pytest.raises(ValueError, match="the network has 30 users, but the twin 5"):
        other = NetworkTwin.mirror(PhysicalNetwork.open_field(n_sites=1, n_users=5, seed=8))
        Synchroniser(recording.rewind(), other, Periodic(1.0))
    sync = start(recording, Periodic(1.0))
    with pytest.raises(ValueError, match="n_steps is 0"):
        sync.run(0)
    with pytest.raises(ValueError, match=r"dt_s is 0.5, but this recording has steps of 1.0 s"):
        sync.step(0.5)
    with pytest.raises(ValueError, match="the recording ends after 60 steps"):
        sync.run(61)
    with pytest.raises(ValueError, match=r"n_steps is 2.5, but a recording needs"):
        Recording(recording, 2.5)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"policies": {}}, "0 policies and 1 budgets"),
        ({"seeds": [1]}, "1 seed is given"),
        ({"n_steps": 5, "warm_up": 5}, "warm_up is 5"),
    ],
)
def test_a_study_without_substance_is_refused(arguments, words):
    given = {"policies": {"periodic": Periodic(1.0)}, "budgets_bytes_s": [100.0]} | arguments
    with pytest.raises(ValueError, match=words):
        policy_study(lambda seed: None, **given)
