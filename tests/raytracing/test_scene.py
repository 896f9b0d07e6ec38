"""Scenes: closed, outward blocks from footprints, boxes, rooms and streets; joining, editing, refusing."""

from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import assume, given
from hypothesis import strategies as st

from dnt_lab.datasets import CityMap, load_city
from dnt_lab.raytracing.materials import FixedLoss, Material, itu_material
from dnt_lab.raytracing.scene import Scene

SQUARE_M = [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]


def town(footprints, height_m=10.0, base_m=0.0, material="itu_brick"):
    n = len(footprints)
    outlines = np.empty(n, object)
    outlines[:] = footprints
    return CityMap(
        "town", outlines, *(np.broadcast_to(v, n).copy() for v in (height_m, base_m)), np.full(n, material), "(c) us"
    )


def normals(scene):
    """Cross products (F, 3): twice the area, towards the side from which the corners run anticlockwise."""
    a, b, c = np.moveaxis(scene.vertices_m[scene.faces], 1, 0)
    return np.cross(b - a, c - a)


def volumes_m3(scene):
    """Signed volume (O,) under the surface of each object, from the lowest plane on; a missing floor adds nothing."""
    a, b, c = np.moveaxis(scene.vertices_m[scene.faces] - [0, 0, scene.vertices_m[:, 2].min()], 1, 0)
    return np.bincount(scene.face_object, np.einsum("fi,fi->f", a, np.cross(b, c)) / 6, len(scene.objects))


def open_edges(scene, objects):
    """Ends (E, 2, 3) of edges that lack their counterpart, run the other way by another triangle of the object."""
    edges = np.stack([scene.faces, np.roll(scene.faces, -1, axis=1)], axis=2).reshape(-1, 2)
    keep = objects[np.repeat(scene.face_object, 3)]
    there = {tuple(edge) for edge in edges[keep].tolist()}
    assert len(there) == keep.sum()  # no edge is run twice the same way
    lonely = [edge for edge in there if edge[::-1] not in there]
    return scene.vertices_m[np.array(lonely, int).reshape(-1, 2)]


def houses(scene):
    return np.array([name.startswith("building") for name in scene.objects])


# plain arrays


def test_from_mesh_takes_plain_lists_and_names():
    scene = Scene.from_mesh(SQUARE_M, [[0, 1, 2], [0, 2, 3]], [1, 0], ["itu_wood", Material(4.0, name="wall")])
    assert repr(scene) == "Scene(mesh: 1 object, 2 triangles, 2 materials)"
    assert [m.name for m in scene.materials] == ["wood", "wall"]
    assert scene.objects == ("mesh",)
    assert scene.vertices_m.dtype == float
    assert len(scene) == 2


def test_from_mesh_counts_objects_that_have_no_names():
    scene = Scene.from_mesh(SQUARE_M, [[0, 1, 2], [0, 2, 3]], 0, ["wood"], face_object=[1, 0])
    assert scene.objects == ("object-0", "object-1")


def test_unnamed_materials_are_named_by_their_numbers_and_equal_ones_may_repeat():
    walls = [Material(4.0), Material(5.0), Material(4.0), FixedLoss(12.0)]
    scene = Scene.from_mesh(SQUARE_M, [[0, 1, 2], [0, 2, 3]], [0, 2], walls)
    assert len({m.name for m in scene.materials}) == 3
    assert np.array_equal(scene.face_material, [0, 2])


def test_a_scene_keeps_its_arrays_to_itself():
    vertices_m, faces = np.array(SQUARE_M, float), np.array([[0, 1, 2]])
    scene = Scene.from_mesh(vertices_m, faces, 0, ["wood"])
    vertices_m[0] = 9
    faces[0] = 3
    assert scene.vertices_m[0].tolist() == [0, 0, 0]
    assert scene.faces.tolist() == [[0, 1, 2]]
    with pytest.raises(ValueError, match="read-only"):
        scene.vertices_m[0] = 1


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        (
            {"vertices_m": [[0, 0], [1, 0], [1, 1]]},
            ValueError,
            r"vertices_m has shape \(3, 2\), but \(V, 3\) is needed",
        ),
        (
            {"vertices_m": [[0, 0, np.nan], *SQUARE_M[1:]]},
            ValueError,
            r"vertex 0 is \[0.0, 0.0, nan\], but coordinates",
        ),
        (
            {"vertices_m": [*SQUARE_M[:3], [np.inf, 1, 0]]},
            ValueError,
            "vertex 3 is .inf, .* but .* finite numbers of met",
        ),
        ({"faces": [[0, 1, 4]]}, ValueError, "faces of triangle 0 is 4, but vertices_m has the rows 0 to 3"),
        (
            {"faces": [[0, 1, 2], [0, -1, 2]]},
            ValueError,
            "faces of triangle 1 is -1, but vertices_m has the rows 0 to 3",
        ),
        ({"faces": [[0, 1, 2, 3]]}, ValueError, r"faces has shape \(1, 4\), but \(F, 3\) is needed: three rows"),
        ({"faces": [0, 1, 2]}, ValueError, r"faces has shape \(3,\), but \(F, 3\) is needed"),
        ({"faces": [[0.0, 1.0, 2.0]]}, TypeError, "faces is an array of float64, but whole numbers are needed"),
        ({"faces": []}, ValueError, "the scene is empty, but at least one triangle is needed"),
        ({"faces": [[0, 1, 2], [0, 1, 1]]}, ValueError, "triangle 1 has no area: its corners .* lie on one line"),
        ({"vertices_m": [[0, 0, 0], [1, 1, 1], [3, 3, 3]]}, ValueError, "triangle 0 has no area"),
        ({"face_material": 1}, ValueError, "face_material of triangle 0 is 1, but materials has the rows 0 to 0"),
        ({"face_material": [0, 0]}, ValueError, r"face_material has shape \(2,\), but \(1,\) is needed: one row"),
        (
            {"face_object": [2], "objects": ["a"]},
            ValueError,
            "face_object of triangle 0 is 2, but objects has the rows",
        ),
        ({"materials": "wood"}, TypeError, r"materials is 'wood', but must be a list .* such as \['concrete'\]"),
        ({"materials": ["cheese"]}, ValueError, "the material 'cheese' is not in ITU-R P.2040-4"),
        ({"materials": [4.0]}, TypeError, "the material is 4.0, but must be a Material"),
        ({"materials": ["wood", Material(4.0, name="wood")]}, ValueError, "two materials are called 'wood'"),
    ],
)
def test_a_broken_mesh_is_refused(change, error, sentence):
    mesh = {"vertices_m": SQUARE_M, "faces": [[0, 1, 2]], "face_material": 0, "materials": ["wood"]}
    with pytest.raises(error, match=sentence):
        Scene.from_mesh(**mesh | change)


def test_thin_triangles_are_walls_too():
    sliver = [[1000, 1000, 0], [1100, 1000, 0], [1050, 1000.001, 0]]
    assert len(Scene.from_mesh(sliver, [[0, 1, 2]], 0, ["wood"])) == 1


# boxes, rooms, streets


@given(st.tuples(*[st.floats(-1e3, 1e3)] * 3), st.tuples(*[st.floats(0.01, 1e3)] * 3))
def test_a_box_is_closed_and_faces_outwards(low_m, size_m):
    box = Scene.box(low_m, np.add(low_m, size_m), "metal")
    assert len(open_edges(box, np.array([True]))) == 0
    middle_m = box.vertices_m.mean(axis=0)
    outwards = box.vertices_m[box.faces].mean(axis=1) - middle_m
    assert (np.einsum("fi,fi->f", normals(box), outwards) > 0).all()
    assert np.linalg.norm(normals(box), axis=1).sum() / 2 == pytest.approx(
        2 * sum(size_m[i] * size_m[i - 1] for i in range(3)), rel=1e-6
    )


def test_a_box_is_of_one_thing():
    box = Scene.box((0, 0, 0), (1, 2, 3), Material(3.0), name="kiosk")
    assert repr(box) == "Scene(kiosk: 1 object, 12 triangles, 1 material)"
    assert volumes_m3(box) == pytest.approx([6.0])


def test_a_room_faces_inwards_and_names_its_walls():
    room = Scene.room((8, 5, 3))
    assert len(open_edges(replace(room, face_object=np.zeros(12, int)), np.ones(6, bool))) == 0
    assert volumes_m3(room).sum() == pytest.approx(-8 * 5 * 3)
    places = {"floor": (2, 0.0), "ceiling": (2, 3.0), "wall-west": (0, 0.0), "wall-east": (0, 8.0),
              "wall-south": (1, 0.0), "wall-north": (1, 5.0)}  # fmt: skip
    assert set(room.objects) == set(places)
    for number, name in enumerate(room.objects):
        axis, at_m = places[name]
        corners_m = room.vertices_m[room.faces[room.face_object == number]]
        assert corners_m.shape == (2, 3, 3)
        assert (corners_m[..., axis] == at_m).all(), name


def test_each_side_of_a_room_can_have_its_own_material():
    room = Scene.room((8, 5, 3), {"walls": "brick", "wall-west": "glass", "floor": Material(3.0, name="carpet")})
    made_of = {
        room.objects[o]: room.materials[m].name for o, m in zip(room.face_object, room.face_material, strict=True)
    }
    assert made_of == {"floor": "carpet", "ceiling": "plasterboard", "wall-west": "glass", "wall-east": "brick",
                       "wall-south": "brick", "wall-north": "brick"}  # fmt: skip


def test_a_street_has_houses_on_both_sides_and_cross_streets():
    street = Scene.street_canyon(12.0, 100.0, 25.0, gap_m=10.0, n_buildings=4, walls="glass", ground="asphalt_concrete")
    assert street.objects == (*(f"building-{i}" for i in range(8)), "ground")
    assert [m.name for m in street.materials] == ["glass", "asphalt_concrete"]
    front_m = (100 - 3 * 10) / 4
    boxes = []
    for i in range(8):
        corners_m = street.vertices_m[street.faces[street.face_object == i]].reshape(-1, 3)
        boxes.append([corners_m.min(axis=0), corners_m.max(axis=0)])
    boxes = np.array(boxes)
    west_m = -50 + np.arange(4) * (front_m + 10)
    np.testing.assert_allclose(boxes[:, 0, 0], np.tile(west_m, 2))
    np.testing.assert_allclose(boxes[:, 1, 0], np.tile(west_m + front_m, 2))
    assert (boxes[:4, 1, 1] == -6).all()
    assert (boxes[4:, 0, 1] == 6).all()
    assert (boxes[:, :, 2] == [0, 25]).all()
    assert volumes_m3(street)[:8] == pytest.approx(np.prod(boxes[:, 1] - boxes[:, 0], axis=1))
    assert "ground" not in Scene.street_canyon(ground=None).objects


@pytest.mark.parametrize(
    ("make", "error", "sentence"),
    [
        (lambda: Scene.box((0, 0, 0), (1, 0, 1)), ValueError, r"the box from \(0, 0, 0\) to \(1, 0, 1\) is empty"),
        (lambda: Scene.box((0, 0), (1, 1, 1)), ValueError, r"low_m is \(0, 0\), but three finite numbers of metres"),
        (lambda: Scene.box((0, 0, 0), (1, 1, np.nan)), ValueError, "high_m is .*, but three finite numbers"),
        (lambda: Scene.room((8, -5, 3)), ValueError, "the room's width is -5.0 m, but must be a finite length"),
        (lambda: Scene.room((8, 5, 3), {"door": "wood"}), ValueError, "the room has no part 'door', but walls, floor"),
        (lambda: Scene.room((8, 5, 3), "cheese"), ValueError, "the material 'cheese' is not in ITU-R P.2040-4"),
        (lambda: Scene.street_canyon(width_m=0), ValueError, "width_m is 0 m, but must be a finite length"),
        (lambda: Scene.street_canyon(n_buildings=0), ValueError, "n_buildings is 0, but must be 1 or more"),
        (
            lambda: Scene.street_canyon(length_m=20.0),
            ValueError,
            "length_m is 20.0 m, but 2 gaps of 15.0 m alone take 30",
        ),
    ],
)
def test_what_is_no_box_room_or_street_is_refused(make, error, sentence):
    with pytest.raises(error, match=sentence):
        make()


# cities


def test_a_house_with_a_courtyard_is_closed_and_of_the_right_size():
    yard = shapely.Polygon(
        [(0, 0), (30, 0), (30, 20), (15, 20), (0, 20)],  # (15, 20) lies on a straight wall
        [[(5, 5), (5, 15), (25, 15), (25, 5)]],
    )
    scene = Scene.from_city(town([yard], base_m=3.0), ground=None)
    assert len(open_edges(scene, np.array([True]))) == 0
    assert volumes_m3(scene) == pytest.approx([(30 * 20 - 20 * 10) * 10.0])
    assert len(scene.vertices_m) == 2 * 8
    assert len(scene) == 2 * 8 + 2 * 8  # walls; roof and floor of a square ring are eight triangles each
    outward = normals(scene)[scene.face_material == 1]
    assert (outward[:, 2] > 0).all()  # only the roof is of metal


@pytest.mark.parametrize("turn", [1, -1])
def test_a_house_faces_outwards_however_its_outline_runs(turn):
    ring = [(0, 0), (10, 0), (10, 10), (5, 3), (0, 10)][::turn]  # not convex
    scene = Scene.from_city(town([shapely.Polygon(ring)], base_m=[5.0]), ground=None)
    assert volumes_m3(scene) == pytest.approx([shapely.Polygon(ring).area * 10.0])
    assert len(open_edges(scene, np.array([True]))) == 0


def test_only_houses_above_the_ground_have_a_floor():
    square = shapely.box(0, 0, 10, 10)
    scene = Scene.from_city(town([square, shapely.box(20, 0, 30, 10)], base_m=[0.0, 4.0]), ground=None)
    downwards = normals(scene)[:, 2] < 0
    assert scene.face_object[downwards].tolist() == [1, 1]
    assert (open_edges(scene, np.ones(2, bool))[..., 2] == 0).all()
    assert len(open_edges(scene, np.ones(2, bool))) == 4


@given(st.integers(0, 10**6), st.integers(5, 12))
def test_corners_on_a_straight_wall_go_and_the_shape_stays(seed, n):
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.uniform(0, 2 * np.pi, n)) + 2e-2 * np.arange(n)
    star = (rng.uniform(10, 20, n) * np.array([np.cos(angle), np.sin(angle)])).T.round(2)
    assume(shapely.Polygon(star).is_valid)
    cut = np.concatenate([star[i] + np.linspace(0, 1, 4)[:3, None] * (star[(i + 1) % n] - star[i]) for i in range(n)])
    cut = np.roll(cut, rng.integers(len(cut)), axis=0)  # the ring may start in the middle of a wall
    plain, fine = (Scene.from_city(town([shapely.Polygon(ring)]), ground=None) for ring in (star, cut))
    assert len(fine) == len(plain)
    assert volumes_m3(fine) == pytest.approx(volumes_m3(plain))
    assert {tuple(v) for v in fine.vertices_m.round(9) + 0.0} == {tuple(v) for v in plain.vertices_m.round(9) + 0.0}


def test_a_wall_that_bends_a_little_keeps_its_corner():
    ring = [(0, 0), (50, 0.01), (100, 0), (100, 10), (0, 10)]
    assert len(Scene.from_city(town([shapely.Polygon(ring)]), ground=None).vertices_m) == 10


def test_a_round_tower_stays_round_however_fine_its_outline():
    angle = np.linspace(0, 2 * np.pi, 20000, endpoint=False)  # each corner is 0.5 um from the line past it
    tower = shapely.Polygon(10 * np.column_stack([np.cos(angle), np.sin(angle)]))
    scene = Scene.from_city(town([tower]), ground=None)
    assert volumes_m3(scene) == pytest.approx([tower.area * 10.0], rel=1e-6)
    assert len(scene.vertices_m) < 2 * 15000


@pytest.mark.parametrize("name", ["munich", "florence", "etoile"])
def test_every_house_of_a_bundled_city_is_closed_and_of_the_right_size(name):
    city = load_city(name)
    scene = Scene.from_city(city)
    assert len(scene.objects) == len(city) + 1
    lonely = open_edges(scene, houses(scene))
    assert (lonely[..., 2] == 0).all()
    on_ground = city.base_m == 0
    outline_m = shapely.length(city.footprints)
    assert np.linalg.norm(lonely[:, 1] - lonely[:, 0], axis=1).sum() == pytest.approx(outline_m[on_ground].sum())
    expected_m3 = shapely.area(city.footprints) * city.height_m
    np.testing.assert_allclose(volumes_m3(scene)[:-1], expected_m3, rtol=1e-6)
    areas_m2 = np.linalg.norm(normals(scene), axis=1) / 2
    roof = [m.name for m in scene.materials].index("metal")
    assert areas_m2[scene.face_material == roof].sum() == pytest.approx(shapely.area(city.footprints).sum())
    upright = houses(scene)[scene.face_object] & (normals(scene)[:, 2] == 0)
    assert areas_m2[upright].sum() == pytest.approx((outline_m * city.height_m).sum())
    assert scene.attribution == city.attribution
    assert scene.name == city.name


def test_walls_are_of_the_maps_materials_roof_and_ground_of_the_callers():
    scene = Scene.from_city(
        town([shapely.box(0, 0, 10, 10)], material="itu_marble"), roof="wood", ground=Material(3.0, name="sand")
    )
    up = normals(scene)[:, 2] > 0
    ground = scene.face_object == 1
    names = np.array([m.name for m in scene.materials])[scene.face_material]
    assert set(names[~up]) == {"marble"}
    assert set(names[up & ~ground]) == {"wood"}
    assert set(names[ground]) == {"sand"}
    assert scene.materials[0] == itu_material("marble")


def test_each_house_has_its_own_walls():
    row = replace(
        town([shapely.box(x, 0, x + 10, 10) for x in (0, 20, 40)]), material=np.array(["wood", "brick", "wood"])
    )
    scene = Scene.from_city(row, ground=None)
    upright = normals(scene)[:, 2] == 0
    walls = {
        (int(o), scene.materials[m].name)
        for o, m in zip(scene.face_object[upright], scene.face_material[upright], strict=True)
    }
    assert walls == {(0, "wood"), (1, "brick"), (2, "wood")}


def test_the_ground_reaches_beyond_the_houses():
    scene = Scene.from_city(town([shapely.box(0, 0, 10, 20)]))
    corners_m = scene.vertices_m[scene.faces[scene.face_object == 1]]
    assert corners_m.shape == (2, 3, 3)
    assert corners_m.reshape(-1, 3).min(axis=0).tolist() == [-100, -100, 0]
    assert corners_m.reshape(-1, 3).max(axis=0).tolist() == [110, 120, 0]
    assert normals(scene)[scene.face_object == 1].sum(axis=0) == pytest.approx([0, 0, 2 * 210 * 220])


def test_bounds_choose_houses_that_touch_them():
    row = town([shapely.box(x, 0, x + 10, 10) for x in (0, 20, 40)])
    scene = Scene.from_city(row, bounds_m=(5, 0, 25, 5), ground=None)
    assert scene.objects == ("building-0", "building-1")
    assert scene.vertices_m[:, 0].max() == 30


@pytest.mark.parametrize(
    ("make", "error", "sentence"),
    [
        (lambda: Scene.from_city("atlantis"), ValueError, "The city is 'atlantis', but must be one of 'munich'"),
        (lambda: Scene.from_city(None), TypeError, "city is None, but must be a CityMap or the name of a bundled city"),
        (lambda: Scene.from_city("etoile", bounds_m=(9e3, 0, 1e4, 9)), ValueError, "Etoile has no building to make"),
        (lambda: Scene.from_city("etoile", bounds_m=(1, 0, 0, 1)), ValueError, r"The box .* is empty"),
        (lambda: Scene.from_city(town([shapely.Point(0, 0)])), ValueError, "building 0 is 10.0 m of POINT .* a valid"),
        (lambda: Scene.from_city(town([shapely.box(0, 0, 1, 1)], np.nan)), ValueError, "building 0 is nan m of POLY"),
        (lambda: Scene.from_city(town([shapely.box(0, 0, 1, 1)], material="cheese")), ValueError, "'cheese' is not in"),
        (lambda: Scene.from_city(town([shapely.box(0, 0, 1, 1)]), roof=7), TypeError, "the material is 7, but must be"),
    ],
)  # fmt: skip
def test_what_is_no_city_is_refused(make, error, sentence):
    with pytest.raises(error, match=sentence):
        make()


# joining and editing


def test_scenes_are_joined_with_their_names_and_materials():
    box = Scene.box((0, 0, 0), (1, 1, 1), "wood")
    both = Scene.room((8, 5, 3), "brick") + box + Scene.box((2, 2, 0), (3, 3, 1), "brick")
    assert both.name == "room"
    assert both.objects[-2:] == ("box", "box-2")
    assert [m.name for m in both.materials] == ["brick", "wood"]
    assert len(both) == 36
    last = both.vertices_m[both.faces[both.face_object == both.objects.index("box-2")]]
    assert last.min(axis=(0, 1)).tolist() == [2, 2, 0]
    assert both.materials[both.face_material[-1]].name == "brick"
    assert np.array_equal(both.vertices_m[both.faces[12:24]], box.vertices_m[box.faces])
    assert len((box + box + box).objects) == len(set((box + box + box).objects)) == 3


def test_joined_scenes_name_whom_to_thank():
    ours = Scene.from_city(town([shapely.box(0, 0, 1, 1)]))
    theirs = replace(Scene.box((0, 0, 0), (1, 1, 1)), attribution="(c) them")
    assert (ours + ours + theirs).attribution == "(c) us; (c) them"


def test_one_name_for_two_materials_is_refused():
    thick = Scene.box((0, 0, 0), (1, 1, 1), itu_material("wood", 0.3))
    with pytest.raises(
        ValueError, match=r"two materials are called 'wood', .*0\.1.* and .*0\.3.*, but a name stands for"
    ):
        Scene.box((0, 0, 0), (1, 1, 1), "wood") + thick
    with pytest.raises(TypeError):
        thick + "wood"


def test_a_material_is_replaced_everywhere():
    room = Scene.room((8, 5, 3), {"walls": "brick", "floor": "wood", "ceiling": "brick"})
    other = room.with_material("itu_brick", Material(6.0))
    assert [m.name for m in other.materials] == [m.name for m in room.materials]
    assert other.materials[1] == Material(6.0, name="brick") != room.materials[1]
    again = other.with_material("brick", "glass")
    assert {m.name for m in again.materials} == {"glass", "wood"}
    assert np.array_equal(again.faces, room.faces)


def test_replacing_what_is_not_there_or_not_wanted_is_refused():
    room = Scene.room((8, 5, 3), {"walls": "brick", "floor": "wood"})
    with pytest.raises(ValueError, match="the scene has no material 'stone', but brick, plasterboard, wood"):
        room.with_material("stone", "glass")
    with pytest.raises(ValueError, match="two materials are called 'wood'"):
        room.with_material("brick", Material(3.0, name="wood"))
