"""The forecasting task of case study A: the next hour of each BS's traffic, from what came before.

The protocol is that of FedDA (Zhang et al., INFOCOM 2021), so that numbers compare: hourly values; z-scores with the
mean and standard deviation (ddof = 1) of each cell's training part; the last seven days are the test; the inputs are
the last three hours and the same hour of the last three days. Two things are ours: the hour of day goes in as a point
on the clock's circle, and a model forecasts the *change* from the last hour, so that a model that has learned nothing
is persistence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dnt_lab.datasets import Traffic
from dnt_lab.datasets._checks import generator, whole
from dnt_lab.fl import ClientData, Model

TEST_HOURS = 168
CLOSE_H = (3, 2, 1)
PERIOD_H = (72, 48, 24)
FIRST_HOUR = 72


@dataclass(frozen=True, eq=False)
class ForecastTask:
    """Inputs and targets of K BSs over N hours, of which the last 168 are the test.

    Attributes
    ----------
    x : numpy.ndarray of float32, shape (K, N, 3, 4)
        Three time steps: the close value (3, 2, 1 hours ago), the period value (the target's hour 3, 2, 1 days ago),
        and sine and cosine of the hour of day of the target.
    truth : numpy.ndarray of float32, shape (K, N)
        The value to forecast, z-scored.
    mean, std : numpy.ndarray, shape (K,)
        Of the training part; ``truth * std + mean`` is activity.
    hours : pandas.DatetimeIndex, length N
        Local time of each target.
    position_m : numpy.ndarray, shape (K, 2)
        Metres east and north of the grid's corner.
    service, source : str
        What is forecast, and where it comes from.
    """

    x: np.ndarray
    truth: np.ndarray
    mean: np.ndarray
    std: np.ndarray
    hours: object
    position_m: np.ndarray
    service: str
    source: str

    def __repr__(self) -> str:
        return (
            f"ForecastTask({self.service} of {self.n_sites} BSs: {self.n_train} hours to learn from, then "
            f"{TEST_HOURS} to forecast; {self.source})"
        )

    @property
    def n_sites(self) -> int:
        """K."""
        return len(self.x)

    @property
    def n_train(self) -> int:
        """Hours before the test."""
        return self.x.shape[1] - TEST_HOURS

    @property
    def last(self) -> np.ndarray:
        """The value an hour before each target, shape (K, N): what persistence forecasts."""
        return self.x[:, :, 2, 0]

    @property
    def test_truth(self) -> np.ndarray:
        """The test week, shape (K, 168)."""
        return self.truth[:, self.n_train :]

    @property
    def change(self) -> np.ndarray:
        """What a model learns: the step from the last hour, shape (K, N, 1)."""
        return (self.truth - self.last)[..., None]

    def training_data(self) -> ClientData:
        """Return the training part, all known from the start."""
        n = np.full(self.n_sites, self.n_train)
        return ClientData(self.x[:, : self.n_train], self.change[:, : self.n_train], n)

    def growing_data(self) -> ClientData:
        """Return all hours; one of the test week is known when it has passed (virtual time 0 is the week's start)."""
        n_hours = self.x.shape[1]
        known_s = 3600.0 * np.maximum(0, np.arange(n_hours) - self.n_train + 1)
        shape = (self.n_sites, n_hours)
        return ClientData(self.x, self.change, np.full(self.n_sites, n_hours), np.broadcast_to(known_s, shape))

    def forecast(self, model: Model, weights: np.ndarray, hours: slice | None = None) -> np.ndarray:
        """Forecast the hours of a slice (the test week if left out) with one model (P,) or one a BS (K, P): (K, n)."""
        hours = slice(self.n_train, None) if hours is None else hours
        return self.last[:, hours] + model.predict(weights, self.x[:, hours])[..., 0]


def forecast_task(traffic: Traffic, service: str) -> ForecastTask:
    """Cut a service's hours into the windows of the protocol.

    Parameters
    ----------
    traffic : Traffic
        At least 17 days without gaps (fill or select first).
    service : str
        One of its services.

    Raises
    ------
    ValueError
        If there are too few hours, one is missing, or a cell's training part never changes.
    """
    values = traffic.service(service).astype(float)
    n_train = len(values) - TEST_HOURS
    if n_train < FIRST_HOUR + TEST_HOURS:  # a whole week to learn from
        raise ValueError(f"there are {len(values)} hours; at least {FIRST_HOUR + 2 * TEST_HOURS} (17 days) are needed.")
    if np.isnan(values).any():
        cell = traffic.cell_ids[np.isnan(values).any(axis=0)][0]
        raise ValueError(f"cell {cell} has hours without a record; call traffic.filled() first, or leave it out.")
    mean, std = values[:n_train].mean(axis=0), values[:n_train].std(axis=0, ddof=1)
    if not (std > 0).all():
        raise ValueError(f"cell {traffic.cell_ids[std == 0][0]} never changes in the training part; leave it out.")
    z = (values - mean) / std
    target = np.arange(FIRST_HOUR, len(z))
    close, period = (np.stack([z[target - h].T for h in lags], axis=2) for lags in (CLOSE_H, PERIOD_H))
    angle = 2 * np.pi * traffic.time[target].hour.to_numpy() / 24
    clock = np.broadcast_to(np.stack([np.sin(angle), np.cos(angle)], axis=1)[None, :, None], (*close.shape, 2))
    x = np.concatenate([close[..., None], period[..., None], clock], axis=3).astype(np.float32)
    return ForecastTask(
        x, z[target].T.astype(np.float32), mean, std, traffic.time[target], traffic.centre_m, service, traffic.source
    )


def sample_sites(traffic: Traffic, n: int, seed: int | np.random.Generator = 0) -> Traffic:
    """Return `n` cells drawn at random: the BSs of the case study.

    Raises
    ------
    ValueError, TypeError
        If there are not so many cells.
    """
    n = whole("n", n, 1, len(traffic.cell_ids))
    return traffic.select(generator(seed).choice(traffic.cell_ids, n, replace=False))
