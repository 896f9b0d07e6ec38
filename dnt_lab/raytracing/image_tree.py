r"""The image tree: in which mirrors, and in which order, a transmitter can be seen.

A wave reflected at a plane seems to come from the transmitter's mirror image behind it,
:math:`I' = I - 2 (n \cdot I - d)\, n`. Mirrored again and again, images form a tree: a node of depth k is a sequence of k
polygons. With F polygons there are F (F - 1)^(k - 1) of them; two exact questions leave a few hundred of a million.

- *Facing*: a one-sided polygon must show its outside to the image.
- *Beam*: what an image lights through its polygon is a pyramid, bounded by the planes through the image and an edge and
  by the polygon itself. The next polygon must reach into it, and so must a receiver.

Both may keep a sequence that carries no path, never drop one that does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dnt_lab.raytracing.polygons import CORNERS, Polygons

PLANES = CORNERS + 1
_BLOCK = 20_000_000  # numbers in one temporary array
_MAX_SEQUENCES = 20_000_000
_SLACK = 1e-5  # of the scene's extent: more than single precision errs


@dataclass(frozen=True, eq=False)
class Level:
    """All sequences of one length.

    Attributes
    ----------
    polygon, parent : ndarray of int, shape (S,)
        The last polygon, and the row of the sequence before it in the level above.
    image_m : ndarray, shape (S, 3)
        Image of the transmitter behind the last polygon, in metres.
    """

    polygon: np.ndarray
    parent: np.ndarray
    image_m: np.ndarray

    def __len__(self) -> int:
        return len(self.polygon)


def image_tree(polygons: Polygons, tx_m: np.ndarray, max_order: int, two_sided: np.ndarray) -> list[Level]:
    """Return the levels of order 1 to `max_order`.

    Parameters
    ----------
    polygons : Polygons
        The mirrors.
    tx_m : ndarray, shape (3,)
        The transmitter, in metres.
    max_order : int
        Length of the longest sequences.
    two_sided : ndarray of bool, shape (M,)
        Polygons that reflect on both sides here.

    Raises
    ------
    ValueError
        If there are too many sequences to hold.
    """
    nobody = np.zeros(0, int)
    levels, last = [], Level(nobody, nobody, tx_m[None])
    for order in range(1, max_order + 1):
        parent, polygon = _next_polygons(polygons, last, two_sided)
        if len(parent) > _MAX_SEQUENCES:
            raise ValueError(
                f"max_order is {max_order}, but {len(polygons):,} polygons give {len(parent):,} sequences of {order} "
                f"reflections; lower max_order, or cut the scene to what is near"
            )
        image_m = last.image_m[parent]
        height_m = np.einsum("sj,sj->s", polygons.normal[polygon], image_m) - polygons.offset_m[polygon]
        last = Level(polygon, parent, image_m - 2 * height_m[:, None] * polygons.normal[polygon])
        levels.append(last)
    return levels


def beam_planes(polygons: Polygons, polygon: np.ndarray, image_m: np.ndarray, origin_m: np.ndarray) -> np.ndarray:
    """Planes (S, 5, 4) around the beams that images (S, 3) send through polygons (S,).

    A point ``x`` lies in the beam where ``plane[:3] . (x - origin_m) + plane[3] >= 0`` for all five; single precision.
    """
    arms = polygons.corners_m[polygon] - image_m[:, None]
    normal = np.empty((len(polygon), PLANES, 3))
    normal[:, :CORNERS] = np.cross(arms, np.roll(arms, -1, axis=1))
    # an image behind its polygon sees the corners clockwise
    behind = np.einsum("sj,sj->s", polygons.normal[polygon], image_m) < polygons.offset_m[polygon]
    normal[:, :CORNERS] *= np.where(behind, 1.0, -1.0)[:, None, None]
    length = np.linalg.norm(normal[:, :CORNERS], axis=2, keepdims=True)
    normal[:, :CORNERS] /= np.where(length > 0, length, 1.0)  # the edge that a triangle lacks bounds nothing
    normal[:, CORNERS] = np.where(behind, 1.0, -1.0)[:, None] * polygons.normal[polygon]
    through_m = np.repeat(image_m[:, None], PLANES, axis=1)
    through_m[:, CORNERS] = polygons.corners_m[polygon, 0]
    offset = np.einsum("spj,spj->sp", normal, through_m - origin_m)
    return np.concatenate([normal, -offset[..., None]], axis=2).astype(np.float32)


def _next_polygons(polygons: Polygons, level: Level, two_sided: np.ndarray):
    """Pairs of a level's row and a polygon that faces its image and reaches into its beam."""
    middle_m = polygons.corners_m.mean(axis=1)
    radius_m = np.linalg.norm(polygons.corners_m - middle_m[:, None], axis=2).max(axis=1).astype(np.float32)
    origin_m = middle_m.mean(axis=0)
    spheres = _homogeneous(middle_m - origin_m)
    corners = _homogeneous((polygons.corners_m - origin_m).reshape(-1, 3)).reshape(4, len(polygons), CORNERS)
    slack_m = np.float32(_SLACK * polygons.extent_m)
    rows, found = [], []
    step = max(1, _BLOCK // (PLANES * len(polygons)))
    for start in range(0, len(level.image_m), step):
        image_m = level.image_m[start : start + step]
        height_m = image_m @ polygons.normal.T - polygons.offset_m
        near = np.where(two_sided, np.abs(height_m), height_m) > polygons.tolerance_m
        if len(level):
            planes = beam_planes(polygons, level.polygon[start : start + step], image_m, origin_m)
            for p in range(PLANES):
                near &= planes[:, p] @ spheres >= -radius_m - slack_m
        row, polygon = np.nonzero(near)
        if len(level):
            inside = np.ones(len(row), bool)
            for p in range(PLANES):
                height = np.einsum("ik,ikc->kc", planes[row, p].T, corners[:, polygon])
                inside &= (height >= -slack_m).any(axis=1)
            row, polygon = row[inside], polygon[inside]
            other = polygons.surface[polygon] != polygons.surface[level.polygon[start + row]]
            row, polygon = row[other], polygon[other]
        rows.append(row + start)
        found.append(polygon)
    return np.concatenate(rows), np.concatenate(found)


def _homogeneous(points_m):
    """Points (N, 3) as columns (4, N) with a last 1, in single precision."""
    return np.concatenate([points_m.T, np.ones((1, len(points_m)))]).astype(np.float32)
