"""City maps: where things land, holes stay holes, the licence is said, and it is quick."""

import time
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from mpl_toolkits.axes_grid1.anchored_artists import AnchoredSizeBar

from dnt_lab import datasets, viz
from dnt_lab.viz._png import checked_png
from dnt_lab.viz.maps import _round_length_m

ALT = "Street map with grey buildings, cells and users."


def city_of(*polygons, height_m=10.0, attribution=""):
    return SimpleNamespace(
        footprints=np.array(polygons, dtype=object), height_m=np.full(len(polygons), height_m), attribution=attribution
    )


def color_at(ax, x_m, y_m):
    """Drawn colour at a position, 0 to 255."""
    image = np.asarray(ax.figure.canvas.buffer_rgba())
    column, row = np.round(ax.transData.transform((x_m, y_m))).astype(int)
    return image[image.shape[0] - 1 - row, column, :3].astype(int)


@pytest.mark.parametrize("orientation", [False, True])
def test_courtyards_stay_open_whatever_way_their_rings_turn(ax, orientation):
    ring, hole = shapely.box(0, 0, 100, 100, ccw=True), shapely.box(30, 30, 70, 70, ccw=orientation)
    block = shapely.Polygon(ring.exterior.coords, [hole.exterior.coords])
    viz.draw_city(ax, city_of(block, shapely.box(120, 0, 160, 100)))
    ax.set_title("Two blocks")
    checked_png(ax.figure, ALT)
    assert (color_at(ax, 50, 50) == 255).all() and (color_at(ax, 110, 50) == 255).all()
    assert (color_at(ax, 15, 50) < 250).all() and (color_at(ax, 140, 50) < 250).all()


def test_higher_buildings_are_darker_and_multipolygons_keep_their_height(ax):
    pair = shapely.MultiPolygon([shapely.box(0, 0, 20, 100), shapely.box(40, 0, 60, 100)])
    city = city_of(pair, shapely.box(80, 0, 100, 100))
    city.height_m = np.array([30.0, 5.0])
    viz.draw_city(ax, city)
    ax.set_title("Three houses")
    checked_png(ax.figure, ALT)
    assert color_at(ax, 10, 50) == pytest.approx(color_at(ax, 50, 50))
    assert color_at(ax, 10, 50).sum() < color_at(ax, 90, 50).sum()


@pytest.mark.parametrize("name", datasets.CITIES)
def test_a_real_city_is_whole_attributed_and_quick(name):
    city = datasets.load_city(name)
    fig, ax = plt.subplots(figsize=viz.SIZES["map"])
    start = time.process_time()
    viz.draw_city(ax, city)
    assert time.process_time() - start < 0.3
    (buildings,) = ax.collections
    assert len(buildings.get_paths()) == len(city)
    corners = np.array([[p.vertices.min(0), p.vertices.max(0)] for p in buildings.get_paths()])
    assert [*corners[:, 0].min(0), *corners[:, 1].max(0)] == pytest.approx(city.bounds_m)
    assert " ".join(ax.texts[0].get_text().split()) == city.attribution and "ODbL" in city.attribution
    ax.set_title(f"{name}: every building")
    png = checked_png(fig, ALT)
    assert len(png) < 70_000
    box = ax.texts[0].get_window_extent()
    assert box.x0 >= 0 and box.x1 <= fig.bbox.width and box.y0 >= 0


def test_scale_bar_is_a_round_quarter_of_the_view(ax):
    viz.draw_city(ax, city_of(shapely.box(0, 0, 1300, 900)), bounds_m=(100, 100, 500, 300))
    assert ax.get_xlim() == (100, 500) and ax.get_ylim() == (100, 300) and ax.get_aspect() == 1
    (bar,) = (artist for artist in ax.artists if isinstance(artist, AnchoredSizeBar))
    assert bar.txt_label.get_text() == "100 m"
    assert bar.size_bar.get_children()[0].get_width() == 100


@given(st.floats(0.5, 1e6))
def test_scale_lengths_are_one_two_or_five_times_a_power_of_ten(limit_m):
    length_m = _round_length_m(limit_m)
    assert limit_m / 2.5 * 0.999 <= length_m <= limit_m
    assert f"{length_m:e}"[0] in "125" and float(f"{length_m:.0e}") == pytest.approx(length_m)


def test_radio_map_lies_where_its_coordinates_say_and_below_the_buildings(ax):
    viz.draw_city(ax, city_of(shapely.box(0, 0, 40, 40)), bounds_m=(0, 0, 200, 100))
    values = np.zeros((5, 10))
    values[4, 9] = 1.0  # top right
    values[0, 9] = np.nan  # bottom right
    viz.radio_map(ax, np.arange(10, 200, 20), np.arange(10, 100, 20), values, label="gain (dB)", clim=(0, 1))
    ax.set_title("One bright spot")
    checked_png(ax.figure, ALT)
    low, high = (np.array(plt.colormaps[viz.SEQUENTIAL](v)[:3]) * 255 for v in (0.0, 1.0))
    assert color_at(ax, 185, 85) == pytest.approx(high, abs=2)
    assert color_at(ax, 150, 50) == pytest.approx(low, abs=2)
    assert color_at(ax, 190, 10) == pytest.approx([255, 255, 255])
    assert np.ptp(color_at(ax, 20, 20)) <= 2  # the grey house covers it


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda ax: viz.draw_city(ax, city_of()), "the city map has no buildings"),
        (lambda ax: viz.draw_city(ax, city_of(shapely.box(0, 0, 1, 1), height_m=np.nan)), "height_m contains NaN"),
        (
            lambda ax: viz.draw_city(ax, city_of(shapely.box(0, 0, 1, 1)), bounds_m=(1, 0, 0, 1)),
            r"bounds_m \(1, 0, 0, 1\) is empty; it must be \(xmin, ymin, xmax, ymax\)",
        ),
        (
            lambda ax: viz.radio_map(ax, [0, 1, 3], [0, 1], np.zeros((2, 3)), label="a (dB)"),
            "x_m is not a regular grid",
        ),
        (lambda ax: viz.radio_map(ax, [0, 1], [1, 0], np.zeros((2, 2)), label="a (dB)"), "y_m is not a regular grid"),
        (
            lambda ax: viz.radio_map(ax, [0, 1, 2], [0, 1], np.zeros((3, 2)), label="a (dB)"),
            r"values has shape \(3, 2\); it must be \(2, 3\)",
        ),
        (lambda ax: viz.radio_map(ax, [0, 1], [0, 1], np.zeros((2, 2)), label="gain"), "label is 'gain'; it must end"),
        (
            lambda ax: viz.radio_map(ax, [0, 1], [0, 1], np.zeros((2, 2)), label="a (dB)", clim=(1, 0)),
            r"clim \(1, 0\) is reversed",
        ),
    ],
)
def test_maps_refuse(ax, call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call(ax)
