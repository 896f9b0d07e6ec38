r"""How fresh and how true a twin is: age of information and divergence.

The age of information of a user at time t is :math:`\Delta(t) = t - u(t)`, with u the time at which the newest update
applied was generated (Kaul, Yates, Gruteser, INFOCOM 2012). It is a sawtooth: it grows at rate 1 and drops when an
update arrives. Updates every T seconds with delay D give a mean of T/2 + D and a peak of T + D. Age counts what is
*old*; divergence counts what is *wrong*: a parked car's old position is still true.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

TOLERANCE = {"position": 5.0, "serving": 0.0, "demand": 100_000.0, "sinr": 1.0}
"""Errors up to which an object counts as mirrored: m, mismatches, bit/s, dB."""
_UNIT = {"position": "m", "serving": "mismatch", "demand": "bit/s", "sinr": "dB"}
_OUTAGE_DB = -20.0  # below it, and without a cell at all, a user is out of service and further dB mean nothing


class AgeMeter:
    """Integrates the age sawtooth of each user exactly, whatever the step in which one looks.

    Parameters
    ----------
    n_users : int
        Number of users.
    t_s : float
        Start; everything known then was generated then.

    Examples
    --------
    Updates generated at 0, 2, 4, ... arrive 0.5 s later:

    >>> meter = AgeMeter(1, 0.0)
    >>> for k in range(10):
    ...     meter.update(0, 2.0 * k + 0.5, 2.0 * k)
    ...     mean_s, peak_s = meter.advance(2.0 * k + 2.5)
    >>> float(mean_s[0]), float(peak_s[0])
    (1.5, 2.5)
    """

    def __init__(self, n_users: int, t_s: float):
        self.generated_s = np.full(n_users, float(t_s))
        self._since_s, self._counted_s = float(t_s), np.full(n_users, float(t_s))
        self._area_s2, self._peak_s = np.zeros(n_users), np.zeros(n_users)

    def update(self, user: int, t_s: float, generated_s: float) -> None:
        """Apply, at `t_s`, an update of one user that is newer than the last."""
        self._grow(user, t_s)
        self.generated_s[user] = generated_s

    def advance(self, t_s: float) -> tuple[np.ndarray, np.ndarray]:
        """Mean and peak age (U,) in s between the last call and `t_s`."""
        self._grow(slice(None), t_s)
        span_s, self._since_s = t_s - self._since_s, float(t_s)
        mean_s, peak_s = self._area_s2 / span_s, self._peak_s
        self._area_s2, self._peak_s = np.zeros(len(mean_s)), np.zeros(len(mean_s))
        return mean_s, peak_s

    def _grow(self, users, t_s: float) -> None:
        old_s, new_s = self._counted_s[users] - self.generated_s[users], t_s - self.generated_s[users]
        self._area_s2[users] += (new_s + old_s) / 2 * (new_s - old_s)
        self._peak_s[users] = np.maximum(self._peak_s[users], new_s)
        self._counted_s[users] = t_s


def divergence(network, twin, tolerance: dict[str, float] | None = None) -> pd.DataFrame:
    """Compare a twin with the physical network: the evaluator's view, which the twin itself never has.

    Parameters
    ----------
    network : object with ``state`` and ``kpis``
        The physical network.
    twin : object with ``state`` and ``kpis``
        The twin, over the same users.
    tolerance : dict, optional
        Error up to which a user counts as mirrored; groups not named keep those of `TOLERANCE`.

    Returns
    -------
    DataFrame, index ``position``, ``serving``, ``demand``, ``sinr``
        ``error``: mean absolute error per user, in ``unit`` (serving: share of users with the wrong cell).
        ``normalised``: root mean square error over the physical values' standard deviation, so 1 is what a twin that
        knew only the mean would have (serving: the share again). ``outside``: share of users beyond the tolerance.

    Raises
    ------
    ValueError
        If the two have different users, or a tolerance is negative or names no group.
    """
    tolerance = {**TOLERANCE, **(tolerance or {})}
    if unknown := set(tolerance) - set(TOLERANCE):
        raise ValueError(f"tolerance names {sorted(unknown)}, but the groups are {', '.join(TOLERANCE)}")
    if negative := [name for name, value in tolerance.items() if not value >= 0]:
        raise ValueError(f"tolerance of {negative[0]} is {tolerance[negative[0]]}, but it must be at least 0")
    errors = absolute_errors(network, twin)
    spread = _spreads(network)
    return pd.DataFrame(
        {
            "error": [error.mean() for error in errors.values()],
            "unit": [_UNIT[name] for name in errors],
            "normalised": [_normalised(error, spread.get(name)) for name, error in errors.items()],
            "outside": [(error > tolerance[name]).mean() for name, error in errors.items()],
        },
        index=pd.Index(list(errors), name="group"),
    )


def absolute_errors(network, twin) -> dict[str, np.ndarray]:
    """Absolute error of every user (U,) by property group, as `divergence` sums them up."""
    real, mirrored = network.state, twin.state
    if real.n_users != mirrored.n_users:
        raise ValueError(f"the network has {real.n_users} users, but the twin {mirrored.n_users}")
    return {
        "position": np.linalg.norm(real.position_m - mirrored.position_m, axis=1),
        "serving": (real.serving != mirrored.serving).astype(float),
        "demand": np.abs(real.demand_bps - mirrored.demand_bps).astype(float),
        "sinr": np.abs(_in_service_db(network) - _in_service_db(twin)),
    }


def _in_service_db(network) -> np.ndarray:
    return np.maximum(network.kpis.sinr_db, _OUTAGE_DB)


def _spreads(network) -> dict[str, float]:
    return {
        "position": math.sqrt(network.state.position_m.var(axis=0).sum()),
        "demand": float(network.state.demand_bps.std()),
        "sinr": float(_in_service_db(network).std()),
    }


def _normalised(error: np.ndarray, spread: float | None) -> float:
    if spread is None:  # mismatches are a share already
        return error.mean()
    rms = math.sqrt((error**2).mean())
    return rms / spread if spread > 0 else (0.0 if rms == 0 else math.inf)
