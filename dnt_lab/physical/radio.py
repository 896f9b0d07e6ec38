r"""The link budget: how strongly every user hears every cell around it.

.. math:: P_{rx} = P_{tx} - \max(L(d, f, \mathrm{los}) + X - G(\phi, \theta), L_{min}) \quad [\mathrm{dBm}]

with the sector gain G, the TR 38.901 path loss L, the shadow fading X and the least coupling loss. Where there is a
map, ``los`` is the ray's fate among the buildings; on open ground it is drawn with the standard's LOS probability
from a field that changes slowly in space.

Powers are stored as multiples of a *quantum*, 2^-32 of the noise power. Interference is a sum of whole quanta, and
whole numbers add up exactly in any order: what a twin adds and takes away one event at a time equals, to the last bit,
the sum done afresh.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from scipy.spatial import cKDTree
from scipy.special import ndtr

from dnt_lab.datasets._checks import whole
from dnt_lab.physical import antenna, pathloss
from dnt_lab.physical.scene import Scene
from dnt_lab.physical.shadowing import GaussianField
from dnt_lab.physical.state import State

THERMAL_NOISE_DBM_HZ = -173.975  # k * 290 K
MIN_COUPLING_LOSS_DB = {"umi": 53.0, "inh": 45.0, "free_space": -np.inf}
"""Least loss between the connectors of a cell and a user, however close they stand; 3GPP TR 25.942 (micro, pico)."""
_QUANTA_PER_NOISE = 2.0**32
_LOUDEST_Q = 2.0**62  # whole quanta must add up within 63 bits
_FARTHEST_TILE = 2**40
_LOSS = {"umi": pathloss.umi_db, "inh": pathloss.inh_db}
_LOS_PROBABILITY = {"umi": pathloss.umi_los_probability, "inh": pathloss.inh_los_probability}


@dataclass(eq=False, repr=False)
class Radio:
    """Physics of one network: scene, propagation and who hears whom.

    Attributes
    ----------
    cell_position_m : ndarray, shape (B, 3)
        Where the antennas are; they stay there.
    scene : Scene
        Buildings, or an open field.
    scenario : {"umi", "inh", "free_space"}
        Path-loss model.
    seed : int
        Seed of the shadow fading and, on an open field, of the LOS states.
    n_heard : int
        A user hears the cells of the `n_heard` sites nearest to the tile it stands on. Farther cells count neither as
        servers nor as interferers; ``benchmarks twin`` measures what that leaves out.
    tile_m : float
        Edge of a tile.
    n_beams : int
        Beams in a sector's codebook; 1 switches beams off.
    noise_figure_db : float
        Noise figure of a user's receiver.
    """

    cell_position_m: np.ndarray
    scene: Scene = field(default_factory=Scene)
    scenario: str = "umi"
    seed: int = 0
    n_heard: int | None = None
    tile_m: float = 200.0
    n_beams: int = 1
    noise_figure_db: float = 7.0

    def __post_init__(self):
        if self.scenario not in pathloss.SHADOWING_DB:
            raise ValueError(f"scenario is {self.scenario!r}, but it must be one of {', '.join(pathloss.SHADOWING_DB)}")
        if not self.tile_m > 0:
            raise ValueError(f"tile_m is {self.tile_m}, but the edge of a tile is over 0 m")
        if not np.isfinite(self.noise_figure_db):
            raise ValueError(f"noise_figure_db is {self.noise_figure_db}, but a finite number of dB is needed")
        self.n_beams = whole("n_beams", self.n_beams, 1, 256)
        self.n_heard = None if self.n_heard is None else whole("n_heard", self.n_heard, 1)
        self.seed = whole("seed", self.seed, 0)
        self.cell_position_m = np.array(self.cell_position_m, float)
        shape = self.cell_position_m.shape
        if len(shape) != 2 or shape[1] != 3 or shape[0] == 0 or not np.isfinite(self.cell_position_m).all():
            raise ValueError(f"cell_position_m has shape {shape}, but finite positions of shape (cells, 3) are needed")
        self._site_xyz, self._site = np.unique(self.cell_position_m, axis=0, return_inverse=True)
        sectors = np.bincount(self._site)
        if len(set(sectors)) > 1:
            raise ValueError(
                f"sites have {sectors.min()} to {sectors.max()} cells, but all sites need the same number of sectors"
            )
        self._cells_of_site = np.argsort(self._site, kind="stable").reshape(-1, sectors[0])
        n_sites = len(self._site_xyz)
        if self.n_heard is None or self.n_heard >= n_sites:
            self.n_heard, self.tile_m = n_sites, np.inf
        self._tree = cKDTree(self._site_xyz[:, :2])
        self._tile_number: dict[tuple[int, int], int] = {}
        self.tile_cells = np.empty((0, self.n_heard * sectors[0]), np.int64)
        seeds = np.random.SeedSequence(self.seed).spawn(3)
        self._shadow = GaussianField.draw(n_sites, 10.0, seeds[0])
        self._los_field = GaussianField.draw(n_sites, 50.0, seeds[1])
        self._shadow_of_all = GaussianField.draw(1, 10.0, seeds[2])

    def with_cells(self, cell_position_m: np.ndarray) -> Radio:
        """Same physics with other cells (B, 3); sites that are in both keep their shadow fading and LOS states."""
        n_heard = self.n_heard if np.isfinite(self.tile_m) else None
        wider = replace(self, cell_position_m=cell_position_m, n_heard=n_heard)
        old = {tuple(xyz): site for site, xyz in enumerate(self._site_xyz.tolist())}
        pairs = [(new, old[tuple(xyz)]) for new, xyz in enumerate(wider._site_xyz.tolist()) if tuple(xyz) in old]
        new, kept = np.array(pairs, np.int64).reshape(-1, 2).T
        for ours, theirs in ((wider._shadow, self._shadow), (wider._los_field, self._los_field)):
            ours.wave_1_m[new], ours.phase_rad[new] = theirs.wave_1_m[kept], theirs.phase_rad[kept]
        return wider

    def tile(self, position_m: np.ndarray) -> np.ndarray:
        """Number of the tile each position (n, 3) stands on; row ``tile_cells[tile]`` lists the cells heard there."""
        if np.isinf(self.tile_m):
            return self._register(np.zeros((len(position_m), 2), np.int64))
        grid = np.floor(position_m[:, :2] / self.tile_m)
        if (np.abs(grid) > _FARTHEST_TILE).any():
            raise ValueError(f"a position lies over {_FARTHEST_TILE * self.tile_m:g} m away: that is no place on a map")
        return self._register(grid.astype(np.int64))

    def _register(self, grid: np.ndarray) -> np.ndarray:
        corners, inverse = np.unique(grid, axis=0, return_inverse=True)
        keys = [tuple(c) for c in corners.tolist()]
        new = [key for key in keys if key not in self._tile_number]
        if new:
            centre = np.zeros((1, 2)) if np.isinf(self.tile_m) else (np.array(new) + 0.5) * self.tile_m
            sites = np.sort(self._tree.query(centre, k=self.n_heard)[1].reshape(len(new), -1), axis=1)
            rows = self._cells_of_site[sites].reshape(len(new), -1)
            for number, key in enumerate(new, start=len(self._tile_number)):
                self._tile_number[key] = number
            self.tile_cells = np.concatenate([self.tile_cells, rows])
        return np.array([self._tile_number[key] for key in keys], np.int64)[inverse.reshape(-1)]

    def check(self, state: State) -> None:
        """Raise ValueError if `state` is of another network, or names a beam that is not in the codebook."""
        if not np.array_equal(state.cell_position_m, self.cell_position_m):
            raise ValueError(
                f"state has {state.n_cells} cells and radio {len(self.cell_position_m)}, or they stand elsewhere: "
                "build the radio from state.cell_position_m"
            )
        self.check_beam(state.beam.max(initial=0))

    def check_beam(self, beam: int) -> None:
        """Raise ValueError if there is no such beam; where beams are switched off any number will do."""
        if 1 < self.n_beams <= beam:
            raise ValueError(f"beam is {beam}, but this codebook has beams 0 ... {self.n_beams - 1}")

    def quantum_mw(self, state: State) -> float:
        """Unit of stored powers in mW: 2^-32 of the noise in the narrowest channel."""
        return self.noise_mw(state).min() / _QUANTA_PER_NOISE

    def noise_q(self, state: State) -> np.ndarray:
        """Thermal noise in every channel, (C,) in quanta."""
        noise_mw = self.noise_mw(state)
        return noise_mw / (noise_mw.min() / _QUANTA_PER_NOISE)

    def noise_mw(self, state: State) -> np.ndarray:
        """Thermal noise in every channel, (C,) in mW."""
        return 10 ** ((THERMAL_NOISE_DBM_HZ + self.noise_figure_db + 10 * np.log10(state.bandwidth_hz)) / 10)

    def line_of_sight(self, position_m: np.ndarray, sites: np.ndarray) -> np.ndarray:
        """Whether positions (n, 3) see sites (n, k): from the map, or from the LOS probability on open ground."""
        if self.scenario == "free_space":
            return np.ones(sites.shape, bool)
        site_m = self._site_xyz[sites]
        if self.scene.city is not None:
            users = np.broadcast_to(position_m[:, None], site_m.shape)
            return ~self.scene.blocked(site_m.reshape(-1, 3), users.reshape(-1, 3)).reshape(sites.shape)
        ground_m = np.hypot(*np.moveaxis(site_m[..., :2] - position_m[:, None, :2], -1, 0))
        return ndtr(self._los_field.at(sites, position_m[:, :2])) < _LOS_PROBABILITY[self.scenario](ground_m)

    def loss_db(self, position_m: np.ndarray, freq_hz: np.ndarray, sites: np.ndarray) -> np.ndarray:
        """Path loss plus shadow fading in dB, positions (n, 3) and sites (n, k) give (n, k); freq_hz is (n,)."""
        site_m = self._site_xyz[sites]
        if self.scenario == "free_space":
            return pathloss.free_space_db(np.linalg.norm(site_m - position_m[:, None], axis=-1), freq_hz[:, None])
        los = self.line_of_sight(position_m, sites)
        ground_m = np.hypot(*np.moveaxis(site_m[..., :2] - position_m[:, None, :2], -1, 0))
        loss = _LOSS[self.scenario](ground_m, freq_hz[:, None], los, site_m[..., 2], position_m[:, None, 2])
        sigma_los, sigma_nlos = pathloss.SHADOWING_DB[self.scenario]
        return loss + np.where(los, sigma_los, sigma_nlos) * self._shadowing(position_m, sites)

    def _shadowing(self, position_m: np.ndarray, sites: np.ndarray) -> np.ndarray:
        """Shadow fading in standard deviations (n, k); half of its variance is what all sites share at a spot.

        Source: TR 36.814, Table A.2.1.1-2 (0.5 between sites, 1 between sectors of a site).
        """
        everybody = self._shadow_of_all.at(np.zeros((len(position_m), 1), np.int64), position_m[:, :2])
        return np.sqrt(0.5) * (everybody + self._shadow.at(sites, position_m[:, :2]))

    def received_dbm(self, state: State, position_m, freq_hz, cells, chunk: int = 4096) -> np.ndarray:
        """Power received at positions from cells transmitting at full load.

        Parameters
        ----------
        state : State
            Settings of the cells.
        position_m : ndarray, shape (n, 3)
            Where one listens.
        freq_hz : ndarray, shape (n,)
            On which carrier.
        cells : ndarray of int, shape (n, k)
            To which cells; all cells of a site must stand side by side, as in `tile_cells`.

        Returns
        -------
        ndarray, shape (n, k)
            Power in dBm; -inf from a cell that is down.
        """
        out = np.empty(cells.shape)
        n_sectors = self._cells_of_site.shape[1]
        for i in range(0, len(cells), chunk):
            rows = slice(i, i + chunk)
            loss = np.repeat(
                self.loss_db(position_m[rows], freq_hz[rows], self._site[cells[rows, ::n_sectors]]), n_sectors, axis=1
            )
            coupling_loss = loss - self._gain_dbi(state, position_m[rows], cells[rows])
            coupling_loss = np.maximum(coupling_loss, MIN_COUPLING_LOSS_DB[self.scenario])
            out[rows] = state.tx_power_dbm[cells[rows]] - coupling_loss
        return np.where(state.on[cells], out, -np.inf)

    def _gain_dbi(self, state: State, position_m, cells):
        offset = position_m[:, None] - self.cell_position_m[cells]
        ground_m = np.hypot(offset[..., 0], offset[..., 1])
        azimuth = np.rad2deg(np.arctan2(offset[..., 1], offset[..., 0]))
        depression = np.rad2deg(np.arctan2(-offset[..., 2], ground_m))
        return antenna.sector_gain_dbi(azimuth, depression, state.azimuth_deg[cells], state.tilt_deg[cells])

    def received_q(self, state: State, position_m, freq_hz, cells) -> np.ndarray:
        """`received_dbm` in quanta (float); refuses a power so high that sums of quanta could overflow."""
        power = 10 ** (self.received_dbm(state, position_m, freq_hz, cells) / 10) / self.quantum_mw(state)
        loudest = power.sum(axis=1)
        if (loudest > _LOUDEST_Q).any():
            where = np.round(position_m[np.argmax(loudest)], 1).tolist()
            raise ValueError(
                f"a user at {where} m receives over 90 dB more than the noise: "
                "move it away from the antenna or lower the power"
            )
        return power

    def off_boresight_deg(self, state: State, position_m, cell) -> np.ndarray:
        """Azimuth of positions (n, 3) off the boresight of one cell each, (n,)."""
        offset = position_m - self.cell_position_m[cell]
        return antenna.wrap_deg(np.rad2deg(np.arctan2(offset[:, 1], offset[:, 0])) - state.azimuth_deg[cell])

    def __repr__(self):
        where = self.scene.city.name if self.scene.city is not None else "open field"
        return f"Radio({self.scenario}, {where}, {len(self._site_xyz)} sites, {self.n_heard} heard)"
