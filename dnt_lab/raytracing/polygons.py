"""From triangles to reflectors: coplanar neighbours become one convex polygon, and every polygon knows its outside.

A mirror made of two triangles is one mirror. Merged, a house has a quarter of the faces, sequences of reflections fall
with its k-th power, and no path is found twice on a shared diagonal. Polygons are triangles or quadrilaterals: all
arrays have one shape.

A surface that closes around a body is seen from outside only, so half of a city's faces drop out at once. "Closed" may
leave a hole in the scene's lowest plane, where houses without a floor stand on the ground: nothing gets in from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from dnt_lab.raytracing.vectors import homogeneous

CORNERS = 4
RELATIVE_TOLERANCE = 1e-9  # of the scene's extent: what counts as one point, one plane, an edge


@dataclass(frozen=True, eq=False)
class Polygons:
    """M convex polygons with at most four corners.

    Attributes
    ----------
    corners_m : ndarray, shape (M, 4, 3)
        Corners in metres, anticlockwise seen from the side of the normal; a triangle repeats its last.
    normal, offset_m : ndarray, shapes (M, 3) and (M,)
        Unit normal, outwards where one-sided, and its plane ``normal . x = offset_m``.
    edge_normal, edge_offset_m : ndarray, shapes (M, 4, 3) and (M, 4)
        A point of the plane lies inside where ``edge_normal . x >= edge_offset_m`` for all four.
    one_sided : ndarray of bool, shape (M,)
        True where waves meet the outside only.
    object_index, material_index : ndarray of int, shape (M,)
        Whose polygon it is, and of what.
    body : ndarray of int, shape (M,)
        Number of the connected body it belongs to.
    surface : ndarray of int, shape (M,)
        Number of the flat surface; polygons of one surface can be hit at the same point on their seam.
    extent_m, tolerance_m : float
        Longest side of the box around all; lengths below its billionth part are rounding.
    lowest_m : float
        Height of the lowest corner.
    """

    corners_m: np.ndarray
    normal: np.ndarray
    offset_m: np.ndarray
    edge_normal: np.ndarray
    edge_offset_m: np.ndarray
    one_sided: np.ndarray
    object_index: np.ndarray
    material_index: np.ndarray
    body: np.ndarray
    surface: np.ndarray
    extent_m: float
    tolerance_m: float
    lowest_m: float

    def __len__(self) -> int:
        return len(self.normal)

    def inside(self, polygon: np.ndarray, point_m: np.ndarray) -> np.ndarray:
        """Tell whether points (N, 3) of the planes of polygons (N,) lie in them, edges included."""
        height_m = np.einsum("nek,nk->ne", self._edge_planes[polygon], homogeneous(point_m))
        good = height_m >= -self.tolerance_m
        return good[:, 0] & good[:, 1] & good[:, 2] & good[:, 3]

    @cached_property
    def planes(self) -> np.ndarray:
        """Rows (M, 4) of normal and negative offset: ``row[:3] . x + row[3]`` is the height over the plane."""
        return np.concatenate([self.normal, -self.offset_m[:, None]], axis=1)

    def parallels(self, pad_m: float) -> np.ndarray:
        """Rows (2, M, 4) of planes midway between a side and the farthest corner from it, scaled to -1 and 1 on these.

        What is `inside` a polygon lies between both pairs; little else of its plane does, and of a rectangle nothing.
        Each pair is `pad_m` farther apart on both sides.
        """
        planes = self._edge_planes[:, :2]
        across_m = np.einsum("mek,mck->mec", planes, homogeneous(self.corners_m)).max(axis=2)
        planes = planes - np.concatenate([np.zeros((len(self), 2, 3)), across_m[..., None] / 2], axis=2)
        return (planes / (across_m / 2 + pad_m)[..., None]).transpose(1, 0, 2)

    @cached_property
    def _edge_planes(self) -> np.ndarray:
        """The same (M, 4, 4) for the planes that stand on the edges and look inwards."""
        return np.concatenate([self.edge_normal, -self.edge_offset_m[..., None]], axis=2)

    @cached_property
    def body_boxes_m(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper corners (B, 3) of the boxes around the bodies."""
        low_m, high_m = np.full((2, self.body.max() + 1, 3), np.inf) * np.array([1, -1])[:, None, None]
        np.minimum.at(low_m, self.body, self.corners_m.min(axis=1))
        np.maximum.at(high_m, self.body, self.corners_m.max(axis=1))
        return low_m, high_m


def merged_polygons(vertices_m, faces, object_index, material_index) -> Polygons:
    """Merge triangles into polygons.

    Parameters
    ----------
    vertices_m : ndarray, shape (V, 3)
        Corners of the triangles in metres.
    faces : ndarray of int, shape (F, 3)
        Three corners a triangle.
    object_index, material_index : ndarray of int, shape (F,)
        Object and material of each triangle.

    Returns
    -------
    Polygons
        In the order of the first triangle of each.
    """
    extent_m = float(np.ptp(vertices_m, axis=0).max())
    tolerance_m = RELATIVE_TOLERANCE * extent_m
    faces, vertices_m = _welded(vertices_m, faces, 10 * tolerance_m)
    body = _hanging_together(faces, object_index)
    one_sided, faces = _oriented(vertices_m, faces, body, tolerance_m)
    normal = _unit(np.cross(*(vertices_m[faces[:, i]] - vertices_m[faces[:, 0]] for i in (1, 2))))
    offset_m = np.einsum("fj,fj->f", normal, vertices_m[faces[:, 0]])
    surface = _surfaces(normal, offset_m, object_index, material_index, faces, extent_m)
    rings = _merged(vertices_m, faces, surface, normal)
    first = np.array([triangle for triangle, _ in rings])
    corners = np.array([ring + ring[-1:] * (CORNERS - len(ring)) for _, ring in rings])
    corners_m, normal = vertices_m[corners], normal[first]
    edge_normal = _unit(np.cross(normal[:, None], np.roll(corners_m, -1, axis=1) - corners_m))
    edge_offset_m = np.einsum("mej,mej->me", edge_normal, corners_m)
    return Polygons(
        corners_m, normal, offset_m[first], edge_normal, edge_offset_m, one_sided[first], object_index[first],
        material_index[first], body[first], surface[first], extent_m, tolerance_m,
        float(vertices_m[:, 2].min()),
    )  # fmt: skip


def _unit(vectors):
    """Vectors of length 1; those without length stay zero (the edge that a triangle lacks)."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)


def _welded(vertices_m, faces, grid_m):
    """Let triangles share the vertices that lie at one place."""
    _, first, number = np.unique(np.round(vertices_m / grid_m), axis=0, return_index=True, return_inverse=True)
    return number.reshape(-1)[faces], vertices_m[first]


def _half_edges(faces, group):
    """Edges (3 F,) as keys of their group and two ends, whether they run backwards, and their triangles."""
    start, end = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    triangle = np.repeat(np.arange(len(faces)), 3)
    n = faces.max() + 1
    key = (group[triangle] * n + np.minimum(start, end)) * n + np.maximum(start, end)
    return key, start > end, triangle


def _common_edges(faces, group):
    """Pairs of triangles of one group that share an edge, and the half-edge of the first."""
    key, _, triangle = _half_edges(faces, group)
    order = np.argsort(key, kind="stable")
    at = np.flatnonzero(key[order][1:] == key[order][:-1])
    return triangle[order[at]], triangle[order[at + 1]], order[at]


def _hanging_together(faces, group):
    """Number the sets of triangles of one group that hang together by edges."""
    one, two, _ = _common_edges(faces, group)
    graph = coo_matrix((np.ones(len(one)), (one, two)), shape=(len(faces),) * 2)
    return connected_components(graph, directed=False)[1]


def _oriented(vertices_m, faces, body, tolerance_m):
    """Turn the faces of closed bodies outwards, the others upwards; tell which triangles are one-sided."""
    key, backwards, triangle = _half_edges(faces, body)
    _, edge, uses = np.unique(key, return_inverse=True, return_counts=True)
    balance = np.bincount(edge, np.where(backwards, -1, 1))
    low = (vertices_m[faces, 2] <= vertices_m[:, 2].min() + 10 * tolerance_m).ravel()
    low &= np.roll(low.reshape(faces.shape), -1, axis=1).ravel()  # both ends of the edge
    sound = np.where(uses[edge] == 1, low, (uses[edge] == 2) & (balance[edge] == 0))
    closed = np.bincount(body[triangle], ~sound) == 0
    # with the body's middle on the lowest plane as origin, a missing floor adds nothing to the volume
    middle_m = np.stack([np.bincount(body, vertices_m[faces[:, 0], i]) for i in range(3)], axis=1)
    middle_m /= np.bincount(body)[:, None]
    middle_m[:, 2] = vertices_m[:, 2].min()
    a, b, c = (vertices_m[faces[:, i]] - middle_m[body] for i in range(3))
    volume_m3 = np.bincount(body, np.einsum("fj,fj->f", a, np.cross(b, c))) / 6
    closed &= np.abs(volume_m3) > 0
    normal = np.cross(b - a, c - a)
    upwards = np.where(np.abs(normal[:, 2]) > tolerance_m, normal[:, 2], normal[:, 0] + 1e-3 * normal[:, 1])
    wrong = np.where(closed[body], volume_m3[body] < 0, upwards < 0)
    return closed[body], np.where(wrong[:, None], faces[:, ::-1], faces)


def _surfaces(normal, offset_m, object_index, material_index, faces, extent_m):
    """Number the flat surfaces: triangles of one object, material and plane that hang together by edges."""
    plane = np.column_stack([object_index, material_index, np.round(normal * 1e6), np.round(offset_m / extent_m * 1e6)])
    return _hanging_together(faces, np.unique(plane, axis=0, return_inverse=True)[1].reshape(-1))


def _merged(vertices_m, faces, surface, normal):
    """Grow each surface's triangles into convex rings of at most four corners, edge by edge, longest first."""
    one, two, half_edge = _common_edges(faces, surface)
    start, end = faces.ravel()[half_edge], np.roll(faces, -1, axis=1).ravel()[half_edge]
    pairs, length_m = np.column_stack([one, two]), np.linalg.norm(vertices_m[start] - vertices_m[end], axis=1)
    ring_of = list(range(len(faces)))  # where a triangle's ring is; merged rings point to the one that took them
    rings = faces.tolist()
    for i in np.argsort(-length_m, kind="stable").tolist():
        one, two = (_root(ring_of, t) for t in pairs[i].tolist())
        if one != two:
            ring = _joined(rings[one], rings[two], vertices_m, normal[one])
            if ring is not None:
                keep, gone = min(one, two), max(one, two)
                rings[keep], ring_of[gone] = ring, keep
    return [(t, ring) for t, ring in enumerate(rings) if ring_of[t] == t]


def _root(ring_of, t):
    while ring_of[t] != t:
        t = ring_of[t]
    return t


def _joined(one, two, vertices_m, normal):
    """Join two rings along their common edge if the result is convex and has at most four corners, else None."""
    for i, start in enumerate(one):
        end = one[(i + 1) % len(one)]
        if end in two and two[(two.index(end) + 1) % len(two)] == start:
            j = two.index(end)
            ring = one[i + 1 :] + one[: i + 1] + (two[j + 2 :] + two[: j + 2])[:-2]
            return _convex(ring, vertices_m, normal)
    return None


def _convex(ring, vertices_m, normal):
    """Return the ring without corners on a straight line; None if it bends inwards or keeps over four corners."""
    if len(set(ring)) < len(ring):
        return None
    points = vertices_m[ring]
    incoming, outgoing = points - np.roll(points, 1, axis=0), np.roll(points, -1, axis=0) - points
    turn = np.cross(incoming, outgoing) @ normal
    turn /= np.linalg.norm(incoming, axis=1) * np.linalg.norm(outgoing, axis=1)
    if (turn < -RELATIVE_TOLERANCE).any():
        return None
    kept = [corner for corner, t in zip(ring, turn.tolist(), strict=True) if t > RELATIVE_TOLERANCE]
    return kept if 3 <= len(kept) <= CORNERS else None
