"""Occlusion and the tree of boxes against plain loops in double precision."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnt_lab.datasets import street_grid
from dnt_lab.raytracing import box_tree, occlusion
from dnt_lab.raytracing.box_tree import BoxTree
from dnt_lab.raytracing.occlusion import Occluders
from dnt_lab.raytracing.scene import Scene

seeds = st.integers(0, 2**32 - 1)
BOTH = pytest.mark.parametrize("boxes", [False, True], ids=["held against all", "boxes"])


def occluders_of(scene, boxes):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(occlusion, "_UNDIVIDED", 4 if boxes else 10**9)
        occluders = Occluders(scene.polygons)
    assert occluders.is_small != boxes
    return occluders


def cut_by_hand(scene, start_m, end_m):
    """Tell which segments (N, 3) to (N, 3) cross a triangle, by the signs of volumes."""
    corners_m = scene.vertices_m[scene.faces]

    def volume(p, q, r, s):
        return np.einsum("...j,...j->...", np.cross(q - p, r - p), s - p)

    a, b, c = corners_m.transpose(1, 0, 2)[:, None]
    p, q = start_m[:, None], end_m[:, None]
    ends = volume(a, b, c, p) * volume(a, b, c, q) < 0
    turns = np.stack([volume(p, q, a, b), volume(p, q, b, c), volume(p, q, c, a)])
    return (ends & ((turns >= 0).all(axis=0) | (turns <= 0).all(axis=0))).any(axis=1)


# segments and polygons


@BOTH
@settings(max_examples=15)
@given(seed=seeds)
def test_segments_are_cut_as_by_hand(boxes, seed):
    rng = np.random.default_rng(seed)
    scene = Scene.from_city(street_grid(2, 2, 20.0, 10.0, (5.0, 20.0), seed=rng))
    for number in range(3):
        corners_m = rng.uniform([-30, -30, 0], [30, 30, 25], (3, 3))
        scene = scene + Scene.from_mesh(corners_m, [[0, 1, 2]], 0, ["wood"], name=f"sail {number}")
    start_m, end_m = rng.uniform([-40, -40, -5], [40, 40, 30], (2, 200, 3))
    end_m[::4] = start_m[::4] + rng.normal(size=(50, 3)) * [[1, 0, 0]]  # along an axis
    end_m[1::4, 2] = start_m[1::4, 2]
    want = cut_by_hand(scene, start_m, end_m)
    assert np.array_equal(occluders_of(scene, boxes).blocked(start_m, end_m), want)
    assert 20 < want.sum() < 180


@BOTH
def test_only_what_is_strictly_between_the_ends_counts(boxes):
    scene = Scene.box([0, 0, 0], [4, 4, 4]) + Scene.box([90, 90, 90], [99, 99, 99])
    cases = {
        ((-2, 1, 2), (0, 1, 2)): False,  # ends on a wall
        ((0, 1, 2), (-2, 1, 2)): False,  # starts on it
        ((0, 1, 2), (2, 1, 2)): False,  # ... and goes in
        ((0, 1, 2), (6, 1, 2)): True,  # ... and comes out on the other side
        ((-2, 1, 2), (1e-5, 1, 2)): True,  # goes in a little
        ((-1, 1, 4 + 1e-6), (6, 1, 4 + 1e-6)): False,  # over the roof
        ((-1, 1, 4), (6, 1, 4)): True,  # through the upper edges of two walls
        ((-1, 1, 4 - 1e-6), (6, 1, 4 - 1e-6)): True,
        ((-1, -1, 2), (1, 1, 2)): True,  # through the edge of two walls
        ((-1, 1, 2), (1, -1, 2)): False,  # touches the edge from outside
        ((-1, -1, -1), (6, 6, 6)): True,  # through two corners
        ((-2, 9, 2), (9, 9, 2)): False,
    }
    start_m, end_m = np.array(list(cases), float).transpose(1, 0, 2)
    touching = list(cases).index(((-1, 1, 2), (1, -1, 2)))
    got = occluders_of(scene, boxes).blocked(start_m, end_m)
    want = np.array(list(cases.values()))
    want[touching] = got[touching]  # through the very edge: either answer is as good, but nothing else
    assert got.tolist() == want.tolist()


@BOTH
def test_lines_are_cut_where_a_segment_is_and_what_is_behind_their_end_does_not_count(boxes):
    scene = Scene.from_city(street_grid(2, 2, 20.0, 10.0, (5.0, 20.0), seed=1))
    occluders, rng = occluders_of(scene, boxes), np.random.default_rng(2)
    corners_m, n_segments = rng.uniform([-40, -40, 1], [40, 40, 25], (300, 4, 3)), rng.integers(1, 4, 300)
    for row, n in enumerate(n_segments):
        corners_m[row, n + 1 :] = corners_m[row, n]
    one_by_one = np.stack([occluders.blocked(corners_m[:, k], corners_m[:, k + 1]) for k in range(3)], axis=1)
    want = (one_by_one & (np.arange(3) < n_segments[:, None])).any(axis=1)
    assert np.array_equal(occluders.cut_lines(corners_m, n_segments), want)
    assert 30 < want.sum() < 270
    assert occluders.cut_lines(corners_m[:0], n_segments[:0]).shape == (0,)


@BOTH
def test_a_line_that_is_turned_at_the_foot_of_a_house_and_goes_in_is_cut(boxes):
    scene = Scene.from_city(street_grid(2, 2, 20.0, 10.0, 10.0))
    occluders = occluders_of(scene, boxes)
    foot_m, roof_m = [5.0, 15.0, 0.0], [5.0, 15.0, 10.0]
    for turn_m, end_m, cut in (
        (foot_m, [40, 15, 9], True),  # comes out of the house on the other side
        (foot_m, [-4, 17, 9], False),
        (roof_m, [40, 15, 20], False),  # over the roof
        (roof_m, [40, 16, 2], True),  # through the house
        ([5, 5, 3], [4.9, 30, 3], False),  # from the corner along the wall
        ([5, 5, 3], [5, 30, 3], True),  # through the edges of three walls
        ([5, 5, 3], [30, 30, 3], True),  # from the corner through the house
    ):
        line_m = np.array([[[0.0, 0.0, 4.0], turn_m, end_m]])
        assert occluders.cut_lines(line_m, np.array([2])).tolist() == [cut]


@pytest.mark.parametrize("distance_m", [1e3, 1e5, 1e7])
def test_far_away_nodes_are_hidden_as_near_ones_are(distance_m, monkeypatch):
    """Single precision knows far places roughly only, which must not let a wall's edge slip."""
    monkeypatch.setattr(occlusion, "_LEAF", 1)  # tight boxes
    rng = np.random.default_rng(4)
    scene = sum((Scene.box(low, low + 0.4) for low in rng.uniform(0, 9, (8, 3))), Scene.box([0, 0, 0], [1, 1, 1]))
    small, large = occluders_of(scene, False), occluders_of(scene, True)
    corners_m = scene.polygons.corners_m
    edge_m = (corners_m[:, 0] + corners_m[:, 1]) / 2
    inside_m = edge_m + 1e-6 * (corners_m.mean(axis=1) - edge_m)
    for _ in range(20):
        way = rng.normal(size=3) / distance_m ** rng.integers(0, 2, 3)  # also nearly along an axis
        way *= distance_m / np.linalg.norm(way)
        ends_m = inside_m - way, inside_m + 1.1 * way
        want = cut_by_hand(scene, *ends_m) if distance_m < 1e4 else small.blocked(*ends_m)
        assert np.array_equal(large.blocked(*ends_m), want)
        assert np.array_equal(small.blocked(*ends_m), want)
        assert want.mean() > 0.7


def test_slack_grows_with_the_distance():
    occluders = Occluders(Scene.box([0, 0, 0], [10, 10, 10]).polygons)
    assert occluders.slack_m(np.array([[5.0, 5.0, 9.0]])) == pytest.approx(1e-4)
    assert occluders.slack_m(np.array([[5.0, 5.0, 9.0], [5.0, 5e4, 0.0]])) == pytest.approx(0.5, rel=1e-3)


# the tree of boxes


def boxes_of(rng, n, points=False):
    low_m = rng.uniform(-100, 100, (n, 3)) * [1, 1, 0.1]
    return low_m, low_m if points else low_m + rng.exponential(3, (n, 3)) * (rng.random((n, 3)) < 0.8)


@pytest.mark.parametrize("n", [1, 5, 8, 9, 64, 65, 97, 500, 4000])
@pytest.mark.parametrize("leaf", [8, 16])
def test_every_thing_is_in_one_leaf_and_in_the_boxes_over_it(n, leaf):
    low_m, high_m = boxes_of(np.random.default_rng(n), n)
    tree = BoxTree(low_m, high_m, np.zeros(3), 1e-3, leaf, undivided=6)
    held = tree.leaves[tree.leaves >= 0]
    assert sorted(held.tolist()) == list(range(n))
    assert tree.leaves.shape[1] <= max(leaf, 6)
    assert [len(boxes) for boxes in tree.boxes] == [8 ** (k + 1) for k in range(len(tree.boxes))]
    assert len(tree.leaves) == (len(tree.boxes[-1]) if tree.boxes else 1)
    assert bool(tree.boxes) == (n > max(leaf, 6))
    for depth, sides in enumerate(tree.sides[::-1]):
        for number, things in enumerate(tree.leaves):
            box, things = number // 8**depth, things[things >= 0]
            assert (sides[:3, box] <= low_m[things]).all()
            assert (sides[3:, box] >= high_m[things]).all()


@settings(max_examples=15)
@given(seed=seeds)
def test_no_thing_on_a_segment_is_left_out(seed):
    rng = np.random.default_rng(seed)
    low_m, high_m = boxes_of(rng, 700)
    origin_m = rng.uniform(-50, 50, 3)
    tree = BoxTree(low_m, high_m, origin_m, 2e-3, 8, 96)
    start_m, end_m = rng.uniform(-120, 120, (2, 60, 3)) * [1, 1, 0.1]
    end_m[:10, 1:] = start_m[:10, 1:]  # along an axis
    end_m[10:20] = start_m[10:20] + 0.01 * rng.normal(size=(10, 3))
    end_m[20:30] = high_m[:10]  # to a corner
    pairs = {pair for segment, thing in tree.on_segments(start_m, end_m) for pair in zip(segment, thing, strict=True)}
    way_m = (end_m - start_m)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        one, two = ((corner_m - start_m[:, None]) / way_m for corner_m in (low_m, high_m))
    outside = (way_m == 0) & ((start_m[:, None] < low_m) | (start_m[:, None] > high_m))
    enter, leave = np.fmin(one, two), np.fmax(one, two)
    enter, leave = (np.where(way_m == 0, fill, t) for t, fill in ((enter, -np.inf), (leave, np.inf)))
    meets = (np.maximum(enter.max(axis=2), 0) <= np.minimum(leave.min(axis=2), 1)) & ~outside.any(axis=2)
    assert set(zip(*np.nonzero(meets), strict=True)) <= pairs
    assert len(pairs) < 0.5 * meets.size
    assert meets.sum() >= 10


@pytest.mark.parametrize("dense", [1, 8, 512])
@pytest.mark.parametrize("n", [50, 700])
@settings(max_examples=5)
@given(seed=seeds)
def test_no_thing_in_a_beam_is_left_out(dense, n, seed):
    rng = np.random.default_rng(seed)
    low_m, high_m = boxes_of(rng, n, points=seed % 2 == 0)
    origin_m, slack_m = rng.uniform(-50, 50, 3), 2e-3
    apex_m, normal = rng.uniform(-100, 100, (40, 3)), rng.normal(size=(5, 40, 3))
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    planes = np.concatenate([normal, -np.einsum("psj,sj->ps", normal, apex_m - origin_m)[..., None]], axis=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(box_tree, "_DENSE", dense)
        patch.setattr(box_tree, "_BLOCK", 150)  # several blocks
        found = list(BoxTree(low_m, high_m, origin_m, slack_m, 8, 96).in_beams(planes.astype(np.float32)))
    beam, thing = (np.concatenate(part) for part in zip(*found, strict=True))
    assert (np.diff(beam) >= 0).all()
    assert len(found) > 1
    farthest_m = np.where(normal[:, :, None] > 0, high_m, low_m)  # the corner of each box that is farthest inwards
    reaches = (np.einsum("psj,psnj->psn", normal, farthest_m - apex_m[:, None]) >= 0).all(axis=0)
    pairs = set(zip(beam.tolist(), thing.tolist(), strict=True))
    assert len(pairs) == len(beam)
    assert set(zip(*(a.tolist() for a in np.nonzero(reaches)), strict=True)) <= pairs
    deep = (np.einsum("psj,psnj->psn", normal, farthest_m - apex_m[:, None]) >= -3 * slack_m).all(axis=0)
    assert pairs <= set(zip(*(a.tolist() for a in np.nonzero(deep)), strict=True))
