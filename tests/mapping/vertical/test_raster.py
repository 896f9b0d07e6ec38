"""Rasters: every cell asked one by one, the bytes that are sent decoded by hand, and the edges of the grid."""

import zlib

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from dnt_lab.datasets import CityMap, load_city
from dnt_lab.mapping.vertical import Raster, rasterise, reflectivity_of
from dnt_lab.raytracing import Material
from tests.mapping.vertical.made import flat_raster, houses

BOUNDS_M = (0.0, 0.0, 12.0, 9.0)
MATERIALS = ("concrete", "glass", "metal")


def drawn_map(seed, n):
    """Overlapping triangles and rectangles of different heights and materials."""
    rng = np.random.default_rng(seed)
    outlines = []
    for _ in range(n):
        corners_m = rng.uniform([-2, -2], [14, 11], (3 if rng.uniform() < 0.5 else 2, 2))
        low, high = corners_m.min(axis=0), corners_m.max(axis=0)
        outlines.append(shapely.Polygon(corners_m) if len(corners_m) == 3 else shapely.box(*low, *high))
    material = np.array([MATERIALS[i % 3] for i in range(n)])
    base_m, height_m = rng.uniform(0, 3, n), rng.uniform(0.5, 60, n)
    return CityMap("drawn", np.array(outlines, object), height_m, base_m, material)


@settings(max_examples=12)
@given(st.integers(0, 10**6), st.integers(0, 6), st.sampled_from([0.5, 0.7, 1.0]))
def test_each_cell_has_the_highest_thing_at_its_centre(seed, n, cell_m):
    things = drawn_map(seed, n)
    raster = rasterise(things, 28e9, BOUNDS_M, cell_m)
    assert raster.height_m.shape == (int(np.ceil(9 / cell_m - 1e-9)), int(np.ceil(12 / cell_m - 1e-9)))
    for row, col in np.ndindex(raster.height_m.shape):
        centre = shapely.Point((col + 0.5) * cell_m, (row + 0.5) * cell_m)
        over = [i for i in range(n) if things.footprints[i].contains(centre)]
        highest = max(over, key=lambda i: things.base_m[i] + things.height_m[i], default=None)
        if highest is None:
            assert raster.height_m[row, col] == raster.reflectivity[row, col] == 0
            continue
        top_m = things.base_m[highest] + things.height_m[highest]
        assert raster.height_m[row, col] == pytest.approx(top_m, abs=0.00501)
        kept = reflectivity_of(things.material[highest], 28e9)
        assert raster.reflectivity[row, col] == pytest.approx(kept, abs=0.5001 / 255)


@pytest.mark.parametrize("things", [load_city("florence"), drawn_map(3, 9)], ids=["city", "drawn"])
def test_what_is_sent_is_what_the_twin_has(things):
    raster = rasterise(things, 28e9, (0.0, 0.0, 100.0, 80.0), 1.0)
    raw, n = zlib.decompress(raster.packed()), 100 * 80
    assert len(raw) == 3 * n
    height_m = np.frombuffer(raw, "<u2", n).reshape(80, 100) / 100
    reflectivity = np.frombuffer(raw, "u1", n, offset=2 * n).reshape(80, 100) / 255
    np.testing.assert_array_equal(height_m, raster.height_m)
    np.testing.assert_array_equal(reflectivity, raster.reflectivity)
    assert 0 < (raster.height_m > 0).mean() < 0.9
    assert len(raster.packed()) < len(raw) / 5


def test_the_higher_of_two_stays_whichever_comes_first():
    low, high = (2.0, 2.0, 8.0, 8.0, 4.0), (4.0, 4.0, 6.0, 6.0, 9.0)
    for blocks in ((low, high), (high, low)):
        height_m = rasterise(houses(*blocks), 28e9, BOUNDS_M, 1.0).height_m
        assert height_m[4, 4] == 9 and height_m[2, 2] == 4 and height_m[0, 0] == 0
        assert (height_m == 9).sum() == 4 and (height_m == 4).sum() == 32


@given(st.floats(-50, 50), st.floats(-50, 50))
def test_a_point_is_looked_up_in_its_cell_and_beyond_the_grid_outside(x_m, y_m):
    height_m = np.arange(1.0, 13.0).reshape(3, 4)
    raster = flat_raster(height_m, cell_m=2.0, corner_m=(-3.0, -1.0), outside_m=99.0, outside_reflectivity=0.25)
    cell = raster.cells(np.array([x_m]), np.array([y_m]))
    col, row = int(np.floor((x_m + 3) / 2)), int(np.floor((y_m + 1) / 2))
    if 0 <= col < 4 and 0 <= row < 3:
        assert raster.heights[cell] == height_m[row, col] and raster.reflectivities[cell] == 0.5
    else:
        assert raster.heights[cell] == 99 and raster.reflectivities[cell] == 0.25


def test_an_empty_map_and_the_words_a_raster_says():
    raster = rasterise(houses(), 28e9, (0.0, 0.0, 10.0, 8.0), 0.5)
    assert not raster.height_m.any() and repr(raster) == "Raster(20 x 16 cells of 0.5 m, 0% built on)"
    half = Raster(np.zeros(2), 1.0, np.array([[0.0, 3.0]]), np.zeros((1, 2)))
    assert repr(half) == "Raster(2 x 1 cells of 1 m, 50% built on)"


def test_reflectivity_head_on_is_fresnels():
    """A half-space of permittivity 4 reflects (1 - 2) / (1 + 2) of the amplitude, metal nearly all."""
    assert reflectivity_of(Material(4.0, 0.0, None), 28e9) == pytest.approx(1 / 3)
    assert reflectivity_of("metal", 28e9) == pytest.approx(1.0, abs=1e-3)
    assert 0 < reflectivity_of("concrete", 140e9) < 1


def test_bad_things_are_refused():
    with pytest.raises(ValueError, match=r"a thing is 700 m high, but two bytes hold at most 655 m"):
        rasterise(houses((0, 0, 5, 5, 700.0)), 28e9, BOUNDS_M, 1.0)
    with pytest.raises(ValueError, match=r"cell_m is 0 m, but must be a finite length above 0 m"):
        rasterise(houses(), 28e9, BOUNDS_M, 0)
    with pytest.raises(ValueError, match=r"bounds_m is \(5.0, 0.0, 1.0, 9.0\), but"):
        rasterise(houses(), 28e9, (5.0, 0.0, 1.0, 9.0), 1.0)
    with pytest.raises(ValueError, match="cheese"):
        rasterise(houses((0, 0, 5, 5, 7.0), material="cheese"), 28e9, BOUNDS_M, 1.0)
