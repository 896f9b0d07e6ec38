"""Wavefront OBJ files: points (``v``), polygons (``f``), and who they belong to (``o``, ``g``, ``usemtl``).

Texture corners, normals, lines and material libraries (``.mtl`` holds colours) are skipped.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from dnt_lab.raytracing.mesh_checks import triangulated


class ObjMesh(NamedTuple):
    """Vertices (V, 3), triangles (F, 3), object and material (F,) as numbers of two lists of names.

    The name of a material is None for triangles before any ``usemtl``.
    """

    vertices_m: np.ndarray
    faces: np.ndarray
    face_object: np.ndarray
    face_material: np.ndarray
    objects: list[str]
    materials: list[str | None]


def read_obj(path: Path) -> ObjMesh:
    """Read an OBJ file.

    Raises
    ------
    ValueError
        If the file has no faces or a line of it is broken; the sentence names the file and the line.
    """
    vertices, corners, size, labels = [], [], [], []
    thing, material = path.stem, None
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        key, _, rest = line.strip().partition(" ")
        rest = rest.partition("#")[0].strip()
        try:
            if key == "v":
                x, y, z = map(float, rest.split()[:3])
                vertices.append((x, y, z))
            elif key == "f":
                face = [_corner(word, len(vertices)) for word in rest.split()]
                corners += face
                size.append(len(face))
                labels.append((thing, material))
            elif key in ("o", "g"):
                thing = rest or path.stem
            elif key == "usemtl":
                material = rest or None
        except ValueError:
            right = "x, y and z" if key == "v" else "numbers of vertices that stand above it"
            raise ValueError(f"{path.name}, line {number}: {line.strip()!r} must hold {right}") from None
    if not size:
        raise ValueError(f"{path.name} has no faces (lines that start with 'f'), but at least one is needed")
    vertices_m = np.array(vertices)
    faces, polygon = triangulated(path.name, vertices_m, corners, size)
    object_row, material_row = (numbered(names) for names in zip(*labels, strict=True))
    rows = np.array([(object_row[thing], material_row[material]) for thing, material in labels])[polygon]
    return ObjMesh(vertices_m, faces, rows[:, 0], rows[:, 1], list(object_row), list(material_row))


def write_obj(path: Path, mesh: ObjMesh) -> None:
    """Write an OBJ file, with all digits of the coordinates."""
    lines = [f"v {x!r} {y!r} {z!r}" for x, y, z in mesh.vertices_m.tolist()]
    thing = material = None
    for face, o, m in zip(mesh.faces + 1, mesh.face_object.tolist(), mesh.face_material.tolist(), strict=True):
        if o != thing:
            lines.append(f"o {mesh.objects[o]}")
        if m != material:
            lines.append(f"usemtl {mesh.materials[m]}")
        thing, material = o, m
        lines.append(f"f {face[0]} {face[1]} {face[2]}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def numbered(names) -> dict:
    """Number different names in the order in which they come."""
    return {name: row for row, name in enumerate(dict.fromkeys(names))}


def _corner(word: str, n_vertices: int) -> int:
    """Row of a corner such as "7", "7/1/3" or "-1" (the last vertex so far)."""
    number = int(word.partition("/")[0])
    row = number - 1 if number > 0 else n_vertices + number
    if number == 0 or not 0 <= row < n_vertices:
        raise ValueError
    return row
