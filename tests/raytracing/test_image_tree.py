"""The image tree: images by hand, beams that hold every path, and a sight that hides only what is hidden."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnt_lab.datasets import street_grid
from dnt_lab.raytracing import occlusion
from dnt_lab.raytracing.back_trace import seen_from_both_sides
from dnt_lab.raytracing.image_tree import image_tree
from dnt_lab.raytracing.materials import Material
from dnt_lab.raytracing.occlusion import Occluders
from dnt_lab.raytracing.scene import Scene
from dnt_lab.raytracing.visibility import not_hidden, windows_around

from .path_tables import DATA

seeds = st.integers(0, 2**32 - 1)


def tree_of(scene, tx_m, rx_m, max_order, prunes=False):
    tx_m, rx_m = np.array(tx_m, float), np.atleast_2d(np.array(rx_m, float))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(occlusion, "_UNDIVIDED", 4 if prunes else 10**9)
        occluders = Occluders(scene.polygons)
    tree = image_tree(occluders, tx_m, rx_m, max_order, seen_from_both_sides(scene.polygons, tx_m, rx_m))
    return tree, occluders


def sequences(tree):
    """Polygons of each sequence from the transmitter on, as tuples."""
    rows = []
    for polygon, parent in zip(tree.polygon.tolist(), tree.parent.tolist(), strict=True):
        rows.append((*(rows[parent] if parent >= 0 else ()), polygon))
    return rows


def mirrored(scene, row, tx_m):
    """Image of a transmitter in the planes of a sequence of polygons, one after the other."""
    for polygon in row:
        corner_m, normal = scene.polygons.corners_m[polygon, 0], scene.polygons.normal[polygon]
        tx_m = tx_m - 2 * (normal @ (tx_m - corner_m)) * normal
    return tx_m


@pytest.mark.parametrize("prunes", [False, True])
def test_images_are_mirrored_at_one_wall_after_the_other(prunes):
    room, tx_m = Scene.room((8, 5, 3)), np.array([1.0, 2.0, 2.5])
    tree, _ = tree_of(room, tx_m, [6, 4, 1], 3, prunes)
    rows = sequences(tree)
    assert len(rows) == len(set(rows))
    assert [len(row) for row in rows] == sorted(len(row) for row in rows)
    assert rows[:6] == [(i,) for i in range(6)]
    assert all(row[k] != row[k + 1] for row in rows for k in range(len(row) - 1))
    want_m = [mirrored(room, row, tx_m) for row in rows]
    assert np.allclose(tree.image_m, want_m, atol=1e-12)
    assert np.array_equal(tree.window_m, room.polygons.corners_m[tree.polygon])


def test_in_an_empty_room_hardly_more_sequences_are_kept_than_carry_a_path():
    tree, _ = tree_of(Scene.room((8, 5, 3)), [1, 2, 2.5], np.random.default_rng(1).uniform(0.1, 2.9, (50, 3)), 3)
    n_kept = np.bincount([len(row) for row in sequences(tree)])[1:]
    assert (n_kept >= [6, 18, 38]).all()  # images that light some place of the room
    assert (n_kept <= [6, 30, 150]).all()  # of 6, 30 and 150


def test_facing_and_beams_leave_few_sequences_of_the_oracle_street_canyon():
    path = DATA / "oracles" / "street_canyon" / "street_canyon_28ghz.npz"
    if not path.exists():
        pytest.skip("the oracles are not in the folder shared/data beside the checkout")
    with np.load(path) as z:
        scene = Scene.from_mesh(z["vertices_m"], z["faces"], 0, [Material(5.0)], face_object=z["face_object"])
        tree, _ = tree_of(scene, z["tx_m"], z["rx_m"], 3)
    n_kept = np.bincount([len(row) for row in sequences(tree)])[1:]
    assert (n_kept <= [12, 40, 140]).all()  # of 37, 1332 and 47 952
    assert len(tree) < 0.004 * 37 * 36**2


@pytest.mark.parametrize("prunes", [False, True])
@settings(max_examples=20)
@given(seed=seeds)
def test_the_beam_of_a_sequence_holds_all_who_see_the_image_through_its_polygons(prunes, seed):
    rng = np.random.default_rng(seed)
    low_m = rng.uniform([1, 1, 0], [5, 3, 1])
    scene = Scene.room((8, 5, 3)) + Scene.box(low_m, low_m + rng.uniform(0.5, 1.5, 3))
    tx_m, rx_m = rng.uniform([0.2] * 3, [7.8, 4.8, 2.8], (2, 3))
    tree, occluders = tree_of(scene, tx_m, rx_m, 2, prunes)
    sequence = np.repeat(np.arange(len(tree)), 50)
    last_m = np.einsum("sc,scj->sj", rng.dirichlet(np.ones(4), len(sequence)), tree.window_m[sequence])
    # whoever stands on the way on from the image through a place in the last polygon, which the first lets pass
    first, image_m = tree.parent[sequence], tree.image_m[tree.parent[sequence]]
    mirror = scene.polygons.normal[tree.polygon[first]]
    way_m, height_m = last_m - image_m, scene.polygons.offset_m[tree.polygon[first]] - (mirror * image_m).sum(axis=1)
    share = height_m / np.where(along := (mirror * way_m).sum(axis=1), along, np.inf)
    passed = scene.polygons.inside(tree.polygon[first], image_m + share[:, None] * way_m) & (share > 0) & (share < 1)
    lit = (first < 0) | passed
    there_m = tree.image_m[sequence] + rng.uniform(1, 3, (len(sequence), 1)) * (last_m - tree.image_m[sequence])
    planes = tree.planes[:, sequence[lit]]
    height_m = np.einsum("psj,sj->ps", planes[..., :3], there_m[lit] - occluders.tree.origin_m) + planes[..., 3]
    assert (height_m >= -occluders.tree.slack_m).all()
    assert (lit & (first >= 0)).sum() > 100


def test_a_wave_that_leaves_over_the_roofs_is_lost_unless_something_hangs_there():
    street = Scene.from_city(street_grid(1, 2, 20.0, 10.0, 12.0))
    tx_m, rx_m = [2.0, 1.0, 3.0], [-4.0, -2.0, 1.5]
    n_open = len(tree_of(street, tx_m, rx_m, 1)[0])
    lid = Scene.from_mesh([[-9, -9, 30], [9, -9, 30], [9, 9, 30], [-9, 9, 30]], [[0, 1, 2], [0, 2, 3]], 0, ["wood"])
    tree, occluders = tree_of(street + lid, tx_m, rx_m, 2)
    assert n_open == 3  # the ground and the two walls
    assert any(row[-1] == len(occluders.polygons) - 1 for row in sequences(tree) if len(row) == 2)
    # a sign that hangs over everything sends a wave down from its lower part
    sign = Scene.from_mesh([[-9, 9, 30], [9, 9, 30], [9, 9, 50], [-9, 9, 50]], [[0, 1, 2], [0, 2, 3]], 0, ["wood"])
    tree, occluders = tree_of(street + sign, [2.0, 1.0, 40.0], rx_m, 1)
    assert len(occluders.polygons) - 1 in tree.polygon
    # from a mast over the roofs, roofs send everything up and away
    tree, _ = tree_of(street, [2.0, 1.0, 40.0], rx_m, 1)
    assert (np.abs(street.polygons.normal[tree.polygon, 2]) < 0.5).sum() + 1 == len(tree)
    assert street.polygons.corners_m[tree.polygon, :, 2].min() == 0


# sight


def square(depth, half, u=0.0, v=0.0):
    """Corners (4, 3) of an upright square at a depth in x."""
    return np.array([[depth, u + a * half, v + b * half] for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))])


EYE_M, WINDOW_M = np.zeros(3), square(1.0, 1.0)


def seen(*corners_m, eye_m=EYE_M, window_m=WINDOW_M):
    n = len(corners_m)
    return not_hidden(np.array(corners_m), eye_m[None], window_m[None], np.zeros(n, int)).tolist()


def test_a_large_screen_hides_what_is_wholly_behind_it():
    assert seen(square(2, 1.5), square(4, 2.9)) == [True, False]
    assert seen(square(4, 2.9), square(2, 1.5)) == [False, True]  # in any order
    assert seen(square(2, 1.5), square(4, 3.1)) == [True, True]  # looks out
    assert seen(square(4, 1.5), square(2, 0.5)) == [True, True]  # what stands in front is small


def test_what_looks_out_beyond_the_window_only_is_hidden():
    assert seen(square(2, 2.1), square(4, 90.0)) == [True, False]


def test_nothing_hides_itself_or_its_like():
    wall = square(2, 1.5)
    assert seen(wall, wall, wall[::-1]) == [True, True, True]
    assert seen(square(2, 1.5), square(2, 1.0)) == [True, True]  # in one plane


def test_what_lies_in_the_plane_of_the_window_hides_nothing():
    assert seen(square(1, 5.0), square(3, 1.0)) == [True, True]


def test_what_begins_before_the_window_is_no_screen_but_can_be_hidden():
    slanted = square(2, 1.5)
    slanted[:2, 0] = 0.5
    assert seen(slanted, square(4, 0.1)) == [True, True]
    behind = square(4, 1.0)
    behind[2:, 0] = 8
    assert seen(square(2, 1.5), behind) == [True, False]


def test_a_triangle_hides_what_is_behind_it_and_not_behind_the_corner_it_lacks():
    half = square(2, 1.5)
    half[3] = half[2]  # the lower right half
    assert seen(half, square(4, 0.3, 1.5, -1.5)) == [True, False]
    assert seen(half, square(4, 0.3, -1.5, 1.5)) == [True, True]


def test_two_screens_together_hide_nothing_for_certain():
    assert seen(square(2, 1.0, u=-0.9), square(2, 1.0, u=0.9), square(4, 1.0)) == [True, True, True]


def test_beams_do_not_hide_each_others_polygons():
    corners_m = np.array([square(2, 1.5), square(4, 1.0)])
    both = np.array([EYE_M, EYE_M]), np.array([WINDOW_M, WINDOW_M])
    assert not_hidden(corners_m, *both, np.array([0, 1])).tolist() == [True, True]
    assert not_hidden(corners_m, *both, np.array([1, 1])).tolist() == [True, False]
    assert not_hidden(corners_m[:0], *both, np.zeros(0, int)).tolist() == []


def test_corners_as_high_as_the_eye_are_no_trouble():
    """Behind the window's apex nothing has a depth; warnings are errors here."""
    flat = np.array([[1.0, 2, 0], [3.0, 2, 0], [3, 2, -2], [1, 2, -2]])
    upwards = np.array([[-1, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]], float)
    assert seen(flat, square(2, 1.0), window_m=upwards) == [True, True]


@settings(max_examples=40)
@given(seed=seeds)
def test_what_is_called_hidden_is_out_of_sight_from_everywhere_in_the_beam(seed):
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    corners_m = []
    for _ in range(12):
        tilted = rng.normal(size=(3, 3))
        tilted[0, 0] += 8  # most of them face the eye
        axes = np.linalg.qr(tilted)[0][1:] * rng.uniform(0.3, 4, (2, 1))
        middle_m = [rng.uniform(1.5, 9), *rng.uniform(-2, 2, 2)]
        corners_m.append((middle_m + np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) @ axes) @ turn)
        if rng.random() < 0.3:
            corners_m[-1][3] = corners_m[-1][2]
    corners_m, window_m = np.array(corners_m), WINDOW_M @ turn
    hidden = np.flatnonzero(~not_hidden(corners_m, EYE_M[None], window_m[None], np.zeros(12, int)))
    for number in hidden:
        places_m = rng.dirichlet([0.4] * 4, 40) @ corners_m[number]
        depth = places_m @ turn.T @ [1, 0, 0]
        places_m = places_m[depth > 1 + 1e-6]
        lit = np.abs(places_m @ turn.T[:, 1:] / depth[depth > 1 + 1e-6, None]).max(axis=1, initial=0) < 1 - 1e-6
        for place_m in places_m[lit]:
            assert any(crosses(corners_m[other], place_m) for other in range(12) if other != number)


def crosses(corners_m, end_m):
    """Tell whether the way from the eye to a place passes through a convex polygon."""
    normal = np.cross(corners_m[1] - corners_m[0], corners_m[2] - corners_m[0])
    share = (normal @ corners_m[0]) / (normal @ end_m)
    sides_m = np.roll(corners_m, -1, axis=0) - corners_m
    inwards = np.cross(normal, sides_m)
    return 0 < share < 1 and (np.einsum("cj,cj->c", inwards, share * end_m - corners_m) >= 0).all()


def test_windows_close_a_cube_around_the_eye():
    eye_m = np.array([3.0, -2.0, 7.0])
    corners_m = windows_around(eye_m, 0.5, cuts=3)
    assert corners_m.shape == (54, 4, 3)
    assert np.abs(corners_m - eye_m).max(axis=2) == pytest.approx(0.5)
    sides_m = corners_m[:, [1, 3]] - corners_m[:, :1]
    assert np.linalg.norm(np.cross(sides_m[:, 0], sides_m[:, 1]), axis=1) == pytest.approx(1 / 9)
    places = {tuple(middle) for middle in corners_m.mean(axis=1).round(6).tolist()}
    assert len(places) == 54
