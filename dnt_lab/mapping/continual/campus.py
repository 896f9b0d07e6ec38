"""A campus: buildings of rooms with a BS each, where walls are lined with metal and no raster says so.

>>> campus = draw_campus("one", seed=1)
>>> campus
Campus(24 rooms in 4 buildings, 6 of which change)
>>> campus.excess_db(time_s=0.0).shape  # loss over free space of all links, as it is then
(24, 320)

A change shows in the links alone: the twin's raster, and so the scalars of a link, stay what they were.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from dnt_lab.datasets._checks import generator, one_of, whole
from dnt_lab.mapping.vertical import LinkAttributes, Region, link_scalars, reflectivity_of, room_regions
from dnt_lab.raytracing import Scene
from dnt_lab.raytracing.materials import material_of

DRIFTS = ("none", "one", "wave")
"""Nothing changes; one building does; all of them do, one after the other."""
WARM_UP_S, HORIZON_S = 12 * 3600.0, 36 * 3600.0
"""Seconds before time 0 in which the first twin is learned, and seconds after it in which twins are kept alive."""
_WALLS = ("concrete", "brick", "plasterboard", "glass")
_LINING = "metal"
_FIRST_S, _APART_S, _WORK_S = 6 * 3600.0, 6 * 3600.0, 4 * 3600.0  # first building, from one to the next, in one
_HELD_OUT = 0.4  # of the tracks


@dataclass(frozen=True, eq=False)
class Campus:
    """K rooms with R links each.

    Attributes
    ----------
    regions : list of Region
        The rooms before any change.
    building : ndarray of int, shape (K,)
        Which one each room is in.
    changes_s : ndarray, shape (K,)
        When its walls change, in seconds; inf if never.
    inputs : ndarray, shape (K, R, 6)
        `vertical.views.SCALARS` of each link at the reported position.
    before_db, after_db : ndarray, shape (K, R)
        Loss over that of free space on either side of the change; NaN where nothing arrives.
    held_out : ndarray of bool, shape (R,)
        Links nobody measures, on which twins are judged.
    """

    regions: list[Region]
    building: np.ndarray
    changes_s: np.ndarray
    inputs: np.ndarray
    before_db: np.ndarray
    after_db: np.ndarray
    held_out: np.ndarray

    def __len__(self) -> int:
        return len(self.regions)

    def __repr__(self) -> str:
        changing = np.isfinite(self.changes_s).sum()
        return f"Campus({len(self)} rooms in {self.building.max() + 1} buildings, {changing} of which change)"

    def excess_db(self, time_s: float) -> np.ndarray:
        """Loss over that of free space as it is at a time, shape (K, R)."""
        return np.where((self.changes_s <= time_s)[:, None], self.after_db, self.before_db)


def draw_campus(drift: str, seed, *, n_buildings: int = 4, n_rooms: int = 6, n_tracks: int = 40) -> Campus:
    """Draw buildings of one wall material each, and when their rooms change.

    From one building to the next it takes 6 hours, beginning 6 hours after time 0; rooms of a building change within 4
    hours, in any order. Places, tracks and times are the same for every `drift`.

    Parameters
    ----------
    drift : str
        One of `DRIFTS`.
    seed : int or Generator
        Of everything.
    n_buildings, n_rooms : int
        Buildings, and rooms of each.
    n_tracks : int
        Users whose tracks of 8 steps make the links; the last 40 % are held out.

    Raises
    ------
    ValueError, TypeError
        If a number is out of range or there is no such drift.
    """
    one_of("drift", drift, DRIFTS)
    rng, n_buildings, n_rooms = generator(seed), whole("n_buildings", n_buildings, 1), whole("n_rooms", n_rooms, 1)
    building = np.repeat(np.arange(n_buildings), n_rooms)
    rooms = room_regions(len(building), rng, n_tracks=whole("n_tracks", n_tracks, 2))
    turn, within_s = rng.permutation(n_buildings)[building], rng.uniform(0, _WORK_S, len(building))
    touched = turn < {"none": 0, "one": 1, "wave": n_buildings}[drift]
    changes_s = np.where(touched, _FIRST_S + _APART_S * turn + within_s, np.inf)
    rooms = [with_walls(room, _WALLS[b % len(_WALLS)]) for room, b in zip(rooms, building.tolist(), strict=True)]
    before_db = np.stack([_excess_db(room) for room in rooms])
    after_db = before_db.copy()
    for k in np.flatnonzero(touched):
        after_db[k] = _excess_db(with_walls(rooms[k], _LINING))
    n_steps = rooms[0].track_m.shape[1]
    held_out = np.repeat(np.arange(n_tracks) >= round((1 - _HELD_OUT) * n_tracks), n_steps)
    return Campus(rooms, building, changes_s, np.stack([_inputs(r) for r in rooms]), before_db, after_db, held_out)


def with_walls(room: Region, material: str) -> Region:
    """Return a room with walls of another material, and a raster that knows it.

    Raises
    ------
    ValueError
        If the region is no room, or there is no such material.
    """
    if room.kind != "room":
        raise ValueError(f"{room.name} is a {room.kind}, but only a room has walls to line.")
    scene = _lined(room.scenario.scene, material)
    known = reflectivity_of(material, room.freq_hz)
    return replace(
        room,
        scenario=replace(room.scenario, scene=scene),
        raster=replace(room.raster, outside_reflectivity=known),
    )


def _lined(scene: Scene, material: str) -> Scene:
    """Line the walls alone: `Scene.with_material` would change the floor as well where it is of the same."""
    new = material_of(material)
    names = [old.name for old in scene.materials]
    materials = scene.materials if new.name in names else (*scene.materials, new)
    number = [old.name for old in materials].index(new.name)
    walls = [i for i, name in enumerate(scene.objects) if name.startswith("wall-")]
    of_walls = np.isin(scene.face_object, walls)
    return replace(scene, materials=materials, face_material=np.where(of_walls, number, scene.face_material))


def _inputs(room: Region) -> np.ndarray:
    return link_scalars(room.raster, room.bs_m, room.reported_m.reshape(-1, 3), room.freq_hz)


def _excess_db(room: Region) -> np.ndarray:
    return -LinkAttributes.of(room.trace()).gain_db - room.free_space_db()
