"""Scenes from footprints and boxes: blocks with walls, roofs, floors and a ground to stand on.

Each builder returns the fields of a `dnt_lab.raytracing.scene.Scene`. Triangles are wound anticlockwise seen from the
side a wave comes from: outside for houses, inside for rooms.
"""

from __future__ import annotations

import numpy as np
import shapely

from dnt_lab.datasets import CityMap, load_city
from dnt_lab.datasets._checks import metres, whole
from dnt_lab.raytracing.materials import material_of

_GROUND_MARGIN_M = 100.0  # a ground reflection outside the outermost house still has ground
_STRAIGHT_M = 1e-6  # a corner this close to the line between its neighbours is none
_HOUSE_DEPTH_M = 15.0  # of a street canyon

# corners of a box: bit 0 of the row is x, bit 1 y, bit 2 z; quadrilaterals anticlockwise seen from outside
_BOX_SIDES = {
    "floor": (0, 2, 3, 1),
    "ceiling": (4, 5, 7, 6),
    "wall-west": (0, 4, 6, 2),
    "wall-east": (1, 3, 7, 5),
    "wall-south": (0, 1, 5, 4),
    "wall-north": (2, 6, 7, 3),
}


def city(what: CityMap | str, bounds_m, roof, ground) -> dict:
    """Fields of a scene of houses; see `Scene.from_city`."""
    if not isinstance(what, CityMap | str):
        raise TypeError(f"city is {what!r}, but must be a CityMap or the name of a bundled city")
    whole_map = load_city(what) if isinstance(what, str) else what
    houses = whole_map if bounds_m is None else whole_map.crop(*bounds_m)
    if len(houses) == 0:
        raise ValueError(f"{whole_map.name} has no building to make a scene of, but at least one is needed")
    walls, wall_of = np.unique(np.asarray(houses.material, str), return_inverse=True)
    return _built(houses, walls, wall_of, roof, ground)


def box(low_m, high_m, material, name: str) -> dict:
    """Fields of a scene of one box; see `Scene.box`."""
    corners = [_point("low_m", low_m), _point("high_m", high_m)]
    if not (corners[0] < corners[1]).all():
        raise ValueError(f"the box from {low_m} to {high_m} is empty: low_m must be below high_m in x, y and z")
    return {
        "vertices_m": _box_corners(*corners),
        "faces": _halves(np.array(list(_BOX_SIDES.values()))),
        "face_object": np.zeros(12, int),
        "face_material": np.zeros(12, int),
        "objects": (name,),
        "materials": (material_of(material),),
        "name": name,
    }


def room(size_m, material, name: str) -> dict:
    """Fields of a scene of the inside of a box; see `Scene.room`."""
    size = _point("size_m", size_m)
    for axis, side in zip(("length", "width", "height"), size.tolist(), strict=True):
        metres(f"the room's {axis}", side)
    parts = material if isinstance(material, dict) else dict.fromkeys(("walls", "floor", "ceiling"), material)
    unknown = [key for key in parts if key not in ("walls", *_BOX_SIDES)]
    if unknown:
        raise ValueError(f"the room has no part {unknown[0]!r}, but walls, {', '.join(_BOX_SIDES)}")
    group = {side: "walls" if side.startswith("wall") else side for side in _BOX_SIDES}
    chosen = [parts.get(side, parts.get(group[side], "plasterboard")) for side in _BOX_SIDES]
    materials, number = _merged(chosen)
    return {
        "vertices_m": _box_corners(np.zeros(3), size),
        "faces": _halves(np.array(list(_BOX_SIDES.values()))[:, ::-1]),
        "face_object": np.repeat(np.arange(6), 2),
        "face_material": np.repeat(number, 2),
        "objects": tuple(_BOX_SIDES),
        "materials": materials,
        "name": name,
    }


def street_canyon(width_m, length_m, height_m, gap_m, n_buildings, walls, ground) -> dict:
    """Fields of a scene of a street; see `Scene.street_canyon`."""
    measures = {"width_m": width_m, "length_m": length_m, "height_m": height_m, "gap_m": gap_m}
    width_m, length_m, height_m, gap_m = (metres(name, value) for name, value in measures.items())
    n = whole("n_buildings", n_buildings, 1)
    front_m = (length_m - (n - 1) * gap_m) / n
    if front_m <= 0:
        raise ValueError(f"length_m is {length_m} m, but {n - 1} gaps of {gap_m} m alone take {(n - 1) * gap_m} m")
    west_m = -length_m / 2 + np.arange(n) * (front_m + gap_m)
    near_m, far_m = width_m / 2, width_m / 2 + _HOUSE_DEPTH_M
    sides = [(-far_m, -near_m), (near_m, far_m)]
    plan = CityMap(
        name="street canyon",
        footprints=np.array([shapely.box(x, y0, x + front_m, y1) for y0, y1 in sides for x in west_m]),
        height_m=np.full(2 * n, height_m),
        base_m=np.zeros(2 * n),
        material=np.full(2 * n, "concrete"),
    )
    return _built(plan, [walls], np.zeros(2 * n, int), walls, ground)


def _built(houses: CityMap, walls, wall_of, roof, ground) -> dict:
    """Fields of a scene of blocks; house i has walls of ``walls[wall_of[i]]``."""
    for i, (outline, height_m) in enumerate(zip(houses.footprints, houses.height_m, strict=True)):
        if not isinstance(outline, shapely.Polygon) or not outline.is_valid or outline.is_empty or not height_m > 0:
            raise ValueError(f"building {i} is {height_m} m of {outline}, but a valid Polygon and a height are needed")
    materials, number = _merged([*walls, roof, *([] if ground is None else [ground])])
    corners, faces, house, is_roof = _blocks(houses)
    objects = [f"building-{i}" for i in range(len(houses))]
    face_material = np.where(is_roof, number[len(walls)], number[wall_of[house]])
    if ground is not None:
        low, high = np.reshape(houses.bounds_m, (2, 2)) + np.array([[-_GROUND_MARGIN_M], [_GROUND_MARGIN_M]])
        plate = _box_corners(np.append(low, 0.0), np.append(high, 0.0))[:4]
        faces = np.concatenate([faces, _halves(np.array([[0, 1, 3, 2]])) + len(corners)])
        corners = np.concatenate([corners, plate])
        house = np.append(house, [len(houses)] * 2)
        face_material = np.append(face_material, [number[-1]] * 2)
        objects.append("ground")
    return {
        "vertices_m": corners,
        "faces": faces,
        "face_object": house,
        "face_material": face_material,
        "objects": tuple(objects),
        "materials": materials,
        "name": houses.name,
        "attribution": houses.attribution,
    }


def _blocks(houses: CityMap):
    """Corners (V, 3) and triangles (F, 3) of all houses, the house of each triangle, and whether it is roof."""
    outlines = [[_corners(ring) for ring in shapely.get_rings(_oriented(outline))] for outline in houses.footprints]
    rings = [ring for outline in outlines for ring in outline]
    size = np.array([len(ring) for ring in rings])
    n = size.sum()  # row i is a corner at the base, row n + i the same corner under the roof
    xy = np.concatenate(rings)
    house = np.repeat(np.repeat(np.arange(len(houses)), [len(outline) for outline in outlines]), size)
    following = np.arange(n) + 1
    following[np.cumsum(size) - 1] = np.cumsum(size) - size
    # interiors of triangles know their corners by place only, so corners of one place in a house are one
    parts = shapely.constrained_delaunay_triangles([shapely.Polygon(outer, holes) for outer, *holes in outlines])
    triangles, cover_house = shapely.get_parts(parts, return_index=True)
    cover_xy = shapely.get_coordinates(_oriented(triangles)).reshape(-1, 4, 2)[:, :3].reshape(-1, 2)
    places = np.column_stack([np.append(house, np.repeat(cover_house, 3)), np.concatenate([xy, cover_xy])])
    _, first, inverse = np.unique(places, axis=0, return_index=True, return_inverse=True)
    row = first[inverse.reshape(-1)]
    here, there, cover = row[:n], row[following], row[n:].reshape(-1, 3)
    quads = np.column_stack([here, there, there + n, here + n])
    hung = np.asarray(houses.base_m)[cover_house] > 0
    faces = np.concatenate([_halves(quads), cover + n, cover[hung, ::-1]])
    of = np.concatenate([np.repeat(house, 2), cover_house, cover_house[hung]])
    is_roof = np.repeat([False, True, False], [2 * n, len(cover), hung.sum()])
    base_m, roof_m = houses.base_m[house], (houses.base_m + houses.height_m)[house]
    corners = np.concatenate([np.column_stack([xy, base_m]), np.column_stack([xy, roof_m])])
    order = np.argsort(of, kind="stable")
    return corners, faces[order], of[order], is_roof[order]


def _oriented(polygons):
    """Outer rings anticlockwise, holes clockwise: the house is on the left of whoever walks along."""
    return shapely.orient_polygons(polygons, exterior_cw=False)


def _corners(ring) -> np.ndarray:
    """Corners (N, 2) of a closed ring, without those on a straight wall, which would be cut in two."""
    xy = shapely.get_coordinates(ring)[:-1]
    while len(xy) > 3:
        before, after = np.roll(xy, 1, axis=0), np.roll(xy, -1, axis=0)
        chord, way = after - before, xy - before
        away = np.abs(chord[:, 0] * way[:, 1] - chord[:, 1] * way[:, 0])
        straight = away <= _STRAIGHT_M * np.hypot(*chord.T)
        # neighbours take each other as a measure, so of a run of straight ones every second goes, then look again
        row = np.arange(len(xy))
        gone = straight & ((row - np.maximum.accumulate(np.where(straight, -1, row))) % 2 == 1)
        if not gone.any() or len(xy) - gone.sum() < 3:
            break
        xy = xy[~gone]
    return xy


def _box_corners(low, high) -> np.ndarray:
    """Eight corners of a box; bit 0 of the row is x, bit 1 y, bit 2 z."""
    bits = (np.arange(8)[:, None] >> np.arange(3)) & 1
    return np.where(bits == 1, high, low)


def _halves(quads: np.ndarray) -> np.ndarray:
    """Two triangles (2 N, 3) of each quadrilateral (N, 4)."""
    return quads[:, [[0, 1, 2], [0, 2, 3]]].reshape(-1, 3)


def _merged(materials) -> tuple[tuple, np.ndarray]:
    """Different ones of the materials, and the number of each among them."""
    materials = [material_of(material) for material in materials]
    different = [material for i, material in enumerate(materials) if material not in materials[:i]]
    return tuple(different), np.array([different.index(material) for material in materials])


def _point(name: str, value) -> np.ndarray:
    point = np.asarray(value, float)
    if point.shape != (3,) or not np.isfinite(point).all():
        raise ValueError(f"{name} is {value!r}, but three finite numbers of metres (x, y, z) are needed")
    return point
