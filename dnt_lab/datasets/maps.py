"""City maps: building outlines in local metres with a height and a wall material each.

Three real cities are bundled (Munich, Florence, Etoile in Paris); `read_footprints` reads a file of your own in
the same layout. All are flat: x and y in metres from the map's origin, z in metres above ground.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import shapely

from dnt_lab.datasets._checks import one_of
from dnt_lab.datasets.data_files import bundled

CITIES = ("munich", "florence", "etoile")
OSM_ATTRIBUTION = "(c) OpenStreetMap contributors, ODbL 1.0; converted from the sionna-rt 2.2.0 scenes"
# A house is wider than a hand; in degrees even a city block is narrower than this.
_SMALLEST_BUILDING_M = 0.05
# In the scenes walls come first and roofs are metal or wood; Florence's "wall" and Munich's one bare "mesh" are marble.
_WALLS = ("itu_marble", "itu_brick", "itu_concrete", "itu_glass", "itu_wood", "itu_metal", "itu_plasterboard")


@dataclass(frozen=True, eq=False)
class CityMap:
    """Buildings of one place, as parallel arrays of length N.

    Attributes
    ----------
    name : str
        What to call the place in titles.
    footprints : numpy.ndarray of shapely.Polygon, shape (N,)
        Outlines in local metres; courtyards are holes.
    height_m : numpy.ndarray, shape (N,)
        Height of each building above its own base.
    base_m : numpy.ndarray, shape (N,)
        Height of each base above ground (0 for nearly all; above 0 for bridges and overhangs).
    material : numpy.ndarray of str, shape (N,)
        Wall material, named as in ITU-R P.2040 with the prefix ``itu_``.
    attribution : str
        What must stand under a published picture of the map; empty if nothing.
    """

    name: str
    footprints: np.ndarray
    height_m: np.ndarray
    base_m: np.ndarray
    material: np.ndarray
    attribution: str = ""

    def __post_init__(self):
        sizes = {field: len(getattr(self, field)) for field in ("footprints", "height_m", "base_m", "material")}
        if len(set(sizes.values())) != 1:
            raise ValueError(f"CityMap {self.name!r} needs arrays of one length, but got {sizes}.")
        for array in (self.footprints, self.height_m, self.base_m, self.material):
            array.flags.writeable = False  # a map is shared by a network and its twins

    def __len__(self) -> int:
        return len(self.footprints)

    def __repr__(self) -> str:
        return f"CityMap({self.summary()})"

    @property
    def bounds_m(self) -> tuple[float, float, float, float]:
        """Smallest box around all outlines: (xmin, ymin, xmax, ymax) in metres; NaN for an empty map."""
        if len(self) == 0:
            return (np.nan,) * 4
        return tuple(float(v) for v in shapely.total_bounds(self.footprints))

    def summary(self) -> str:
        """Return one line: name, number of buildings, extent, heights, share of ground that is built on."""
        if len(self) == 0:
            return f"{self.name}: no buildings"
        xmin, ymin, xmax, ymax = self.bounds_m
        built = shapely.union_all(self.footprints).area / ((xmax - xmin) * (ymax - ymin))
        return (
            f"{self.name}: {len(self)} buildings on {xmax - xmin:.0f} m x {ymax - ymin:.0f} m, "
            f"height median {np.median(self.height_m):.1f} m, highest {self.height_m.max():.1f} m, {built:.0%} built"
        )

    def crop(self, xmin: float, ymin: float, xmax: float, ymax: float) -> CityMap:
        """Return the map of the buildings that touch a box (metres), each kept whole.

        Cutting a house at the edge would invent a wall that is not there, so `bounds_m` may reach over the box.

        Raises
        ------
        ValueError
            If the box is not finite or has no area.
        """
        box = (xmin, ymin, xmax, ymax)
        if not np.all(np.isfinite(box)) or xmin >= xmax or ymin >= ymax:
            raise ValueError(f"The box {box} is empty: crop(xmin, ymin, xmax, ymax) needs xmin < xmax and ymin < ymax.")
        keep = shapely.intersects(self.footprints, shapely.box(*box))
        return replace(
            self,
            footprints=self.footprints[keep],
            height_m=self.height_m[keep],
            base_m=self.base_m[keep],
            material=self.material[keep],
        )


def load_city(name: str) -> CityMap:
    """Return a bundled city map: ``"munich"``, ``"florence"`` or ``"etoile"``.

    Source: OpenStreetMap (ODbL 1.0) through the scenes of sionna-rt 2.2.0. Put `CityMap.attribution` under pictures.

    Raises
    ------
    ValueError
        If the city is not bundled.
    """
    one_of("The city", name, CITIES)
    city = read_footprints(bundled(f"{name}_footprints.geojson"))
    return replace(city, name=name.capitalize(), attribution=OSM_ATTRIBUTION)


def read_footprints(path: str | Path, *, attribution: str = "") -> CityMap:
    """Read building outlines from a GeoJSON file in local metres.

    Layout: a FeatureCollection of Polygon features, coordinates x, y in metres (not longitude and latitude),
    properties ``height`` (m above the building's base, required), ``z_base`` (m, default 0) and ``material`` or
    ``parts`` (list of material names; the wall's counts; default ``itu_concrete``).

    Raises
    ------
    ValueError
        If the file is not of that layout; the sentence names the file and the feature, counted from 1.
    """
    path = Path(path)
    features = _features(path)
    rows = [_building(f"{path.name}, feature {number}", feature) for number, feature in enumerate(features, start=1)]
    outlines = np.empty(len(rows), dtype=object)
    outlines[:] = [row[0] for row in rows]
    return CityMap(
        name=path.stem,
        footprints=outlines,
        height_m=np.array([row[1] for row in rows]),
        base_m=np.array([row[2] for row in rows]),
        material=np.array([row[3] for row in rows]),
        attribution=attribution,
    )


def _features(path: Path) -> list:
    try:
        document = json.loads(path.read_bytes())
    except json.JSONDecodeError as error:
        raise ValueError(f"{path.name} is not whole GeoJSON: {error.msg} at line {error.lineno}.") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path.name} is not a text file; a GeoJSON FeatureCollection is expected.") from None
    if not isinstance(document, dict) or document.get("type") != "FeatureCollection":
        raise ValueError(f"{path.name} is not a GeoJSON FeatureCollection of building outlines.")
    crs = json.dumps(document.get("crs", ""))
    if "4326" in crs or "CRS84" in crs:
        raise ValueError(f"{path.name} declares longitude and latitude ({crs}); project it to local metres first.")
    features = document.get("features")
    if not isinstance(features, list) or not features:
        raise ValueError(f"{path.name} has no features; at least one building outline is expected.")
    return features


def _building(where: str, feature) -> tuple[shapely.Polygon, float, float, str]:
    properties = (feature.get("properties") if isinstance(feature, dict) else None) or {}
    outline = _outline(where, feature)
    height = _number(where, "height", properties.get("height"))
    if height <= 0:
        raise ValueError(f"{where}: height is {height} m, but must be above 0 m.")
    return outline, height, _number(where, "z_base", properties.get("z_base", 0.0)), _wall(where, properties)


def _outline(where: str, feature) -> shapely.Polygon:
    geometry = (feature.get("geometry") if isinstance(feature, dict) else None) or {}
    kind = geometry.get("type")
    if kind != "Polygon":
        raise ValueError(f"{where}: the geometry is {kind}, but must be a Polygon (one feature for each part).")
    try:
        rings = [np.asarray(ring, dtype=float)[:, :2] for ring in geometry["coordinates"]]
        finite = all(np.isfinite(ring).all() for ring in rings)
        outline = shapely.Polygon(rings[0], rings[1:]) if finite else None
    except (KeyError, IndexError, TypeError, ValueError):
        raise ValueError(f"{where}: the coordinates are not rings of at least three [x, y] points.") from None
    if not finite:
        raise ValueError(f"{where}: a coordinate is not a finite number.")
    if not outline.is_valid or outline.is_empty:
        raise ValueError(f"{where}: the outline is broken ({shapely.is_valid_reason(outline)}).")
    xmin, ymin, xmax, ymax = outline.bounds
    if max(xmax - xmin, ymax - ymin) < _SMALLEST_BUILDING_M:
        raise ValueError(
            f"{where}: the building is {xmax - xmin:.2g} x {ymax - ymin:.2g} wide, "
            "which looks like degrees of longitude and latitude; project the file to local metres first."
        )
    return outline


def _number(where: str, name: str, value) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise ValueError(f"{where}: {name} is {value!r}, but must be a finite number of metres.")
    return float(value)


def _wall(where: str, properties: dict) -> str:
    if "material" in properties:
        if not isinstance(properties["material"], str):
            raise ValueError(
                f"{where}: material is {properties['material']!r}, but must be a name such as 'itu_brick'."
            )
        return properties["material"]
    parts = properties.get("parts")
    if not parts:
        return "itu_concrete"
    return next((wall for wall in _WALLS if wall in parts), "itu_marble")
