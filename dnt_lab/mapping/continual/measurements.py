"""What users report as time goes on: one link at a time, with noise, more often in busy rooms than in quiet ones.

>>> measured = measure(campus, seed=1)
>>> data = measured.client_data(campus)  # with `known_s`: what a BS learns from is what it knows by then
>>> measured.newest(k=3, time_s=7200.0, n=16)  # numbers of the newest 16 reports that BS 3 has after two hours
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dnt_lab.datasets._checks import generator
from dnt_lab.datasets._numbers import real
from dnt_lab.fl import ClientData
from dnt_lab.mapping.continual.campus import HORIZON_S, WARM_UP_S, Campus

UNIT_DB = 5.0
"""Models predict excess loss in this unit, so that their targets are of the order of 1."""
REPORT_BYTES = 12
"""Of a report from user to BS: a position in centimetres (6), a time (4) and a gain in 1/100 dB (2)."""


@dataclass(frozen=True, eq=False)
class Measurements:
    """Reports to K BSs, each BS's in its own row, in the order of their times.

    Attributes
    ----------
    time_s : ndarray, shape (K, N)
        Of each report; inf behind a row's last one. Time 0 is when the first twin is done.
    link : ndarray of int, shape (K, N)
        Which of the campus's links it is about.
    excess_db : ndarray, shape (K, N)
        Measured loss over that of free space in dB.
    rate_per_h : ndarray, shape (K,)
        Reports each BS gets in an hour, on average.
    """

    time_s: np.ndarray
    link: np.ndarray
    excess_db: np.ndarray
    rate_per_h: np.ndarray

    def __len__(self) -> int:
        return len(self.time_s)

    def __repr__(self) -> str:
        low, high = self.rate_per_h.min(), self.rate_per_h.max()
        return f"Measurements({self.n_reports.sum():,} reports to {len(self)} BSs, {low:.1f} to {high:.1f} an hour)"

    @property
    def n_reports(self) -> np.ndarray:
        """Of each BS, shape (K,)."""
        return np.isfinite(self.time_s).sum(axis=1)

    @property
    def quiet(self) -> np.ndarray:
        """Which BSs get fewer reports than the median one, shape (K,)."""
        return self.rate_per_h < np.median(self.rate_per_h)

    def newest(self, k: int, time_s: float, n: int) -> np.ndarray:
        """Return the numbers of the newest n reports (or fewer) that BS k has at a time, oldest first."""
        known = np.searchsorted(self.time_s[k], time_s, side="right")
        return np.arange(max(0, known - n), known)

    def client_data(self, campus: Campus) -> ClientData:
        """Return the reports as samples in units of 5 dB, with the time from which a BS knows each."""
        rows = np.arange(len(self))[:, None]
        y = (self.excess_db / UNIT_DB).astype(np.float32)[..., None]
        return ClientData(campus.inputs[rows, self.link], y, self.n_reports, self.time_s)


def measure(
    campus: Campus, seed, *, rates_per_h: tuple[float, float] = (1.0, 30.0), noise_db: float = 2.0
) -> Measurements:
    """Let users report, from 12 hours before time 0 to 36 hours after it.

    Reports come as a Poisson process about links drawn at random among those that are not held out; a link on which
    nothing arrives is not reported. Places, times and noise do not hang on what changes.

    Parameters
    ----------
    campus : Campus
        Where, with the truth of each time.
    seed : int or Generator
        Of rates, times, links and noise.
    rates_per_h : (float, float)
        Reports an hour of the quietest and of the busiest BS; logarithms are uniform between them.
    noise_db : float
        Standard deviation of a measured gain.

    Raises
    ------
    ValueError, TypeError
        If a number is out of range.
    """
    rng, noise_db = generator(seed), real("noise_db", noise_db, strict=False)
    low = real("the lower of rates_per_h", rates_per_h[0])
    high = real("the higher of rates_per_h", rates_per_h[1], low, strict=False)
    rate_per_h = np.exp(rng.uniform(np.log(low), np.log(high), len(campus)))
    rows = [_reports(campus, k, rate, noise_db, rng) for k, rate in enumerate(rate_per_h)]
    longest = max(len(row[0]) for row in rows)
    empty = (np.inf, 0, 0.0)  # behind a row's last report
    parts = [
        np.stack([np.pad(row[i], (0, longest - len(row[i])), constant_values=fill) for row in rows])
        for i, fill in enumerate(empty)
    ]
    return Measurements(*parts, rate_per_h)


def _reports(campus: Campus, k: int, rate_per_h: float, noise_db: float, rng) -> tuple[np.ndarray, ...]:
    """Times, links and measured losses of one BS."""
    n = rng.poisson(rate_per_h * (WARM_UP_S + HORIZON_S) / 3600)
    time_s = np.sort(rng.uniform(-WARM_UP_S, HORIZON_S, n))
    link = rng.choice(np.flatnonzero(~campus.held_out), n)
    changed = time_s >= campus.changes_s[k]
    true_db = np.where(changed, campus.after_db[k, link], campus.before_db[k, link])
    excess_db = true_db + noise_db * rng.standard_normal(n)
    heard = np.isfinite(excess_db)
    return time_s[heard], link[heard], excess_db[heard]
