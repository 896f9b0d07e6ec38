"""The slow way to all paths, for tests: every sequence of raw triangles is tried, nothing is merged, pruned or sorted.

It shares no code with the tracer. Triangles are two-sided, and a path found on several triangles counts once.
"""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from dnt_lab.raytracing import box_tree, occlusion
from dnt_lab.raytracing.trace import trace

TOLERANCE = 1e-9  # of the longest side of the scene: ends on a plane neither cross it nor reflect there
SAME_POINT_M = 1e-6
_BLOCK = 20_000  # sequences in one array


def exhaustive_paths(scene, tx_m, rx_m, max_order):
    """Return the interaction points of every path between two nodes: a list of arrays (k, 3), k from 0 to `max_order`.

    There are F (F - 1)^(k - 1) sequences of k triangles, so scenes must be small.
    """
    walls = _Triangles(scene)
    tx_m, rx_m = np.asarray(tx_m, float), np.asarray(rx_m, float)
    found = []
    for order in range(max_order + 1):
        for sequences in _sequences(len(walls.normal), order):
            for points_m in walls.specular_points(sequences, tx_m, rx_m):
                if not has(found, points_m) and not walls.cut([tx_m, *points_m, rx_m]):
                    found.append(points_m)
    return found


def has(paths, points_m) -> bool:
    """Tell whether one of `paths`, a list of arrays (k, 3), goes through these points (k, 3)."""
    return any(p.shape == points_m.shape and np.abs(p - points_m).max(initial=0) < SAME_POINT_M for p in paths)


def difference(paths, others) -> list:
    """Paths, arrays (k, 3), that only one of two lists has; one listed twice is a difference too."""
    missing = [p for p in paths if not has(others, p)] + [p for p in others if not has(paths, p)]
    return missing + [p for part in (paths, others) for i, p in enumerate(part) if has(part[:i], p)]


def points_of(paths, rx=0, tx=0) -> list:
    """Interaction points of one link of a `Paths`, as a list of arrays (k, 3)."""
    link = paths.link(rx, tx)
    return [points_m[:order] for points_m, order in zip(link.points_m, link.order.tolist(), strict=True)]


def trace_pruned(everywhere, scene, *args, **settings):
    """Trace with every prune at work even in a tiny scene, or without boxes and sight even in a large one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(occlusion, "_UNDIVIDED", 4 if everywhere else 10**9)
        patch.setattr(box_tree, "_DENSE", 8)
        scene = replace(scene)  # a new one: what was computed from the old one is kept with it
        assert scene.occluders.is_small != (everywhere and len(scene.polygons) > 8)
        return trace(scene, *args, **settings)


def _sequences(n, order):
    """Yield all sequences (S, order) of n triangles that do not name one twice in a row, block by block."""
    total = n**order
    for first in range(0, total, _BLOCK):
        numbers = np.arange(first, min(first + _BLOCK, total))
        sequences = np.stack([numbers // n**k % n for k in range(order)], axis=1) if order else np.zeros((1, 0), int)
        yield sequences[(sequences[:, 1:] != sequences[:, :-1]).all(axis=1)]


class _Triangles:
    """Planes of the triangles and of their edges."""

    def __init__(self, scene):
        self.corners_m = scene.vertices_m[scene.faces]
        sides_m = np.roll(self.corners_m, -1, axis=1) - self.corners_m
        self.normal = _unit(np.cross(sides_m[:, 0], sides_m[:, 1]))
        self.inwards = _unit(np.cross(self.normal[:, None], sides_m))
        self.tolerance_m = TOLERANCE * np.ptp(scene.vertices_m, axis=0).max()

    def height_m(self, triangle, point_m):
        """Height (N,) of points over the planes of triangles (N,)."""
        return np.sum(self.normal[triangle] * (point_m - self.corners_m[triangle, 0]), axis=-1)

    def contains(self, triangle, point_m):
        """Tell which points (N, 3) of the planes lie in their triangles (N,)."""
        inside_m = np.sum(self.inwards[triangle] * (point_m[:, None] - self.corners_m[triangle]), axis=-1)
        return (inside_m >= -self.tolerance_m).all(axis=1)

    def specular_points(self, sequences, tx_m, rx_m):
        """Points (S', k, 3) of those sequences (S, k) whose points all lie in their triangles."""
        order = sequences.shape[1]
        images_m = [np.tile(tx_m, (len(sequences), 1))]
        good = np.ones(len(sequences), bool)
        for triangle in sequences.T:
            height_m = self.height_m(triangle, images_m[-1])
            images_m.append(images_m[-1] - 2 * height_m[:, None] * self.normal[triangle])
        points_m = np.zeros((len(sequences), order, 3))
        here_m = np.tile(rx_m, (len(sequences), 1))
        for k in reversed(range(order)):
            triangle = sequences[:, k]
            a, b = self.height_m(triangle, here_m), self.height_m(triangle, images_m[k + 1])
            apart = (np.abs(a) > self.tolerance_m) & (np.abs(b) > self.tolerance_m) & (a * b < 0)
            share = np.where(apart, a, 0) / np.where(apart, a - b, 1)
            here_m = points_m[:, k] = here_m + share[:, None] * (images_m[k + 1] - here_m)
            good &= apart & self.contains(triangle, here_m)
        return points_m[good]

    def cut(self, way_m) -> bool:
        """Tell whether a triangle lies across a way (k + 2, 3), strictly between its corners."""
        everyone = np.arange(len(self.normal))
        for start_m, end_m in pairwise(way_m):
            a, b = self.height_m(everyone, start_m), self.height_m(everyone, end_m)
            triangle = np.flatnonzero((np.abs(a) > self.tolerance_m) & (np.abs(b) > self.tolerance_m) & (a * b < 0))
            a, b = a[triangle, None], b[triangle, None]
            if self.contains(triangle, start_m + a / (a - b) * (end_m - start_m)).any():
                return True
        return False


def _unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
