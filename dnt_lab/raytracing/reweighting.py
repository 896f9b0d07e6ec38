r"""Aligning a distribution of scenarios: a few measurements say which of many imagined worlds are likely.

One does not know how dense the blockers are or what the walls are made of, so one imagines S scenarios drawn from a
prior. Each predicts what is measured, and Bayes' rule weighs it by how well it does:

.. math:: w_s \propto w_s^{before} \prod_i t_\nu\!\left(\frac{m_i - p_{si}}{\sigma}\right)

with Student's t of :math:`\nu` degrees of freedom, whose heavy tails let a scenario live on after one bad reading
(:math:`\nu = \infty` is a Gaussian, which does not). The effective sample size :math:`1/\sum_s w_s^2` says how many
scenarios still speak. Where few do, one takes a small step of the likelihood first, draws anew around those that speak,
traces these, and takes the next step: `align` does so until the measurements have been counted once.

Sources: J. S. Liu, "Monte Carlo Strategies in Scientific Computing", Springer 2001, ch. 2; J. Liu and M. West,
"Combined parameter and state estimation in simulation-based filtering", in "Sequential Monte Carlo Methods in
Practice", Springer 2001.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from dnt_lab.datasets._checks import generator, whole


@dataclass(frozen=True, eq=False)
class Scenarios:
    """S imagined worlds and how likely each is.

    Attributes
    ----------
    table : DataFrame, S rows
        What sets the worlds apart, a column a property: positions, materials, densities.
    weight : ndarray, shape (S,), optional
        Probability of each, normalised to sum 1; equal by default.

    Examples
    --------
    >>> scenarios = Scenarios(pd.DataFrame({"wall_loss_db": [6.0, 8.0, 10.0]}))
    >>> scenarios = scenarios.reweight([[-66.0], [-68.0], [-70.0]], [-69.9], noise_db=0.5)
    >>> scenarios.weight.round(3)
    array([0.001, 0.022, 0.977])
    """

    table: pd.DataFrame
    weight: np.ndarray | None = None

    def __post_init__(self):
        if not len(self.table):
            raise ValueError("table holds no scenario, but at least one row is needed")
        weight = np.full(len(self.table), 1.0) if self.weight is None else np.asarray(self.weight, float)
        if weight.shape != (len(self.table),) or not np.isfinite(weight).all() or weight.min() < 0 or not weight.sum():
            raise ValueError(f"weight must hold {len(self.table)} finite numbers, 0 or more, that are not all 0")
        object.__setattr__(self, "weight", weight / weight.sum())

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        columns = ", ".join(map(str, self.table.columns))
        return f"Scenarios({len(self)} of {columns}; effective number {self.effective_number:.1f})"

    @property
    def effective_number(self) -> float:
        """How many equally likely scenarios would say as much: from 1 (one has all the weight) to S."""
        return float(1 / np.sum(self.weight**2))

    def reweight(
        self,
        predicted_db,
        measured_db,
        *,
        noise_db: float = 3.0,
        dof: float = 4.0,
        floor_db: float = -np.inf,
        exponent: float = 1.0,
    ) -> Scenarios:
        """Weigh the scenarios by the likelihood of measurements.

        Parameters
        ----------
        predicted_db : array_like, shape (S, n)
            What each scenario predicts for each measurement, in dB.
        measured_db : array_like, shape (n,)
            The measurements in dB.
        noise_db : float
            Scale of a measurement's error in dB, the model's own included. Too small, and one scenario takes all.
        dof : float
            Degrees of freedom of Student's t; inf is a Gaussian.
        floor_db : float
            What the receiver reads where nothing arrives; lower predictions and measurements count as this one.
        exponent : float
            From 0 to 1: exponent of the likelihood, for a part of what the measurements say (see `align`).

        Returns
        -------
        Scenarios
            The same worlds with new weights.

        Raises
        ------
        ValueError
            If shapes differ, a value is not finite, `noise_db` or `dof` is not over 0, or `exponent` not in 0 to 1.
        """
        predicted_db, measured_db = np.asarray(predicted_db, float), np.asarray(measured_db, float)
        if measured_db.ndim != 1 or predicted_db.shape != (len(self), *measured_db.shape):
            raise ValueError(
                f"predicted_db has shape {predicted_db.shape} and measured_db {measured_db.shape}, but "
                f"({len(self)}, n) and (n,) are needed: a row a scenario, a column a measurement"
            )
        if not 0 < noise_db < np.inf or not dof > 0 or not 0 <= exponent <= 1:
            raise ValueError(
                f"noise_db is {noise_db}, dof {dof} and exponent {exponent}, but the first two must be over 0 and the "
                "exponent from 0 to 1"
            )
        predicted_db, measured_db = np.maximum(predicted_db, floor_db), np.maximum(measured_db, floor_db)
        if not (np.isfinite(predicted_db).all() and np.isfinite(measured_db).all()):
            raise ValueError(
                "predicted_db or measured_db holds a value that is not finite; where nothing arrives (-inf) give the "
                "receiver's noise floor as floor_db"
            )
        error = (measured_db - predicted_db) / noise_db
        log_t = -(error**2) / 2 if np.isinf(dof) else -(dof + 1) / 2 * np.log1p(error**2 / dof)
        with np.errstate(divide="ignore"):  # a scenario ruled out before stays so
            log_weight = np.log(self.weight) + exponent * log_t.sum(axis=1)
        return replace(self, weight=np.exp(log_weight - log_weight.max()))

    def resample(self, n: int, seed, *, jitter: float = 0.0) -> Scenarios:
        """Draw `n` equally likely scenarios from these, the likely ones more often.

        Parameters
        ----------
        n : int
            How many.
        seed : int or Generator
            The draw is systematic: a scenario of weight w comes floor(n w) or ceil(n w) times.
        jitter : float
            From 0 (copies) to 1. Floating-point columns are drawn towards their mean and spread by Gaussian noise, so
            that their mean and covariance stay while new values come up (Liu and West); others are copied.

        Returns
        -------
        Scenarios
            With equal weights.

        Raises
        ------
        ValueError, TypeError
            If `n` is no whole number over 0, `jitter` not in 0 to 1, or `seed` is none.
        """
        n, rng = whole("n", n, 1), generator(seed)
        if not 0 <= jitter <= 1:
            raise ValueError(f"jitter is {jitter}, but must be from 0 (copies) to 1 (a new Gaussian cloud)")
        ladder = (rng.random() + np.arange(n)) / n
        chosen = np.minimum(np.searchsorted(np.cumsum(self.weight), ladder, side="right"), len(self) - 1)
        table = self.table.iloc[chosen].reset_index(drop=True)
        columns = [name for name in table if pd.api.types.is_float_dtype(table[name])]
        if jitter and columns:
            values = self.table[columns].to_numpy()
            mean = self.weight @ values
            spread = np.atleast_2d(np.cov(values.T, aweights=self.weight, bias=True))
            noise = rng.multivariate_normal(np.zeros(len(columns)), jitter**2 * spread, n, method="eigh")
            table[columns] = mean + np.sqrt(1 - jitter**2) * (table[columns].to_numpy() - mean) + noise
        return Scenarios(table)

    def mean(self) -> pd.Series:
        """Weighted mean of every numeric column."""
        numbers = self.table.select_dtypes("number")
        return pd.Series(self.weight @ numbers.to_numpy(float), index=numbers.columns)

    def std(self) -> pd.Series:
        """Weighted standard deviation of every numeric column."""
        numbers = self.table.select_dtypes("number")
        squares = self.weight @ (numbers.to_numpy(float) - self.mean().to_numpy()) ** 2
        return pd.Series(np.sqrt(squares), index=numbers.columns)

    def share(self, column: str) -> pd.Series:
        """Probability of each value of a column of names, such as a material; the largest first."""
        return pd.Series(self.weight).groupby(self.table[column].to_numpy()).sum().sort_values(ascending=False)
