"""Occlusion: which straight segments are cut by a polygon.

Polygons lie in the leaves of a balanced tree of boxes. All segments go down the tree together, level by level: the
pairs of a segment and a box it meets are arrays, so there is no loop over segments. A scene of a few dozen polygons
is one leaf, and every segment is held against every plane at once.
"""

from __future__ import annotations

import numpy as np

from dnt_lab.raytracing.polygons import Polygons

_LEAF = 8  # polygons
_ONE_LEAF = 96  # so many polygons and fewer need no tree
_WAYS = 8  # children of a box
_BLOCK = 2_000_000  # pairs in one temporary array


class Occluders:
    """Polygons, ready to be asked what they cut.

    Parameters
    ----------
    polygons : Polygons
        The obstacles.
    """

    def __init__(self, polygons: Polygons):
        self.polygons = polygons
        self.planes = np.concatenate([polygons.normal, -polygons.offset_m[:, None]], axis=1)
        self.boxes: list[np.ndarray] = []  # from the top down, (n, 6): lower and upper corner
        if len(polygons) > _ONE_LEAF:
            self._grow()

    def blocked(self, start_m: np.ndarray, end_m: np.ndarray) -> np.ndarray:
        """Tell which segments (N, 3) to (N, 3) a polygon cuts strictly between their ends; shape (N,)."""
        hit = np.zeros(len(start_m), bool)
        hit[self.crossings(start_m, end_m)[0]] = True
        return hit

    def crossings(self, start_m: np.ndarray, end_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return all pairs of a segment's and a polygon's number where the polygon cuts the segment."""
        found = [np.zeros((2, 0), int)]
        step = max(1, _BLOCK // (len(self.polygons) if not self.boxes else 64))
        for first in range(0, len(start_m), step):
            start, end = start_m[first : first + step], end_m[first : first + step]
            segment, polygon = self._near(start, end) if self.boxes else self._apart(start, end)
            cut = self._cuts(start[segment], end[segment], polygon)
            found.append(np.stack([segment[cut] + first, polygon[cut]]))
        return tuple(np.concatenate(found, axis=1))

    def _apart(self, start_m, end_m):
        """Pairs whose segment has its ends on different sides of the polygon's plane, without a tree."""
        tolerance_m, normal, offset = self.polygons.tolerance_m, self.planes[:, :3].T, self.planes[:, 3]
        a, b = start_m @ normal + offset, end_m @ normal + offset
        return np.nonzero((np.minimum(a, b) < -tolerance_m) & (np.maximum(a, b) > tolerance_m))

    def _cuts(self, start_m, end_m, polygon):
        """Tell, pair by pair, whether the polygon cuts the segment."""
        plane, tolerance_m = self.planes[polygon], self.polygons.tolerance_m
        a = np.einsum("nj,nj->n", plane[:, :3], start_m) + plane[:, 3]
        b = np.einsum("nj,nj->n", plane[:, :3], end_m) + plane[:, 3]
        cut = (np.minimum(a, b) < -tolerance_m) & (np.maximum(a, b) > tolerance_m)
        pair = np.flatnonzero(cut)
        share = (a[pair] / (a[pair] - b[pair]))[:, None]
        cut[pair] = self.polygons.inside(polygon[pair], start_m[pair] + share * (end_m[pair] - start_m[pair]))
        return cut

    def _grow(self):
        """Sort the polygons into leaves of neighbours and wrap boxes around them, from the bottom up."""
        corners_m = self.polygons.corners_m
        middle_m = corners_m.mean(axis=1)
        depth = 0
        while _LEAF * _WAYS**depth < len(self.polygons):
            depth += 1
        leaves = [np.arange(len(self.polygons))]
        for _ in range(3 * depth):  # each way of eight is three halvings
            leaves = [half for leaf in leaves for half in _halves(leaf, middle_m)]
        size = max(len(leaf) for leaf in leaves)
        self.leaves = np.array([np.pad(leaf, (0, size - len(leaf)), mode="edge") for leaf in leaves])
        pad_m = self.polygons.tolerance_m
        low, high = corners_m.min(axis=1)[self.leaves] - pad_m, corners_m.max(axis=1)[self.leaves] + pad_m
        boxes = np.concatenate([low.min(axis=1), high.max(axis=1)], axis=1)
        while True:
            self.boxes.insert(0, boxes)
            if len(boxes) <= _WAYS:
                return
            groups = boxes.reshape(-1, _WAYS, 6)
            boxes = np.concatenate([groups[..., :3].min(axis=1), groups[..., 3:].max(axis=1)], axis=1)

    def _near(self, start_m, end_m):
        """Pairs of a segment and a polygon in a leaf whose box the segment meets."""
        with np.errstate(divide="ignore"):
            slope = 1 / (end_m - start_m)
        slope[~np.isfinite(slope)] = 1e300  # along an axis: outside of a slab it is infinitely far away
        segment = np.repeat(np.arange(len(start_m)), len(self.boxes[0]))
        box = np.tile(np.arange(len(self.boxes[0])), len(start_m))
        for level, boxes in enumerate(self.boxes):
            if level:
                segment = np.repeat(segment, _WAYS)
                box = (box[:, None] * _WAYS + np.arange(_WAYS)).ravel()
            s, k = start_m[segment], slope[segment]
            one, two = (boxes[box, :3] - s) * k, (boxes[box, 3:] - s) * k
            enter, leave = np.minimum(one, two).max(axis=1), np.maximum(one, two).min(axis=1)
            meets = (enter <= leave) & (leave >= 0) & (enter <= 1)
            segment, box = segment[meets], box[meets]
        size = self.leaves.shape[1]
        return np.repeat(segment, size), self.leaves[box].ravel()


def _halves(rows, middle_m):
    """Two halves of some polygons along the longest side of their box."""
    axis = np.ptp(middle_m[rows], axis=0).argmax()
    order = rows[np.argsort(middle_m[rows, axis], kind="stable")]
    return order[: (len(order) + 1) // 2], order[len(order) // 2 :]
