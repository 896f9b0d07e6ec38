"""Scenes in files: ``.npz`` keeps all, ``.ply``, ``.obj`` and Mitsuba ``.xml`` talk to other programs."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from dnt_lab.raytracing.itu_table import ITU_MATERIALS
from dnt_lab.raytracing.materials import FixedLoss, ItuMaterial, Material, itu_material, material_of, named, plain_name
from dnt_lab.raytracing.mitsuba_file import Shape, material_label, read_mitsuba, without_parts, write_mitsuba
from dnt_lab.raytracing.obj_file import ObjMesh, numbered, read_obj, write_obj
from dnt_lab.raytracing.ply_file import read_ply, write_ply

_KINDS = {kind.__name__: kind for kind in (Material, ItuMaterial, FixedLoss)}
_ARRAYS = ("vertices_m", "faces", "face_object", "face_material")
_TEXTS = ("objects", "name", "attribution")


def write(scene, path: str | Path) -> Path:
    """Write a scene in the format of the path's suffix; see `Scene.save`."""
    path = Path(path)
    _FORMATS[_suffix(path)][1](scene, path)
    return path


def read(path: str | Path, material) -> dict:
    """Fields of the scene in a file; see `Scene.load`."""
    path = Path(path)
    reader = _FORMATS[_suffix(path)][0]
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    return reader(path, material)


def _suffix(path: Path) -> str:
    if path.suffix.lower() not in _FORMATS:
        raise ValueError(f"{path.name} ends in {path.suffix!r}, but a scene's file ends in {', '.join(_FORMATS)}")
    return path.suffix.lower()


def _write_npz(scene, path: Path):
    materials = []
    for material in scene.materials:
        kind = type(material).__name__
        if type(material) is not _KINDS.get(kind):
            raise ValueError(f"{material.name} is a {kind}, but a file can keep {', '.join(_KINDS)}")
        materials.append({"kind": kind, **asdict(material)})
    texts = {"materials": materials, **{name: getattr(scene, name) for name in _TEXTS}}
    np.savez_compressed(path, texts=json.dumps(texts), **{name: getattr(scene, name) for name in _ARRAYS})


def _read_npz(path: Path, _material) -> dict:
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            fields = {name: file[name] for name in _ARRAYS}
            texts = json.loads(str(file["texts"]))
        materials = [_KINDS[material.pop("kind")](**material) for material in texts.pop("materials")]
        return {**fields, **{name: texts[name] for name in _TEXTS}, "materials": tuple(materials)}
    except (KeyError, TypeError, ValueError, AttributeError, BadZipFile, EOFError):
        raise ValueError(f"{path.name} is not a scene that Scene.save wrote") from None


def _write_ply(scene, path: Path):
    write_ply(path, scene.vertices_m, scene.faces)


def _read_ply(path: Path, material) -> dict:
    vertices_m, faces = read_ply(path)
    one = np.zeros(len(faces), int)
    return _fields(path, ObjMesh(vertices_m, faces, one, one, [path.stem], [None]), material, {})


def _write_obj(scene, path: Path):
    names = [material.name for material in scene.materials]
    write_obj(path, ObjMesh(*(getattr(scene, name) for name in _ARRAYS), scene.objects, names))


def _read_obj(path: Path, material) -> dict:
    return _fields(path, read_obj(path), material, {})


def _write_mitsuba(scene, path: Path):
    names, objects = [material.name for material in scene.materials], scene.objects
    # things of one name are one in a file
    object_row, material_row = (np.array([group.index(name) for name in group]) for group in (objects, names))
    keys = np.column_stack([object_row[scene.face_object], material_row[scene.face_material]])
    parts, part = np.unique(keys, axis=0, return_inverse=True)
    shapes = []
    for i, (thing, material) in enumerate(parts):
        used, corner = np.unique(scene.faces[part.reshape(-1) == i], return_inverse=True)
        shapes.append(Shape(objects[thing], names[material], scene.vertices_m[used], corner.reshape(-1, 3)))
    write_mitsuba(path, shapes, dict(zip(names, scene.materials, strict=True)))


def _read_mitsuba(path: Path, material) -> dict:
    shapes, known = read_mitsuba(path)
    things = without_parts([shape.thing for shape in shapes], [shape.material for shape in shapes])
    object_row, material_row = numbered(things), numbered(shape.material for shape in shapes)
    n_faces = [len(shape.faces) for shape in shapes]
    first = np.cumsum([0, *(len(shape.vertices_m) for shape in shapes)])
    mesh = ObjMesh(
        np.concatenate([shape.vertices_m for shape in shapes]),
        np.concatenate([shape.faces + start for shape, start in zip(shapes, first[:-1], strict=True)]),
        np.repeat([object_row[thing] for thing in things], n_faces),
        np.repeat([material_row[shape.material] for shape in shapes], n_faces),
        list(object_row),
        list(material_row),
    )
    return _fields(path, mesh, material, known)


def _fields(path: Path, mesh: ObjMesh, material, known: dict) -> dict:
    """Fields of a scene from a mesh whose materials are names."""
    unknown = [key for key in material if key not in mesh.materials] if isinstance(material, dict) else []
    if unknown:
        raise ValueError(f"material has the key {unknown[0]!r}, but {path.name} names {mesh.materials}")
    materials = tuple(_material(path, name, material, known) for name in mesh.materials)
    return {**mesh._asdict(), "materials": materials, "name": path.stem}


def _material(path: Path, name: str | None, material, known: dict):
    """Material of a name in a file: as the caller says, as the file says, or an ITU material of that name."""
    if isinstance(material, dict) and name in material:
        return named(material_of(material[name]), name or "")
    if name in known:
        return known[name]
    if name is not None and plain_name(material_label(name)) in ITU_MATERIALS:
        return itu_material(material_label(name))
    if material is not None and not isinstance(material, dict):
        return material_of(material)
    if name is None:
        raise ValueError(f"{path.name} does not tell the material; give load(..., material='concrete') or another one")
    raise ValueError(
        f"{path.name} names the material {name!r}, which ITU-R P.2040-4 does not know; give "
        f"load(..., material={{{name!r}: Material(...)}})"
    )


_FORMATS = {
    ".npz": (_read_npz, _write_npz),
    ".ply": (_read_ply, _write_ply),
    ".obj": (_read_obj, _write_obj),
    ".xml": (_read_mitsuba, _write_mitsuba),
}
