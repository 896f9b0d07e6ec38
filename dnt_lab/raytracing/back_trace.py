"""Back tracing: from a receiver through the mirrors to the transmitter, with every point where the wave is turned.

A receiver inside the beam of a sequence sees the last image through the last polygon: the straight line to the image
meets the polygon in the last interaction point. From there the next image is seen through the next polygon, and so on
to the transmitter. A sequence is a path if each point lies in its polygon and nothing cuts a segment.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dnt_lab.raytracing.box_tree import BoxTree
from dnt_lab.raytracing.image_tree import Level, image_tree
from dnt_lab.raytracing.inside import solid_angle
from dnt_lab.raytracing.occlusion import Occluders
from dnt_lab.raytracing.polygons import Polygons

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
    nobody = np.zeros(0, int)
    receivers = BoxTree(rx_m, rx_m, occluders.tree.origin_m, occluders.tree.slack_m, leaf=16)
    levels = (
        image_tree(occluders, tx_m, rx_m, max_order, seen_from_both_sides(polygons, tx_m, rx_m)) if max_order else []
    )
    for order in range(1, max_order + 1):
        pairs = list(receivers.in_beams(levels[order - 1].planes))
        sequence, row = (np.concatenate(part) for part in zip(*pairs, strict=True)) if pairs else (nobody, nobody)
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
    turns = np.bincount(polygons.body[rows], solid_angle(a, b, c) + solid_angle(a, c, d), n_bodies) / (4 * np.pi)
    return ~polygons.one_sided | (turns > _INSIDE)[polygons.body]


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
    polygons, bounces = occluders.polygons, points_m.shape[1]
    for k in reversed(range(bounces + 1)):
        start_m = points_m[:, k - 1] if k else np.broadcast_to(tx_m, (len(row), 3))
        end_m = points_m[:, k] if k < bounces else rx_m[row]
        free = ~occluders.blocked(start_m, end_m)
        row, points_m, polygon = row[free], points_m[free], polygon[free]
    # on a seam, or where two things share a face, the same path was found several times
    order = np.lexsort((*polygon.T[::-1], row))
    row, points_m, polygon = row[order], points_m[order], polygon[order]
    places = np.round(points_m / (100 * polygons.tolerance_m)).reshape(len(row), 3 * bounces)
    first = np.sort(np.unique(np.column_stack([row, places]), axis=0, return_index=True)[1])
    return row[first], points_m[first], polygon[first]
