"""A place to twin: a quarter of a real city, a base station in a street, and the house that will be built there.

>>> place = find_place("florence", seed=3)
>>> len(place.city_after) - len(place.city)
1
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import shapely

from dnt_lab.datasets import CityMap, load_city
from dnt_lab.datasets._checks import generator
from dnt_lab.mapping.merging.traced import USER_HEIGHT_M
from dnt_lab.physical.scene import Scene

SIDE_M = 160.0
BS_HEIGHT_M = 10.0
GRID_M = 4.0  # between the positions at which twins are held against the truth
_EDGE_M = 1.0  # a position keeps away this far from walls
_OPEN = (0.3, 0.75)  # share of the ground that is not built on
_SEEN = 0.2  # least share of outdoor positions in line of sight of the base station
_NEW_HEIGHT_M = 15.0
_NEW_HALF_M = (10.0, 7.0, 5.0, 3.5)  # half sides of the new house, the largest that fits
_SHADED = 0.06  # least share of outdoor positions that lose their line of sight to it
_TRIES = 400


@dataclass(frozen=True, eq=False)
class Place:
    """Where everything happens.

    Attributes
    ----------
    city, city_after : CityMap
        Houses before and after the change.
    bounds_m : tuple of float
        ``(xmin, ymin, xmax, ymax)`` in metres.
    tx_m : ndarray, shape (3,)
        Base station, above the middle of a street.
    outdoor_m : ndarray, shape (P, 2)
        Outdoor points of a grid, streets and back yards, those of the new house left out.
    loses_sight : ndarray of bool, shape (P,)
        Points from which the new house hides the base station.
    """

    city: CityMap
    city_after: CityMap
    bounds_m: tuple[float, float, float, float]
    tx_m: np.ndarray
    outdoor_m: np.ndarray
    loses_sight: np.ndarray

    @property
    def new_house(self) -> shapely.Polygon:
        """Outline of the house that is built."""
        return self.city_after.footprints[-1]

    def grid(self, spacing_m: float) -> np.ndarray:
        """Outdoor points of a grid before the change, shape (G, 2): what a map holds."""
        points_m = grid_points(self.bounds_m, spacing_m)
        return points_m[~Scene(self.city).indoor(points_m)]


def find_place(city: CityMap | str, seed) -> Place:
    """Draw a quarter that is partly built on, has a street with a view, and room for a house that will spoil it.

    Parameters
    ----------
    city : CityMap or str
        A map larger than 160 m by 160 m, or the name of a bundled one.
    seed : int or numpy.random.Generator
        Of quarter, base station and house.

    Raises
    ------
    ValueError
        If the map is too small or 400 quarters were tried in vain.
    """
    whole_map, rng = load_city(city) if isinstance(city, str) else city, generator(seed)
    low_m, high_m = np.reshape(whole_map.bounds_m, (2, 2)) + np.array([[SIDE_M / 2], [-SIDE_M / 2]])
    if not (low_m < high_m).all():
        raise ValueError(
            f"{whole_map.name} spans {whole_map.bounds_m}, but more than {SIDE_M:g} m in x and y is needed"
        )
    for _ in range(_TRIES):
        middle_m = rng.uniform(low_m, high_m)
        place = _try(whole_map, middle_m, rng)
        if place is not None:
            return place
    raise ValueError(f"{whole_map.name} has no fitting quarter among {_TRIES} drawn: another seed or map is needed")


def _try(whole_map: CityMap, middle_m, rng) -> Place | None:
    bounds_m = (*(middle_m - SIDE_M / 2), *(middle_m + SIDE_M / 2))
    quarter = whole_map.crop(*bounds_m)
    built = shapely.union_all(quarter.footprints)
    if not _OPEN[0] < 1 - shapely.intersection(built, shapely.box(*bounds_m)).area / SIDE_M**2 < _OPEN[1]:
        return None
    points_m = grid_points(bounds_m, GRID_M)
    outdoor_m = points_m[shapely.distance(built, shapely.points(points_m)) > _EDGE_M]
    scene = Scene(quarter)
    central = np.flatnonzero(np.abs(outdoor_m - middle_m).max(axis=1) < SIDE_M / 3)
    if not len(central):
        return None
    spots_m = outdoor_m[rng.choice(central, 6)]
    sight = np.array([~_hidden(scene, spot_m, outdoor_m) for spot_m in spots_m])
    spot_m, seen = spots_m[sight.sum(axis=1).argmax()], sight[sight.sum(axis=1).argmax()]
    if seen.mean() < _SEEN:
        return None
    # a short way off the grid, so that the base station stands above no grid point
    tx_m = np.append(spot_m + 0.37, BS_HEIGHT_M)
    for half_m in _NEW_HALF_M:
        distance_m = np.hypot(*(outdoor_m - spot_m).T)
        sites_m = outdoor_m[seen & (distance_m > 12 + half_m) & (distance_m < SIDE_M / 2)]
        for site_m in rng.permutation(sites_m)[:12]:
            house = shapely.box(*(site_m - half_m), *(site_m + half_m))
            keep = shapely.distance(house, shapely.points(outdoor_m)) > _EDGE_M
            lost = keep & seen & _hidden(Scene(_with_house(quarter, house, alone=True)), spot_m, outdoor_m)
            if lost.mean() > _SHADED and not house.intersects(built):
                return Place(quarter, _with_house(quarter, house), bounds_m, tx_m, outdoor_m[keep], lost[keep])
    return None


def _hidden(scene: Scene, spot_m, outdoor_m) -> np.ndarray:
    start_m = np.append(spot_m, BS_HEIGHT_M)
    end_m = np.column_stack([outdoor_m, np.full(len(outdoor_m), USER_HEIGHT_M)])
    return scene.blocked(np.broadcast_to(start_m, end_m.shape), end_m)


def _with_house(city: CityMap, house: shapely.Polygon, *, alone: bool = False) -> CityMap:
    new = {"footprints": house, "height_m": _NEW_HEIGHT_M, "base_m": 0.0, "material": "itu_metal"}
    old = slice(0, 0) if alone else slice(None)
    return replace(city, **{name: np.append(getattr(city, name)[old], [value]) for name, value in new.items()})


def grid_points(bounds_m, spacing_m: float) -> np.ndarray:
    """Centres of the cells of a grid, shape (G, 2)."""
    sides = [np.arange(bounds_m[i] + spacing_m / 2, bounds_m[i + 2], spacing_m) for i in (0, 1)]
    return np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 2)
