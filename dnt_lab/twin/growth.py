r"""How fast demand grows, how sure one can be of it, and when it reaches a limit.

Demand that grows by a share g a month reaches the factor F after :math:`t = \ln F / \ln(1+g)` months. Where g comes
from a noisy history, a line is fitted to the logarithm of demand, :math:`\ln D = a + bt + e`, and the interval of t is
Fieller's: all t for which the line's confidence band at t holds the limit. Where the errors are normal it covers the
truth as often as it says; it is unbounded where the history does not show that demand grows at all.

Source: E. C. Fieller, "Some problems in interval estimation", J. R. Stat. Soc. B 16(2), 1954.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from dnt_lab.datasets._numbers import inner_share, real, reals


@dataclass(frozen=True)
class Growth:
    """Growth of demand, known or estimated; time 0 is now.

    Attributes
    ----------
    per_month : float
        Growth g: 0.03 says 3 % more each month.
    level : float
        Demand now, as the history's fitted line has it; 1 where growth is simply known.
    covariance : tuple of float
        Variance of the line's logarithmic level, covariance with its slope, and variance of its slope.
    freedom : float
        Degrees of freedom of the estimate.
    """

    per_month: float
    level: float = 1.0
    covariance: tuple[float, float, float] = (0.0, 0.0, 0.0)
    freedom: float = np.inf

    def __post_init__(self):
        real("per_month", self.per_month, -1.0)

    @classmethod
    def of(cls, growth: Growth | float) -> Growth:
        """Growth from a growth or from a number known for certain."""
        return growth if isinstance(growth, Growth) else cls(real("growth per month", growth, -1.0))

    def months_to(self, factor, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Months until demand is `factor` times what it is now.

        Parameters
        ----------
        factor : array_like
            Over 0; inf is never reached, up to 1 is reached already.
        confidence : float
            Of the interval.

        Returns
        -------
        expected, earliest, latest : ndarray
            Months from now, from 0 to inf.

        Examples
        --------
        >>> Growth(0.03).months_to(2.0)[0].round(2)
        np.float64(23.45)
        """
        wanted = np.log(reals("factor", factor, strict=True))
        slope, (var_a, cov, var_b) = np.log1p(self.per_month), self.covariance
        q2 = stats.t.ppf((1 + inner_share("confidence", confidence)) / 2, self.freedom) ** 2
        limit = np.where(np.isfinite(wanted), wanted, 0.0)
        curve, half = slope**2 - q2 * var_b, slope * limit + q2 * cov
        inner = q2 * (var_b * limit**2 + 2 * cov * slope * limit + var_a * slope**2) + q2**2 * (cov**2 - var_a * var_b)
        with np.errstate(divide="ignore", invalid="ignore"):
            expected = np.where(slope > 0, wanted / slope, np.inf)
            root = np.sqrt(np.maximum(inner, 0.0))
            near, far = (half - root) / curve, (half + root) / curve
        if curve <= 0:  # growth is not certain: the band's upper edge may reach the limit, the lower one never does
            near, far = np.where(wanted**2 > q2 * var_a, near, 0.0), np.full_like(near, np.inf)
        if curve == 0 or (curve > 0 and slope < 0):
            near, far = np.full_like(near, np.inf), np.full_like(far, np.inf)
        earliest, latest = (np.where(np.isfinite(wanted), np.maximum(t, 0.0), np.inf) for t in (near, far))
        return tuple(np.where(wanted > 0, t, 0.0)[()] for t in (expected, earliest, latest))


def estimate_growth(history) -> Growth:
    """Growth from a history of monthly demand, the last entry being now.

    Parameters
    ----------
    history : array_like, shape (months,)
        Demand, over 0, at least 4 months.

    Raises
    ------
    ValueError
        If the history is too short or holds a month without demand.
    """
    history = reals("history", history, strict=True)
    if history.ndim != 1 or len(history) < 4:
        raise ValueError(f"history has shape {history.shape}, but a trend with an interval needs 4 months or more")
    month = np.arange(len(history)) - len(history) + 1.0
    design = np.column_stack([np.ones_like(month), month])
    log_demand = np.log(history)
    (level, slope), *_ = np.linalg.lstsq(design, log_demand, rcond=None)
    freedom = len(history) - 2
    variance = ((log_demand - design @ (level, slope)) ** 2).sum() / freedom
    spread = variance * np.linalg.inv(design.T @ design)
    covariance = (float(spread[0, 0]), float(spread[0, 1]), float(spread[1, 1]))
    return Growth(float(np.expm1(slope)), float(np.exp(level)), covariance, freedom)
