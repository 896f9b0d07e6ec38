"""The essentials of an environment as a raster: how high a thing stands on each cell, and how well it reflects.

This is all a twin is sent of a place. Location and size of objects are which cells they cover and how high, their
material is its reflectivity at the carrier. `dnt_lab.mapping.vertical.views` turns a raster into what one link sees.

>>> raster = rasterise(load_city("florence"), 28e9, (0.0, 0.0, 100.0, 80.0), cell_m=1.0)
>>> raster
Raster(100 x 80 cells of 1 m, 56% built on)
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely

from dnt_lab.datasets import CityMap
from dnt_lab.datasets._checks import metres
from dnt_lab.physical.scene import checked_bounds
from dnt_lab.raytracing.materials import material_of

_TALLEST_M = 655.0  # what two bytes hold in centimetres


@dataclass(frozen=True, eq=False)
class Raster:
    """Heights and reflectivities on a grid of square cells.

    Attributes
    ----------
    corner_m : ndarray, shape (2,)
        Lower left corner of the grid in metres.
    cell_m : float
        Side of a cell in metres.
    height_m : ndarray, shape (Y, X)
        Top of the highest thing at the centre of each cell, 0 on free ground.
    reflectivity : ndarray, shape (Y, X)
        Amplitude a wave keeps when the thing reflects it head-on, 0 to 1.
    outside_m, outside_reflectivity : float
        Height and reflectivity beyond the grid: walls around a room, open ground around a street.
    ceiling_m : float
        Height of the ceiling; 0 where there is none.
    """

    corner_m: np.ndarray
    cell_m: float
    height_m: np.ndarray
    reflectivity: np.ndarray
    outside_m: float = 0.0
    outside_reflectivity: float = 0.0
    ceiling_m: float = 0.0

    def __repr__(self) -> str:
        n_y, n_x = self.height_m.shape
        return f"Raster({n_x} x {n_y} cells of {self.cell_m:g} m, {(self.height_m > 0).mean():.0%} built on)"

    def cells(self, x_m: np.ndarray, y_m: np.ndarray) -> np.ndarray:
        """Return the numbers of the cells points lie in, as `heights` and `reflectivities` list them."""
        n_y, n_x = self.height_m.shape
        column, row = ((v - low) / self.cell_m + 1 for v, low in zip((x_m, y_m), self.corner_m.tolist(), strict=True))
        np.clip(column, 0, n_x + 1, out=column)
        np.clip(row, 0, n_y + 1, out=row)
        return row.astype(np.int32) * (n_x + 2) + column.astype(np.int32)

    @cached_property
    def heights(self) -> np.ndarray:
        """Heights of all cells within a rim of `outside_m`, in one row, float32."""
        return np.pad(self.height_m, 1, constant_values=self.outside_m).astype(np.float32).ravel()

    @cached_property
    def reflectivities(self) -> np.ndarray:
        """Reflectivities in the same order."""
        return np.pad(self.reflectivity, 1, constant_values=self.outside_reflectivity).astype(np.float32).ravel()

    def packed(self) -> bytes:
        """Return what is sent: heights in whole centimetres, reflectivities in 1/255, deflated (zlib, RFC 1950)."""
        height_cm = np.round(self.height_m * 100).astype("<u2")
        reflectivity = np.round(self.reflectivity * 255).astype("u1")
        return zlib.compress(height_cm.tobytes() + reflectivity.tobytes(), 9)


def rasterise(
    things: CityMap, freq_hz: float, bounds_m, cell_m: float, *, outside_m=0.0, outside_reflectivity=0.0, ceiling_m=0.0,
    materials: Mapping | None = None,
) -> Raster:  # fmt: skip
    """Raster of things that stand upright; where two overlap, the higher one counts.

    Parameters
    ----------
    things : CityMap
        Outline, height and material of each: houses, vehicles, furniture.
    freq_hz : float
        Carrier at which they reflect, in Hz.
    bounds_m : (xmin, ymin, xmax, ymax)
        Area in metres.
    cell_m : float
        Side of a cell in metres.
    outside_m, outside_reflectivity, ceiling_m : float
        As in `Raster`.
    materials : mapping, optional
        Materials by name; what is not in it is one of the ITU's.

    Returns
    -------
    Raster
        Values to the centimetre and to 1/255, which is how they are sent.

    Raises
    ------
    ValueError
        If a thing is higher than 655 m or of an unknown material, or the bounds or the cell are no lengths.
    """
    (low_m, high_m), cell_m = checked_bounds(bounds_m), metres("cell_m", cell_m)
    top_m = things.base_m + things.height_m
    if len(things) and top_m.max() > _TALLEST_M:
        raise ValueError(f"a thing is {top_m.max():g} m high, but two bytes hold at most {_TALLEST_M:g} m.")
    kept = {
        name: reflectivity_of((materials or {}).get(name, name), freq_hz)
        for name in np.unique(things.material).tolist()
    }
    n_x, n_y = np.maximum(np.ceil((high_m - low_m) / cell_m - 1e-9), 1).astype(int)
    heights, reflects = np.zeros((n_y, n_x)), np.zeros((n_y, n_x))
    x_m, y_m = low_m[0] + (np.arange(n_x) + 0.5) * cell_m, low_m[1] + (np.arange(n_y) + 0.5) * cell_m
    for thing in np.argsort(top_m, kind="stable"):  # the highest comes last and stays
        outline = things.footprints[thing]
        xmin, ymin, xmax, ymax = outline.bounds
        cols = slice(np.searchsorted(x_m, xmin), np.searchsorted(x_m, xmax, "right"))
        rows = slice(np.searchsorted(y_m, ymin), np.searchsorted(y_m, ymax, "right"))
        covered = shapely.contains_xy(outline, *np.meshgrid(x_m[cols], y_m[rows]))
        heights[rows, cols][covered] = np.round(top_m[thing], 2)
        reflects[rows, cols][covered] = np.round(kept[things.material[thing]] * 255) / 255
    return Raster(low_m, cell_m, heights, reflects, float(outside_m), float(outside_reflectivity), float(ceiling_m))


def reflectivity_of(material, freq_hz: float) -> float:
    """Amplitude reflected head-on by a wall of a material (or of an ITU material's name), 0 to 1.

    Materials are extrapolated above the frequencies of the ITU's table, which ends at 100 GHz or below.
    """
    r_te, _ = material_of(material).reflection(np.ones(1), freq_hz, extrapolate=True)
    return float(np.abs(r_te[0]))
