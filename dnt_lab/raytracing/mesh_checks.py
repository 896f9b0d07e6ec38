"""Questions asked of a mesh at the door: each is answered by one sentence that says what is right."""

from __future__ import annotations

import numpy as np

# The height of a triangle over its longest side, as a share of that side, must be more than rounding.
_FLAT = 1e-12
_MEANING = {
    "faces": "three rows of vertices_m a triangle",
    "face_object": "one row of objects a triangle",
    "face_material": "one row of materials a triangle",
}


def points(vertices_m) -> np.ndarray:
    """Copy of `vertices_m` as a float array (V, 3) if all are finite, else say which is not."""
    vertices_m = np.array(vertices_m, float)
    if vertices_m.ndim != 2 or vertices_m.shape[1] != 3:
        raise ValueError(f"vertices_m has shape {vertices_m.shape}, but (V, 3) is needed: x, y, z in metres")
    if not np.isfinite(vertices_m).all():
        row = int(np.flatnonzero(~np.isfinite(vertices_m).all(axis=1))[0])
        raise ValueError(f"vertex {row} is {vertices_m[row].tolist()}, but coordinates are finite numbers of metres")
    return vertices_m


def integers(name: str, values, length: int | None, end: int, of: str) -> np.ndarray:
    """Copy of `values` as rows 0..end-1 of `of`, shape (length,), or (F, 3) if that is None; else say what is wrong."""
    values = np.array(values)
    if values.size == 0:
        raise ValueError("the scene is empty, but at least one triangle is needed")
    shape, right = (
        ("(F, 3)", values.shape[1:] == (3,)) if length is None else (f"({length},)", values.shape == (length,))
    )
    if not right:
        raise ValueError(f"{name} has shape {values.shape}, but {shape} is needed: {_MEANING[name]}")
    if not np.issubdtype(values.dtype, np.integer):
        raise TypeError(f"{name} is an array of {values.dtype}, but whole numbers are needed: {_MEANING[name]}")
    wrong = np.argwhere((values < 0) | (values >= end))
    if len(wrong):
        at = tuple(wrong[0].tolist())
        raise ValueError(f"{name} of triangle {at[0]} is {values[at]}, but {of} has the rows 0 to {end - 1}")
    return values.astype(np.int64)


def flat(triangles_m: np.ndarray) -> np.ndarray:
    """Tell which triangles (F, 3, 3) have no area: two corners are one, or all three lie on a line."""
    sides = np.roll(triangles_m, -1, axis=1) - triangles_m
    area = np.linalg.norm(np.cross(sides[:, 0], sides[:, 1]), axis=1)
    return area <= _FLAT * np.einsum("fij,fij->fi", sides, sides).max(axis=1)


def triangulated(where: str, vertices_m: np.ndarray, corners, size) -> tuple[np.ndarray, np.ndarray]:
    """Cut the polygons of a file into fans of triangles and leave out those without an area.

    Parameters
    ----------
    where : str
        Name of the file, for errors.
    vertices_m : ndarray, shape (V, 3)
        Points in metres.
    corners : ndarray of int
        Corners of all polygons, one polygon after the other.
    size : ndarray of int, shape (P,)
        Number of corners of each polygon.

    Returns
    -------
    faces : ndarray of int, shape (F, 3)
        Corners of the triangles.
    polygon : ndarray of int, shape (F,)
        Polygon of each triangle.

    Raises
    ------
    ValueError
        If a point is not finite, or a polygon has too few corners, points to nothing or is not convex.
    """
    wrong = np.flatnonzero(~np.isfinite(vertices_m).all(axis=1))
    if len(wrong):
        raise ValueError(f"{where}, vertex {wrong[0]} is {vertices_m[wrong[0]].tolist()}, but must be finite")
    size = np.asarray(size, int)
    if (size < 3).any():
        first = np.flatnonzero(size < 3)[0]
        raise ValueError(f"{where}, face {first} has {size[first]} corners, but a face needs 3 or more")
    corners = np.asarray(corners).astype(int)
    wrong = np.flatnonzero((corners < 0) | (corners >= len(vertices_m)))
    if len(wrong):
        face = np.searchsorted(np.cumsum(size), wrong[0], side="right")
        raise ValueError(f"{where}, face {face} has corner {corners[wrong[0]]} of {len(vertices_m)} vertices")
    polygon = np.repeat(np.arange(len(size)), size - 2)
    start = (np.cumsum(size) - size)[polygon]
    step = np.arange(len(polygon)) - (np.cumsum(size - 2) - (size - 2))[polygon]
    faces = np.column_stack([corners[start], corners[start + step + 1], corners[start + step + 2]])
    triangles_m = vertices_m[faces]
    keep = ~flat(triangles_m)
    faces, polygon, triangles_m = faces[keep], polygon[keep], triangles_m[keep]
    if len(faces) == 0:
        raise ValueError(f"{where} has no triangle with an area, but at least one is needed")
    normal = np.cross(triangles_m[:, 1] - triangles_m[:, 0], triangles_m[:, 2] - triangles_m[:, 0])
    whole = np.stack([np.bincount(polygon, normal[:, i], len(size)) for i in range(3)], axis=1)[polygon]
    # the triangles of a convex polygon face one way; a little bent is fine, so anything below 60 degrees is one way
    along = np.einsum("fi,fi->f", normal, whole)
    turned = np.flatnonzero(along <= 0.5 * np.linalg.norm(normal, axis=1) * np.linalg.norm(whole, axis=1))
    if len(turned):
        raise ValueError(f"{where}, face {polygon[turned[0]]} is not convex; cut it into triangles")
    return faces, polygon


def check_areas(triangles_m: np.ndarray):
    """Refuse triangles without an area: they have no normal."""
    wrong = np.flatnonzero(flat(triangles_m))
    if len(wrong):
        raise ValueError(
            f"triangle {wrong[0]} has no area: its corners {triangles_m[wrong[0]].tolist()} lie on one line, "
            "but a wall needs an area; leave it out"
        )


def check_names(materials):
    """Refuse two different materials of one name."""
    first = {}
    for material in materials:
        if first.setdefault(material.name, material) != material:
            raise ValueError(
                f"two materials are called {material.name!r}, {first[material.name]!r} and {material!r}, "
                "but a name stands for one material; give one of them another name"
            )
