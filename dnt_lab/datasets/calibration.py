"""How like Milan is a set of traffic? The published statistics, measured again on any `Traffic`.

Block statistics use the definitions of the facts: the first 30 days, without the weekday holiday 1 November where a
weekly profile is involved, residuals against the cell's *own* hour-of-week mean or median.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dnt_lab.datasets._checks import whole
from dnt_lab.datasets.milan import hour_of_week, is_holiday
from dnt_lab.datasets.traffic import Traffic


def autocorrelation(series: np.ndarray, lag: int) -> np.ndarray:
    """Return the sample autocorrelation of each column of `series` (hours, cells) at `lag` hours, shape (cells,)."""
    lag = whole("lag", lag, 1, len(series) - 1)
    centred = series - series.mean(axis=0)
    return (centred[lag:] * centred[:-lag]).sum(axis=0) / (centred**2).sum(axis=0)


def correlation_by_distance(grid: np.ndarray, distance: int) -> float:
    """Return the correlation of a map with itself `distance` cells along rows and columns (Moran's I at 1).

    Parameters
    ----------
    grid : numpy.ndarray, shape (rows, cols)
        One number per cell, none missing.
    distance : int
        In cells; pairs along both axes count.
    """
    distance = whole("distance", distance, 1, min(grid.shape) - 1)
    z = grid - grid.mean()
    along_rows, along_cols = z[distance:] * z[:-distance], z[:, distance:] * z[:, :-distance]
    return float((along_rows.sum() + along_cols.sum()) / (along_rows.size + along_cols.size) / (z**2).mean())


def no_learning_errors(series: np.ndarray, lag: int, test_hours: int = 168) -> tuple[np.ndarray, np.ndarray]:
    """Forecast each of the last hours by the value `lag` hours before.

    Parameters
    ----------
    series : numpy.ndarray, shape (hours, cells)
        Activity; each cell is z-scored by its hours before the test.
    lag : int
        1 is persistence, 24 the same hour yesterday, 168 last week.
    test_hours : int
        Length of the test at the end.

    Returns
    -------
    mse, mae : numpy.ndarray, shape (cells,)
        In units of the cell's training variance and standard deviation.
    """
    test_hours = whole("test_hours", test_hours, 1, len(series) - 1)
    lag = whole("lag", lag, 1, len(series) - test_hours)
    train = series[:-test_hours]
    z = (series - train.mean(axis=0)) / train.std(axis=0)
    error = z[-test_hours:] - z[-test_hours - lag : -lag]
    return (error**2).mean(axis=0), np.abs(error).mean(axis=0)


@dataclass(frozen=True, eq=False)
class WeeklyFit:
    """A series against its own week: profile (168, cells) of mean 1, ratios (hours, cells) to its mean and median."""

    profile: np.ndarray
    ratio_to_mean: np.ndarray
    ratio_to_median: np.ndarray


def weekly_fit(series: np.ndarray, start: np.datetime64) -> WeeklyFit:
    """Fit every cell's own week by the mean and the median of each hour of the week; weekday holidays are left out.

    Raises
    ------
    ValueError
        If some hour of the week never occurs.
    """
    kept, hour = _ordinary_hours(series, start)
    own_mean, own_median = np.empty((2, 168, series.shape[1]))
    for h in range(168):
        own_mean[h], own_median[h] = kept[hour == h].mean(axis=0), np.median(kept[hour == h], axis=0)
    return WeeklyFit(own_mean / kept.mean(axis=0), kept / own_mean[hour], kept / own_median[hour])


def mean_week(series: np.ndarray, start: np.datetime64) -> np.ndarray:
    """Return the mean over cells of their own weekly profiles (each of mean 1), shape (168,); see `weekly_fit`."""
    kept, hour = _ordinary_hours(series, start)
    relative = (kept / kept.mean(axis=0)).mean(axis=1)
    return np.bincount(hour, weights=relative) / np.bincount(hour)


def _ordinary_hours(series: np.ndarray, start: np.datetime64) -> tuple[np.ndarray, np.ndarray]:
    """Return the series without weekday holidays, and the hour of the week of each row."""
    keep = ~is_holiday(len(series), start)
    hour = hour_of_week(len(series), start)[keep]
    if len(np.unique(hour)) < 168:
        raise ValueError(
            f"A weekly profile needs at least a full week beside holidays, but there are {len(series)} hours."
        )
    return series[keep], hour


def block_statistics(traffic: Traffic, service: str = "internet", days: int = 30) -> dict[str, float]:
    """Return the temporal statistics of `milan_facts` for a small block of cells, under flat names.

    Parameters
    ----------
    traffic : Traffic
        Few cells (the facts are of 5 x 5): one number for correlation between *all* pairs is among the results.
    service : str
        Which service.
    days : int
        How many days from the start count, at least 15.

    Returns
    -------
    dict of str to float
        Autocorrelations, residual statistics, shares of hours far off the median, errors of three forecasts without
        learning. The errors' keys end in ``_mse`` and ``_mae``.
    """
    series = traffic.service(service)[: 24 * days].astype(float)
    fit = weekly_fit(series, traffic.start)
    log_residual = np.log(fit.ratio_to_mean)
    spread = fit.ratio_to_mean.std(axis=0)
    pairs = np.corrcoef(log_residual.T)[np.triu_indices(series.shape[1], 1)]
    standard = (log_residual - log_residual.mean()) / log_residual.std()
    found = {f"acf_{lag}h": float(autocorrelation(series, lag).mean()) for lag in (1, 24, 168)}
    found |= {
        "residual_cv_median": float(np.median(spread)),
        "residual_std": float(log_residual.std()),
        "residual_acf_1h": float(autocorrelation(log_residual, 1).mean()),
        "residual_acf_24h": float(autocorrelation(log_residual, 24).mean()),
        "residual_corr_between_cells": float(pairs.mean()),
        "residual_excess_kurtosis": float((standard**4).mean() - 3),
        "share_over_1.5": float((fit.ratio_to_median > 1.5).mean()),
        "share_over_2": float((fit.ratio_to_median > 2).mean()),
        "share_over_3": float((fit.ratio_to_median > 3).mean()),
        "share_under_0.5": float((fit.ratio_to_median < 0.5).mean()),
    }
    for name, lag in (("last_hour", 1), ("yesterday", 24), ("last_week", 168)):
        mse, mae = no_learning_errors(series, lag)
        found |= {f"{name}_mse": float(mse.mean()), f"{name}_mae": float(mae.mean())}
    return found
