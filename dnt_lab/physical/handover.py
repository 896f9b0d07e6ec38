"""Who hands over when: the A3 event and radio link failure of 3GPP, for all users at once."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from dnt_lab.physical.state import State

_ROUNDING_S = 1e-9  # ten steps of 0.1 s add up to a little less than 1 s


@dataclass(eq=False)
class HandoverRule:
    """Handover by event A3, re-establishment after a radio link failure.

    A3 (TS 38.331, 5.5.4.4): the best *neighbour* stays `hysteresis_db` stronger than the serving cell for
    `time_to_trigger_s`; one timer a user runs on when another neighbour becomes the best one.
    Radio link failure (TS 38.331, 5.3.10): SINR below `failure_sinr_db` for `failure_s`; the user then attaches to the
    best cell of all, neighbour or not.

    Attributes
    ----------
    hysteresis_db, time_to_trigger_s : float
        A3 offset and time to trigger.
    failure_sinr_db, failure_s : float
        Out-of-sync threshold (about 10 % block errors) and timer T310.
    """

    hysteresis_db: float = 3.0
    time_to_trigger_s: float = 0.32
    failure_sinr_db: float = -8.0
    failure_s: float = 1.0
    _better_s: np.ndarray | None = field(init=False, repr=False, default=None)
    _lost_s: np.ndarray | None = field(init=False, repr=False, default=None)

    def __post_init__(self):
        for name in ("hysteresis_db", "time_to_trigger_s", "failure_s"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} is {getattr(self, name)}, but a number from 0 on is needed")
        if np.isnan(self.failure_sinr_db):
            raise ValueError("failure_sinr_db is NaN, but a number of dB is needed; -inf switches failures off")

    def step(self, state: State, cells, power_dbm, sinr_db, dt_s: float) -> tuple[np.ndarray, np.ndarray]:
        """Decide for all users.

        Parameters
        ----------
        state : State
            Serving cells and missing neighbour relations.
        cells, power_dbm : ndarray, shape (U, K)
            Cells heard and their received power in dBm.
        sinr_db : ndarray, shape (U,)
            SINR on the serving link.
        dt_s : float
            Time since the last call.

        Returns
        -------
        target : ndarray of int, shape (U,)
            New serving cell; the old one where nothing changes; -1 where no cell is heard.
        failed : ndarray of bool, shape (U,)
            True where the change follows a radio link failure.
        """
        if self._better_s is None:
            self._better_s, self._lost_s = np.zeros(state.n_users), np.zeros(state.n_users)
        rows = np.arange(state.n_users)
        mine = cells == state.serving[:, None]
        serving_dbm = np.where(mine, power_dbm, -np.inf).max(axis=1)
        allowed = np.where(mine | self._missing(state, cells), -np.inf, power_dbm)
        neighbour = np.argmax(allowed, axis=1)
        with np.errstate(invalid="ignore"):
            better = allowed[rows, neighbour] - serving_dbm > self.hysteresis_db
        self._better_s = np.where(better, self._better_s + dt_s, 0.0)
        lost = sinr_db < self.failure_sinr_db
        self._lost_s = np.where(lost, self._lost_s + dt_s, 0.0)
        failed = lost & (self._lost_s > self.failure_s - _ROUNDING_S)
        ready = (self._better_s > self.time_to_trigger_s - _ROUNDING_S) & better & np.isfinite(serving_dbm) & ~failed
        best = np.argmax(power_dbm, axis=1)
        rescue = np.where(np.isfinite(power_dbm[rows, best]), cells[rows, best], -1)
        target = np.where(failed, rescue, np.where(ready, cells[rows, neighbour], state.serving))
        changed = target != state.serving
        self._better_s[changed], self._lost_s[changed] = 0.0, 0.0
        return target, failed & changed

    def _missing(self, state: State, cells) -> np.ndarray:
        missing = np.zeros(cells.shape, bool)
        for source, target in state.missing_neighbours:
            missing |= (state.serving == source)[:, None] & (cells == target)
        return missing
