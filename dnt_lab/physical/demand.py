"""Traffic demand: what users ask of the network, step by step."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from dnt_lab.physical.state import MAX_DEMAND_BPS

KINDS = {
    "phone": (0.7, 3_000_000, (0.15, 0.08, 0.01)),
    "vr headset": (0.1, 20_000_000, (0.20, 0.15, 0.10)),
    "sensor": (0.2, 50_000, (0.05, 0.05, 0.02)),
}
"""User devices: share of the population, peak demand in bit/s, dimensions in m."""


def draw_devices(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw `n` user devices: kinds (n,), dimensions (n, 3) in m and peak demands (n,) in bit/s."""
    names = np.array(list(KINDS))
    shares, peak_bps, size_m = (np.array(column) for column in zip(*KINDS.values(), strict=True))
    drawn = rng.choice(len(names), size=n, p=shares)
    return names[drawn], size_m[drawn], peak_bps[drawn].astype(np.int64)


def _peaks(peak_bps) -> np.ndarray:
    peak_bps = np.asarray(peak_bps)
    whole = peak_bps.ndim == 1 and (peak_bps.size == 0 or peak_bps.dtype.kind in "iu")
    if not whole or (peak_bps < 0).any() or (peak_bps > MAX_DEMAND_BPS).any():
        raise ValueError(f"peak_bps must hold a whole number of bit/s in 0 ... {MAX_DEMAND_BPS:g} for each user")
    return peak_bps.astype(np.int64)


@dataclass(eq=False)
class OnOff:
    """Every user is active or silent: a two-state Markov chain in continuous time.

    Attributes
    ----------
    peak_bps : ndarray of int, shape (U,)
        Demand while active.
    mean_on_s, mean_off_s : float
        Mean duration of activity and of silence; a user is active for ``on / (on + off)`` of the time.
    """

    peak_bps: np.ndarray
    mean_on_s: float = 40.0
    mean_off_s: float = 40.0
    _active: np.ndarray | None = field(init=False, repr=False, default=None)

    def __post_init__(self):
        self.peak_bps = _peaks(self.peak_bps)
        if not (0 < self.mean_on_s < np.inf and 0 < self.mean_off_s < np.inf):
            raise ValueError(
                f"mean_on_s and mean_off_s are {self.mean_on_s} and {self.mean_off_s}, but both must be over 0 s"
            )

    def start(self, rng: np.random.Generator) -> np.ndarray:
        """Demand (U,) in bit/s at the start, drawn from the stationary distribution."""
        self._active = rng.random(len(self.peak_bps)) < self.mean_on_s / (self.mean_on_s + self.mean_off_s)
        return np.where(self._active, self.peak_bps, 0)

    def step(self, t_s: float, dt_s: float, rng: np.random.Generator) -> np.ndarray:
        """Demand (U,) in bit/s after `dt_s` seconds, by the chain's exact transition probabilities."""
        if self._active is None:
            self.start(rng)
        on, off = 1 / self.mean_off_s, 1 / self.mean_on_s  # rates of switching on and off
        share, forget = on / (on + off), 1 - np.exp(-(on + off) * dt_s)
        stay_on = share + (1 - share) * (1 - forget)
        self._active = rng.random(len(self._active)) < np.where(self._active, stay_on, share * forget)
        return np.where(self._active, self.peak_bps, 0)


@dataclass(eq=False)
class FollowTraffic:
    """Demand that follows an hourly activity series, such as a cell of the Milan data.

    Attributes
    ----------
    peak_bps : ndarray of int, shape (U,)
        Demand at activity 1.
    activity : ndarray, shape (H, U) or (H,)
        Activity in each hour, 1 at a typical peak; the last hour is followed by the first.
    """

    peak_bps: np.ndarray
    activity: np.ndarray

    def __post_init__(self):
        self.peak_bps, self.activity = _peaks(self.peak_bps), np.asarray(self.activity, float)
        if self.activity.ndim == 1:
            self.activity = self.activity[:, None]
        shape, n_users = self.activity.shape, len(self.peak_bps)
        if len(shape) != 2 or shape[0] == 0 or shape[1] not in (1, n_users):
            raise ValueError(f"activity has shape {shape}, but (hours,) or (hours, {n_users}) is needed")
        if not (self.activity >= 0).all() or self.activity.max() * self.peak_bps.max(initial=0) > MAX_DEMAND_BPS:
            raise ValueError(f"activity must be at least 0 in every hour, and no demand over {MAX_DEMAND_BPS:g} bit/s")

    def start(self, rng: np.random.Generator) -> np.ndarray:
        """Demand (U,) in bit/s in the first hour; `rng` is not used."""
        return self.step(0.0, 0.0, rng)

    def step(self, t_s: float, dt_s: float, rng: np.random.Generator) -> np.ndarray:
        """Demand (U,) in bit/s at `t_s`; `rng` is not used."""
        hour = int(t_s // 3600) % len(self.activity)
        return np.rint(self.peak_bps * self.activity[hour]).astype(np.int64)
