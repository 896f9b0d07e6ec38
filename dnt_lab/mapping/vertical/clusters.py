"""Link-quality regions: which regions are alike, by their geography and by what a few measured links say.

The same k-means as for base stations by traffic (`dnt_lab.mapping.clustering`), on other features. Traffic changes by
the hour, link quality when things move or measurements come in; so regions are clustered again every so often too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial.distance import cdist

from dnt_lab.datasets._checks import whole
from dnt_lab.mapping.clustering import Clustering, cluster
from dnt_lab.mapping.reclustering import stable_labels
from dnt_lab.mapping.vertical.task import MappingTask

FEATURES = ("built_share", "log_height", "log_distance", "los_share", "path_share", "excess_db", "excess_std_db")
"""Geography first (share of ground built on, mean height of what stands there, mean distance), then link quality."""
N_PILOTS = 2
"""Tracks of each region whose links are measured before a twin is chosen for it."""
_UNITS = np.array([0.25, 0.5, 0.5, 0.25, 0.25, 5.0, 5.0])  # a difference that matters, in each feature


def region_features(task: MappingTask, n_pilots: int = N_PILOTS) -> np.ndarray:
    """Features by which regions are clustered, from their rasters and a few measured tracks.

    Parameters
    ----------
    task : MappingTask
        K regions.
    n_pilots : int
        Tracks whose links were measured, the first ones of each region.

    Returns
    -------
    ndarray, shape (K, 7)
        `FEATURES`, each in units of a difference that matters (a quarter of the ground, a factor of 3, 5 dB).

    Raises
    ------
    ValueError, TypeError
        If `n_pilots` is not 1 to the number of tracks.
    """
    rows = []
    for k, region in enumerate(task.regions):
        n = whole("n_pilots", n_pilots, 1, len(region.track_m))
        excess_db, los, path = task.targets(k)[:n, :, :3].reshape(-1, 3).T
        distance_m = np.linalg.norm(region.reported_m[:n] - region.bs_m, axis=-1)
        built = region.raster.height_m > 0
        height_m = region.raster.height_m[built].mean() if built.any() else 0.0
        heard_db = excess_db[path > 0] if path.any() else np.zeros(1)
        geography = (built.mean(), np.log10(0.1 + height_m), np.log10(distance_m.mean()))
        rows.append((*geography, los.mean(), path.mean(), heard_db.mean(), heard_db.std()))
    return np.array(rows) / _UNITS


def assign(clustering: Clustering, features: np.ndarray) -> np.ndarray:
    """Return for new regions (K, F) the cluster with the nearest centre, shape (K,)."""
    return cdist(features, clustering.centres).argmin(axis=1)


def periodic_clusters(features: Sequence[np.ndarray], k: int, seed) -> np.ndarray:
    """Cluster the same regions again and again.

    Parameters
    ----------
    features : sequence of ndarray, shape (K, F)
        Of the same K regions at each time.
    k : int
        Number of clusters.
    seed : int or Generator
        Of the starts.

    Returns
    -------
    ndarray of int, shape (times, K)
        Labels; a cluster keeps its name as far as its regions stay together.

    Raises
    ------
    ValueError, TypeError
        If there is no time, or as `dnt_lab.mapping.cluster`.
    """
    if not len(features):
        raise ValueError("features hold no time, but there must be one at least.")
    labels = []
    for now in features:
        found = cluster(now, k, seed).labels
        labels.append(stable_labels(labels[-1], found) if labels else found)
    return np.array(labels)
