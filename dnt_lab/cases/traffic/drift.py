"""What changes after a twin was built: a stadium opens, and its neighbourhood has evenings it never had.

The V-twin forecasts with what it learned before; the H-twin can learn the new evenings. Scaling and clusters stay as
they were, since both rest on the training part.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dnt_lab.cases.traffic.task import TEST_HOURS, ForecastTask
from dnt_lab.datasets import Traffic
from dnt_lab.datasets._checks import metres
from dnt_lab.datasets._numbers import real

EVENING_H = (18, 19, 20, 21, 22)


def open_stadium(
    traffic: Traffic,
    at_m: tuple[float, float],
    day: str | np.datetime64,
    *,
    radius_m: float = 3000.0,
    gain: float = 2.0,
) -> Traffic:
    """Return traffic in which a stadium fills every evening (18 to 23 h) from a day on.

    Parameters
    ----------
    traffic : Traffic
        Without the stadium.
    at_m : (float, float)
        Where it stands, metres east and north of the grid's corner.
    day : str or numpy.datetime64
        The first evening's day, local time.
    radius_m : float
        Activity is multiplied by ``1 + gain exp(-(d / radius_m)^2)`` at distance d.
    gain : float
        At the stadium itself, above 0.

    Raises
    ------
    ValueError, TypeError
        If the place is not two numbers, a number is out of range, or the day is not within the traffic.
    """
    place = np.asarray(at_m, dtype=float)
    if place.shape != (2,) or not np.isfinite(place).all():
        raise ValueError(f"at_m is {at_m!r}, but must be two numbers: metres east and north of the grid's corner.")
    opened = traffic.select(start=day).start  # refuses what is no time of this traffic
    distance_m = np.linalg.norm(traffic.centre_m - place, axis=1)
    factor = 1 + real("gain", gain) * np.exp(-((distance_m / metres("radius_m", radius_m)) ** 2))
    evening = traffic.time.hour.isin(EVENING_H) & (traffic.time.to_numpy() >= opened)
    values = traffic.values.copy()
    values[:, evening] *= factor.astype(values.dtype)
    return replace(traffic, values=values, source=f"{traffic.source}; with a stadium that opens on {opened}")


def mse_by_day(task: ForecastTask, forecast: np.ndarray, sites: np.ndarray | None = None) -> np.ndarray:
    """Return the MSE of each day of the test week, shape (7,), over some BSs (a mask (K,); all if left out)."""
    squared = (forecast - task.test_truth) ** 2
    chosen = squared if sites is None else squared[sites]
    if not chosen.size:
        raise ValueError("sites marks no BS; mark at least one.")
    return chosen.reshape(len(chosen), TEST_HOURS // 24, 24).mean(axis=(0, 2))
