"""Observation: one instant of measurements beside what the twin predicts for it, boiled down to sums per cell.

Everything here comes from the network's reports (`dnt_lab.physical.PhysicalNetwork.measure`) or from the twin; nothing
is read off the physical network. Sums add up over instants, so a window is a sum of observations.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from dnt_lab.physical import antenna
from dnt_lab.twin.network_twin import NetworkTwin

TILTS_DEG = np.arange(-30.0, 31.0, 2.0)
"""Tilt errors that are tried, in degrees."""
_SURE_DB = 6.0  # a cell this much over the weakest one reported is reported, whatever the noise


@dataclass(frozen=True, eq=False, repr=False)
class Observation:
    """Evidence of one instant.

    Attributes
    ----------
    t_s : float
        When.
    reports, due : ndarray of int, shape (B,)
        Reports of each cell that came, and those the twin is sure should have come.
    residual_db, residual_sq : ndarray, shape (B,)
        Sums of measured minus predicted power, and of its square.
    pattern_sq, pattern_residual : ndarray, shape (B, len(TILTS_DEG))
        Sums of the squared change of gain that each tilt error makes, and of its product with the residual.
    offered_bps, known_bps, load : ndarray, shape (B,)
        Traffic a cell counts, the sum of its users' demands as the twin knows them, and the load a cell reports.
    serving : ndarray of int, shape (U,)
        Serving cell that each user reports.
    stronger : list of (user, cell, neighbour, predicted_db, measured_db)
        Users that report a neighbour which the twin, too, holds for stronger than their cell, and by how much.
    """

    t_s: float
    reports: np.ndarray
    due: np.ndarray
    residual_db: np.ndarray
    residual_sq: np.ndarray
    pattern_sq: np.ndarray
    pattern_residual: np.ndarray
    offered_bps: np.ndarray
    known_bps: np.ndarray
    load: np.ndarray
    serving: np.ndarray
    stronger: list[tuple[int, int, int, float, float]]

    def __repr__(self):
        return f"Observation(t = {self.t_s:g} s, {int(self.reports.sum())} reports of {(self.reports > 0).sum()} cells)"


def observe(twin: NetworkTwin, users: pd.DataFrame, cells: pd.DataFrame) -> Observation:
    """Set measurements beside the twin's prediction for the same instant.

    Parameters
    ----------
    twin : NetworkTwin
        The twin, with all events up to this instant applied.
    users, cells : DataFrame
        What ``PhysicalNetwork.measure`` returned.

    Returns
    -------
    Observation

    Raises
    ------
    ValueError
        If the tables do not fit the twin.
    """
    n_reported = _check(twin, users, cells)
    state, n_cells = twin.state, twin.state.n_cells
    heard = twin.radio.tile_cells[twin.kpis.tile]
    with np.errstate(divide="ignore"):
        predicted = 10 * np.log10(twin.kpis.heard_q * twin.radio.quantum_mw(state))
    measured = _measured(users, heard, n_reported)
    came = np.isfinite(measured) & np.isfinite(predicted)
    user = np.nonzero(came)[0]
    cell, residual = heard[came], measured[came] - predicted[came]
    pattern = _pattern(twin, user, cell)

    def per_cell(weights=None):
        return np.bincount(cell, weights, minlength=n_cells)

    def per_cell_and_tilt(values):
        out = np.zeros((n_cells, len(TILTS_DEG)))
        np.add.at(out, cell, values)
        return out

    serving = users["serving"].to_numpy()
    return Observation(
        t_s=state.t_s,
        reports=per_cell(),
        due=np.bincount(heard[_due(users, heard, predicted, n_reported)], minlength=n_cells),
        residual_db=per_cell(residual),
        residual_sq=per_cell(residual**2),
        pattern_sq=per_cell_and_tilt(pattern**2),
        pattern_residual=per_cell_and_tilt(pattern * residual[:, None]),
        offered_bps=cells["demand_bps"].to_numpy(float),
        known_bps=twin.kpis.demand_sum_bps.sum(axis=1).astype(float),
        load=cells["load"].to_numpy(float),
        serving=serving,
        stronger=_stronger(state, serving, heard, predicted, measured),
    )


def _check(twin, users, cells) -> int:
    """Refuse tables that do not fit; return the number of cells in a user's report."""
    for what, table, size, needed in (
        ("users", users, twin.state.n_users, ("serving", "rsrp_dbm")),
        ("cells", cells, twin.state.n_cells, ("load", "demand_bps")),
    ):
        lacking = [name for name in needed if name not in getattr(table, "columns", ())]
        if lacking:
            raise ValueError(f"{what} lacks {', '.join(lacking)}: pass the tables that measure() returns, users first")
        if len(table) != size:
            raise ValueError(f"{what} has {len(table)} rows, but the twin has {size} {what}")
    return 1 + sum(name.endswith("_rsrp_dbm") for name in users.columns)


def _measured(users, heard, n_reported) -> np.ndarray:
    """Reported powers (U, K) in the order of `heard`, NaN where nothing was reported."""
    values, place = users.to_numpy(float), {name: i for i, name in enumerate(users.columns)}
    names = ["serving", *(f"neighbour_{i}" for i in range(1, n_reported))]
    cell = values[:, [place[name] for name in names]]
    power = values[:, [place["rsrp_dbm"], *(place[f"{name}_rsrp_dbm"] for name in names[1:])]]
    match = (heard[:, :, None] == cell[:, None]) & np.isfinite(power)[:, None]  # (U, K, reported)
    column = match.argmax(axis=2)
    return np.where(match.any(axis=2), np.take_along_axis(power, column, axis=1), np.nan)


def _pattern(twin, user, cell) -> np.ndarray:
    """Change of gain in dB (n, tilts) of each reported link if its cell's tilt were off."""
    state = twin.state
    offset = state.position_m[user] - state.cell_position_m[cell]
    azimuth = np.rad2deg(np.arctan2(offset[:, 1], offset[:, 0]))[:, None]
    depression = np.rad2deg(np.arctan2(-offset[:, 2], np.hypot(offset[:, 0], offset[:, 1])))[:, None]
    boresight, tilt = state.azimuth_deg[cell][:, None], state.tilt_deg[cell][:, None]
    meant = antenna.sector_gain_dbi(azimuth, depression, boresight, tilt)
    return antenna.sector_gain_dbi(azimuth, depression, boresight, tilt + TILTS_DEG) - meant


def _due(users, heard, predicted, n_reported) -> np.ndarray:
    """Which links (U, K) the twin is sure a report will come of; a served user without signal owes that of its cell."""
    mine = heard == users["serving"].to_numpy()[:, None]
    live = np.isfinite(users["rsrp_dbm"].to_numpy())[:, None]
    if n_reported < heard.shape[1]:
        left_out = np.sort(predicted, axis=1)[:, -n_reported - 1]
        sure = predicted >= left_out[:, None] + _SURE_DB
    else:
        sure = np.isfinite(predicted)
    return (sure & live) | (mine & ~live)


def _stronger(state, serving, heard, predicted, measured) -> list[tuple[int, int, int, float, float]]:
    """Users whose cell is weaker than a neighbour they report and may be handed to."""
    mine = heard == serving[:, None]
    own_predicted = np.where(mine, predicted, -np.inf).max(axis=1, keepdims=True)
    own_measured = np.where(mine & np.isfinite(measured), measured, -np.inf).max(axis=1, keepdims=True)
    found = np.isfinite(measured) & np.isfinite(own_measured) & np.isfinite(own_predicted) & (predicted > own_predicted)
    for source, target in state.missing_neighbours:  # known to the twin: no surprise
        found &= ~((serving == source)[:, None] & (heard == target))
    user, column = np.nonzero(found)
    by_predicted = predicted[user, column] - own_predicted[user, 0]
    by_measured = measured[user, column] - own_measured[user, 0]
    columns = (user, serving[user], heard[user, column], by_predicted, by_measured)
    return list(zip(*(c.tolist() for c in columns), strict=True))
