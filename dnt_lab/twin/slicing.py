"""Slices with service level agreements: who gets which share of a cell, step by step.

======  ====================  ============================================  ==============================
slice   demand                agreement                                     smallest share that keeps it
======  ====================  ============================================  ==============================
URLLC   packets a second      at most a share ``late`` after ``delay_s``    M/D/1: ``md1_service_s``
eMBB    bits a second         a share ``carried`` of the bits               the bits over the cell's rate
mMTC    erlang of sessions    at most a share ``blocked`` is refused        Erlang B: ``erlang_b_channels``
======  ====================  ============================================  ==============================

A split is feasible where the smallest shares add up to at most 1. Then every slice is given its smallest share, and the
rest in proportion, so all agreements hold; else slices are served in order of priority.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from dnt_lab.datasets import Traffic, synthetic_traffic
from dnt_lab.datasets._numbers import real, reals, whole
from dnt_lab.twin.queueing import erlang_b_channels, md1_service_s

SLICES = ("URLLC", "eMBB", "mMTC")
_SERVICE = {"URLLC": "call", "eMBB": "internet", "mMTC": "sms"}
_PER_DAY = 24


@dataclass(frozen=True)
class Slas:
    """Agreements of the three slices.

    Attributes
    ----------
    packet_bits, delay_s, late : float
        URLLC: size of a packet; at most a share `late` of them takes longer than `delay_s`.
    carried : float
        eMBB: share of the offered bits that is carried.
    session_bps, blocked : float
        mMTC: rate of a session, and the share of sessions that may be refused.
    """

    packet_bits: float = 256
    delay_s: float = 1e-3
    late: float = 1e-5
    carried: float = 0.95
    session_bps: float = 100e3
    blocked: float = 0.01

    def __post_init__(self):
        for name in ("packet_bits", "delay_s", "session_bps"):
            real(name, getattr(self, name))
        for name, most in (("late", 0.5), ("carried", 1.0), ("blocked", 1.0)):
            real(name, getattr(self, name), 0.0, most)

    def minimal_shares(self, demand, capacity_bps) -> np.ndarray:
        """Smallest share of a cell that keeps each agreement.

        Parameters
        ----------
        demand : array_like, shape (..., 3)
            Packets/s, bit/s and erlang of the three slices.
        capacity_bps : array_like
            Rate of the cell if one slice had it all; broadcast against the leading axes of `demand`.

        Returns
        -------
        ndarray, shape (..., 3)
            Shares; over 1 where a cell cannot keep even this one agreement.

        Examples
        --------
        >>> Slas().minimal_shares([40e3, 30e6, 50.0], 100e6).round(3)
        array([0.117, 0.285, 0.064])
        """
        demand = reals("demand", demand)
        if demand.shape[-1:] != (3,):
            raise ValueError(f"demand has shape {demand.shape}, but its last axis holds the three slices {SLICES}")
        capacity_bps = reals("capacity_bps", capacity_bps, strict=True)
        urllc_bps = self.packet_bits / md1_service_s(demand[..., 0], self.delay_s, self.late)
        mmtc_bps = erlang_b_channels(demand[..., 2], self.blocked) * self.session_bps
        rates = (np.where(demand[..., 0] > 0, urllc_bps, 0.0), self.carried * demand[..., 1], mmtc_bps)
        return np.stack([rate / capacity_bps for rate in rates], axis=-1)

    def offered_bps(self, demand) -> np.ndarray:
        """Bits a second that each slice offers, whatever was agreed; shape as `demand`."""
        return np.asarray(demand, float) * [self.packet_bits, 1.0, self.session_bps]


def split(minimal, priority=SLICES) -> np.ndarray:
    """Shares of the slices.

    Parameters
    ----------
    minimal : array_like, shape (..., 3)
        Smallest shares.
    priority : sequence of str
        Who is served first where not all can be.

    Returns
    -------
    ndarray, shape (..., 3)
        Shares that add up to 1 at most; at least `minimal` wherever that is feasible.

    Examples
    --------
    >>> split([[0.1, 0.3, 0.1], [0.2, 0.7, 0.4]])
    array([[0.2, 0.6, 0.2],
           [0.2, 0.7, 0.1]])
    """
    minimal = reals("minimal", minimal)
    if sorted(priority) != sorted(SLICES):
        raise ValueError(f"priority is {tuple(priority)}, but it must name each of {', '.join(SLICES)} once")
    left, shares = np.ones(minimal.shape[:-1]), np.empty_like(minimal)
    for i in (SLICES.index(name) for name in priority):
        shares[..., i] = np.minimum(minimal[..., i], left)
        left = np.maximum(left - shares[..., i], 0.0)
    total = minimal.sum(axis=-1, keepdims=True)
    return np.where((total > 0) & (total <= 1), minimal / np.where(total > 0, total, 1.0), shares)


def slice_demand(traffic: Traffic, urllc_per_s=40e3, embb_bps=30e6, mmtc_erlang=50.0) -> np.ndarray:
    """Demand (hours, cells, 3) that follows the calls, internet and SMS of each cell, with the given means per cell."""
    means = [real(name, m) for name, m in zip(SLICES, (urllc_per_s, embb_bps, mmtc_erlang), strict=True)]
    activity = np.stack([traffic.service(_SERVICE[name]) for name in SLICES], axis=-1).astype(float)
    return activity / activity.mean(axis=0) * means


def forecast(demand, now: int) -> np.ndarray:
    """Demand (cells, 3) of the hour after hour `now`: this hour's, times how the hour of the day usually moves on.

    Only hours up to `now` are used; they must hold two days.
    """
    demand = reals("demand", demand)
    now = whole("now", now, 2 * _PER_DAY - 1)
    days = (now + 1) // _PER_DAY
    past = demand[now + 1 - days * _PER_DAY : now + 1].reshape(days, _PER_DAY, *demand.shape[1:])
    usual = past.mean(axis=0)  # its first row is the hour to come, its last one this hour
    return demand[now] * usual[0] / np.maximum(usual[-1], 1e-12)


def control_day(demand, capacity_bps, slas: Slas | None = None, headroom: float = 0.7) -> pd.DataFrame:
    """Control the slices of all cells through the last day of `demand` in four ways.

    Parameters
    ----------
    demand : ndarray, shape (hours, cells, 3)
        The last 24 hours are the day; at least two weeks before teach the forecast and size the static slices.
    capacity_bps : array_like
        Rate of the cells.
    slas : Slas, optional
        Agreements.
    headroom : float
        URLLC is given for the quantile `headroom` of what past forecasts of its demand missed by; 0 for the forecast.

    Returns
    -------
    DataFrame
        One row a strategy and slice: ``violations``, the share of cell-hours in which the agreement is broken, and
        ``avoidable``, the share in which it is broken although a feasible split exists. Strategies: ``forecast`` (the
        controller), ``static`` (sized for the mean demand of the hours before), ``proportional`` (to the bits
        forecast), ``known demand`` (the controller with a perfect forecast: the bound).
    """
    slas, demand = slas or Slas(), reals("demand", demand)
    if demand.ndim != 3 or len(demand) < 15 * _PER_DAY:
        raise ValueError(f"demand has shape {demand.shape}, but at least 15 days (360 hours, cells, 3) are needed")
    headroom = real("headroom", headroom, 0.0, 1.0, strict=False)
    first = len(demand) - _PER_DAY
    expected = np.stack([forecast(demand, t - 1) for t in range(first - 7 * _PER_DAY, len(demand))])
    ahead = expected[-_PER_DAY:]
    careful = ahead.copy()
    error = demand[first - 7 * _PER_DAY : first, :, 0] / np.maximum(expected[:-_PER_DAY, :, 0], 1e-12)
    careful[..., 0] *= max(np.quantile(error, headroom), 1.0)
    minimal = slas.minimal_shares(demand[first:], capacity_bps)
    usual = slas.minimal_shares(demand[:first].mean(axis=0), capacity_bps)
    bits = slas.offered_bps(ahead)
    shares = {
        "forecast": split(slas.minimal_shares(careful, capacity_bps)),
        "static": np.broadcast_to(usual / usual.sum(axis=-1, keepdims=True), minimal.shape),
        "proportional": bits / bits.sum(axis=-1, keepdims=True),
        "known demand": split(minimal),
    }
    feasible = minimal.sum(axis=-1, keepdims=True) <= 1
    rows = []
    for strategy, given in shares.items():
        broken = given < minimal * (1 - 1e-12)
        for i, name in enumerate(SLICES):
            avoidable = (broken & feasible)[..., i].mean()
            rows.append((strategy, name, broken[..., i].mean(), avoidable))
    return pd.DataFrame(rows, columns=["strategy", "slice", "violations", "avoidable"])


def study(n_seeds: int = 20, seed: int = 0, capacity_bps: float = 75e6, slas: Slas | None = None) -> pd.DataFrame:
    """Control the slices of nine cells for a day, over many made-up cities.

    Returns
    -------
    DataFrame
        Indexed by strategy and slice: mean ``violations`` and ``avoidable`` over seeds, with ``_low`` and ``_high`` of
        the 95 % interval (Student's t).
    """
    frames = []
    for s in np.random.SeedSequence(seed).spawn(whole("n_seeds", n_seeds, 2)):
        demand = slice_demand(synthetic_traffic((3, 3), days=15, seed=np.random.default_rng(s)))
        frames.append(control_day(demand, capacity_bps, slas))
    groups = pd.concat(frames).groupby(["strategy", "slice"], sort=False)
    mean, half = groups.mean(), stats.t.ppf(0.975, n_seeds - 1) * groups.sem()
    return pd.concat([mean, (mean - half).add_suffix("_low"), (mean + half).add_suffix("_high")], axis=1)
