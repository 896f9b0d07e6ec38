r"""What changed? The distance of two embeddings of a node, by the spread it has in ordinary life.

A *view* turns a graph into some numbers a node: its own features, the mean of its neighbours', an embedding. Where the
network does what the twin believes, the view of the observed graph less that of the twin's graph is noise. Its mean
:math:`\mu` and covariance :math:`\Sigma`, one pair for users and one for cells, are measured on change-free history;
then a node's score is the Mahalanobis distance

.. math:: s_v = \sqrt{(\Delta z_v - \mu)^T \Sigma^{-1} (\Delta z_v - \mu)}, \qquad
          \Delta z_v = z_v^{\mathrm{seen}} - z_v^{\mathrm{twin}}

>>> detector = fit_detector(encoder.embed, quiet_pairs)
>>> detector.score(twin, seen)[:3]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from dnt_lab.datasets._numbers import inner_share
from dnt_lab.mapping.rendering.graph import Graph
from dnt_lab.mapping.rendering.truth import AMOUNT_DB, AMOUNT_LOAD, AMOUNT_RATE

_CALM, _PASSES = 0.8, 3  # share of nodes taken to be calm: a walker is ordinary life, but not the noise around it
_RIDGE = 1e-3  # of the mean variance: a feature that never moved in history may move a little all the same
# what the amounts of a change come to in the units of the features: columns of users, then of cells
_AMOUNTS = {0: AMOUNT_DB / 10, 4: AMOUNT_DB / 10, 5: np.log(AMOUNT_RATE), 6: 2 * AMOUNT_LOAD,
            7: 2 * AMOUNT_LOAD, 8: np.log(AMOUNT_RATE)}  # fmt: skip


def own(graph: Graph) -> np.ndarray:
    """View: the features of each node (N, F), nothing else."""
    return graph.features


def one_hop(graph: Graph) -> np.ndarray:
    """View: the mean features of those each node listens to (N, F); smooth without learning."""
    return graph.mean_of_neighbours(graph.features)


def own_and_one_hop(graph: Graph) -> np.ndarray:
    """View: both side by side (N, 2 F)."""
    return np.hstack([own(graph), one_hop(graph)])


def raw_threshold(twin: Graph, seen: Graph) -> np.ndarray:
    """Score of the simplest rule, shape (N,): the largest raw difference in units of the amount that is a change.

    Compared are serving power, SINR, rate and load of a user, load and users of a cell; one per feature over 1 is a
    report that contradicts the record by more than the amount. So sensors "send on delta".
    """
    columns = list(_AMOUNTS)
    return (np.abs(seen.features - twin.features)[:, columns] / list(_AMOUNTS.values())).max(axis=1)


@dataclass(frozen=True, eq=False)
class Detector:
    """A view and its ordinary spread.

    Attributes
    ----------
    view : callable
        From a graph to (N, d).
    mean, precision : tuple of ndarray, shapes (d,) and (d, d)
        Of users, of cells: mean and inverse covariance of ordinary differences.
    ordinary : ndarray, shape (M,)
        Scores in the history it was fitted to, sorted.
    """

    view: Callable[[Graph], np.ndarray]
    mean: tuple[np.ndarray, np.ndarray]
    precision: tuple[np.ndarray, np.ndarray]
    ordinary: np.ndarray

    def score(self, twin: Graph, seen: Graph) -> np.ndarray:
        """How far out of the ordinary each node is, shape (N,), 0 or more."""
        difference = difference_of(self.view, twin, seen)
        return np.concatenate(
            [
                mahalanobis(part, mean, precision)
                for part, mean, precision in zip(
                    (difference[: twin.n_users], difference[twin.n_users :]), self.mean, self.precision, strict=True
                )
            ]
        )

    def threshold(self, false_share: float) -> float:
        """Score that a share `false_share` (0 to 1) of nodes exceeds in ordinary life."""
        return float(np.quantile(self.ordinary, 1 - inner_share("false_share", false_share)))


def difference_of(view: Callable[[Graph], np.ndarray], twin: Graph, seen: Graph) -> np.ndarray:
    """View of the observed graph less that of the twin's, shape (N, d).

    Raises
    ------
    ValueError
        If the graphs are of different networks.
    """
    if (twin.n_nodes, twin.n_users) != (seen.n_nodes, seen.n_users):
        raise ValueError(
            f"the twin's graph has {twin.n_nodes} nodes, {twin.n_users} of them users, and the observed one "
            f"{seen.n_nodes} and {seen.n_users}, but both must show one network"
        )
    return np.asarray(view(seen) - view(twin), float)


def fit_detector(view: Callable[[Graph], np.ndarray], quiet_pairs: Sequence[tuple[Graph, Graph]]) -> Detector:
    """Measure the ordinary spread of a view.

    Parameters
    ----------
    view : callable
        `own`, `one_hop`, `own_and_one_hop`, or `Encoder.embed`.
    quiet_pairs : sequence of (Graph, Graph)
        Graphs of the twin and of the reports while nothing but ordinary life went on.

    Returns
    -------
    Detector
        Fitted to the calmest four fifths of nodes: moving users belong to ordinary life, but their change is real.

    Raises
    ------
    ValueError
        If there are no pairs.
    """
    if not len(quiet_pairs):
        raise ValueError("quiet_pairs is empty, but the ordinary spread is measured on one pair of graphs at least")
    differences = [(difference_of(view, twin, seen), twin.n_users) for twin, seen in quiet_pairs]
    users = np.concatenate([difference[:n] for difference, n in differences])
    cells = np.concatenate([difference[n:] for difference, n in differences])
    means, precisions = zip(_spread(users), _spread(cells), strict=True)
    scores = [mahalanobis(part, *fit) for part, *fit in zip((users, cells), means, precisions, strict=True)]
    return Detector(view, means, precisions, np.sort(np.concatenate(scores)))


def _spread(differences: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and precision of the calmest share of rows (n, d), found by refitting."""
    calm = differences
    for _ in range(1 + _PASSES):
        mean, covariance = calm.mean(axis=0), np.atleast_2d(np.cov(calm.T, bias=True))
        ridge = _RIDGE * np.trace(covariance) / len(covariance) + 1e-9
        precision = np.linalg.inv(covariance + ridge * np.eye(len(covariance)))
        score = mahalanobis(differences, mean, precision)
        calm = differences[score <= np.quantile(score, _CALM)]
    return mean, precision


def mahalanobis(differences: np.ndarray, mean: np.ndarray, precision: np.ndarray) -> np.ndarray:
    """Distance (n,) of rows (n, d) from `mean` (d,) in standard deviations, given the inverse covariance (d, d)."""
    centred = differences - mean
    return np.sqrt(np.maximum(np.einsum("nd,nd->n", centred @ precision, centred), 0.0))


def auc(score: np.ndarray, changed: np.ndarray) -> float:
    """Probability that a changed node scores higher than an unchanged one, a tie counting half; NaN without either.

    Parameters
    ----------
    score : array_like, shape (n,)
        Scores.
    changed : array_like of bool, shape (n,)
        Which nodes changed.

    Notes
    -----
    The Mann-Whitney statistic over its largest value, from ranks: J. Hanley, B. McNeil, Radiology 143, 1982.
    """
    score, changed = np.asarray(score, float), np.asarray(changed, bool)
    if score.shape != changed.shape or score.ndim != 1 or np.isnan(score).any():
        raise ValueError(
            f"score has shape {score.shape} and changed {changed.shape}, but both need one value a node and no NaN"
        )
    n_changed = int(changed.sum())
    pairs = n_changed * (len(score) - n_changed)
    if pairs == 0:
        return float("nan")
    return float((rankdata(score)[changed].sum() - n_changed * (n_changed + 1) / 2) / pairs)
