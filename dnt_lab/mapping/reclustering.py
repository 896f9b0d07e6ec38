"""Clusters over time: grouped again and again, named so that they can be followed, and how far they drift.

>>> history = recluster(traffic.centre_m, traffic.service("sms"), traffic.start, every_hours=168, window_hours=168,
...                     k=4, seed=1)
>>> history.drift
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment

from dnt_lab.datasets._checks import whole
from dnt_lab.mapping.clustering import checked_labels, cluster
from dnt_lab.mapping.features import cluster_features, finite_table, full_hour, weekly_profiles

if TYPE_CHECKING:
    import pandas as pd


def stable_labels(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Return `new` with its clusters renamed so that as many BSs as possible keep their label of `old`.

    Parameters
    ----------
    old, new : numpy.ndarray of int, shape (K,)
        Labels 0 to k - 1, each used; k may differ between the two.

    Returns
    -------
    numpy.ndarray of int, shape (K,)
        The groups of `new`; its labels 0 to k - 1 permuted. With fewer clusters than before, the highest labels of
        `old` cannot be kept: groups stay numbered without gaps, as a federation needs them.

    Raises
    ------
    ValueError
        If the two do not have one label a BS, or a label is skipped.
    """
    new = checked_labels("new labels", new)
    old = checked_labels("old labels", old, len(new))
    k = int(new.max()) + 1
    overlap = np.zeros((k, max(k, int(old.max()) + 1)), dtype=int)
    np.add.at(overlap, (new, old), 1)
    _, name = linear_sum_assignment(overlap[:, :k], maximize=True)
    return name[new]


def adjusted_rand(a: np.ndarray, b: np.ndarray) -> float:
    """Return how far two groupings agree on which BSs belong together: 1 for equal ones, about 0 for random ones.

    ``(pairs - expected) / (mean - expected)``, with the number of pairs of BSs together in both, its expectation over
    random groupings of the same sizes, and the mean of the numbers together in either: Hubert and Arabie, "Comparing
    partitions", J. Classification 2 (1985) 193-218. Names of groups do not matter.

    Parameters
    ----------
    a, b : array_like of int, shape (K,)
        Any whole numbers.

    Raises
    ------
    ValueError
        If the two do not have one label a BS.
    """
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or a.ndim != 1 or not a.size or not {a.dtype.kind, b.dtype.kind} <= set("iu"):
        raise ValueError(f"a has shape {a.shape} ({a.dtype}), b {b.shape} ({b.dtype}); a whole number a BS is needed.")
    a, b = (np.unique(labels, return_inverse=True)[1] for labels in (a, b))
    both, in_a, in_b = (_pairs(labels) for labels in (a * (b.max() + 1) + b, a, b))
    every = len(a) * (len(a) - 1) // 2
    # multiplied by the number of all pairs, whole numbers stay exact
    spread = every * (in_a + in_b) - 2 * in_a * in_b
    # 0 only if all BSs are together in both, or all apart in both
    return 2 * (every * both - in_a * in_b) / spread if spread else 1.0


def _pairs(labels: np.ndarray) -> int:
    n = np.unique(labels, return_counts=True)[1]
    return int((n * (n - 1) // 2).sum())


@dataclass(frozen=True, eq=False)
class ClusterHistory:
    """T clusterings of the same K BSs, one after the other.

    Attributes
    ----------
    hours : numpy.ndarray of int, shape (T,)
        Hours of traffic known at each clustering, counted from `start`.
    start : numpy.datetime64
        Local time at which the traffic begins.
    labels : numpy.ndarray of int, shape (T, K)
        0 to k - 1; a cluster keeps its label as far as its BSs stay together.
    profile_drift : numpy.ndarray, shape (T, K)
        Root mean square over the week of the change of a BS's profile since the clustering before, in its standard
        deviations; NaN in the first row. Windows that overlap share hours and so drift less.
    """

    hours: np.ndarray
    start: np.datetime64
    labels: np.ndarray
    profile_drift: np.ndarray

    @property
    def drift(self) -> pd.DataFrame:
        """How far each clustering is from the one before.

        Index ``time`` (local); columns ``changed_share`` (of BSs with another label), ``profile_drift`` (mean over
        BSs) and ``adjusted_rand``; the first row is NaN.
        """
        import pandas as pd  # here, because importing it costs more than all of this module

        steps = list(zip(self.labels, self.labels[1:], strict=False))
        columns = {
            "changed_share": [np.nan, *(float((old != new).mean()) for old, new in steps)],
            "profile_drift": self.profile_drift.mean(axis=1),
            "adjusted_rand": [np.nan, *(adjusted_rand(old, new) for old, new in steps)],
        }
        return pd.DataFrame(columns, pd.DatetimeIndex(self.start + self.hours.astype("timedelta64[h]"), name="time"))


def recluster(
    position_m: np.ndarray,
    values: np.ndarray,
    start: np.datetime64,
    every_hours: int,
    window_hours: int,
    k: int,
    seed: int | np.random.Generator,
    location_weight: float = 1.0,
) -> ClusterHistory:
    """Cluster the BSs anew every so often, each time on the latest hours only.

    The first clustering comes as soon as a window is full, so that none sees traffic of later hours.

    Parameters
    ----------
    position_m, values, start, location_weight
        As in `cluster_features`, but `values` is the whole series.
    every_hours : int
        Hours from one clustering to the next.
    window_hours : int
        Hours of traffic each clustering sees, 24 or more. With a week, noise alone moves a profile: see
        `ClusterHistory.drift` of traffic that does not change before reading it as change.
    k : int
        Number of clusters.
    seed : int or numpy.random.Generator
        Of the starts of `cluster`.

    Returns
    -------
    ClusterHistory

    Raises
    ------
    ValueError, TypeError
        As in `cluster_features` and `cluster`, or if the window is longer than the series.
    """
    values = finite_table("values", values, "(hours, K)")
    every_hours = whole("every_hours", every_hours, 1)
    window_hours = whole(f"window_hours, for {len(values)} hours of values,", window_hours, 24, len(values))
    hours = np.arange(window_hours, len(values) + 1, every_hours)
    start = full_hour(start)
    labels, profiles = [], []
    for now in hours.tolist():
        first = now - window_hours
        window, begins = values[first:now], start + np.timedelta64(first, "h")
        found = cluster(cluster_features(position_m, window, begins, location_weight), k, seed).labels
        labels.append(stable_labels(labels[-1], found) if labels else found)
        profiles.append(weekly_profiles(window, begins))
    change = np.diff(profiles, axis=0, prepend=np.nan)
    return ClusterHistory(hours, start, np.array(labels), np.sqrt((change**2).mean(axis=1)))
