"""The scene: what stands between an antenna and a user.

A scene is a set of vertical prisms: a footprint (polygon with holes), the height of its base and of its roof. A straight
ray is blocked where it runs inside a footprint at a height between base and roof.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import shapely

from dnt_lab.datasets import CityMap, load_city


@dataclass(frozen=True, eq=False)
class Scene:
    """Buildings and the area around them.

    Attributes
    ----------
    city : CityMap or None
        The map; None is an open field.
    """

    city: CityMap | None = None
    _tree: shapely.STRtree | None = field(init=False, repr=False, default=None)
    _roof_m: np.ndarray = field(init=False, repr=False, default=None)

    def __post_init__(self):
        if self.city is not None:
            footprints = self.city.footprints
            shapely.prepare(footprints)
            object.__setattr__(self, "_tree", shapely.STRtree(footprints))
            object.__setattr__(self, "_roof_m", np.asarray(self.city.base_m) + np.asarray(self.city.height_m))

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
        if self._tree is None or len(start_m) == 0:
            return hit
        rays = shapely.linestrings(np.stack([start_m[:, :2], end_m[:, :2]], axis=1))
        ray, building = self._tree.query(rays, predicate="intersects")
        # a ray that stays above the roof from end to end needs no clipping
        low = np.minimum(start_m[ray, 2], end_m[ray, 2]) < self._roof_m[building]
        ray, building = ray[low], building[low]
        inside, pair = shapely.get_parts(
            shapely.intersection(rays[ray], self.city.footprints[building]), return_index=True
        )
        ray, building = ray[pair], building[pair]
        chord = shapely.get_type_id(inside) == shapely.GeometryType.LINESTRING  # a touched corner is a point
        ray, building, inside = ray[chord], building[chord], inside[chord]
        first, last = shapely.get_point(inside, 0), shapely.get_point(inside, -1)
        ends_xy = np.stack([shapely.get_coordinates(first), shapely.get_coordinates(last)], axis=1)
        hit[ray[self._cuts(start_m[ray], end_m[ray], ends_xy, building)]] = True
        return hit

    def _cuts(self, start_m, end_m, ends_xy, building):
        """Whether the ray's height over the chord ``ends_xy`` (n, 2, 2) falls between base and roof."""
        ground = end_m[:, :2] - start_m[:, :2]
        along = np.einsum("nij,nj->ni", ends_xy - start_m[:, None, :2], ground) / np.einsum("ni,ni->n", ground, ground)[:, None]
        height = start_m[:, None, 2] + along * (end_m[:, None, 2] - start_m[:, None, 2])
        base = np.asarray(self.city.base_m)[building]
        return (height.min(axis=1) < self._roof_m[building] - 1e-9) & (height.max(axis=1) > base + 1e-9)

    def indoor(self, xy_m) -> np.ndarray:
        """Tell which points (n, 2) lie inside a footprint."""
        xy_m = np.asarray(xy_m, float)
        inside = np.zeros(len(xy_m), bool)
        if self._tree is not None:
            inside[self._tree.query(shapely.points(xy_m[:, :2]), predicate="within")[0]] = True
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
        raise ValueError(f"bounds_m {tuple(bounds_m)} hold almost no outdoor ground: {len(found)} of {n} points were found")
