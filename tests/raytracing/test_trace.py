"""The tracer against an exhaustive search, against itself in other batches, at edges, and at bad input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnt_lab.datasets import street_grid
from dnt_lab.raytracing import image_tree
from dnt_lab.raytracing.materials import FixedLoss, itu_material
from dnt_lab.raytracing.scene import Scene
from dnt_lab.raytracing.trace import trace

from .brute_force import difference, exhaustive_paths, points_of, trace_pruned

FREQ_HZ = 28e9
PER_PATH = ("order", "delay_s", "transfer", "aod_deg", "aoa_deg", "points_m", "object_index", "material_index")
seeds = st.integers(0, 2**32 - 1)


def plate(corners_m, material="concrete", name="plate"):
    """A flat, open, two-sided surface with four corners."""
    return Scene.from_mesh(corners_m, [[0, 1, 2], [0, 2, 3]], 0, [material], name=name)


def rectangle(low_m, high_m, material="concrete", name="plate"):
    """A plate between two corners that share one coordinate."""
    low_m, high_m = np.array(low_m, float), np.array(high_m, float)
    i, j = np.flatnonzero(low_m != high_m)
    corners_m = np.tile(low_m, (4, 1))
    corners_m[[1, 2], i], corners_m[[2, 3], j] = high_m[i], high_m[j]
    return plate(corners_m, material, name)


GROUND = rectangle([-60, -60, 0], [60, 60, 0], name="ground")


def furnished_room(rng):
    scene = Scene.room((8, 5, 3), "concrete")
    for _ in range(rng.integers(0, 4)):
        low_m = rng.uniform([0.5, 0.5, 0], [6, 3.5, 1])
        scene = scene + Scene.box(low_m, low_m + rng.uniform(0.3, 1.4, 3), "wood", name="box")
    return scene, rng.uniform([0.1, 0.1, 0.1], [7.9, 4.9, 2.9], (4, 3))


def streets(rng):
    plan = street_grid(int(rng.integers(1, 4)), 2, 20.0, 10.0, (5.0, 20.0), seed=rng)
    scene = Scene.from_city(plan, ground="concrete" if rng.random() < 0.7 else None)
    nodes_m = rng.uniform([-45, -45, 0], [45, 45, 25], (4, 3))
    return scene, nodes_m  # some of them in houses


def bridges(rng):
    scene = Scene.from_city(street_grid(2, 2, 20.0, 10.0, (5.0, 20.0), seed=rng))
    scene = scene + Scene.box([-5, -3, 6], [5, 3, 7.5], "wood", name="bridge")
    scene = scene + Scene.box([-30, -5, 18], [-5, 5, 22], "wood", name="overhang")
    return scene, np.concatenate([rng.uniform([-5, -5, 0], [5, 5, 9], (2, 3)), rng.uniform([-35, -35, 0], 35, (2, 3))])


def open_plates(rng):
    parts = []
    for number in range(rng.integers(1, 12)):
        axes = np.linalg.qr(rng.normal(size=(3, 3)))[0][:2] * rng.uniform(1, 5, (2, 1))
        signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
        parts.append(plate(rng.uniform(-5, 5, 3) + signs @ axes, "wood", f"plate {number}"))
    return sum(parts[1:], parts[0]), rng.uniform(-6, 6, (4, 3))


def loose_triangles(rng):
    corners_m = rng.uniform(-5, 5, (rng.integers(4, 20), 3))
    faces = np.array([rng.choice(len(corners_m), 3, replace=False) for _ in range(rng.integers(3, 25))])
    things = rng.integers(0, 3, len(faces))  # which share edges, three to one, and pierce each other
    scene = Scene.from_mesh(corners_m, faces, 0, ["wood"], face_object=things, objects=["a", "b", "c"])
    return scene, rng.uniform(-6, 6, (4, 3))


def stacked_boxes(rng):
    """Boxes at whole metres, so that faces coincide, with nodes on faces, in their planes and on the ground."""
    scene = rectangle([-10, -10, 0], [10, 10, 0], name="ground")
    for _ in range(rng.integers(2, 6)):
        low_m = np.append(rng.integers(-3, 4, 2), rng.integers(0, 3))
        scene = scene + Scene.box(low_m, low_m + rng.integers(1, 4, 3), "wood", name="box")
    nodes_m = rng.uniform([-6, -6, 0], [6, 6, 6], (4, 3))
    faces_m = scene.vertices_m[scene.faces]
    nodes_m[0] = rng.dirichlet([1, 1, 1]) @ faces_m[rng.integers(len(faces_m))]
    nodes_m[1, 2] = faces_m[rng.integers(len(faces_m)), 0, 2]
    nodes_m[2] = rng.dirichlet([1, 1, 1]) @ faces_m[rng.integers(len(faces_m))]
    return scene, nodes_m


PLACES = [furnished_room, streets, bridges, open_plates, loose_triangles, stacked_boxes]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
@settings(max_examples=12)
@given(seed=seeds)
def test_all_paths_of_an_exhaustive_search_and_no_others(place, seed):
    scene, nodes_m = place(np.random.default_rng(seed))
    want = [exhaustive_paths(scene, nodes_m[0], rx_m, 2) for rx_m in nodes_m[1:]]
    for prunes in (False, True):
        paths = trace_pruned(prunes, scene, nodes_m[0], nodes_m[1:], FREQ_HZ)
        for row, points in enumerate(want):
            assert difference(points, points_of(paths, row)) == []


@pytest.mark.parametrize(("city", "x_m", "y_m"), [("munich", -160, -60), ("munich", -200, 100), ("florence", 120, -60)])
def test_all_paths_between_real_houses(city, x_m, y_m):
    scene = Scene.from_city(city, bounds_m=(x_m - 20, y_m - 20, x_m + 20, y_m + 20))
    rng = np.random.default_rng(3)
    tx_m, rx_m = [x_m, y_m, 12.0], rng.uniform([x_m - 50, y_m - 50, 1], [x_m + 50, y_m + 50, 30], (40, 3))
    paths = trace_pruned(True, scene, tx_m, rx_m, FREQ_HZ)
    n_paths = np.bincount(paths.rx, minlength=40)
    for row in np.argsort(-n_paths)[[0, 2, 5, 20]]:
        assert difference(exhaustive_paths(scene, tx_m, rx_m[row], 2), points_of(paths, row)) == []
    assert (paths.order == 2).sum() > 30


@pytest.mark.parametrize("prunes", [False, True], ids=["held against all", "pruned"])
def test_all_paths_of_order_three(prunes):
    scene = Scene.box([0, 0, 0], [3, 2, 4], "wood", name="house") + rectangle([-8, -6, 0], [8, 6, 0], name="ground")
    scene = scene + rectangle([-4, 4, 0], [5, 4, 6]) + rectangle([-5, -3, 1], [-5, 3, 5])
    rng = np.random.default_rng(4)
    tx_m, rx_m = np.array([-2.0, 1.5, 3.0]), rng.uniform([-4.5, -5, 0.1], [7, 3.9, 5], (6, 3))
    paths = trace_pruned(prunes, scene, tx_m, rx_m, FREQ_HZ, 3)
    for row, node_m in enumerate(rx_m):
        assert difference(exhaustive_paths(scene, tx_m, node_m, 3), points_of(paths, row)) == []
    assert (paths.order == 3).sum() > 3


@pytest.mark.parametrize(
    ("tx_m", "where"),
    [
        ([15, 5, 6], "on a wall"),
        ([15, 5, 0], "at the foot of a wall"),
        ([5, 15, 10], "on the edge of a roof"),
        ([5, 5, 10], "on the corner of a roof"),
        ([15, 14, 10], "on a roof"),
        ([0, -8, 10], "as high as the roofs"),
        ([-5, 0, 4], "in the plane of two walls"),
        ([15, 15, 3], "inside a house"),
        ([0, 0, 0], "on the ground"),
        ([2, 3, -4], "under the ground"),
    ],
)
def test_a_transmitter_on_and_in_things(tx_m, where):
    scene = Scene.from_city(street_grid(2, 2, 20.0, 10.0, 10.0)) + Scene.box([-2, 20, 5], [2, 24, 6], name="lamp")
    rng = np.random.default_rng(5)
    in_houses_m = rng.uniform([6, 6, 0.1], [24, 24, 9.9], (4, 3)) * [[1, 1, 1], [1, 1, 1], [-1, 1, 1], [1, -1, 1]]
    rx_m = np.concatenate([rng.uniform([-30, -30, 0.1], [30, 30, 14], (5, 3)), in_houses_m])
    for prunes in (False, True):
        paths = trace_pruned(prunes, scene, np.array(tx_m, float), rx_m, FREQ_HZ)
        for row, node_m in enumerate(rx_m):
            assert difference(exhaustive_paths(scene, tx_m, node_m, 2), points_of(paths, row)) == [], where


def equal(paths, others):
    """Tell whether two tables of one link have the same numbers, to the last bit."""
    return all(np.array_equal(getattr(paths, name), getattr(others, name), equal_nan=True) for name in PER_PATH)


@pytest.fixture(scope="module")
def munich():
    """Two hundred metres of Munich, a mast over the roofs, and users in the streets and in the houses."""
    scene = Scene.from_city("munich", bounds_m=(-100, -100, 100, 100))
    rng = np.random.default_rng(6)
    return (
        scene,
        np.array([[10.0, -20.0, 40.0], [-40.0, 30.0, 22.0]]),
        np.column_stack([rng.uniform(-110, 110, (60, 2)), np.full(60, 1.5)]),
    )


def test_a_city_has_the_paths_that_are_found_without_boxes_and_sight(munich):
    scene, tx_m, rx_m = munich
    assert len(scene.polygons) > 500
    assert not scene.occluders.is_small
    assert equal(trace(scene, tx_m, rx_m, FREQ_HZ), want := trace_pruned(False, scene, tx_m, rx_m, FREQ_HZ))
    assert (want.order == 2).sum() > 30


def test_one_by_one_a_city_gives_the_same_numbers_as_at_once(munich):
    scene, tx_m, rx_m = munich
    paths = trace(scene, tx_m, rx_m, FREQ_HZ)
    assert equal(paths, trace(scene, tx_m, rx_m, FREQ_HZ))
    for t in range(2):
        assert equal(paths[paths.tx == t], trace(scene, tx_m[t], rx_m, FREQ_HZ))
        for row in range(0, len(rx_m), 3):
            assert equal(paths.link(row, t), trace(scene, tx_m[t], rx_m[row], FREQ_HZ))


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
@settings(max_examples=4)
@given(seed=seeds)
def test_one_by_one_gives_the_same_numbers_as_at_once(place, seed):
    rng = np.random.default_rng(seed)
    scene, nodes_m = place(rng)
    more_m = rng.uniform(nodes_m.min(axis=0), nodes_m.max(axis=0), (20, 3))
    paths = trace(scene, nodes_m[:2], more_m, FREQ_HZ)
    back = trace(scene, nodes_m[:2], more_m[::-1], FREQ_HZ)
    for t in range(2):
        for row in range(len(more_m)):
            alone = trace(scene, nodes_m[t], more_m[row], FREQ_HZ)
            assert equal(paths.link(row, t), alone)
            assert equal(back.link(19 - row, t), alone)


def test_rows_are_sorted_and_name_their_link():
    room, rng = Scene.room((8, 5, 3)), np.random.default_rng(7)
    tx_m, rx_m = rng.uniform(0.1, 2.9, (2, 3)), rng.uniform(0.1, 2.9, (3, 3))
    paths = trace(room, tx_m, rx_m, FREQ_HZ)
    assert np.array_equal(np.lexsort((paths.order, paths.delay_s, paths.rx, paths.tx)), np.arange(len(paths)))
    assert set(zip(paths.tx.tolist(), paths.rx.tolist(), strict=True)) == {(t, r) for t in range(2) for r in range(3)}
    corners_m = np.concatenate([tx_m[paths.tx][:, None], paths.points_m, rx_m[paths.rx][:, None]], axis=1)
    for row, order in zip(corners_m, paths.order, strict=True):
        assert np.isfinite(row[: order + 1]).all()
        assert np.isnan(row[order + 1 : -1]).all()
    assert paths.objects == room.objects
    assert paths.materials == ("plasterboard",)


# edges, seams, faces


def test_a_point_on_the_diagonal_of_two_triangles_counts_once():
    for prunes in (False, True):
        paths = trace_pruned(prunes, GROUND, [-4.0, -4.0, 3.0], [4.0, 4.0, 3.0], FREQ_HZ, 1)
        assert difference(points_of(paths), [np.zeros((0, 3)), np.zeros((1, 3))]) == []


def test_a_point_on_the_seam_of_two_plates_counts_once():
    halves = rectangle([-9, -9, 0], [0, 9, 0], "wood", "west") + rectangle([0, -9, 0], [9, 9, 0], "metal", "east")
    paths = trace(halves, [-4.0, 1.0, 3.0], [4.0, 1.0, 3.0], FREQ_HZ, 1)
    assert paths.order.tolist() == [0, 1]
    assert paths.object_index[1].tolist() == [0]  # the first of the two


@pytest.mark.parametrize("turn", [False, True])
def test_faces_of_two_things_at_one_place_count_once(turn):
    corners_m = np.array([[-20, -20, 0], [30, -20, 0], [30, 20, 0], [-20, 20, 0]])
    double = GROUND + plate(corners_m[::-1] if turn else corners_m, "metal", "road")
    for prunes in (False, True):
        paths = trace_pruned(prunes, double, [-4.0, -3.0, 3.0], [4.0, 2.0, 3.0], FREQ_HZ, 2)
        assert paths.order.tolist() == [0, 1]
        assert paths.object_index[1, 0] == 0


def test_a_point_that_lies_between_two_steps_of_rounding_counts_once():
    """Two surfaces find one point with a last digit that differs; that must not decide whether it is one."""
    rng = np.random.default_rng(8)
    corners_m = np.array([[-64.0, -64, 0], [64, -64, 0], [64, 64, 0], [-64, 64, 0]])
    for _ in range(60):
        turn = np.linalg.qr(rng.normal(size=(3, 3)))[0].T
        double = plate(corners_m @ turn, "wood", "a") + plate(corners_m[::-1] * [1, 0.7, 1] @ turn, "wood", "b")
        step_m = 100 * double.polygons.tolerance_m
        point_m = (rng.integers(-20, 20, 3) * [1, 1, 0]) @ turn
        point_m += turn[0] * ((np.round(point_m[0] / step_m) + 0.5) * step_m - point_m[0]) / turn[0, 0]
        tx_m, rx_m = (point_m + np.array([way, 1, 5]) @ (turn * [[1], [way], [1]]) for way in (-3, 3))
        assert len(trace(double, tx_m, rx_m, FREQ_HZ, 1)) == 2


def test_a_road_on_the_ground_and_walls_in_line_hide_nothing():
    """Surfaces in one plane must not take each other for a screen, else all that follows the bounce is lost."""
    scene = Scene.from_city(street_grid(2, 2, 20.0, 10.0, 15.0))
    for number, (low_m, high_m) in enumerate(
        [([-30, -5, 0], [30, 5, 0]), ([-8, -4, 0], [9, 3, 0]), ([-24, 5, 0], [-6, 5, 12]), ([6, -5, 2], [24, -5, 15])]
    ):
        scene = scene + rectangle(low_m, high_m, "metal", f"cover {number}")
    tx_m, rx_m = np.array([-20.0, 1.0, 6.0]), np.array([[18.0, -2.0, 1.5], [2.0, 17.0, 2.0], [-25.0, -3.0, 3.0]])
    paths = trace_pruned(True, scene, tx_m, rx_m, FREQ_HZ)
    for row, node_m in enumerate(rx_m):
        assert difference(exhaustive_paths(scene, tx_m, node_m, 2), points_of(paths, row)) == []
    assert equal(paths, trace_pruned(False, scene, tx_m, rx_m, FREQ_HZ))


def test_a_reflection_on_the_edge_counts_and_beyond_it_does_not():
    panel = rectangle([-1, -1, 0], [1, 1, 0])
    for far_m, n_paths in ((1.0, 2), (1.0 - 1e-6, 2), (1.0 + 1e-6, 1)):
        tx_m, rx_m = np.array([far_m - 3, 0.25, 2.0]), np.array([far_m + 3, 0.25, 2.0])
        assert len(trace(panel, tx_m, rx_m, FREQ_HZ, 1)) == n_paths
        assert len(exhaustive_paths(panel, tx_m, rx_m, 1)) == n_paths


@pytest.mark.parametrize("distance_m", [300.0, 30_000.0])
def test_a_reflection_near_the_edge_of_a_small_thing_counts_however_far_the_nodes_are(distance_m):
    rng = np.random.default_rng(9)
    for _ in range(40):
        turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        panel = plate(np.array([[-0.5, -0.5, 0], [0.5, -0.5, 0], [0.5, 0.5, 0], [-0.5, 0.5, 0]]) @ turn)
        way = np.array([*rng.normal(size=2), -1 - rng.random()])
        way /= np.linalg.norm(way)
        point_m = np.array([0.5 - 1e-6, rng.uniform(-0.4, 0.4), 0])
        nodes_m = np.array([point_m - distance_m * way, point_m + distance_m * way * [1, 1, -1]]) @ turn
        assert trace(panel, *nodes_m, FREQ_HZ, 1).order.tolist() == [0, 1]
        assert len(trace_pruned(True, panel + panel, *nodes_m, FREQ_HZ, 1)) == 2


@pytest.mark.parametrize(
    ("tx_m", "rx_m", "hit"),
    [
        ([1, 2, 0], [6, 3, 0], {"ceiling", "wall-west", "wall-east", "wall-south", "wall-north"}),  # along the floor
        ([0, 1, 1], [0, 4, 2], {"floor", "ceiling", "wall-east", "wall-south", "wall-north"}),  # along a wall
        ([0, 0, 0], [8, 0, 0], {"ceiling", "wall-north"}),  # along an edge, from corner to corner
        ([0, 1, 1], [6, 3, 0], {"ceiling", "wall-east", "wall-south", "wall-north"}),  # from the wall to the floor
    ],
)
def test_who_grazes_a_face_is_neither_reflected_nor_blocked(tx_m, rx_m, hit):
    room = Scene.room((8, 5, 3), FixedLoss(3.0))
    paths = trace(room, tx_m, rx_m, FREQ_HZ, 1)
    assert sorted(paths.order.tolist()) == [0] + [1] * len(hit)
    assert {room.objects[i] for i in paths.object_index[paths.order == 1, 0]} == hit


def test_the_corner_of_a_room_is_a_good_place_for_an_access_point():
    room = Scene.room((8, 5, 3))
    for tx_m, n_bounces in (([0, 2, 3], 4), ([0, 0, 3], 3), ([4, 2, 3], 5)):  # on an edge, in a corner, on the ceiling
        assert trace(room, tx_m, [5.0, 3.0, 1.0], FREQ_HZ, 1).order.tolist() == [0] + [1] * n_bounces


def test_a_receiver_on_a_wall_hears_on_its_side_only():
    street = Scene.box([0, -5, 0], [4, 5, 8], "brick") + GROUND
    rx_m = [[0, 1, 2], [4, 1, 2]]  # on the near wall, on the far wall
    paths = trace(street, [-20.0, 0.0, 6.0], rx_m, FREQ_HZ)
    assert paths.link(0).order.tolist() == [0, 1]
    assert len(paths.link(1)) == 0


def test_inside_a_house_there_is_nothing_from_outside():
    scene = Scene.from_city(street_grid(2, 2, 20.0, 10.0, 15.0))
    inside_m = [[15, 15, 1.5], [5.1, 5.1, 0], [-15, 15, 14.9]]
    for prunes in (False, True):
        assert len(trace_pruned(prunes, scene, [0.0, 1.0, 30.0], inside_m, FREQ_HZ)) == 0
        assert len(trace_pruned(prunes, scene, [14.0, 15.0, 2.0], inside_m[:1], FREQ_HZ)) > 5  # both inside


@pytest.mark.parametrize("prunes", [False, True], ids=["held against all", "pruned"])
@pytest.mark.parametrize("floor", [False, True])
def test_a_wave_that_is_turned_at_the_foot_of_a_house_does_not_pass_through_it(floor, prunes):
    """The point lies on the wall's edge, so the wall itself does not stand between; the house does."""
    house = Scene.from_city(street_grid(1, 1, 10.0, 10.0, 25.0), ground=None)
    scene = (Scene.box([-5, -5, 0], [5, 5, 25.0], name="house") if floor else house) + GROUND
    for tx_m, rx_m in (([-25, 0, 6.0], [15, 0, 6.0]), ([-9, 1, 5], [7, 1.5, 15]), ([20, 2, 9], [-10, 2, 9.0])):
        assert points_of(trace_pruned(prunes, scene, tx_m, rx_m, FREQ_HZ, 1)) == []


def test_a_receiver_below_the_lowest_floor_looks_into_the_house_that_lacks_one():
    house = Scene.from_city(street_grid(1, 1, 20.0, 10.0, 8.0), ground=None)
    below_m, above_m = np.array([1.0, 2.0, -3.0]), np.array([20.0, 2.0, 3.0])
    paths = trace(house, [3.0, -4.0, -2.0], below_m, FREQ_HZ)
    assert difference(exhaustive_paths(house, [3.0, -4.0, -2.0], below_m, 2), points_of(paths)) == []
    assert "building-0" in " ".join(paths.to_frame().objects)
    both = trace(house, [30.0, 0.0, 5.0], [below_m, above_m], FREQ_HZ)
    assert equal(both.link(1), trace(house, [30.0, 0.0, 5.0], above_m, FREQ_HZ))


# bad input


ROOM = Scene.room((8, 5, 3), "concrete")


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"tx": [1.0, 2.0]}, ValueError, r"tx has shape \(2,\), but positions in metres need \(3,\) or \(N, 3\)"),
        ({"rx": np.zeros((0, 3))}, ValueError, r"rx has shape \(0, 3\), but positions"),
        ({"rx": np.zeros((2, 2, 3))}, ValueError, r"rx has shape \(2, 2, 3\), but"),
        ({"rx": [[1, 1, 1], [1, np.nan, 1]]}, ValueError, r"rx holds \[1.0, nan, 1.0\], but a position has finite"),
        ({"tx": [np.inf, 0, 0]}, ValueError, r"tx holds \[inf, 0.0, 0.0\]"),
        ({"tx": "here"}, TypeError, "tx is 'here', but positions are numbers of metres"),
        ({"tx": [[1, 1, 1], [1, 1]]}, TypeError, r"tx is \[\[1, 1, 1\], \[1, 1\]\], but"),
        ({"tx": [[2, 2, 2], [1, 1, 1]], "rx": [[3, 3, 1], [1, 1, 1]]}, ValueError,
         r"rx 1 stands where tx 1 does, \[1.0, 1.0, 1.0\]; move one of them"),
        ({"freq_hz": 0}, ValueError, "freq_hz is 0, but must be a finite number over 0"),
        ({"freq_hz": np.nan}, ValueError, "freq_hz is nan"),
        ({"freq_hz": np.inf}, ValueError, "freq_hz is inf"),
        ({"freq_hz": "28 GHz"}, TypeError, "freq_hz is '28 GHz', but a number over 0 is needed"),
        ({"freq_hz": True}, TypeError, "freq_hz is True"),
        ({"freq_hz": [28e9]}, TypeError, r"freq_hz is \[28000000000.0\]"),
        ({"speed_of_light_m_s": -3e8}, ValueError, "speed_of_light_m_s is -300000000.0, but"),
        ({"max_order": 4}, ValueError, "max_order is 4, but must be 0 to 3"),
        ({"max_order": -1}, ValueError, "max_order is -1"),
        ({"max_order": 1.0}, TypeError, "max_order is 1.0, but must be a whole number"),
        ({"freq_hz": 105e9}, ValueError, "concrete.*105 GHz.*extrapolate"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_in_one_sentence(change, error, sentence):
    good = {"tx": [1.0, 1.0, 1.0], "rx": [5.0, 2.0, 1.0], "freq_hz": FREQ_HZ}
    with pytest.raises(error, match=sentence) as refusal:
        trace(ROOM, **good | change)
    assert "\n" not in str(refusal.value)


def test_a_material_that_is_unknown_at_the_frequency_is_refused_wherever_the_nodes_are():
    """Nothing is met here, and still the answer must not depend on who stands where."""
    bare = Scene.box([90, 90, 0], [91, 91, 1], FixedLoss(9.0, (50e9, 70e9), "measured at 60 GHz"))
    with pytest.raises(ValueError, match="measured at 60 GHz is not known at 28 GHz"):
        trace(bare, [0.0, 0.0, 0.0], [1.0, 0.0, 0.0], 28e9, 1)
    assert len(trace(bare, [0.0, 0.0, 0.0], [1.0, 0.0, 0.0], 28e9, 1, extrapolate=True)) == 1
    assert len(trace(bare, [0.0, 0.0, 0.0], [1.0, 0.0, 0.0], 28e9, 0)) == 1  # nothing can be met


def test_extrapolation_takes_a_material_beyond_its_range():
    with_it = trace(ROOM, [1.0, 1.0, 1.0], [5.0, 2.0, 1.0], 105e9, 1, extrapolate=True)
    wall = itu_material("concrete").at(105e9, extrapolate=True)
    same = trace(ROOM.with_material("concrete", wall), [1.0, 1.0, 1.0], [5.0, 2.0, 1.0], 105e9, 1)
    assert np.allclose(with_it.transfer, same.transfer, rtol=1e-12)


def test_numpy_numbers_are_numbers():
    paths = trace(ROOM, [1, 1, 1], [5, 2, 1], np.float32(28e9), np.int8(1), speed_of_light_m_s=np.int64(3e8))
    assert isinstance(paths.freq_hz, float)
    assert len(paths) == 7


def test_too_many_sequences_are_refused(monkeypatch):
    monkeypatch.setattr(image_tree, "_MAX_SEQUENCES", 20)
    assert len(trace(ROOM, [1.0, 1.0, 1.0], [5.0, 2.0, 1.0], FREQ_HZ, 1)) == 7
    sentence = r"max_order is 2, but 6 polygons give \d+ sequences of 2 reflections, more than 20; lower max_order"
    with pytest.raises(ValueError, match=sentence):
        trace(ROOM, [1.0, 1.0, 1.0], [5.0, 2.0, 1.0], FREQ_HZ, 2)


def test_no_path_at_all_is_an_empty_table():
    for max_order in range(4):
        paths = trace(ROOM, [1.0, 1.0, 1.0], [[9.0, 1.5, 1.2], [1.2, 8.0, 1.3]], FREQ_HZ, max_order)
        assert len(paths) == 0
        assert paths.points_m.shape == (0, max_order, 3)
        assert paths.power().tolist() == [[0, 0]]
        assert "0 of 2 links" in repr(paths)


def test_the_scene_and_the_nodes_stay_as_they_were():
    tx_m, rx_m = np.array([1.0, 1.0, 1.0]), np.array([[5.0, 2.0, 1.0]])
    before = ROOM.vertices_m.copy()
    trace(ROOM, tx_m, rx_m, FREQ_HZ)
    assert np.array_equal(ROOM.vertices_m, before)
    assert (tx_m.tolist(), rx_m.tolist()) == ([1, 1, 1], [[5, 2, 1]])


def test_a_receiver_under_the_ground_changes_nothing_for_the_others():
    """Only from below could one look into a house without a floor; so those who are above must not notice."""
    scene = Scene.from_city(street_grid(2, 2, 20.0, 10.0, 10.0))
    tx_m, rx_m = np.array([0.0, 0.0, 4.0]), np.array([[4.0, 20.0, 1.5], [3.0, -8.0, -2.0], [-3.0, 14.0, 2.0]])
    together = trace(scene, tx_m, rx_m, FREQ_HZ, 2)
    for row in range(3):
        alone = trace(scene, tx_m, rx_m[row], FREQ_HZ, 2)
        link = together.link(row)
        assert np.array_equal(link.delay_s, alone.delay_s)
        assert np.array_equal(link.transfer, alone.transfer)
    assert (np.diff(together.rx) >= 0).all()


def test_what_is_no_scene_is_refused():
    with pytest.raises(TypeError, match=r"scene is 'munich', but must be a Scene; Scene\.from_city takes the name"):
        trace("munich", [0.0, 0, 5], [9.0, 0, 1], FREQ_HZ)
