r"""Load coupling: cells that are busy disturb their neighbours, who then need more time and are busier too.

.. math:: \rho_{bc} = \sum_{u \in bc} \frac{d_u}{W_c \log_2(1 + \gamma_u(\rho))}

The right-hand side is a standard interference function (Yates 1995), so iterating it from zero rises to the smallest
fixed point if there is one. :math:`\rho > 1` says that a cell cannot carry its demand: the resources are exhausted.

Source: I. Siomina and D. Yuan, "Analysis of cell load coupling for LTE network planning and optimization", IEEE Trans.
Wireless Commun. 11(6), 2012.
"""

from __future__ import annotations

import numpy as np

from dnt_lab.datasets._checks import whole
from dnt_lab.physical import antenna
from dnt_lab.physical.kpis import PEAK_EFFICIENCY, evaluate
from dnt_lab.physical.radio import Radio
from dnt_lab.physical.state import State


def coupled_load(
    state: State, radio: Radio, kpis=None, max_iterations: int = 200, tolerance: float = 1e-6
) -> np.ndarray:
    """Load of each cell and channel when interference and load agree.

    Parameters
    ----------
    state : State
        Attachments and demands.
    radio : Radio
        Physics.
    kpis : Kpis, optional
        Link budgets if they are known already.
    max_iterations, tolerance
        The iteration stops when no load changes by more than `tolerance`.

    Returns
    -------
    ndarray, shape (B, C)
        Load; over 1 where demand exceeds what the cell can carry even so (interference then comes from a full buffer: a
        transmitter is on at most all the time). inf where a user with demand has no signal.

    Raises
    ------
    ValueError
        If the loads do not settle, or there is nothing to iterate by.
    """
    max_iterations = whole("max_iterations", max_iterations, 1)
    if not 0 < tolerance < np.inf:
        raise ValueError(f"tolerance is {tolerance}, but a load over 0 is needed")
    kpis = kpis or evaluate(state, radio)
    cells = radio.tile_cells[kpis.tile]
    mine = cells == state.serving[:, None]
    signal_q = np.where(mine, kpis.heard_q, 0.0).sum(axis=1)
    if radio.n_beams > 1:
        signal_q *= antenna.beam_gain(kpis.off_boresight_deg, state.beam, radio.n_beams)
    others_q = np.where(mine, 0.0, kpis.heard_q)
    noise_q = radio.noise_q(state)[state.channel]
    busy = np.flatnonzero((state.serving >= 0) & (state.demand_bps > 0))
    serving, channel = state.serving[busy], state.channel[busy]
    where = (cells[busy], channel[:, None])
    load = np.zeros((state.n_cells, state.n_channels))
    for _ in range(max_iterations):
        interference_q = (np.minimum(load[where], 1.0) * others_q[busy]).sum(axis=1)
        efficiency = np.minimum(np.log2(1 + signal_q[busy] / (noise_q[busy] + interference_q)), PEAK_EFFICIENCY)
        with np.errstate(divide="ignore"):
            time_share = state.demand_bps[busy] / (state.bandwidth_hz[channel] * efficiency)
        update = np.zeros_like(load)
        np.add.at(update, (serving, channel), time_share)
        with np.errstate(invalid="ignore"):
            settled = not (np.abs(update - load) > tolerance).any()
        load = update
        if settled:
            return load
    raise ValueError(f"loads did not settle within {max_iterations} iterations")
