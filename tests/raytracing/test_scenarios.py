"""Draws keep to their ranges, do not depend on each other, and mean what they say."""

from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from dnt_lab.datasets import street_grid
from dnt_lab.raytracing.materials import FixedLoss, Material, itu_material
from dnt_lab.raytracing.scenario import BODY, Box, Scenario
from dnt_lab.raytracing.scenarios import ScenarioSpace
from dnt_lab.raytracing.scene import Scene

CITY = street_grid(3, 3, block_m=30, street_m=15)
SPACES = {
    "room": ScenarioSpace.in_room((7.0, 5.0, 3.0), n_aps=2, n_obstacles=(0, 3), n_blockers=(0, 2)),
    "street": ScenarioSpace.in_street(n_users=3, n_obstacles=(2, 2)),
    "city": ScenarioSpace.in_city(CITY, (-60, -60, 60, 60), n_users=8, n_blockers=(1, 1)),
}


BOW = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 1)])
THIN_GLASS = itu_material("glass", 0.01)


def assert_same(one: Scenario, other: Scenario):
    for name in ("number", "walls", "boxes", "freq_hz", "bandwidth_hz", "n_beams", "extrapolate"):
        assert getattr(one, name) == getattr(other, name), name
    for name in ("tx_m", "rx_m"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    for name in ("vertices_m", "faces", "face_object", "face_material"):
        assert np.array_equal(getattr(one.scene, name), getattr(other.scene, name)), name
    assert (one.scene.objects, one.scene.materials) == (other.scene.objects, other.scene.materials)


@given(
    seed=st.integers(0, 2**40), number=st.integers(0, 8), more=st.integers(1, 4), place=st.sampled_from(sorted(SPACES))
)
@settings(max_examples=15)
def test_a_scenario_is_the_same_however_many_are_drawn(seed, number, more, place):
    space = SPACES[place]
    alone = space.scenario(number, seed)
    assert alone.number == number
    assert_same(alone, space.draw(number + 1, seed)[number])
    assert_same(alone, space.draw(number + more, seed)[number])


def test_the_streams_are_those_numpy_spawns():
    space = replace(SPACES["street"], freq_hz=tuple(1e9 * np.arange(20, 60)))
    for number, stream in enumerate(np.random.SeedSequence(5).spawn(12)):
        expected = space.freq_hz[np.random.default_rng(stream).integers(40)]
        assert space.scenario(number, 5).freq_hz == expected


def test_seeds_and_numbers_give_different_scenarios():
    space = SPACES["room"]
    positions = {s.tx_m.tobytes() for seed in (0, 1, 2) for s in space.draw(4, seed)}
    assert len(positions) == 12


def test_a_generator_is_a_seed_too():
    one, other = (SPACES["room"].draw(2, np.random.default_rng(3)) for _ in range(2))
    assert_same(one[1], other[1])
    rng = np.random.default_rng(3)
    first, second = (SPACES["room"].draw(1, rng)[0] for _ in range(2))
    assert not np.array_equal(first.tx_m, second.tx_m)


@given(seed=st.integers(0, 2**40), place=st.sampled_from(sorted(SPACES)))
@settings(max_examples=40)
def test_every_draw_keeps_to_its_ranges(seed, place):
    space = SPACES[place]
    scenario = space.scenario(0, seed)
    assert scenario.tx_m.shape == (space.n_aps, 3)
    assert scenario.rx_m.shape == (space.n_users, 3)
    for nodes_m, (low_m, high_m) in ((scenario.tx_m, space.ap_height_m), (scenario.rx_m, space.user_height_m)):
        assert shapely.contains_xy(space.ground, nodes_m[:, :2]).all()
        assert ((nodes_m[:, 2] >= low_m) & (nodes_m[:, 2] <= high_m)).all()
    assert scenario.freq_hz in space.freq_hz
    assert scenario.bandwidth_hz in space.bandwidth_hz
    assert scenario.n_beams in space.n_beams
    things = [box for box in scenario.boxes if box.kind == "obstacle"]
    people = [box for box in scenario.boxes if box.kind == "blocker"]
    assert space.n_obstacles[0] <= len(things) <= space.n_obstacles[1]
    assert space.n_blockers[0] <= len(people) / space.n_users <= space.n_blockers[1]
    for box in things:
        for side_m, (low_m, high_m) in (
            (box.length_m, space.obstacle_side_m), (box.width_m, space.obstacle_side_m),
            (box.height_m, space.obstacle_height_m),
        ):  # fmt: skip
            assert low_m <= side_m <= high_m
        assert box.material in [itu_material(name) for name in ("wood", "glass", "metal")]
    nodes = shapely.points(np.concatenate([scenario.tx_m, scenario.rx_m])[:, :2])
    for k, box in enumerate(scenario.boxes):
        assert space.ground.contains(box.outline)
        assert box.outline.distance(nodes).min() > 0.0999
        assert not any(box.outline.intersects(other.outline) for other in scenario.boxes[:k])
    for box in people:
        from_user_m = scenario.rx_m[:, :2] - (box.x_m, box.y_m)
        away_m = np.linalg.norm(from_user_m, axis=1)
        ahead = from_user_m @ (np.cos(np.deg2rad(box.azimuth_deg)), np.sin(np.deg2rad(box.azimuth_deg)))
        faces_it = np.isclose(np.abs(ahead), away_m)
        low_m, high_m = space.blocker_distance_m
        assert (faces_it & (away_m > low_m - 1e-9) & (away_m < high_m + 1e-9)).any()
        assert box.material == BODY


def test_nobody_stands_in_a_building():
    for scenario in SPACES["city"].draw(10, 4):
        xy_m = np.concatenate([scenario.tx_m, scenario.rx_m])[:, :2]
        assert not shapely.contains_xy(shapely.union_all(CITY.footprints), xy_m).any()
        assert (np.abs(xy_m) <= 60).all()


def test_draws_are_uniform():
    space = ScenarioSpace.in_room(
        (10.2, 6.2, 3.0),
        n_users=1,
        n_obstacles=(0, 2),
        n_blockers=(0, 1),
        freq_hz=(28e9, 60e9),
        n_beams=(8, 16, 32, 64),
    )
    drawn = space.draw(600, 7)
    rx_m = np.concatenate([s.rx_m for s in drawn])
    for column, (low_m, length_m) in enumerate([(0.2, 9.8), (0.2, 5.8), (1.0, 0.8)]):
        assert stats.kstest(rx_m[:, column], "uniform", (low_m, length_m)).pvalue > 0.01
    assert stats.kstest(np.concatenate([s.tx_m for s in drawn])[:, 2], "uniform", (2.25, 0.6)).pvalue > 0.01
    kinds = [[box.kind for box in s.boxes] for s in drawn]
    for values, expected in (
        ([s.freq_hz for s in drawn], 2), ([s.n_beams for s in drawn], 4),
        ([k.count("obstacle") for k in kinds], 3), ([k.count("blocker") for k in kinds], 2),
    ):  # fmt: skip
        _, counts = np.unique(values, return_counts=True)
        assert len(counts) == expected
        assert stats.chisquare(counts).pvalue > 0.01


def test_a_box_is_closed_and_stands_on_its_outline():
    box = Box("obstacle", 3.0, -2.0, 2.0, 1.0, 1.5, 30.0, itu_material("wood"))
    scene = box.scene("chest")
    assert (scene.objects, scene.name) == (("chest",), "chest")
    a, b, c = np.moveaxis(scene.vertices_m[scene.faces], 1, 0)
    assert np.einsum("fi,fi->", a, np.cross(b, c)) / 6 == pytest.approx(2.0 * 1.0 * 1.55)  # divergence theorem
    assert scene.vertices_m[:, 2].tolist().count(-0.05) == 4
    assert scene.vertices_m[:, 2].max() == 1.5
    seen_from_above = shapely.MultiPoint(scene.vertices_m[:, :2]).convex_hull
    assert seen_from_above.symmetric_difference(box.outline).area < 1e-9
    assert box.outline.centroid.coords[0] == pytest.approx((3.0, -2.0))
    # 30 degrees: half the length along (cos 30, sin 30), half the width along (-sin 30, cos 30)
    corner = (3 + np.sqrt(3) / 2 - 0.25, -2 + 0.5 + np.sqrt(3) / 4)
    assert np.isclose(scene.vertices_m[:, :2], corner).all(axis=1).any()


def by_hand(*boxes):
    scene = Scene.room((8.0, 6.0, 3.0), "plasterboard")
    for count, box in enumerate(boxes):
        scene = scene + box.scene(f"{box.kind}-{count}")
    tx_m, rx_m = np.array([[1.0, 3.0, 2.5]]), np.array([[6.0, 3.0, 1.2], [1.0, 5.0, 1.2]])
    return Scenario(0, scene, tx_m, rx_m, ("plasterboard",), boxes, 60e9, 1e8, 16, False)


def test_a_person_in_the_way_takes_the_line_of_sight_and_nothing_else_of_another_user():
    free, blocked = by_hand().trace(1), by_hand(Box("blocker", 5.5, 3.0, 0.3, 0.5, 1.8, 0.0, BODY)).trace(1)
    assert free.link(0).order.tolist().count(0) == 1
    assert blocked.link(0).order.tolist().count(0) == 0
    assert len(blocked.link(0)) > 0
    assert blocked.link(1).order.tolist().count(0) == 1
    kept = [
        object_[order > 0] for object_, order in ((p.link(1).object_index, p.link(1).order) for p in (free, blocked))
    ]
    assert set(kept[0].ravel()) <= set(kept[1].ravel())


def test_walls_change_their_material_all_at_once():
    site = Scene.room((7.0, 5.0, 3.0), {"walls": "concrete", "floor": "wood", "ceiling": "glass"})
    swap = {"itu_concrete": ("wood",), "wood": ("concrete",)}
    space = ScenarioSpace(site, shapely.box(1, 1, 6, 4), materials=swap, n_obstacles=(0, 0), n_blockers=(0, 0))
    scenario = space.scenario(0, 1)
    assert set(scenario.walls) == {"wood", "concrete", "glass"}
    scene = scenario.scene
    faces = zip(scene.face_object, scene.face_material, strict=True)
    made_of = {scene.objects[o]: scene.materials[m].name for o, m in faces}
    assert {made_of[name] for name in made_of if name.startswith("wall")} == {"wood"}
    assert (made_of["floor"], made_of["ceiling"]) == ("concrete", "glass")


def test_walls_are_drawn_from_the_choice():
    mine = Material(3.0, 0.1, name="mine")
    space = ScenarioSpace.in_room(materials={"plasterboard": ("plasterboard", "glass", mine)})
    assert {s.walls for s in space.draw(40, 1)} == {("plasterboard",), ("glass",), ("mine",)}
    unnamed = ScenarioSpace.in_room(materials={"plasterboard": (Material(3.0, 0.1),)}, n_blockers=(0, 0)).scenario(0, 1)
    assert unnamed.walls == (unnamed.scene.materials[0].name,) == ("3.0, 0.1 S/m, half-space",)


def test_terahertz_asks_for_extrapolation():
    with pytest.raises(ValueError, match=r"140 GHz.*extrapolate"):
        ScenarioSpace.in_room(freq_hz=(28e9, 140e9))
    space = ScenarioSpace.in_room(freq_hz=(140e9,), extrapolate=True, n_users=1)
    paths = space.scenario(0, 1).trace(1)
    assert paths.freq_hz == 140e9
    assert len(paths) > 0
    with pytest.raises(ValueError, match=r"lab is not known at 28 GHz"):
        ScenarioSpace.in_room(obstacle_materials=(FixedLoss(9.0, (60e9, 60e9), "lab"),))


def test_every_site_can_be_traced():
    for space in SPACES.values():
        scenario = space.scenario(1, 2)
        paths = scenario.trace(1)
        assert (len(paths.tx_m), len(paths.rx_m)) == (space.n_aps, space.n_users)
        assert paths.objects == scenario.scene.objects
    assert len(SPACES["room"].scenario(1, 2).trace(1)) > 8


def test_reprs_are_one_line():
    # 120 m x 120 m without 4 corner, 4 side and 1 inner house, each 0.5 m wider where it is not at the edge
    assert round(120**2 - 4 * 30.5**2 - 4 * 30.5 * 31 - 31**2 + 16 * (1 - np.pi / 4) * 0.25) == 5937
    assert repr(SPACES["city"]) == "ScenarioSpace(Street grid 3 x 3, 5937 m2 of ground, 8 users, 28/60 GHz)"
    assert repr(by_hand(Box("blocker", 5.5, 3.0, 0.3, 0.5, 1.8, 0.0, BODY))) == (
        "Scenario 0(room at 60 GHz: 1 AP, 2 users, 0 obstacles, 1 blocker)"
    )


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"n_aps": 0}, ValueError, r"n_aps is 0, but must be 1 or more"),
        ({"n_users": 2.5}, TypeError, r"n_users is 2\.5, but must be a whole number"),
        ({"user_height_m": (2.0, 1.0)}, ValueError, r"user_height_m is .* must be \(lowest, highest\) in metres"),
        ({"ap_height_m": (np.nan, 1.0)}, ValueError, r"ap_height_m is \(nan, 1\.0\)"),
        ({"obstacle_side_m": (1.0,)}, ValueError, r"obstacle_side_m is \(1\.0,\)"),
        ({"obstacle_height_m": ("low", "high")}, ValueError, r"obstacle_height_m is \('low', 'high'\)"),
        ({"n_obstacles": (0, 1.5)}, TypeError, r"n_obstacles is \(0, 1\.5\), but must be two whole numbers"),
        ({"n_blockers": (-1, 1)}, ValueError, r"n_blockers is \(-1, 1\), .* 0 or more"),
        ({"blocker_distance_m": (0.1, 1.0)}, ValueError, r"blocker_distance_m is .* 0\.25 or more"),
        ({"freq_hz": ()}, TypeError, r"freq_hz is \(\), but must be a tuple of one choice or more"),
        ({"freq_hz": 28e9}, TypeError, r"freq_hz is 28000000000\.0, but must be a tuple"),
        ({"freq_hz": (-1.0,)}, ValueError, r"freq_hz is -1\.0"),
        ({"bandwidth_hz": (0.0,)}, ValueError, r"bandwidth_hz holds 0\.0, but must be numbers above 0"),
        ({"n_beams": (8.5,)}, TypeError, r"n_beams is 8\.5, but must be a whole number"),
        ({"obstacle_materials": "wood"}, TypeError, r"obstacle_materials is 'wood', but must be a tuple"),
        ({"obstacle_materials": ("cheese",)}, ValueError, r"the material 'cheese' is not in ITU-R"),
        ({"materials": {"brick": ("wood",)}}, ValueError, r"names 'brick', but the site is made of plasterboard"),
        ({"materials": {"plasterboard": ()}}, TypeError, r"materials\['plasterboard'\] is \(\)"),
        ({"materials": {"plasterboard": (THIN_GLASS,)}}, ValueError, r"two materials are called 'glass'"),
        ({"ground": shapely.Point(0, 0)}, ValueError, r"ground is <POINT \(0 0\)>, but must be a valid"),
        ({"ground": BOW}, ValueError, r"ground is <POLYGON .*, but must be a valid shapely polygon"),
        ({"ground": (0, 0, 1, 1)}, ValueError, r"ground is \(0, 0, 1, 1\), but must be a valid shapely polygon"),
    ],
)  # fmt: skip
def test_wrong_spaces_are_refused(change, error, sentence):
    with pytest.raises(error, match=sentence):
        replace(ScenarioSpace.in_room(), **change)


def test_wrong_draws_are_refused():
    with pytest.raises(ValueError, match=r"n is -1, but must be 0 or more"):
        SPACES["room"].draw(-1, 0)
    with pytest.raises(TypeError, match=r"seed is 'x', but must be a whole number"):
        SPACES["room"].draw(1, "x")
    full = replace(SPACES["room"], n_obstacles=(500, 500), obstacle_side_m=(1.0, 1.0))
    with pytest.raises(ValueError, match=r"30\.4 m2 of ground have no place for box \d+: give more"):
        full.scenario(0, 0)
