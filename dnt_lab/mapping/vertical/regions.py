"""Regions: a BS, what stands around it, and users who walk there. Streets of real cities, and furnished rooms.

>>> street_regions(2, seed=1, cities=("florence",))
[Region(florence-0: street, 28 GHz, 12 tracks of 8 steps), Region(florence-1: street, 140 GHz, 12 tracks of 8 steps)]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely

from dnt_lab.datasets import CITIES, CityMap, load_city
from dnt_lab.datasets._checks import generator, whole
from dnt_lab.datasets._numbers import real
from dnt_lab.mapping.vertical.raster import Raster, rasterise, reflectivity_of
from dnt_lab.physical import GaussMarkov, pathloss
from dnt_lab.physical import Scene as Surroundings
from dnt_lab.raytracing import Box, Paths, Scenario, ScenarioSpace, Scene, material_of, trace

CARRIERS_HZ = (28e9, 140e9)
"""Millimetre waves and sub-terahertz: regions have one of them, in turn."""
RADIUS_M = 90.0
"""Half the side of a street region in metres."""
STREET_CELL_M, ROOM_CELL_M = 0.5, 0.05
"""Side of a raster's cell in metres."""
_WALLS = ("concrete", "brick", "plasterboard", "glass")
_TRIES = 1000
_APART_M = 0.25  # from a user to a house or a box


@dataclass(frozen=True, eq=False)
class Region:
    """What one BS covers.

    Attributes
    ----------
    name, kind : str
        What to call it; "street" or "room".
    scenario : Scenario
        Scene, boxes, BS and carrier: the physical side, which only a tracer sees.
    raster : Raster
        The essentials: what the twin is sent.
    track_m, reported_m : ndarray, shape (N, T, 3)
        Where N users are at T steps, and where they say they are, in metres.
    """

    name: str
    kind: str
    scenario: Scenario
    raster: Raster
    track_m: np.ndarray
    reported_m: np.ndarray

    def __repr__(self) -> str:
        n, t = self.track_m.shape[:2]
        return f"Region({self.name}: {self.kind}, {self.freq_hz / 1e9:g} GHz, {n} tracks of {t} steps)"

    @property
    def bs_m(self) -> np.ndarray:
        """Position of the BS in metres, shape (3,)."""
        return self.scenario.tx_m[0]

    @property
    def freq_hz(self) -> float:
        """Carrier in Hz."""
        return self.scenario.freq_hz

    def free_space_db(self, user_m: np.ndarray | None = None) -> np.ndarray:
        """Free-space loss in dB to positions (R, 3), or to all reported ones, one track after the other; shape (R,)."""
        user_m = self.reported_m.reshape(-1, 3) if user_m is None else user_m
        return pathloss.free_space_db(np.linalg.norm(user_m - self.bs_m, axis=1), self.freq_hz)

    def trace(self, user_m: np.ndarray | None = None, max_order: int = 2) -> Paths:
        """Paths to users (R, 3), or to all steps of all tracks, one track after the other."""
        user_m = self.track_m.reshape(-1, 3) if user_m is None else user_m
        return trace(self.scenario.scene, self.bs_m, user_m, self.freq_hz, max_order, extrapolate=True)


def street_regions(
    n: int, seed, *, cities: tuple[str, ...] = CITIES, n_tracks: int = 12, n_steps: int = 8, error_m: float = 0.5
) -> list[Region]:
    """Regions in the streets of real cities, with parked vehicles; the BS hangs 10 m above the street.

    Parameters
    ----------
    n : int
        How many; cities and carriers take turns.
    seed : int or Generator
        Of places, vehicles, tracks and errors.
    cities : tuple of str
        Bundled cities.
    n_tracks, n_steps : int
        Users of a region, and steps of a second of each, at 1.3 m/s on average.
    error_m : float
        Standard deviation of the error of a reported position, east and north each, in metres.

    Returns
    -------
    list of Region

    Raises
    ------
    TypeError, ValueError
        If a number is out of range or there is no such city.
    """
    rng, maps = generator(seed), [load_city(name) for name in cities]
    regions = []
    for i in range(whole("n", n, 0)):
        city = maps[i % len(maps)]
        centre_m = _place(city, rng)
        bounds_m = (*(centre_m - RADIUS_M), *(centre_m + RADIUS_M))
        space = ScenarioSpace.in_city(
            city, bounds_m, n_users=1, n_obstacles=(0, 6), obstacle_side_m=(1.8, 6.0), obstacle_height_m=(1.5, 3.5),
            obstacle_materials=("metal",), n_blockers=(0, 0), freq_hz=_carrier(i // len(maps)), extrapolate=True,
        )  # fmt: skip
        scenario = _seated(space, np.array([*centre_m, 10.0]), rng)
        things = _joined(city.crop(*bounds_m), scenario.boxes)
        raster = rasterise(things, scenario.freq_hz, bounds_m, STREET_CELL_M, materials=_named(scenario.boxes))
        track_m = _walks(things, scenario, bounds_m, n_tracks, n_steps, 1.3, 1.5, rng)
        name = f"{city.name.lower()}-{i}"
        regions.append(Region(name, "street", scenario, raster, track_m, _reported(track_m, error_m, rng)))
    return regions


def room_regions(n: int, seed, *, n_tracks: int = 12, n_steps: int = 8, error_m: float = 0.05) -> list[Region]:
    """Rooms of 8 to 24 m by 6 to 14 m, with cabinets, screens and pillars; the BS hangs 0.3 m below the ceiling.

    Parameters, result and errors are those of `street_regions`; users make half a metre a step.
    """
    rng, regions = generator(seed), []
    for i in range(whole("n", n, 0)):
        size_m = np.round(rng.uniform([8.0, 6.0, 2.8], [24.0, 14.0, 3.6]), 1)
        walls = _WALLS[rng.integers(len(_WALLS))]
        space = ScenarioSpace.in_room(
            size_m, {"walls": walls, "floor": "concrete"}, n_users=1, n_obstacles=(2, 7), obstacle_side_m=(0.4, 3.0),
            obstacle_height_m=(1.4, min(2.6, size_m[2] - 0.4)), obstacle_materials=("metal", "wood", "concrete"),
            n_blockers=(0, 0), freq_hz=_carrier(i), extrapolate=True,
        )  # fmt: skip
        bs_m = np.array([*rng.uniform([0.5, 0.5], size_m[:2] - 0.5), size_m[2] - 0.3])
        scenario = _seated(space, bs_m, rng)
        bounds_m = (_APART_M, _APART_M, *(size_m[:2] - _APART_M))
        track_m = _walks(_joined(None, scenario.boxes), scenario, bounds_m, n_tracks, n_steps, 0.5, 1.2, rng)
        region = Region(f"room-{i}", "room", scenario, room_raster(scenario), track_m, track_m)
        regions.append(replace(region, reported_m=_reported(track_m, error_m, rng)))
    return regions


def room_raster(scenario: Scenario) -> Raster:
    """Return the essentials of a room as `Scene.room` makes it, with the scenario's boxes in it."""
    scene = scenario.scene
    of_walls = np.isin(scene.face_object, [scene.objects.index("wall-west"), scene.objects.index("ceiling")])
    length_m, width_m, height_m = scene.vertices_m[scene.faces[of_walls]].max(axis=(0, 1))
    west = scene.face_material[scene.face_object == scene.objects.index("wall-west")][0]
    wall = reflectivity_of(scene.materials[west], scenario.freq_hz)
    return rasterise(
        _joined(None, scenario.boxes), scenario.freq_hz, (0.0, 0.0, length_m, width_m), ROOM_CELL_M,
        outside_m=height_m, outside_reflectivity=wall, ceiling_m=height_m, materials=_named(scenario.boxes),
    )  # fmt: skip


def with_boxes(region: Region, boxes: Sequence[Box]) -> Region:
    """Return a room with other things in it; its users walk as before, through the things if need be.

    Raises
    ------
    ValueError
        If the region is no room.
    """
    if region.kind != "room":
        raise ValueError(f"{region.name} is a {region.kind}, but only the things in a room can be replaced.")
    scene = _bare(region.scenario.scene, len(region.scenario.boxes))
    for i, box in enumerate(boxes):
        scene = scene + box.scene(f"{box.kind}-{i}")
    scenario = replace(region.scenario, scene=scene, boxes=tuple(boxes))
    return replace(region, scenario=scenario, raster=room_raster(scenario))


def _bare(scene: Scene, n_boxes: int) -> Scene:
    """Return the scene without its last objects, the boxes."""
    n_objects = len(scene.objects) - n_boxes
    kept = scene.face_object < n_objects
    used, corner = np.unique(scene.faces[kept], return_inverse=True)
    return replace(
        scene, vertices_m=scene.vertices_m[used], faces=corner.reshape(-1, 3), face_object=scene.face_object[kept],
        face_material=scene.face_material[kept], objects=scene.objects[:n_objects],
    )  # fmt: skip


def _carrier(turn: int) -> tuple[float]:
    return (CARRIERS_HZ[turn % len(CARRIERS_HZ)],)


def _place(city: CityMap, rng) -> np.ndarray:
    """Draw a place outdoors, so far inside the map that the region lies on it, with houses around."""
    xmin, ymin, xmax, ymax = city.bounds_m
    surroundings = Surroundings(city)
    bounds_m = (xmin + RADIUS_M, ymin + RADIUS_M, xmax - RADIUS_M, ymax - RADIUS_M)
    for _ in range(_TRIES):
        place_m = surroundings.outdoor_points(1, bounds_m, rng)[0]
        if len(city.crop(*(place_m - RADIUS_M / 2), *(place_m + RADIUS_M / 2))):
            return place_m
    raise ValueError(f"{city.name} has no street with a house within {RADIUS_M / 2:g} m, but regions are in streets.")


def _seated(space: ScenarioSpace, bs_m: np.ndarray, rng) -> Scenario:
    """Draw the things of a region and hang its BS above them."""
    return replace(space.scenario(0, int(rng.integers(2**31))), tx_m=bs_m[None])


def _joined(houses: CityMap | None, boxes: Sequence[Box]) -> CityMap:
    """Return houses and boxes as one map."""
    outlines = np.array([box.outline for box in boxes], object)
    height_m = np.array([box.height_m for box in boxes], float)
    material = np.array([material_of(box.material).name for box in boxes], "U32")
    if houses is None:
        return CityMap("things", outlines, height_m, np.zeros(len(boxes)), material)
    pairs = (
        (houses.footprints, outlines),
        (houses.height_m, height_m),
        (houses.base_m, np.zeros(len(boxes))),
        (houses.material, material),
    )
    return CityMap(houses.name, *map(np.concatenate, pairs))


def _named(boxes: Sequence[Box]) -> dict:
    """Return the boxes' materials by name: people are of none that the ITU knows."""
    return {material.name: material for material in (material_of(box.material) for box in boxes)}


def _walks(things: CityMap, scenario, bounds_m, n: int, n_steps: int, speed_m_s, height_m, rng) -> np.ndarray:
    """Tracks of n users around things and, at some distance, the BS."""
    n, n_steps = whole("n_tracks", n, 1), whole("n_steps", n_steps, 1)
    keep_off = np.append(shapely.buffer(things.footprints, _APART_M), shapely.Point(scenario.tx_m[0, :2]).buffer(0.5))
    tall = np.full(len(keep_off), 1e3)
    walls = CityMap("walls", keep_off, tall, 0 * tall, np.full(len(keep_off), "itu_concrete"))
    around = Surroundings(walls)
    walk = GaussMarkov(bounds_m, speed_m_s, 0.3 * speed_m_s, scene=around)
    position_m = np.column_stack([around.outdoor_points(n, bounds_m, rng), np.full(n, height_m)])
    heading = rng.uniform(-np.pi, np.pi, n)  # from a standstill, they would need the walk's 20 s to gain speed
    velocity_m_s = speed_m_s * np.column_stack([np.cos(heading), np.sin(heading), np.zeros(n)])
    track_m = [position_m]
    for _ in range(n_steps - 1):
        position_m, velocity_m_s = walk.step(position_m, velocity_m_s, 1.0, rng)
        track_m.append(position_m)
    return np.stack(track_m, axis=1)


def _reported(track_m: np.ndarray, error_m: float, rng) -> np.ndarray:
    """Add independent errors to the positions on the map."""
    error_m = real("error_m", error_m, strict=False)
    return track_m + error_m * rng.standard_normal(track_m.shape) * (1.0, 1.0, 0.0)
