"""The part of the synthetic city that time does change: the residual around the weekly profile, and rare events.

Both are drawn a day at a time, so that memory stays small and a shorter run is the beginning of a longer one.
"""

from __future__ import annotations

import numpy as np

from dnt_lab.datasets.traffic import SERVICES

# the residual, fitted to its autocorrelation (fast and slow part) and to its correlation between neighbours
CITY_SHARE, SLOW_SHARE, FAST_SHARE = 0.10, 0.40, 0.50  # of the variance
SLOW_AR, FAST_AR = np.exp(-1 / 40), 0.5  # per hour
TAIL_DF = 5.0  # degrees of freedom of the fast innovations
COMMON_FAST = 0.9  # share of the fast variance that all services have in common: an assumption
TAPS = np.array([0.06, 0.45, 1.0, 0.45, 0.06])  # smooths noise over neighbours along each direction
# rare events, fitted to the shares of hours far off the cell's median
BURSTS_PER_CELL_DAY = 0.065
BURST_UP_SHARE = 0.65  # the others are drops
BURST_LOG_MEAN, BURST_LOG_MAX = 0.6, 1.8  # the known maximum is ten times the median
BURST_HOURS_PARETO, BURST_HOURS_MAX = 1.1, 96
STEPS_PER_CELL_DAY = 0.0015
STEP_LOG_MAX = 0.7
NEIGHBOUR_WEIGHT = 0.5  # how much of an event the four neighbours feel


class Residual:
    """Unit-variance log residual of a block of cells; `next_day` yields shape (services, 24, N)."""

    def __init__(self, rng: np.random.Generator, n_rows: int, n_cols: int):
        self._rng, self._shape = rng, (n_rows, n_cols)
        self._city = rng.standard_normal(1, dtype=np.float32)
        self._slow = self._noise(1)[0]
        self._fast = [self._noise(1)[0] for _ in range(1 + len(SERVICES))]

    def next_day(self) -> np.ndarray:
        """Advance by 24 hours."""
        city = _walk(self._city, SLOW_AR, self._rng.standard_normal((24, 1), dtype=np.float32))
        slow = _walk(self._slow, SLOW_AR, self._noise(24))
        tails = self._tails(24)
        fast = [_walk(last, FAST_AR, self._noise(24) * tails) for last in self._fast]
        self._city, self._slow, self._fast = city[-1], slow[-1], [part[-1] for part in fast]
        shared = _root(CITY_SHARE) * city + _root(SLOW_SHARE) * slow + _root(FAST_SHARE * COMMON_FAST) * fast[0]
        own = _root(FAST_SHARE * (1 - COMMON_FAST))
        return np.stack([shared + own * part for part in fast[1:]])

    def _noise(self, hours: int) -> np.ndarray:
        """Draw unit-variance noise, correlated between neighbours, shape (hours, N)."""
        from scipy.ndimage import correlate1d

        rim = len(TAPS) // 2  # drawn and cut off, so that border cells are like the others
        n_rows, n_cols = self._shape
        noise = self._rng.standard_normal((hours, n_rows + 2 * rim, n_cols + 2 * rim), dtype=np.float32)
        taps = TAPS / np.linalg.norm(TAPS)
        noise = correlate1d(correlate1d(noise, taps, axis=1), taps, axis=2)
        return noise[:, rim:-rim, rim:-rim].reshape(hours, -1)

    def _tails(self, hours: int) -> np.ndarray:
        """Draw the factors that turn Gaussian into unit-variance Student t innovations, shape (hours, N)."""
        chi2 = 2 * self._rng.standard_gamma(TAIL_DF / 2, (hours, self._shape[0] * self._shape[1]), dtype=np.float32)
        return np.sqrt((TAIL_DF - 2) / chi2)


def _root(share: float) -> np.float32:
    return np.float32(np.sqrt(share))


def _walk(last: np.ndarray, ar: float, innovation: np.ndarray) -> np.ndarray:
    """Continue a unit-variance AR(1) series from its `last` values; `innovation` (hours, N) is overwritten."""
    innovation *= _root(1 - ar**2)
    for hour in range(len(innovation)):
        innovation[hour] += np.float32(ar) * last
        last = innovation[hour]
    return innovation


class Events:
    """Bursts of some hours and steps that stay, as a change of log activity; `next_day` yields shape (24, N)."""

    def __init__(self, rng: np.random.Generator, n_rows: int, n_cols: int):
        self._rng, self._shape = rng, (n_rows, n_cols)
        self._ahead = np.zeros((24 + BURST_HOURS_MAX, n_rows, n_cols), dtype=np.float32)
        self._level = np.zeros((n_rows, n_cols), dtype=np.float32)

    def next_day(self) -> np.ndarray:
        """Advance by 24 hours."""
        self._draw_bursts()
        today = self._ahead[:24] + self._draw_steps()
        self._ahead = np.concatenate([self._ahead[24:], np.zeros_like(self._ahead[:24])])
        return today.reshape(24, -1)

    def _draw_bursts(self) -> None:
        n, hour, row, col = self._places(BURSTS_PER_CELL_DAY)
        sign = np.where(self._rng.random(n) < BURST_UP_SHARE, 1.0, -1.0)
        height = sign * np.minimum(self._rng.exponential(BURST_LOG_MEAN, n), BURST_LOG_MAX)
        hours = np.minimum(1 + self._rng.pareto(BURST_HOURS_PARETO, n), BURST_HOURS_MAX).astype(int)
        event = np.repeat(np.arange(n), hours)
        since = np.arange(len(event)) - np.repeat(np.cumsum(hours) - hours, hours)
        self._spread(self._ahead, hour[event] + since, row[event], col[event], height[event])

    def _draw_steps(self) -> np.ndarray:
        n, hour, row, col = self._places(STEPS_PER_CELL_DAY)
        change = np.zeros((24, *self._shape), dtype=np.float32)
        self._spread(change, hour, row, col, self._rng.uniform(-STEP_LOG_MAX, STEP_LOG_MAX, n))
        level = self._level + np.cumsum(change, axis=0)
        self._level = level[-1]
        return level

    def _places(self, per_cell_day: float):
        """Draw how many events there are today, and the hour, row and column of each; a rim reaches in from outside."""
        n_rows, n_cols = self._shape
        n = self._rng.poisson(per_cell_day * (n_rows + 2) * (n_cols + 2))
        draw = self._rng.integers
        return n, draw(24, size=n), draw(-1, n_rows + 1, size=n), draw(-1, n_cols + 1, size=n)

    def _spread(self, target: np.ndarray, hour, row, col, height) -> None:
        for d_row, d_col in ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)):
            r, c = row + d_row, col + d_col
            inside = (r >= 0) & (r < self._shape[0]) & (c >= 0) & (c < self._shape[1])
            weight = 1.0 if d_row == d_col else NEIGHBOUR_WEIGHT
            np.add.at(target, (hour[inside], r[inside], c[inside]), (weight * height[inside]).astype(np.float32))
