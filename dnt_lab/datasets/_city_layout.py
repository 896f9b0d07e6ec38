"""The part of the synthetic city that time does not change: cell means, how a cell bends the week, how noisy it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dnt_lab.datasets.milan import milan_facts, weekly_profile
from dnt_lab.datasets.traffic import GRID_SIDE, SERVICES

# the map of cell means, fitted to the correlation of ln mean against distance
TREND_SHARE = 0.6  # of the variance of ln mean that is the rise towards the centre
TREND_RADIUS_CELLS = 20.0
FIELD_RANGE_CELLS = 9.0
MIX_SIGMA = 0.25  # spread between cells of ln(SMS / internet) and ln(call / internet): an assumption
# how cells bend the common week: offices against homes, evenings and weekends
BEND_SIGMA = (0.12, 0.06)
BEND_RANGE_CELLS = 2.5
# the residual's standard deviation, lognormal over cells
SIGMA_MEDIAN, SIGMA_SPREAD = 0.128, 0.42


@dataclass(frozen=True)
class Layout:
    """Constants of N cells.

    Attributes
    ----------
    log_level : numpy.ndarray, shape (services, N)
        ln of the activity where the bent profile is 1.
    bend : numpy.ndarray, shape (2, N)
        Weights of the two shapes of `bend_shapes`.
    sigma : numpy.ndarray, shape (N,)
        Standard deviation of the log residual.
    """

    log_level: np.ndarray
    bend: np.ndarray
    sigma: np.ndarray


def draw_layout(rng: np.random.Generator, rows: np.ndarray, cols: np.ndarray) -> Layout:
    """Draw the whole city and keep a block, so that blocks of one seed are pieces of the same city."""
    log_internet = _log_cell_means(rng)
    per_service = milan_facts()["services"]["mean_per_cell_hour"]
    log_mean = []
    for name in SERVICES:
        mix = 0.0 if name == "internet" else MIX_SIGMA * gaussian_field(rng, FIELD_RANGE_CELLS)
        ratio = per_service[name] / per_service["internet"]
        shift = np.log(ratio * np.exp(log_internet).mean() / np.exp(log_internet + mix).mean())
        log_mean.append(log_internet + mix + shift)
    bends = [sigma * gaussian_field(rng, BEND_RANGE_CELLS) for sigma in BEND_SIGMA]
    sigma = SIGMA_MEDIAN * np.exp(SIGMA_SPREAD * rng.standard_normal((GRID_SIDE, GRID_SIDE)))

    block = np.ix_(rows, cols)
    log_mean = np.stack([field[block].ravel() for field in log_mean])
    bend = np.stack([field[block].ravel() for field in bends])
    factor = np.exp(bend_shapes().T @ bend)
    # bending must not change a cell's mean over the week
    week_mean = np.stack([(weekly_profile(name)[:, None] * factor).mean(axis=0) for name in SERVICES])
    return Layout(
        log_level=(log_mean - np.log(week_mean)).astype(np.float32),
        bend=bend.astype(np.float32),
        sigma=sigma[block].ravel().astype(np.float32),
    )


def _log_cell_means(rng: np.random.Generator) -> np.ndarray:
    """Draw ln of the mean internet activity per hour of every cell, shape (100, 100)."""
    from scipy.special import ndtri  # here, because it costs more to import than the package

    facts = milan_facts()
    row0, col0 = facts["spatial"]["centre_row_col"]
    row, col = np.mgrid[:GRID_SIDE, :GRID_SIDE]
    trend = np.exp(-((row - row0) ** 2 + (col - col0) ** 2) / (2 * TREND_RADIUS_CELLS**2))
    trend = (trend - trend.mean()) / trend.std()
    field = np.sqrt(TREND_SHARE) * trend + np.sqrt(1 - TREND_SHARE) * gaussian_field(rng, FIELD_RANGE_CELLS)
    # one city is one draw of a field with few independent parts: normal scores keep its lognormal exact
    rank = field.ravel().argsort().argsort().reshape(field.shape)
    means = facts["cell_mean_internet_per_hour"]
    return means["mu_ln"] + means["sigma_ln"] * ndtri((rank + 0.5) / rank.size)


def gaussian_field(rng: np.random.Generator, range_cells: float) -> np.ndarray:
    """Draw a unit-variance Gaussian field on the grid with correlation exp(-d / range), by circulant embedding.

    Dietrich and Newsam, SIAM J. Sci. Comput. 18 (1997) 1088-1107; on a torus this large the negative eigenvalues
    are small enough to drop.
    """
    side = 4 * GRID_SIDE
    lag = np.minimum(np.arange(side), side - np.arange(side))
    covariance = np.exp(-np.hypot(lag[:, None], lag[None, :]) / range_cells)
    spectrum = np.maximum(np.fft.rfft2(covariance).real, 0.0)
    noise = np.fft.rfft2(rng.standard_normal((side, side)))
    return np.fft.irfft2(np.sqrt(spectrum) * noise, s=(side, side))[:GRID_SIDE, :GRID_SIDE]


def bend_shapes() -> np.ndarray:
    """Return the two shapes that bend a cell's week, each with mean 0 and variance 1, shape (2, 168)."""
    hour, workday = np.arange(168) % 24, np.arange(168) < 5 * 24
    office = workday * np.exp(-(((hour - 13.5) / 4.5) ** 4))
    evening = np.exp(-((((hour - 21.5 + 12) % 24 - 12) / 4.0) ** 2)) + 0.5 * ~workday
    shapes = np.stack([office, evening])
    shapes -= shapes.mean(axis=1, keepdims=True)
    return shapes / shapes.std(axis=1, keepdims=True)
