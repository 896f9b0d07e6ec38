"""Clusters: every partition tried, planted cities found again, the silhouette written out, any order of the BSs."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.vq import ClusterError
from scipy.spatial.distance import cdist

from dnt_lab.mapping import (
    adjusted_rand,
    choose_k,
    cluster,
    cluster_features,
    clustering,
    random_clusters,
    silhouette,
)
from tests.mapping.planted import city

WEST = np.arange(36) % 6 < 3


def blobs(k, n=10, seed=0, spread=0.3, n_features=4):
    """k groups around far corners, in mixed order, with their true labels."""
    rng = np.random.default_rng(seed)
    truth = rng.permutation(np.arange(k * n) % k)
    return 5 * np.eye(k, n_features)[truth] + spread * rng.normal(size=(k * n, n_features)), truth


def all_partitions(n, k):
    """Every way to put n things in k groups that are all used, groups named by first member."""
    rows = np.array(list(itertools.product(range(k), repeat=n)))
    firsts = np.array([[np.argmax(row == j) if (row == j).any() else n for j in range(k)] for row in rows])
    return rows[(firsts < n).all(axis=1) & (np.diff(firsts, axis=1) > 0).all(axis=1)]


@pytest.fixture(scope="module")
def partitions():
    found = all_partitions(8, 3)
    assert len(found) == 966  # Stirling number of the second kind
    return found


@pytest.mark.parametrize("seed", range(25))
def test_the_best_of_all_partitions_is_found(partitions, seed):
    x = np.random.default_rng(seed).normal(size=(8, 2))
    member = (partitions[:, :, None] == np.arange(3)).astype(float)
    means = np.einsum("pnk,nf->pkf", member, x) / member.sum(axis=1)[:, :, None]
    inertia = ((x - np.einsum("pnk,pkf->pnf", member, means)) ** 2).sum(axis=(1, 2))
    found = cluster(x, 3, seed=0)
    np.testing.assert_array_equal(found.labels, partitions[inertia.argmin()])
    assert found.inertia == pytest.approx(inertia.min())


@pytest.mark.parametrize("weight", [0.0, 1.0])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_offices_in_the_west_and_homes_in_the_east_are_told_apart(seed, weight):
    traffic, values = city(WEST, seed=seed)
    features = cluster_features(traffic.centre_m, values, traffic.start, weight)
    np.testing.assert_array_equal(cluster(features, 2, seed=0).labels, np.where(WEST, 0, 1))
    assert choose_k(features, range(2, 7), seed=0)[1] == 2


def test_offices_anywhere_are_found_by_profile_and_not_by_location():
    office = np.random.default_rng(5).permutation(np.arange(36) % 2 == 0)
    traffic, values = city(office)
    by_profile, by_place = (
        cluster(cluster_features(traffic.centre_m, values, traffic.start, weight), 2, seed=0).labels
        for weight in (0.0, 1e6)
    )
    assert adjusted_rand(by_profile, office.astype(int)) == 1
    assert abs(adjusted_rand(by_place, office.astype(int))) < 0.2
    row, col = np.divmod(np.arange(36), 6)
    assert any(adjusted_rand(by_place, (side < 3).astype(int)) > 0.6 for side in (row, col, (row + col) // 2))


@pytest.mark.parametrize("k", [2, 3, 5, 7])
def test_hand_made_groups_and_their_number_are_found(k):
    x, truth = blobs(k, n_features=8)
    table, chosen = choose_k(x, range(2, 10), seed=0)
    assert chosen == k
    assert adjusted_rand(cluster(x, k, seed=0).labels, truth) == 1
    assert table.index.name == "k"
    assert list(table.index) == list(range(2, 10))
    assert (np.diff(table["inertia"]) < 0).all()
    assert table["smallest"].to_dict() == {j: cluster(x, j, seed=0).sizes.min() for j in range(2, 10)}
    assert table.loc[k, "smallest"] == 10
    assert table.loc[k, "silhouette"] == silhouette(x, cluster(x, k, seed=0).labels)


def test_a_clustering_holds_together():
    x = np.random.default_rng(2).normal(size=(1500, 5)) + 100  # ten iterations are not enough
    found = cluster(x, 6, seed=0)
    for j in range(6):
        np.testing.assert_allclose(found.centres[j], x[found.labels == j].mean(axis=0))
    np.testing.assert_array_equal(cdist(x, found.centres).argmin(axis=1), found.labels)
    assert found.inertia == pytest.approx((cdist(x, found.centres).min(axis=1) ** 2).sum())
    np.testing.assert_array_equal(found.sizes, [(found.labels == j).sum() for j in range(6)])
    first = [int(np.argmax(found.labels == j)) for j in range(6)]
    assert first == sorted(first)


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4)), min_size=3, max_size=14, unique=True),
    st.integers(1, 5),
    st.data(),
)
def test_the_order_of_the_base_stations_only_renames(points, k, data):
    x, order = np.array(points, float), data.draw(st.permutations(range(len(points))))
    k = min(k, len(x))
    found, again = cluster(x, k, seed=0), cluster(x[order], k, seed=0)
    np.testing.assert_array_equal(np.unique(found.labels), np.arange(k))
    assert adjusted_rand(found.labels[order], again.labels) == 1
    assert again.inertia == pytest.approx(found.inertia)


def test_a_seed_decides_everything():
    x = np.random.default_rng(0).random((400, 6))
    np.testing.assert_array_equal(cluster(x, 20, seed=1).labels, cluster(x, 20, seed=1).labels)
    assert (cluster(x, 20, seed=1).labels != cluster(x, 20, seed=2).labels).any()
    np.testing.assert_array_equal(cluster(x, 20, seed=np.random.default_rng(1)).labels, cluster(x, 20, seed=1).labels)


def test_the_extremes_are_one_cluster_and_one_for_each():
    x = np.random.default_rng(0).random((7, 3))
    assert not cluster(x, 1, seed=0).labels.any()
    assert cluster(x, 1, seed=0).inertia == pytest.approx(((x - x.mean(axis=0)) ** 2).sum())
    np.testing.assert_array_equal(cluster(x, 7, seed=0).labels, np.arange(7))
    assert cluster(x, 7, seed=0).inertia == 0
    assert silhouette(x, cluster(x, 7, seed=0).labels) == 0


def test_twins_share_a_cluster_and_do_not_count_twice():
    x = np.repeat([[0.0, 0], [1, 0], [0, 7]], 4, axis=0)
    np.testing.assert_array_equal(cluster(x, 3, seed=0).labels, np.repeat([0, 1, 2], 4))
    assert silhouette(x, np.repeat([0, 1, 2], 4)) == 1
    for nearly in (0.0, 1e-9):
        with pytest.raises(ValueError, match="k is 4, but the 12 BSs have only 3 different rows of features"):
            cluster(x + nearly * np.random.default_rng(0).random(x.shape), 4, seed=0)


def test_places_far_from_the_origin_are_told_apart():
    x = np.array([[0.0, 0], [0, 3], [900, 0], [903, 0]]) + np.array([5e5, 5e6])
    np.testing.assert_array_equal(cluster(x, 2, seed=0).labels, [0, 0, 1, 1])
    np.testing.assert_array_equal(cluster(x, 4, seed=0).labels, [0, 1, 2, 3])


def test_a_start_that_loses_a_cluster_is_left_out(monkeypatch):
    x, truth = blobs(3)
    calls = itertools.count()

    def fails_at_first(*args, **kwargs):
        if next(calls) < 20:
            raise ClusterError
        return kmeans2(*args, **kwargs)

    kmeans2 = clustering.kmeans2
    monkeypatch.setattr(clustering, "kmeans2", fails_at_first)
    assert adjusted_rand(cluster(x, 3, seed=0).labels, truth) == 1
    calls = itertools.count(-1000)
    with pytest.raises(ValueError, match="k is 3, but every start left a cluster without BSs; a smaller k is needed"):
        cluster(x, 3, seed=0)


def written_out(x, labels):
    """Rousseeuw's definition, one BS after the other."""
    scores = []
    for i in range(len(x)):
        means = {}
        for j in set(labels):
            others = [np.linalg.norm(x[i] - x[m]) for m in range(len(x)) if labels[m] == j and m != i]
            means[j] = sum(others) / len(others) if others else None
        a, b = means.pop(labels[i]), min(means.values())
        scores.append(0.0 if a is None else (b - a) / max(a, b))
    return sum(scores) / len(scores)


@settings(max_examples=25)
@given(st.integers(2, 5), st.integers(6, 30), st.integers(0, 1000))
def test_the_silhouette_is_the_textbook_s(k, n, seed):
    x = np.random.default_rng(seed).normal(size=(n, 3))
    labels = random_clusters(n, k, seed)
    labels[labels == k - 1] = 0  # so that sizes differ, and one BS is alone
    labels[0] = k - 1
    labels = clustering.numbered_by_first(labels)
    assert silhouette(x, labels) == pytest.approx(written_out(x, labels.tolist()))


def test_the_silhouette_of_many_is_a_sample_s(monkeypatch):
    x, _ = blobs(4, n=600, spread=2.0)
    labels = cluster(x, 4, seed=0).labels
    sampled = [silhouette(x, labels, seed) for seed in range(5)]
    assert sampled[0] == silhouette(x, labels, 0)
    monkeypatch.setattr(clustering, "SILHOUETTE_SAMPLE", len(x))
    whole = silhouette(x, labels)
    assert len(set(sampled)) == 5
    np.testing.assert_allclose(sampled, whole, atol=0.01)


@given(st.integers(1, 40), st.data())
def test_random_groups_are_balanced_and_all_used(n, data):
    k = data.draw(st.integers(1, n))
    labels = random_clusters(n, k, seed=4)
    sizes = np.bincount(labels, minlength=k)
    assert labels.shape == (n,)
    assert len(sizes) == k
    assert sizes.min() >= 1
    assert sizes.max() - sizes.min() <= 1
    np.testing.assert_array_equal(labels, random_clusters(n, k, seed=4))


def test_random_groups_ignore_everything():
    agreement = [adjusted_rand(random_clusters(100, 4, seed), np.arange(100) // 25) for seed in range(40)]
    assert len(set(agreement)) > 20
    assert abs(np.mean(agreement)) < 0.01


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda x: cluster(x, 6, 0), ValueError, "k, for 5 BSs, is 6, but must be 1 to 5"),
        (lambda x: cluster(x, 0, 0), ValueError, "k, for 5 BSs, is 0, but must be 1 to 5"),
        (lambda x: cluster(x, 2.0, 0), TypeError, "k, for 5 BSs, is 2.0, but must be a whole number"),
        (lambda x: cluster(x, 2, None), TypeError, "seed is None"),
        (lambda x: cluster(x * np.nan, 2, 0), ValueError, "features holds 10 numbers that are NaN or infinite"),
        (
            lambda x: cluster(x[:, 0], 2, 0),
            ValueError,
            r"features has shape \(5,\) and type float64; numbers, \(K, F\),",
        ),
        (
            lambda x: choose_k(x, [], 0),
            ValueError,
            "candidates are empty, but must hold numbers of clusters, 2 or more",
        ),
        (lambda x: choose_k(x, [1, 2], 0), ValueError, "A candidate k, for 5 BSs, is 1, but must be 2 to 5"),
        (lambda x: choose_k(x, range(2, 9), 0), ValueError, "A candidate k, for 5 BSs, is 6, but must be 2 to 5"),
        (
            lambda x: silhouette(x, np.zeros(5, int)),
            ValueError,
            "labels hold one cluster, but a silhouette compares two",
        ),
        (lambda x: silhouette(x, [0, 0, 1]), ValueError, r"labels have shape \(3,\) and type int64; 5 whole numbers"),
        (lambda x: silhouette(x, [0, 0, 2, 2, 2]), ValueError, r"labels hold \[0, 2\]; they must hold 0 to k - 1"),
        (lambda x: random_clusters(3, 4, 0), ValueError, "k, for 3 BSs, is 4, but must be 1 to 3"),
        (lambda x: random_clusters(0, 1, 0), ValueError, "n is 0, but must be 1 or more"),
    ],
)
def test_bad_input_is_refused(call, error, sentence):
    with pytest.raises(error, match=sentence):
        call(np.random.default_rng(0).random((5, 2)))
