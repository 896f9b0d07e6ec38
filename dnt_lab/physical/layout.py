"""Layouts: states to start from, on a city map or on open ground."""

from __future__ import annotations

import numpy as np

from dnt_lab.datasets._checks import generator, metres, whole
from dnt_lab.physical.antenna import best_beam
from dnt_lab.physical.demand import draw_devices
from dnt_lab.physical.radio import Radio
from dnt_lab.physical.scene import Scene
from dnt_lab.physical.state import State

USER_HEIGHT_M = 1.5


def hexagon(n_sites: int, spacing_m: float) -> np.ndarray:
    """The `n_sites` points of a hexagonal lattice nearest to the origin, (n_sites, 2), nearest first.

    Examples
    --------
    >>> hexagon(7, 200.0).shape
    (7, 2)
    """
    n_sites, spacing_m = whole("n_sites", n_sites, 1), metres("spacing_m", spacing_m)
    reach = int(np.ceil(np.sqrt(n_sites))) + 1
    i, j = np.meshgrid(np.arange(-reach, reach + 1), np.arange(-reach, reach + 1))
    points = spacing_m * np.stack([i + j / 2, j * np.sqrt(3) / 2], axis=-1).reshape(-1, 2)
    radius, angle = np.hypot(*points.T).round(6), np.arctan2(*points.T[::-1]).round(6)
    return points[np.lexsort((angle, radius))][:n_sites]


def make_state(
    site_xy_m: np.ndarray,
    user_xy_m: np.ndarray,
    *,
    n_sectors: int = 3,
    height_m: float = 10.0,
    tilt_deg: float = 6.0,
    tx_power_dbm: float = 38.0,
    freq_hz: tuple[float, ...] = (3.50e9, 3.51e9),
    bandwidth_hz: float = 10e6,
    n_regions: int = 1,
    seed=0,
) -> tuple[State, np.ndarray]:
    """State with given sites and users; nobody is attached yet and nobody moves.

    Parameters
    ----------
    site_xy_m, user_xy_m : ndarray, shapes (S, 2) and (U, 2)
        Positions.
    n_sectors : int
        Cells a site; 1 gives omnidirectional cells.
    height_m, tilt_deg, tx_power_dbm : float
        Antenna height, downtilt and power of every cell.
    freq_hz, bandwidth_hz
        Carriers of the channels, and the bandwidth of each.
    n_regions : int
        Regions, west to east, with as equal numbers of sites as possible.
    seed : int or Generator
        Draws devices and channels.

    Returns
    -------
    State
    ndarray of int, shape (U,)
        Peak demand of each user in bit/s.

    Raises
    ------
    TypeError, ValueError
        If a number is of the wrong kind or out of range.
    """
    site_xy_m, user_xy_m = _points("site_xy_m", site_xy_m), _points("user_xy_m", user_xy_m)
    n_sectors, n_regions = whole("n_sectors", n_sectors, 1), whole("n_regions", n_regions, 1, len(site_xy_m))
    rng = generator(seed)
    n_users, n_cells = len(user_xy_m), len(site_xy_m) * n_sectors
    kind, size_m, peak_bps = draw_devices(n_users, rng)
    rank = np.empty(len(site_xy_m), np.int64)
    rank[np.argsort(site_xy_m[:, 0], kind="stable")] = np.arange(len(site_xy_m))
    azimuth = np.arange(n_sectors) * 360.0 / n_sectors + 30.0 if n_sectors > 1 else np.array([np.nan])
    state = State(
        kind=kind,
        size_m=size_m,
        position_m=np.column_stack([user_xy_m, np.full(n_users, USER_HEIGHT_M)]),
        velocity_m_s=np.zeros((n_users, 3)),
        serving=np.full(n_users, -1),
        channel=rng.integers(len(freq_hz), size=n_users),
        beam=np.zeros(n_users, np.int64),
        demand_bps=np.zeros(n_users, np.int64),
        cell_position_m=np.repeat(np.column_stack([site_xy_m, np.full(len(site_xy_m), height_m)]), n_sectors, axis=0),
        azimuth_deg=np.tile(azimuth, len(site_xy_m)),
        tilt_deg=np.full(n_cells, tilt_deg),
        tx_power_dbm=np.full(n_cells, tx_power_dbm),
        on=np.ones(n_cells, bool),
        region=np.repeat(rank * n_regions // len(site_xy_m), n_sectors),
        freq_hz=np.array(freq_hz),
        bandwidth_hz=np.full(len(freq_hz), bandwidth_hz),
        missing_neighbours=np.empty((0, 2), np.int64),
    )
    return state, peak_bps


def _points(name: str, xy_m) -> np.ndarray:
    xy_m = np.asarray(xy_m, float)
    if xy_m.ndim != 2 or xy_m.shape[1] != 2:
        raise ValueError(f"{name} has shape {xy_m.shape}, but points of shape (n, 2) are needed")
    return xy_m


def in_city(
    scene: Scene, n_sites: int, n_users: int, spacing_m: float, seed, **settings
) -> tuple[State, np.ndarray, tuple]:
    """State with sites and users in the streets around the middle of a map, peak demands, bounds of the area."""
    if scene.city is None:
        raise ValueError("this scene is an open field, but a city map is needed; PhysicalNetwork.open_field needs none")
    n_users, rng = whole("n_users", n_users, 0), generator(seed)
    xmin, ymin, xmax, ymax = scene.city.bounds_m
    lattice = hexagon(n_sites, spacing_m) + np.array([(xmin + xmax) / 2, (ymin + ymax) / 2])
    margin = 0.6 * spacing_m
    bounds = (*np.maximum(lattice.min(0) - margin, [xmin, ymin]), *np.minimum(lattice.max(0) + margin, [xmax, ymax]))
    if ((lattice < [xmin, ymin]) | (lattice > [xmax, ymax])).any():
        raise ValueError(
            f"{n_sites} sites {spacing_m:g} m apart do not fit into {scene.city.name}: take fewer or closer sites"
        )
    sites = np.array([_nearest_street(scene, point) for point in lattice])
    users = scene.outdoor_points(n_users, bounds, rng)
    state, peak_bps = make_state(sites, users, seed=rng, **settings)
    return state, peak_bps, tuple(float(b) for b in bounds)


def _nearest_street(scene: Scene, point: np.ndarray) -> np.ndarray:
    """Outdoor point nearest to `point`, on rings 2 m apart."""
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    rings = np.arange(0, 200, 2.0)[:, None, None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    candidates = (point + rings).reshape(-1, 2)
    outdoor = ~scene.indoor(candidates)
    if not outdoor.any():
        raise ValueError(f"there is no street within 200 m of {np.round(point).tolist()} m on the map")
    return candidates[np.argmax(outdoor)]


def on_field(n_sites: int, n_users: int, spacing_m: float, seed, **settings) -> tuple[State, np.ndarray, tuple]:
    """State with sites and users on open ground, peak demands, and the bounds of the area."""
    n_users, rng = whole("n_users", n_users, 0), generator(seed)
    sites = hexagon(n_sites, spacing_m)
    margin = 0.6 * spacing_m
    bounds = (*(sites.min(0) - margin), *(sites.max(0) + margin))
    users = rng.uniform(bounds[:2], bounds[2:], (n_users, 2))
    state, peak_bps = make_state(sites, users, seed=rng, **settings)
    return state, peak_bps, tuple(float(b) for b in bounds)


def attach_best(state: State, radio: Radio) -> None:
    """Attach every user to the cell it receives best, with the beam that points at it."""
    tile = radio.tile(state.position_m)
    cells = radio.tile_cells[tile]
    power = radio.received_dbm(state, state.position_m, state.freq_hz[state.channel], cells)
    best = np.argmax(power, axis=1)
    rows = np.arange(state.n_users)
    heard = np.isfinite(power[rows, best])
    state.serving[:] = np.where(heard, cells[rows, best], -1)
    state.beam[:] = best_beam(radio.off_boresight_deg(state, state.position_m, state.serving), radio.n_beams)
