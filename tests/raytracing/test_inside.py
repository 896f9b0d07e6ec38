"""Inside a body: boxes by hand, houses without a floor, and a city against its outlines."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from dnt_lab.datasets import CityMap, load_city
from dnt_lab.raytracing.inside import bodies_around, solid_angle
from dnt_lab.raytracing.scene import Scene


def test_an_octant_and_a_cube_s_face():
    x, y, z = np.eye(3)
    assert solid_angle(x, y, z) == pytest.approx(np.pi / 2)
    assert solid_angle(y, x, z) == pytest.approx(-np.pi / 2)
    assert solid_angle(x, y, -x - y) == solid_angle(x, y, x + y) == solid_angle(0 * x, y, z) == 0  # in, beside, at it
    a, b, c, d = np.array([[-1, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]], float)
    assert solid_angle(a, b, c) + solid_angle(a, c, d) == pytest.approx(4 * np.pi / 6)


@given(st.tuples(*[st.floats(-1, 11)] * 3))
def test_a_box_is_entered_through_its_skin(point_m):
    box = Scene.box((0, 0, 0), (10, 8, 6), "concrete")
    distance_m = np.minimum(point_m, np.array([10, 8, 6]) - point_m).min()
    if abs(distance_m) > 1e-3:
        assert (len(bodies_around(box.polygons, np.array([point_m]))[0]) == 1) == (distance_m > 0)


def test_skins_are_outside_and_nested_boxes_count_both():
    boxes = Scene.box((0, 0, 0), (10, 10, 10), "concrete") + Scene.box((4, 4, 4), (6, 6, 6), "wood", name="core")
    points_m = np.array([[5.0, 5, 5], [1, 1, 1], [0, 5, 5], [10, 10, 10], [5, 5, 4], [20, 5, 5]])
    point, body = bodies_around(boxes.polygons, points_m)
    assert np.bincount(point, minlength=6).tolist() == [2, 1, 0, 0, 1, 0]
    assert len(set(body[point == 0])) == 2


@pytest.mark.parametrize("base_m", [0.0, 2.0])  # without and with a floor
def test_the_wall_of_a_courtyard_is_outside_and_a_missing_floor_no_way_in(base_m):
    outline = shapely.Polygon([(0, 0), (20, 0), (20, 10), (10, 10), (10, 20), (0, 20)])
    city = CityMap("L", np.array([outline]), np.array([9.0]), np.array([base_m]), np.array(["itu_concrete"]))
    house = Scene.from_city(city, ground=None)
    points_m = np.array([[5.0, 5.0, 0.01], [10.0, 15.0, 4.0], [15.0, 15.0, 4.0], [9.99, 15.0, 4.0], [5.0, 5.0, 9.5]])
    assert bodies_around(house.polygons, np.add(points_m, (0, 0, base_m)))[0].tolist() == [0, 3]


def test_open_surfaces_have_no_inside():
    room = Scene.room((8, 5, 3), "concrete")
    assert len(bodies_around(room.polygons, np.array([[4.0, 2, 1]]))[0]) == 0


def test_houses_of_a_city_are_their_outlines():
    city = load_city("florence")
    scene = Scene.from_city(city, bounds_m=(-60, -60, 60, 60))
    points_m = np.random.default_rng(0).uniform((-60, -60, 0.5), (60, 60, 25), (3000, 3))
    inside = np.zeros(3000, bool)
    inside[bodies_around(scene.polygons, points_m)[0]] = True
    point, house = shapely.STRtree(city.footprints).query(shapely.points(points_m[:, :2]), predicate="within")
    low_m = city.base_m[house]
    between = (points_m[point, 2] > low_m) & (points_m[point, 2] < low_m + city.height_m[house])
    expected = np.zeros(3000, bool)
    expected[point[between]] = True
    assert 500 < expected.sum() < 2500
    np.testing.assert_array_equal(inside, expected)
