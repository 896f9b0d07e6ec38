"""What needs no neural network: persistence, seasonal naive forecasts, and ridge regression."""

from __future__ import annotations

import numpy as np

from dnt_lab.cases.traffic.task import TEST_HOURS, ForecastTask


def baselines(task: ForecastTask, penalty: float = 1.0) -> dict[str, np.ndarray]:
    """Forecast the test week without a neural network.

    Parameters
    ----------
    task : ForecastTask
        What to forecast.
    penalty : float
        lambda of the ridge regressions.

    Returns
    -------
    dict of str to numpy.ndarray, shape (K, 168)
        ``last hour`` (persistence), ``same hour yesterday``, ``same hour last week``, ``ridge, pooled`` (one for all
        BSs) and ``ridge, per BS``; ridge sees the six lags and the hour of day (24 switches), and the training part.
    """
    test = slice(task.n_train, None)
    week_ago = task.truth[:, task.n_train - TEST_HOURS : task.n_train]
    features = np.concatenate([task.x[..., :2].reshape(*task.truth.shape, 6), _hour_switches(task)], axis=2)
    features = features.astype(float)
    before, ahead = features[:, : task.n_train], features[:, task.n_train :]
    known = task.truth[:, : task.n_train].astype(float)
    pooled = _ridge(before.reshape(1, -1, features.shape[2]), known.reshape(1, -1), penalty)
    per_site = _ridge(before, known, penalty)
    return {
        "last hour": task.last[:, test],
        "same hour yesterday": task.x[:, test, 2, 1],
        "same hour last week": week_ago,
        "ridge, pooled": ahead @ pooled[0],
        "ridge, per BS": (ahead @ per_site[..., None])[..., 0],
    }


def _hour_switches(task: ForecastTask) -> np.ndarray:
    switches = np.eye(24)[task.hours.hour.to_numpy()]
    return np.broadcast_to(switches, (task.n_sites, *switches.shape))


def _ridge(features: np.ndarray, target: np.ndarray, penalty: float) -> np.ndarray:
    """Solve (F^T F + penalty I) w = F^T y of each of M regressions, shape (M, F)."""
    normal = features.swapaxes(1, 2) @ features + penalty * np.eye(features.shape[2])
    return np.linalg.solve(normal, features.swapaxes(1, 2) @ target[..., None])[..., 0]
