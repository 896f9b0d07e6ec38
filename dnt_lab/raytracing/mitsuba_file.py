"""Mitsuba scenes as Sionna RT reads and writes them: an XML file that places meshes and names their materials.

.. code-block:: xml

    <scene version="2.1.0">
        <bsdf type="itu-radio-material" id="brick">
            <string name="type" value="brick"/> <float name="thickness" value="0.1"/>
        </bsdf>
        <shape type="ply" id="mesh-house">
            <string name="filename" value="meshes/house.ply"/>
            <transform name="to_world"> <translate z="2"/> </transform>
            <ref id="brick" name="bsdf"/>
        </shape>
    </scene>

A shape's ``id`` names the object, without ``mesh-`` and without an ending that only tells the material
("mesh-house-itu_brick", "mesh-house-roof"): the shapes of a house are one object, closed if they close.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np

from dnt_lab.raytracing.materials import WALL_THICKNESS_M, ItuMaterial, Material, itu_material, plain_name
from dnt_lab.raytracing.obj_file import read_obj
from dnt_lab.raytracing.ply_file import read_ply, write_ply

_PARTS = ("wall", "roof")  # endings of Sionna's own scenes


class Shape(NamedTuple):
    """One mesh: its object, the id of its material (None if the file names none), vertices and triangles."""

    thing: str
    material: str | None
    vertices_m: np.ndarray
    faces: np.ndarray


def read_mitsuba(path: Path) -> tuple[list[Shape], dict]:
    """Read the shapes of a scene, and its materials by id as far as the file gives their numbers.

    Raises
    ------
    FileNotFoundError
        If a mesh is not there.
    ValueError
        If the file is no Mitsuba scene, or holds what this reader does not know; the sentence names file and element.
    """
    try:
        root = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        raise ValueError(f"{path.name} is no whole XML file: {error}") from None
    if root.tag != "scene":
        raise ValueError(f"{path.name} starts with <{root.tag}>, but a Mitsuba scene starts with <scene>")
    if root.find("include") is not None:
        raise ValueError(f"{path.name} includes other files, which is not read; save the scene as one file")
    materials = {bsdf.get("id"): _material(path, bsdf) for bsdf in root.iter("bsdf") if bsdf.get("id")}
    shapes = [_shape(path, number, shape) for number, shape in enumerate(root.findall("shape"))]
    if not shapes:
        raise ValueError(f"{path.name} has no <shape>, but at least one is needed")
    return shapes, {key: material for key, material in materials.items() if material is not None}


def write_mitsuba(path: Path, shapes: list[Shape], materials: dict) -> None:
    """Write a scene that Sionna RT loads, with its meshes in a folder beside it.

    Raises
    ------
    ValueError
        If a material is not a slab of given permittivity and conductivity, or of ITU-R P.2040.
    """
    root = ElementTree.Element("scene", version="2.1.0")
    for key, material in materials.items():
        root.append(_bsdf(key, material))
    folder = path.with_name(f"{path.stem}_meshes")
    folder.mkdir(exist_ok=True)
    parts = Counter(shape.thing for shape in shapes)
    for number, shape in enumerate(shapes):
        key = f"{shape.thing}-{shape.material}" if parts[shape.thing] > 1 else shape.thing
        file = folder / f"{number}-{re.sub(r'[^A-Za-z0-9_.-]', '_', shape.thing)}.ply"
        write_ply(file, shape.vertices_m, shape.faces)
        element = ElementTree.SubElement(root, "shape", type="ply", id=f"mesh-{key}")
        ElementTree.SubElement(element, "string", name="filename", value=f"{folder.name}/{file.name}")
        ElementTree.SubElement(element, "boolean", name="face_normals", value="true")
        ElementTree.SubElement(element, "ref", id=shape.material, name="bsdf")
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(path, encoding="utf-8")


def without_parts(things: list[str], materials: list[str | None]) -> list[str]:
    """Names of objects: the ending that tells the material goes where several shapes then share a name."""
    stems = []
    for thing, material in zip(things, materials, strict=True):
        stem, _, ending = thing.rpartition("-")
        stems.append(stem if stem and (ending.startswith("itu_") or ending in (*_PARTS, material)) else thing)
    shared = Counter(stems)
    return [stem if shared[stem] > 1 else thing for thing, stem in zip(things, stems, strict=True)]


def _shape(path: Path, number: int, shape) -> Shape:
    where = f"{path.name}, shape {shape.get('id', number)!r}"
    kind, readers = shape.get("type"), {"ply": read_ply, "obj": read_obj}
    if kind not in readers:
        raise ValueError(f"{where} is of type {kind!r}, but ply and obj are read; save it as a mesh")
    name = shape.find("string[@name='filename']")
    if name is None:
        raise ValueError(f"{where} has no filename, but <string name='filename' value='...'/> is needed")
    file = path.parent / name.get("value", "")
    if not file.is_file():
        raise FileNotFoundError(f"{where} needs the file {name.get('value')}, which is not there")
    vertices_m, faces, *_ = readers[kind](file)
    to_world = shape.find("transform[@name='to_world']")
    if to_world is not None:
        matrix = _matrix(where, to_world)
        vertices_m = vertices_m @ matrix[:3, :3].T + matrix[:3, 3]
        if np.linalg.det(matrix[:3, :3]) < 0:  # a mirror turns outside in
            faces = faces[:, ::-1]
    inside = shape.find("bsdf")
    used = shape.find("ref") if inside is None else inside
    thing = shape.get("id", f"shape-{number}").removeprefix("mesh-")
    return Shape(thing, None if used is None else used.get("id"), vertices_m, faces)


def _matrix(where: str, transform) -> np.ndarray:
    """Product (4, 4) of the steps of a transform; the first step acts first."""
    whole = np.eye(4)
    for step in transform:
        try:
            whole = _STEPS[step.tag](step) @ whole
        except KeyError:
            raise ValueError(f"{where} has the transform <{step.tag}>, but {', '.join(_STEPS)} are read") from None
        except ValueError:
            text = ElementTree.tostring(step, "unicode").strip()
            raise ValueError(f"{where} has the transform {text}, whose numbers are not those it needs") from None
    if not np.isfinite(whole).all() or abs(np.linalg.det(whole[:3, :3])) == 0:
        raise ValueError(f"{where} has a transform that leaves no volume: {whole.tolist()}")
    return whole


def _numbers(step, *counts: int) -> list[float]:
    """Numbers of the attribute "value", of which there must be one of `counts`."""
    numbers = [float(word) for word in step.get("value", "").replace(",", " ").split()]
    if len(numbers) not in counts:
        raise ValueError
    return numbers


def _vector(step, default: float) -> np.ndarray:
    """Vector from value="1, 2, 3" or from x="1" y="2" z="3", where what is left out is `default`."""
    if step.get("value") is None:
        return np.array([float(step.get(axis, default)) for axis in "xyz"])
    return np.broadcast_to(_numbers(step, 1, 3), 3)


def _given(step) -> np.ndarray:
    numbers, whole = np.array(_numbers(step, 9, 16)), np.eye(4)
    n = 3 if len(numbers) == 9 else 4
    whole[:n, :n] = numbers.reshape(n, n)
    return whole


def _translation(step) -> np.ndarray:
    whole = np.eye(4)
    whole[:3, 3] = _vector(step, 0.0)
    return whole


def _scaling(step) -> np.ndarray:
    return np.diag([*_vector(step, 1.0), 1.0])


def _rotation(step) -> np.ndarray:
    """Rotation about an axis through the origin, anticlockwise looking against it (Rodrigues)."""
    axis, angle_rad = _vector(step, 0.0), np.deg2rad(float(step.get("angle", "")))
    length = np.linalg.norm(axis)
    if length == 0:
        raise ValueError
    x, y, z = axis / length
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    whole = np.eye(4)
    whole[:3, :3] += np.sin(angle_rad) * cross + (1 - np.cos(angle_rad)) * cross @ cross
    return whole


_STEPS = {"matrix": _given, "translate": _translation, "scale": _scaling, "rotate": _rotation}


def material_label(key: str) -> str:
    """Name of a material from the id of its bsdf: without "mat-" and without Blender's ".001"."""
    return re.sub(r"\.\d{3}$", "", key.removeprefix("mat-"))


def _material(path: Path, bsdf) -> Material | ItuMaterial | None:
    """Material of a bsdf that gives its numbers, else None."""
    values = {child.get("name"): child.get("value") for child in bsdf}
    name = material_label(bsdf.get("id"))
    try:
        if bsdf.get("type") == "itu-radio-material":
            itu = itu_material(values.get("type") or name).itu
            return ItuMaterial(
                itu, float(values.get("thickness", WALL_THICKNESS_M)), itu if plain_name(name) == itu else name
            )
        if bsdf.get("type") == "radio-material":
            numbers = [values.get("relative_permittivity", 1), values.get("conductivity", 0)]
            return Material(*map(float, numbers), float(values.get("thickness", WALL_THICKNESS_M)), name)
    except ValueError as error:
        raise ValueError(f"{path.name}, bsdf {bsdf.get('id')!r}: {error}") from None
    return None


def _bsdf(key: str, material):
    if isinstance(material, ItuMaterial | Material) and material.thickness_m is None:
        raise ValueError(f"{key} is a half-space, but Sionna RT knows slabs only; give the material a thickness_m")
    if isinstance(material, ItuMaterial):
        element = ElementTree.Element("bsdf", type="itu-radio-material", id=key)
        ElementTree.SubElement(element, "string", name="type", value=material.itu)
    elif isinstance(material, Material):
        element = ElementTree.Element("bsdf", type="radio-material", id=key)
        values = {
            "relative_permittivity": material.relative_permittivity,
            "conductivity": material.conductivity_s_per_m,
        }
        for name, value in values.items():
            ElementTree.SubElement(element, "float", name=name, value=repr(value))
    else:
        raise ValueError(
            f"{key} is {material!r}, which Sionna RT does not know; a Material or an ItuMaterial is needed"
        )
    ElementTree.SubElement(element, "float", name="thickness", value=repr(material.thickness_m))
    return element
