"""A street canyon for URLLC: what the links are, and what a twin foresees of them.

Users ride through a grid of streets among lorries. Houses and lorries cut the line of sight to the small cells on lamp
posts. The twin is told positions and velocities, late and with an error, and the SINRs measured there. It knows the
houses, the law of path loss and those lorries that report too; it knows neither the shadow fading nor the other
lorries, nor who will turn at the next crossing. By how much the last measurement differed from its model it corrects
its forecast, the less the farther ahead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from dnt_lab.datasets import street_grid
from dnt_lab.datasets._numbers import real, whole
from dnt_lab.physical import HandoverRule, Radio, Scene, State, antenna, make_state, pathloss
from dnt_lab.twin import street

_LINES_M = np.array([-120.0, -40.0, 40.0, 120.0])
_LAMP_POSTS_M = np.array([[-112, 48], [-32, -32], [-32, 128], [48, -112], [48, 48], [128, -32]], float)
_USER_HEIGHT_M = 1.5
_FREQ_HZ = (28e9, 3.5e9)
_DECORRELATION_M = 10.0  # of shadow fading; TR 38.901, Table 7.5-6 (UMi, LOS)


@dataclass(frozen=True)
class Canyon:
    """Settings of the street canyon.

    Attributes
    ----------
    n_users, n_lorries : int
        Vehicles.
    duration_s, dt_s : float
        Length of a run and its step.
    n_beams : int
        Beams of each sector's codebook.
    load : float
        Share of time every cell transmits to others, 0 to 1.
    tx_power_dbm, bandwidth_hz : float
        Of every cell, in both bands (28 and 3.5 GHz).
    connected : float
        Share of lorries that report to the twin, 0 to 1.
    telemetry_delay_s, position_error_m : float
        Age of what the twin is told, and standard deviation of each coordinate.
    horizon_s, n_horizons : float, int
        How far the twin looks ahead, and at how many instants up to there.
    """

    n_users: int = 3
    n_lorries: int = 16
    duration_s: float = 12.0
    dt_s: float = 0.05
    n_beams: int = 8
    load: float = 0.1
    tx_power_dbm: float = 20.0
    bandwidth_hz: float = 100e6
    connected: float = 0.8
    telemetry_delay_s: float = 0.2
    position_error_m: float = 1.0
    horizon_s: float = 0.5
    n_horizons: int = 5

    def __post_init__(self):
        for name in ("n_users", "n_lorries", "n_beams", "n_horizons"):
            whole(name, getattr(self, name))
        for name in ("duration_s", "dt_s", "bandwidth_hz"):
            real(name, getattr(self, name))
        for name in ("load", "connected"):
            real(name, getattr(self, name), 0.0, 1.0, strict=False)
        for name in ("telemetry_delay_s", "position_error_m", "horizon_s"):
            real(name, getattr(self, name), strict=False)
        if self.dt_s > self.duration_s:
            raise ValueError(f"dt_s is {self.dt_s}, but a run of {self.duration_s} s needs a step no longer than that")

    @property
    def n_steps(self) -> int:
        """Number of steps of a run."""
        return round(self.duration_s / self.dt_s)


@dataclass(frozen=True, eq=False)
class Links:
    """One run: T steps, U users, K cells, H instants ahead.

    Attributes
    ----------
    sinr : ndarray, shape (T, U, K, 2)
        True SINR (linear) if cell k served the user in band 0 (28 GHz) or 1 (3.5 GHz).
    serving : ndarray of int, shape (T, U)
        Serving cell, by the usual handover rule.
    foreseen : ndarray, shape (T, U, H, K)
        SINR in band 0 that the twin predicts at each step for 0 ... `horizon_s` ahead.
    """

    sinr: np.ndarray
    serving: np.ndarray
    foreseen: np.ndarray


def run(canyon: Canyon, n_runs: int, seed: int = 0) -> list[Links]:
    """Let users ride through the canyon `n_runs` times: other shadow fading, users and lorries each time."""
    scene = Scene(street_grid(3, 3, 60.0, 20.0, height_m=20.0))
    state, _ = make_state(
        _LAMP_POSTS_M,
        np.zeros((canyon.n_users, 2)),
        height_m=6.0,
        tx_power_dbm=canyon.tx_power_dbm,
        bandwidth_hz=canyon.bandwidth_hz,
        freq_hz=_FREQ_HZ,
    )
    radio_map = _RadioMap(canyon, state, Radio(state.cell_position_m, scene=scene))
    seeds = np.random.SeedSequence(seed).spawn(whole("n_runs", n_runs))
    return [_ride(canyon, state.copy(), radio_map, np.random.default_rng(s)) for s in seeds]


def _ride(canyon: Canyon, state: State, radio_map: _RadioMap, rng: np.random.Generator) -> Links:
    steps = (canyon.n_steps, canyon.dt_s)
    users = street.drive(_LINES_M, canyon.n_users, *steps, (8.0, 14.0), 0.0, rng)
    lorries = street.drive(_LINES_M, canyon.n_lorries, *steps, (4.0, 10.0), 3.5, rng)
    radio = Radio(state.cell_position_m, scene=radio_map.scene, seed=int(rng.integers(2**31)))
    at_m = _at_height(users[0])
    flat_m, shape = at_m.reshape(-1, 3), (*at_m.shape[:2], state.n_cells)
    tile = radio.tile(flat_m)
    cells = radio.tile_cells[tile]
    gain = _beam_gain(state, flat_m, canyon.n_beams).reshape(shape)
    sinr, serving = np.empty((*shape, len(_FREQ_HZ))), None
    for band, freq_hz in enumerate(_FREQ_HZ):
        power_dbm = radio.received_dbm(state, flat_m, np.full(len(flat_m), freq_hz), cells).reshape(shape)
        power_dbm -= _lorries_db(state, at_m, *lorries, freq_hz)
        sinr[..., band] = _sinr(power_dbm, gain, radio.noise_mw(state)[band], canyon.load)
        if band == 0:
            serving = _serving(state, power_dbm + 10 * np.log10(np.maximum(gain, 1e-9)), sinr[..., 0], canyon.dt_s)
    reporting = rng.random(canyon.n_lorries) < canyon.connected
    lorries_ahead = _ahead(canyon, *(part[:, reporting] for part in lorries), rng)
    users_ahead_m, _ = _ahead(canyon, *users, rng)
    model = radio_map.foresee(users_ahead_m, *lorries_ahead)
    told, ahead_s = _told(canyon)
    way_m = np.linalg.norm(users[1][told], axis=2)[..., None] * ahead_s[:, None, 1:]
    weight = np.exp(-way_m / _DECORRELATION_M)[..., None]
    error = sinr[told, :, :, 0][:, :, None] / model[:, :, :1]
    return Links(sinr, serving, model[:, :, 1:] * error**weight)


def _told(canyon: Canyon):
    """Step (T,) of the latest news, and how far ahead of it (T, 1 + H) in seconds the twin computes; the first is 0."""
    step = np.arange(canyon.n_steps)
    told = np.maximum(step - round(canyon.telemetry_delay_s / canyon.dt_s), 0)
    age_s = (step - told)[:, None] * canyon.dt_s + np.linspace(0, canyon.horizon_s, canyon.n_horizons)
    return told, np.concatenate([np.zeros((len(step), 1)), age_s], axis=1)


def _ahead(canyon: Canyon, position_m, velocity_m_s, rng):
    """Dead reckoning: positions (T, n, 1 + H, 2) from what was told, and the velocities told, (T, n, 2)."""
    told, ahead_s = _told(canyon)
    told_m = (position_m + rng.normal(0, canyon.position_error_m, position_m.shape))[told]
    return told_m[:, :, None] + ahead_s[:, None, :, None] * velocity_m_s[told][:, :, None], velocity_m_s[told]


class _RadioMap:
    """The twin's model of the links: mean path loss along the streets, every metre, with the houses it knows."""

    def __init__(self, canyon: Canyon, state: State, radio: Radio):
        self.canyon, self.state, self.scene = canyon, state, radio.scene
        along_m = np.arange(_LINES_M[0], _LINES_M[-1] + 1)
        across = [
            np.stack(np.meshgrid(*pair), -1).reshape(-1, 2) for pair in ((_LINES_M, along_m), (along_m, _LINES_M))
        ]
        at_m = _at_height(np.unique(np.concatenate(across), axis=0))
        self._tree = cKDTree(at_m[:, :2])
        n_sectors = state.n_cells // len(_LAMP_POSTS_M)
        sites_m = state.cell_position_m[::n_sectors]
        los = radio.line_of_sight(at_m, np.broadcast_to(np.arange(len(sites_m)), (len(at_m), len(sites_m))))
        offset_m = at_m[:, None] - sites_m
        ground_m = np.linalg.norm(offset_m[..., :2], axis=-1)
        loss_db = pathloss.umi_db(ground_m, _FREQ_HZ[0], los, sites_m[:, 2], _USER_HEIGHT_M)
        azimuth_deg, depression_deg = (
            np.repeat(np.rad2deg(np.arctan2(a, b)), n_sectors, axis=1)
            for a, b in ((offset_m[..., 1], offset_m[..., 0]), (-offset_m[..., 2], ground_m))
        )
        element_dbi = antenna.sector_gain_dbi(azimuth_deg, depression_deg, state.azimuth_deg, state.tilt_deg)
        self.power_dbm = state.tx_power_dbm + element_dbi - np.repeat(loss_db, n_sectors, axis=1)
        self.gain = _beam_gain(state, at_m, canyon.n_beams)
        self.noise_mw = radio.noise_mw(state)[0]

    def foresee(self, users_m, lorries_m, lorries_m_s) -> np.ndarray:
        """SINR (T, U, H, K) at positions (T, U, H, 2) with lorries at (T, L, H, 2) that drive at (T, L, 2)."""
        spot = self._tree.query(users_m)[1]
        power_dbm = self.power_dbm[spot]
        for h in range(users_m.shape[2]):
            lorries_db = _lorries_db(
                self.state, _at_height(users_m[:, :, h]), lorries_m[:, :, h], lorries_m_s, _FREQ_HZ[0]
            )
            power_dbm[:, :, h] -= lorries_db
        return _sinr(power_dbm, self.gain[spot], self.noise_mw, self.canyon.load)


def _at_height(xy_m):
    return np.concatenate([xy_m, np.full((*xy_m.shape[:-1], 1), _USER_HEIGHT_M)], axis=-1)


def _beam_gain(state: State, position_m, n_beams: int):
    """Gain (n, K) of every cell's best beam at positions (n, 3)."""
    offset_m = position_m[:, None] - state.cell_position_m
    azimuth_deg = np.rad2deg(np.arctan2(offset_m[..., 1], offset_m[..., 0]))
    off_deg = antenna.wrap_deg(azimuth_deg - state.azimuth_deg)
    return antenna.beam_gain(off_deg, antenna.best_beam(off_deg, n_beams), n_beams)


def _lorries_db(state: State, users_m, lorries_m, lorries_m_s, freq_hz: float):
    """Loss (T, U, K) by all lorries: they rarely stand in each other's shadow, so their losses in dB add up."""
    sites_m, cell_of = np.unique(state.cell_position_m, axis=0, return_inverse=True)
    axis = lorries_m_s / np.linalg.norm(lorries_m_s, axis=-1, keepdims=True)
    loss_db = street.lorry_loss_db(
        sites_m[:, None], users_m[:, :, None, None], lorries_m[:, None, None], axis[:, None, None], freq_hz
    )
    return loss_db.sum(axis=-1)[..., cell_of.reshape(-1)]


def _sinr(power_dbm, gain, noise_mw: float, load: float):
    power_mw = 10 ** (power_dbm / 10)
    return gain * power_mw / (noise_mw + load * (power_mw.sum(axis=-1, keepdims=True) - power_mw))


def _serving(state: State, power_dbm, sinr, dt_s: float):
    """Serving cells (T, U): the best at first, then by event A3 and radio link failure."""
    rule, users = HandoverRule(), np.arange(state.n_users)
    cells = np.broadcast_to(np.arange(state.n_cells), power_dbm.shape[1:])
    serving = np.empty(power_dbm.shape[:2], np.int64)
    state.serving = np.argmax(power_dbm[0], axis=1)
    for t in range(len(serving)):
        sinr_db = 10 * np.log10(sinr[t, users, state.serving])
        state.serving = rule.step(state, cells, power_dbm[t], sinr_db, dt_s)[0]
        serving[t] = state.serving
    return serving
