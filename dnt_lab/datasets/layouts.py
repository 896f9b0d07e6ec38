"""Made-up places as `CityMap`: a Manhattan street grid outdoors, a floor of rooms indoors.

Both are centred on (0, 0) and need no file, so a lesson can start from a place whose answers are known by geometry.
"""

from __future__ import annotations

import numpy as np
import shapely

from dnt_lab.datasets._checks import generator, metres, whole
from dnt_lab.datasets.maps import CityMap


def street_grid(
    n_x: int = 5,
    n_y: int = 5,
    block_m: float = 80.0,
    street_m: float = 20.0,
    height_m: float | tuple[float, float] = (12.0, 30.0),
    seed: int | np.random.Generator = 0,
) -> CityMap:
    """Return a Manhattan grid: `n_x` x `n_y` square blocks of one building each, parted by streets.

    Parameters
    ----------
    n_x, n_y : int
        Blocks from west to east and from south to north.
    block_m, street_m : float
        Side of a block and width of a street, in metres.
    height_m : float or (float, float)
        Height of every block, or the lowest and highest of a uniform draw for each block, in metres.
    seed : int or numpy.random.Generator
        Decides the heights.

    Returns
    -------
    CityMap
        Blocks from south to north, within a row from west to east; concrete walls.
    """
    n_x, n_y = whole("n_x", n_x, 1), whole("n_y", n_y, 1)
    block, street = metres("block_m", block_m), metres("street_m", street_m)
    low, high = height_m if isinstance(height_m, tuple | list) and len(height_m) == 2 else (height_m, height_m)
    low, high = metres("height_m", low), metres("height_m", high)
    if low > high:
        raise ValueError(f"height_m is {height_m}, but must be (lowest, highest) with lowest <= highest.")
    pitch = block + street
    x = (np.arange(n_x) - (n_x - 1) / 2) * pitch
    y = (np.arange(n_y) - (n_y - 1) / 2) * pitch
    centre_x, centre_y = (axis.ravel() for axis in np.meshgrid(x, y))
    half = block / 2
    outlines = shapely.box(centre_x - half, centre_y - half, centre_x + half, centre_y + half)
    heights = generator(seed).uniform(low, high, size=n_x * n_y)
    return _as_map(f"Street grid {n_x} x {n_y}", outlines, heights, "itu_concrete")


def rooms(
    n_x: int = 3,
    n_y: int = 2,
    room_m: tuple[float, float] = (5.0, 4.0),
    wall_m: float = 0.15,
    door_m: float = 0.9,
    height_m: float = 3.0,
    material: str = "itu_plasterboard",
) -> CityMap:
    """Return one floor of `n_x` x `n_y` equal rooms: thin walls, a door between each two neighbours, one door outside.

    Parameters
    ----------
    n_x, n_y : int
        Rooms from west to east and from south to north.
    room_m : (float, float)
        Distance between wall axes along x and y, in metres.
    wall_m, door_m : float
        Thickness of the walls and width of the doors, in metres; a door sits in the middle of its wall.
    height_m : float
        Height of the walls, in metres. Ceiling and floor are not part of a map.
    material : str
        Wall material, as in ITU-R P.2040.

    Returns
    -------
    CityMap
        Pieces of wall; walls that meet are one polygon, so that no face lies inside a wall. The outside door is in
        the south wall of the south-west room.
    """
    n_x, n_y = whole("n_x", n_x, 1), whole("n_y", n_y, 1)
    if not isinstance(room_m, tuple | list) or len(room_m) != 2:
        raise TypeError(f"room_m is {room_m!r}, but must be two lengths in metres, (along x, along y).")
    room_x, room_y = metres("room_m", room_m[0]), metres("room_m", room_m[1])
    wall, door, height = metres("wall_m", wall_m), metres("door_m", door_m), metres("height_m", height_m)
    if door + wall >= min(room_x, room_y):
        raise ValueError(f"door_m is {door} m, but must fit in a wall of {min(room_x, room_y) - wall:g} m.")
    x = (np.arange(n_x + 1) - n_x / 2) * room_x
    y = (np.arange(n_y + 1) - n_y / 2) * room_y
    t, d = wall / 2, door / 2
    upright = [shapely.box(at - t, y[0] - t, at + t, y[-1] + t) for at in x]
    level = [shapely.box(x[0] - t, at - t, x[-1] + t, at + t) for at in y]
    middle_x, middle_y = (x[:-1] + x[1:]) / 2, (y[:-1] + y[1:]) / 2
    doors = [shapely.box(at - wall, m - d, at + wall, m + d) for at in x[1:-1] for m in middle_y]
    doors += [shapely.box(m - d, at - wall, m + d, at + wall) for at in y[1:-1] for m in middle_x]
    doors += [shapely.box(middle_x[0] - d, y[0] - wall, middle_x[0] + d, y[0] + wall)]
    pieces = shapely.get_parts(shapely.union_all(upright + level).difference(shapely.union_all(doors)))
    return _as_map(f"Rooms {n_x} x {n_y}", shapely.simplify(pieces, 0), np.full(len(pieces), height), material)


def _as_map(name: str, outlines: np.ndarray, height_m: np.ndarray, material: str) -> CityMap:
    n = len(outlines)
    return CityMap(name, np.asarray(outlines, dtype=object), height_m, np.zeros(n), np.full(n, material))
