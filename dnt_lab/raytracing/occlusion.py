"""Occlusion: which straight segments are cut by a polygon."""

from __future__ import annotations

import numpy as np

from dnt_lab.raytracing.box_tree import BoxTree
from dnt_lab.raytracing.polygons import CORNERS, Polygons
from dnt_lab.raytracing.vectors import dot

_SLACK = 1e-5  # of the scene's extent: more than single precision errs
# Most segments are cut near their end, where a user stands in a street: the rest need not be looked at then. The pieces
# overlap, so that nothing slips through between them.
_PIECES = [(0.9, 1.0), (0.7, 0.91), (0.0, 0.71)]
_BLOCK = 1_000_000  # pairs in one temporary array


class Occluders:
    """Polygons, ready to be asked what they cut.

    Parameters
    ----------
    polygons : Polygons
        The obstacles.

    Attributes
    ----------
    tree : BoxTree
        Boxes around the polygons.
    corners : ndarray, shape (M, 4, 4), single precision
        Corners counted from the tree's origin, and 1, so that a plane's height is one product.
    is_small : bool
        True for a few dozen polygons, which need no boxes: every segment is held against every plane at once.
    """

    def __init__(self, polygons: Polygons):
        self.polygons = polygons
        self.planes = np.concatenate([polygons.normal, -polygons.offset_m[:, None]], axis=1)
        corners_m = polygons.corners_m
        middle_m = corners_m.mean(axis=(0, 1))
        self.tree = BoxTree(corners_m.min(axis=1), corners_m.max(axis=1), middle_m, _SLACK * polygons.extent_m)
        ones = np.ones((len(polygons), CORNERS, 1))
        self.corners = np.concatenate([corners_m - middle_m, ones], axis=2).astype(np.float32)
        self.is_small = not self.tree.boxes

    def blocked(self, start_m: np.ndarray, end_m: np.ndarray) -> np.ndarray:
        """Tell which segments (N, 3) to (N, 3) a polygon cuts strictly between their ends; shape (N,)."""
        hit = np.zeros(len(start_m), bool)
        if self.is_small:
            hit[self.crossings(start_m, end_m)[0]] = True
            return hit
        for low, high in _PIECES:
            free = np.flatnonzero(~hit)
            start, way = start_m[free], end_m[free] - start_m[free]
            one = start if low == 0 else start + low * way
            two = end_m[free] if high == 1 else start + high * way
            hit[free[self.crossings(one, two)[0]]] = True
        return hit

    def crossings(self, start_m: np.ndarray, end_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return all pairs of a segment's and a polygon's number where the polygon cuts the segment."""
        found = [np.zeros((2, 0), int)]
        if self.is_small:
            step = max(1, _BLOCK // len(self.planes))
            for first in range(0, len(start_m), step):
                segment, polygon = self._cut_all(start_m[first : first + step], end_m[first : first + step])
                found.append(np.stack([segment + first, polygon]))
            return tuple(np.concatenate(found, axis=1))
        for segment, polygon in self.tree.on_segments(start_m, end_m):
            cut = self.cuts(start_m[segment], end_m[segment], polygon)
            found.append(np.stack([segment[cut], polygon[cut]]))
        return tuple(np.concatenate(found, axis=1))

    def cuts(self, start_m: np.ndarray, end_m: np.ndarray, polygon: np.ndarray) -> np.ndarray:
        """Tell, pair by pair, whether polygons (N,) cut segments (N, 3) to (N, 3)."""
        plane, tolerance_m = self.planes[polygon], self.polygons.tolerance_m
        a, b = dot(plane[:, :3], start_m) + plane[:, 3], dot(plane[:, :3], end_m) + plane[:, 3]
        cut = (np.minimum(a, b) < -tolerance_m) & (np.maximum(a, b) > tolerance_m)
        pair = np.flatnonzero(cut)
        share = (a[pair] / (a[pair] - b[pair]))[:, None]
        cut[pair] = self.polygons.inside(polygon[pair], start_m[pair] + share * (end_m[pair] - start_m[pair]))
        return cut

    def _cut_all(self, start_m, end_m):
        """All pairs that cut, every segment held against every plane."""
        tolerance_m, normal, offset = self.polygons.tolerance_m, self.planes[:, :3].T, self.planes[:, 3]
        a, b = start_m @ normal + offset, end_m @ normal + offset
        segment, polygon = np.nonzero((np.minimum(a, b) < -tolerance_m) & (np.maximum(a, b) > tolerance_m))
        a, b = a[segment, polygon], b[segment, polygon]
        share = (a / (a - b))[:, None]
        start = start_m[segment]
        cut = self.polygons.inside(polygon, start + share * (end_m[segment] - start))
        return segment[cut], polygon[cut]
