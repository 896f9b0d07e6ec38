r"""Kriging: what samples say about places and times where nobody measured.

Deviations from a known mean are a Gaussian field, close places and close times alike:

.. math:: k((x, t), (x', t')) = s(x)\,s(x')\,e^{-|x-x'|/\ell - |t-t'|/\tau}

with s a scale times how unsure one claims to be there. Over time alone this is the process of a Kalman filter with
memory :math:`\tau`. `fit_field` chooses scale, :math:`\ell` and :math:`\tau` as the samples make them likely.

>>> field = fit_field(xy_m, time_h, residual_db, noise_db=2.0, claim_db=8.0)
>>> mean_db, std_db = krige(field, xy_m, time_h, residual_db, 2.0, 8.0, where_m, now_h, 8.0)

Source: N. Cressie, "Statistics for Spatial Data", Wiley 1993, section 3.2 (ordinary kriging).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve, eigh
from scipy.spatial.distance import cdist

from dnt_lab.datasets._numbers import real, reals

RANGES_M = (5.0, 10.0, 20.0, 40.0)
MEMORIES_H = (6.0, 24.0, np.inf)
SCALES = np.geomspace(0.1, 5.0, 40)
_SCALE_SPREAD = 0.5  # a claim is taken for right within a factor of 1.6 until samples outvote it
_MOST = 160  # samples that a field is fitted to, spread over time: more change it little and cost their cube
_CHUNK = 4096  # positions at a time: with 300 samples 10 MB


@dataclass(frozen=True)
class Field:
    """How deviations hang together.

    Attributes
    ----------
    scale : float
        True over claimed standard deviation.
    range_m : float
        Distance over which the correlation falls to 1/e, in metres.
    memory_h : float
        Time over which it falls to 1/e, in hours; infinite for a field that stands still.
    """

    scale: float
    range_m: float
    memory_h: float = np.inf

    def __post_init__(self):
        real("scale", self.scale)
        real("range_m", self.range_m)
        if not self.memory_h > 0:
            raise ValueError(f"memory_h is {self.memory_h}, but it must be over 0 hours")

    def correlation(self, xy_m, time_h, other_m, other_h) -> np.ndarray:
        """Correlation of each of N places and times with each of M others, shape (N, M)."""
        return np.exp(-cdist(xy_m, other_m) / self.range_m - np.abs(np.subtract.outer(time_h, other_h)) / self.memory_h)


def fit_field(xy_m, time_h, residual_db, noise_db, claim_db) -> Field:
    """Return the most probable field behind N noisy residuals.

    Parameters
    ----------
    xy_m : array_like, shape (N, 2)
        Where they were seen, in metres.
    time_h : array_like, shape (N,)
        When, in hours.
    residual_db : array_like, shape (N,)
        Measurement minus mean in dB; their average is taken off first, as `krige` finds it again.
    noise_db : float
        Standard deviation of the measurement's error in dB.
    claim_db : float or array_like, shape (N,)
        Standard deviation that the residuals are said to have without noise, in dB.

    Returns
    -------
    Field
        With a scale of `SCALES`, a range of `RANGES_M` and a memory of `MEMORIES_H`, infinite if all samples are of one
        time. Ranges and memories are equally probable beforehand; the logarithm of the scale is normal around 0.

    Raises
    ------
    ValueError
        If there are fewer than three residuals, shapes do not fit or a number is out of its range.
    """
    xy_m, time_h, r, noise_db, claim_db = _checked(xy_m, time_h, residual_db, noise_db, claim_db)
    if len(r) < 3:
        raise ValueError(f"residual_db holds {len(r)} values, but at least 3 are needed to see how they hang together")
    rows = np.argsort(time_h, kind="stable")[np.linspace(0, len(r) - 1, min(len(r), _MOST)).round().astype(int)]
    xy_m, time_h, r, claim_db = xy_m[rows], time_h[rows], r[rows] - r.mean(), claim_db[rows]
    log_prior = -0.5 * (np.log(SCALES) / _SCALE_SPREAD) ** 2
    memories_h = MEMORIES_H if np.ptp(time_h) else (np.inf,)
    best = (-np.inf, None)
    for range_m in RANGES_M:
        for memory_h in memories_h:
            shape = Field(1.0, range_m, memory_h).correlation(xy_m, time_h, xy_m, time_h)
            # in the eigenvectors' coordinates the covariance is diagonal for every scale
            value, vector = eigh(np.outer(claim_db, claim_db) * shape)
            variance = SCALES[:, None] ** 2 * np.maximum(value, 0.0) + noise_db**2
            log_posterior = log_prior - 0.5 * ((vector.T @ r) ** 2 / variance + np.log(variance)).sum(axis=1)
            top = int(log_posterior.argmax())
            if log_posterior[top] > best[0]:
                best = (log_posterior[top], Field(float(SCALES[top]), range_m, memory_h))
    return best[1]


def krige(
    field: Field, xy_m, time_h, residual_db, noise_db, claim_db, where_m, when_h, claim_there_db
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of the field at P places at one time (ordinary kriging).

    Parameters
    ----------
    field : Field
        How deviations hang together.
    xy_m, time_h, residual_db, noise_db, claim_db
        The N samples, as in `fit_field`; one is enough.
    where_m : array_like, shape (P, 2)
        Places asked for, in metres.
    when_h : float
        Time asked for, in hours.
    claim_there_db : float or array_like, shape (P,)
        Standard deviation claimed for these places in dB.

    Returns
    -------
    mean_db, std_db : ndarray, shape (P,)
        The constant part is estimated with the rest, and its uncertainty is in `std_db`.

    Raises
    ------
    ValueError
        If there is no sample, shapes do not fit or a number is out of its range.
    """
    xy_m, time_h, r, noise_db, claim_db = _checked(xy_m, time_h, residual_db, noise_db, claim_db)
    if not len(r):
        raise ValueError("residual_db is empty, but at least one sample is needed")
    where_m = np.asarray(where_m, float).reshape(-1, 2)
    there = field.scale * np.broadcast_to(reals("claim_there_db", claim_there_db, strict=True), len(where_m))
    here = field.scale * claim_db
    covariance = np.outer(here, here) * field.correlation(xy_m, time_h, xy_m, time_h)
    factor = cho_factor(covariance + noise_db**2 * np.eye(len(r)), lower=True)
    ones = cho_solve(factor, np.ones(len(r)))
    constant_db = ones @ r / ones.sum()
    explained = cho_solve(factor, r - constant_db)
    mean_db, std_db = np.empty((2, len(where_m)))
    for rows in (slice(first, first + _CHUNK) for first in range(0, len(where_m), _CHUNK)):
        k = np.outer(here, there[rows]) * field.correlation(xy_m, time_h, where_m[rows], [when_h])
        missing = 1 - ones @ k
        variance = there[rows] ** 2 - (k * cho_solve(factor, k)).sum(axis=0) + missing**2 / ones.sum()
        mean_db[rows] = constant_db + explained @ k
        std_db[rows] = np.sqrt(np.maximum(variance, 0.0))
    return mean_db, std_db


def smoothed(field: Field, xy_m, time_h, values, where_m, when_h, prior) -> np.ndarray:
    """Return the mean of N samples around each of P places, the prior counting like one sample on the spot.

    Parameters
    ----------
    field : Field
        Whose correlation is a sample's weight.
    xy_m, time_h : array_like, shapes (N, 2) and (N,)
        Where and when samples were taken.
    values : array_like, shape (N, V)
        What they say.
    where_m, when_h : array_like, shape (P, 2), and float
        Places and time asked for.
    prior : array_like, shape (P, V)
        What is believed without samples.

    Returns
    -------
    ndarray, shape (P, V)
    """
    where_m, found = np.asarray(where_m, float), np.array(prior, float)
    for rows in (slice(first, first + _CHUNK) for first in range(0, len(where_m), _CHUNK)):
        near = field.correlation(where_m[rows], [when_h], xy_m, time_h)
        found[rows] = (near @ values + found[rows]) / (near.sum(axis=1, keepdims=True) + 1)
    return found


def _checked(xy_m, time_h, residual_db, noise_db, claim_db):
    r, xy_m, time_h = (np.asarray(values, float) for values in (residual_db, xy_m, time_h))
    if r.ndim != 1 or xy_m.shape != (len(r), 2) or time_h.shape != r.shape:
        raise ValueError(
            f"xy_m, time_h and residual_db have shapes {xy_m.shape}, {time_h.shape} and {r.shape}, but (N, 2), (N,) "
            "and (N,) are needed"
        )
    if not np.isfinite(np.column_stack([xy_m, time_h, r])).all():
        raise ValueError("xy_m, time_h or residual_db holds a value that is not finite, but samples are finite numbers")
    claim_db = np.broadcast_to(reals("claim_db", claim_db, strict=True), r.shape)
    return xy_m, time_h, r, real("noise_db", noise_db), claim_db
