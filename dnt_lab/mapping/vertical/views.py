r"""What one link sees of the environment: the raster in the frame of the straight line from BS to user.

The line runs from 0 (BS) to 1 (user) whatever its length and direction, so that places of different size look alike:
a wall half a link's length to the left is in the same row of every view. Each pixel holds four numbers:

===============  =================================================================================  ==========
channel          meaning                                                                            range
===============  =================================================================================  ==========
clearance        how far the highest thing rises over the straight ray, in units of the BS's height  -1 to 1
                 over the user; above 0 on the middle row, between the ends, the ray is blocked
occupied         share of the pixel that stands higher than the user's antenna                        0 to 1
reflectivity     strongest reflector in the pixel                                                     0 to 1
lit              1 where neither the BS's ray to the pixel nor the ray on to the user is blocked      0 or 1
===============  =================================================================================  ==========

The rows are closer together near the line, where a metre more or less decides.
"""

from __future__ import annotations

import numpy as np

from dnt_lab.mapping.vertical.raster import Raster

ACROSS = np.array(
    [-1.3, -0.9, -0.6, -0.4, -0.25, -0.15, -0.08, -0.03, 0.0, 0.03, 0.08, 0.15, 0.25, 0.4, 0.6, 0.9, 1.3], np.float32
)
"""Distance of each row from the line, in lengths of the line; to the left is positive."""
N_ALONG = 24
SHAPE = (4, len(ACROSS), N_ALONG)
"""Channels, rows and columns of a view."""
SCALARS = ("log_distance", "height_over_distance", "direct_clearance", "ceiling_clearance", "ceiling", "log_freq")
"""Further numbers about a link: what the picture, which has no scale, does not say."""

_ALONG = (-0.4, 1.4)  # columns reach behind both ends: what stands there reflects
_SAMPLES = 4  # of a pixel, along; a thin wall between two samples would be missed
_FINE = 400  # of the straight ray
# of a leg of a bent ray, short of the wall it turns at
_LEG = ((np.arange(8) + 0.5) / 8 * 0.93).astype(np.float32)
_CHUNK = 64  # links at a time, so that the samples stay in the processor's cache


def link_views(raster: Raster, bs_m: np.ndarray, user_m: np.ndarray) -> np.ndarray:
    """Views of links from one BS.

    Parameters
    ----------
    raster : Raster
        The environment.
    bs_m : ndarray, shape (3,)
        The BS in metres.
    user_m : ndarray, shape (R, 3)
        Users in metres.

    Returns
    -------
    ndarray of float32, shape (R, 4, 17, 24)
        Clearance, occupied, reflectivity, lit.

    Raises
    ------
    ValueError
        If a user stands right below the BS, is not lower than it, or has no finite position.
    """
    _check_ends(bs_m, user_m)
    parts = [_views(raster, bs_m, user_m[i : i + _CHUNK]) for i in range(0, len(user_m), _CHUNK)]
    return np.concatenate(parts) if parts else np.zeros((0, *SHAPE), np.float32)


def _views(raster, bs_m, user_m) -> np.ndarray:
    bs_m, user_m = bs_m.astype(np.float32), user_m.astype(np.float32)
    s, x_m, y_m = _grid(bs_m, user_m, N_ALONG * _SAMPLES)
    cells = raster.cells(x_m, y_m)
    height_m = raster.heights.take(cells)
    drop_m = (bs_m[2] - user_m[:, 2])[:, None, None]
    pixels = (len(user_m), len(ACROSS), N_ALONG, _SAMPLES)
    clearance = (height_m - (bs_m[2] - np.clip(s, 0, 1) * drop_m)) / drop_m
    channels = (
        np.clip(_pooled(np.maximum, clearance, pixels), -1, 1),
        _pooled(np.add, (height_m > user_m[:, 2, None, None]).astype(np.float32), pixels) / _SAMPLES,
        _pooled(np.maximum, raster.reflectivities.take(cells), pixels),
        np.repeat(_lit(raster, bs_m, user_m), 2, axis=-1),
    )
    return np.stack(channels, axis=1)


def _pooled(ufunc, values: np.ndarray, pixels: tuple[int, ...]) -> np.ndarray:
    """Reduce the samples of each pixel; four slices are many times faster than a reduction over a short last axis."""
    samples = values.reshape(pixels)
    return ufunc(ufunc(samples[..., 0], samples[..., 1]), ufunc(samples[..., 2], samples[..., 3]))


def _grid(bs_m, user_m, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return n places along the line (n,), and x and y (R, 17, n) there and to its sides."""
    first, last = _ALONG
    s = np.float32(first) + np.float32(last - first) * (np.arange(n, dtype=np.float32) + np.float32(0.5)) / n
    dx_m, dy_m = (user_m - bs_m)[:, :2].T[..., None, None]
    across = ACROSS[:, None]
    return s, (bs_m[0] - across * dy_m) + s * dx_m, (bs_m[1] + across * dx_m) + s * dy_m


def _lit(raster, bs_m, user_m) -> np.ndarray:
    """Tell at which pixels, two columns at a time, a ray could turn from the BS to the user: (R, 17, 12)."""
    _, x_m, y_m = _grid(bs_m, user_m, N_ALONG // 2)
    ends = (bs_m[:, None, None, None], user_m.T[..., None, None])
    first, second = (np.hypot(x_m - x, y_m - y) for x, y, _ in ends)
    turn_m = bs_m[2] + (ends[1][2] - bs_m[2]) * first / (first + second)  # a wall turns a ray, it falls on as before
    lit = np.ones(x_m.shape, bool)
    for x, y, z in ends:
        for share in _LEG:
            height_m = raster.heights.take(raster.cells(x + share * (x_m - x), y + share * (y_m - y)))
            lit &= height_m <= z + share * (turn_m - z)
    return lit.astype(np.float32)


def link_scalars(raster: Raster, bs_m: np.ndarray, user_m: np.ndarray, freq_hz: float) -> np.ndarray:
    """Return the numbers named in `SCALARS`, shape (R, 6), all of them of the order of 1.

    Distances count in 50 m, frequencies in 60 GHz, logarithms are to the base 10. Clearances are squeezed by tanh, so
    that centimetres around a grazing ray show; that of the ceiling is of the ray that bounces off it. Parameters and
    errors are those of `link_views`, and the carrier in Hz.
    """
    _check_ends(bs_m, user_m)
    ground_m, drop_m = np.hypot(*(user_m - bs_m)[:, :2].T), bs_m[2] - user_m[:, 2]
    s, height_m = _along_the_line(raster, bs_m, user_m)
    direct = (height_m - (bs_m[2] - s * drop_m[:, None])).max(1)
    ceiling = np.zeros(len(user_m))
    if raster.ceiling_m:
        up_m, down_m = raster.ceiling_m - bs_m[2], (raster.ceiling_m - user_m[:, 2])[:, None]
        turn = up_m / (up_m + down_m)  # the ray's two halves rise and fall at one angle
        ray_m = np.where(s < turn, bs_m[2] + up_m * s / turn, raster.ceiling_m - down_m * (s - turn) / (1 - turn))
        ceiling = (height_m - ray_m).max(1)
    columns = (
        np.log10(ground_m / 50),
        drop_m / ground_m,
        np.tanh(5 * direct / drop_m),
        np.tanh(5 * ceiling / drop_m),
        np.full(len(user_m), float(raster.ceiling_m > 0)),
        np.full(len(user_m), np.log10(freq_hz / 60e9)),
    )
    return np.stack(columns, axis=1).astype(np.float32)


def clear_of_obstacles(raster: Raster, bs_m: np.ndarray, user_m: np.ndarray) -> np.ndarray:
    """Whether the straight ray passes over everything on the raster, shape (R,): line of sight without learning."""
    user_m = np.asarray(user_m, float)
    _check_ends(bs_m, user_m)
    s, height_m = _along_the_line(raster, bs_m, user_m)
    return (height_m <= bs_m[2] - s * (bs_m[2] - user_m[:, 2, None])).all(1)


def _along_the_line(raster: Raster, bs_m: np.ndarray, user_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return shares of the way from BS to user, shape (400,), and how high things stand there, shape (R, 400)."""
    s = (np.arange(_FINE) + 0.5) / _FINE
    x_m, y_m = (bs_m[i] + s * (user_m[:, i, None] - bs_m[i]) for i in (0, 1))
    return s, raster.heights.take(raster.cells(x_m, y_m))


def _check_ends(bs_m, user_m) -> None:
    if user_m.ndim != 2 or user_m.shape[1] != 3 or not np.isfinite(user_m).all():
        raise ValueError(f"user_m has shape {user_m.shape}, but finite positions (R, 3) in metres are needed.")
    if (user_m[:, 2] >= bs_m[2]).any():
        raise ValueError(f"a user is at {user_m[:, 2].max():g} m, but must be lower than the BS at {bs_m[2]:g} m.")
    if len(user_m) and np.hypot(*(user_m - bs_m)[:, :2].T).min() < 1e-3:
        raise ValueError(f"a user stands right below the BS at {bs_m[:2].tolist()} m, where no link has a direction.")
