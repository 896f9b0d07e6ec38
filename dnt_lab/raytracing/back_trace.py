"""Back tracing: from a receiver through the mirrors to the transmitter, with every point where the wave is turned.

A receiver inside the beam of a sequence sees the last image through the last polygon: the straight line to the image
meets the polygon in the last interaction point. From there the next image is seen through the next polygon, and so on
to the transmitter. A sequence is a path if each point lies in its polygon and nothing cuts a segment.
"""

from __future__ import annotations

import numpy as np

from dnt_lab.raytracing.box_tree import BoxTree
from dnt_lab.raytracing.field import travel
from dnt_lab.raytracing.image_tree import Nodes, image_tree
from dnt_lab.raytracing.inside import solid_angle
from dnt_lab.raytracing.occlusion import Occluders
from dnt_lab.raytracing.polygons import Polygons
from dnt_lab.raytracing.vectors import dot

_INSIDE = 0.25  # of a turn: 1/2 to 1 inside, since a floor may be lacking, and not above 0 outside
_OFF_GRID = 0.381966  # of a step: what lies at a round coordinate is not rounded up here and down there


def specular_paths(occluders: Occluders, tx_m: np.ndarray, rx_m: np.ndarray, max_order: int):
    """Find the paths of one transmitter.

    Parameters
    ----------
    occluders : Occluders
        Mirrors and obstacles.
    tx_m, rx_m : ndarray, shapes (3,) and (R, 3)
        Transmitter and receivers in metres.
    max_order : int
        Most reflections.

    Returns
    -------
    row, order : ndarray of int, shape (P,)
        Receiver and number of reflections of each path, sorted by receiver, length and order.
    corners_m : ndarray, shape (P, max_order + 2, 3)
        Transmitter, interaction points and receiver, which is repeated to the end of the row.
    polygon : ndarray of int, shape (P, max_order)
        Polygons met; -1 behind the last.
    """
    below = rx_m[:, 2] < occluders.polygons.lowest_m - occluders.polygons.tolerance_m
    found = []
    for rows in (np.flatnonzero(~below), np.flatnonzero(below)):  # apart: what one sees must not hang on the other
        if len(rows):
            row, *rest = _paths_to(occluders, tx_m, rx_m[rows], max_order)
            found.append((rows[row], *rest))
    row, *rest = (np.concatenate(part) for part in zip(*found, strict=True))
    if below.any():
        by_row = np.argsort(row, kind="stable")
        row, rest = row[by_row], [part[by_row] for part in rest]
    return row, *rest


def _paths_to(occluders: Occluders, tx_m, rx_m, max_order):
    """Paths to receivers that all lie above the scene's lowest plane, or all below it."""
    everyone, two_sided = np.arange(len(rx_m)), seen_from_both_sides(occluders.polygons, tx_m, rx_m)
    candidates = [(everyone, np.zeros(len(rx_m), int), *_straight(tx_m, rx_m, max_order))]
    if max_order:
        undivided = 4096 if occluders.is_small else 16  # a few beams are soon held against every receiver
        receivers = BoxTree(rx_m, rx_m, occluders.tree.origin_m, occluders.slack_m(rx_m), 16, undivided)
        tree = image_tree(occluders, tx_m, rx_m, max_order, two_sided)
        for node, row in receivers.in_beams(tree.planes):
            candidates.append(_traced_back(occluders.polygons, tree, tx_m, rx_m, row, node, max_order))
    row, order, corners_m, polygon = (np.concatenate(part) for part in zip(*candidates, strict=True))
    free = ~occluders.cut_lines(corners_m, order + 1)
    row, order, corners_m, polygon = row[free], order[free], corners_m[free], polygon[free]
    rows = _sorted_once(row, order, corners_m, polygon, occluders.polygons.tolerance_m)
    return row[rows], order[rows], corners_m[rows], polygon[rows]


def seen_from_both_sides(polygons: Polygons, tx_m: np.ndarray, rx_m: np.ndarray) -> np.ndarray:
    """Tell which polygons (M,) waves meet on both sides: open ones, and bodies with the transmitter inside or on them.

    A node under the lowest corner could look into a body through the floor it lacks; then all polygons do.
    """
    if min(tx_m[2], rx_m[:, 2].min()) < polygons.lowest_m - polygons.tolerance_m:
        return np.ones(len(polygons), bool)
    low_m, high_m = polygons.body_boxes_m
    pad_m = polygons.tolerance_m
    around = ((low_m - pad_m <= tx_m) & (tx_m <= high_m + pad_m)).all(axis=1)
    rows = np.flatnonzero(around[polygons.body] & polygons.one_sided)
    if len(rows) == 0:
        return ~polygons.one_sided
    a, b, c, d = (polygons.corners_m[rows, i] - tx_m for i in range(4))
    turns = np.bincount(polygons.body[rows], solid_angle(a, b, c) + solid_angle(a, c, d), len(low_m)) / (4 * np.pi)
    both = turns > _INSIDE
    rows = rows[np.abs(polygons.normal[rows] @ tx_m - polygons.offset_m[rows]) <= pad_m]
    both[polygons.body[rows[polygons.inside(rows, np.broadcast_to(tx_m, (len(rows), 3)))]]] = True
    return ~polygons.one_sided | both[polygons.body]


def _straight(tx_m, rx_m, max_order):
    """Rows of corners and polygons before anything is met."""
    corners_m = np.repeat(rx_m[:, None], max_order + 2, axis=1)
    corners_m[:, 0] = tx_m
    return corners_m, np.full((len(rx_m), max_order), -1)


def _traced_back(polygons: Polygons, tree: Nodes, tx_m, rx_m, row, node, max_order):
    """Pairs of a receiver and a node whose points all lie in their polygons, as `specular_paths` returns them."""
    backwards, here_m, alive = [], rx_m[row], np.arange(len(row))
    order, step = np.zeros(len(row), int), node
    while len(alive):
        mirror, image_m = tree.polygon[step], tree.image_m[step]
        plane = polygons.planes[mirror]
        a, b = dot(plane[:, :3], here_m) + plane[:, 3], dot(plane[:, :3], image_m) + plane[:, 3]
        apart = (np.minimum(a, b) < -polygons.tolerance_m) & (np.maximum(a, b) > polygons.tolerance_m)
        share = np.divide(a, a - b, out=np.zeros_like(a), where=apart)
        point_m = here_m + share[:, None] * (image_m - here_m)
        apart[apart] = polygons.inside(mirror[apart], point_m[apart])
        order[alive[~apart]] = -1
        alive, mirror, point_m, step = alive[apart], mirror[apart], point_m[apart], tree.parent[step[apart]]
        order[alive] += 1
        backwards.append((alive, mirror, point_m))
        alive, here_m, step = alive[step >= 0], point_m[step >= 0], step[step >= 0]
    kept = np.flatnonzero(order > 0)
    place = np.full(len(row), -1)
    place[kept] = np.arange(len(kept))
    corners_m, polygon = _straight(tx_m, rx_m[row[kept]], max_order)
    for back, (alive, mirror, point_m) in enumerate(backwards):
        good = place[alive] >= 0
        at, number = place[alive[good]], order[alive[good]] - back
        corners_m[at, number], polygon[at, number - 1] = point_m[good], mirror[good]
    return row[kept], order[kept], corners_m, polygon


def _sorted_once(row, order, corners_m, polygon, tolerance_m):
    """Row numbers of different paths by receiver, length and order.

    On a seam, or where two things share a face, one path is found several times.
    """
    length_m = travel(corners_m)[1].sum(axis=1)
    rows = np.lexsort((*polygon.T[::-1], order, length_m, row))
    places = corners_m[rows, 1:-1].reshape(len(row), 3 * polygon.shape[1]) / (100 * tolerance_m)
    places = np.column_stack([row[rows], np.round(places + _OFF_GRID).astype(np.int64)])
    mixed = places @ (2 * np.arange(1, places.shape[1] + 1) ** 9 + 1)  # equal rows are equal in this; hardly any others
    by_mixed = np.argsort(mixed, kind="stable")
    again = np.zeros(len(row), bool)
    twins = np.flatnonzero(np.diff(mixed[by_mixed]) == 0)
    again[by_mixed[twins + 1]] = (places[by_mixed[twins]] == places[by_mixed[twins + 1]]).all(axis=1)
    return rows[~again]
