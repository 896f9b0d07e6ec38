r"""Robust least squares around a belief: what outliers cannot pull away and missing information cannot let go.

Errors :math:`e_i(u)` in dB depend on parameters u, counted in standard deviations of what is believed of them (mean 0,
variance 1). The estimate is

.. math:: \min_u \; \sum_i \rho\left(\frac{e_i(u)}{\sigma}\right) + \sum_j u_j^2

with a loss :math:`\rho` that grows slower than a square. First soft-L1, which has one minimum where the errors are
linear in u, in turn with the noise :math:`\sigma` from the median of absolute errors; from there on Cauchy's loss,
which forgets outliers (an MM-estimate).

Sources: P. J. Huber and E. M. Ronchetti, "Robust Statistics", 2nd ed., Wiley 2009; V. J. Yohai, "High breakdown-point
and high efficiency robust estimates for regression", Ann. Statist. 15(2), 1987.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

OUTLIER = 3.0
"""An error larger than so many standard deviations of the noise is an outlier."""

_STAGES = ("soft_l1", "soft_l1", "soft_l1", "cauchy", "cauchy")
_TUNING = {"soft_l1": 1.345, "cauchy": 2.385}  # in units of the noise: near 95 % efficient under Gaussian noise
_MAD = 1.4826  # standard deviation of a Gaussian over its median absolute value


@dataclass(frozen=True, eq=False)
class RobustFit:
    """Result of `robust_fit`.

    Attributes
    ----------
    u : ndarray, shape (k,)
        Estimate.
    noise_db : float
        Standard deviation of an error, outliers set aside.
    error_db : ndarray, shape (n,)
        Errors at the estimate.
    slopes : ndarray, shape (n, k)
        Their derivatives.
    """

    u: np.ndarray
    noise_db: float
    error_db: np.ndarray
    slopes: np.ndarray

    @property
    def information(self) -> np.ndarray:
        """What the errors say about u, shape (k, k), the inverse of a covariance; outliers say next to nothing."""
        trust = 1 / (1 + (self.error_db / (_TUNING["cauchy"] * self.noise_db)) ** 2)
        return self.slopes.T @ (trust[:, None] * self.slopes) / self.noise_db**2


def robust_fit(error_db: Callable, low: np.ndarray, high: np.ndarray, expected_noise_db: float) -> RobustFit:
    """Estimate u.

    Parameters
    ----------
    error_db : callable
        Errors (n,) in dB for u (k,).
    low, high : ndarray, shape (k,)
        Bounds of u around 0.
    expected_noise_db : float
        Standard deviation to expect of an error. Its weight is one error where there are no more of them than
        parameters, and fades as they become more.
    """

    def slopes(u):  # by central differences that stay between the bounds
        columns = []
        for step in 1e-5 * np.eye(len(u)):
            above, below = np.minimum(u + step, high), np.maximum(u - step, low)
            columns.append((error_db(above) - error_db(below)) / (above - below).sum())
        return np.stack(columns, axis=1)

    def fit(u, noise_db, loss):
        return least_squares(
            lambda u: np.append(error_db(u) / noise_db, u),
            u,
            lambda u: np.concatenate([slopes(u) / noise_db, np.eye(len(u))]),
            bounds=(low, high),
            method="dogbox",  # the default, trf, stays at a bound it starts from
            loss=lambda z: _robust(loss, z, len(z) - len(u)),
        ).x

    u, noise_db = np.zeros(len(low)), expected_noise_db
    for loss in _STAGES:
        u = fit(u, noise_db, loss)
        noise_db = _noise_db(error_db(u), len(u), expected_noise_db)
    return RobustFit(u, noise_db, error_db(u), slopes(u))


def _robust(name: str, z: np.ndarray, n: int) -> np.ndarray:
    """Loss of squares z and its two derivatives, robust for the first n; those of the belief stay squares."""
    rho = np.stack([z, np.ones_like(z), np.zeros_like(z)])
    c2 = _TUNING[name] ** 2
    grown = 1 + z[:n] / c2
    if name == "soft_l1":
        rho[:, :n] = 2 * c2 * (np.sqrt(grown) - 1), grown**-0.5, -0.5 / c2 * grown**-1.5
    else:
        rho[:, :n] = c2 * np.log(grown), 1 / grown, -1 / (c2 * grown**2)
    return rho


def _noise_db(error_db: np.ndarray, n_parameters: int, expected_db: float) -> float:
    """Standard deviation from the median of absolute errors, outliers set aside, and from the expectation."""
    inlier = np.abs(error_db)
    for _ in range(3):
        spread_db = _MAD * np.median(inlier)
        inlier = inlier[inlier <= OUTLIER * spread_db]
    free = max(len(inlier) - n_parameters, 0)
    faith = 1 / (1 + free)
    squares = len(inlier) * spread_db**2 if free else 0.0  # shared by `free`: the fit took the rest
    return float(np.sqrt((faith * expected_db**2 + squares) / (faith + free)))
