"""How twins are created and kept alive: which base stations share one, and when that has to be asked again.

>>> from dnt_lab import datasets, mapping
>>> traffic = datasets.synthetic_traffic((6, 6), days=30, seed=1)
>>> sms = traffic.service("sms")
>>> features = mapping.cluster_features(traffic.centre_m, sms[:504], traffic.start)
>>> labels = mapping.cluster(features, k=4, seed=1).labels

Each way of mapping is a package of its own, imported by name (``from dnt_lab.mapping import vertical``):

- `vertical`: from the environment to the attributes of a link
- `rendering`: what changed in the network, and which nodes of the twin to update for it
- `merging`: several twins of one place made into one
- `continual`: local twins and a global one that learn as measurements come in
"""

from dnt_lab.mapping.clustering import Clustering, choose_k, cluster, random_clusters, silhouette
from dnt_lab.mapping.features import cluster_features, weekly_profiles
from dnt_lab.mapping.reclustering import ClusterHistory, adjusted_rand, recluster, stable_labels

__all__ = [
    "ClusterHistory",
    "Clustering",
    "adjusted_rand",
    "choose_k",
    "cluster",
    "cluster_features",
    "random_clusters",
    "recluster",
    "silhouette",
    "stable_labels",
    "weekly_profiles",
]
