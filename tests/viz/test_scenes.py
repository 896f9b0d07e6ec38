"""Triangle scenes from above, and what is taken from a mesh: edges, roofs, the lid of a room."""

import time
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.collections import LineCollection, PathCollection
from mpl_toolkits.axes_grid1.anchored_artists import AnchoredSizeBar

from dnt_lab import viz
from dnt_lab.raytracing.scene import Scene
from dnt_lab.viz._mesh import mesh_of
from dnt_lab.viz._png import checked_png
from tests.viz.links import street
from tests.viz.test_maps import color_at

ALT = "A scene from above with grey shapes."
HOUSE, SHED = Scene.box((0, 0, 0), (40, 20, 30), name="house"), Scene.box((60, 0, 0), (80, 20, 5), name="shed")


def drawn(ax, scene, **options):
    viz.draw_scene(ax, scene, **options)
    ax.set_title("What stands here")
    return checked_png(ax.figure, ALT)


def test_roofs_lie_where_they_are_darker_the_higher_and_the_ground_is_white(ax):
    drawn(ax, street() + HOUSE + SHED, bounds_m=(-60, -40, 100, 40))
    assert ax.get_xlim() == (-60, 100) and ax.get_ylim() == (-40, 40) and ax.get_aspect() == 1
    assert (color_at(ax, -20, 0) == 255).all()
    assert color_at(ax, 20, 8).sum() < color_at(ax, 70, 8).sum() < 3 * 250


def test_the_view_is_set_by_what_stands_not_by_the_ground(ax):
    drawn(ax, street())  # whose ground is 100 m larger on each side
    margin_m = 0.02 * 100
    assert ax.get_xlim() == pytest.approx((-50 - margin_m, 50 + margin_m))
    assert ax.get_ylim() == pytest.approx((-25 - margin_m, 25 + margin_m))


def test_a_room_loses_its_ceiling_and_shows_walls_and_furniture(ax):
    drawn(ax, Scene.room((8, 5, 3)) + Scene.box((3, 1, 0), (4, 2, 1.2)))
    assert color_at(ax, 6, 4) == pytest.approx([235] * 3, abs=1)
    assert color_at(ax, 3.5, 1.5).sum() < 3 * 225
    walls = [c for c in ax.collections if isinstance(c, LineCollection)]
    ends = np.concatenate(walls[0].get_segments())
    assert (ends.min(axis=0) == 0).all() and (ends.max(axis=0) == [8, 5]).all()
    assert (color_at(ax, 0, 2.5) < 140).all()


def quad(*corners_m):
    return Scene.from_mesh(corners_m, [[0, 1, 2], [0, 2, 3]], 0, ["concrete"])


WALL = quad((0, 0, 0), (10, 0, 0), (10, 0, 3), (0, 0, 3))


def test_a_thin_wall_is_a_line(ax):
    drawn(ax, Scene.box((0, 4, 0), (10, 8, 6)) + Scene.box((20, 4, 0), (22, 8, 6)) + WALL)
    assert (color_at(ax, 5, 0) < 140).all() and (color_at(ax, 5, 2) == 255).all()


def test_ground_alone_is_grey(ax):
    drawn(ax, quad((0, 0, 0), (10, 0, 0), (10, 10, 0), (0, 10, 0)))
    assert (color_at(ax, 5, 5) < 250).all()


def test_walls_alone_stand_on_white(ax):
    drawn(ax, WALL + quad((0, 5, 0), (10, 5, 0), (10, 5, 3), (0, 5, 3)))
    assert (color_at(ax, 5, 0) < 140).all() and (color_at(ax, 5, 2) == 255).all()


def test_a_mesh_that_is_one_object_is_drawn_as_its_parts(ax):
    scene = street()
    one = Scene.from_mesh(scene.vertices_m, scene.faces, 0, ["concrete"])
    drawn(ax, one, bounds_m=(-60, -30, 60, 30))
    assert (color_at(ax, 0, 0) == 255).all() and (color_at(ax, 0, 20) < 200).all()


def test_nothing_on_the_map_covers_rays(ax):
    drawn(ax, street())
    (scale,) = (artist for artist in ax.artists if isinstance(artist, AnchoredSizeBar))
    assert scale.get_window_extent(ax.figure.canvas.get_renderer()).y1 <= ax.get_window_extent().y0


def test_a_city_is_whole_attributed_and_quick(ax):
    city = Scene.from_city("florence")
    start = time.process_time()
    viz.draw_scene(ax, city)
    assert time.process_time() - start < 3
    (roofs,) = (c for c in ax.collections if isinstance(c, PathCollection))
    assert len(roofs.get_paths()) > 1000 and "ODbL" in ax.texts[0].get_text()


def test_edges_are_those_of_the_body_without_diagonals():
    mesh = mesh_of(HOUSE)
    ends_m = mesh.vertices_m[mesh.edges()]
    assert len(ends_m) == 12 and (np.count_nonzero(ends_m[:, 0] != ends_m[:, 1], axis=1) == 1).all()


def test_vertices_at_one_place_are_welded():
    loose = SimpleNamespace(
        vertices_m=HOUSE.vertices_m[HOUSE.faces].reshape(-1, 3),
        faces=np.arange(36).reshape(-1, 3),
        face_object=np.zeros(12, int),
    )
    mesh = mesh_of(loose)
    assert len(mesh.vertices_m) == 8 and len(mesh.edges()) == 12


@pytest.mark.parametrize(
    ("scene", "glass"),
    [
        (Scene.room((8, 5, 3)), 10),
        (Scene.room((8, 5, 3)) + Scene.box((3, 1, 0), (4, 2, 1.2)), 10),  # furniture is no glass
        (street(), 0),
        (HOUSE + SHED, 0),
    ],
)
def test_only_rooms_are_of_glass(scene, glass):
    mesh = mesh_of(scene)
    assert mesh.glass.sum() == glass and not (mesh.glass & mesh.ground).any()


def test_bounds_leave_whole_objects_and_cut_the_ground():
    mesh = mesh_of(street() + HOUSE + SHED, (50, -5, 90, 5))
    assert len(mesh.faces) == 12 + 2
    assert (mesh.vertices_m[:, :2].min(axis=0) == [50, -5]).all()
    assert (mesh.vertices_m.max(axis=0) == [90, 20, 5]).all()


def test_a_house_that_is_larger_than_the_view_is_seen(ax):
    drawn(ax, street(), bounds_m=(-5, -15, 5, 15))
    assert (color_at(ax, 0, 12) < 200).all() and (color_at(ax, 0, 0) == 255).all()


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda ax: viz.draw_scene(ax, 3), TypeError, "scene is a int without vertices_m; it must be a raytracing.Sce"),
        (lambda ax: viz.draw_scene(ax, HOUSE, bounds_m=(1, 0, 0, 1)), ValueError, r"bounds_m \(1, 0, 0, 1\) is empty"),
        (
            lambda ax: viz.draw_scene(ax, HOUSE, bounds_m=(900, 900, 999, 999)),
            ValueError,
            r"no object of the scene reaches into bounds_m \(900, 900, 999, 999\)",
        ),
    ],
)
def test_scenes_refuse(ax, call, error, sentence):
    with pytest.raises(error, match=sentence):
        call(ax)
