"""Incremental evaluation equals a full one to the last bit, touches whom it says, and survives what does not fit."""

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from dnt_lab.physical import Configure, Demand, Handover, Move, PhysicalNetwork, Radio, evaluate
from dnt_lab.twin import Incremental

N_USERS = 24
REACH_M = 420.0

NETWORKS = {
    "everyone hears all": {"n_sites": 7},
    "few heard, small tiles": {"n_sites": 19, "n_heard": 3, "tile_m": 60.0},
    "some heard, tiles as wide as cells": {"n_sites": 19, "n_heard": 7, "tile_m": 200.0, "n_beams": 8},
    "beams": {"n_sites": 3, "n_beams": 4},
    "omnidirectional, one site": {"n_sites": 1, "n_sectors": 1},
    "one heard": {"n_sites": 7, "n_sectors": 1, "n_heard": 1, "tile_m": 100.0},
    "three uneven channels": {"n_sites": 7, "freq_hz": (2e9, 3.5e9, 28e9), "n_heard": 4, "tile_m": 150.0},
    "city": {"city": "florence", "n_sites": 3, "n_beams": 8},
}


@functools.cache
def network(name):
    """State and radio settings of a network; small, so that many sequences can be tried."""
    settings = dict(NETWORKS[name])
    radio = {k: settings.pop(k) for k in ("n_heard", "tile_m") if k in settings}
    if "city" in settings:
        pn = PhysicalNetwork.from_city(n_users=N_USERS, seed=1, **settings)
    else:
        pn = PhysicalNetwork.open_field(n_users=N_USERS, seed=1, spacing_m=160.0, **settings)
    pn.state.demand_bps[::2] = 4_000_000
    return pn.state, {"scene": pn.radio.scene, "n_beams": pn.radio.n_beams, "seed": 1, **radio}


def start(name):
    state, settings = network(name)
    return Incremental(state, Radio(state.cell_position_m, **settings))


def assert_equal_to_a_full_evaluation(engine):
    full = evaluate(engine.state, engine.radio)
    for field, value in vars(full).items():
        np.testing.assert_array_equal(getattr(engine.kpis, field), value, err_msg=field)


users = st.integers(0, N_USERS - 1)
coordinates = st.floats(-REACH_M, REACH_M)
positions = st.tuples(coordinates, coordinates, st.sampled_from([1.5, 1.5, 7.25]))
demands = st.sampled_from([0, 1, 50_000, 3_000_000, 20_000_000, 10**12])


def an_event(data, engine, t_s):
    """Any event that fits the network: moves, handovers, detachments, channel and beam switches, demands, settings."""
    state = engine.state
    cells = st.integers(0, state.n_cells - 1)
    channels, beams = st.integers(0, state.n_channels - 1), st.integers(0, engine.radio.n_beams - 1)
    return data.draw(
        st.one_of(
            st.builds(Move, st.just(t_s), users, positions, st.just((0.5, 0.0, 0.0))),
            st.builds(Handover, st.just(t_s), users, st.integers(-1, state.n_cells - 1), channels, beams),
            st.builds(Demand, st.just(t_s), users, demands),
            st.builds(
                Configure,
                st.just(t_s),
                cells,
                st.none() | st.floats(-30, 38),
                st.none() | st.floats(-90, 90),
                st.none() | st.floats(-360, 360),
                st.none() | st.booleans(),
            ),
        )
    )


class AnySequenceOfEvents(RuleBasedStateMachine):
    """After every event all indicators equal a full evaluation, bit for bit; who is untouched has not changed."""

    @initialize(name=st.sampled_from(sorted(NETWORKS)))
    def begin(self, name):
        self.engine, self.t_s = start(name), 0.0

    def apply(self, event):
        before = {k: v.copy() for k, v in vars(self.engine.kpis).items()}
        old = self.engine.state.copy()
        touched = self.engine.apply(event)
        kpis = self.engine.kpis
        assert len(np.unique(touched)) == len(touched)
        untouched = np.setdiff1d(np.arange(N_USERS), touched)
        for field in ("tile", "heard_q", "off_boresight_deg", "interference_q", "sinr", "rate_bps"):
            np.testing.assert_array_equal(before[field][untouched], getattr(kpis, field)[untouched], err_msg=field)
        for column in ("position_m", "velocity_m_s", "serving", "channel", "beam", "demand_bps"):
            np.testing.assert_array_equal(
                getattr(old, column)[untouched], getattr(self.engine.state, column)[untouched]
            )

    @rule(data=st.data())
    def anything(self, data):
        self.t_s += 1.0
        self.apply(an_event(data, self.engine, self.t_s))

    @rule(user=users, data=st.data())
    def switch_channel(self, user, data):
        state = self.engine.state
        channel = data.draw(st.integers(0, state.n_channels - 1))
        self.apply(Handover(self.t_s, user, int(state.serving[user]), channel, int(state.beam[user])))

    @rule(user=users, data=st.data())
    def hand_over_to_a_cell_it_hears(self, user, data):
        state = self.engine.state
        cell = data.draw(st.sampled_from(self.engine.radio.tile_cells[self.engine.kpis.tile[user]].tolist()))
        self.apply(Handover(self.t_s, user, cell, int(state.channel[user])))

    @rule(user=users, cell=st.integers(0, 8), on=st.booleans())
    def switch_a_cell(self, user, cell, on):
        serving = int(self.engine.state.serving[user])
        self.apply(Configure(self.t_s, serving if serving >= 0 else cell % self.engine.state.n_cells, on=on))

    @rule(place=positions)
    def crowd(self, place):
        for user in range(8):
            self.apply(Move(self.t_s, user, place))

    @rule(data=st.data())
    def twice_is_once(self, data):
        event = an_event(data, self.engine, self.t_s)
        self.engine.apply(event)
        digest, kpis = self.engine.state.digest(), {k: v.copy() for k, v in vars(self.engine.kpis).items()}
        self.engine.apply(event)
        assert self.engine.state.digest() == digest
        for field, value in kpis.items():
            np.testing.assert_array_equal(getattr(self.engine.kpis, field), value, err_msg=field)

    @rule(data=st.data(), wrong=st.sampled_from(["user", "cell", "height", "beam", "demand"]))
    def what_does_not_fit_changes_nothing(self, data, wrong):
        user, state = data.draw(users), self.engine.state
        event = {
            "user": Demand(9e9, N_USERS, 1),
            "cell": Handover(9e9, user, state.n_cells, 0),
            "height": Move(9e9, user, (0.0, 0.0, 0.2)),
            "beam": Handover(9e9, user, 0, 0, 2**70),
            "demand": Demand(9e9, user, 2**63),
        }[wrong]
        digest, kpis = state.digest(), {k: v.copy() for k, v in vars(self.engine.kpis).items()}
        with pytest.raises(ValueError):
            self.engine.apply(event)
        assert self.engine.state.digest() == digest
        for field, value in kpis.items():
            np.testing.assert_array_equal(getattr(self.engine.kpis, field), value, err_msg=field)

    @invariant()
    def equals_a_full_evaluation(self):
        if hasattr(self, "engine"):
            assert_equal_to_a_full_evaluation(self.engine)


TestAnySequenceOfEvents = AnySequenceOfEvents.TestCase
TestAnySequenceOfEvents.settings = settings(max_examples=30, stateful_step_count=16)


@pytest.mark.parametrize("name", NETWORKS)
def test_hundreds_of_events_on_every_network(name):
    engine, rng = start(name), np.random.default_rng(2)
    b, c = engine.state.n_cells, engine.state.n_channels
    for t in range(400):
        user, kind = int(rng.integers(N_USERS)), rng.integers(8)
        beam = int(rng.integers(engine.radio.n_beams))
        if kind <= 2:
            event = Move(t, user, (*rng.uniform(-REACH_M, REACH_M, 2).tolist(), 1.5))
        elif kind <= 4:
            event = Handover(t, user, int(rng.integers(-1, b)), int(rng.integers(c)), beam)
        elif kind <= 6:
            event = Demand(t, user, int(rng.choice([0, 50_000, 3_000_000, 20_000_000])))
        else:
            tilt, azimuth = rng.uniform(0, 30), rng.uniform(-360, 360)
            power, on = float(rng.uniform(0, 38)), bool(rng.random() < 0.7)
            event = Configure(t, int(rng.integers(b)), power, float(tilt), float(azimuth), on)
        engine.apply(event)
        if t % 40 == 39:
            assert_equal_to_a_full_evaluation(engine)
    assert (engine.kpis.load > 0).any() and (engine.kpis.interference_q > 0).any()
    assert engine.state.t_s == 399


def test_a_handover_touches_others_and_spares_most():
    pn = PhysicalNetwork.open_field(n_sites=37, n_users=400, seed=1, n_heard=7)
    engine = Incremental(pn.state, pn.radio)
    user = int(np.argmax(engine.state.demand_bps))
    heard = engine.radio.tile_cells[engine.kpis.tile[user]]
    target = int(heard[heard // 3 != engine.state.serving[user] // 3][0])
    touched = engine.apply(Handover(0.0, user, target, int(engine.state.channel[user])))
    assert user in touched and 5 < len(touched) < 200
    assert_equal_to_a_full_evaluation(engine)


def test_who_hears_its_own_cell_too_faintly_for_a_quantum_still_shares_it():
    pn = PhysicalNetwork.open_field(n_sites=37, n_users=4, seed=1)
    engine = Incremental(pn.state, pn.radio)
    faintest = int(engine.radio.tile_cells[engine.kpis.tile[0]][np.argmin(engine.kpis.heard_q[0])])
    for event in (Handover(0.0, 0, faintest, 0), Demand(0.0, 1, 1)):
        engine.apply(event)
    before = engine.kpis.rate_bps[0]
    touched = engine.apply(Handover(1.0, 1, faintest, 0))  # 1 bit/s more: no quantum more of interference
    assert 0 in touched and 0 < engine.kpis.rate_bps[0] < before
    assert_equal_to_a_full_evaluation(engine)


def test_a_power_too_high_for_someone_is_refused_and_undone():
    pn = PhysicalNetwork.open_field(
        n_sites=1, n_users=3, seed=1, n_sectors=1, height_m=2.0, tx_power_dbm=20.0, scenario="free_space"
    )
    engine = Incremental(pn.state, pn.radio)
    x, y = pn.state.cell_position_m[0, :2]
    engine.apply(Move(1.0, 0, (x + 0.5, y, 1.5)))
    digest, kpis = engine.state.digest(), {k: v.copy() for k, v in vars(engine.kpis).items()}
    with pytest.raises(ValueError, match="over 90 dB more than the noise"):
        engine.apply(Configure(2.0, 0, tx_power_dbm=60.0, tilt_deg=3.0, azimuth_deg=10.0, on=True))
    assert engine.state.digest() == digest
    for field, value in kpis.items():
        np.testing.assert_array_equal(getattr(engine.kpis, field), value)
    engine.apply(Configure(2.0, 0, tilt_deg=3.0))
    assert_equal_to_a_full_evaluation(engine)


def test_the_start_is_copied():
    pn = PhysicalNetwork.open_field(n_users=10, seed=1)
    digest = pn.state.digest()
    Incremental(pn.state, pn.radio).apply(Demand(1.0, 3, 12345))
    assert pn.state.digest() == digest


def test_two_engines_share_a_radio_whose_tiles_grow():
    pn = PhysicalNetwork.open_field(n_sites=19, n_users=30, seed=1, n_heard=4)
    one, other = Incremental(pn.state, pn.radio), Incremental(pn.state, pn.radio)
    rng = np.random.default_rng(0)
    for t in range(60):
        engine = (one, other)[t % 2]
        engine.apply(Move(t, int(rng.integers(30)), (*rng.uniform(-1500, 1500, 2).tolist(), 1.5)))
        engine.apply(Handover(t, int(rng.integers(30)), int(rng.integers(57)), int(rng.integers(2))))
    assert_equal_to_a_full_evaluation(one)
    assert_equal_to_a_full_evaluation(other)


def test_a_network_without_users_takes_settings():
    pn = PhysicalNetwork.open_field(n_sites=3, n_users=0, seed=1)
    engine = Incremental(pn.state, pn.radio)
    assert len(engine.apply(Configure(1.0, 2, on=False))) == 0
    assert_equal_to_a_full_evaluation(engine)


@settings(max_examples=30)
@given(st.data())
def test_a_batch_of_moves_equals_moves_one_by_one(data):
    name = data.draw(st.sampled_from(sorted(NETWORKS)))
    batch, single = start(name), start(name)
    who = data.draw(st.lists(users, unique=True, min_size=1))
    where = np.array([data.draw(positions) for _ in who])
    touched = batch.move(np.array(who), where, np.zeros_like(where))
    for user, place in zip(who, where.tolist(), strict=True):
        single.apply(Move(0.0, user, tuple(place)))
    assert sorted(touched.tolist()) == sorted(who)
    assert batch.state.digest() == single.state.digest()
    for field in ("heard_q", "interference_q", "sinr", "rate_bps", "load"):
        np.testing.assert_array_equal(getattr(batch.kpis, field), getattr(single.kpis, field), err_msg=field)
    assert_equal_to_a_full_evaluation(batch)
