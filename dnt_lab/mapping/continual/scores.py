"""How far off twins are: by room and hour, by phase of a change, and how long they take to recover from it.

==============  =======================================================================================
phase           rooms and hours
==============  =======================================================================================
``before``      all rooms until the first one changes
``waiting``     rooms that have not changed (yet), once another one has: what a twin must not forget
``soon``        0 to 2 hours after a room's own change
``later``       2 to 6 hours after it
``late``        12 hours after it, and on
==============  =======================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from dnt_lab.datasets._numbers import real
from dnt_lab.mapping.continual.campus import Campus
from dnt_lab.mapping.continual.twins import Run
from dnt_lab.mapping.continual.world import HOURS_S, World

_AFTER_H = {"soon": (0, 2), "later": (2, 6), "late": (12, np.inf)}
_MARGIN_DB, _HOLD_S = 0.5, 2 * 3600.0


def room_errors_db(campus: Campus, run: Run) -> np.ndarray:
    """Root mean square error of each room over its held-out links, as they are at that hour, shape (37, K)."""
    truth_db = np.stack([campus.excess_db(time_s) for time_s in HOURS_S])
    squared = (run.predicted_db - truth_db)[..., campus.held_out] ** 2
    return np.sqrt(np.nanmean(squared, axis=-1))


def phase_masks(campus: Campus) -> dict[str, np.ndarray]:
    """Which hours of which rooms belong to each phase, arrays of shape (37, K)."""
    since_h = (HOURS_S[:, None] - campus.changes_s) / 3600
    started = (campus.changes_s.min() <= HOURS_S)[:, None]
    masks = {"before": ~started & (since_h < 0), "waiting": started & (since_h < 0)}
    return masks | {name: (since_h >= low) & (since_h < high) for name, (low, high) in _AFTER_H.items()}


def phases(world: World, runs: Mapping[str, Run]) -> pd.DataFrame:
    """Hold runs against the truth, phase by phase.

    Parameters
    ----------
    world : World
        In which they ran.
    runs : mapping of str to Run
        Under the names they get in the table.

    Returns
    -------
    DataFrame, index ``system``
        Mean over rooms and hours of the room's error in dB: in each phase, ``quiet`` and ``sleepy`` (as ``later``, in
        the half of rooms with fewer reports, or slower messages) and ``all``. ``recovery_h``: median over changed rooms
        of the hours until the error is within 0.5 dB of what the *first* twin's was before the change, and stays so for
        2 hours (inf if more than half never do); ``recovered``: the share of them that do. ``staleness`` and
        ``weight``: means over arrivals. ``cloud_kb`` and ``edge_kb``. NaN where there is nothing of the kind.
    """
    campus, rows = world.campus, {}
    masks = phase_masks(campus)
    asleep_s = world.devices.connection.latency_s
    masks["quiet"] = masks["later"] & world.measured.quiet
    masks["sleepy"] = masks["later"] & (asleep_s > np.median(asleep_s))
    masks["all"] = np.ones_like(masks["later"])
    off_db = (world.predict_db(world.first) - campus.before_db)[:, campus.held_out]
    usual_db = np.sqrt(np.nanmean(off_db**2, axis=1))
    for name, run in runs.items():
        error_db = room_errors_db(campus, run)
        row = {phase: error_db[mask].mean() if mask.any() else np.nan for phase, mask in masks.items()}
        changed = np.flatnonzero(np.isfinite(campus.changes_s))
        took_h = [
            recovery_s(HOURS_S, error_db[:, k], campus.changes_s[k], usual_db[k] + _MARGIN_DB, _HOLD_S) / 3600
            for k in changed
        ]
        row |= {"recovery_h": np.median(took_h) if took_h else np.nan}
        row |= {"recovered": np.isfinite(took_h).mean() if took_h else np.nan}
        row |= _of_arrivals(run.history)
        rows[name] = row | {"cloud_kb": run.cloud_bytes / 1000, "edge_kb": run.edge_bytes / 1000}
    return pd.DataFrame(rows).T.rename_axis("system")


def own_arrivals(history: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of an asynchronous history in which a BS's update was taken in."""
    return history[history["arrived"] & (history["client"] >= 0)]


def _of_arrivals(history: pd.DataFrame) -> dict[str, float]:
    if "staleness" not in history:
        return {"staleness": np.nan, "weight": np.nan}
    return own_arrivals(history)[["staleness", "weight"]].mean().to_dict()


def recovery_s(time_s, error_db, change_s: float, target_db: float, hold_s: float = 0.0) -> float:
    """Time from a change until an error is down to a target and stays there for a while.

    Parameters
    ----------
    time_s, error_db : array_like, shape (T,)
        The error at ascending times.
    change_s : float
        When the change was; earlier times do not count.
    target_db : float
        What the error must not exceed.
    hold_s : float
        It must stay so for so long; a series that ends before has not recovered.

    Returns
    -------
    float
        Seconds; inf if it never recovers.

    Examples
    --------
    >>> recovery_s([0, 1, 2, 3, 4], [2.0, 6.0, 2.4, 2.9, 2.3], change_s=0.5, target_db=2.5)
    1.5
    """
    time_s, error_db = np.asarray(time_s, float), np.asarray(error_db, float)
    if time_s.shape != error_db.shape or time_s.ndim != 1:
        raise ValueError(f"time_s has shape {time_s.shape} and error_db {error_db.shape}, but both must be (T,).")
    hold_s = real("hold_s", hold_s, strict=False)
    good = error_db <= target_db
    for i in np.flatnonzero(good & (time_s >= change_s)):
        if time_s[i] + hold_s <= time_s[-1] and good[i:][time_s[i:] <= time_s[i] + hold_s].all():
            return float(time_s[i] - change_s)
    return np.inf
