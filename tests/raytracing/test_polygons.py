"""Polygons: triangles merged without loss, convex, and turned outwards where they close a body."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from dnt_lab.datasets import CITIES, CityMap, load_city
from dnt_lab.raytracing.polygons import merged_polygons
from dnt_lab.raytracing.scene import Scene

from .path_tables import DATA

QUAD_M = np.array([[0, 0, 0], [4, 0, 0], [4, 3, 0], [0, 3, 0]], float)
HALVES = np.array([[0, 1, 2], [0, 2, 3]])


def merged(vertices_m, faces, things=0, materials=0):
    faces = np.array(faces)
    numbers = (np.broadcast_to(values, len(faces)) for values in (things, materials))
    return merged_polygons(np.asarray(vertices_m, float), faces, *numbers)


def joined(*parts):
    """Corners and triangles of several meshes as one."""
    start = np.cumsum([0] + [len(vertices_m) for vertices_m, _ in parts])
    faces = [np.array(faces) + first for (_, faces), first in zip(parts, start, strict=False)]
    return np.concatenate([vertices_m for vertices_m, _ in parts]), np.concatenate(faces)


def areas_m2(polygons):
    a, b, c, d = polygons.corners_m.transpose(1, 0, 2)
    return np.linalg.norm(np.cross(c - a, d - b), axis=1) / 2


def triangle_areas_m2(scene):
    a, b, c = np.moveaxis(scene.vertices_m[scene.faces], 1, 0)
    return np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2


def volumes_m3(polygons):
    """Volume under each object by the divergence theorem; a missing floor at height 0 adds nothing."""
    corners_m = polygons.corners_m - [*polygons.corners_m[:, :, :2].mean(axis=(0, 1)), 0]
    a, b, c, d = corners_m.transpose(1, 0, 2)
    parts = [np.einsum("mi,mi->m", a, np.cross(p, q)) / 6 for p, q in ((b, c), (c, d))]
    return np.bincount(polygons.object_index, sum(parts))


def assert_sound(polygons):
    """What is promised of every polygon."""
    corners_m, extent_m = polygons.corners_m, polygons.extent_m
    assert np.allclose(np.linalg.norm(polygons.normal, axis=1), 1, atol=1e-12)
    heights_m = np.einsum("mj,mcj->mc", polygons.normal, corners_m) - polygons.offset_m[:, None]
    assert np.abs(heights_m).max() < 1e-6 * extent_m
    sides_m = np.roll(corners_m, -1, axis=1) - corners_m
    turns = np.einsum("mcj,mj->mc", np.cross(sides_m, np.roll(sides_m, -1, axis=1)), polygons.normal)
    assert (turns >= -1e-7 * extent_m).all()  # anticlockwise seen from the normal's side, never inwards
    assert (turns.max(axis=1) > 0).all()
    number = np.arange(len(polygons))
    for point_m in (corners_m.mean(axis=1), *corners_m.transpose(1, 0, 2)):
        assert polygons.inside(number, point_m).all()
    length_m = np.linalg.norm(sides_m, axis=2)
    ways = sides_m / np.where(length_m > 0, length_m, 1)[..., None]
    for edge in range(4):
        outwards = np.cross(ways[:, edge], polygons.normal)
        beyond_m = (corners_m[:, edge] + corners_m[:, (edge + 1) % 4]) / 2 + 1e-6 * extent_m * outwards
        assert not polygons.inside(number, beyond_m)[length_m[:, edge] > 0].any()


# merging


def test_two_triangles_become_one_rectangle():
    polygons = merged(QUAD_M, HALVES)
    assert len(polygons) == 1
    assert {tuple(corner) for corner in polygons.corners_m[0].tolist()} == {tuple(c) for c in QUAD_M.tolist()}
    assert polygons.normal.tolist() == [[0, 0, 1]]
    assert polygons.offset_m.tolist() == [0]
    assert polygons.extent_m == 4
    assert polygons.lowest_m == 0
    assert_sound(polygons)


def test_a_triangle_repeats_its_last_corner():
    polygons = merged(QUAD_M[:3], [[0, 1, 2]])
    assert np.array_equal(polygons.corners_m[0, 2], polygons.corners_m[0, 3])
    assert_sound(polygons)
    assert not polygons.inside(np.array([0]), np.array([[0.5, 2.5, 0.0]]))[0]  # in the other half of the rectangle


@pytest.mark.parametrize("change", ["material", "thing", "bend", "gap", "corner only"])
def test_what_is_not_one_flat_piece_stays_apart(change):
    corners_m, faces = QUAD_M.copy(), HALVES
    if change == "bend":
        corners_m[3, 2] = 0.01
    if change == "gap":
        corners_m, faces = joined((QUAD_M, HALVES[:1]), (QUAD_M + np.array([0, 0.001, 0]), HALVES[1:]))
    if change == "corner only":
        corners_m, faces = joined((QUAD_M, HALVES[:1]), (QUAD_M + np.array([4, 3, 0]), HALVES[:1]))
    polygons = merged(corners_m, faces, *([0, 1] if change == name else 0 for name in ("thing", "material")))
    assert len(polygons) == 2
    assert areas_m2(polygons) == pytest.approx([6, 6], rel=1e-4)
    if change == "material":
        assert polygons.material_index.tolist() == [0, 1]
    if change == "thing":
        assert polygons.object_index.tolist() == [0, 1]


def test_corners_at_one_place_are_one():
    """As files have them in which every triangle brings its own corners, with rounding."""
    corners_m = QUAD_M[HALVES].reshape(-1, 3)
    corners_m[3] += [1e-12, -1e-12, 1e-12]
    assert len(merged(corners_m, np.arange(6).reshape(2, 3))) == 1


def test_a_bent_outline_becomes_convex_pieces():
    outline = shapely.Polygon([(0, 0), (6, 0), (6, 2), (2, 2), (2, 5), (0, 5)])
    triangles = shapely.get_parts(shapely.constrained_delaunay_triangles(outline))
    corners_m = np.array([[(*c, 0.0) for c in t.exterior.coords[:3]] for t in triangles]).reshape(-1, 3)
    polygons = merged(corners_m, np.arange(len(corners_m)).reshape(-1, 3))
    assert 2 <= len(polygons) < len(triangles)
    assert areas_m2(polygons).sum() == pytest.approx(outline.area, rel=1e-12)
    assert len(np.unique(polygons.surface)) == 1
    assert_sound(polygons)


def test_a_strip_of_many_triangles_becomes_one_rectangle_without_corners_on_its_sides():
    x = np.repeat(np.arange(6.0), 2)
    corners_m = np.column_stack([x, np.tile([0.0, 2.0], 6), np.full(12, 3.0)])
    faces = [[i, i + 2, i + 1] if i % 2 == 0 else [i, i + 1, i + 2] for i in range(10)]
    polygons = merged(corners_m, faces)
    assert len(polygons) == 1
    assert areas_m2(polygons) == pytest.approx([10])
    assert_sound(polygons)


def test_neighbours_that_are_wound_differently_are_merged_all_the_same():
    assert len(merged(QUAD_M, [[0, 1, 2], [3, 2, 0]])) == 1
    assert len(merged(QUAD_M[:, [2, 0, 1]], [[0, 1, 2], [3, 2, 0]])) == 1  # upright


def test_a_regular_polygon_needs_more_than_one_piece_of_four_corners():
    angle = np.arange(12) * np.pi / 6
    ring_m = np.column_stack([np.cos(angle), np.sin(angle), np.zeros(12)])
    polygons = merged(ring_m, [[0, i, i + 1] for i in range(1, 11)])
    assert len(polygons) == 5
    assert areas_m2(polygons).sum() == pytest.approx(3)
    assert_sound(polygons)


def test_the_oracle_street_canyon_has_37_polygons():
    path = DATA / "oracles" / "street_canyon" / "street_canyon_28ghz.npz"
    if not path.exists():
        pytest.skip("the oracles are not in the folder shared/data beside the checkout")
    with np.load(path) as z:
        polygons = merged(z["vertices_m"], z["faces"], z["face_object"], z["face_object"])
        names = z["object_name"].tolist()
    assert len(polygons) == 37
    assert_sound(polygons)
    floor = polygons.object_index == names.index("floor")
    assert floor.sum() == 1
    assert not polygons.one_sided[floor].any()
    assert polygons.one_sided[~floor].all()
    assert (volumes_m3(polygons)[: names.index("floor")] > 1000).all()  # the file winds them inwards


@pytest.fixture(scope="module", params=CITIES)
def city(request):
    return load_city(request.param), Scene.from_city(request.param)


def test_a_city_loses_no_area(city):
    _, scene = city
    polygons, n = scene.polygons, len(scene.objects)
    assert len(polygons) < 0.65 * len(scene)
    before_m2 = np.bincount(scene.face_object, triangle_areas_m2(scene), n)
    assert np.allclose(np.bincount(polygons.object_index, areas_m2(polygons), n), before_m2, rtol=1e-6)
    by_material_m2 = np.bincount(scene.face_material, triangle_areas_m2(scene))
    assert np.allclose(np.bincount(polygons.material_index, areas_m2(polygons)), by_material_m2, rtol=1e-9)


def test_a_citys_polygons_are_convex_and_its_houses_turned_outwards(city):
    plan, scene = city
    polygons = scene.polygons
    assert_sound(polygons)
    ground = polygons.object_index == len(plan)
    assert ground.sum() == 1
    assert polygons.normal[ground].tolist() == [[0, 0, 1]]
    # an outline that touches itself leaves edges with four walls, which close nothing for certain
    closed = np.bincount(polygons.object_index, ~polygons.one_sided)[:-1] == 0
    assert closed.mean() > 0.98
    want_m3 = shapely.area(plan.footprints) * plan.height_m
    on_ground = plan.base_m == 0
    assert np.allclose(volumes_m3(polygons)[:-1][closed & on_ground], want_m3[closed & on_ground], rtol=1e-5)


# outside and inside


def test_a_box_is_closed_and_turned_outwards_however_it_is_wound():
    box = Scene.box([1, 2, 3], [4, 6, 5])
    for faces in (box.faces, box.faces[:, ::-1]):
        polygons = merged(box.vertices_m, faces)
        assert len(polygons) == 6
        assert polygons.one_sided.all()
        outwards = np.einsum("mj,mj->m", polygons.normal, polygons.corners_m.mean(axis=1) - [2.5, 4, 4])
        assert (outwards > 0.9).all()
        assert_sound(polygons)


def test_a_house_without_a_floor_is_closed_if_it_stands_on_the_lowest_plane():
    house = CityMap("house", np.array([shapely.box(0, 0, 8, 6)]), np.array([5.0]), np.zeros(1), np.array(["itu_brick"]))
    scene = Scene.from_city(house, ground=None)
    assert len(scene.polygons) == 5
    assert scene.polygons.one_sided.all()
    assert (scene + Scene.box([20, 20, 0], [21, 21, 1])).polygons.one_sided.all()
    over_a_pit = (scene + Scene.box([20, 20, -3], [21, 21, -1])).polygons
    assert over_a_pit.one_sided.tolist() == [False] * 5 + [True] * 6  # one could look in from the pit


def test_without_a_wall_a_box_is_open_and_its_faces_look_up():
    box = Scene.box([0, 0, 0], [4, 6, 5])
    west = box.vertices_m[box.faces][..., 0].max(axis=1) == 0
    polygons = merged(box.vertices_m, box.faces[~west])
    assert len(polygons) == 5
    assert not polygons.one_sided.any()
    flat = np.abs(polygons.normal[:, 2]) > 0.5
    assert (polygons.normal[flat, 2] == 1).all()


@pytest.mark.parametrize("spoilt", ["one triangle turned", "a wall twice", "a fin on an edge"])
def test_what_is_no_surface_of_a_body_stays_two_sided(spoilt):
    box = Scene.box([0, 0, 0], [4, 6, 5])
    corners_m, faces = box.vertices_m, box.faces.copy()
    if spoilt == "one triangle turned":
        faces[3] = faces[3, ::-1]
    if spoilt == "a wall twice":
        faces = np.concatenate([faces, faces[:2]])
    if spoilt == "a fin on an edge":
        faces = np.concatenate([faces, [[0, 1, len(corners_m)]]])
        corners_m = np.concatenate([corners_m, [[2.0, -3.0, -3.0]]])
    polygons = merged(corners_m, faces)
    assert not polygons.one_sided.any()


def test_things_that_share_an_edge_are_two_bodies_and_one_thing_with_an_edge_of_four_walls_is_open():
    one, two = (Scene.box(low, np.array(low) + 2) for low in ([0, 0, 0], [2, 2, 0]))
    mesh = joined((one.vertices_m, one.faces), (two.vertices_m, two.faces))
    apart = merged(*mesh, np.repeat([0, 1], 12))
    assert apart.one_sided.all()
    assert len(np.unique(apart.body)) == 2
    assert not merged(*mesh).one_sided.any()


def test_bodies_in_one_thing_that_do_not_touch_are_told_apart():
    outer, inner = Scene.room((9, 9, 9)), Scene.box([3, 3, 3], [5, 5, 5])
    polygons = merged(*joined((outer.vertices_m, outer.faces), (inner.vertices_m, inner.faces)))
    assert polygons.one_sided.all()
    assert len(np.unique(polygons.body)) == 2
    low_m, high_m = polygons.body_boxes_m
    assert sorted(low_m[:, 0].tolist()) == [0, 3]
    assert sorted(high_m[:, 0].tolist()) == [5, 9]


def test_a_flat_ground_has_no_inside_even_with_rounding():
    for rough_m in (0.0, 1e-13):
        rng = np.random.default_rng(1)
        corners_m = QUAD_M * 100 + rough_m * rng.normal(size=(4, 1)) * [0, 0, 1]
        polygons = merged(corners_m, HALVES)
        assert (np.abs(polygons.normal[:, 2] - 1) < 1e-9).all()
        assert rough_m or not polygons.one_sided.any()


def test_a_sliver_thinner_than_rounding_does_no_harm():
    thin = Scene.box([0, 0, 0], [1e-7, 5, 5], name="thin")
    scene = thin + Scene.box([500, 0, 0], [1000, 5, 5], name="long")
    assert areas_m2(scene.polygons).max() == pytest.approx(2500)


turns = st.integers(0, 2**32 - 1)


@given(turns)
def test_a_turned_and_shifted_scene_is_merged_alike(seed):
    rng = np.random.default_rng(seed)
    scene = Scene.street_canyon(ground=None) + Scene.box([0, 0, 5], [3, 2, 9])
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    moved_m = scene.vertices_m @ turn.T + rng.uniform(-1e4, 1e4, 3)
    here, there = scene.polygons, merged_polygons(moved_m, scene.faces, scene.face_object, scene.face_material)
    assert len(here) == len(there)
    assert sorted(areas_m2(there)) == pytest.approx(sorted(areas_m2(here)), rel=1e-9)
    assert there.one_sided[there.object_index == len(scene.objects) - 1].all()
    assert_sound(there)


@given(turns)
def test_no_area_is_lost_or_won_whatever_the_triangles(seed):
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 5, (rng.integers(4, 12), 2)) + (0.2 * rng.random(2) if seed % 2 else 0)
    hull = shapely.MultiPoint(points).convex_hull
    if hull.geom_type != "Polygon":
        return
    triangles = shapely.get_parts(shapely.delaunay_triangles(shapely.MultiPoint(points)))
    corners_m = np.array([[(*c, 1.0) for c in t.exterior.coords[:3]] for t in triangles]).reshape(-1, 3)
    polygons = merged(corners_m, np.arange(len(corners_m)).reshape(-1, 3))
    assert areas_m2(polygons).sum() == pytest.approx(hull.area, rel=1e-9)
    assert len(polygons) <= len(triangles)
    assert_sound(polygons)
    # every place of the hull is in one polygon, or on a seam
    places = rng.uniform(points.min(axis=0), points.max(axis=0), (50, 2))
    held = np.array([
        polygons.inside(np.arange(len(polygons)), np.tile([*place, 1.0], (len(polygons), 1))).sum() for place in places
    ])  # fmt: skip
    assert np.array_equal(held > 0, shapely.contains_xy(hull, *places.T))
    assert held.max() <= 1
