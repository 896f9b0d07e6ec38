"""The scene: what stands between an antenna and a user.

A scene is a set of vertical prisms: a footprint (polygon with holes), the height of its base and of its roof. A
straight ray is blocked where it runs inside a footprint at a height between base and roof.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from dnt_lab.datasets import CityMap, load_city
from dnt_lab.datasets._checks import generator, whole

_PIECE_M = 40.0  # long rays are cut into pieces, whose bounding boxes hold few walls
_TOUCH = 1e-9  # less than this, in metres or as a share of a ray or wall, is a touch


def checked_bounds(bounds_m) -> tuple[np.ndarray, np.ndarray]:
    """Lower left and upper right corner of ``(xmin, ymin, xmax, ymax)``; raise ValueError if that is no area."""
    corners = np.asarray(bounds_m, float)
    if corners.shape != (4,) or not np.isfinite(corners).all() or not (corners[:2] < corners[2:]).all():
        raise ValueError(f"bounds_m is {bounds_m!r}, but (xmin, ymin, xmax, ymax) with min below max is needed")
    return corners[:2], corners[2:]


@dataclass(frozen=True, eq=False)
class Scene:
    """Buildings and the area around them.

    Attributes
    ----------
    city : CityMap or None
        The map; None is an open field.
    """

    city: CityMap | None = None

    def __post_init__(self):
        if self.city is None:
            return
        if not isinstance(self.city, CityMap):
            raise TypeError(f"city is {self.city!r}, but must be a CityMap or None; Scene.of takes a city's name")
        footprints = self.city.footprints
        shapely.prepare(footprints)
        rings, building = shapely.get_parts(shapely.boundary(footprints), return_index=True)
        corner, ring = shapely.get_coordinates(rings, return_index=True)
        joined = ring[1:] == ring[:-1]
        walls = np.stack([corner[:-1][joined], corner[1:][joined]], axis=1)
        parts = {
            "_houses": shapely.STRtree(footprints),
            "_walls_m": walls,
            "_wall_tree": shapely.STRtree(shapely.linestrings(walls)),
            "_building_of_wall": building[ring[1:][joined]],
            # a building without its skin: who only touches floor or roof stays outside, rounding or not
            "_floor_m": np.asarray(self.city.base_m) + _TOUCH,
            "_roof_m": np.asarray(self.city.base_m) + np.asarray(self.city.height_m) - _TOUCH,
        }
        for name, part in parts.items():
            object.__setattr__(self, name, part)

    @classmethod
    def of(cls, what: Scene | CityMap | str | None) -> Scene:
        """Scene from a scene, a map, the name of a bundled city, or None (an open field)."""
        if isinstance(what, Scene):
            return what
        return cls(load_city(what) if isinstance(what, str) else what)

    def blocked(self, start_m, end_m) -> np.ndarray:
        """Tell which straight rays hit a building.

        Parameters
        ----------
        start_m, end_m : array_like, shape (n, 3)
            Ends of the rays in metres.

        Returns
        -------
        ndarray of bool, shape (n,)
            True where a part of the ray runs inside a building; touching a wall, a corner, a roof or a floor is no hit.
            A ray of no length is a point: it hits if it lies inside a building.

        Raises
        ------
        ValueError
            If the shapes differ or are not (n, 3), or a coordinate is not finite.

        Examples
        --------
        >>> from dnt_lab.datasets import street_grid
        >>> scene = Scene(street_grid(n_x=1, n_y=1, block_m=50, street_m=20, height_m=20.0, seed=0))
        >>> scene.blocked([[-30, 10, 1.5], [-30, 10, 90]], [[100, 10, 1.5], [100, 10, 90]])
        array([ True, False])
        """
        start_m, end_m = np.asarray(start_m, float), np.asarray(end_m, float)
        if start_m.ndim != 2 or start_m.shape != end_m.shape or start_m.shape[1] != 3:
            raise ValueError(f"rays need two arrays of shape (n, 3), got {start_m.shape} and {end_m.shape}")
        if not (np.isfinite(start_m).all() and np.isfinite(end_m).all()):
            raise ValueError("an end of a ray is not finite, but coordinates are numbers of metres")
        hit = np.zeros(len(start_m), bool)
        if self.city is None or len(start_m) == 0:
            return hit
        ray, building, t, through = self._passages(start_m, end_m)
        height_m = start_m[ray, 2] + t * (end_m[ray, 2] - start_m[ray, 2])
        side = (height_m >= self._roof_m[building]).astype(int) - (height_m <= self._floor_m[building])
        hit[ray[through & (side == 0)]] = True
        # left to look at: rays that may only touch, and those under the floor here and above the roof there
        pair = ray * len(self.city) + building
        unclear = np.union1d(pair[side == 0], np.intersect1d(pair[side < 0], pair[side > 0]))
        rest = np.flatnonzero(~hit[ray] & np.isin(pair, unclear))
        rest = rest[np.lexsort((t[rest], pair[rest]))]
        hit[self._runs_inside(start_m, end_m, ray[rest], building[rest], t[rest])] = True
        return hit

    def _passages(self, start_m, end_m):
        """Where rays meet an outline or end inside one: ray, building, share of the way, whether more than a touch."""
        ray, wall = self._near_walls(start_m, end_m)
        along, edge = (end_m - start_m)[ray, :2], self._walls_m[wall, 1] - self._walls_m[wall, 0]
        gap = self._walls_m[wall, 0] - start_m[ray, :2]
        with np.errstate(divide="ignore", invalid="ignore"):  # parallel: no crossing
            cross = _cross(along, edge)
            t, u = _cross(gap, edge) / cross, _cross(gap, along) / cross
        met = (np.abs(t - 0.5) <= 0.5 + _TOUCH) & (np.abs(u - 0.5) <= 0.5 + _TOUCH)
        ray, t, u, building = ray[met], t[met], u[met], self._building_of_wall[wall[met]]
        inside, house = self._houses.query(shapely.points(np.concatenate([start_m, end_m])[:, :2]), predicate="within")
        return (
            np.concatenate([ray, inside % len(start_m)]),
            np.concatenate([building, house]),
            np.concatenate([np.clip(t, 0, 1), inside // len(start_m)]),
            np.concatenate([np.maximum(np.abs(t - 0.5), np.abs(u - 0.5)) < 0.5 - _TOUCH, np.ones(len(inside), bool)]),
        )

    def _runs_inside(self, start_m, end_m, ray, building, t):
        """Rays that run inside a building between two passages; these are sorted by ray, building and way."""
        met_m = start_m[ray] + t[:, None] * (end_m - start_m)[ray]
        low_m, high_m = np.minimum(met_m[1:, 2], met_m[:-1, 2]), np.maximum(met_m[1:, 2], met_m[:-1, 2])
        middle_m, house = (met_m[1:] + met_m[:-1]) / 2, building[1:]
        run = (np.diff(ray) == 0) & (np.diff(building) == 0) & (np.diff(t) > _TOUCH)
        run &= (low_m < self._roof_m[house]) & (high_m > self._floor_m[house])
        run[run] = shapely.contains_xy(self.city.footprints[house[run]], middle_m[run, 0], middle_m[run, 1])
        return ray[1:][run]

    def _near_walls(self, start_m, end_m):
        """Pairs of ray and wall whose bounding boxes meet, piece by piece."""
        ground = end_m[:, :2] - start_m[:, :2]
        n_pieces = np.maximum(np.ceil(np.hypot(*ground.T) / _PIECE_M).astype(int), 1)
        ray = np.repeat(np.arange(len(start_m)), n_pieces)
        number = np.arange(len(ray)) - np.repeat(np.cumsum(n_pieces) - n_pieces, n_pieces)
        first = start_m[ray, :2] + (number / n_pieces[ray])[:, None] * ground[ray]
        last = start_m[ray, :2] + ((number + 1) / n_pieces[ray])[:, None] * ground[ray]
        piece, wall = self._wall_tree.query(shapely.box(*np.minimum(first, last).T, *np.maximum(first, last).T))
        return ray[piece], wall

    def indoor(self, xy_m) -> np.ndarray:
        """Tell which points (n, 2) lie inside a footprint."""
        xy_m = np.asarray(xy_m, float)
        if xy_m.ndim != 2 or xy_m.shape[1] < 2 or not np.isfinite(xy_m).all():
            raise ValueError(f"points need a finite array of shape (n, 2), got shape {xy_m.shape}")
        inside = np.zeros(len(xy_m), bool)
        if self.city is not None:
            inside[self._houses.query(shapely.points(xy_m[:, :2]), predicate="within")[0]] = True
        return inside

    def outdoor_points(self, n: int, bounds_m, seed) -> np.ndarray:
        """Draw `n` uniform points (n, 2) in ``(xmin, ymin, xmax, ymax)`` that lie in no building."""
        n, rng = whole("n", n, 0), generator(seed)
        low, high = checked_bounds(bounds_m)
        found = np.empty((0, 2))
        for _ in range(100):
            points = rng.uniform(low, high, (2 * n + 8, 2))
            found = np.concatenate([found, points[~self.indoor(points)]])[:n]
            if len(found) == n:
                return found
        raise ValueError(
            f"bounds_m {tuple(bounds_m)} hold almost no outdoor ground: {len(found)} of {n} points were found"
        )


def _cross(a, b):
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
