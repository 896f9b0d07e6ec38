"""Vertical twins: one model a cluster of regions, made by synchronous federated learning on their own links.

>>> twins = train_twins(task, k=2, seed=1)
>>> predict(twins.model, twins.serving(task)[0], task.regions[0])
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from dnt_lab.datasets._checks import whole
from dnt_lab.datasets._numbers import real
from dnt_lab.fl import ClientData, Devices, Federation, LocalTraining, Model, fedavg
from dnt_lab.mapping.clustering import Clustering, cluster
from dnt_lab.mapping.vertical.clusters import N_PILOTS, assign, region_features
from dnt_lab.mapping.vertical.model import link_loss, link_model
from dnt_lab.mapping.vertical.task import MappingTask, mirrored


@dataclass(frozen=True)
class Recipe:
    """How vertical twins learn.

    Attributes
    ----------
    rounds, own_rounds : int
        Rounds of federated averaging after which the clusters' heads meet, so that all learn one model; and further
        rounds at a quarter of the learning rate, in which each cluster goes its own way.
    epochs, batch_size : int
        Passes a round over a region's tracks, and tracks a step.
    lr, momentum : float
        Of SGD.
    mirror : bool
        Learn from each track and its mirror image.
    """

    rounds: int = 24
    own_rounds: int = 6
    epochs: int = 1
    batch_size: int = 4
    lr: float = 0.2
    momentum: float = 0.9
    mirror: bool = True

    def __post_init__(self):
        whole("rounds", self.rounds, 1)
        whole("own_rounds", self.own_rounds, 1)
        real("lr", self.lr)

    def stages(self) -> tuple[tuple[int, float, int | None], ...]:
        """Return rounds, learning rate and ``merge_every`` of the two stages."""
        return (self.rounds, self.lr, 1), (self.own_rounds, self.lr / 4, None)

    def local(self, lr: float) -> LocalTraining:
        """Return what a region does in a round."""
        return LocalTraining(self.epochs, self.batch_size, lr, self.momentum, loss=link_loss)


@dataclass(frozen=True, eq=False)
class VerticalTwins:
    """The models of k clusters of regions.

    Attributes
    ----------
    model : Model
        What they share.
    weights : ndarray, shape (k, P)
        Of each cluster.
    clustering : Clustering
        Which training region belongs to which; `assign` places new ones.
    history : DataFrame
        A row a round, as `Federation.history`.
    """

    model: Model
    weights: np.ndarray
    clustering: Clustering
    history: pd.DataFrame

    def serving(self, task: MappingTask, n_pilots: int = N_PILOTS) -> np.ndarray:
        """Return the weights (K, P) that serve the regions of a task, chosen by their rasters and pilot tracks."""
        return self.weights[assign(self.clustering, region_features(task, n_pilots))]


def client_data(task: MappingTask, mirror: bool = True) -> ClientData:
    """Return the samples of each region, (N, T, F) and (N, 5 T), or twice as many with their mirror images."""
    clients = []
    for k, x in enumerate(task.inputs):
        y = task.targets(k)
        if mirror:
            x, y = (np.concatenate(pair) for pair in zip((x, y), mirrored(x, y), strict=True))
        clients.append((x, y.reshape(len(y), -1)))
    return ClientData.stack(clients)


def train_twins(
    task: MappingTask, k: int, seed: int, recipe: Recipe = Recipe(), *, model: Model | None = None,
    devices: Devices | None = None, evaluate=None,
) -> VerticalTwins:  # fmt: skip
    """Cluster the regions, and let each cluster learn its model in synchronous rounds.

    Parameters
    ----------
    task : MappingTask
        Regions with their traced links; each is a client, and its links never leave it.
    k : int
        Number of clusters; 1 makes one twin for all.
    seed : int
        Of clustering, first weights and shuffling.
    recipe : Recipe
        Rounds and learning rate.
    model : Model, optional
        What to learn; ``link_model`` for tracks of the task's length if left out.
    devices : Devices, optional
        Speed and links of the BSs, for the cost in virtual time.
    evaluate : callable, optional
        As for `Federation.run`.

    Returns
    -------
    VerticalTwins

    Raises
    ------
    ValueError, TypeError
        If a number is out of range or there are fewer regions than clusters.
    """
    seed = whole("seed", seed, 0)
    model = link_model(task.regions[0].track_m.shape[1]) if model is None else model
    clustering = cluster(region_features(task), k, seed)
    data, initial, clock_s, parts = client_data(task, recipe.mirror), None, 0.0, []
    for stage, (rounds, lr, merge_every) in enumerate(recipe.stages()):
        federation = Federation(
            model, data, fedavg(), recipe.local(lr), devices=devices, groups=clustering.labels,
            merge_every=merge_every, initial=initial, seed=2 * seed + stage,
        )  # fmt: skip
        federation.clock_s += clock_s  # who joins or leaves does so once, not once a stage
        parts.append(federation.run(rounds, evaluate=evaluate))
        initial, clock_s = federation.weights, federation.clock_s
    history = pd.concat(parts, ignore_index=True)
    return VerticalTwins(model, initial, clustering, history.assign(round=np.arange(1, len(history) + 1)))
