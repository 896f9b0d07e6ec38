"""Groups of base stations: k-means with restarts, the choice of k by silhouette, and random groups to compare with.

>>> features = cluster_features(traffic.centre_m, traffic.service("sms")[:336], traffic.start)
>>> table, k = choose_k(features, range(2, 9), seed=1)
>>> cluster(features, k, seed=1).labels
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.cluster.vq import ClusterError, kmeans2
from scipy.spatial.distance import cdist

from dnt_lab.datasets._checks import generator, whole
from dnt_lab.mapping.features import finite_table

if TYPE_CHECKING:
    import pandas as pd

STARTS = 30
ITERATIONS = 10
SILHOUETTE_SAMPLE = 2000
# BSs closer than the root of this, relative to the farthest BS from the mean, cannot be told apart by kmeans2
_SAME = 1e-12


@dataclass(frozen=True, eq=False)
class Clustering:
    """K BSs in k clusters.

    Attributes
    ----------
    labels : numpy.ndarray of int, shape (K,)
        Cluster of each BS, 0 to k - 1, each used; numbered in the order of their first BSs.
    centres : numpy.ndarray, shape (k, F)
        Mean features of each cluster.
    inertia : float
        Sum over BSs of the squared distance to their centre.
    """

    labels: np.ndarray
    centres: np.ndarray
    inertia: float

    @property
    def sizes(self) -> np.ndarray:
        """Number of BSs in each cluster, shape (k,)."""
        return np.bincount(self.labels)


def cluster(features: np.ndarray, k: int, seed: int | np.random.Generator) -> Clustering:
    """Group BSs so that they lie close to their cluster's mean (k-means).

    Thirty k-means++ starts run ten iterations each, the best goes on until it stands still. The order in which BSs are
    listed changes nothing but the numbers of the clusters.

    Parameters
    ----------
    features : numpy.ndarray, shape (K, F)
        From `cluster_features`, or any other.
    k : int
        Number of clusters, 1 to K.
    seed : int or numpy.random.Generator
        Of the starts.

    Returns
    -------
    Clustering

    Raises
    ------
    ValueError, TypeError
        If a feature is missing, or fewer than k BSs differ.

    Notes
    -----
    Lloyd's iterations are `scipy.cluster.vq.kmeans2`. Starts: Arthur and Vassilvitskii, "k-means++: the advantages of
    careful seeding", SODA 2007.
    """
    features = finite_table("features", features, "(K, F)").astype(float)
    k = whole(f"k, for {len(features)} BSs,", k, 1, len(features))
    rng = generator(seed)
    # the same draws whatever the caller's order; around 0, because kmeans2 rounds relative to the distance from there
    order = np.lexsort(features.T)
    x = features[order]
    x -= x.mean(axis=0)
    best = min((_improved(x, _plus_plus(x, k, rng)) for _ in range(STARTS)), key=lambda found: found.inertia)
    if not np.isfinite(best.inertia):
        raise ValueError(f"k is {k}, but every start left a cluster without BSs; a smaller k is needed.")
    while (better := _improved(x, best.centres)).inertia < best.inertia:
        best = better
    labels = np.empty(len(x), dtype=int)
    labels[order] = best.labels
    return _described(features, numbered_by_first(labels))


def _plus_plus(x: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """Return k BSs as centres, each drawn with probability ~ squared distance to the nearest drawn before."""
    chosen = [int(rng.integers(len(x)))]
    same = _SAME * (x**2).sum(axis=1).max()
    nearest = np.full(len(x), np.inf)
    while len(chosen) < k:
        nearest = np.minimum(nearest, ((x - x[chosen[-1]]) ** 2).sum(axis=1))
        nearest[nearest <= same] = 0.0
        if not nearest.any():
            raise ValueError(f"k is {k}, but the {len(x)} BSs have only {len(chosen)} different rows of features.")
        chosen.append(int(rng.choice(len(x), p=nearest / nearest.sum())))
    return x[chosen]


def _improved(x: np.ndarray, centres: np.ndarray) -> Clustering:
    """Return the clustering after some of Lloyd's iterations; of infinite inertia if a cluster lost all its BSs."""
    try:
        _, labels = kmeans2(x, centres, iter=ITERATIONS, minit="matrix", missing="raise", check_finite=False)
    except ClusterError:
        return Clustering(np.zeros(len(x), dtype=int), centres, np.inf)
    return _described(x, labels)


def _described(x: np.ndarray, labels: np.ndarray) -> Clustering:
    centres = (labels == np.arange(labels.max() + 1)[:, None]).astype(float) @ x / np.bincount(labels)[:, None]
    return Clustering(labels, centres, float(((x - centres[labels]) ** 2).sum()))


def numbered_by_first(labels: np.ndarray) -> np.ndarray:
    """Return the same groups, numbered 0, 1, ... in the order in which they first occur."""
    _, first, group = np.unique(labels, return_index=True, return_inverse=True)
    return first.argsort().argsort()[group]


def silhouette(features: np.ndarray, labels: np.ndarray, seed: int | np.random.Generator = 0) -> float:
    """Return the mean silhouette: 1 for clusters far apart, 0 for touching ones, negative for BSs in the wrong one.

    A BS has ``(b - a) / max(a, b)`` with a its mean distance to the others of its cluster and b that to the nearest
    other cluster; alone in its cluster it has 0 (Rousseeuw, J. Comput. Appl. Math. 20 (1987) 53-65).

    Parameters
    ----------
    features : numpy.ndarray, shape (K, F)
        Distances are Euclidean.
    labels : numpy.ndarray of int, shape (K,)
        0 to k - 1, each used, k at least 2.
    seed : int or numpy.random.Generator
        Beyond 2,000 BSs the mean is over a random 2,000 of them (each still against all the others): its standard error
        is the silhouette's standard deviation over BSs / 45, below 0.01.

    Raises
    ------
    ValueError, TypeError
        If shapes do not fit or there is one cluster only.
    """
    features = finite_table("features", features, "(K, F)")
    labels = checked_labels("labels", labels, len(features))
    sizes = np.bincount(labels)
    if len(sizes) < 2:
        raise ValueError("labels hold one cluster, but a silhouette compares two at least.")
    rows = np.arange(len(features))
    if len(rows) > SILHOUETTE_SAMPLE:
        rows = generator(seed).choice(rows, SILHOUETTE_SAMPLE, replace=False)
    member = (labels[:, None] == np.arange(len(sizes))).astype(float)
    # in pieces, so that no (2000, K) table of distances is held
    total = np.vstack([cdist(features[part], features) @ member for part in np.array_split(rows, len(rows) // 256 + 1)])
    own = (np.arange(len(rows)), labels[rows])
    a = total[own] / np.maximum(sizes[labels[rows]] - 1, 1)
    to_others = total / sizes
    to_others[own] = np.inf
    b = to_others.min(axis=1)
    larger = np.maximum(a, b)
    score = np.divide(b - a, larger, out=np.zeros(len(rows)), where=(sizes[labels[rows]] > 1) & (larger > 0))
    return float(score.mean())


def choose_k(
    features: np.ndarray, candidates: Iterable[int], seed: int | np.random.Generator
) -> tuple[pd.DataFrame, int]:
    """Cluster with each number of clusters and choose the one of the highest silhouette.

    Parameters
    ----------
    features : numpy.ndarray, shape (K, F)
        From `cluster_features`.
    candidates : iterable of int
        Numbers of clusters, 2 to K.
    seed : int or numpy.random.Generator
        Of the starts, and of the sample of `silhouette`.

    Returns
    -------
    table : DataFrame, index ``k``
        ``inertia`` (falls with k, look for the bend), ``silhouette`` and ``smallest`` (BSs of the smallest cluster).
    k : int
        The chosen one; the smallest of equals.

    Raises
    ------
    ValueError, TypeError
        If there is no candidate, one is below 2 or above K, or fewer than k BSs differ.
    """
    import pandas as pd  # here, because importing it costs more than all of this module

    features = finite_table("features", features, "(K, F)")
    candidates = sorted({whole(f"A candidate k, for {len(features)} BSs,", k, 2, len(features)) for k in candidates})
    if not candidates:
        raise ValueError("candidates are empty, but must hold numbers of clusters, 2 or more.")
    rows = []
    for k in candidates:
        found = cluster(features, k, seed)
        rows.append((found.inertia, silhouette(features, found.labels, seed), found.sizes.min()))
    table = pd.DataFrame(rows, pd.Index(candidates, name="k"), ["inertia", "silhouette", "smallest"])
    return table, int(table["silhouette"].idxmax())


def random_clusters(n: int, k: int, seed: int | np.random.Generator) -> np.ndarray:
    """Return a random group, 0 to k - 1, for each of n BSs, shape (n,); sizes differ by one at most.

    Raises
    ------
    ValueError, TypeError
        If n or k is not a whole number, 1 or more, or k is above n.
    """
    n = whole("n", n, 1)
    return generator(seed).permutation(np.arange(n) % whole(f"k, for {n} BSs,", k, 1, n))


def checked_labels(name: str, labels, n: int | None = None) -> np.ndarray:
    """Return `labels` as whole numbers 0 to k - 1, each used; `n` of them if `n` is given."""
    labels = np.asarray(labels)
    if labels.ndim != 1 or not labels.size or labels.dtype.kind not in "iu" or len(labels) != (n or len(labels)):
        count = "whole numbers, one a BS," if n is None else f"{n} whole numbers"
        raise ValueError(f"{name} have shape {labels.shape} and type {labels.dtype}; {count} are needed.")
    used = np.unique(labels)
    if not np.array_equal(used, np.arange(len(used))):
        raise ValueError(f"{name} hold {used[:9].tolist()}; they must hold 0 to k - 1, each at least once.")
    return labels.astype(int)
