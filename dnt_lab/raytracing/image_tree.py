r"""The image tree: in which mirrors, and in which order, a transmitter can be seen.

A wave reflected at a plane seems to come from the transmitter's mirror image behind it,
:math:`I' = I - 2 (n \cdot I - d)\, n`. Mirrored again and again, images form a tree: a node of depth k is a sequence of
k polygons. With F polygons there are F (F - 1)^(k - 1) of them; four exact questions leave a few hundred of a million.

- *Facing*: a one-sided polygon must show its outside to the image.
- *Beam*: an image lights a pyramid through its polygon, bounded by the planes through the image and an edge and by the
  polygon itself; and through the polygons before it, whose pyramids are mirrored along with the image. The next polygon
  must reach into all of them, and so must a receiver.
- *Height*: a wave that travels upwards above all receivers must meet a polygon that looks down; above the highest of
  these it is lost.
- *Sight*: what stands wholly behind another polygon reflects nothing (`visibility`; in small scenes not worth asking).

Each may keep a sequence that carries no path, never drop one that does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dnt_lab.raytracing.occlusion import Occluders
from dnt_lab.raytracing.polygons import CORNERS, RELATIVE_TOLERANCE, Polygons
from dnt_lab.raytracing.vectors import cross, dot
from dnt_lab.raytracing.visibility import not_hidden, windows_around

_MAX_SEQUENCES = 3_000_000


@dataclass(frozen=True, eq=False)
class Nodes:
    """S sequences of polygons, those of one depth or of all.

    Attributes
    ----------
    polygon, parent : ndarray of int, shape (S,)
        The last polygon, and the row of the sequence before it; -1 for the transmitter itself.
    image_m : ndarray, shape (S, 3)
        Image of the transmitter behind the last polygon, in metres.
    window_m : ndarray, shape (S, 4, 3)
        Corners of that polygon, through which the image shines.
    planes : ndarray, shape (p, S, 4), single precision
        What the sequence lights, as `BoxTree.in_beams` takes it.
    """

    polygon: np.ndarray
    parent: np.ndarray
    image_m: np.ndarray
    window_m: np.ndarray
    planes: np.ndarray

    def __len__(self) -> int:
        return len(self.image_m)

    def rows(self, kept) -> Nodes:
        """The sequences of a mask (S,)."""
        return Nodes(
            self.polygon[kept], self.parent[kept], self.image_m[kept], self.window_m[kept], self.planes[:, kept]
        )


def image_tree(occluders: Occluders, tx_m, rx_m, max_order: int, two_sided: np.ndarray) -> Nodes:
    """Return all sequences of 1 to `max_order` polygons, the short ones first.

    Parameters
    ----------
    occluders : Occluders
        The mirrors, which also hide each other.
    tx_m, rx_m : ndarray, shapes (3,) and (R, 3)
        The transmitter and the receivers, in metres.
    max_order : int
        Length of the longest sequences.
    two_sided : ndarray of bool, shape (M,)
        Polygons that reflect on both sides here.

    Raises
    ------
    ValueError
        If there are too many sequences to hold.
    """
    polygons = occluders.polygons
    levels, last = [], _root(occluders, tx_m)
    for order in range(1, max_order + 1):
        parent, polygon = _next_polygons(occluders, last, two_sided, rx_m if order == max_order > 1 else None)
        if order == 1:
            polygon = np.unique(polygon)
            parent = np.zeros(len(polygon), int)
        if len(parent) > _MAX_SEQUENCES:
            raise ValueError(
                f"max_order is {max_order}, but {len(polygons):,} polygons give {len(parent):,} sequences of {order} "
                f"reflections, more than {_MAX_SEQUENCES:,}; lower max_order, or cut the scene to what is near"
            )
        last = _mirrored(occluders, last, parent, polygon)
        last = last.rows(_may_come_down(polygons, last, two_sided, rx_m))
        levels.append(last)
    return _together(levels)


def _together(levels: list[Nodes]) -> Nodes:
    """One table of all levels; parents become its row numbers."""
    n_planes = max(len(level.planes) for level in levels)
    everywhere = np.array([0, 0, 0, 1], np.float32)  # a plane that bounds nothing
    planes = [
        np.concatenate([level.planes, np.broadcast_to(everywhere, (n_planes - len(level.planes), len(level), 4))])
        for level in levels
    ]
    above = np.cumsum([0, *(len(level) for level in levels[:-2])])  # where the parents' level starts
    parent = [level.parent + start for level, start in zip(levels[1:], above, strict=False)]
    return Nodes(
        np.concatenate([level.polygon for level in levels]),
        np.concatenate([np.full(len(levels[0]), -1), *parent]),
        np.concatenate([level.image_m for level in levels]),
        np.concatenate([level.window_m for level in levels]),
        np.concatenate(planes, axis=1),
    )


def _root(occluders: Occluders, tx_m: np.ndarray) -> Nodes:
    """The transmitter itself, shining everywhere; where sight is asked for, through the windows of a cube."""
    if occluders.is_small:
        return Nodes(np.full(1, -1), np.full(1, -1), tx_m[None], np.zeros((1, 4, 3)), np.zeros((0, 1, 4), np.float32))
    window_m = windows_around(tx_m, occluders.polygons.tolerance_m)
    eye_m = np.broadcast_to(tx_m, (len(window_m), 3))
    planes = _side_planes(window_m, eye_m, occluders.tree.origin_m)
    inwards = np.einsum("psk,sk->ps", planes[..., :3], window_m.mean(axis=1) - tx_m) >= 0
    nobody = np.full(len(window_m), -1)
    return Nodes(nobody, nobody, eye_m, window_m, np.where(inwards[..., None], planes, -planes))


def _next_polygons(occluders: Occluders, level: Nodes, two_sided: np.ndarray, rx_m: np.ndarray | None):
    """Pairs of a level's row and a polygon that faces its image, reaches into its beam and can be seen.

    Where the receivers are given, mirrored at the polygon their box must reach into the beam, too.
    """
    polygons, slack_m = occluders.polygons, occluders.tree.slack_m
    rows, found = [np.zeros(0, int)], [np.zeros(0, int)]
    for row, polygon in occluders.tree.in_beams(level.planes) if len(level.planes) else [_all_pairs(level, polygons)]:
        height_m = dot(polygons.normal[polygon], level.image_m[row]) - polygons.offset_m[polygon]
        facing = np.where(two_sided[polygon], np.abs(height_m), height_m) > polygons.tolerance_m
        facing &= (level.polygon[row] < 0) | (polygons.surface[polygon] != polygons.surface[level.polygon[row]])
        row, polygon = row[facing], polygon[facing]
        for plane in level.planes:
            inside = (np.einsum("pck,pk->pc", occluders.corners[polygon], plane[row]) >= -slack_m).any(axis=1)
            row, polygon = row[inside], polygon[inside]
        if rx_m is not None and not occluders.is_small:
            reached = _reach_after(occluders, level, row, polygon, rx_m)
            row, polygon = row[reached], polygon[reached]
        if not occluders.is_small:
            seen = not_hidden(polygons.corners_m[polygon], level.image_m, level.window_m, row)
            row, polygon = row[seen], polygon[seen]
        rows.append(row)
        found.append(polygon)
    return np.concatenate(rows), np.concatenate(found)


def _all_pairs(level: Nodes, polygons: Polygons):
    return np.divmod(np.arange(len(level) * len(polygons)), len(polygons))


def _may_come_down(polygons: Polygons, level: Nodes, two_sided: np.ndarray, rx_m: np.ndarray) -> np.ndarray:
    """Tell which sequences (S,) send a part of their beam downwards, or start it low enough to come down again."""
    tilt = polygons.normal[:, 2]
    looks_down = np.where(two_sided, np.abs(tilt), -tilt) > RELATIVE_TOLERANCE
    ceiling_m = polygons.corners_m[looks_down, :, 2].max(initial=-np.inf)
    downwards = (level.window_m[..., 2] < level.image_m[:, 2:]).any(axis=1)
    low = level.window_m[..., 2].min(axis=1) <= max(ceiling_m, rx_m[:, 2].max()) + 1e-6 * polygons.extent_m
    return downwards | low


def _reach_after(occluders, level, row, polygon, rx_m):
    """Row numbers of the pairs for which the receivers' box, mirrored at the polygon, reaches into the beam."""
    polygons, slack_m = occluders.polygons, occluders.slack_m(rx_m)
    low_m, high_m = rx_m.min(axis=0), rx_m.max(axis=0)
    middle_m, half_m = (low_m + high_m) / 2, (high_m - low_m) / 2
    normal = polygons.normal[polygon]
    height_m = normal @ middle_m - polygons.offset_m[polygon]
    middle_m = middle_m - 2 * height_m[:, None] * normal - occluders.tree.origin_m
    half_m = np.abs(np.eye(3) - 2 * normal[:, :, None] * normal[:, None, :]) @ half_m
    box = np.concatenate([middle_m, np.ones((len(row), 1))], axis=1).astype(np.float32), half_m.astype(np.float32)
    reached = np.arange(len(row))
    for plane in level.planes[::-1]:
        plane = plane[row[reached]]
        height = dot(plane, box[0][reached]) + dot(np.abs(plane[:, :3]), box[1][reached])
        reached = reached[height >= -slack_m]
    return reached


def _mirrored(occluders: Occluders, level: Nodes, parent: np.ndarray, polygon: np.ndarray) -> Nodes:
    """The level below: images and beams mirrored at the next polygons, and the new beams through these."""
    polygons, origin_m = occluders.polygons, occluders.tree.origin_m
    normal, source_m, window_m = polygons.normal[polygon], level.image_m[parent], polygons.corners_m[polygon]
    height_m = dot(normal, source_m) - polygons.offset_m[polygon]
    image_m = source_m - 2 * height_m[:, None] * normal
    front = np.sign(height_m)[:, None]
    # of the pyramids before, the sides; their bases lie behind
    earlier = np.delete(level.planes, CORNERS, axis=0) if (level.polygon >= 0).all() else level.planes[:0]
    planes = np.empty((CORNERS + 1 + len(earlier), len(polygon), 4), np.float32)
    planes[:CORNERS] = _side_planes(window_m, image_m, origin_m) * front
    offset_m = dot(normal, window_m[:, 0] - origin_m)
    planes[CORNERS, :, :3], planes[CORNERS, :, 3] = front * normal, -front[:, 0] * offset_m
    earlier, mirror = earlier[:, parent], normal.astype(np.float32)
    towards = dot(earlier[..., :3], mirror)
    planes[CORNERS + 1 :, :, :3] = earlier[..., :3] - 2 * towards[..., None] * mirror
    planes[CORNERS + 1 :, :, 3] = earlier[..., 3] + (2 * offset_m).astype(np.float32) * towards
    return Nodes(polygon, parent, image_m, window_m, planes)


def _side_planes(window_m: np.ndarray, image_m: np.ndarray, origin_m: np.ndarray) -> np.ndarray:
    """Planes (4, S, 4) through images (S, 3) and the edges of windows (S, 4, 3).

    They look inwards where the image is on the side from which the window's corners run clockwise.
    """
    arms = (window_m - image_m[:, None]).transpose(1, 0, 2)
    across = cross(arms, np.roll(arms, -1, axis=0))
    length = np.sqrt(dot(across, across))
    across /= np.where(length > 0, length, 1.0)[..., None]  # the edge that a triangle lacks bounds nothing
    offset = -dot(across, window_m.transpose(1, 0, 2) - origin_m)
    return np.concatenate([across, offset[..., None]], axis=2).astype(np.float32)
