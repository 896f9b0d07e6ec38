"""Calibration: a few measurements tune the parameters of a channel model.

A model predicts a quantity in dB at N positions from named parameters. Measurements at some of the positions, and what
is believed about each parameter beforehand, give the estimate: robust least squares (`robust_fit`), in which a reading
behind a passing lorry counts next to nothing. What the measurements do not tell stays where it was believed to be, so
no problem is ill-posed; and what was not learnt is said.

>>> import numpy as np
>>> from dnt_lab.raytracing.tunable import LogDistance
>>> model = LogDistance(np.arange(5.0, 50.0, 5.0), freq_hz=60.48e9)
>>> measured_db = model.predict_db({"offset_db": 30.0, "exponent": 2.5})
>>> calibrate(model, measured_db, rows=[0, 2, 4, 6, 8])
Calibration(offset_db = 29.96 +- 1.5, exponent = 2.497 +- 0.11; noise 0.83 dB; 5 measurements, 0 outliers)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from dnt_lab.raytracing.robust_fit import OUTLIER, RobustFit, robust_fit


@dataclass(frozen=True)
class Parameter:
    """A number to tune, and what is known of it before any measurement.

    Attributes
    ----------
    name : str
        With its unit, as in ``offset_db``.
    start : float
        Believed value, from `low` to `high`.
    low, high : float
        Bounds.
    prior_std : float, optional
        How far from `start` it may well be; by default the standard deviation of a uniform draw from the bounds.
    """

    name: str
    start: float
    low: float
    high: float
    prior_std: float | None = None

    def __post_init__(self):
        if not -np.inf < self.low <= self.start <= self.high < np.inf or self.low == self.high:
            raise ValueError(
                f"{self.name} starts at {self.start} in [{self.low}, {self.high}], but finite bounds low < high and a "
                "start between them are needed"
            )
        if self.prior_std is None:
            object.__setattr__(self, "prior_std", (self.high - self.low) / np.sqrt(12))
        if not 0 < self.prior_std < np.inf:
            raise ValueError(f"prior_std of {self.name} is {self.prior_std}, but a finite number over 0 is needed")


class Model(Protocol):
    """What can be calibrated: it predicts all positions, measured or not, from its parameters."""

    parameters: tuple[Parameter, ...]

    def predict_db(self, values: dict[str, float]) -> np.ndarray:
        """Predicted quantity at each position in dB, shape (N,)."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """What n measurements say about k parameters.

    Attributes
    ----------
    parameters : tuple of Parameter
        What was known before.
    value, std_error : ndarray, shape (k,)
        Estimates and their standard errors, from the Jacobian and the prior.
    identifiable : ndarray of bool, shape (k,)
        False where the measurements say less than the prior did: `std_error` is hardly below its `prior_std`.
    noise_db : float
        Estimated standard deviation of a measurement, outliers set aside.
    predicted_db : ndarray, shape (N,)
        The calibrated model at all its positions.
    rows : ndarray of int, shape (n,)
        Positions whose measurements were used.
    outlier : ndarray of bool, shape (n,)
        Measurements further than three times `noise_db` from the model.
    notes : tuple of str
        What to know before believing the numbers; empty if there is nothing to say.
    """

    parameters: tuple[Parameter, ...]
    value: np.ndarray
    std_error: np.ndarray
    identifiable: np.ndarray
    noise_db: float
    predicted_db: np.ndarray
    rows: np.ndarray
    outlier: np.ndarray
    notes: tuple[str, ...]

    @property
    def values(self) -> dict[str, float]:
        """Estimates by name."""
        return {p.name: float(v) for p, v in zip(self.parameters, self.value, strict=True)}

    def to_frame(self) -> pd.DataFrame:
        """Return a table, a row a parameter: start, prior_std, value, std_error, identifiable."""
        before = pd.DataFrame([{"start": p.start, "prior_std": p.prior_std} for p in self.parameters])
        after = {"value": self.value, "std_error": self.std_error, "identifiable": self.identifiable}
        return before.assign(**after).set_index(pd.Index([p.name for p in self.parameters], name="parameter"))

    def __repr__(self) -> str:
        numbers = zip(self.parameters, self.value, self.std_error, self.identifiable, strict=True)
        told = [f"{p.name} = {v:.4g} +- {e:.2g}{'' if ok else ' (not identifiable)'}" for p, v, e, ok in numbers]
        return (
            f"Calibration({', '.join(told)}; noise {self.noise_db:.2g} dB; "
            f"{len(self.rows)} measurements, {self.outlier.sum()} outliers)"
        )


def calibrate(model: Model, measured_db, rows=None, *, noise_db: float = 3.0) -> Calibration:
    """Tune a model's parameters to measurements.

    Parameters
    ----------
    model : Model
        For example `LogDistance` or `TracedPower`; predicts N positions.
    measured_db : array_like, shape (N,)
        Measurements in dB at the model's positions; NaN where there is none.
    rows : array_like, optional
        Row numbers or mask (N,) of the measurements to use; by default all that are there.
    noise_db : float
        Expected standard deviation of a measurement: what is believed of the noise before it can be estimated. Its
        weight is one measurement where there are no more than parameters, and fades as they become more.

    Returns
    -------
    Calibration

    Raises
    ------
    ValueError
        If shapes differ, no measurement is left or a chosen one is no finite number, or the noise is not over 0 dB.
    """
    parameters = tuple(model.parameters)
    if not parameters:
        raise ValueError("the model has no parameters, but a calibration needs at least one to tune")
    start, low, high, prior_std = (
        np.array([getattr(p, part) for p in parameters]) for part in ("start", "low", "high", "prior_std")
    )

    def value(u):  # u counts prior standard deviations from the start
        return np.clip(start + prior_std * u, low, high)

    def predict_db(u):
        return model.predict_db({p.name: float(v) for p, v in zip(parameters, value(u), strict=True)})

    measured_db, rows, n_lost = _checked(measured_db, rows, predict_db(np.zeros(len(start))), noise_db)
    fit = robust_fit(
        lambda u: predict_db(u)[rows] - measured_db[rows],
        (low - start) / prior_std,
        (high - start) / prior_std,
        noise_db,
    )
    x, outlier = value(fit.u), np.abs(fit.error_db) > OUTLIER * fit.noise_db
    covariance = np.linalg.inv(fit.information + np.eye(len(x)))  # in units of the prior, whose information is 1
    names = np.array([p.name for p in parameters])
    identifiable, notes = _identifiable(names, covariance, fit)
    at_bound = np.minimum(x - low, high - x) < 1e-6 * (high - low)
    notes += [f"{name} ends at a bound: widen it, or doubt the model" for name in names[at_bound & identifiable]]
    if n_lost:
        notes.append(f"{n_lost} measurements are left out: they lie where the model lets nothing arrive")
    if 4 * outlier.sum() > len(rows):
        notes.append(f"{outlier.sum()} of {len(rows)} measurements are outliers: doubt the model rather than them")
    return Calibration(
        parameters,
        x,
        prior_std * np.sqrt(np.diag(covariance)),
        identifiable,
        fit.noise_db,
        predict_db(fit.u),
        rows,
        outlier,
        tuple(notes),
    )


def _checked(measured_db, rows, predicted_db, noise_db):
    """Measurements as floats, the rows to use, and how many are of no use; or one sentence on what is wrong."""
    measured_db = np.asarray(measured_db, float)
    if measured_db.shape != predicted_db.shape:
        raise ValueError(
            f"measured_db has shape {measured_db.shape}, but the model predicts {predicted_db.shape}: one number a "
            "position is needed, NaN where there is no measurement"
        )
    if not 0 < noise_db < np.inf:
        raise ValueError(f"noise_db is {noise_db}, but a finite number of dB over 0 is needed")
    try:
        rows = np.flatnonzero(~np.isnan(measured_db)) if rows is None else np.arange(len(measured_db))[rows]
    except IndexError:
        raise ValueError(
            f"rows is {rows!r}, but must be row numbers or a mask of {len(measured_db)} positions"
        ) from None
    if not len(rows) or not np.isfinite(predicted_db[rows]).any():
        raise ValueError(
            "no measurement lies where the model lets something arrive, but a calibration needs at least one"
        )
    if not np.isfinite(measured_db[rows]).all():
        bad = rows[~np.isfinite(measured_db[rows])][0]
        raise ValueError(f"measured_db of position {bad} is {measured_db[bad]}, but a used measurement is finite")
    reachable = np.isfinite(predicted_db[rows])
    return measured_db, rows[reachable], int((~reachable).sum())


def _identifiable(names: np.ndarray, covariance: np.ndarray, fit: RobustFit) -> tuple[np.ndarray, list[str]]:
    """Which parameters the measurements tell better than the prior did, and a sentence on each of the others."""
    std = np.sqrt(np.diag(covariance))
    identifiable = std**2 < 0.5
    notes = []
    for j in np.flatnonzero(~identifiable):
        if not fit.slopes[:, j].any():
            why = "none of the measurements depends on it"
        elif fit.information[j, j] > 1:  # it would be known if the others were
            likeness = np.abs(covariance[j]) / std
            likeness[j] = 0
            why = f"the measurements cannot tell it from {names[likeness.argmax()]}"
        else:
            why = "the measurements say less than was known before"
        notes.append(f"{names[j]} is not identifiable: {why}")
    return identifiable, notes
