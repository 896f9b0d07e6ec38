r"""From a state to its key performance indicators: load, interference, SINR, rate.

==================  ==============================================================  ========
symbol              meaning                                                         code
==================  ==============================================================  ========
:math:`\rho_{bc}`   share of time in which cell b transmits on channel c            ``load``
:math:`P_{ub}`      power user u receives from cell b at full load                  ``heard_q``
:math:`g_u`         gain of the beam on user u                                      ``beam_gain``
:math:`n_{bc}`      users that cell b serves on channel c                           ``attached``
:math:`W_c`         bandwidth of channel c                                          ``bandwidth_hz``
==================  ==============================================================  ========

.. math::

    \rho_{bc} = \min\Bigl(1, \frac{\sum_{u \in bc} d_u}{W_c\,\eta}\Bigr), \qquad
    I_u = \sum_{b \ne s(u)} \rho_{b c(u)} P_{ub}, \qquad
    \gamma_u = \frac{g_u P_{u s(u)}}{N + I_u}, \qquad
    R_u = \frac{W_c}{n_{s(u)c}} \log_2(1 + \gamma_u)

So a user's attachment changes the load of two cells, and with it the interference of everyone on the same channel who
hears them: the external effect the article's digital network twin is about. The nominal efficiency :math:`\eta`
decouples load from SINR; `dnt_lab.physical.coupling` solves the coupled equations.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dnt_lab.physical import antenna
from dnt_lab.physical.radio import Radio
from dnt_lab.physical.state import State

NOMINAL_EFFICIENCY = 2.0
"""Bits per second and hertz that turn a cell's demand into its load."""
PEAK_EFFICIENCY = 7.4063
"""Efficiency of the highest modulation and coding scheme; TS 38.214, Table 5.1.3.1-2, index 27."""


@dataclass(eq=False, repr=False)
class Kpis:
    """What follows from a state, as arrays.

    Attributes
    ----------
    tile : ndarray of int, shape (U,)
        Tile a user stands on; ``radio.tile_cells[tile]`` are the cells it hears.
    heard_q : ndarray, shape (U, K)
        Received power at full load, in quanta.
    off_boresight_deg : ndarray, shape (U,)
        Azimuth off the serving sector's boresight.
    demand_sum_bps, attached : ndarray of int, shape (B, C)
        Traffic and users of each cell and channel.
    load : ndarray, shape (B, C)
        Share of time a cell transmits on a channel.
    interference_q : ndarray of int, shape (U,)
        Interference in quanta.
    sinr, rate_bps : ndarray, shape (U,)
        Signal to interference and noise (linear) and the rate if the channel's time is shared equally.
    """

    tile: np.ndarray
    heard_q: np.ndarray
    off_boresight_deg: np.ndarray
    demand_sum_bps: np.ndarray
    attached: np.ndarray
    load: np.ndarray
    interference_q: np.ndarray
    sinr: np.ndarray
    rate_bps: np.ndarray

    @property
    def sinr_db(self) -> np.ndarray:
        """SINR in dB, -inf where a user has no signal."""
        with np.errstate(divide="ignore"):
            return 10 * np.log10(self.sinr)


def evaluate(state: State, radio: Radio) -> Kpis:
    """Derive all indicators of `state` from nothing but its columns.

    Parameters
    ----------
    state : State
        Users, cells, channels.
    radio : Radio
        Physics.

    Returns
    -------
    Kpis

    Raises
    ------
    ValueError
        If `state` and `radio` are of different networks, or a user stands where no link budget exists.
    """
    radio.check(state)
    tile = radio.tile(state.position_m)
    cells = radio.tile_cells[tile]
    heard_q = radio.received_q(state, state.position_m, state.freq_hz[state.channel], cells)
    return derive(state, radio, tile, heard_q, serving_angle_deg(state, radio, np.arange(state.n_users)))


def derive(state: State, radio: Radio, tile, heard_q, off_boresight_deg) -> Kpis:
    """All indicators of `state` given the link budgets, which only depend on positions and settings of cells."""
    shape = (state.n_cells, state.n_channels)
    demand_sum_bps, attached = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    served = state.serving >= 0
    np.add.at(demand_sum_bps, (state.serving[served], state.channel[served]), state.demand_bps[served])
    np.add.at(attached, (state.serving[served], state.channel[served]), 1)
    load = load_of(demand_sum_bps, state.bandwidth_hz, state.on[:, None])
    cells = radio.tile_cells[tile]
    part_q = contribution_q(load[cells, state.channel[:, None]], heard_q)
    interference_q = np.where(cells == state.serving[:, None], 0, part_q).sum(axis=1)
    kpis = Kpis(
        tile, heard_q, off_boresight_deg, demand_sum_bps, attached, load, interference_q, np.empty(0), np.empty(0)
    )
    kpis.sinr, kpis.rate_bps = sinr_and_rate(state, radio, kpis, np.arange(state.n_users))
    return kpis


def load_of(demand_sum_bps, bandwidth_hz, on):
    """Share of time a cell transmits: demand over nominal capacity, at most 1; 0 if the cell is down."""
    return np.minimum(1.0, demand_sum_bps / (bandwidth_hz * NOMINAL_EFFICIENCY)) * on


def contribution_q(load, heard_q):
    """Interference of one cell in whole quanta."""
    return np.rint(load * heard_q).astype(np.int64)


def serving_angle_deg(state: State, radio: Radio, users) -> np.ndarray:
    """Azimuth of `users` off their serving sector's boresight; NaN without a cell or with an omnidirectional one."""
    angle = radio.off_boresight_deg(state, state.position_m[users], state.serving[users])
    return np.where(state.serving[users] >= 0, angle, np.nan)


def sinr_and_rate(state: State, radio: Radio, kpis: Kpis, users) -> tuple[np.ndarray, np.ndarray]:
    """SINR (linear) and rate in bit/s of some users, shape (n,) each."""
    serving, channel = state.serving[users], state.channel[users]
    is_server = (radio.tile_cells[kpis.tile[users]] == serving[:, None]) & (serving >= 0)[:, None]
    signal_q = np.where(is_server, kpis.heard_q[users], 0.0).sum(axis=1)
    if radio.n_beams > 1:
        signal_q *= antenna.beam_gain(kpis.off_boresight_deg[users], state.beam[users], radio.n_beams)
    sinr = signal_q / (radio.noise_q(state)[channel] + kpis.interference_q[users])
    efficiency = np.minimum(np.log2(1 + sinr), PEAK_EFFICIENCY)
    share = np.maximum(kpis.attached[serving, channel], 1)
    return sinr, state.bandwidth_hz[channel] / share * efficiency
