"""Clusters: streets told from rooms, features by hand, new regions to the nearest centre, names that stay."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnt_lab.mapping import Clustering, adjusted_rand, cluster
from dnt_lab.mapping.vertical import (
    FEATURES,
    MappingTask,
    assign,
    link_inputs,
    periodic_clusters,
    region_features,
)
from tests.mapping.vertical.made import houses, measured, region

SCALE = (0.25, 0.5, 0.5, 0.25, 0.25, 5.0, 5.0)  # a difference that matters, as the docstring names them


def planted(n, seed):
    """Places of two kinds, in turn: half built on with 12 m and shadowed, or nearly free with 2 m and in the open."""
    rng, regions, truth = np.random.default_rng(seed), [], []
    for i in range(n):
        dense = i % 2 == 0
        blocks = ((0, 0, 20, 30, 12.0),) if dense else ((1, 1, 5, 5, 2.0),)
        track_m = np.column_stack([rng.uniform(22, 39, (12, 2)) * (1, 0.7), np.full(12, 1.5)]).reshape(4, 3, 3)
        regions.append(region(houses(*blocks), (21.0, 15.0, 10.0), track_m))
        distance_m = np.linalg.norm(track_m.reshape(-1, 3) - (21.0, 15.0, 10.0), axis=1)
        free_db = 20 * np.log10(4 * np.pi * distance_m * 28e9 / 299_792_458)
        truth.append(measured(-free_db - (20 if dense else 0) - rng.normal(0, 1, 12), np.full(12, not dense)))
    return MappingTask(regions, [link_inputs(r, r.reported_m) for r in regions], truth)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_planted_kinds_of_regions_are_found_again(seed):
    features = region_features(planted(8, seed))
    labels = cluster(features, 2, seed).labels
    assert adjusted_rand(labels, np.arange(8) % 2) == 1
    assert assign(cluster(features, 2, seed), region_features(planted(6, seed + 10))).tolist() == labels[:6].tolist()


def test_features_of_a_region_by_hand(task):
    features = region_features(task, n_pilots=2)
    assert features.shape == (5, len(FEATURES)) == (5, 7)
    for k, (place, truth) in enumerate(zip(task.regions, task.truth, strict=True)):
        n = 2 * 3  # two tracks of three steps
        height_m = place.raster.height_m
        built = height_m[height_m > 0]
        distance_m = np.mean([np.linalg.norm(place.reported_m[i, t] - place.bs_m) for i in (0, 1) for t in range(3)])
        path = truth.path[:n]
        excess_db = (-truth.gain_db[:n] - task.regions[k].free_space_db()[:n])[path]
        expected = (
            len(built) / height_m.size, np.log10(0.1 + built.mean()), np.log10(distance_m), truth.los[:n].mean(),
            path.mean(), excess_db.mean() if path.any() else 0.0, excess_db.std() if path.any() else 0.0,
        )  # fmt: skip
        np.testing.assert_allclose(features[k] * SCALE, expected, atol=1e-5)


def test_pilots_are_all_that_is_looked_at():
    """The truth of the other tracks may be anything: a twin measures a few, not all."""
    known = planted(4, 5)
    rng = np.random.default_rng(0)
    masked = []
    for truth in known.truth:
        late = np.arange(12) >= 6
        masked.append(
            measured(np.where(late, rng.normal(-200, 50, 12), truth.gain_db), np.where(late, False, truth.los))
        )
    np.testing.assert_allclose(
        region_features(known), region_features(MappingTask(known.regions, known.inputs, masked)), atol=1e-6
    )


def test_a_place_without_things_and_pilots_without_a_path_have_features():
    track_m = np.array([[[30.0, 20.0, 1.5], [31.0, 20.0, 1.5]]])
    empty = region(houses(), (21.0, 15.0, 10.0), track_m)
    task = MappingTask([empty], [link_inputs(empty, track_m)], [measured([0.0, 0.0], path=[False, False])])
    features = region_features(task, 1)[0] * SCALE
    assert np.isfinite(features).all()
    assert features[[0, 3, 4, 5, 6]].tolist() == [0.0] * 5 and features[1] == pytest.approx(-1)


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 6))
def test_a_new_region_goes_where_the_nearest_centre_is(seed, k, n):
    rng = np.random.default_rng(seed)
    centres, features = rng.normal(size=(k, 7)), rng.normal(size=(n, 7))
    labels = assign(Clustering(np.arange(k), centres, 0.0), features)
    for row, label in zip(features, labels, strict=True):
        distances = [np.linalg.norm(row - centre) for centre in centres]
        assert distances[label] == min(distances)


def test_training_regions_are_assigned_to_their_own_clusters():
    features = region_features(planted(8, 4))
    clustering = cluster(features, 2, 0)
    np.testing.assert_array_equal(assign(clustering, features), clustering.labels)


def test_a_cluster_keeps_its_name_while_its_regions_stay_together():
    """Region 0, first in the list, changes sides: names given by first occurrence would be swapped."""
    rng = np.random.default_rng(3)
    side = np.array([0, 0, 0, 1, 1, 1, 0, 1])
    times = []
    for moved in (False, True, True):
        now = side.copy()
        now[0] = 1 if moved else 0
        times.append(now[:, None] * 10.0 + rng.normal(0, 0.1, (8, 7)))
    labels = periodic_clusters(times, 2, seed=1)
    assert labels.shape == (3, 8)
    np.testing.assert_array_equal(labels[0], side)
    for later in labels[1:]:
        np.testing.assert_array_equal(later, [1, *side[1:]])


def test_bad_input_is_refused(task):
    with pytest.raises(ValueError, match=r"n_pilots is 7, but must be 1 to 6"):
        region_features(task, 7)
    with pytest.raises(ValueError, match=r"n_pilots is 0, but must be 1 to 6"):
        region_features(task, 0)
    with pytest.raises(ValueError, match="features hold no time, but there must be one at least"):
        periodic_clusters([], 2, 0)
    with pytest.raises(ValueError, match="k, for 5 BSs, is 6, but must be 1 to 5"):
        periodic_clusters([np.eye(5)], 6, 0)
