"""What a picture needs of a triangle mesh: its edges without the diagonals, its flat tops, and the lid of a room."""

from dataclasses import dataclass

import numpy as np

from dnt_lab.viz._checks import numbers

_WELD = 1e-6  # of the extent: vertices closer than this are one
_SAME_PLANE = np.cos(np.deg2rad(2.0))
_UPRIGHT = 0.02  # vertical part of a wall's unit normal
_COVERS = 0.9  # of the scene's area: a roof this large is the lid of a room


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles, welded.

    Attributes
    ----------
    vertices_m : ndarray, shape (V, 3)
        Corners in metres.
    faces : ndarray of int, shape (F, 3)
        Three corners a triangle.
    normal : ndarray, shape (F, 3)
        Unit normals; which of the two sides they point to says nothing.
    plate : ndarray of int, shape (F,)
        Number of the roof, floor or ground that a triangle belongs to, -1 for walls.
    lid : ndarray of bool, shape (F,)
        True for the ceiling of a room, whose inside could not be seen otherwise.
    """

    vertices_m: np.ndarray
    faces: np.ndarray
    normal: np.ndarray
    plate: np.ndarray
    lid: np.ndarray

    @property
    def ground(self) -> np.ndarray:
        """True for what lies on the lowest level, shape (F,)."""
        height_m = self.vertices_m[self.faces, 2]
        level_m = height_m.min() + _WELD * np.ptp(self.vertices_m, axis=0).max()
        return (self.plate >= 0) & (height_m.max(axis=1) <= level_m)

    @property
    def glass(self) -> np.ndarray:
        """True for the ceiling of a room and for the walls that reach it, shape (F,)."""
        if not self.lid.any():
            return self.lid
        height_m = self.vertices_m[self.faces, 2]
        return self.lid | (
            height_m.max(axis=1) >= height_m[self.lid].min() - _WELD * np.ptp(self.vertices_m, axis=0).max()
        )

    def edges(self) -> np.ndarray:
        """Return the edges (E, 2) between triangles that do not lie in one plane, each once."""
        ends = np.sort(np.stack([self.faces, np.roll(self.faces, -1, axis=1)], axis=2).reshape(-1, 2), axis=1)
        edge, first, which, uses = np.unique(ends, axis=0, return_index=True, return_inverse=True, return_counts=True)
        normal = np.repeat(self.normal, 3, axis=0)
        bend = np.ones(len(edge))
        np.minimum.at(bend, which.reshape(-1), np.abs((normal * normal[first][which.reshape(-1)]).sum(axis=1)))
        return edge[(uses == 1) | (bend < _SAME_PLANE)]


def mesh_of(scene, bounds_m=None) -> Mesh:
    """Take the mesh of a `raytracing.Scene`, or of anything with ``vertices_m``, ``faces`` and ``face_object``.

    Parameters
    ----------
    scene : raytracing.Scene
        The scene.
    bounds_m : (xmin, ymin, xmax, ymax), optional
        Objects that reach inside stay whole, and flat ones (the ground) are cut to it.

    Raises
    ------
    TypeError
        If it has no mesh.
    ValueError
        If no object reaches into `bounds_m`.
    """
    missing = [name for name in ("vertices_m", "faces", "face_object") if not hasattr(scene, name)]
    if missing:
        raise TypeError(f"scene is a {type(scene).__name__} without {missing[0]}; it must be a raytracing.Scene.")
    vertices_m, faces = numbers("vertices_m", scene.vertices_m, allow_nan=False), np.asarray(scene.faces)
    if bounds_m is not None:
        vertices_m, faces = _cut(vertices_m, faces, np.asarray(scene.face_object), bounds_m)
    vertices_m, faces = _welded(vertices_m, faces)
    corner_m = vertices_m[faces]
    normal = np.cross(corner_m[:, 1] - corner_m[:, 0], corner_m[:, 2] - corner_m[:, 0])
    length = np.linalg.norm(normal, axis=1)
    faces, normal = faces[length > 0], normal[length > 0] / length[length > 0, None]
    plate = _plates(faces, np.abs(normal[:, 2]) < _UPRIGHT)
    return Mesh(vertices_m, faces, normal, plate, _lids(vertices_m[faces], plate))


def box_of(bounds_m) -> np.ndarray:
    """Return ``(xmin, ymin, xmax, ymax)`` as an array; raise ValueError if that is no area."""
    box = numbers("bounds_m", bounds_m, (4,), allow_nan=False)
    if box[0] >= box[2] or box[1] >= box[3]:
        raise ValueError(f"bounds_m {tuple(bounds_m)} is empty; it must be (xmin, ymin, xmax, ymax), min below max.")
    return box


def box_around(points_m, margin: float) -> np.ndarray:
    """Return ``(xmin, ymin, xmax, ymax)`` of points (N, 2 or 3) with a margin, a share of the longer side."""
    low, high = points_m[:, :2].min(axis=0), points_m[:, :2].max(axis=0)
    more_m = margin * (high - low).max()
    return np.concatenate([low - more_m, high + more_m])


def _cut(vertices_m, faces, face_object, bounds_m):
    (xmin, ymin), (xmax, ymax) = box_of(bounds_m).reshape(2, 2)
    number, corners_m = np.unique(face_object, return_inverse=True)[1], vertices_m[faces]
    low_m, high_m = np.full((number.max() + 1, 3), np.inf), np.full((number.max() + 1, 3), -np.inf)
    np.minimum.at(low_m, number, corners_m.min(axis=1))
    np.maximum.at(high_m, number, corners_m.max(axis=1))
    reaches_in = ((low_m[:, :2] < [xmax, ymax]) & (high_m[:, :2] > [xmin, ymin])).all(axis=1)[number]
    if not reaches_in.any():
        raise ValueError(f"no object of the scene reaches into bounds_m {tuple(bounds_m)}; it must show some.")
    flat = (low_m == high_m)[number, 2]
    corners_m[flat, :, :2] = np.clip(corners_m[flat, :, :2], [xmin, ymin], [xmax, ymax])  # the ground ends there
    return corners_m[reaches_in].reshape(-1, 3), np.arange(3 * reaches_in.sum()).reshape(-1, 3)


def _welded(vertices_m, faces):
    """Let triangles share the vertices that lie at one place."""
    grid_m = _WELD * np.ptp(vertices_m, axis=0).max()
    _, first, number = np.unique(np.round(vertices_m / grid_m), axis=0, return_index=True, return_inverse=True)
    return vertices_m[first], number.reshape(-1)[faces]


def _plates(faces, upright):
    """Number the sets of lying triangles that share vertices."""
    from scipy.sparse import coo_matrix  # 0.16 s, which who draws no scene need not wait for
    from scipy.sparse.csgraph import connected_components

    plate = np.full(len(faces), -1)
    lying = faces[~upright]
    if len(lying):
        n = lying.max() + 1
        graph = coo_matrix((np.ones(2 * len(lying)), (lying[:, :2].ravel(), lying[:, 1:].ravel())), shape=(n, n))
        of_vertex = connected_components(graph, directed=False)[1]
        plate[~upright] = np.unique(of_vertex[lying[:, 0]], return_inverse=True)[1]
    return plate


def _lids(corner_m, plate):
    """Tell which plates lie in the upper half of a scene and cover it: they would hide everything."""
    low, high = corner_m.min(axis=(0, 1)), corner_m.max(axis=(0, 1))
    lid = np.zeros(len(plate), bool)
    for number in range(plate.max() + 1):
        part_m = corner_m[plate == number]
        size = np.ptp(part_m.reshape(-1, 3), axis=0)[:2] / np.maximum(high - low, _WELD)[:2]
        lid |= (plate == number) & (size.prod() >= _COVERS) & (part_m[..., 2].min() > (low[2] + high[2]) / 2)
    return lid
