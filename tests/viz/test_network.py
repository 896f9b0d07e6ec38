"""Cells, users and links on a map."""

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba

from dnt_lab import viz
from dnt_lab.viz._png import checked_png

CELLS = np.array([[0.0, 0.0, 25.0], [200.0, 0.0, 25.0]])


def wedge_vertices(collection):
    return collection.get_paths()[0].to_polygons()[0]  # curves as short lines


@pytest.mark.parametrize(("azimuth_deg", "ahead"), [(0, (1, 0)), (90, (0, 1)), (-120, (-0.5, -np.sqrt(0.75)))])
def test_sectors_open_counter_clockwise_from_east(ax, azimuth_deg, ahead):
    viz.draw_cells(ax, CELLS[:1], [azimuth_deg], radius_m=50)
    vertices = wedge_vertices(ax.collections[0])
    rim = vertices[np.linalg.norm(vertices, axis=1) > 49]
    off_deg = np.rad2deg(np.arctan2(ahead[0] * rim[:, 1] - ahead[1] * rim[:, 0], rim @ ahead))
    assert (off_deg.min(), off_deg.max()) == pytest.approx((-32.5, 32.5), abs=0.1)
    assert np.linalg.norm(vertices, axis=1).max() == pytest.approx(50, rel=0.01)


def test_omnidirectional_cells_are_circles_and_cells_that_are_down_are_crossed(ax):
    viz.draw_cells(ax, CELLS, [np.nan, 0], on=[True, False], labels=["A", "B"])
    vertices = wedge_vertices(ax.collections[0])
    assert np.ptp(vertices, axis=0) == pytest.approx([120, 120], rel=0.01)
    assert [line.get_marker() for line in ax.lines] == ["^", "X"]
    assert ax.collections[1].get_facecolor()[0][3] == 0 and ax.lines[1].get_color() == viz.COLORS["bad"]
    assert [text.get_text() for text in ax.texts] == ["A", "B"]


def test_users_have_the_colour_of_their_value_and_the_shape_of_their_cell(ax):
    xy = np.array([[0, 0], [10, 0], [20, 0], [30, 0]])
    bar = viz.draw_users(ax, xy, [0, 10, np.nan, 5], label="SINR (dB)", groups=[0, 0, -1, 1], clim=(0, 10))
    assert bar.ax.get_ylabel() == "SINR (dB)"
    circles, squares = ax.collections
    faces = circles.get_facecolor()
    assert faces[1] == pytest.approx(bar.cmap(1.0)) and faces[0] == pytest.approx(bar.cmap(0.0))
    assert faces[2] == pytest.approx((1, 1, 1, 1))
    assert circles.get_edgecolor()[2] == pytest.approx(to_rgba(viz.COLORS["bad"]))
    assert np.array_equal(squares.get_offsets(), [[30, 0]])
    assert not np.array_equal(circles.get_paths()[0].vertices, squares.get_paths()[0].vertices)


def test_colour_bar_shows_by_an_arrow_that_values_lie_outside(ax):
    assert viz.draw_users(ax, CELLS, [-5, 3], label="SINR (dB)", clim=(0, 10)).extend == "min"
    assert viz.draw_users(ax, CELLS, [np.nan, np.nan], label="SINR (dB)").extend == "neither"


def test_users_without_values_need_no_colour_bar_and_can_be_named(ax):
    assert viz.draw_users(ax, CELLS, highlight={1: "user 1"}) is None
    ax.set(title="Two users", xlabel="x (m)", ylabel="y (m)")
    assert ax.texts[0].get_text() == "user 1" and ax.texts[0].xy == pytest.approx((200, 0))
    assert ax.get_aspect() == 1
    checked_png(ax.figure, "Two users on a line, one of them named.")


def test_links_join_users_to_their_serving_cell_only(ax):
    viz.draw_links(ax, [[1, 2], [3, 4], [5, 6]], CELLS, np.array([1, -1, 0]))
    (links,) = (c for c in ax.collections if isinstance(c, LineCollection))
    segments = np.array(links.get_segments())
    assert segments == pytest.approx(np.array([[[1, 2], [200, 0]], [[5, 6], [0, 0]]]))


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda ax: viz.draw_cells(ax, [1, 2], [0]), ValueError, r"position_m has shape \(2,\); it must be \(N, 2\)"),
        (lambda ax: viz.draw_cells(ax, CELLS, [0]), ValueError, r"azimuth_deg has shape \(1,\); it must be \(2,\)"),
        (lambda ax: viz.draw_cells(ax, CELLS, [0, 0], radius_m=0), ValueError, "radius_m is 0; it must be a positive"),
        (lambda ax: viz.draw_cells(ax, CELLS, [0, 0], labels=["A"]), ValueError, "labels has 1 items; it must have 2"),
        (lambda ax: viz.draw_users(ax, [[np.nan, 0]]), ValueError, "position_m contains NaN or infinities"),
        (lambda ax: viz.draw_users(ax, [["a", "b"]]), TypeError, r"position_m is not numeric \(list\)"),
        (lambda ax: viz.draw_users(ax, CELLS, [1, 2]), ValueError, "label is None; it must end with its unit"),
        (lambda ax: viz.draw_users(ax, CELLS, [1, np.inf], label="a (dB)"), ValueError, "values contains infinities"),
        (lambda ax: viz.draw_users(ax, CELLS, groups=[1]), ValueError, r"groups has shape \(1,\)"),
        (lambda ax: viz.draw_users(ax, CELLS, highlight={2: "c"}), ValueError, "highlight names user 2; .* 0 to 1"),
        (lambda ax: viz.draw_links(ax, CELLS, CELLS, [0.0, 1.0]), ValueError, r"serving is float64 \(2,\)"),
        (lambda ax: viz.draw_links(ax, CELLS, CELLS, [0, 2]), ValueError, "serving names cell 2; it must be below 2"),
    ],
)
def test_network_verbs_refuse(ax, call, error, sentence):
    with pytest.raises(error, match=sentence):
        call(ax)
