r"""How far forecasts are off: MSE, MAE and NRMSE, whose divisor is always named.

With e the error of cell k in hour t:

- MSE = mean of e^2 and MAE = mean of abs(e), over all cells and hours, on z-scores;
- NRMSE (range) = mean over cells of RMSE_k / (max - min of the cell's truth);
- NRMSE (mean) = mean over cells of RMSE_k / (mean of the cell's truth), on activity: z-scores have mean zero.

The two rank forecasts differently when cells differ: the range gives a bursty cell a large divisor, the mean does not.
"""

from __future__ import annotations

import numpy as np

from dnt_lab.datasets._checks import one_of


def scores(truth: np.ndarray, forecast: np.ndarray) -> dict[str, float]:
    """Return ``mse``, ``mae`` and ``nrmse`` (by range) of forecasts (K, N) against the truth (K, N).

    Raises
    ------
    ValueError
        If shapes differ, a number is not finite, or a cell's truth never changes.
    """
    truth, forecast = _checked(truth, forecast)
    error = forecast - truth
    return {
        "mse": float(np.mean(error**2)),
        "mae": float(np.mean(np.abs(error))),
        "nrmse": nrmse(truth, forecast, divisor="range"),
    }


def nrmse(truth: np.ndarray, forecast: np.ndarray, *, divisor: str) -> float:
    """Return the normalised root mean squared error of forecasts (K, N).

    Parameters
    ----------
    truth, forecast : numpy.ndarray, shape (K, N)
        In one unit; with ``divisor="mean"`` it must be activity, not z-scores.
    divisor : str
        ``"range"`` or ``"mean"`` of each cell's truth.

    Raises
    ------
    ValueError
        If shapes differ, a number is not finite, or a divisor is not above 0.
    """
    truth, forecast = _checked(truth, forecast)
    by = np.ptp(truth, axis=1) if one_of("divisor", divisor, ("range", "mean")) == "range" else truth.mean(axis=1)
    if not (by > 0).all():
        raise ValueError(f"the {divisor} of cell number {int(np.argmin(by))} is {by.min():g}, but must be above 0.")
    return float(np.mean(np.sqrt(np.mean((forecast - truth) ** 2, axis=1)) / by))


def _checked(truth, forecast) -> tuple[np.ndarray, np.ndarray]:
    truth, forecast = np.asarray(truth, float), np.asarray(forecast, float)
    if truth.ndim != 2 or truth.shape != forecast.shape or not truth.size:
        raise ValueError(f"truth has shape {truth.shape} and forecast {forecast.shape}; both must be (K, N).")
    if not (np.isfinite(truth).all() and np.isfinite(forecast).all()):
        raise ValueError("truth or forecast holds NaN or infinity; a model has diverged, or an hour is missing.")
    return truth, forecast
