"""The scene: what stands between an antenna and a user.

A scene is a set of vertical prisms: a footprint (polygon with holes), the height of its base and of its roof. A straight
ray is blocked where it runs inside a footprint at a height between base and roof.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from dnt_lab.datasets import CityMap, load_city

_PIECE_M = 40.0  # long rays are cut into pieces, whose bounding boxes hold few walls


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
            "_roof_m": np.asarray(self.city.base_m) + np.asarray(self.city.height_m),
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
            Ends of the rays in metres; touching a wall or a roof is not a hit.

        Returns
        -------
        ndarray of bool, shape (n,)

        Raises
        ------
        ValueError
            If the shapes differ or are not (n, 3).

        Examples
        --------
        >>> from dnt_lab.datasets import street_grid
        >>> scene = Scene(street_grid(n_x=1, n_y=1, block_m=50, street_m=20, height_m=20.0, seed=0))
        >>> scene.blocked([[-30, 25, 1.5], [-30, 25, 90]], [[100, 25, 1.5], [100, 25, 90]])
        array([ True, False])
        """
        start_m, end_m = np.asarray(start_m, float), np.asarray(end_m, float)
        if start_m.ndim != 2 or start_m.shape != end_m.shape or start_m.shape[1] != 3:
            raise ValueError(f"rays need two arrays of shape (n, 3), got {start_m.shape} and {end_m.shape}")
        hit = np.zeros(len(start_m), bool)
        if self.city is None or len(start_m) == 0:
            return hit
        ray, building, height_m = self._passages(start_m, end_m)
        side = (height_m >= self._roof_m[building]).astype(int) - (height_m <= np.asarray(self.city.base_m)[building])
        hit[ray[side == 0]] = True
        # below the base here, above the roof there: the ray went through floor and roof and met no wall
        pair = ray * len(self.city) + building
        hit[np.intersect1d(pair[side < 0], pair[side > 0]) // len(self.city)] = True
        return hit

    def _passages(self, start_m, end_m):
        """Where rays cross an outline or end inside one: ray, building and height of the ray there."""
        ray, wall = self._near_walls(start_m, end_m)
        along, edge = (end_m - start_m)[ray, :2], self._walls_m[wall, 1] - self._walls_m[wall, 0]
        gap = self._walls_m[wall, 0] - start_m[ray, :2]
        with np.errstate(divide="ignore", invalid="ignore"):  # parallel: no crossing
            cross = _cross(along, edge)
            t, u = _cross(gap, edge) / cross, _cross(gap, along) / cross
        met = (t > 0) & (t < 1) & (u >= 0) & (u <= 1)
        ray, t, building = ray[met], t[met], self._building_of_wall[wall[met]]
        ends = np.concatenate([start_m, end_m])
        inside, house = self._houses.query(shapely.points(ends[:, :2]), predicate="within")
        height_m = start_m[ray, 2] + t * (end_m[ray, 2] - start_m[ray, 2])
        return (
            np.concatenate([ray, inside % len(start_m)]),
            np.concatenate([building, house]),
            np.concatenate([height_m, ends[inside, 2]]),
        )

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
        inside = np.zeros(len(xy_m), bool)
        if self.city is not None:
            inside[self._houses.query(shapely.points(xy_m[:, :2]), predicate="within")[0]] = True
        return inside

    def outdoor_points(self, n: int, bounds_m, seed) -> np.ndarray:
        """Draw `n` uniform points (n, 2) in ``(xmin, ymin, xmax, ymax)`` that lie in no building."""
        rng = np.random.default_rng(seed)
        low, high = np.array(bounds_m[:2], float), np.array(bounds_m[2:], float)
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
