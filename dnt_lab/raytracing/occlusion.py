"""Occlusion: which straight segments are cut by a polygon."""

from __future__ import annotations

import numpy as np

from dnt_lab.raytracing.box_tree import BoxTree
from dnt_lab.raytracing.polygons import Polygons
from dnt_lab.raytracing.vectors import dot, homogeneous

_LEAF, _UNDIVIDED = 8, 96  # polygons in a leaf; so many and fewer need no boxes
_SLACK = 1e-5  # of the scene's extent: more than single precision errs
# Most segments are cut near their end, where a user stands in a street: the rest need not be looked at then. The pieces
# overlap, so that nothing slips through between them.
_PIECES = [(0.9, 1.0), (0.7, 0.91), (0.0, 0.71)]
_BLOCK = 400_000  # numbers in one temporary array: they should stay in the cache


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
        low_m, high_m = corners_m.min(axis=1), corners_m.max(axis=1)
        self.tree = BoxTree(low_m, high_m, middle_m, _SLACK * polygons.extent_m, _LEAF, _UNDIVIDED)
        self.corners = homogeneous(corners_m - middle_m).astype(np.float32)
        self.is_small = not self.tree.boxes
        parallels = polygons.parallels(_SLACK * polygons.extent_m)
        parallels[..., 3] += parallels[..., :3] @ middle_m  # from here on they count from there, in single precision
        self._parallels = parallels.astype(np.float32)

    def slack_m(self, points_m: np.ndarray) -> float:
        """Length by which single precision errs less at points (N, 3), which may be far from all polygons."""
        return max(float(self.tree.slack_m), _SLACK * float(np.abs(points_m - self.tree.origin_m).max()))

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
            step = max(1, _BLOCK // (corners_m.shape[1] * 3 * len(self.polygons)))
            for first in range(0, len(corners_m), step):
                part = slice(first, first + step)
                cut[first + self._cut_all(corners_m[part], n_segments[part])] = True
            return cut
        for back in range(corners_m.shape[1] - 1):  # most are cut on the last segment, in the streets
            rows = np.flatnonzero(~cut & (n_segments > back))
            end = n_segments[rows] - back
            cut[rows] = self._cut_segments(corners_m[rows, end - 1], corners_m[rows, end])
        return cut

    def blocked(self, start_m: np.ndarray, end_m: np.ndarray) -> np.ndarray:
        """Tell which segments (N, 3) to (N, 3) a polygon cuts strictly between their ends; shape (N,)."""
        return self.cut_lines(np.stack([start_m, end_m], axis=1), np.ones(len(start_m), int))

    def _cut_segments(self, start_m, end_m):
        """Tell which segments are cut, asking the tree."""
        hit = np.zeros(len(start_m), bool)
        for low, high in _PIECES:
            free = np.flatnonzero(~hit)
            start, way = start_m[free], end_m[free] - start_m[free]
            one = start if low == 0 else start + low * way
            two = end_m[free] if high == 1 else start + high * way
            for segment, polygon in self.tree.on_segments(one, two):
                plane, from_m, to_m = self.polygons.planes[polygon], one[segment], two[segment]
                a, b = dot(plane[:, :3], from_m) + plane[:, 3], dot(plane[:, :3], to_m) + plane[:, 3]
                passed = np.flatnonzero(self._passed(a, b))
                share = (a[passed] / (a[passed] - b[passed]))[:, None]
                point_m = from_m[passed] + share * (to_m[passed] - from_m[passed])
                hit[free[segment[passed[self.polygons.inside(polygon[passed], point_m)]]]] = True
        return hit

    def _cut_all(self, corners_m, n_segments):
        """Row numbers of lines that are cut, every corner held against every plane."""
        n_corners = corners_m.shape[1]
        corner = np.flatnonzero(np.arange(n_corners) <= n_segments[:, None])  # without the repeated ends
        corners_m = corners_m.reshape(-1, 3)[corner]
        height_m = homogeneous(corners_m) @ self.polygons.planes.T
        passed = self._passed(height_m[:-1], height_m[1:])
        passed[np.diff(corner // n_corners) > 0] = False  # from the end of a line to the start of the next
        segment, polygon = np.divmod(np.flatnonzero(passed), len(self.polygons))
        a, b = height_m[segment, polygon], height_m[segment + 1, polygon]
        share = a / (a - b)
        nearby = homogeneous(corners_m - self.tree.origin_m).astype(np.float32)
        is_near = self.slack_m(corners_m) == self.tree.slack_m  # else single precision may err by more
        for parallels in self._parallels if is_near else ():  # most pairs fail here, where numbers are soon at hand
            place = nearby @ parallels.T
            start, end = place[segment, polygon], place[segment + 1, polygon]
            near = np.abs(start + share * (end - start)) <= 1
            segment, polygon, share = segment[near], polygon[near], share[near]
        start_m = corners_m[segment]
        cut = self.polygons.inside(polygon, start_m + share[:, None] * (corners_m[segment + 1] - start_m))
        return corner[segment[cut]] // n_corners

    def _passed(self, a, b):
        """Tell where the heights of a segment's ends over a plane say that it passes to the other side."""
        tolerance_m = self.polygons.tolerance_m
        return ((a > tolerance_m) & (b < -tolerance_m)) | ((a < -tolerance_m) & (b > tolerance_m))
