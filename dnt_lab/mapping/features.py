"""What base stations are grouped by: where they stand, and how their traffic moves through the week.

Two blocks are joined, the location (2 numbers) and the mean weekly profile of z-scored traffic (168 numbers). Each is
centred and scaled *as a whole*, so that metres east count as metres north, and hours in which BSs differ much count
more than hours in which they hardly do. K-means on position and weekly pattern follows C. Zhang et al., "Dual
Attention-Based Federated Learning for Wireless Traffic Prediction", INFOCOM 2021, who alternate between the two.
"""

from __future__ import annotations

import numpy as np

from dnt_lab.datasets._numbers import real
from dnt_lab.datasets.milan import hour_of_week

HOURS_OF_WEEK = 168
# a block of features that varies less than this, relative to its largest value, differs by rounding only
_ROUNDING = 1e-9


def weekly_profiles(values: np.ndarray, start: np.datetime64) -> np.ndarray:
    """Return each BS's mean week, in units of its own standard deviation around its own mean.

    Hours of the week that do not occur (less than a week of data, or a holiday in a single week) take the mean of the
    same hour of the day on the days that do; so two BSs differ there as they do on the days known.

    Parameters
    ----------
    values : numpy.ndarray, shape (hours, K)
        Traffic of K BSs, without gaps, a day at least. **Give only what is known by now**: the mean and the standard
        deviation are those of these hours.
    start : numpy.datetime64
        Local time at which the first hour begins. Holidays of Milan count as Sundays (`datasets.hour_of_week`).

    Returns
    -------
    numpy.ndarray, shape (168, K)
        Monday 00:00 first. A BS whose traffic never changes has a profile of zeros.

    Raises
    ------
    ValueError
        If `values` is not a table of finite numbers, covers less than 24 hours, or `start` is not a time.
    """
    values = finite_table("values", values, "(hours, K)")
    if len(values) < 24:
        raise ValueError(f"values cover {len(values)} hours, but a profile needs 24 at least.")
    hour = hour_of_week(len(values), full_hour(start))
    week = np.full((HOURS_OF_WEEK, values.shape[1]), np.nan)
    for h in np.unique(hour):
        week[h] = values[hour == h].mean(axis=0, dtype=float)
    days = week.reshape(7, 24, -1)
    week = np.where(np.isnan(days), np.nanmean(days, axis=0), days).reshape(week.shape)
    # equal values can have a standard deviation of 1e-17, which would blow rounding up to a profile
    std = np.where((values == values[0]).all(axis=0), 0.0, values.std(axis=0, dtype=float))
    return np.divide(week - values.mean(axis=0, dtype=float), std, out=np.zeros_like(week), where=std > 0)


def cluster_features(
    position_m: np.ndarray, values: np.ndarray, start: np.datetime64, location_weight: float = 1.0
) -> np.ndarray:
    """Return the features by which BSs are clustered.

    Parameters
    ----------
    position_m : numpy.ndarray, shape (K, 2)
        Metres east and north.
    values, start
        Traffic up to now, see `weekly_profiles`.
    location_weight : float
        How much the location counts beside the profile: its share in the mean squared distance of two BSs is
        ``location_weight / (location_weight + 1)``. 0 leaves it out.

    Returns
    -------
    numpy.ndarray, shape (K, 170)
        Two columns of location, 168 of profile, all of mean 0. Summed over its columns, the location's variance is
        `location_weight` and the profile's 1; either is 0 if BSs do not differ in it.

    Raises
    ------
    ValueError, TypeError
        If a number is missing, shapes do not fit, less than a day is given, or the weight is negative.
    """
    position_m = finite_table("position_m", position_m, "(K, 2)")
    profiles = weekly_profiles(values, start).T
    if position_m.shape != (len(profiles), 2):
        raise ValueError(
            f"position_m has shape {position_m.shape} and values {np.shape(values)}; (K, 2) and (hours, K) are needed."
        )
    weight = real("location_weight", location_weight, strict=False)
    return np.hstack([_scaled(position_m, weight), _scaled(profiles, 1.0)])


def finite_table(name: str, values, shape: str) -> np.ndarray:
    """Return `values` as an array of two axes without NaN or infinity; `shape` names the axes in the refusal."""
    values = np.asarray(values)
    if values.ndim != 2 or not values.size or values.dtype.kind not in "iuf":
        raise ValueError(f"{name} has shape {values.shape} and type {values.dtype}; numbers, {shape}, are needed.")
    if not np.isfinite(values).all():
        n = int((~np.isfinite(values)).sum())
        raise ValueError(f"{name} holds {n} numbers that are NaN or infinite; fill them first (Traffic.filled: 0).")
    return values


def _scaled(block: np.ndarray, variance: float) -> np.ndarray:
    """Return `block` (K, F) centred, with this variance summed over its columns."""
    centred = block - block.mean(axis=0)
    std = np.sqrt((centred**2).sum(axis=1).mean())
    if std <= _ROUNDING * np.abs(block).max():
        return np.zeros_like(centred)
    return centred * (np.sqrt(variance) / std)


def full_hour(start) -> np.datetime64:
    """Return `start` as the local time at which an hour begins."""
    try:
        hour = np.datetime64(start, "h")
    except (ValueError, TypeError):
        hour = np.datetime64("NaT")
    if np.isnat(hour):
        raise ValueError(f"start is {start!r}, but must be a time such as '2013-11-01' or '2013-11-01T08'.")
    return hour
