"""Scenarios drawn at random: where access points, users, things and people are, walls of what, and at which frequency.

>>> space = ScenarioSpace.in_room((8.0, 6.0, 3.0), n_users=2)
>>> scenario = space.draw(3, seed=1)[2]

Scenario 2 of seed 1 is the same whether 3 are drawn or 3,000: each has a random stream of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import shapely

from dnt_lab.datasets import CityMap, load_city
from dnt_lab.datasets._checks import whole
from dnt_lab.raytracing.materials import material_of, named, plain_name
from dnt_lab.raytracing.scenario import BODY, Box, Scenario
from dnt_lab.raytracing.scene import Scene

_APART_M = 0.1  # a thing stands at least this far from an antenna
_TRIES = 1000
_BODY_SIDES_M = (0.3, 0.5)  # depth and width of a person
_BODY_HEIGHT_M = (1.5, 1.9)


@dataclass(frozen=True, eq=False)
class ScenarioSpace:
    """What scenarios may be: a site, and how the rest is distributed. Ranges are uniform, choices equally likely.

    Attributes
    ----------
    site : Scene
        What always stands there.
    ground : shapely geometry
        Where users and things stand, and above which access points hang: x and y in metres, without buildings.
    n_aps, n_users : int
        Access points and users of a scenario.
    ap_height_m, user_height_m : (float, float)
        Range of antenna heights in metres.
    n_obstacles : (int, int)
        Fewest and most boxes on the ground.
    obstacle_side_m, obstacle_height_m : (float, float)
        Range of a box's length and width, and of its height, in metres.
    obstacle_materials : tuple
        Choice of a box's material: materials or names.
    n_blockers : (int, int)
        Fewest and most people around each user.
    blocker_distance_m : (float, float)
        Range from a user to the middle of a person, 0.25 m or more, in metres.
    materials : mapping
        Choice of what takes the place of a material of the site: ``{"plasterboard": ("plasterboard", "glass")}``.
    freq_hz, bandwidth_hz, n_beams : tuple
        Choices of carrier and bandwidth in Hz and of the number of beams.
    extrapolate : bool
        Use materials beyond the frequencies for which they were measured: the ITU's table ends at 100 GHz or below.

    Raises
    ------
    TypeError, ValueError
        If a range or choice is empty or out of bounds, the ground has no area, two materials of one name differ, or one
        is unknown, at one of the frequencies or at all.
    """

    site: Scene
    ground: shapely.Geometry
    n_aps: int = 1
    n_users: int = 4
    ap_height_m: tuple[float, float] = (4.0, 10.0)
    user_height_m: tuple[float, float] = (1.0, 1.8)
    n_obstacles: tuple[int, int] = (0, 3)
    obstacle_side_m: tuple[float, float] = (0.4, 1.5)
    obstacle_height_m: tuple[float, float] = (0.7, 2.0)
    obstacle_materials: tuple = ("wood", "glass", "metal")
    n_blockers: tuple[int, int] = (0, 1)
    blocker_distance_m: tuple[float, float] = (0.3, 1.5)
    materials: Mapping[str, tuple] = field(default_factory=dict)
    freq_hz: tuple[float, ...] = (28e9, 60e9)
    bandwidth_hz: tuple[float, ...] = (100e6, 400e6)
    n_beams: tuple[int, ...] = (16, 32, 64)
    extrapolate: bool = False

    def __post_init__(self):
        for name in ("n_aps", "n_users"):
            whole(name, getattr(self, name), 1)
        for name in ("n_obstacles", "n_blockers"):
            _range(name, getattr(self, name), 0, "whole numbers")
        for name in ("ap_height_m", "user_height_m", "obstacle_side_m", "obstacle_height_m"):
            _range(name, getattr(self, name), 1e-3, "metres")
        _range("blocker_distance_m", self.blocker_distance_m, _BODY_SIDES_M[0] / 2 + _APART_M, "metres")
        for name in ("freq_hz", "bandwidth_hz", "n_beams", "obstacle_materials"):
            _choice(name, getattr(self, name))
        if not all(0 < bandwidth_hz < np.inf for bandwidth_hz in self.bandwidth_hz):
            raise ValueError(f"bandwidth_hz holds {min(self.bandwidth_hz)}, but must be numbers above 0 in Hz")
        for n_beams in self.n_beams:
            whole("n_beams", n_beams, 1)
        if (
            not isinstance(self.ground, shapely.Geometry)
            or not self.ground.is_valid
            or not 0 < self.ground.area < np.inf
        ):
            raise ValueError(f"ground is {self.ground!r:.60}, but must be a valid shapely polygon with an area")
        shapely.prepare(self.ground)
        object.__setattr__(self, "obstacle_materials", _materials(self.obstacle_materials))
        self._check_walls()

    def _check_walls(self):
        at_site = {plain_name(material.name): material for material in self.site.materials}
        instead = {}
        for name, others in self.materials.items():
            _choice(f"materials[{name!r}]", others)
            if plain_name(name) not in at_site:
                raise ValueError(f"materials names {name!r}, but the site is made of {', '.join(sorted(at_site))}")
            instead[plain_name(name)] = _materials(others)
        object.__setattr__(self, "materials", instead)
        walls = [one for name, old in at_site.items() for one in instead.get(name, (old,))]
        by_name = {}
        for material in (*walls, *self.obstacle_materials, BODY):
            if by_name.setdefault(material.name, material) != material:
                raise ValueError(f"two materials are called {material.name!r}, but a name stands for one: rename one")
            for freq_hz in self.freq_hz:
                material.reflection(np.ones(1), freq_hz, extrapolate=self.extrapolate)  # refuses what it does not know

    def __repr__(self) -> str:
        freq = "/".join(f"{freq_hz / 1e9:g}" for freq_hz in self.freq_hz)
        return f"ScenarioSpace({self.site.name}, {self.ground.area:.0f} m2 of ground, {self.n_users} users, {freq} GHz)"

    @classmethod
    def in_room(cls, size_m=(8.0, 6.0, 3.0), material="plasterboard", **distributions) -> ScenarioSpace:
        """Space of an empty room as `Scene.room` makes it; access points hang in the upper quarter."""
        site = Scene.room(size_m, material)
        length_m, width_m, height_m = size_m
        ground = shapely.box(0.2, 0.2, length_m - 0.2, width_m - 0.2)
        return cls(site, ground, **{"ap_height_m": (0.75 * height_m, 0.95 * height_m)} | distributions)

    @classmethod
    def in_street(cls, width_m=20.0, length_m=150.0, height_m=20.0, **distributions) -> ScenarioSpace:
        """Space of a street along x between houses, as `Scene.street_canyon` makes it, with users in the street."""
        site = Scene.street_canyon(width_m, length_m, height_m)
        ground = shapely.box(-length_m / 2, 0.5 - width_m / 2, length_m / 2, width_m / 2 - 0.5)
        return cls(site, ground, **distributions)

    @classmethod
    def in_city(cls, city: CityMap | str, bounds_m, **distributions) -> ScenarioSpace:
        """Space of the streets and courtyards of a city map within a box (xmin, ymin, xmax, ymax) in metres."""
        city = load_city(city) if isinstance(city, str) else city
        houses = shapely.union_all(city.crop(*bounds_m).footprints)
        ground = shapely.box(*bounds_m) - houses.buffer(0.5)
        return cls(Scene.from_city(city, bounds_m=bounds_m), ground, **distributions)

    def draw(self, n: int, seed) -> list[Scenario]:
        """Return scenarios 0 to n - 1 of a seed, a whole number or a numpy Generator."""
        if isinstance(seed, np.random.Generator):
            seed = int(seed.integers(2**63))
        return [self.scenario(number, seed) for number in range(whole("n", n, 0))]

    def scenario(self, number: int, seed: int) -> Scenario:
        """Return one scenario of a seed, without those before it.

        Raises
        ------
        ValueError
            If the ground has no place for so many things.
        """
        # The same stream as SeedSequence(seed).spawn(...)[number], whatever the number of others.
        stream = np.random.SeedSequence(whole("seed", seed, 0), spawn_key=(whole("number", number, 0),))
        rng = np.random.default_rng(stream)
        freq_hz, bandwidth_hz, n_beams = (_one(rng, c) for c in (self.freq_hz, self.bandwidth_hz, self.n_beams))
        instead = {name: _one(rng, others) for name, others in self.materials.items()}
        materials = tuple(instead.get(plain_name(old.name), old) for old in self.site.materials)
        scene = replace(self.site, materials=materials)
        tx_m = self._nodes(rng, self.n_aps, self.ap_height_m)
        rx_m = self._nodes(rng, self.n_users, self.user_height_m)
        boxes = self._boxes(rng, tx_m, rx_m)
        for count, box in enumerate(boxes):
            scene = scene + box.scene(f"{box.kind}-{count}")
        return Scenario(
            number=number,
            scene=scene,
            tx_m=tx_m,
            rx_m=rx_m,
            walls=tuple(dict.fromkeys(material.name for material in materials)),
            boxes=tuple(boxes),
            freq_hz=float(freq_hz),
            bandwidth_hz=float(bandwidth_hz),
            n_beams=int(n_beams),
            extrapolate=self.extrapolate,
        )

    def _nodes(self, rng, count: int, height_m) -> np.ndarray:
        """Draw positions (count, 3) over the ground."""
        low_m, high_m = np.reshape(self.ground.bounds, (2, 2))
        xy_m = np.empty((0, 2))
        while len(xy_m) < count:
            more_m = rng.uniform(low_m, high_m, (4 * count, 2))
            xy_m = np.concatenate([xy_m, more_m[shapely.contains_xy(self.ground, more_m)]])
        return np.column_stack([xy_m[:count], rng.uniform(*height_m, count)])

    def _boxes(self, rng, tx_m, rx_m) -> list[Box]:
        """Draw things, and people around each user; none stands in another or right below an antenna."""
        proposals = [self._thing] * rng.integers(*self.n_obstacles, endpoint=True)
        for user_m in rx_m:
            proposals += [partial(self._person, user_m=user_m)] * rng.integers(*self.n_blockers, endpoint=True)
        taken, boxes = [*shapely.buffer(shapely.points(np.concatenate([tx_m, rx_m])[:, :2]), _APART_M)], []
        for propose in proposals:
            for _ in range(_TRIES):
                box = propose(rng)
                if self.ground.contains(box.outline) and not shapely.intersects(box.outline, taken).any():
                    break
            else:
                area = f"{self.ground.area:.3g} m2 of ground"
                raise ValueError(f"{area} have no place for box {len(boxes)}: give more ground or fewer things")
            taken.append(box.outline)
            boxes.append(box)
        return boxes

    def _thing(self, rng) -> Box:
        x_m, y_m, height_m = self._nodes(rng, 1, self.obstacle_height_m)[0].tolist()
        sides_m, azimuth_deg = rng.uniform(*self.obstacle_side_m, 2).tolist(), rng.uniform(0, 180)
        return Box("obstacle", x_m, y_m, *sides_m, height_m, azimuth_deg, _one(rng, self.obstacle_materials))

    def _person(self, rng, user_m) -> Box:
        azimuth, away_m = rng.uniform(0, 2 * np.pi), rng.uniform(*self.blocker_distance_m)
        x_m, y_m = (user_m[:2] + away_m * np.array([np.cos(azimuth), np.sin(azimuth)])).tolist()
        return Box("blocker", x_m, y_m, *_BODY_SIDES_M, rng.uniform(*_BODY_HEIGHT_M), float(np.rad2deg(azimuth)), BODY)


def _one(rng, choice):
    return choice[rng.integers(len(choice))]


def _materials(choice) -> tuple:
    return tuple(named(material_of(one)) for one in choice)


def _range(name: str, pair, low: float, what: str) -> None:
    values = np.asarray(pair)
    if values.shape != (2,) or not np.issubdtype(values.dtype, np.number) or not low <= values[0] <= values[1] < np.inf:
        raise ValueError(f"{name} is {pair!r}, but must be (lowest, highest) in {what}, {low:g} or more")
    if what == "whole numbers" and not np.issubdtype(values.dtype, np.integer):
        raise TypeError(f"{name} is {pair!r}, but must be two whole numbers")


def _choice(name: str, values) -> None:
    if isinstance(values, str) or not isinstance(values, tuple | list) or not len(values):
        raise TypeError(f"{name} is {values!r}, but must be a tuple of one choice or more")
