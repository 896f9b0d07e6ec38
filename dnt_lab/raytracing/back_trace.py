"""Back tracing: from a receiver through the mirrors to the transmitter, with every point where the wave is turned.

A receiver inside the beam of a sequence sees the last image through the last polygon: the straight line to the image
meets the polygon in the last interaction point. From there the next image is seen through the next polygon, and so on
to the transmitter. A sequence is a path if each point lies in its polygon and nothing cuts a segment.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dnt_lab.raytracing.image_tree import PLANES, Level, beam_planes, image_tree
from dnt_lab.raytracing.occlusion import Occluders
from dnt_lab.raytracing.polygons import Polygons

_BLOCK = 8_000_000  # numbers in one temporary array
_GROUP = 32  # receivers that are asked as one first
_INSIDE = 0.25  # winding number; 1/2 on the surface, where the inside may be meant as well


def specular_points(occluders: Occluders, tx_m: np.ndarray, rx_m: np.ndarray, max_order: int) -> Iterator[tuple]:
    """Yield, for each order from 0, the paths' receivers (P,), points (P, k, 3) in metres and polygons (P, k).

    Parameters
    ----------
    occluders : Occluders
        Mirrors and obstacles.
    tx_m, rx_m : ndarray, shapes (3,) and (R, 3)
        Transmitter and receivers in metres.
    max_order : int
        Most reflections.
    """
    polygons = occluders.polygons
    seen = np.flatnonzero(~occluders.blocked(np.broadcast_to(tx_m, rx_m.shape), rx_m))
    yield seen, np.zeros((len(seen), 0, 3)), np.zeros((len(seen), 0), int)
    levels = image_tree(polygons, tx_m, max_order, seen_from_both_sides(polygons, tx_m, rx_m)) if max_order else []
    for order in range(1, max_order + 1):
        row, sequence = _in_beam(polygons, levels[order - 1], rx_m)
        row, points_m, polygon = _traced_back(polygons, levels[:order], tx_m, rx_m, row, sequence)
        yield _unobstructed(occluders, tx_m, rx_m, row, points_m, polygon)


def seen_from_both_sides(polygons: Polygons, tx_m: np.ndarray, rx_m: np.ndarray) -> np.ndarray:
    """Tell which polygons (M,) reflect on both sides: open surfaces, and bodies with the transmitter inside.

    A node under the lowest corner could look into a body through the floor it lacks; then all polygons do.
    """
    if min(tx_m[2], rx_m[:, 2].min()) < polygons.lowest_m - polygons.tolerance_m:
        return np.ones(len(polygons), bool)
    low, high = polygons.corners_m.min(axis=1), polygons.corners_m.max(axis=1)
    n_bodies = polygons.body.max() + 1
    body_low, body_high = np.full((n_bodies, 3), np.inf), np.full((n_bodies, 3), -np.inf)
    np.minimum.at(body_low, polygons.body, low)
    np.maximum.at(body_high, polygons.body, high)
    pad_m = polygons.tolerance_m
    around = ((body_low - pad_m <= tx_m) & (tx_m <= body_high + pad_m)).all(axis=1)
    rows = np.flatnonzero(around[polygons.body] & polygons.one_sided)
    a, b, c, d = (polygons.corners_m[rows, i] - tx_m for i in range(4))
    turns = np.bincount(polygons.body[rows], _solid_angle(a, b, c) + _solid_angle(a, c, d), n_bodies) / (4 * np.pi)
    return ~polygons.one_sided | (turns > _INSIDE)[polygons.body]


def _solid_angle(a, b, c):
    """Signed solid angle (N,) of triangles with corners (N, 3) seen from the origin (Van Oosterom and Strackee 1983)."""
    la, lb, lc = (np.linalg.norm(v, axis=1) for v in (a, b, c))
    dots = [np.einsum("nj,nj->n", u, v) for u, v in ((a, b), (b, c), (c, a))]
    return 2 * np.arctan2(
        np.einsum("nj,nj->n", a, np.cross(b, c)), la * lb * lc + dots[0] * lc + dots[1] * la + dots[2] * lb
    )


def _in_beam(polygons: Polygons, level: Level, rx_m: np.ndarray):
    """Pairs of a receiver and a sequence whose last beam reaches it; nearby receivers are first asked as one."""
    origin_m = rx_m.mean(axis=0)
    slack_m = np.float32(1e-5 * polygons.extent_m)
    homogeneous = np.concatenate([rx_m - origin_m, np.ones((len(rx_m), 1))], axis=1).astype(np.float32)
    groups = _neighbours(rx_m)
    middle = np.stack([homogeneous[g].mean(axis=0) for g in groups])
    radius = np.array([np.linalg.norm(homogeneous[g] - m, axis=1).max() for g, m in zip(groups, middle, strict=True)])
    radius = radius.astype(np.float32) + slack_m
    found = [np.zeros((2, 0), int)]
    step = max(1, _BLOCK // (PLANES * max(len(groups), _GROUP)))
    for first in range(0, len(level), step):
        part = slice(first, first + step)
        planes = beam_planes(polygons, level.polygon[part], level.image_m[part], origin_m)
        near = np.ones((len(planes), len(groups)), bool)
        for p in range(PLANES):
            near &= planes[:, p] @ middle.T >= -radius
        for g, rows in enumerate(groups):
            sequence = np.flatnonzero(near[:, g])
            if len(sequence):
                height = planes[sequence].reshape(-1, 4) @ homogeneous[rows].T
                inside = (height.reshape(-1, PLANES, len(rows)) >= -slack_m).all(axis=1)
                s, r = np.nonzero(inside)
                found.append(np.stack([rows[r], sequence[s] + first]))
    return np.concatenate(found, axis=1)


def _neighbours(rx_m: np.ndarray) -> list[np.ndarray]:
    """Rows of receivers in groups of neighbours."""
    groups = [np.arange(len(rx_m))]
    while len(groups[0]) > _GROUP:
        groups = [half for group in groups for half in _split(group, rx_m)]
    return groups


def _split(group, rx_m):
    axis = np.ptp(rx_m[group], axis=0).argmax()
    order = group[np.argsort(rx_m[group, axis], kind="stable")]
    return order[: (len(order) + 1) // 2], order[(len(order) + 1) // 2 :]


def _traced_back(polygons: Polygons, levels: list[Level], tx_m, rx_m, row, sequence):
    """Pairs whose interaction points all lie in their polygons, with points and polygons in the order of travel."""
    order = len(levels)
    points_m, polygon = np.zeros((len(row), order, 3)), np.zeros((len(row), order), int)
    for k in reversed(range(order)):
        level = levels[k]
        mirror, image_m = level.polygon[sequence], level.image_m[sequence]
        here_m = rx_m[row] if k == order - 1 else points_m[:, k + 1]
        normal = polygons.normal[mirror]
        a = np.einsum("nj,nj->n", normal, here_m) - polygons.offset_m[mirror]
        b = np.einsum("nj,nj->n", normal, image_m) - polygons.offset_m[mirror]
        apart = (np.minimum(a, b) < -polygons.tolerance_m) & (np.maximum(a, b) > polygons.tolerance_m)
        share = np.divide(a, a - b, out=np.zeros_like(a), where=apart)
        points_m[:, k] = here_m + share[:, None] * (image_m - here_m)
        polygon[:, k] = mirror
        kept = np.flatnonzero(apart)
        kept = kept[polygons.inside(mirror[kept], points_m[kept, k])]
        row, sequence, points_m, polygon = row[kept], level.parent[sequence[kept]], points_m[kept], polygon[kept]
    return row, points_m, polygon


def _unobstructed(occluders: Occluders, tx_m, rx_m, row, points_m, polygon):
    """Paths that nothing cuts, each once."""
    polygons, order = occluders.polygons, points_m.shape[1]
    for k in reversed(range(order + 1)):
        start_m = points_m[:, k - 1] if k else np.broadcast_to(tx_m, (len(row), 3))
        end_m = points_m[:, k] if k < order else rx_m[row]
        free = ~occluders.blocked(start_m, end_m)
        row, points_m, polygon = row[free], points_m[free], polygon[free]
    # on the seam of a surface's polygons the same path was found once for each of them
    places = np.round(points_m / (100 * polygons.tolerance_m)).reshape(len(row), 3 * order)
    key = np.column_stack([row, polygons.surface[polygon], places])
    first = np.sort(np.unique(key, axis=0, return_index=True)[1])
    return row[first], points_m[first], polygon[first]
