r"""What reaches the twin: a cheap report of every node at every step, and a dear record of a node that is updated.

=============  =====================================================================  =========================
\              a user sends                                                           a cell sends
=============  =====================================================================  =========================
`Report`       power of its serving cell and of the two best others, SINR: coarse     load, number of users
`Record`       position, power of every cell it hears, SINR, rate: accurate           load, users, settings
=============  =====================================================================  =========================

>>> from dnt_lab.mapping import rendering
>>> pn = rendering.living_city(n_users=100, seed=1)
>>> record = rendering.full_record(pn)
>>> report = rendering.cheap_report(pn, noise_db=3.0)
>>> int(report.n_bytes.sum()), int(record.n_bytes.sum())
(1305, 15472)

A report is quantised as 3GPP does it: powers to 1 dB and SINR to half a dB (TS 38.133, 10.1.6 and 10.1.16).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from dnt_lab.datasets._numbers import real
from dnt_lab.physical import NOWHERE, PhysicalNetwork

FLOOR_DBM, FLOOR_DB = -120.0, -23.0
"""Power and SINR that stand for "nothing heard"; the SINR is the lowest that can be reported."""
REPORTED_CELLS = 3
"""Cells in a user's report: the serving one and the two best others."""
RECORD_NOISE_DB = 0.5
"""Standard deviation of the powers and of the SINR in a record: long pilots average most of the error away."""
_ID, _SHORT, _FLOAT = 2, 1, 4  # bytes: a number of a user or cell, a quantised value, an accurate one


@dataclass(frozen=True, eq=False)
class Report:
    """Cheap telemetry of U users and B cells at one instant.

    Attributes
    ----------
    cells : ndarray of int, shape (U, 3)
        Serving cell and the two others heard best (-1: none).
    rsrp_dbm : ndarray, shape (U, 3)
        Their received powers, whole dB.
    sinr_db : ndarray, shape (U,)
        SINR in steps of half a dB.
    load : ndarray, shape (B,)
        Share of time each cell transmits, in steps of 0.05.
    users : ndarray of int, shape (B,)
        Users attached to each cell.
    """

    cells: np.ndarray
    rsrp_dbm: np.ndarray
    sinr_db: np.ndarray
    load: np.ndarray
    users: np.ndarray

    @property
    def n_bytes(self) -> np.ndarray:
        """Bytes each node sends, shape (U + B,): its number, then ids of cells and quantised values."""
        user = _ID + REPORTED_CELLS * (_ID + _SHORT) + _SHORT
        return np.repeat([user, _ID + _SHORT + _ID], [len(self.cells), len(self.load)])


@dataclass(frozen=True, eq=False)
class Record:
    """What the twin holds of U users and B cells, row by row as old as its last update.

    Attributes
    ----------
    position_m : ndarray, shape (U, 3)
        Positions.
    cells, heard_dbm : ndarray, shape (U, K)
        Cells a user hears, the serving one first (-1: none), and their received powers.
    sinr_db, rate_bps : ndarray, shape (U,)
        SINR and rate.
    load, users : ndarray, shape (B,)
        Load of each cell and number of its users.
    """

    position_m: np.ndarray
    cells: np.ndarray
    heard_dbm: np.ndarray
    sinr_db: np.ndarray
    rate_bps: np.ndarray
    load: np.ndarray
    users: np.ndarray

    @property
    def n_bytes(self) -> np.ndarray:
        """Bytes of an update of each node, shape (U + B,)."""
        user = _ID + 3 * _FLOAT + self.cells.shape[1] * (_ID + _FLOAT) + 2 * _FLOAT
        cell = _ID + _FLOAT + _ID + 6 * _FLOAT  # load, users; three coordinates, power, tilt, azimuth
        return np.repeat([user, cell], [len(self.cells), len(self.load)])

    def updated(self, fresh: Record, nodes: np.ndarray) -> Record:
        """Return this record with the rows of some nodes taken from a fresh one.

        Parameters
        ----------
        fresh : Record
            Of the same network.
        nodes : ndarray of bool, shape (U + B,)
            Which nodes are updated: users, then cells.

        Raises
        ------
        ValueError
            If `nodes` does not hold one truth value for each node.
        """
        n_users, n_nodes = len(self.cells), len(self.cells) + len(self.load)
        nodes = np.asarray(nodes)
        if nodes.shape != (n_nodes,) or nodes.dtype != bool:
            raise ValueError(
                f"nodes has shape {nodes.shape} and type {nodes.dtype}, but {n_nodes} truth values are needed"
            )
        rows = {name: nodes[n_users:] if name in ("load", "users") else nodes[:n_users] for name in _columns()}
        mixed = {}
        for name, row in rows.items():
            old, new = getattr(self, name), getattr(fresh, name)
            mixed[name] = np.where(row.reshape(-1, *[1] * (old.ndim - 1)), new, old)
        return replace(self, **mixed)


def _columns() -> list[str]:
    return [f.name for f in fields(Record)]


def cheap_report(pn: PhysicalNetwork, noise_db: float = 3.0) -> Report:
    """Take one report of every node.

    Parameters
    ----------
    pn : PhysicalNetwork
        Measured through `PhysicalNetwork.measure` only.
    noise_db : float
        Standard deviation of the error of powers and of the SINR.

    Raises
    ------
    TypeError, ValueError
        If the noise is no number of dB from 0 on.
    """
    cells, rsrp_dbm, sinr_db, _, counters = _measured(pn, real("noise_db", noise_db, strict=False), REPORTED_CELLS - 1)
    load = np.rint(counters["load"].to_numpy() * 20) / 20
    return Report(cells, np.rint(rsrp_dbm), np.rint(2 * sinr_db) / 2, load, counters["users"].to_numpy())


def silenced(report: Report, record: Record, silent: np.ndarray) -> Report:
    """Return what the twin has to take for a report where some users send none: their record, as it stands.

    Parameters
    ----------
    report : Report
        With everybody's numbers.
    record : Record
        What the twin holds.
    silent : ndarray of bool, shape (U,)
        Who sends nothing.

    Raises
    ------
    ValueError
        If `silent` does not hold one truth value for each user.
    """
    silent = np.asarray(silent)
    if silent.shape != report.sinr_db.shape or silent.dtype != bool:
        n_users = len(report.sinr_db)
        raise ValueError(
            f"silent has shape {silent.shape} and type {silent.dtype}, but {n_users} truth values are needed"
        )
    held = (record.cells[:, :REPORTED_CELLS], record.heard_dbm[:, :REPORTED_CELLS], record.sinr_db)
    sent = (report.cells, report.rsrp_dbm, report.sinr_db)
    cells, rsrp_dbm, sinr_db = (
        np.where(silent.reshape(-1, *[1] * (new.ndim - 1)), old, new) for old, new in zip(held, sent, strict=True)
    )
    return replace(report, cells=cells, rsrp_dbm=rsrp_dbm, sinr_db=sinr_db)


def full_record(pn: PhysicalNetwork) -> Record:
    """Take a full update of every node; `Record.updated` picks those that were sent."""
    n_others = pn.radio.tile_cells.shape[1] - 1
    cells, heard_dbm, sinr_db, rate_bps, counters = _measured(pn, RECORD_NOISE_DB, n_others)
    position_m = pn.snapshot().position_m
    return Record(
        position_m, cells, heard_dbm, sinr_db, rate_bps, counters["load"].to_numpy(), counters["users"].to_numpy()
    )


def _measured(pn: PhysicalNetwork, noise_db: float, n_others: int):
    users, counters = pn.measure(noise_db, n_others)
    others = range(1, n_others + 1)
    cells = users[["serving", *(f"neighbour_{i}" for i in others)]].to_numpy()
    power_dbm = users[["rsrp_dbm", *(f"neighbour_{i}_rsrp_dbm" for i in others)]].to_numpy()
    cells = np.where(np.isfinite(power_dbm), cells, NOWHERE)
    power_dbm = np.maximum(np.where(np.isfinite(power_dbm), power_dbm, FLOOR_DBM), FLOOR_DBM)
    sinr_db = np.maximum(users["sinr_db"].to_numpy(), FLOOR_DB)
    return cells, power_dbm, sinr_db, users["rate_bps"].to_numpy(), counters
