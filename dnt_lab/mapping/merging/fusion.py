r"""Fusion: several beliefs about the same positions become one.

`averaged` weighs all alike. `fuse` takes at each position the best linear unbiased estimate. With the claimed
deviations :math:`s_i` of the twins in a coalition and the correlation R of their errors in units of what they claim,

.. math:: \hat g = \sum_i w_i (m_i - b_i), \quad
          w = \frac{\Sigma^{-1} 1}{1^T \Sigma^{-1} 1}, \quad
          \hat\sigma^2 = \frac{1}{1^T \Sigma^{-1} 1}, \quad \Sigma_{ij} = s_i R_{ij} s_j.

Without an `ErrorModel` twins are believed: b = 0, R = 1 (inverse-variance weights). `fit_errors` learns b and R from a
few measurements of one's own, so that a twin that claims too much, or repeats another one, loses its weight.

>>> one, other = Belief([-100.0], [2.0]), Belief([-106.0], [4.0])
>>> fuse([one, other])
Belief(mean_db=array([-101.2]), std_db=array([1.78885438]), los=None, departure=None)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit

from dnt_lab.datasets._numbers import inner_share, reals
from dnt_lab.mapping.merging.belief import Belief, Samples, unit_vectors

SHRINKAGE = 0.1
_LEAST = 0.05  # least eigenvalue of R: a hundred samples prove nobody better than a quarter of its claim
_SURE = 0.02  # probabilities are pooled between this and 1 minus this
_LEAST_TURN = 0.01  # 1 - cos of 8 degrees
_TOGETHER_DEG = 10.0  # directions this close support each other
_PRIOR = 1.0  # of the log-odds weights, in samples


@dataclass(frozen=True, eq=False)
class ErrorModel:
    """What measurements say about the errors of n twins.

    Attributes
    ----------
    bias_db : ndarray, shape (n,)
        How much each says too much, in dB.
    correlation : ndarray, shape (n, n)
        Mean product of errors over claimed deviations, R above; its diagonal is 1 for honest claims.
    los_weight : ndarray, shape (n,)
        Weight of each twin's log-odds of a line of sight; 0 for twins without.
    departure_weight : ndarray, shape (n,)
        Weight of each twin's direction of departure; 0 for twins without.
    """

    bias_db: np.ndarray
    correlation: np.ndarray
    los_weight: np.ndarray
    departure_weight: np.ndarray


def fit_errors(beliefs: Sequence[Belief], samples: Samples, weight=None, *, shrinkage: float = SHRINKAGE) -> ErrorModel:
    """Learn biases, correlation and log-odds weights from measurements.

    Parameters
    ----------
    beliefs : sequence of n Belief
        About the positions of the samples, without having seen them.
    samples : Samples
        N measurements, 3 or more; their noise is taken out of the errors.
    weight : array_like, shape (N,), optional
        How much each sample counts; all alike by default.
    shrinkage : float
        Share by which correlations between twins are pulled to 0, over 0 and below 1.

    Returns
    -------
    ErrorModel

    Raises
    ------
    ValueError
        If there are too few samples, lengths differ or a number is out of its range.
    """
    mean_db, std_db = _stacked(beliefs)
    if len(samples) < 3 or mean_db.shape[1] != len(samples):
        raise ValueError(
            f"there are {len(samples)} samples and beliefs about {mean_db.shape[1]} positions, but equal numbers, 3 or "
            "more, are needed"
        )
    weight = reals("weight", np.ones(len(samples)) if weight is None else weight)
    if weight.shape != (len(samples),) or not 0 < weight.sum() < np.inf:
        raise ValueError(
            f"weight has shape {weight.shape} and sum {weight.sum()}, but one a sample, not all 0, is needed"
        )
    weight, shrinkage = weight / weight.sum(), inner_share("shrinkage", shrinkage)
    bias_db = (mean_db - samples.gain_db) @ weight
    error = (mean_db - bias_db[:, None] - samples.gain_db) / std_db
    correlation = (error * weight) @ error.T - samples.noise_db**2 * (weight / std_db) @ (1 / std_db).T
    own = np.maximum(np.diag(correlation), _LEAST)
    correlation = (1 - shrinkage) * correlation
    np.fill_diagonal(correlation, own)
    value, vector = np.linalg.eigh(correlation)
    correlation = vector * np.maximum(value, _LEAST) @ vector.T
    los_weight = _los_weight(beliefs, samples.los, weight)
    return ErrorModel(bias_db, correlation, los_weight, _departure_weight(beliefs, samples.turn_deg, weight))


def _los_weight(beliefs, seen: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weights of log-odds that make what was seen likely, held back to equal weights; 0 or more."""
    able = np.array([belief.los is not None for belief in beliefs])
    found = able / max(able.sum(), 1)
    if able.any():
        odds, start, sign = _log_odds(beliefs), found[able], np.where(seen, 1.0, -1.0)
        n_effective = 1 / (weight**2).sum()

        def loss(w):
            margin = sign * (w @ odds)
            slope = -(odds * (sign * expit(-margin) * weight)).sum(axis=1) * n_effective
            return (
                n_effective * weight @ np.logaddexp(0, -margin) + _PRIOR * ((w - start) ** 2).sum(),
                slope + 2 * _PRIOR * (w - start),
            )

        found[able] = minimize(loss, start, jac=True, bounds=[(0, None)] * len(start)).x
    return found


def _departure_weight(beliefs, turn_deg: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weights of directions: one over the mean of 1 - cos of their errors, as of a circular variance."""
    seen = unit_vectors(turn_deg)
    found = np.zeros(len(beliefs))
    for i, belief in enumerate(beliefs):
        if belief.departure is not None:
            length = np.linalg.norm(belief.departure, axis=1)
            cosine = (belief.departure * seen).sum(axis=1) / np.maximum(length, _SURE)
            counts = weight * np.isfinite(turn_deg)
            found[i] = 1 / (1 - counts @ cosine / max(counts.sum(), 1e-12) + _LEAST_TURN)
    return found


def _log_odds(beliefs) -> np.ndarray:
    return np.array([logit(np.clip(belief.los, _SURE, 1 - _SURE)) for belief in beliefs if belief.los is not None])


def fuse(beliefs: Sequence[Belief], errors: ErrorModel | None = None, members=None) -> Belief:
    """Return the best linear unbiased estimate from some twins' beliefs.

    Parameters
    ----------
    beliefs : sequence of n Belief
        About the same P positions.
    errors : ErrorModel, optional
        Of the same n twins; by default `as_claimed`.
    members : array_like of bool, shape (n,), optional
        Whom to fuse; by default all.

    Returns
    -------
    Belief
        Its line of sight is pooled by log-odds; its direction is that of the member with whom most weight agrees, as a
        mean of a straight way and a reflection would be neither. None where no member has one.

    Raises
    ------
    ValueError
        If there is nobody to fuse or lengths differ.
    """
    mean_db, std_db = _stacked(beliefs)
    n = len(beliefs)
    members = np.ones(n, bool) if members is None else np.asarray(members, bool)
    if members.shape != (n,) or not members.any():
        raise ValueError(
            f"members is {members.tolist()}, but one truth value for each of {n} twins, at least one True, is needed"
        )
    if errors is None:
        errors = as_claimed(n)
    if errors.bias_db.shape != (n,):
        raise ValueError(f"errors are of {len(errors.bias_db)} twins, but there are beliefs of {n}")
    fused = fused_by_coalition(mean_db, std_db, errors, members[None])
    chosen = [belief for belief, taken in zip(beliefs, members, strict=True) if taken]
    los = _pooled_los(chosen, errors.los_weight[members])
    return Belief(*(part[0] for part in fused), los, _pooled_departure(chosen, errors.departure_weight[members]))


def as_claimed(n: int) -> ErrorModel:
    """Return the error model that believes n twins: no bias, independent errors as large as claimed, equal weights."""
    return ErrorModel(np.zeros(n), np.eye(n), np.full(n, 1 / n), np.ones(n))


def fused_by_coalition(mean_db, std_db, errors: ErrorModel, members) -> tuple[np.ndarray, np.ndarray]:
    """Fuse n beliefs (n, P) in M coalitions (M, n), none empty, at once: means and deviations of shape (M, P)."""
    outside = ~members
    # a twin outside is uncorrelated with the others and has no say
    inside = members[:, :, None] & members[:, None]
    covariance = np.where(inside, errors.correlation, 0.0) + outside[:, :, None] * np.eye(members.shape[1])
    precision = np.linalg.inv(covariance) @ (members[:, :, None] / std_db) / std_db
    total = precision.sum(axis=1)
    return (precision * (mean_db - errors.bias_db[:, None])).sum(axis=1) / total, 1 / np.sqrt(total)


def averaged(beliefs: Sequence[Belief]) -> Belief:
    """Return the plain average: every twin counts alike at every position.

    The deviation is that of the mixture: what the twins claim and how much they disagree.

    Raises
    ------
    ValueError
        If there is nobody to average or lengths differ.
    """
    mean_db, std_db = _stacked(beliefs)
    return Belief(mean_db.mean(axis=0), np.sqrt((std_db**2).mean(axis=0) + mean_db.var(axis=0)))


def _pooled_los(beliefs, weight: np.ndarray) -> np.ndarray | None:
    able = np.array([belief.los is not None for belief in beliefs])
    if not able.any():
        return None
    # equal weights if the fit gave all to twins that are not here
    weight = weight[able] if weight[able].any() else np.full(able.sum(), 1 / able.sum())
    return expit(weight @ _log_odds(beliefs))


def _pooled_departure(beliefs, weight: np.ndarray) -> np.ndarray | None:
    able = np.array([belief.departure is not None for belief in beliefs])
    if not able.any():
        return None
    weight = weight[able] / weight[able].sum()
    vectors = np.array([belief.departure for belief in beliefs if belief.departure is not None])
    length = np.linalg.norm(vectors, axis=2)
    unit = vectors / np.maximum(length, 1e-12)[..., None]
    agreement = np.exp((np.einsum("jpk,mpk->jmp", unit, unit) - 1) / np.deg2rad(_TOGETHER_DEG) ** 2)
    support = np.einsum("m,mp,jmp->jp", weight, length, agreement)
    chosen = support.argmax(axis=0), np.arange(unit.shape[1])
    return unit[chosen] * support[chosen][:, None]


def _stacked(beliefs: Sequence[Belief]) -> tuple[np.ndarray, np.ndarray]:
    lengths = [len(belief) for belief in beliefs]
    if not lengths or len(set(lengths)) > 1:
        raise ValueError(f"beliefs are about {lengths} positions, but one or more about equally many are needed")
    return np.array([belief.mean_db for belief in beliefs]), np.array([belief.std_db for belief in beliefs])
