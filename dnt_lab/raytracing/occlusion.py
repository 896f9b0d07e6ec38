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
_BLOCK = 1_000_000  # numbers in one temporary array


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
        corners_m = polygons.corners_m
        middle_m = corners_m.mean(axis=(0, 1))
        self.tree = BoxTree(corners_m.min(axis=1), corners_m.max(axis=1), middle_m, _SLACK * polygons.extent_m)
        ones = np.ones((len(polygons), CORNERS, 1))
        self.corners = np.concatenate([corners_m - middle_m, ones], axis=2).astype(np.float32)
        self.is_small = not self.tree.boxes

    def cut_lines(self, corners_m: np.ndarray, n_segments: np.ndarray) -> np.ndarray:
        """Tell which lines a polygon cuts.

        Parameters
        ----------
        corners_m : ndarray, shape (N, n, 3)
            Corners in metres; behind a line's end this is repeated.
        n_segments : ndarray of int, shape (N,)
            Segments of each line.

        Returns
        -------
        ndarray of bool, shape (N,)
            True where a polygon cuts a segment strictly between its ends.
        """
        cut = np.zeros(len(corners_m), bool)
        if self.is_small:
            step = max(1, _BLOCK // (corners_m.shape[1] * len(self.polygons)))
            for first in range(0, len(corners_m), step):
                cut[first + self._cut_all(corners_m[first : first + step])] = True
            return cut
        for back in range(corners_m.shape[1] - 1):  # most are cut on the last segment, in the streets
            rows = np.flatnonzero(~cut & (n_segments > back))
            end = n_segments[rows] - back
            cut[rows] = self.blocked(corners_m[rows, end - 1], corners_m[rows, end])
        return cut

    def blocked(self, start_m: np.ndarray, end_m: np.ndarray) -> np.ndarray:
        """Tell which segments (N, 3) to (N, 3) a polygon cuts strictly between their ends; shape (N,)."""
        if self.is_small:
            return self.cut_lines(np.stack([start_m, end_m], axis=1), np.ones(len(start_m), int))
        hit = np.zeros(len(start_m), bool)
        for low, high in _PIECES:
            free = np.flatnonzero(~hit)
            start, way = start_m[free], end_m[free] - start_m[free]
            one = start if low == 0 else start + low * way
            two = end_m[free] if high == 1 else start + high * way
            for segment, polygon in self.tree.on_segments(one, two):
                hit[free[segment[self._cuts(one[segment], two[segment], polygon)]]] = True
        return hit

    def _cuts(self, start_m, end_m, polygon):
        """Tell, pair by pair, whether polygons (N,) cut segments (N, 3) to (N, 3)."""
        plane, tolerance_m = self.polygons.planes[polygon], self.polygons.tolerance_m
        a, b = dot(plane[:, :3], start_m) + plane[:, 3], dot(plane[:, :3], end_m) + plane[:, 3]
        cut = (np.minimum(a, b) < -tolerance_m) & (np.maximum(a, b) > tolerance_m)
        pair = np.flatnonzero(cut)
        share = (a[pair] / (a[pair] - b[pair]))[:, None]
        cut[pair] = self.polygons.inside(polygon[pair], start_m[pair] + share * (end_m[pair] - start_m[pair]))
        return cut

    def _cut_all(self, corners_m):
        """Row numbers of lines (N, n, 3) that are cut, every corner held against every plane."""
        planes, tolerance_m = self.polygons.planes, self.polygons.tolerance_m
        height_m = corners_m @ planes[:, :3].T + planes[:, 3]
        above, below = height_m > tolerance_m, height_m < -tolerance_m
        passes = (above[:, :-1] & below[:, 1:]) | (below[:, :-1] & above[:, 1:])
        line, segment, polygon = np.nonzero(passes)
        a, b = height_m[line, segment, polygon], height_m[line, segment + 1, polygon]
        start_m, end_m = corners_m[line, segment], corners_m[line, segment + 1]
        return line[self.polygons.inside(polygon, start_m + (a / (a - b))[:, None] * (end_m - start_m))]
