"""The state of a network: everything that is set, nothing that follows from it.

A `State` is a struct of arrays: one row a user, one row a cell, one row a channel. Loads, interference, SINR and rates
are not in it; `dnt_lab.physical.kpis.evaluate` derives them. So two states are equal exactly where two networks are.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields

import numpy as np

INTERNAL = ("kind", "size_m", "position_m", "velocity_m_s")
"""Internal properties of a physical network object: what it is by itself (article, II-A)."""
EXTERNAL = ("serving", "channel", "beam", "demand_bps")
"""External properties: how it uses the network, and so how it affects the others."""
NOWHERE = -1
"""Serving cell of a user that no cell serves."""
MAX_DEMAND_BPS = 10**12
"""Largest demand of one user: the sum over millions of users still fits into 63 bits."""


def _user(dtype, *tail):
    return ("user", np.dtype(dtype), tail)


def _cell(dtype, *tail):
    return ("cell", np.dtype(dtype), tail)


_COLUMNS = {
    "kind": _user("U16"),
    "size_m": _user(float, 3),
    "position_m": _user(float, 3),
    "velocity_m_s": _user(float, 3),
    "serving": _user(np.int64),
    "channel": _user(np.int64),
    "beam": _user(np.int64),
    "demand_bps": _user(np.int64),
    "cell_position_m": _cell(float, 3),
    "azimuth_deg": _cell(float),
    "tilt_deg": _cell(float),
    "tx_power_dbm": _cell(float),
    "on": _cell(bool),
    "region": _cell(np.int64),
    "freq_hz": ("channel", np.dtype(float), ()),
    "bandwidth_hz": ("channel", np.dtype(float), ()),
    "missing_neighbours": ("pair", np.dtype(np.int64), (2,)),
}


def _column(name: str, values, dtype: np.dtype) -> np.ndarray:
    """Copy of `values` as `dtype`; refuses what the cast would change."""
    given = np.asarray(values)
    kinds = {"U": "U", "f": "fiu", "i": "iu", "b": "b"}[dtype.kind]
    if given.size and given.dtype.kind not in kinds:
        raise ValueError(f"{name} holds values of type {given.dtype}, but {dtype.name} is needed")
    column = np.array(given, dtype=dtype)
    if dtype.kind == "U" and (column != given).any():
        raise ValueError(
            f"{name} holds {given[column != given][0]!r}, but a name has at most {dtype.itemsize // 4} letters"
        )
    return column


@dataclass(eq=False, repr=False)
class State:
    """Users, cells and channels at one instant.

    Attributes
    ----------
    kind : ndarray of str, shape (U,)
        What the user device is: ``"phone"``, ``"vr headset"``, ``"sensor"``, ...
    size_m, position_m, velocity_m_s : ndarray, shape (U, 3)
        Physical dimension, location and velocity.
    serving, channel, beam : ndarray of int, shape (U,)
        Serving cell (-1: none), access channel and beam of the serving cell's codebook.
    demand_bps : ndarray of int, shape (U,)
        Offered traffic. Whole bits, so that sums are exact in any order.
    cell_position_m : ndarray, shape (B, 3)
        Antenna positions; sectors of one site share theirs.
    azimuth_deg, tilt_deg, tx_power_dbm : ndarray, shape (B,)
        Sector boresight (NaN: omnidirectional), downtilt and transmit power.
    on : ndarray of bool, shape (B,)
        False where the cell is down.
    region : ndarray of int, shape (B,)
        Region, and so local twin, a cell belongs to.
    freq_hz, bandwidth_hz : ndarray, shape (C,)
        Channels; every cell offers all of them.
    missing_neighbours : ndarray of int, shape (M, 2)
        Neighbour relations (from, to) that are not configured: no handover can use them.
    t_s : float
        Time.

    Raises
    ------
    ValueError
        If a column has the wrong type or shape, is not finite, or names a cell or channel that does not exist.
    """

    kind: np.ndarray
    size_m: np.ndarray
    position_m: np.ndarray
    velocity_m_s: np.ndarray
    serving: np.ndarray
    channel: np.ndarray
    beam: np.ndarray
    demand_bps: np.ndarray
    cell_position_m: np.ndarray
    azimuth_deg: np.ndarray
    tilt_deg: np.ndarray
    tx_power_dbm: np.ndarray
    on: np.ndarray
    region: np.ndarray
    freq_hz: np.ndarray
    bandwidth_hz: np.ndarray
    missing_neighbours: np.ndarray
    t_s: float = 0.0

    def __post_init__(self):
        rows = {"user": len(self.kind), "cell": len(self.cell_position_m), "channel": len(self.freq_hz)}
        rows["pair"] = len(self.missing_neighbours)
        for name, (owner, dtype, tail) in _COLUMNS.items():
            column = _column(name, getattr(self, name), dtype)
            if column.shape != (rows[owner], *tail):
                raise ValueError(
                    f"{name} has shape {column.shape}, but {rows[owner]} {owner} rows need {(rows[owner], *tail)}"
                )
            wrong = np.isinf(column) if name == "azimuth_deg" else ~np.isfinite(column) if dtype.kind == "f" else False
            if np.any(wrong):
                raise ValueError(f"{name} holds a value that is not finite in row {int(np.argwhere(wrong)[0][0])}")
            setattr(self, name, column)
        if not np.isfinite(self.t_s):
            raise ValueError(f"t_s is {self.t_s}, but a time is a finite number of seconds")
        if min(self.n_cells, self.n_channels) == 0:
            raise ValueError(f"a network of {self.n_cells} cells and {self.n_channels} channels serves nobody")
        limits = {
            "serving": (NOWHERE, self.n_cells - 1),
            "channel": (0, self.n_channels - 1),
            "beam": (0, np.iinfo(np.int64).max),
            "demand_bps": (0, MAX_DEMAND_BPS),
            "missing_neighbours": (0, self.n_cells - 1),
        }
        for name, (low, high) in limits.items():
            wrong = np.argwhere((getattr(self, name) < low) | (getattr(self, name) > high))
            if len(wrong):
                value = getattr(self, name)[tuple(wrong[0])]
                raise ValueError(f"{name} of row {wrong[0][0]} is {value}, but it must lie in {low} ... {high}")
        for name in ("freq_hz", "bandwidth_hz"):
            if (getattr(self, name) <= 0).any():
                raise ValueError(f"{name} holds a value that is not positive")

    @property
    def n_users(self) -> int:
        """Number of users, U."""
        return len(self.kind)

    @property
    def n_cells(self) -> int:
        """Number of cells, B."""
        return len(self.cell_position_m)

    @property
    def n_channels(self) -> int:
        """Number of channels, C."""
        return len(self.freq_hz)

    def arrays(self) -> dict[str, np.ndarray]:
        """All columns by name, with ``t_s`` as a 0-d array; ``State(**arrays)`` is the way back."""
        columns = {f.name: np.asarray(getattr(self, f.name)) for f in fields(self)}
        return columns | {"t_s": columns["t_s"].astype(float)}  # 3 s and 3.0 s are one time, and one digest

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> State:
        """State from what `arrays` returned."""
        expected = {f.name for f in fields(cls)}
        if set(arrays) != expected:
            raise ValueError(f"these columns do not make a state: {', '.join(sorted(expected ^ set(arrays)))}")
        return cls(**{name: (float(a) if name == "t_s" else a) for name, a in arrays.items()})

    def copy(self) -> State:
        """Independent copy."""
        return State.from_arrays(self.arrays())

    def digest(self) -> str:
        """SHA-256 over every column: equal digests, equal networks."""
        sha = hashlib.sha256()
        for name, array in self.arrays().items():
            sha.update(
                name.encode()
                + array.dtype.str.encode()
                + str(array.shape).encode()
                + np.ascontiguousarray(array).tobytes()
            )
        return sha.hexdigest()

    def __repr__(self):
        return f"State({self.n_users} users, {self.n_cells} cells, {self.n_channels} channels, t = {self.t_s:g} s)"
