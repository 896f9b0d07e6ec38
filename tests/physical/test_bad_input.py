"""Wrong calls of the physical network and the twin core: each is answered by one sentence, and nothing has changed."""

import dataclasses

import numpy as np
import pytest

from dnt_lab.datasets import load_city, street_grid
from dnt_lab.physical import (
    Configure,
    Demand,
    Fault,
    FollowTraffic,
    GaussMarkov,
    Handover,
    HandoverRule,
    Move,
    OnOff,
    PhysicalNetwork,
    Radio,
    RandomWaypoint,
    Scene,
    State,
    TraceReplay,
    antenna,
    coupled_load,
    decode,
    encode,
    evaluate,
    hexagon,
    make_state,
    pathloss,
    random_fault,
)
from dnt_lab.physical.shadowing import GaussianField
from dnt_lab.twin import Incremental, NetworkTwin

NETWORK = PhysicalNetwork.open_field(n_users=20, seed=1, n_beams=4)
STATE, RADIO = NETWORK.snapshot(), NETWORK.radio
NAN, INF = float("nan"), float("inf")
HERE = (0.0, 0.0, 1.5)
AREA = (0.0, 0.0, 10.0, 10.0)
GRID = Scene(street_grid(2, 2))


def state(**columns):
    return State.from_arrays({**STATE.arrays(), **columns})


def user_column(name, value):
    column = getattr(STATE, name).astype(np.result_type(getattr(STATE, name), np.array(value)))
    column[3] = value
    return {name: column}


WRONG_EVENTS = {
    "user beyond": (Move(0.0, 20, HERE), "user is 20"),
    "user negative": (Move(0.0, -1, HERE), "user is -1"),
    "user a float": (Handover(0.0, 1.5, 1, 0), "user is 1.5"),
    "user a truth value": (Demand(0.0, True, 5), "user is True"),
    "user a name": (Demand(0.0, "ue-3", 5), "user is 'ue-3'"),
    "time NaN": (Handover(NAN, 1, 1, 0), "t_s is nan"),
    "time inf": (Demand(INF, 1, 1), "t_s is inf"),
    "time a string": (Configure("noon", 1), "t_s is 'noon'"),
    "position NaN": (Move(0.0, 1, (0.0, NAN, 1.5)), "three finite numbers"),
    "position flat": (Move(0.0, 1, (0.0, 1.5)), "three finite numbers"),
    "position a string": (Move(0.0, 1, "abc"), "three finite numbers"),
    "position none": (Move(0.0, 1, None), "three finite numbers"),
    "position beyond all maps": (Move(0.0, 1, (0.0, 1e300, 1.5)), "three finite numbers"),
    "velocity inf": (Move(0.0, 1, HERE, (INF, 0.0, 0.0)), "velocity_m_s of user 1"),
    "underground": (Move(0.0, 1, (0.0, 0.0, 0.5)), "height"),
    "in the antenna": (Move(0.0, 1, tuple(STATE.cell_position_m[0])), "distance over 0 m"),
    "cell beyond": (Handover(0.0, 1, 21, 0), "cell is 21"),
    "cell -2": (Handover(0.0, 1, -2, 0), "cell is -2"),
    "channel beyond": (Handover(0.0, 1, 1, 2), "channel is 2"),
    "channel none": (Handover(0.0, 1, 1, None), "channel is None"),
    "beam negative": (Handover(0.0, 1, 1, 0, -1), "beam is -1"),
    "beam beyond the codebook": (Handover(0.0, 1, 1, 0, 4), "beams 0 ... 3"),
    "beam beyond 64 bits": (Handover(0.0, 1, 1, 0, 10**30), "beam is 1000000"),
    "demand negative": (Demand(0.0, 1, -1), "demand_bps is -1"),
    "demand NaN": (Demand(0.0, 1, NAN), "demand_bps is nan"),
    "demand not whole": (Demand(0.0, 1, 10.5), "whole number of bits"),
    "demand beyond 63 bits": (Demand(0.0, 1, 2**70), "whole number of bits"),
    "power beyond": (Configure(0.0, 1, tx_power_dbm=61.0), "tx_power_dbm of cell 1"),
    "power NaN": (Configure(0.0, 1, tx_power_dbm=NAN), "-30 ... 60"),
    "power a string": (Configure(0.0, 1, tx_power_dbm="high"), "'high'"),
    "tilt beyond": (Configure(0.0, 1, tilt_deg=91.0), "-90 ... 90"),
    "azimuth beyond": (Configure(0.0, 1, azimuth_deg=361.0), "-360 ... 360"),
    "on a word": (Configure(0.0, 1, on="no"), "on (True) or off (False)"),
    "cell of settings": (Configure(0.0, -1, on=False), "cell is -1"),
    "no event": ("handover", "is not an event"),
    "a fault for an event": (Fault("link_failure", 1), "is not an event"),
}


def said(answer, word):
    text = str(answer.value)
    assert word in text
    assert "\n" not in text.strip() and 15 < len(text) < 300


@pytest.mark.parametrize("name", WRONG_EVENTS)
def test_a_wrong_event_changes_neither_twin_nor_network(name):
    event, word = WRONG_EVENTS[name]
    twin = NetworkTwin(STATE, RADIO)
    kpis = {k: v.copy() for k, v in vars(twin.kpis).items()}
    for apply in (twin.apply, lambda e: twin.apply_all([e]), Incremental(STATE, RADIO).apply):
        with pytest.raises((ValueError, TypeError)) as answer:
            apply(event)
        said(answer, word)
    assert twin.state.digest() == STATE.digest()
    for k, v in kpis.items():
        np.testing.assert_array_equal(getattr(twin.kpis, k), v, err_msg=k)
    if name not in ("underground", "in the antenna"):  # the simulator takes any position and complains when it looks
        network = PhysicalNetwork(STATE, RADIO)
        with pytest.raises((ValueError, TypeError)) as answer:
            network.apply(event)
        said(answer, word)
        assert network.state.digest() == STATE.digest()


CALLS = {
    # state
    "serving a float": (lambda: state(serving=STATE.serving * 1.0), "serving holds values of type float64"),
    "demand NaN": (lambda: state(**user_column("demand_bps", NAN)), "demand_bps holds values of type float64"),
    "demand negative": (lambda: state(**user_column("demand_bps", -5)), "demand_bps of row 3 is -5"),
    "demand too large": (lambda: state(**user_column("demand_bps", 10**13)), "demand_bps of row 3"),
    "serving beyond": (lambda: state(**user_column("serving", 21)), "serving of row 3 is 21"),
    "channel beyond": (lambda: state(**user_column("channel", 2)), "channel of row 3 is 2"),
    "beam negative": (lambda: state(**user_column("beam", -1)), "beam of row 3"),
    "kind too long": (lambda: state(kind=["virtual reality headset"] * 20), "at most 16 letters"),
    "kind a number": (lambda: state(kind=np.zeros(20)), "kind holds values of type float64"),
    "position NaN": (lambda: state(position_m=np.full((20, 3), NAN)), "position_m holds a value that is not finite"),
    "azimuth inf": (lambda: state(azimuth_deg=np.full(21, INF)), "azimuth_deg holds a value that is not finite"),
    "on a number": (lambda: state(on=np.ones(21)), "on holds values of type float64"),
    "shape": (lambda: state(tilt_deg=np.zeros(20)), "tilt_deg has shape (20,)"),
    "bandwidth 0": (lambda: state(bandwidth_hz=np.zeros(2)), "bandwidth_hz"),
    "frequency 0": (lambda: state(freq_hz=np.zeros(2)), "freq_hz"),
    "missing neighbour beyond": (lambda: state(missing_neighbours=[[0, 21]]), "missing_neighbours of row 0 is 21"),
    "state time NaN": (lambda: state(t_s=NAN), "t_s is nan"),
    "no channels": (
        lambda: make_state(hexagon(1, 9.0), np.empty((0, 2)), freq_hz=()),
        "0 channels",
    ),
    "column missing": (lambda: State.from_arrays({"kind": []}), "do not make a state"),
    # radio and evaluation
    "scenario": (lambda: Radio(STATE.cell_position_m, scenario="uma"), "scenario is 'uma'"),
    "tile 0": (lambda: Radio(STATE.cell_position_m, tile_m=0.0), "tile_m is 0"),
    "tile NaN": (lambda: Radio(STATE.cell_position_m, tile_m=NAN), "tile_m is nan"),
    "heard 0": (lambda: Radio(STATE.cell_position_m, n_heard=0), "n_heard is 0"),
    "heard a float": (lambda: Radio(STATE.cell_position_m, n_heard=2.5), "n_heard is 2.5"),
    "beams 0": (lambda: Radio(STATE.cell_position_m, n_beams=0), "n_beams is 0"),
    "beams a word": (lambda: Radio(STATE.cell_position_m, n_beams="8"), "n_beams is '8'"),
    "noise figure": (lambda: Radio(STATE.cell_position_m, noise_figure_db=NAN), "noise_figure_db"),
    "radio seed": (lambda: Radio(STATE.cell_position_m, seed=-1), "seed is -1"),
    "cells in a plane": (lambda: Radio(np.zeros((3, 2))), "cell_position_m has shape (3, 2)"),
    "no cells": (lambda: Radio(np.empty((0, 3))), "cell_position_m has shape (0, 3)"),
    "cell at NaN": (lambda: Radio(np.full((1, 3), NAN)), "finite positions"),
    "uneven sectors": (lambda: Radio(STATE.cell_position_m[:-1]), "2 to 3 cells"),
    "another network's radio": (lambda: evaluate(STATE, Radio(STATE.cell_position_m + 1.0)), "stand elsewhere"),
    "twin of another network": (lambda: NetworkTwin(STATE, Radio(STATE.cell_position_m[:3])), "21 cells and radio 3"),
    "beam of a larger codebook": (lambda: Incremental(state(**user_column("beam", 4)), RADIO), "beam is 4"),
    "network's beams": (lambda: PhysicalNetwork(state(**user_column("beam", 4)), RADIO), "beam is 4"),
    "tile beyond all maps": (
        lambda: Radio(STATE.cell_position_m, n_heard=2, tile_m=1e-9).tile(np.array([[1e6, 0.0, 1.5]])),
        "no place on a map",
    ),
    "user at NaN": (
        lambda: RADIO.received_q(STATE, np.full((1, 3), NAN), STATE.freq_hz[:1], np.arange(21)[None]),
        "d2d_m",
    ),
    # path loss, antennas, shadowing
    "distance negative": (lambda: pathloss.umi_db(-1.0, 5e9, True), "below 0 m"),
    "distance NaN": (lambda: pathloss.inh_db(NAN, 5e9, True), "not finite"),
    "frequency in GHz": (lambda: pathloss.umi_db(10.0, 5.0, True), "freq_hz holds 5"),
    "frequency too high": (lambda: pathloss.inh_db(10.0, 200e9, True), "100e9"),
    "height below 1 m": (lambda: pathloss.umi_db(10.0, 5e9, True, 10.0, 0.5), "height"),
    "height NaN": (lambda: pathloss.umi_db(10.0, 5e9, True, NAN), "height"),
    "no distance": (lambda: pathloss.inh_db(0.0, 5e9, True, 1.5, 1.5), "over 0 m"),
    "both at 1 m": (lambda: pathloss.umi_db(10.0, 5e9, True, 1.0, 1.0), "both antennas are at 1 m"),
    "free space at 0 m": (lambda: pathloss.free_space_db(0.0, 5e9), "d3d_m > 0"),
    "free space NaN": (lambda: pathloss.free_space_db(1.0, NAN), "freq_hz > 0"),
    "probability at -1 m": (lambda: pathloss.umi_los_probability(-1.0), "at least 0 m"),
    "probability at NaN": (lambda: pathloss.inh_los_probability(NAN), "at least 0 m"),
    "beam index": (lambda: antenna.beam_gain(0.0, 8, 8), "beams 0 ... 7"),
    "beam index negative": (lambda: antenna.beam_gain(0.0, -1, 8), "beams 0 ... 7"),
    "codebook of none": (lambda: antenna.best_beam(0.0, 0), "at least one beam"),
    "decorrelation 0": (lambda: GaussianField.draw(1, 0.0, 1), "decorrelation_m is 0"),
    # scene
    "rays in a plane": (lambda: GRID.blocked([[0, 0]], [[1, 1]]), "shape (n, 3)"),
    "rays of unequal number": (lambda: GRID.blocked(np.zeros((2, 3)), np.zeros((1, 3))), "(2, 3) and (1, 3)"),
    "ray from NaN": (lambda: GRID.blocked([[NAN, 0, 0]], [[1, 1, 1]]), "not finite"),
    "one point, not many": (lambda: GRID.indoor([0.0, 0.0]), "shape (n, 2)"),
    "points in empty bounds": (lambda: GRID.outdoor_points(3, (5, 0, 5, 9), 1), "min below max"),
    "points, negative number": (lambda: GRID.outdoor_points(-3, AREA, 1), "n is -3"),
    "a scene of a name": (lambda: Scene("florence"), "Scene.of"),
    "a scene of a number": (lambda: Scene.of(3), "must be a CityMap"),
    "no such city": (lambda: Scene.of("atlantis"), "atlantis"),
    # mobility, demand, handover
    "bounds of three": (lambda: RandomWaypoint((0, 0, 1)), "bounds_m is (0, 0, 1)"),
    "bounds NaN": (lambda: GaussMarkov((0, 0, NAN, 1)), "min below max"),
    "speed 0": (lambda: RandomWaypoint(AREA, speed_m_s=(0.0, 1.0)), "0 < lowest"),
    "speed inf": (lambda: RandomWaypoint(AREA, speed_m_s=(1.0, INF)), "0 < lowest"),
    "one speed": (lambda: RandomWaypoint(AREA, speed_m_s=1.0), "(lowest, highest)"),
    "pause negative": (lambda: RandomWaypoint(AREA, pause_s=-1.0), "pause_s is -1"),
    "memory 0": (lambda: GaussMarkov(AREA, memory_s=0.0), "memory_s is 0"),
    "sigma NaN": (lambda: GaussMarkov(AREA, sigma_m_s=NAN), "sigma_m_s is nan"),
    "trace of one time": (lambda: TraceReplay([0.0], np.zeros((1, 2, 2))), "two increasing times"),
    "trace backwards": (lambda: TraceReplay([1.0, 0.0], np.zeros((2, 2, 2))), "two increasing times"),
    "trace shape": (lambda: TraceReplay([0.0, 1.0], np.zeros((2, 2, 3))), "(2, users, 2)"),
    "trace NaN": (lambda: TraceReplay([0.0, 1.0], np.full((2, 2, 2), NAN)), "must be finite"),
    "trace of others": (
        lambda: TraceReplay([0.0, 1.0], np.zeros((2, 2, 2))).step(np.zeros((3, 3)), np.zeros((3, 3)), 1.0, None),
        "holds 2 users, but the network has 3",
    ),
    "mean on 0": (lambda: OnOff([1, 2], mean_on_s=0.0), "over 0 s"),
    "mean off NaN": (lambda: OnOff([1, 2], mean_off_s=NAN), "over 0 s"),
    "peak NaN": (lambda: OnOff([NAN]), "peak_bps"),
    "peak negative": (lambda: FollowTraffic([-1], [1.0]), "peak_bps"),
    "activity NaN": (lambda: FollowTraffic([1], [NAN]), "at least 0"),
    "activity inf": (lambda: FollowTraffic([1], [INF]), "at least 0"),
    "activity of no hour": (lambda: FollowTraffic([1], []), "(hours,)"),
    "activity of others": (lambda: FollowTraffic([1, 2, 3], np.ones((4, 2))), "(hours, 3)"),
    "hysteresis negative": (lambda: HandoverRule(hysteresis_db=-1.0), "hysteresis_db is -1"),
    "time to trigger NaN": (lambda: HandoverRule(time_to_trigger_s=NAN), "time_to_trigger_s is nan"),
    "threshold NaN": (lambda: HandoverRule(failure_sinr_db=NAN), "failure_sinr_db is NaN"),
    # layouts and networks
    "no sites": (lambda: hexagon(0, 100.0), "n_sites is 0"),
    "half a site": (lambda: hexagon(1.5, 100.0), "n_sites is 1.5"),
    "spacing 0": (lambda: hexagon(3, 0.0), "spacing_m is 0"),
    "spacing a word": (lambda: hexagon(3, "wide"), "spacing_m is 'wide'"),
    "sites in space": (lambda: make_state(np.zeros((2, 3)), np.zeros((1, 2))), "site_xy_m has shape (2, 3)"),
    "users in a row": (lambda: make_state(np.zeros((1, 2)), np.zeros(4)), "user_xy_m has shape (4,)"),
    "no sectors": (lambda: make_state(np.zeros((1, 2)), np.zeros((1, 2)), n_sectors=0), "n_sectors is 0"),
    "too many regions": (lambda: PhysicalNetwork.open_field(n_sites=3, n_regions=4), "n_regions is 4"),
    "seed negative": (lambda: PhysicalNetwork.open_field(seed=-1), "seed is -1"),
    "seed a float": (lambda: PhysicalNetwork.from_city("florence", seed=1.5), "seed is 1.5"),
    "seed None": (lambda: PhysicalNetwork(STATE, RADIO, seed=None), "seed is None"),
    "users negative": (lambda: PhysicalNetwork.open_field(n_users=-1), "n_users is -1"),
    "users a float": (lambda: PhysicalNetwork.from_city("florence", n_users=1e2), "n_users is 100.0"),
    "unknown setting": (lambda: PhysicalNetwork.open_field(power=3), "power"),
    "city of nothing": (lambda: PhysicalNetwork.from_city(None), "open field"),
    "city too small": (
        lambda: PhysicalNetwork.from_city(load_city("florence"), n_sites=91),
        "do not fit into Florence",
    ),
    "step of 0 s": (lambda: NETWORK.step(0.0), "dt_s is 0"),
    "step back": (lambda: NETWORK.step(-1.0), "dt_s is -1"),
    "step NaN": (lambda: NETWORK.step(NAN), "dt_s is nan"),
    "noise negative": (lambda: NETWORK.measure(noise_db=-1.0), "noise_db is -1"),
    "neighbours negative": (lambda: NETWORK.measure(n_neighbours=-1), "n_neighbours is -1"),
    "no such object": (lambda: NETWORK["ue-20"], "ue-0 ... ue-19"),
    "no such object in the twin": (lambda: NetworkTwin(STATE, RADIO)["bs-21"], "bs-0 ... bs-20"),
    # coupling, faults, the wire
    "iterations 0": (lambda: coupled_load(STATE, RADIO, max_iterations=0), "max_iterations is 0"),
    "tolerance 0": (lambda: coupled_load(STATE, RADIO, tolerance=0.0), "tolerance is 0"),
    "fault kind": (lambda: Fault("gremlin", 0), "gremlin"),
    "fault amount": (lambda: Fault("wrong_tilt", 0, NAN), "amount of a fault is nan"),
    "fault amount a word": (lambda: Fault("wrong_tilt", 0, "much"), "'much'"),
    "overload negative": (lambda: Fault("overload", 0, -2.0), "at least 0"),
    "fault cell": (lambda: NETWORK.inject(Fault("link_failure", 21)), "cell 21"),
    "fault half a cell": (lambda: NETWORK.inject(Fault("link_failure", 1.5)), "cell 1.5"),
    "overload of no cell": (lambda: NETWORK.inject(Fault("overload", -1, 3.0)), "cell -1"),
    "neighbour beyond": (lambda: NETWORK.inject(Fault("missing_neighbour", 1, 21)), "cell 21"),
    "neighbour itself": (lambda: NETWORK.inject(Fault("missing_neighbour", 1, 1)), "twice"),
    "power beyond": (lambda: NETWORK.inject(Fault("wrong_power", 1, -90.0)), "-30 ... 60"),
    "tilt over the top": (lambda: NETWORK.inject(Fault("wrong_tilt", 1, 100.0)), "-90 ... 90"),
    "overload beyond": (lambda: Fault("overload", int(STATE.serving[0]), 1e9).write(busy()), "beyond 1e+12"),
    "random fault kind": (lambda: random_fault(STATE, "gremlin", 0), "gremlin"),
    "random fault seed": (lambda: random_fault(STATE, "overload", -1), "seed is -1"),
    "encode no event": (lambda: encode({"user": 3}), "is not an event"),
    "encode an object": (lambda: encode(Demand(0.0, object(), 1)), "can be encoded"),
    "decode nothing": (lambda: decode(b""), "is not an event"),
    "decode text": (lambda: decode("handover"), "is not an event"),
    "decode a list": (lambda: decode(b"[1]"), "is not an event"),
    "decode an unknown event": (lambda: decode(b'{"event":"Reboot"}'), "Move, Handover, Demand, Configure"),
    "decode a foreign field": (lambda: decode(b'{"event":"Demand","t_s":0,"user":1,"bps":1}'), "bps"),
    "decode a missing field": (lambda: decode(b'{"event":"Demand","t_s":0}'), "missing"),
    "decode depth": (lambda: decode(b"[" * 100_000), "is not an event"),
}


def busy():
    copy = STATE.copy()
    copy.demand_bps[:] = 1_000_000
    return copy


@pytest.mark.parametrize("name", CALLS)
def test_a_wrong_call_is_answered_by_one_sentence(name):
    call, word = CALLS[name]
    before = NETWORK.state.digest()
    with pytest.raises((ValueError, TypeError, KeyError)) as answer:
        call()
    said(answer, word)
    assert NETWORK.state.digest() == before


def test_events_cannot_be_changed_after_the_check():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Demand(0.0, 1, 1).demand_bps = -1
