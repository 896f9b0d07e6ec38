"""The 3-D view without a browser: what is seen where, what hides what, and what the output carries."""

import html
import io
import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dnt_lab import viz
from dnt_lab.raytracing.scene import Scene
from dnt_lab.viz._camera import BACKGROUND, Camera, nearest, visible_parts
from dnt_lab.viz._view3d import View
from tests.viz.links import RX_M, TX_M, link_paths, street

ALT = "Street from the south-west with the rays to one user."
SOUTH_DEG = -90.0


@pytest.fixture(scope="module")
def paths():
    return link_paths()


def view_of(scene, paths=None, **options):
    return viz.scene_view(scene, paths, **{"title": "Four rays reach the user", "alt": ALT} | options)


def page_of(view):
    return html.unescape(re.search(r'srcdoc="(.*?)"', view.value, re.DOTALL)[1])


def data_of(view):
    return json.loads(re.search(r"const D = (.*);\n", page_of(view))[1])


def pixels(view):
    with Image.open(io.BytesIO(view.png)) as image:
        return np.asarray(image.convert("RGB")).astype(int)


@pytest.mark.parametrize(
    ("azimuth_deg", "elevation_deg", "east", "north", "up"),
    [(SOUTH_DEG, 0, (1, 0, 0), (0, 0, -1), (0, 1, 0)), (SOUTH_DEG, 90, (1, 0, 0), (0, 1, 0), (0, 0, 1)),
     (0, 0, (0, 0, 1), (1, 0, 0), (0, 1, 0)), (180, 0, (0, 0, -1), (-1, 0, 0), (0, 1, 0))],
)  # fmt: skip
def test_directions_are_seen_as_right_up_and_near(azimuth_deg, elevation_deg, east, north, up):
    camera = Camera(azimuth_deg, elevation_deg, np.zeros(3), 1.0, (0, 0))
    assert camera.project(np.eye(3)) == pytest.approx(np.array([east, north, up]), abs=1e-12)


def test_all_points_are_in_the_picture_and_its_middle_is_theirs():
    points_m = np.array([[0, 0, 0], [100, 0, 0], [0, 10, 5.0]])
    seen = Camera.around(points_m, 30, 20, (300, 200)).project(points_m)
    assert (seen[:, :2] > 0).all() and (seen[:, :2] < [300, 200]).all()
    assert Camera.around(points_m, 30, 20, (300, 200)).project([50, 5, 2.5])[:2] == pytest.approx([150, 100])


corner = st.tuples(st.floats(-20, 60), st.floats(-20, 60), st.floats(-9, 9))


@given(st.tuples(corner, corner, corner), st.tuples(st.floats(0.05, 0.9), st.floats(0.05, 0.9)))
def test_depth_of_a_triangle_is_that_of_its_plane(corners, share):
    seen, (b, c) = np.array(corners), share
    depth, face = nearest(seen, np.array([[0, 1, 2]]), (40, 40))
    assert ((face == 0) == np.isfinite(depth)).all() and set(np.unique(face)) <= {0, BACKGROUND}
    ways = seen[1:] - seen[0]
    if b + c > 0.95 or abs(np.linalg.det(ways[:, :2])) < 1:
        return
    pixel = (seen[0] + b * ways[0] + c * ways[1])[:2].astype(int)
    if (pixel < 0).any() or (pixel > 39).any():
        return
    shares = np.linalg.solve(ways[:, :2].T, pixel + 0.5 - seen[0, :2])
    if (shares >= 0).all() and shares.sum() <= 1:
        assert depth[pixel[1], pixel[0]] == pytest.approx(seen[0, 2] + shares @ ways[:, 2], abs=1e-6)


def test_the_nearer_of_two_triangles_is_seen_whatever_their_order():
    flat = np.array([[0, 0, 1], [20, 0, 1], [0, 20, 1], [0, 0, 5], [10, 0, 5], [0, 10, 5.0]])
    for faces in ([[0, 1, 2], [3, 4, 5]], [[3, 4, 5], [0, 1, 2]]):
        depth, _ = nearest(flat, np.array(faces), (20, 20))
        assert depth[2, 2] == 5 and depth[1, 15] == 1 and depth[19, 19] == -np.inf


def test_a_line_behind_a_wall_keeps_its_free_ends():
    wall = np.array([[40, 0, 9], [60, 0, 9], [60, 50, 9], [40, 50, 9.0]])
    depth, _ = nearest(wall, np.array([[0, 1, 2], [0, 2, 3]]), (100, 50))
    behind, before = [[5, 20, 0], [95, 20, 0]], [[5, 20, 20], [95, 20, 20]]
    parts = visible_parts(np.array([behind, before], float), depth, 1.0)
    assert parts == pytest.approx(
        np.array([[[5, 20], [40, 20]], [[60, 20], [95, 20]], [[5, 20], [95, 20]]], float), abs=2.5
    )
    through = visible_parts(np.array([[[5, 20, -50], [95, 20, 68]]], float), depth, 1.0)
    assert through[:, :, 0] == pytest.approx(np.array([[5, 40], [47, 95]]), abs=5)  # comes out of the wall


def test_picture_has_the_rays_and_the_output_a_stable_text(paths):
    view = view_of(street(), paths)
    data, metadata = view._repr_mimebundle_()
    assert data["text/plain"] == repr(view) == "3-D view: Four rays reach the user (22 triangles, 5 rays)"
    assert metadata == {"image/png": {"alt": ALT}}
    assert set(data) == {"image/png", "text/plain", "application/vnd.jupyter.widget-view+json"}
    assert view_of(street(), paths).png == view.png and view_of(street(), paths).value == view.value
    assert len(view.png) < 25_000
    plain = view_of(street(), elevation_deg=45)
    blue = np.abs(pixels(view) - [0x00, 0x72, 0xB2]).max(axis=-1) < 30
    assert blue.sum() > 100 and not (np.abs(pixels(plain) - [0x00, 0x72, 0xB2]).max(axis=-1) < 30).any()


def test_a_house_hides_the_ray_behind_it_but_not_all_of_its_trace(paths):
    """From the south at 10 degrees the street lies behind its southern house."""
    behind = pixels(view_of(street(), paths, azimuth_deg=SOUTH_DEG, elevation_deg=10))
    above = pixels(view_of(street(), paths, azimuth_deg=SOUTH_DEG, elevation_deg=85))
    black_line = [(image[40:430].sum(axis=-1) < 150).sum() for image in (behind, above)]
    assert black_line[0] < black_line[1]


def test_a_room_is_looked_into():
    room = Scene.room((8, 5, 3)) + Scene.box((3, 1, 0), (4, 2, 1.2))
    data = data_of(view_of(room))
    assert len(data["greys"]) == len(data["faces"]) / 3 == 2 + 12  # floor and box are solid
    assert len(data["edges"]) / 2 == 12 + 12


def test_page_holds_whole_numbers_that_give_the_positions_back(paths):
    view = view_of(street(), paths, start=1)
    data, camera = data_of(view), View.of("", street(), paths, 1, -120, 45, None).camera
    place_m = np.reshape(data["rx"], (-1, 3)) * data["unit_m"] + camera.center_m
    assert place_m == pytest.approx(RX_M, abs=0.01)
    ray_rx, look, _, line = data["rays"][-1]
    assert data["looks"][look]["name"] == "line of sight"
    line_m = np.reshape(line, (-1, 3)) * data["unit_m"] + camera.center_m
    assert line_m == pytest.approx(np.array([TX_M[0], RX_M[ray_rx]]), abs=0.01)
    assert sorted(rx for rx, *_ in data["rays"]) == [0, 0, 0, 0, 1]
    assert data["start"] == 1 and data["tx_name"] == "transmitter" and len(view.value) < 40_000


def test_page_is_shut_off_and_texts_cannot_break_out():
    nasty = '</script><script>alert("{{data}}")</script> is no title'
    view = view_of(street(), title=nasty, alt=nasty + " but long enough")
    page = page_of(view)
    assert view.value.count("<iframe") == 1 and 'sandbox="allow-scripts"' in view.value
    assert page.count("<script>") == 1 and "&lt;script&gt;alert" in page and page.count("{{data}}") == 3
    assert "http" not in page.replace("http-equiv", "")


def test_the_ground_ends_near_what_stands_on_it(paths):
    vertices_m = View.of("", street(), paths, 0, -120, 45, None).mesh.vertices_m
    assert np.ptp(vertices_m, axis=0)[:2] == pytest.approx([100 * 1.12, 50 + 100 * 0.12])


def test_bounds_choose_a_part_of_a_city():
    city = Scene.from_city("munich")
    view = view_of(city, bounds_m=(-60, -60, 60, 60), title="The middle of Munich")
    assert int(re.search(r"\(([\d,]+) triangles", repr(view))[1].replace(",", "")) < len(city) / 5


def test_a_user_in_the_dark_is_a_ring(paths):
    view = view_of(street(), paths, start=2, elevation_deg=90)
    assert (np.abs(pixels(view) - [0xD5, 0x5E, 0x00]).max(axis=-1) < 25).sum() > 5


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        ({"title": " "}, ValueError, "title is ' '; it must say what there is to see"),
        ({"alt": "short"}, ValueError, "alt 'short' is too short"),
        ({"start": 3}, ValueError, "start is 3; it must be a row number from 0 to 2"),
        ({"elevation_deg": 91}, ValueError, "the eye is at azimuth -120.0, elevation 91; it must be degrees, and 0 to"),
        ({"azimuth_deg": np.nan}, ValueError, "the eye is at azimuth nan"),
        ({"paths": "rays"}, TypeError, "paths is a str without tx_m"),
        ({"scene": None}, TypeError, "scene is a NoneType without vertices_m"),
        ({"bounds_m": (0, 0, 0, 0)}, ValueError, r"bounds_m \(0, 0, 0, 0\) is empty"),
    ],
)
def test_views_refuse(paths, changes, error, sentence):
    given = {"scene": street(), "paths": paths} | changes
    with pytest.raises(error, match=sentence):
        view_of(given.pop("scene"), given.pop("paths"), **given)


def test_scenes_that_would_not_turn_smoothly_are_refused(monkeypatch):
    monkeypatch.setattr("dnt_lab.viz.view3d.MAX_TRIANGLES", 20)
    with pytest.raises(ValueError, match="the view has 22 triangles; it must have at most 20 to turn smoothly"):
        view_of(street())
