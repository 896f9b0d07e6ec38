r"""Streets with users and lorries, and what a lorry does to a radio link.

Vehicles drive along the streets of a grid and turn at crossings. A lorry is a vertical screen along its own axis. The
wave bends around its four edges; with :math:`D_1, D_2` the paths from an edge to the two ends of the link and r the
straight path, in the side view (h) and in the top view (w),

.. math:: L = -20 \lg\bigl(1 - (F_{h1} + F_{h2})(F_{w1} + F_{w2})\bigr), \qquad
          F = \frac1\pi \arctan\Bigl(\pm\frac\pi2 \sqrt{\tfrac{\pi}{\lambda}(D_1 + D_2 - r)}\Bigr)

with minus for an edge that the ray passes outside of. Source: 3GPP TR 38.901, 7.6.4.2 (blockage model B).
"""

from __future__ import annotations

import numpy as np

from dnt_lab.datasets._numbers import real, reals, whole
from dnt_lab.physical.pathloss import SPEED_OF_LIGHT_M_S

LORRY_LENGTH_M, LORRY_HEIGHT_M = 12.0, 4.0
_EAST_NORTH_WEST_SOUTH = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])


def drive(lines_m, n_vehicles: int, n_steps: int, dt_s: float, speed_m_s, lane_m: float, seed) -> tuple:
    """Let vehicles drive along the lines of a square street grid, turning at random at crossings, never back.

    Parameters
    ----------
    lines_m : array_like, shape (L,)
        Coordinates of the streets' middles, the same in x and in y, equally spaced, at least 2.
    n_vehicles, n_steps : int
        Size of the result.
    dt_s : float
        Time step.
    speed_m_s : tuple of float
        Lowest and highest speed; each vehicle keeps its own.
    lane_m : float
        Distance of the vehicles from the middle of the street, to the right of their direction.
    seed : int or Generator

    Returns
    -------
    position_m, velocity_m_s : ndarray, shape (n_steps, n_vehicles, 2)
    """
    lines_m = np.asarray(lines_m, float)
    if lines_m.ndim != 1 or len(lines_m) < 2 or np.ptp(np.diff(lines_m)) > 1e-9 or not lines_m[1] > lines_m[0]:
        raise ValueError(
            f"lines_m is {lines_m.tolist()}, but at least two ascending, equally spaced streets are needed"
        )
    n_vehicles, n_steps = whole("n_vehicles", n_vehicles), whole("n_steps", n_steps)
    dt_s, low = real("dt_s", dt_s), real("the lowest of speed_m_s", speed_m_s[0])
    high = real("the highest of speed_m_s", speed_m_s[1], low, strict=False)
    rng = np.random.default_rng(seed)
    block_m, last = lines_m[1] - lines_m[0], len(lines_m) - 1
    speed = rng.uniform(low, high, n_vehicles)
    node = rng.integers(0, last + 1, (n_vehicles, 2))
    heading = _turn(node, rng.integers(4, size=n_vehicles), last, rng)
    left_m = rng.uniform(0, block_m, n_vehicles)  # to the next crossing
    position_m, velocity_m_s = np.empty((2, n_steps, n_vehicles, 2))
    for t in range(n_steps):
        ahead = _EAST_NORTH_WEST_SOUTH[heading]
        right = np.stack([ahead[:, 1], -ahead[:, 0]], axis=1)
        position_m[t] = lines_m[node] + ahead * (block_m - left_m)[:, None] + lane_m * right
        velocity_m_s[t] = ahead * speed[:, None]
        left_m = left_m - speed * dt_s
        there = left_m <= 0
        node[there] += ahead[there]
        heading[there] = _turn(node[there], heading[there], last, rng)
        left_m[there] += block_m
    return position_m, velocity_m_s


def _turn(node, heading, last, rng):
    """New heading at a crossing: straight on half of the time, else left or right; never off the grid or back."""
    odds = np.array([0.5, 0.25, 0.0, 0.25])[(np.arange(4) - heading[:, None]) % 4]
    goal = node[:, None] + _EAST_NORTH_WEST_SOUTH
    odds = odds * ((goal >= 0) & (goal <= last)).all(axis=2)
    share = np.cumsum(odds, axis=1) / odds.sum(axis=1, keepdims=True)
    return (rng.random(len(node))[:, None] >= share).sum(axis=1)


def lorry_loss_db(site_m, user_m, lorry_m, axis, freq_hz: float) -> np.ndarray:
    """Diffraction loss of lorries between sites and users.

    Parameters
    ----------
    site_m, user_m : array_like, shape (..., 3)
        Ends of the links.
    lorry_m, axis : array_like, shape (..., 2)
        Middle of each lorry, and the unit vector along it.
    freq_hz : float
        Carrier frequency.

    Returns
    -------
    ndarray
        Loss in dB; the leading axes of all arguments are broadcast. 0 where the lorry is not between site and user.
    """
    wave_1_m = np.pi * real("freq_hz", freq_hz) / SPEED_OF_LIGHT_M_S
    ends = np.asarray(site_m, float), np.asarray(user_m, float)
    screen = np.asarray(lorry_m, float), reals("axis", axis, -1.0, 1.0)
    shape = np.broadcast_shapes(*(a.shape[:-1] for a in (*ends, *screen)))
    site_m, user_m = (np.broadcast_to(a, (*shape, 3)) for a in ends)
    lorry_m, axis = (np.broadcast_to(a, (*shape, 2)) for a in screen)
    beside = [_cross(axis, end[..., :2] - lorry_m) for end in (user_m, site_m)]
    between = beside[0] * beside[1] < 0
    loss_db = np.zeros(shape)
    share = beside[0][between] / (beside[0] - beside[1])[between]  # of the way from the user to the site
    parts = (a[between] for a in (site_m, user_m, lorry_m, axis))
    loss_db[between] = _screen_db(*parts, share, wave_1_m)
    return loss_db


def _screen_db(site_m, user_m, lorry_m, axis, share, wave_1_m):
    hit_m = user_m + share[:, None] * (site_m - user_m)
    along_m = ((hit_m[:, :2] - lorry_m) * axis).sum(axis=1)
    ground_m = np.hypot(*(site_m - user_m)[:, :2].T)
    straight_m = np.hypot(ground_m, site_m[:, 2] - user_m[:, 2])

    def f(covered, detour_m):
        return np.where(covered, 1, -1) * np.arctan(np.pi / 2 * np.sqrt(wave_1_m * np.maximum(detour_m, 0))) / np.pi

    seen_from_above, seen_from_the_side = 0.0, 0.0
    for sign in (-1, 1):  # back and front
        edge = lorry_m + sign * LORRY_LENGTH_M / 2 * axis
        path_m = np.hypot(*(edge - site_m[:, :2]).T) + np.hypot(*(edge - user_m[:, :2]).T)
        seen_from_above = seen_from_above + f(sign * along_m < LORRY_LENGTH_M / 2, path_m - ground_m)
    for sign, edge_m in ((-1, 0.0), (1, LORRY_HEIGHT_M)):  # bottom and top
        path_m = np.hypot(share * ground_m, edge_m - user_m[:, 2])
        path_m = path_m + np.hypot((1 - share) * ground_m, edge_m - site_m[:, 2])
        seen_from_the_side = seen_from_the_side + f(sign * (edge_m - hit_m[:, 2]) > 0, path_m - straight_m)
    return -20 * np.log10(1 - seen_from_above * seen_from_the_side)


def _cross(a, b):
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
