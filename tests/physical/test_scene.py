"""Scene: blockage against a slow oracle on real cities and grids, decided corner cases, outdoor points."""

import functools
import itertools

import numpy as np
import pytest
import shapely

from dnt_lab.datasets import CITIES, CityMap, load_city, street_grid
from dnt_lab.physical import Scene


def blocked_slowly(city, start, end):
    """One ray, one building at a time: cut the ray on the ground by the polygon, compare heights piece by piece."""
    start, end = np.asarray(start, float), np.asarray(end, float)
    ground = end[:2] - start[:2]
    for b in np.flatnonzero(shapely.intersects(city.footprints, shapely.LineString([start[:2], end[:2]]))):
        footprint, floor, roof = city.footprints[b], city.base_m[b] + 1e-9, city.base_m[b] + city.height_m[b] - 1e-9
        if np.linalg.norm(ground) == 0:
            z = sorted((start[2], end[2]))
            if footprint.contains(shapely.Point(start[:2])) and z[0] < roof and z[1] > floor:
                return True
            continue
        line = shapely.LineString([start[:2], end[:2]])
        if not line.relate_pattern(footprint, "T********"):  # interiors do not meet
            continue
        for piece in shapely.get_parts(line.intersection(footprint)):
            if piece.geom_type != "LineString" or not piece.interpolate(0.5, normalized=True).within(footprint):
                continue
            way = [np.dot(np.array(c) - start[:2], ground) / np.dot(ground, ground) for c in piece.coords]
            z = sorted(start[2] + t * (end[2] - start[2]) for t in way)
            if z[0] < roof and z[-1] > floor:
                return True
    return False


@functools.cache
def scene_of(name):
    return Scene.of(name)


def box_scene(*boxes):
    """Scene of ``(xmin, ymin, xmax, ymax, base, height)`` or ``(polygon, base, height)``."""
    outlines = [b[0] if len(b) == 3 else shapely.box(*b[:4]) for b in boxes]
    city = CityMap(
        "boxes",
        np.array(outlines, dtype=object),
        np.array([b[-1] for b in boxes], float),
        np.array([b[-2] for b in boxes], float),
        np.array(["itu_concrete"] * len(boxes)),
    )
    return Scene(city)


def random_rays(city, n, rng, longest_m=400.0):
    xmin, ymin, xmax, ymax = city.bounds_m
    start = np.column_stack([rng.uniform(xmin, xmax, n), rng.uniform(ymin, ymax, n), rng.uniform(0.5, 40, n)])
    length, angle = longest_m * rng.random(n) ** 2, rng.uniform(0, 2 * np.pi, n)
    end = start.copy()
    end[:, :2] += length[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    end[:, 2] = rng.uniform(0.5, 40, n)
    # rooftop antennas: just above and just below the roof of a building
    house = rng.integers(len(city), size=n // 3)
    spot = np.array([city.footprints[h].representative_point().coords[0] for h in house])
    start[: n // 3, :2] = spot
    start[: n // 3, 2] = (city.base_m + city.height_m)[house] + rng.choice([-1.0, 2.0], n // 3)
    end[: n // 6, :2] = start[: n // 6, :2]  # vertical rays
    end[n - 5 :] = start[n - 5 :]  # points
    return start, end


@pytest.mark.parametrize("name", CITIES)
def test_blockage_equals_the_oracle_in_real_cities(name):
    scene = scene_of(name)
    start, end = random_rays(scene.city, 240, np.random.default_rng(5))
    expected = np.array([blocked_slowly(scene.city, a, b) for a, b in zip(start, end, strict=True)])
    assert 0.2 < expected.mean() < 0.95  # both answers are tried
    np.testing.assert_array_equal(scene.blocked(start, end), expected)
    np.testing.assert_array_equal(scene.blocked(end, start), expected)


def test_blockage_under_and_over_bridges_of_the_real_cities():
    answers = []
    for name in CITIES:
        city = scene_of(name).city
        for bridge, angle in itertools.product(np.flatnonzero(city.base_m > 0.5), np.linspace(0.1, 3.1, 8)):
            (x, y), base = city.footprints[bridge].representative_point().coords[0], city.base_m[bridge]
            arm = 3 * np.array([np.cos(angle), np.sin(angle)])
            for low, high in (
                (base - 0.1, base / 2),
                (base / 2, base + city.height_m[bridge] + 3),
                (base + 0.2, base + 0.2),
            ):
                a, b = [x - arm[0], y - arm[1], low], [x + arm[0], y + arm[1], high]
                answers.append(scene_of(name).blocked([a], [b])[0])
                assert answers[-1] == blocked_slowly(city, a, b), (name, bridge, low, high)
    assert len(answers) > 60
    assert 0.5 < np.mean(answers) < 0.9


def lattice_rays(n, rng):
    """Rays between points of a 5-m lattice, on which the walls and corners of the grids lie too: many only touch."""
    start, end = (
        np.column_stack([rng.integers(-16, 17, (n, 2)) * 5.0, rng.choice([0, 5, 10, 15, 20, 25], n)]) for _ in "ab"
    )
    same = rng.random(n) < 0.3
    end[same, 0] = start[same, 0]  # along streets and walls
    return start.astype(float), end.astype(float)


@pytest.mark.parametrize("seed", range(4))
def test_blockage_equals_the_oracle_where_rays_touch_walls_corners_and_roofs(seed):
    rng = np.random.default_rng(seed)
    grid = street_grid(n_x=3, n_y=3, block_m=30.0, street_m=20.0, height_m=15.0, seed=0)
    base = rng.choice([0.0, 5.0], len(grid))
    ell = shapely.Polygon([(-60, -60), (60, -60), (60, 60), (50, 60), (50, -50), (-60, -50)])
    yard = shapely.Polygon([(-15, -15), (15, -15), (15, 15), (-15, 15)], [[(-5, -5), (5, -5), (5, 5), (-5, 5)]])
    blocks = [(f, b, 15.0) for f, b in zip(grid.footprints, base, strict=True)]
    for scene in (box_scene(*blocks), box_scene((ell, 5.0, 10.0), (yard, 5.0, 10.0))):
        start, end = lattice_rays(400, rng)
        expected = np.array([blocked_slowly(scene.city, a, b) for a, b in zip(start, end, strict=True)])
        assert 0.1 < expected.mean() < 0.9
        np.testing.assert_array_equal(scene.blocked(start, end), expected)


HOUSE = (-10, -10, 10, 10, 0.0, 20.0)
BRIDGE = (-10, -10, 10, 10, 5.0, 3.0)
U_SHAPE = (shapely.Polygon([(0, 0), (10, 0), (10, 10), (8, 10), (8, 2), (2, 2), (2, 10), (0, 10)]), 5.0, 5.0)


@pytest.mark.parametrize(
    ("what", "building", "start", "end", "hit"),
    [
        ("through", HOUSE, (-30, 0, 5), (30, 0, 5), True),
        ("over the roof", HOUSE, (-30, 0, 21), (30, 0, 21), False),
        ("along the roof", HOUSE, (-30, 0, 20), (30, 0, 20), False),
        ("along a wall, south", HOUSE, (-30, -10, 5), (30, -10, 5), False),
        ("along a wall, north", HOUSE, (-30, 10, 5), (30, 10, 5), False),
        ("from the middle of a wall along it", HOUSE, (0, 10, 5), (30, 10, 5), False),
        ("corner grazed", HOUSE, (-20, 0, 5), (0, 20, 5), False),
        ("corner to corner", HOUSE, (-10, -10, 5), (10, 10, 5), True),
        ("ends at a wall", HOUSE, (-30, 0, 5), (-10, 0, 5), False),
        ("leaves a wall outward", HOUSE, (10, 0, 5), (30, 0, 5), False),
        ("from wall to wall inside", HOUSE, (-10, 0, 5), (10, 3, 5), True),
        ("indoor end", HOUSE, (0, 0, 5), (30, 0, 5), True),
        ("both ends indoors", HOUSE, (0, 0, 5), (3, 3, 6), True),
        ("rooftop antenna, steep", HOUSE, (0, 0, 22), (11, 0, 1.5), True),
        ("rooftop antenna, flat", HOUSE, (0, 0, 22), (200, 0, 1.5), False),
        ("vertical, through the roof", HOUSE, (0, 0, 30), (0, 0, 5), True),
        ("vertical, through roof and floor", HOUSE, (0, 0, 30), (0, 0, -1), True),
        ("vertical, above the roof", HOUSE, (0, 0, 30), (0, 0, 20), False),
        ("vertical, along the wall", HOUSE, (10, 0, 30), (10, 0, 0), False),
        ("point indoors", HOUSE, (0, 0, 5), (0, 0, 5), True),
        ("point on the roof", HOUSE, (0, 0, 20), (0, 0, 20), False),
        ("point on a wall", HOUSE, (10, 0, 5), (10, 0, 5), False),
        ("point outdoors", HOUSE, (20, 0, 5), (20, 0, 5), False),
        ("under a bridge", BRIDGE, (-30, 0, 1.5), (30, 0, 1.5), False),
        ("under a bridge, touching", BRIDGE, (-30, 0, 5), (30, 0, 5), False),
        ("through floor and deck of a bridge", BRIDGE, (-1, 0, 0), (1, 0, 30), True),
        ("vertical under a bridge", BRIDGE, (0, 0, 0), (0, 0, 5), False),
        ("under one arm, rising in the yard, over the other", U_SHAPE, (-3, 5, 0.5), (13, 5, 14.58), False),
        ("through the second arm", U_SHAPE, (-3, 5, 2), (13, 5, 8), True),
    ],
)
def test_decided_cases(what, building, start, end, hit):
    scene = box_scene(building)
    assert scene.blocked([start], [end])[0] == scene.blocked([end], [start])[0] == hit, what
    assert blocked_slowly(scene.city, start, end) == hit, f"{what}: the oracle disagrees"


def test_a_batch_of_rays_equals_one_by_one_and_an_open_field_blocks_nothing():
    scene = scene_of("florence")
    start, end = random_rays(scene.city, 90, np.random.default_rng(1))
    one_by_one = [scene.blocked(a[None], b[None])[0] for a, b in zip(start, end, strict=True)]
    assert scene.blocked(start, end).tolist() == one_by_one
    assert not Scene().blocked(start, end).any()
    assert scene.blocked(np.empty((0, 3)), np.empty((0, 3))).shape == (0,)


def test_an_empty_map_blocks_nothing():
    empty = Scene(load_city("florence").crop(1e5, 1e5, 2e5, 2e5))
    assert not empty.blocked([[0, 0, 1]], [[50, 0, 1]]).any()
    assert not empty.indoor([[0.0, 0.0]]).any()


def test_indoor_equals_containment_in_any_footprint():
    scene = scene_of("etoile")
    xmin, ymin, xmax, ymax = scene.city.bounds_m
    xy = np.random.default_rng(2).uniform([xmin, ymin], [xmax, ymax], (300, 2))
    whole = shapely.union_all(scene.city.footprints)
    expected = shapely.contains_xy(whole, xy[:, 0], xy[:, 1])
    assert 0.1 < expected.mean() < 0.9
    np.testing.assert_array_equal(scene.indoor(xy), expected)


def test_outdoor_points_lie_outdoors_in_bounds_fill_the_streets_and_follow_the_seed():
    scene = scene_of("munich")
    bounds = (-150.0, -100.0, 100.0, 150.0)
    points = scene.outdoor_points(400, bounds, seed=3)
    assert points.shape == (400, 2)
    assert not scene.indoor(points).any()
    assert (points >= bounds[:2]).all() and (points <= bounds[2:]).all()
    assert np.ptp(points, axis=0).min() > 200
    np.testing.assert_array_equal(points, scene.outdoor_points(400, bounds, seed=3))
    assert (points != scene.outdoor_points(400, bounds, seed=4)).any()
    assert scene.outdoor_points(0, bounds, seed=3).shape == (0, 2)


def test_outdoor_points_give_up_where_everything_is_built_on():
    with pytest.raises(ValueError, match="hold almost no outdoor ground: 0 of 5"):
        box_scene(HOUSE).outdoor_points(5, (-5, -5, 5, 5), seed=0)


def test_scene_of_takes_names_maps_scenes_and_none():
    scene = scene_of("florence")
    assert Scene.of(scene) is scene
    assert Scene.of(None).city is None
    assert Scene.of(scene.city).city is scene.city
    assert Scene.of("florence").city.name == "Florence"
