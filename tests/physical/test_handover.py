"""Handover rule: A3 with hysteresis and time to trigger, missing neighbours, radio link failure, case by case."""

import numpy as np
import pytest

from dnt_lab.physical import Configure, Fault, Handover, HandoverRule, PhysicalNetwork, TraceReplay
from dnt_lab.physical.layout import make_state
from dnt_lab.physical.radio import Radio

CELLS = np.array([[0, 1, 2]])


def one_user(serving=0, missing=()):
    state, _ = make_state(np.array([[0.0, 0.0], [100.0, 0.0], [0.0, 100.0]]), np.array([[50.0, 10.0]]), n_sectors=1)
    state.serving[:] = serving
    state.missing_neighbours = np.array(missing, np.int64).reshape(-1, 2)
    return state


def play(rule, state, powers, sinr_db, dt_s):
    """Serving cell and failure flag after each row of received powers."""
    out = []
    for power, sinr in zip(powers, np.broadcast_to(sinr_db, len(powers)), strict=True):
        target, failed = rule.step(state, CELLS, np.array([power], float), np.array([sinr], float), dt_s)
        state.serving[:] = target
        out.append((int(target[0]), bool(failed[0])))
    return out


def test_a3_waits_for_hysteresis_and_time_to_trigger():
    rule = HandoverRule(hysteresis_db=3.0, time_to_trigger_s=0.3)
    stronger = [(-80, -76.9, -120)] * 4
    assert [c for c, _ in play(rule, one_user(), stronger, 10.0, 0.1)] == [0, 0, 1, 1]
    within = [(-80, -77.0, -120)] * 20  # not more than the hysteresis
    assert [c for c, _ in play(HandoverRule(), one_user(), within, 10.0, 0.1)] == [0] * 20


def test_the_timer_starts_anew_when_the_neighbour_falls_back():
    rule = HandoverRule(time_to_trigger_s=0.3)
    powers = [(-80, -70, -120)] * 2 + [(-80, -79, -120)] + [(-80, -70, -120)] * 3
    assert [c for c, _ in play(rule, one_user(), powers, 10.0, 0.1)] == [0, 0, 0, 0, 0, 1]


def test_a_time_to_trigger_of_zero_still_asks_for_the_hysteresis():
    rule = HandoverRule(time_to_trigger_s=0.0)
    assert [c for c, _ in play(rule, one_user(), [(-80, -81, -120), (-80, -70, -120)], 10.0, 0.1)] == [0, 1]


@pytest.mark.parametrize(("dt_s", "steps"), [(0.1, 10), (0.25, 4), (1.0, 1), (0.3, 4)])
def test_timers_do_not_suffer_from_rounding(dt_s, steps):
    rule = HandoverRule(time_to_trigger_s=1.0)
    assert [c for c, _ in play(rule, one_user(), [(-80, -70, -120)] * steps, 10.0, dt_s)] == [0] * (steps - 1) + [1]
    rule = HandoverRule(failure_s=1.0, hysteresis_db=100.0)
    assert play(rule, one_user(), [(-80, -70, -120)] * steps, -20.0, dt_s) == [(0, False)] * (steps - 1) + [(1, True)]


def test_a_missing_neighbour_is_passed_over_for_the_next_best():
    powers = [(-90, -70, -80)] * 2
    assert play(HandoverRule(), one_user(), powers, 10.0, 1.0)[0] == (1, False)
    assert play(HandoverRule(), one_user(missing=[(0, 1)]), powers, 10.0, 1.0)[0] == (2, False)
    assert play(HandoverRule(), one_user(missing=[(0, 1), (0, 2)]), powers, 10.0, 1.0) == [(0, False)] * 2
    assert play(HandoverRule(), one_user(missing=[(1, 0)]), powers, 10.0, 1.0)[0] == (
        1,
        False,
    )  # relations have a direction


def test_without_a_neighbour_the_link_fails_and_the_user_comes_back_at_the_best_cell():
    rule = HandoverRule(failure_sinr_db=-8.0, failure_s=1.0)
    state = one_user(missing=[(0, 1), (0, 2)])
    got = play(rule, state, [(-90, -70, -80)] * 5, [-7.9, -8.1, -8.1, 5.0, 5.0], 0.5)
    assert got == [(0, False), (0, False), (1, True), (1, False), (1, False)]


def test_the_failure_timer_starts_anew_in_sync():
    got = play(HandoverRule(hysteresis_db=100), one_user(), [(-90, -70, -80)] * 5, [-20, -5, -20, -20, -20], 0.5)
    assert [failed for _, failed in got] == [False, False, False, True, False]


def test_a_user_in_failure_whose_own_cell_is_best_stays():
    assert play(HandoverRule(), one_user(), [(-70, -90, -90)] * 4, -20.0, 1.0) == [(0, False)] * 4


def test_a_user_that_hears_nothing_is_detached_and_attaches_when_it_hears_again():
    nothing, something = (-np.inf,) * 3, (-np.inf, -np.inf, -90)
    got = play(HandoverRule(), one_user(), [nothing] * 2 + [something], -np.inf, 1.0)
    assert got == [(-1, True), (-1, False), (2, True)]


def test_users_have_timers_of_their_own():
    state, _ = make_state(np.array([[0.0, 0.0], [100.0, 0.0]]), np.zeros((2, 2)), n_sectors=1)
    state.serving[:] = 0
    rule, cells = HandoverRule(time_to_trigger_s=1.0), np.array([[0, 1], [0, 1]])
    for powers, expected in (
        ([[-80, -70], [-80, -90]], [0, 0]),
        ([[-80, -70], [-80, -70]], [1, 0]),
        ([[-80, -70], [-80, -70]], [1, 1]),
    ):
        state.serving[:] = rule.step(state, cells, np.array(powers, float), np.zeros(2), 0.5)[0]
        assert state.serving.tolist() == expected


def walk(**settings):
    """One user who walks from site 0 to site 1 of a line, in free space."""
    sites = np.array([[0.0, 0.0], [400.0, 0.0]])
    state, _ = make_state(sites, np.array([[20.0, 0.0]]), n_sectors=1, freq_hz=(3.5e9,), **settings)
    state.serving[:] = 0
    radio = Radio(state.cell_position_m, scenario="free_space")
    trace = TraceReplay(np.array([0.0, 36.0]), np.array([[[20.0, 0.0]], [[380.0, 0.0]]]))
    return PhysicalNetwork(state, radio, mobility=trace)


def test_a_walker_hands_over_where_the_neighbour_is_3_db_stronger():
    network = walk()
    events = [e for _ in range(72) for e in network.step(0.5) if isinstance(e, Handover)]
    assert [e.cell for e in events] == [1]
    # 20 lg(d0 / d1) = 3 dB at d0 = 400 * 10^0.15 / (1 + 10^0.15) = 234.2 m: reached at 21.4 s, seen at 21.5 s
    assert events[0].t_s == 21.5
    assert network.failures.sum() == 0


def test_a_walker_whose_cell_dies_fails_and_is_counted():
    network = walk()
    network.step(1.0)
    network.apply(Configure(1.0, 0, on=False))
    events = [e for _ in range(3) for e in network.step(0.5) if isinstance(e, Handover)]
    assert [(e.t_s, e.cell) for e in events] == [(2.0, 1)]
    assert network.failures.tolist() == [1, 0]


def test_a_missing_neighbour_in_a_network_delays_the_handover():
    network = walk()
    network.inject(Fault("missing_neighbour", 0, 1))
    events = [e for _ in range(60) for e in network.step(0.5) if isinstance(e, Handover)]
    assert events == []
