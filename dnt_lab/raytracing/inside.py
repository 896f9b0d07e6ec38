"""Inside which bodies a point lies: the solid angle of a body's surface, seen from the point, tells.

From inside a closed surface fills all directions (one turn, 4 pi), from outside nothing; a house without a floor still
fills more than half of them. On the surface it is half a turn, which counts as outside.

Source: A. Van Oosterom and J. Strackee, "The solid angle of a plane triangle", IEEE Trans. Biomed. Eng. 30(2), 1983.
"""

from __future__ import annotations

import numpy as np

from dnt_lab.raytracing.polygons import Polygons

_HALF_TURN = 0.5 + 1e-6  # and rounding
_FLAT = 1e-12  # share of the largest volume that three edges can span


def solid_angle(a, b, c) -> np.ndarray:
    """Signed solid angle of triangles with corners (..., 3) seen from the origin, positive if turned away from it.

    It is 0 for a triangle in whose plane the origin lies, on it or beside it: the mean of both sides.
    """
    la, lb, lc = (np.sqrt(np.einsum("...j,...j->...", v, v)) for v in (a, b, c))
    ab, bc, ca = (np.einsum("...j,...j->...", u, v) for u, v in ((a, b), (b, c), (c, a)))
    volume = np.einsum("...j,...j->...", a, np.cross(b, c))
    flat = np.abs(volume) <= _FLAT * la * lb * lc
    return np.where(flat, 0.0, 2 * np.arctan2(volume, la * lb * lc + ab * lc + bc * la + ca * lb))


def bodies_around(polygons: Polygons, points_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs of a point and a closed body around it, as two arrays of row and body numbers.

    Parameters
    ----------
    polygons : Polygons
        Their one-sided bodies count; open surfaces have no inside.
    points_m : ndarray, shape (N, 3)
        Points in metres.
    """
    points, bodies = [], []
    for body in np.unique(polygons.body[polygons.one_sided]):
        corners_m = polygons.corners_m[polygons.body == body]
        low_m, high_m = corners_m.min(axis=(0, 1)), corners_m.max(axis=(0, 1))
        near = np.flatnonzero(((points_m > low_m) & (points_m < high_m)).all(axis=1))
        a, b, c, d = np.moveaxis(corners_m[None] - points_m[near, None, None], 2, 0)
        turns = (solid_angle(a, b, c) + solid_angle(a, c, d)).sum(axis=1) / (4 * np.pi)
        points.append(near[turns > _HALF_TURN])
        bodies.append(np.full(len(points[-1]), body))
    return (np.concatenate([np.zeros(0, int), *points]), np.concatenate([np.zeros(0, int), *bodies]))
