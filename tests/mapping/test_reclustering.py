"""Clusters over time: agreement by published and exact values, every renaming tried, no look ahead, planted change."""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnt_lab.datasets import cell_id
from dnt_lab.mapping import (
    adjusted_rand,
    cluster,
    cluster_features,
    random_clusters,
    recluster,
    silhouette,
    stable_labels,
)
from dnt_lab.mapping.clustering import numbered_by_first
from tests.mapping.planted import city, week_of_offices

WEST = np.arange(36) % 6 < 3
MILAN = Path(__file__).parents[2].parent / "shared" / "data" / "milan_25cells_hourly.csv.gz"
groupings = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=25)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        # Yeung and Ruzzo, "Details of the adjusted Rand index" (2001): .313 for this table of 3 x 3 groups
        ([0, 0, 1, 1, 1, 1, 2, 2, 2, 2], [0, 1, 0, 1, 1, 2, 2, 2, 2, 2], 0.313),
        # scikit-learn's documentation of adjusted_rand_score
        ([0, 0, 1, 1], [0, 0, 1, 2], 0.5714),
        ([0, 0, 0, 0], [0, 1, 2, 3], 0.0),
        ([0, 0, 1, 1], [0, 1, 0, 1], -0.5),
        # of its tests
        ([0, 0, 0, 1, 1, 1], [0, 1, 0, 1, 2, 2], 0.2424),
        # nothing to tell apart
        ([7], [7], 1.0),
        ([1, 2, 3], [5, 6, 4], 1.0),
        ([1, 1, 1], [0, 0, 0], 1.0),
    ],
)
def test_published_agreements(a, b, expected):
    assert adjusted_rand(a, b) == pytest.approx(expected, abs=5e-4)
    assert adjusted_rand(b, a) == adjusted_rand(a, b)


@given(groupings)
def test_the_agreement_counts_pairs(rows):
    a, b = np.array(rows).T
    pairs = list(itertools.combinations(range(len(a)), 2))
    both = sum(a[i] == a[j] and b[i] == b[j] for i, j in pairs)
    in_a, in_b = (sum(g[i] == g[j] for i, j in pairs) for g in (a, b))
    expected, mean = in_a * in_b / len(pairs), (in_a + in_b) / 2
    assert adjusted_rand(a, b) == pytest.approx(1.0 if mean == expected else (both - expected) / (mean - expected))


@given(groupings, st.permutations(range(5)))
def test_names_do_not_matter(rows, names):
    a, b = np.array(rows).T
    renamed = np.array(names)[a]
    assert adjusted_rand(a, renamed) == 1
    assert adjusted_rand(renamed, b) == pytest.approx(adjusted_rand(a, b))


@pytest.mark.parametrize("b", [[0, 0, 1, 1, 2, 2, 2], [0, 1, 1, 1, 1, 1, 1]])
def test_random_groupings_agree_as_much_as_chance_says(b):
    a = np.array([0, 0, 0, 1, 1, 2, 2])
    every = [adjusted_rand(a[list(order)], b) for order in itertools.permutations(range(7))]
    assert np.mean(every) == pytest.approx(0, abs=1e-12)


def test_the_agreement_of_many_base_stations_stays_exact():
    n = 10_000
    a = np.arange(n)
    assert adjusted_rand(a, a[::-1]) == 1
    assert adjusted_rand(a // 2, (a + 1) // 2) == pytest.approx(-1e-4, rel=0.1)


@settings(max_examples=50)
@given(groupings)
def test_no_renaming_keeps_more_labels(rows):
    old, new = (numbered_by_first(np.array(g)) for g in zip(*rows, strict=True))
    found = stable_labels(old, new)
    kept = [(np.array(names)[new] == old).sum() for names in itertools.permutations(range(new.max() + 1))]
    assert (found == old).sum() == max(kept)
    np.testing.assert_array_equal(numbered_by_first(found), new)
    np.testing.assert_array_equal(np.unique(found), np.arange(new.max() + 1))
    np.testing.assert_array_equal(stable_labels(old, found), found)


def test_labels_follow_their_base_stations():
    old = np.array([2, 2, 2, 0, 0, 1, 1, 1])
    np.testing.assert_array_equal(stable_labels(old, [0, 0, 1, 1, 1, 2, 2, 2]), [2, 2, 0, 0, 0, 1, 1, 1])
    np.testing.assert_array_equal(stable_labels(old, [0, 0, 1, 2, 2, 3, 3, 3]), [2, 2, 3, 0, 0, 1, 1, 1])
    np.testing.assert_array_equal(stable_labels(old, [0, 0, 0, 0, 0, 1, 1, 1]), [0, 0, 0, 0, 0, 1, 1, 1])


def run(traffic, values, **change):
    wanted = {"every_hours": 168, "window_hours": 168, "k": 2, "seed": 0, **change}
    return recluster(traffic.centre_m, values, traffic.start, **wanted)


def test_a_city_that_does_not_change_keeps_its_clusters():
    history = run(*city(WEST))
    np.testing.assert_array_equal(history.hours, [168, 336, 504, 672])
    np.testing.assert_array_equal(history.labels, np.tile(np.where(WEST, 0, 1), (4, 1)))
    drift = history.drift
    assert list(drift.index) == list(pd.date_range("2013-11-08", periods=4, freq="7D"))
    assert list(drift.columns) == ["changed_share", "profile_drift", "adjusted_rand"]
    assert drift.iloc[0].isna().all()
    assert (drift["changed_share"][1:] == 0).all()
    assert (drift["adjusted_rand"][1:] == 1).all()
    assert drift["profile_drift"][1:].between(0.1, 0.6).all()


def test_homes_that_become_offices_change_cluster_and_drift():
    traffic, values = city(~WEST)
    # in the west, from the third week on; without BS 0 the clusters would be numbered the other way round
    converted = np.array([0, 7, 14])
    turn = np.exp(0.8 * week_of_offices(len(values), traffic.start))
    values[336:, converted] *= turn[336:, None]
    history = run(traffic, values, location_weight=0.0)
    changed = history.labels[1:] != history.labels[:-1]
    assert not changed[[0, 2]].any()
    np.testing.assert_array_equal(np.flatnonzero(changed[1]), converted)
    moved = history.profile_drift[2]
    assert moved[converted].min() > 1
    assert moved[converted].mean() > 2 * np.delete(moved, converted).mean()
    assert history.drift["changed_share"].iloc[2] == pytest.approx(3 / 36)


def test_the_drift_of_a_wave_turned_over_is_twice_its_size():
    hours = np.arange(336)
    wave = np.sin(2 * np.pi * hours / 24)
    values = np.column_stack([wave, np.where(hours < 168, wave, -wave), np.where(hours < 168, wave, 3 * wave + 8)])
    history = recluster(np.eye(3, 2), values, "2013-11-04", 168, 168, k=2, seed=0)
    assert np.isnan(history.profile_drift[0]).all()
    np.testing.assert_allclose(history.profile_drift[1], [0, 2, 0], atol=1e-12)


def test_a_clustering_sees_its_window_and_nothing_else():
    traffic, values = city(WEST, strength=0.05)
    how = {"k": 4, "every_hours": 100, "window_hours": 200, "location_weight": 0.3}
    history = run(traffic, values, **how)
    np.testing.assert_array_equal(history.hours, [200, 300, 400, 500, 600])
    np.testing.assert_array_equal(run(traffic, values, **how).labels, history.labels)
    changed_later = values.copy()
    changed_later[400:] = np.random.default_rng(0).random((272, 36))
    np.testing.assert_array_equal(run(traffic, changed_later, **how).labels[:3], history.labels[:3])
    for now, labels in zip(history.hours, history.labels, strict=True):
        window, begins = values[now - 200 : now], traffic.start + np.timedelta64(now - 200, "h")
        alone = cluster(cluster_features(traffic.centre_m, window, begins, 0.3), 4, seed=0).labels
        np.testing.assert_array_equal(alone, numbered_by_first(labels))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"window_hours": 1000}, "window_hours, for 672 hours of values, is 1000, but must be 24 to 672"),
        ({"window_hours": 23}, "window_hours, for 672 hours of values, is 23, but must be 24 to 672"),
        ({"every_hours": 0}, "every_hours is 0, but must be 1 or more"),
        ({"k": 37}, "k, for 36 BSs, is 37, but must be 1 to 36"),
    ],
)
def test_bad_schedules_are_refused(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        run(*city(WEST), **change)


def test_bad_series_are_refused():
    traffic, values = city(WEST)
    with pytest.raises(ValueError, match="start is 'soon', but must be a time"):
        recluster(traffic.centre_m, values, "soon", 168, 168, 2, 0)
    values[-1, 0] = np.nan  # after the last window
    with pytest.raises(ValueError, match="values holds 1 numbers that are NaN or infinite; fill them first"):
        run(traffic, values, every_hours=400)


def test_bad_labels_are_refused():
    with pytest.raises(ValueError, match=r"old labels have shape \(2,\) and type int64; 3 whole numbers are needed"):
        stable_labels([0, 1], [0, 1, 1])
    with pytest.raises(ValueError, match=r"new labels hold \[0, 2\]; they must hold 0 to k - 1, each at least once"):
        stable_labels([0, 1], [0, 2])
    with pytest.raises(ValueError, match=r"new labels have shape .* whole numbers, one a BS, are needed"):
        stable_labels([0, 1], [0.0, 1.0])
    for a, b in (([0, 1], [0, 1, 1]), ([], []), ([0.5, 1], [0, 1]), ([[0, 1]], [[0, 1]])):
        with pytest.raises(ValueError, match=r"a has shape .*, b .*; a whole number a BS is needed"):
            adjusted_rand(a, b)


@pytest.fixture(scope="module")
def milan():
    if not MILAN.exists():
        pytest.skip("the real series of 25 cells is not beside this checkout (shared/data)")
    table = pd.read_csv(MILAN, index_col="time")
    row, col = np.divmod(table.columns.astype(int).to_numpy() - 1, 100)
    assert (cell_id(row, col) == table.columns.astype(int)).all()
    return (np.column_stack([col, row]) + 0.5) * 235.0, table.to_numpy()


def share_of_equal_neighbours(labels):
    grid = labels.reshape(5, 5)
    return np.mean(np.concatenate([(grid[1:] == grid[:-1]).ravel(), (grid[:, 1:] == grid[:, :-1]).ravel()]))


@pytest.mark.parametrize("k", [2, 3, 4, 5])
def test_real_neighbours_have_like_weeks(milan, k):
    position_m, values = milan
    features = cluster_features(position_m, values[:552], "2013-11-01", location_weight=0.0)
    found = cluster(features, k, seed=0).labels
    mixed = [share_of_equal_neighbours(np.random.default_rng(s).permutation(found)) for s in range(200)]
    assert share_of_equal_neighbours(found) > np.quantile(mixed, 0.99)
    chance = silhouette(features, random_clusters(25, k, seed=0))
    assert silhouette(features, found) > chance + 0.2


def test_most_real_base_stations_keep_their_cluster_from_week_to_week(milan):
    position_m, values = milan
    drift = recluster(position_m, values, "2013-11-01", 168, 168, k=3, seed=0).drift[1:]
    assert (drift["changed_share"] < 0.25).all()
    assert (drift["adjusted_rand"] > 0.5).all()
    # a week's profile is noisy: the same BS a week later differs by most of a standard deviation
    assert drift["profile_drift"].between(0.5, 1.0).all()
