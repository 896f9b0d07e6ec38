"""The scene a wave travels in: triangles, each of an object and of a material.

A scene comes from plain arrays (`Scene.from_mesh`), from a city map, from boxes, or from a file; scenes are added with
``+``. It never changes: whoever edits one gets a new one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from dnt_lab.datasets import CityMap
from dnt_lab.raytracing import scene_builders, scene_files
from dnt_lab.raytracing.materials import material_of, named, plain_name
from dnt_lab.raytracing.mesh_checks import check_areas, check_names, integers, points
from dnt_lab.raytracing.occlusion import Occluders
from dnt_lab.raytracing.polygons import Polygons, merged_polygons


@dataclass(frozen=True, eq=False)
class Scene:
    """F triangles over V vertices; `from_mesh` and the other classmethods make one more easily.

    Attributes
    ----------
    vertices_m : ndarray, shape (V, 3)
        Corners of the triangles in metres.
    faces : ndarray of int, shape (F, 3)
        Three rows of `vertices_m` a triangle. Anticlockwise seen from outside where the scene made the triangles;
        other windings are fine.
    face_object, face_material : ndarray of int, shape (F,)
        Numbers of `objects` and of `materials`.
    objects : tuple of str
        Names of things.
    materials : tuple of Material, ItuMaterial, FixedLoss or the like
        What things are made of; of one name only if equal.
    name : str
        What to call the scene in titles.
    attribution : str
        What must stand under a published picture of it; empty if nothing.

    Raises
    ------
    TypeError, ValueError
        If there is no triangle, a coordinate is not finite, a number points to nothing, a triangle has no area, or two
        materials of one name differ.
    """

    vertices_m: np.ndarray
    faces: np.ndarray
    face_object: np.ndarray
    face_material: np.ndarray
    objects: tuple[str, ...]
    materials: tuple
    name: str = "scene"
    attribution: str = ""

    def __post_init__(self):
        vertices_m = points(self.vertices_m)
        faces = integers("faces", self.faces, None, len(vertices_m), "vertices_m")
        objects, materials = tuple(map(str, self.objects)), tuple(named(material_of(m)) for m in self.materials)
        fields = {
            "vertices_m": vertices_m,
            "faces": faces,
            "face_object": integers("face_object", self.face_object, len(faces), len(objects), "objects"),
            "face_material": integers("face_material", self.face_material, len(faces), len(materials), "materials"),
            "objects": objects,
            "materials": materials,
        }
        check_areas(vertices_m[faces])
        check_names(materials)
        for field, value in fields.items():
            if isinstance(value, np.ndarray):
                value.flags.writeable = False  # a scene is shared, and what is computed from it is kept
            object.__setattr__(self, field, value)

    def __repr__(self) -> str:
        parts = ((len(self.objects), "object"), (len(self), "triangle"), (len(self.materials), "material"))
        counts = ", ".join(f"{n:,} {word}{'s' * (n != 1)}" for n, word in parts)
        return f"Scene({self.name}: {counts})"

    def __len__(self) -> int:
        return len(self.faces)

    @cached_property
    def polygons(self) -> Polygons:
        """The triangles, merged into convex polygons: what `trace` reflects at."""
        return merged_polygons(self.vertices_m, self.faces, self.face_object, self.face_material)

    @cached_property
    def occluders(self) -> Occluders:
        """The polygons in a tree of boxes: what `trace` asks for obstacles."""
        return Occluders(self.polygons)

    @classmethod
    def from_mesh(
        cls, vertices_m, faces, face_material, materials, *, face_object=None, objects=None, name="mesh", attribution=""
    ) -> Scene:
        """Scene from plain arrays.

        Parameters
        ----------
        vertices_m : array_like, shape (V, 3)
            Points in metres.
        faces : array_like of int, shape (F, 3)
            Three rows of `vertices_m` a triangle.
        face_material : int or array_like of int, shape (F,)
            Number in `materials` of each triangle, or one for all.
        materials : list
            Materials, or names of ITU-R P.2040 materials ("concrete"), which make walls 0.1 m thick.
        face_object : array_like of int, shape (F,), optional
            Which thing a triangle belongs to; by default all are one.
        objects : list of str, optional
            Names of the things; by default the scene's name, or "object-0", "object-1", ...
        name, attribution : str
            As in `Scene`.

        Raises
        ------
        TypeError, ValueError
            As in `Scene`.

        Examples
        --------
        >>> corners_m = [[0, 0, 0], [10, 0, 0], [10, 10, 0], [0, 10, 0]]
        >>> Scene.from_mesh(corners_m, [[0, 1, 2], [0, 2, 3]], 0, ["concrete"], name="yard")
        Scene(yard: 1 object, 2 triangles, 1 material)
        """
        if isinstance(materials, str) or not hasattr(materials, "__len__"):
            raise TypeError(
                f"materials is {materials!r}, but must be a list of materials or names, such as ['concrete']"
            )
        n_faces = len(np.atleast_1d(faces))
        if face_object is None:
            face_object, objects = np.zeros(n_faces, int), [name] if objects is None else objects
        elif objects is None:
            objects = [f"object-{i}" for i in range(int(np.max(face_object, initial=-1)) + 1)]
        if np.ndim(face_material) == 0:
            face_material = np.full(n_faces, face_material)
        return cls(vertices_m, faces, face_object, face_material, objects, tuple(materials), name, attribution)

    @classmethod
    def from_city(cls, city: CityMap | str, *, bounds_m=None, roof="metal", ground="concrete") -> Scene:
        """Scene of houses: every footprint becomes a block of its height, "building-0", "building-1", ...

        Blocks are closed but for one thing: a house on the ground (base at 0 m) has no floor, since that would lie in
        the ground's plane, and what hits the one would hit the other. Courtyards stay open. The ground is a rectangle,
        100 m larger than the houses on each side.

        Parameters
        ----------
        city : CityMap or str
            A map or the name of a bundled city: "munich", "florence", "etoile".
        bounds_m : (xmin, ymin, xmax, ymax), optional
            Take only the houses that touch this box, each whole.
        roof : material or str
            Material of roofs; walls are of the map's materials, floors of bridges too.
        ground : material, str or None
            Material of the ground; None leaves it out.

        Raises
        ------
        TypeError, ValueError
            If there is no such city, no house to build or no such material.

        Examples
        --------
        >>> Scene.from_city("florence", bounds_m=(-100, -100, 100, 100), ground=None)
        Scene(Florence: 84 objects, 2,516 triangles, 2 materials)
        """
        return cls(**scene_builders.city(city, bounds_m, roof, ground))

    @classmethod
    def box(cls, low_m, high_m, material="concrete", *, name: str = "box") -> Scene:
        """Scene of one closed box, seen from outside: a car, a kiosk, a person.

        Parameters
        ----------
        low_m, high_m : array_like, shape (3,)
            Opposite corners in metres, `low_m` below `high_m` in x, y and z.
        material : material or str
            What it is made of.
        name : str
            Name of the object and the scene.

        Raises
        ------
        TypeError, ValueError
            If the corners span no box or there is no such material.
        """
        return cls(**scene_builders.box(low_m, high_m, material, name))

    @classmethod
    def room(cls, size_m, material="plasterboard", *, name: str = "room") -> Scene:
        """Scene of the inside of a box, from (0, 0, 0) to `size_m`.

        Its objects are "floor", "ceiling" and "wall-west" (x = 0), "wall-east", "wall-south" (y = 0), "wall-north".

        Parameters
        ----------
        size_m : array_like, shape (3,)
            Length in x, width in y and height in metres.
        material : material, str or dict
            One for all, or a dict with keys "walls", "floor" and "ceiling", or the name of one object; what is left out
            is plasterboard.
        name : str
            Name of the scene.

        Raises
        ------
        TypeError, ValueError
            If a side is no length, or there is no such part or material.

        Examples
        --------
        >>> Scene.room((8, 5, 3), dict(walls="brick", floor="wood"))
        Scene(room: 6 objects, 12 triangles, 3 materials)
        """
        return cls(**scene_builders.room(size_m, material, name))

    @classmethod
    def street_canyon(
        cls,
        width_m: float = 20.0,
        length_m: float = 150.0,
        height_m: float = 20.0,
        *,
        gap_m: float = 15.0,
        n_buildings: int = 3,
        walls="concrete",
        ground="concrete",
    ) -> Scene:
        """Scene of a street along x, with houses on both sides and cross streets between them, and the ground.

        The street's middle is at the origin; houses are "building-0", ... from west to east, first on the south side.

        Parameters
        ----------
        width_m, length_m, height_m : float
            Width of the street, length of its rows of houses and their height, in metres.
        gap_m : float
            Width of the cross streets in metres.
        n_buildings : int
            Houses on each side, 1 or more.
        walls, ground : material or str
            Materials of the houses, roofs too, and of the ground; `ground` None leaves it out.

        Raises
        ------
        TypeError, ValueError
            If a measure is no length, the gaps leave no room for houses or there is no such material.

        Examples
        --------
        >>> Scene.street_canyon()
        Scene(street canyon: 7 objects, 62 triangles, 1 material)
        """
        return cls(**scene_builders.street_canyon(width_m, length_m, height_m, gap_m, n_buildings, walls, ground))

    def __add__(self, other: Scene) -> Scene:
        """Join two scenes; objects of one name are told apart by a number ("box", "box-2").

        Raises
        ------
        ValueError
            If two materials of one name differ.
        """
        if not isinstance(other, Scene):
            return NotImplemented
        objects = list(self.objects)
        for name in other.objects:
            copies = (f"{name}-{i}" for i in range(2, len(objects) + 2))
            objects.append(name if name not in objects else next(n for n in copies if n not in objects))
        materials = list(self.materials)
        for material in other.materials:
            if material not in materials:
                materials.append(material)
        number = np.array([materials.index(material) for material in other.materials])
        return replace(
            self,
            vertices_m=np.concatenate([self.vertices_m, other.vertices_m]),
            faces=np.concatenate([self.faces, other.faces + len(self.vertices_m)]),
            face_object=np.concatenate([self.face_object, other.face_object + len(self.objects)]),
            face_material=np.concatenate([self.face_material, number[other.face_material]]),
            objects=tuple(objects),
            materials=tuple(materials),
            attribution="; ".join(dict.fromkeys(filter(None, (self.attribution, other.attribution)))),
        )

    def with_material(self, name: str, material) -> Scene:
        """Return the scene with another material in place of the one called `name`.

        Parameters
        ----------
        name : str
            Name of one of the scene's `materials`; of an ITU material with or without ``itu_``.
        material : material or str
            What to take instead; without a name of its own it takes over `name`.

        Raises
        ------
        TypeError, ValueError
            If the scene has no such material, or there is none such, or another one of that name.

        Examples
        --------
        >>> from dnt_lab.raytracing.materials import Material
        >>> yard = Scene.box((0, 0, 0), (1, 1, 1), "concrete").with_material("concrete", Material(6.0, 0.1))
        >>> yard.materials
        (Material(relative_permittivity=6.0, conductivity_s_per_m=0.1, thickness_m=None, name='concrete'),)
        """
        names = [old.name for old in self.materials]
        at = name if name in names else plain_name(str(name))
        if at not in names:
            raise ValueError(f"the scene has no material {name!r}, but {', '.join(sorted(set(names)))}")
        new = named(material_of(material), at)
        return replace(self, materials=tuple(new if old.name == at else old for old in self.materials))

    def save(self, path: str | Path) -> Path:
        """Write the scene to a file and return its path; the suffix chooses the format.

        ``.npz`` keeps everything. ``.xml`` is a Mitsuba scene for Sionna RT, with one ``.ply`` an object and material
        in a folder beside it. ``.obj`` keeps the names of objects and materials, ``.ply`` only triangles.

        Raises
        ------
        ValueError
            If there is no format of that suffix, or it has no way to say what a material is.
        """
        return scene_files.write(self, path)

    @classmethod
    def load(cls, path: str | Path, *, material=None) -> Scene:
        """Read a scene from a ``.npz``, ``.ply``, ``.obj`` or Mitsuba ``.xml`` file.

        Polygons become triangles; triangles without an area, which reflect nothing, are left out.

        Parameters
        ----------
        path : str or Path
            The file.
        material : material, str or dict, optional
            What triangles are made of whose material the file does not tell; or a dict from names in the file to
            materials, with the key None for triangles without a name.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file is not of its format, or a material is not known; the sentence names file and place.
        """
        return cls(**scene_files.read(path, material))
