"""Diagnosis: each kind of fault is named from measurements alone, and the study counts right how often."""

import copy

import numpy as np
import pandas as pd
import pytest

from dnt_lab.physical import FAULT_KINDS, Configure, Fault, HandoverRule, PhysicalNetwork, RandomWaypoint
from dnt_lab.twin import Diagnosis, NetworkTwin, diagnose, fault_study, observe
from dnt_lab.twin.diagnosis_study import noticeable_fault, run_case
from dnt_lab.twin.observation import TILTS_DEG
from dnt_lab.twin.threshold_rule import RULES, STEP_S, WATCH_STEPS, Case, rule_alarms, score, tune


def started(seed=1, n_users=60, warm_steps=4, **settings):
    pn = PhysicalNetwork.open_field(n_sites=7, n_users=n_users, seed=seed, **settings)
    pn.mobility = RandomWaypoint(pn.bounds_m, speed_m_s=(2.0, 10.0))
    twin = NetworkTwin.mirror(pn)
    for _ in range(warm_steps):
        twin.apply_all(pn.step(STEP_S))
    return pn, twin


def watch(pn, twin, n_steps=8, noise_db=1.0):
    observations = []
    for _ in range(n_steps):
        twin.apply_all(pn.step(STEP_S))
        observations.append(observe(twin, *pn.measure(noise_db, n_neighbours=6)))
    return observations


@pytest.fixture(scope="module")
def observed():
    pn, twin = started()
    return twin, watch(pn, twin, 3)


@pytest.mark.parametrize(
    ("kind", "amount", "tolerance"),
    [("link_failure", 0.0, None), ("wrong_tilt", 16.0, 8), ("wrong_power", -8.0, 0.5), ("overload", 5.0, 0.01)],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_names_the_culprit_and_how_wrong_it_is(kind, amount, tolerance, seed):
    pn, twin = started(seed)
    pn.demand = None
    offered_bps = np.bincount(pn.state.serving, pn.state.demand_bps, minlength=pn.state.n_cells)
    cell = int(np.argmax(offered_bps)) if kind == "overload" else int(np.bincount(pn.state.serving).argmax())
    pn.inject(Fault(kind, cell, amount))
    steps = 1 if kind == "overload" else 8
    diagnosis = diagnose(twin, watch(pn, twin, steps), handover=pn.handover)
    first = diagnosis.causes.iloc[0]
    assert (first["cell"], first["kind"]) == (cell, kind)
    assert f"bs-{cell}" in first["evidence"]
    assert not diagnosis.healthy
    if tolerance is not None:
        assert first["amount"] == pytest.approx(amount, abs=tolerance)


def test_names_a_missing_neighbour_and_the_relation():
    for seed in range(6):
        pn, twin = started(seed)
        fault = noticeable_fault(pn, "missing_neighbour", np.random.default_rng(seed))
        pn.inject(fault)
        causes = diagnose(twin, watch(pn, twin, 20), handover=pn.handover).causes
        found = causes[causes["kind"] == "missing_neighbour"]
        if fault.cell in found["cell"].tolist():
            assert found.set_index("cell").loc[fault.cell, "amount"] == fault.amount
            return
    pytest.fail("no missing neighbour was found in six networks")


def test_a_relation_the_twin_knows_to_be_missing_is_no_surprise():
    pn = started(3)[0]
    state = pn.state.copy()
    pairs = [(a, b) for a in range(21) for b in range(21) if a != b]
    state.missing_neighbours = np.array(pairs)
    closed = PhysicalNetwork(state, pn.radio, pn.mobility, None, HandoverRule(), seed=1)
    surprised, informed = NetworkTwin.mirror(pn), NetworkTwin.mirror(closed)
    closed_observations = {id(t): [] for t in (surprised, informed)}
    for _ in range(10):
        events = closed.step(STEP_S)
        users, cells = closed.measure(1.0, n_neighbours=6)
        for t in (surprised, informed):
            t.apply_all(events)
            closed_observations[id(t)].append(observe(t, users, cells))
    kinds = [set(diagnose(t, closed_observations[id(t)]).causes["kind"]) for t in (surprised, informed)]
    assert "missing_neighbour" in kinds[0]
    assert "missing_neighbour" not in kinds[1]


def test_a_healthy_network_raises_no_alarm():
    for seed in range(4):
        pn, twin = started(seed)
        diagnosis = diagnose(twin, watch(pn, twin, 10), handover=pn.handover)
        assert diagnosis.healthy, diagnosis


def test_an_intended_change_is_no_fault():
    """The twin hears of a configuration change by an event, so it expects its effect."""
    pn, twin = started(5)
    for change in (Configure(2.0, 4, tx_power_dbm=28.0), Configure(2.0, 8, tilt_deg=20.0), Configure(2.0, 1, on=False)):
        pn.apply(change)
        twin.apply(change)
    assert diagnose(twin, watch(pn, twin)).healthy


def test_two_faults_are_both_named():
    pn, twin = started(2)
    pn.inject(Fault("link_failure", 3))
    pn.inject(Fault("wrong_power", 9, -9.0))
    causes = diagnose(twin, watch(pn, twin)).causes
    assert {(3, "link_failure"), (9, "wrong_power")} <= set(zip(causes["cell"], causes["kind"], strict=True))
    assert causes["score"].is_monotonic_decreasing


def test_the_twin_learns_nothing_by_being_asked(observed):
    twin, observations = observed
    before = twin.state.digest()
    diagnose(twin, observations)
    assert twin.state.digest() == before


def test_without_noise_the_pattern_explains_a_wrong_tilt_exactly():
    """Known answer: residuals are the change of the antenna pattern, so product and square of the pattern agree."""
    pn, twin = started(1)
    cell = int(np.bincount(pn.state.serving).argmax())
    pn.inject(Fault("wrong_tilt", cell, 14.0))
    (seen,) = watch(pn, twin, 1, noise_db=0.0)
    j = int(np.flatnonzero(TILTS_DEG == 14.0)[0])
    assert seen.reports[cell] > 3
    assert seen.pattern_sq[cell, j] == pytest.approx(seen.residual_sq[cell], rel=1e-6)
    assert seen.pattern_residual[cell, j] == pytest.approx(seen.residual_sq[cell], rel=1e-6)
    healthy = np.arange(21) != cell
    np.testing.assert_allclose(seen.residual_sq[healthy], 0.0, atol=1e-9)


def test_without_noise_the_residual_of_a_wrong_power_is_the_power_that_lacks():
    pn, twin = started(1)
    pn.inject(Fault("wrong_power", 6, -7.25))
    (seen,) = watch(pn, twin, 1, noise_db=0.0)
    assert seen.residual_db[6] / seen.reports[6] == pytest.approx(-7.25)


def test_reports_the_twin_is_sure_of_come_from_a_healthy_network():
    pn, twin = started(4)
    observations = watch(pn, twin, 12)
    due, came = (np.sum([getattr(o, name) for o in observations], axis=0) for name in ("due", "reports"))
    assert due.sum() > 0.3 * came.sum()
    assert (came >= due).all()  # so none that was due is lost


def test_users_on_a_dead_cell_owe_reports_at_once():
    pn, twin = started(4)
    cell = int(np.bincount(pn.state.serving).argmax())
    pn.inject(Fault("link_failure", cell))
    seen = observe(twin, *pn.measure())
    assert seen.due[cell] >= (pn.state.serving == cell).sum()
    assert seen.reports[cell] == 0
    assert diagnose(twin, [seen]).causes.iloc[0]["kind"] == "link_failure"


def test_a_report_holds_the_strongest_neighbours_in_order():
    pn, _ = started(4)
    users, cells = pn.measure(0.0, n_neighbours=20)
    power = users[["rsrp_dbm", *(f"neighbour_{i}_rsrp_dbm" for i in range(1, 21))]].to_numpy()
    assert (np.diff(power[:, 1:], axis=1) <= 0).all()
    reported = users[["serving", *(f"neighbour_{i}" for i in range(1, 21))]].to_numpy()
    assert (np.sort(reported, axis=1) == np.arange(21)).all()
    assert cells["demand_bps"].sum() == pn.state.demand_bps.sum()


def test_repr_is_a_sentence(observed):
    twin, observations = observed
    assert repr(diagnose(twin, observations)) == "Diagnosis: the network behaves as its twin predicts"
    causes = pd.DataFrame([(3, "link_failure", np.nan, 30.0, "6 reports were due.")], columns=list(_COLUMNS))
    assert "bs-3 link_failure: 6 reports were due." in repr(Diagnosis(causes))
    assert "Observation(t = " in repr(observations[0])


_COLUMNS = ("cell", "kind", "amount", "score", "evidence")


def case(fault=None, alarms=(), spread=(), **indicators):
    zero = dict(zip(FAULT_KINDS, np.zeros((5, WATCH_STEPS, 4)), strict=True))
    for kind, (cell, value) in indicators.items():
        zero[kind][5:, cell] = value
    return Case(fault, frozenset(spread), list(alarms), dict.fromkeys(RULES, zero))


def test_score_counts_by_hand():
    cases = [
        case(Fault("wrong_power", 1, -8.0), [(2.0, 1, "wrong_power"), (3.0, 2, "wrong_tilt")]),
        case(Fault("wrong_tilt", 2, 15.0), [(1.0, 2, "wrong_power")]),
        case(Fault("overload", 0, 5.0), [(1.5, 0, "overload"), (4.0, 3, "overload")], spread=[3]),
        case(None, [(6.0, 0, "link_failure")]),
    ]
    table = score(cases, [c.alarms for c in cases])
    assert table.loc["wrong_power", ["faults", "alarms", "right"]].tolist() == [1, 2, 1]
    assert table.loc["wrong_power", ["precision", "recall", "median_detect_s"]].tolist() == [0.5, 1.0, 2.0]
    assert table.loc["wrong_tilt", ["precision", "recall", "f1"]].tolist() == [0.0, 0.0, 0.0]
    assert table.loc["overload", ["alarms", "right", "precision"]].tolist() == [1, 1, 1.0]
    assert table.loc["all", ["faults", "alarms", "right"]].tolist() == [3, 5, 2]
    assert table.loc["all", "f1"] == pytest.approx(2 * 2 / (5 + 3))
    assert np.isnan(table.loc["link_failure", "median_detect_s"])


def test_tuning_finds_the_threshold_that_separates():
    quiet = {"overload": (2, 0.3), "wrong_power": (0, 1.0)}
    cases = [case(Fault("overload", 1, 5.0), overload=(1, 0.6 + 0.1 * i)) for i in range(3)]
    cases += [case(Fault("wrong_power", 3, -8.0), **quiet | {"wrong_power": (3, 7.0)}) for _ in range(3)]
    thresholds = tune(cases, RULES[0])
    assert thresholds["overload"] == pytest.approx(0.6)
    assert thresholds["wrong_power"] == 7.0
    assert thresholds["missing_neighbour"] == np.inf  # it only ever cries wolf
    assert rule_alarms(cases[0], RULES[0], thresholds) == [(3.0, 1, "overload")]
    table = score(cases, [rule_alarms(c, RULES[0], thresholds) for c in cases])
    assert table.loc["all", ["precision", "recall"]].tolist() == [1.0, 1.0]


def test_noticeable_faults_make_a_difference():
    """An overload adds traffic; a missing neighbour changes who serves whom within the time it is watched."""
    pn, _ = started(7)
    rng = np.random.default_rng(0)
    fault = noticeable_fault(pn, "overload", rng)
    before = pn.state.demand_bps.sum()
    pn.inject(fault)
    assert pn.state.demand_bps.sum() - before >= 0.1 * 2.0 * pn.state.bandwidth_hz.sum()
    fault = noticeable_fault(pn, "missing_neighbour", rng)
    healthy, broken = copy.deepcopy(pn), copy.deepcopy(pn)
    broken.inject(fault)
    differs = False
    for _ in range(WATCH_STEPS // 2):
        healthy.step(STEP_S), broken.step(STEP_S)
        differs |= bool((healthy.state.serving != broken.state.serving).any())
    assert differs


def test_same_seed_same_case():
    one, two, other = (run_case("wrong_power", seed) for seed in (3, 3, 4))
    assert (one.fault, one.alarms) == (two.fault, two.alarms)
    assert one.fault != other.fault


def test_study_of_forty_faults():
    """Bands far below what was measured on 200 faults (precision 0.99, recall 0.94)."""
    study = fault_study(n_faults=40, n_healthy=4, seed=3, n_tuning=10)
    twin = study.table.loc["twin"]
    assert twin.loc["all", "faults"] == 40
    assert twin.loc["all", "precision"] >= 0.9
    assert twin.loc["all", "recall"] >= 0.85
    assert twin.loc["all", "median_detect_s"] <= 2.0
    assert study.false_alarms_per_min["twin"] <= 2.0
    for rule in RULES:
        assert study.table.loc[(rule, "all"), "f1"] < twin.loc["all", "f1"] - 0.2


@pytest.mark.slow
def test_study_of_two_hundred_faults():
    twin = fault_study(n_faults=200, n_healthy=40, seed=0).table.loc["twin"]
    assert twin.loc["all", "precision"] >= 0.95
    assert twin.loc["all", "recall"] >= 0.9
    assert (twin["precision"] >= 0.9).all()
    assert (twin["recall"] >= 0.8).all()


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda t, o: diagnose(t, []), ValueError, "there are no observations"),
        (lambda t, o: diagnose(t, o[0]), TypeError, "must be a list of Observation"),
        (lambda t, o: diagnose(t, [1, 2]), TypeError, "must be a list of Observation"),
        (lambda t, o: diagnose(t, o[::-1]), ValueError, "observations are out of order"),
        (lambda t, o: diagnose(t, o, alarm_nats=0), ValueError, "alarm_nats is 0"),
        (lambda t, o: diagnose(small(), o), ValueError, "observations and twin have 3 and 21 cells"),
        (lambda t, o: observe(small(), *started()[0].measure()), ValueError, "users has 60 rows, but the twin has 5"),
        (lambda t, o: observe(t, *started()[0].measure()[::-1]), ValueError, "users lacks serving, rsrp_dbm"),
        (lambda t, o: observe(t, None, None), ValueError, "users lacks serving, rsrp_dbm"),
        (lambda t, o: fault_study(n_faults=4), ValueError, "n_faults is 4, but it must be at least 5"),
        (lambda t, o: fault_study(n_faults=10.0), TypeError, "n_faults is 10.0, but a whole number is needed"),
        (lambda t, o: fault_study(n_healthy=0), ValueError, "n_healthy is 0, but it must be at least 1"),
        (lambda t, o: fault_study(seed=-1), ValueError, "seed is -1, but it must be at least 0"),
        (lambda t, o: run_case("fire", 0), ValueError, "kind is 'fire', but it must be None or one of link_failure"),
        (lambda t, o: started()[0].measure(n_neighbours=-1), ValueError, "n_neighbours is -1"),
        (lambda t, o: noticeable_fault(silent(), "overload", np.random.default_rng(0)), ValueError, "let users offer"),
    ],
)
def test_wrong_calls_are_answered_in_one_sentence(observed, call, error, sentence):
    with pytest.raises(error) as caught:
        call(*observed)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def small():
    return NetworkTwin.mirror(PhysicalNetwork.open_field(n_sites=1, n_users=5, seed=1))


def silent():
    pn = PhysicalNetwork.open_field(n_sites=1, n_users=5, seed=1)
    pn.state.demand_bps[:] = 0
    return pn
