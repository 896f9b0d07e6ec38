"""Sums of one local day over country codes, in place by cell id: (five columns, 24 hours, 10,000 cells)."""

from __future__ import annotations

import numpy as np

from dnt_lab.datasets.traffic import GRID_SIDE, SERVICES

ACTIVITY = ("smsin", "smsout", "callin", "callout", "internet")
N_CELLS = GRID_SIDE**2


class DayTotals:
    """One day being added up.

    Parameters
    ----------
    per_hour : int
        Records a cell should have in an hour: 6 for 10-minute files, 1 for hourly ones.
    """

    def __init__(self, per_hour: int):
        self._per_hour = per_hour
        self._sums = np.zeros((len(ACTIVITY), 24 * N_CELLS))
        self._seen = np.zeros((24 * per_hour, N_CELLS), dtype=bool)

    def add(self, slot: np.ndarray, cell_id: np.ndarray, amounts: list[np.ndarray]) -> None:
        """Add rows: the slot of the day (``24 * per_hour`` of them), the cell's id, and five columns of activity."""
        place = (slot // self._per_hour) * N_CELLS + cell_id - 1
        for total, amount in zip(self._sums, amounts, strict=True):
            total += np.bincount(place, weights=amount, minlength=total.size)
        self._seen[slot, cell_id - 1] = True

    def hours(self, merge: bool) -> np.ndarray:
        """Return float32 activity (services, 24, 10000), NaN for a cell's hour without any record.

        With `merge`, the services are sms, call and internet (in + out added), else the five columns.
        """
        sums = self._sums.reshape(len(ACTIVITY), 24, N_CELLS)
        if merge:
            sums = np.stack([sums[0] + sums[1], sums[2] + sums[3], sums[4]])
        return np.where(self._per_hour_seen() > 0, sums, np.nan).astype(np.float32)

    def gaps(self) -> tuple[int, int]:
        """Return how many cell-hours have no record, and how many have only some of theirs, among cells ever seen."""
        seen = self._per_hour_seen()[:, self._seen.any(axis=0)]
        return int((seen == 0).sum()), int(((seen > 0) & (seen < self._per_hour)).sum())

    def _per_hour_seen(self) -> np.ndarray:
        return self._seen.reshape(24, self._per_hour, N_CELLS).sum(axis=1)


def service_names(merge: bool) -> tuple[str, ...]:
    """Return the names along the first axis of `DayTotals.hours`."""
    return SERVICES if merge else ACTIVITY
