r"""The network as a graph, twice: as its reports show it, and as the twin's record would have it.

Nodes are U users, then B cells. An edge leads from whom one hears to who listens:

=====================  =============================================================================
edges                  why
=====================  =============================================================================
user - reported cell   both ways: serving cell and the two best others
near user -> user      the six users nearest to it where the twin last saw them (k-d tree)
near cell -> cell      the six cells nearest to it
=====================  =============================================================================

A feature is one number near 1; dB count in tens. `Graph.features` of the two graphs name the same quantities, so their
difference says what the reports contradict. The record is asked for the very cells that a report names.

>>> twin, seen = graph_pair(record, report, cell_position_m)
>>> (seen.features - twin.features).shape
(121, 12)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from dnt_lab.mapping.rendering.telemetry import FLOOR_DBM, REPORTED_CELLS, Record, Report
from dnt_lab.physical import NOWHERE
from dnt_lab.physical.kpis import PEAK_EFFICIENCY

FEATURES = (
    "serving_rsrp",
    "rsrp_1",
    "rsrp_2",
    "rsrp_3",
    "sinr",
    "ln_rate",
    "own_load",
    "load",
    "ln_users",
    "mean_rsrp",
    "mean_sinr",
    "is_cell",
)
"""Columns: the first seven are users', the next four cells'; the last tells the kinds apart."""
NEAR = 6
"""Nearest users a user listens to, and nearest cells a cell listens to."""
_MID_DBM, _MID_DB = -70.0, 10.0


@dataclass(frozen=True, eq=False)
class Graph:
    """N = U + B nodes with features.

    Attributes
    ----------
    features : ndarray of float32, shape (N, F)
        One row a node, users first; columns are `FEATURES`.
    edge_index : ndarray of int, shape (2, E)
        From whom (first row) to whom (second row), as in PyTorch Geometric.
    n_users : int
        U.
    """

    features: np.ndarray
    edge_index: np.ndarray
    n_users: int

    @property
    def n_nodes(self) -> int:
        """Number of nodes, N."""
        return len(self.features)

    def mean_of_neighbours(self, values: np.ndarray) -> np.ndarray:
        """Mean of `values` (N, d) over the nodes each node listens to; 0 where it listens to nobody."""
        source, target = self.edge_index
        weight = 1.0 / np.bincount(target, minlength=self.n_nodes)[target]
        return csr_array((weight, (target, source)), shape=(self.n_nodes, self.n_nodes)) @ values


def graph_edges(position_m: np.ndarray, cells: np.ndarray, cell_position_m: np.ndarray) -> np.ndarray:
    """Edges of a network.

    Parameters
    ----------
    position_m : ndarray, shape (U, 3)
        Where users are believed to be.
    cells : ndarray of int, shape (U, R)
        Cells each user reports; -1 where there is none.
    cell_position_m : ndarray, shape (B, 3)
        Where cells stand.

    Returns
    -------
    ndarray of int, shape (2, E)
        Sources and targets; users are 0 ... U - 1, cells U ... U + B - 1.

    Raises
    ------
    ValueError
        If shapes do not fit or a cell does not exist.
    """
    position_m, cells, cell_position_m = (np.asarray(a) for a in (position_m, cells, cell_position_m))
    n_users, n_cells = len(position_m), len(cell_position_m)
    if cells.ndim != 2 or len(cells) != n_users:
        raise ValueError(f"cells has shape {cells.shape}, but one row for each of {n_users} users is needed")
    if cells.size and not (cells.min() >= -1 and cells.max() < n_cells):
        raise ValueError(f"cells names cell {cells.max()}, but this network has cells 0 ... {n_cells - 1} (-1: none)")
    return np.concatenate([_near_edges(position_m, cell_position_m), _reported_edges(cells)], axis=1)


def _near_edges(position_m: np.ndarray, cell_position_m: np.ndarray) -> np.ndarray:
    return np.concatenate([_nearest(position_m), len(position_m) + _nearest(cell_position_m)], axis=1)


def _reported_edges(cells: np.ndarray) -> np.ndarray:
    user, column = np.nonzero(cells >= 0)
    cell = len(cells) + cells[user, column]
    return np.stack([np.concatenate([user, cell]), np.concatenate([cell, user])])


def _nearest(position_m: np.ndarray) -> np.ndarray:
    """Edges to each point from the `NEAR` others nearest to it on the ground."""
    n, k = len(position_m), min(NEAR, len(position_m) - 1)
    if k < 1:
        return np.empty((2, 0), np.int64)
    found = cKDTree(position_m[:, :2]).query(position_m[:, :2], k + 1)[1]
    # of points that coincide, as sectors of a site do, any may come first: oneself is put to the end and left out
    others = np.take_along_axis(found, np.argsort(found == np.arange(n)[:, None], axis=1, kind="stable"), axis=1)[:, :k]
    return np.stack([others.ravel(), np.repeat(np.arange(n), k)])


def graph_pair(record: Record, report: Report, cell_position_m: np.ndarray) -> tuple[Graph, Graph]:
    """The twin's graph and the observed one, node by node alike.

    Parameters
    ----------
    record : Record
        What the twin holds.
    report : Report
        What the network just reported.
    cell_position_m : ndarray, shape (B, 3)
        Where the twin believes the cells.

    Returns
    -------
    twin, seen : Graph
        What the record would have reported, and the report.
    """
    held_dbm = _held_dbm(record, report)
    held_serving, others = record.cells[:, :1], report.cells[:, 1:]
    cells = np.hstack([held_serving, np.where(others == held_serving, NOWHERE, others)])  # no edge twice
    expected = Report(cells, held_dbm, record.sinr_db, record.load, record.users)
    near = _near_edges(record.position_m, cell_position_m)
    twin, seen = (
        Graph(
            _features(view, serving_dbm, report.cells),
            np.concatenate([near, _reported_edges(view.cells)], axis=1),
            len(cells),
        )
        for view, serving_dbm in ((expected, record.heard_dbm[:, 0]), (report, report.rsrp_dbm[:, 0]))
    )
    return twin, seen


def _held_dbm(record: Record, report: Report) -> np.ndarray:
    """Power the record holds of the reported cells (U, 3); no cell reported, nothing to contradict."""
    same = report.cells[:, :, None] == record.cells[:, None, :]
    held_dbm = np.take_along_axis(record.heard_dbm, same.argmax(axis=2), axis=1)
    held_dbm = np.where(same.any(axis=2), held_dbm, FLOOR_DBM)
    return np.where(report.cells >= 0, held_dbm, report.rsrp_dbm)


def _mean_by(cells: np.ndarray, values: np.ndarray, n_cells: int, otherwise: float) -> np.ndarray:
    """Mean of values (U, r) by the cell (U, r) they are of, shape (B,)."""
    named = cells >= 0
    count = np.bincount(cells[named], minlength=n_cells)
    total = np.bincount(cells[named], values[named], minlength=n_cells)
    return np.where(count > 0, total / np.maximum(count, 1), otherwise)


def _features(view: Report, serving_dbm: np.ndarray, reported: np.ndarray) -> np.ndarray:
    """Features (N, F) of a report or of what the record holds in its place; `reported` (U, 3) cells are compared."""
    n_users, n_cells = len(view.cells), len(view.load)
    serving = view.cells[:, 0]
    served = serving >= 0
    efficiency = np.minimum(np.log2(1 + 10 ** (view.sinr_db / 10)), PEAK_EFFICIENCY)
    # what a user would get of its cell's time, up to the bandwidth; 0.3 bit/s/Hz is about the lowest scheme in use
    ln_rate = np.log(np.maximum(efficiency, 0.3) / np.where(served, np.maximum(view.users[serving], 1), 1))
    features = np.zeros((n_users + n_cells, len(FEATURES)), np.float32)
    users, cells = features[:n_users], features[n_users:]
    users[:, 0] = _tens(serving_dbm, _MID_DBM)
    users[:, 1 : 1 + REPORTED_CELLS] = _tens(view.rsrp_dbm, _MID_DBM)
    users[:, 4] = _tens(view.sinr_db, _MID_DB)
    users[:, 5] = ln_rate + 2
    users[:, 6] = 2 * np.where(served, view.load[serving], 0.0)
    cells[:, 7] = 2 * view.load
    cells[:, 8] = np.log1p(view.users) - 3
    cells[:, 9] = _tens(_mean_by_cell(reported, view.rsrp_dbm, n_cells, _MID_DBM), _MID_DBM)
    cells[:, 10] = _tens(_mean_by_cell(view.cells[:, :1], view.sinr_db[:, None], n_cells, _MID_DB), _MID_DB)
    cells[:, 11] = 1
    return features


def _tens(value_db: np.ndarray, middle_db: float) -> np.ndarray:
    return (value_db - middle_db) / 10.0


def _mean_by_cell(cells: np.ndarray, values: np.ndarray, n_cells: int, otherwise: float) -> np.ndarray:
    """Mean of values (U, r) over the cell (U, r) each is of, shape (B,)."""
    named = cells >= 0
    count = np.bincount(cells[named], minlength=n_cells)
    total = np.bincount(cells[named], values[named], minlength=n_cells)
    return np.where(count > 0, total / np.maximum(count, 1), otherwise)
