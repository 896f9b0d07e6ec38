"""Mobile traffic per service, hour and cell: the one form that generators and loaders agree on.

The grid is Milan's (Barlacchi et al., Scientific Data 2:150055, 2015): 100 x 100 squares of 235 m,
``cell id = 100 * row + col + 1`` with row 0 in the south and column 0 in the west. Values are *activity*,
proportional to counts of call detail records, without a unit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from dnt_lab.datasets._checks import one_of

if TYPE_CHECKING:
    import pandas as pd

SERVICES = ("sms", "call", "internet")
GRID_SIDE = 100
CELL_M = 235.0


def cell_id(row, col) -> np.ndarray:
    """Return the Milan id of the cell at `row` (0 = south) and `col` (0 = west), both 0 to 99."""
    row, col = np.asarray(row), np.asarray(col)
    if np.any((row < 0) | (row >= GRID_SIDE) | (col < 0) | (col >= GRID_SIDE)):
        raise ValueError(f"Rows and columns run from 0 to {GRID_SIDE - 1}.")
    return GRID_SIDE * row + col + 1


@dataclass(frozen=True, eq=False)
class Traffic:
    """Activity of several services, hour by hour, in cells of the Milan grid.

    Attributes
    ----------
    values : numpy.ndarray of float32, shape (services, hours, cells)
        Activity; NaN where there is no record at all.
    services : tuple of str, length S
        Names along the first axis.
    start : numpy.datetime64
        Local time (UTC + 1 h) at which the first hour begins; hours follow without gaps.
    cell_ids : numpy.ndarray of int, shape (cells,)
        Milan ids along the last axis, ascending.
    source : str
        Where the numbers come from; put it under a figure.
    """

    values: np.ndarray
    services: tuple[str, ...]
    start: np.datetime64
    cell_ids: np.ndarray
    source: str

    def __post_init__(self):
        if self.values.ndim != 3 or self.values.shape[::2] != (len(self.services), len(self.cell_ids)):
            raise ValueError(
                f"Traffic values have shape {self.values.shape}, but {len(self.services)} services and "
                f"{len(self.cell_ids)} cells need ({len(self.services)}, hours, {len(self.cell_ids)})."
            )
        ids = self.cell_ids
        if len(ids) and (ids[0] < 1 or ids[-1] > GRID_SIDE**2 or np.any(np.diff(ids) <= 0)):
            raise ValueError(f"Cell ids must ascend within 1 to {GRID_SIDE**2}, each once.")

    def __repr__(self) -> str:
        days = self.n_hours / 24
        return (
            f"Traffic({', '.join(self.services)}; {len(self.cell_ids)} cells, {days:g} days from {self.start}; "
            f"{self.values.nbytes / 1e6:.1f} MB; {self.source})"
        )

    @property
    def n_hours(self) -> int:
        """Number of hours."""
        return self.values.shape[1]

    @property
    def row_col(self) -> tuple[np.ndarray, np.ndarray]:
        """Row (0 = south) and column (0 = west) of each cell."""
        return np.divmod(self.cell_ids - 1, GRID_SIDE)

    @property
    def centre_m(self) -> np.ndarray:
        """Centre of each cell in metres east and north of the grid's south-west corner, shape (cells, 2)."""
        row, col = self.row_col
        return (np.column_stack([col, row]) + 0.5) * CELL_M

    @property
    def time(self) -> pd.DatetimeIndex:
        """Local start of each hour."""
        import pandas as pd  # here, because importing it costs more than all of this package

        return pd.date_range(self.start, periods=self.n_hours, freq="h", name="time")

    @property
    def missing(self) -> np.ndarray:
        """Whether any service lacks a record, shape (hours, cells)."""
        return np.isnan(self.values).any(axis=0)

    def service(self, name: str) -> np.ndarray:
        """Return one service as a view of shape (hours, cells)."""
        return self.values[self.services.index(one_of("The service", name, self.services))]

    def to_frame(self, service: str) -> pd.DataFrame:
        """Return one service as a DataFrame: local time down, cell ids across (no copy of the values)."""
        import pandas as pd

        return pd.DataFrame(self.service(service), index=self.time, columns=pd.Index(self.cell_ids, name="cell"))

    def select(self, cell_ids: Iterable[int] | None = None, start=None, stop=None) -> Traffic:
        """Return some cells (by id) and the hours in ``start <= time < stop`` (local; anything numpy reads as a time).

        Raises
        ------
        ValueError
            If a cell is not there, or the span is empty or reaches outside the data.
        """
        columns = np.arange(len(self.cell_ids))
        if cell_ids is not None:
            wanted = np.unique(np.fromiter(cell_ids, dtype=np.int64))
            absent = np.setdiff1d(wanted, self.cell_ids)
            if absent.size or not wanted.size:
                raise ValueError(
                    f"Cells {absent[:5].tolist()} are not among the {len(self.cell_ids)} cells of this data."
                )
            columns = np.searchsorted(self.cell_ids, wanted)
        first = 0 if start is None else self._hour("start", start)
        last = self.n_hours if stop is None else self._hour("stop", stop)
        if not 0 <= first < last <= self.n_hours:
            end = self.start + np.timedelta64(self.n_hours, "h")
            raise ValueError(f"The span {start} to {stop} is empty or outside the data, {self.start} to {end}.")
        values = self.values[:, first:last]
        return replace(
            self,
            values=values if cell_ids is None else values[:, :, columns],
            start=self.start + np.timedelta64(first, "h"),
            cell_ids=self.cell_ids[columns],
        )

    def _hour(self, name: str, moment) -> int:
        try:
            gap = np.datetime64(moment) - self.start
        except (ValueError, TypeError):
            raise ValueError(
                f"{name} is {moment!r}, but must be a time such as '2013-11-04' or '2013-11-04T08'."
            ) from None
        if gap % np.timedelta64(1, "h"):
            raise ValueError(f"{name} is {moment}, but must be on a full hour.")
        return int(gap // np.timedelta64(1, "h"))

    def filled(self, value: float = 0.0) -> Traffic:
        """Return a copy in which missing records hold `value`; 0 says "no record means no activity"."""
        return replace(self, values=np.nan_to_num(self.values, nan=value))

    def on_grid(self, per_cell: np.ndarray) -> np.ndarray:
        """Lay one number per cell on the map: shape (rows, cols), row 0 in the south, NaN where there is no cell.

        The map is the smallest rectangle around the cells; draw it with ``origin="lower"``.

        Raises
        ------
        ValueError
            If there is not one number per cell.
        """
        if np.shape(per_cell) != self.cell_ids.shape:
            raise ValueError(f"on_grid needs {len(self.cell_ids)} numbers, one per cell, but got {np.shape(per_cell)}.")
        row, col = self.row_col
        row, col = row - row.min(), col - col.min()
        grid = np.full((row.max() + 1, col.max() + 1), np.nan)
        grid[row, col] = per_cell
        return grid
