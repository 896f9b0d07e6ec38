"""AUC by counting pairs, distances against scipy, and a planted change that the detector must see."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import mahalanobis as scipy_mahalanobis

from dnt_lab.mapping import rendering
from dnt_lab.mapping.rendering import own, raw_threshold


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=40))
def test_auc_counts_pairs(nodes):
    score, changed = np.array([s for s, _ in nodes], float), np.array([c for _, c in nodes])
    won = [(a > b) + 0.5 * (a == b) for a in score[changed] for b in score[~changed]]
    if won:
        assert rendering.auc(score, changed) == pytest.approx(np.mean(won))
    else:
        assert np.isnan(rendering.auc(score, changed))


@given(st.integers(0, 2**32 - 1))
def test_auc_hangs_on_the_order_of_scores_only(seed):
    rng = np.random.default_rng(seed)
    score, changed = rng.normal(size=30), rng.random(30) < 0.4
    found = rendering.auc(score, changed)
    np.testing.assert_allclose(rendering.auc(np.exp(score), changed), found)
    np.testing.assert_allclose(rendering.auc(-score, changed), 1 - found)


@pytest.mark.parametrize(("score", "changed"), [([1.0, np.nan], [True, False]), ([1.0], [True, False])])
def test_scores_that_are_no_scores_are_refused(score, changed):
    with pytest.raises(ValueError, match="but both need one value a node and no NaN"):
        rendering.auc(score, changed)


def test_distances_are_those_of_scipy():
    rng = np.random.default_rng(2)
    rows, mean, root = rng.normal(size=(9, 4)), rng.normal(size=4), rng.normal(size=(4, 4))
    precision = root @ root.T
    expected = [scipy_mahalanobis(row, mean, precision) for row in rows]
    np.testing.assert_allclose(rendering.mahalanobis(rows, mean, precision), expected)


def planted(rng, n_users=400, n_cells=100, shift=0.0, who=()):
    """A pair of graphs that differ by noise of a known covariance, and by `shift` in all features of some nodes."""
    n = n_users + n_cells
    edges = rng.integers(n, size=(2, 6 * n))
    base = rng.normal(size=(n, 3))
    noise = rng.normal(size=(n, 3)) * [1.0, 2.0, 0.5]
    noise[list(who)] += shift
    return rendering.Graph(base, edges, n_users), rendering.Graph(base + noise, edges, n_users)


def test_the_ordinary_spread_is_found():
    rng = np.random.default_rng(3)
    detector = rendering.fit_detector(own, [planted(rng) for _ in range(10)])
    for mean, precision in zip(detector.mean, detector.precision, strict=True):
        sigma = np.sqrt(np.diag(np.linalg.inv(precision)))
        np.testing.assert_allclose(sigma / sigma[0], [1, 2, 0.5], rtol=0.1)  # of the calm part, so of a common factor
        np.testing.assert_allclose(mean, 0, atol=0.15)


def test_the_threshold_is_passed_by_the_share_asked_for():
    rng = np.random.default_rng(4)
    detector = rendering.fit_detector(own, [planted(rng) for _ in range(20)])
    fresh = np.concatenate([detector.score(*planted(rng)) for _ in range(20)])
    assert (fresh > detector.threshold(0.1)).mean() == pytest.approx(0.1, abs=0.015)


def test_moving_users_in_history_do_not_blind_the_detector():
    rng = np.random.default_rng(5)
    lively = [planted(rng, shift=30.0, who=rng.choice(400, 40, replace=False)) for _ in range(10)]
    detector = rendering.fit_detector(own, lively)
    twin, seen = planted(rng, shift=8.0, who=range(20))
    changed = np.arange(500) < 20
    assert rendering.auc(detector.score(twin, seen), changed) > 0.99


def test_neighbours_that_changed_together_are_seen_through_noise_that_hides_each_alone():
    rng = np.random.default_rng(6)
    n, who = 600, np.arange(60)
    group = np.arange(n) // 12  # everyone listens to eleven others of the same group
    source, target = np.nonzero((group[:, None] == group) & ~np.eye(n, dtype=bool))

    def pair(shift):
        base, noise = rng.normal(size=(n, 3)), rng.normal(size=(n, 3))
        noise[who] += shift
        edges = np.stack([source, target])
        return rendering.Graph(base, edges, n - 12), rendering.Graph(base + noise, edges, n - 12)

    quiet, loud = [pair(0.0) for _ in range(10)], pair(0.8)
    found = {
        view.__name__: rendering.auc(rendering.fit_detector(view, quiet).score(*loud), np.arange(n) < 60)
        for view in (rendering.own, rendering.one_hop)
    }
    assert found["own"] < 0.85 < 0.97 < found["one_hop"]


def test_an_encoder_detects_what_changed_in_a_city(city, pairs):
    encoder = rendering.train_encoder([g for p in pairs for g in p], "dgi", seed=1, epochs=100)
    detector = rendering.fit_detector(encoder.embed, pairs)
    record, before = rendering.full_record(city), rendering.attributes(city)
    change = rendering.inject(city, "failed_link", seed=2)
    for _ in range(2):
        city.step(5.0)
    pair = rendering.graph_pair(record, rendering.cheap_report(city), record_cells(city))
    score, moved = detector.score(*pair), rendering.drift(before, rendering.attributes(city))
    clear = (moved > 2) | (moved < 0.5)  # on three sites hardly a node is left as it was
    assert rendering.auc(score[clear], moved[clear] > 2) > 0.8
    assert score[120 + change.cell] > detector.threshold(0.02)


def record_cells(pn):
    return pn.snapshot().cell_position_m


def test_the_raw_threshold_is_the_largest_difference_in_amounts(city):
    record, report = rendering.full_record(city), rendering.cheap_report(city, 0.0)
    twin, seen = rendering.graph_pair(record, report, record_cells(city))
    assert raw_threshold(twin, seen).max() < 1  # noise of half a dB and roundings, 4 dB to the amount
    louder = replace(report, rsrp_dbm=report.rsrp_dbm + np.where(np.arange(120) == 7, 10.0, 0.0)[:, None])
    _, seen = rendering.graph_pair(record, louder, record_cells(city))
    assert raw_threshold(twin, seen)[7] == pytest.approx(10 / 4, abs=0.5)
    assert np.argmax(raw_threshold(twin, seen)) == 7


def test_graphs_of_different_networks_are_refused(pairs):
    rng = np.random.default_rng(1)
    detector = rendering.fit_detector(own, pairs)
    with pytest.raises(ValueError, match="has 129 nodes, 120 of them users, and the observed one 500 and 400"):
        detector.score(pairs[0][0], planted(rng)[1])
    with pytest.raises(ValueError, match="quiet_pairs is empty"):
        rendering.fit_detector(own, [])
    with pytest.raises(ValueError, match="false_share is 1, but it must be over 0 and below 1"):
        detector.threshold(1)
