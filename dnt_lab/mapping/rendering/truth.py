r"""What is true, for the evaluator alone: attributes without noise, how far they moved, how faithful a twin is.

A node's *drift* is the largest change of its attributes, each in units of the amount that makes it a change:

===============================  ==========================================
attribute                        amount
===============================  ==========================================
serving power, SINR of a user    4 dB
rate of a user                   a factor of 4/3
load of its cell, of a cell      0.25
users of a cell                  a quarter of the larger number, of 8 at least
===============================  ==========================================

A node has changed where its drift is over 1.

>>> before = attributes(pn)
>>> events = pn.step(5.0)
>>> changed = drift(before, attributes(pn)) > 1
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dnt_lab.mapping.rendering.telemetry import FLOOR_DB, FLOOR_DBM, Record
from dnt_lab.physical import PhysicalNetwork

AMOUNT_DB, AMOUNT_RATE, AMOUNT_LOAD, AMOUNT_USERS = 4.0, 4 / 3, 0.25, 0.25
SINR_WITHIN_DB = 3.0
_LEAST_BPS, _LEAST_USERS = 1e4, 8


@dataclass(frozen=True, eq=False)
class Attributes:
    """True attributes of U users and B cells.

    Attributes
    ----------
    rsrp_dbm, sinr_db, rate_bps, own_load : ndarray, shape (U,)
        Power of the serving cell at full load, SINR, rate, load of the serving cell.
    load, users : ndarray, shape (B,)
        Load of each cell and number of its users.
    """

    rsrp_dbm: np.ndarray
    sinr_db: np.ndarray
    rate_bps: np.ndarray
    own_load: np.ndarray
    load: np.ndarray
    users: np.ndarray


def attributes(pn: PhysicalNetwork) -> Attributes:
    """Read the truth off a physical network; no twin may."""
    state, kpis, radio = pn.state, pn.kpis, pn.radio
    mine = radio.tile_cells[kpis.tile] == state.serving[:, None]
    with np.errstate(divide="ignore"):
        rsrp_dbm = 10 * np.log10(np.where(mine, kpis.heard_q, 0.0).sum(axis=1) * radio.quantum_mw(state))
    load = kpis.load.mean(axis=1)
    return Attributes(
        np.maximum(rsrp_dbm, FLOOR_DBM),
        np.maximum(kpis.sinr_db, FLOOR_DB),
        kpis.rate_bps.copy(),
        np.where(state.serving >= 0, load[state.serving], 0.0),
        load,
        kpis.attached.sum(axis=1),
    )


def drift(before: Attributes, after: Attributes) -> np.ndarray:
    """Largest change of each node's attributes in units of their amounts, shape (U + B,)."""
    rate = np.maximum(before.rate_bps, _LEAST_BPS) / np.maximum(after.rate_bps, _LEAST_BPS)
    of_users = [
        np.abs(before.rsrp_dbm - after.rsrp_dbm) / AMOUNT_DB,
        np.abs(before.sinr_db - after.sinr_db) / AMOUNT_DB,
        np.abs(np.log(rate)) / np.log(AMOUNT_RATE),
        np.abs(before.own_load - after.own_load) / AMOUNT_LOAD,
    ]
    many = np.maximum(np.maximum(before.users, after.users), _LEAST_USERS)
    of_cells = [
        np.abs(before.load - after.load) / AMOUNT_LOAD,
        np.abs(before.users - after.users) / (AMOUNT_USERS * many),
    ]
    return np.concatenate([np.max(of_users, axis=0), np.max(of_cells, axis=0)])


def rate_fidelity(record: Record, truth: Attributes) -> float:
    r"""One less the weighted absolute percentage error of rates, :math:`1-\sum|\hat R-R|/\sum R`, at least 0."""
    return max(0.0, 1 - float(np.abs(record.rate_bps - truth.rate_bps).sum() / truth.rate_bps.sum()))


def sinr_fidelity(record: Record, truth: Attributes) -> float:
    """Share of users whose SINR the twin holds within 3 dB."""
    return float((np.abs(record.sinr_db - truth.sinr_db) <= SINR_WITHIN_DB).mean())
