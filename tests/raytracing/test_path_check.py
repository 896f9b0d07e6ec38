"""The referee of the benchmark: it must know a valid path from an invalid one, whoever traced it."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dnt_lab.raytracing import Scene, trace

FILE = Path(__file__).parents[2] / "benchmarks" / "_path_check.py"
spec = importlib.util.spec_from_file_location("path_check", FILE)
check = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check)

CORNERS_M = [[-50, -50, 0], [50, -50, 0], [50, 50, 0], [-50, 50, 0]]
GROUND = Scene.from_mesh(CORNERS_M, [[0, 1, 2], [0, 2, 3]], 0, ["concrete"])


def verdict(scene, paths):
    return check.verdicts(scene, paths).tolist()


def test_what_an_exact_tracer_finds_in_a_room_is_valid():
    room = Scene.room((8, 5, 3))
    paths = trace(room, [1.0, 2.3, 2.5], [6.1, 2.0, 1.5], 28e9, 3)
    assert len(paths) == 63
    assert verdict(room, paths) == ["valid"] * 63


def test_a_bounce_on_the_diagonal_between_two_triangles_is_valid():
    paths = trace(GROUND, [-5.0, -5.0, 4.0], [5.0, 5.0, 4.0], 28e9, 1)
    assert paths.points_m[1, 0] == pytest.approx([0, 0, 0], abs=1e-12)
    assert verdict(GROUND, paths) == ["valid", "valid"]


def test_a_blocked_path_is_invalid():
    paths = trace(GROUND, [-5.0, 0.0, 4.0], [5.0, 0.0, 4.0], 28e9, 1)
    pole = Scene.box((-0.1, -1, 3), (0.1, 1, 5))
    assert verdict(GROUND + pole, paths) == ["invalid", "valid"]
    wall = Scene.box((-0.1, -1, 1), (0.1, 1, 5))
    assert verdict(GROUND + wall, paths) == ["invalid", "valid"]
    kerb = Scene.box((1, -1, 0), (2, 1, 1))
    assert verdict(GROUND + kerb, paths) == ["valid", "invalid"]


def test_a_mirror_must_reach_to_the_point_and_both_ends_must_be_before_it():
    paths = trace(GROUND, [-5.0, 0.0, 4.0], [5.0, 0.0, 4.0], 28e9, 1)
    short = Scene.box((-3, -1, -1), (-1, 1, 0))
    assert verdict(short, paths) == ["valid", "invalid"]
    behind = replace(paths, rx_m=np.array([[5.0, 0.0, -4.0]]))[paths.order == 1]
    assert verdict(GROUND, behind) == ["invalid"]


@pytest.mark.parametrize(
    ("spare_m", "expected"), [(0.01, "valid"), (5e-4, "on an edge"), (-5e-4, "on an edge"), (-0.01, "invalid")]
)
def test_what_a_millimetre_decides_is_on_an_edge(spare_m, expected):
    paths = trace(GROUND, [-5.0, 0.0, 5.0], [5.0, 0.0, 5.0], 28e9, 1)[[1]]
    mirror = Scene.box((-3, -1, -1), (spare_m, 1, 0))
    assert verdict(mirror, paths) == [expected]
    kerb = Scene.box(
        (2.5, -1, 0), (3.0, 1, 2.5 - spare_m * np.sqrt(2))
    )  # the wave goes up by 45 degrees from (0, 0, 0)
    assert verdict(GROUND + kerb, paths) == [expected]


def test_a_list_is_compared_path_by_path():
    room = Scene.room((8, 5, 3))
    paths = trace(room, [1.0, 2.3, 2.5], [[6.1, 2.0, 1.5], [3.0, 1.0, 0.5]], 28e9, 2)
    some = paths[::2]
    assert check.has(some, paths).all()
    assert check.has(paths, some).tolist() == [row % 2 == 0 for row in range(len(paths))]
    shaken = replace(some, delay_s=some.delay_s + 1e-13, points_m=some.points_m + 1e-3)
    assert check.has(shaken, paths).all()
    assert not check.has(replace(some, points_m=some.points_m + 0.1)[some.order > 0], paths).any()
    assert not check.has(replace(some, rx=1 - some.rx), paths).any()
    twice = paths[[0, 1, 1, 2, 0]]
    assert check.is_copy(twice).tolist() == [False, False, True, False, True]
