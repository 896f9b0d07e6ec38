"""Regions: nobody inside a thing, walks and errors as promised, one seed one draw, and rooms with other things."""

from functools import partial

import numpy as np
import pytest
import shapely

from dnt_lab.datasets import load_city
from dnt_lab.mapping.vertical import reflectivity_of, regions, room_regions, street_regions, with_boxes
from dnt_lab.mapping.vertical.regions import CARRIERS_HZ, RADIUS_M
from dnt_lab.raytracing import Box, Scene, trace
from dnt_lab.raytracing.scenario import BODY


def distance_to_boxes_m(region):
    """Smallest distance on the ground from each user to a box, infinite without boxes."""
    points = shapely.points(region.track_m[..., :2])
    gaps_m = [shapely.distance(points, box.outline) for box in region.scenario.boxes]
    return np.min([np.full(points.shape, np.inf), *gaps_m], axis=0)


@pytest.fixture(scope="module")
def many_rooms():
    return room_regions(30, seed=8)


@pytest.fixture(scope="module")
def walkers():
    return street_regions(2, seed=8, cities=("florence",), n_tracks=150)


def test_users_in_streets_keep_a_quarter_of_a_metre_off_houses_and_vehicles(streets):
    for region, city in zip(streets, ("munich", "florence"), strict=True):
        low_m, high_m = region.bs_m[:2] - RADIUS_M, region.bs_m[:2] + RADIUS_M
        points = shapely.points(region.track_m[..., :2])
        near = load_city(city).crop(*low_m, *high_m)
        assert len(near)
        assert min(shapely.distance(points, house).min() for house in near.footprints) > 0.245
        assert distance_to_boxes_m(region).min() > 0.245
        assert (region.track_m[..., :2] >= low_m).all() and (region.track_m[..., :2] <= high_m).all()
        assert (region.track_m[..., 2] == 1.5).all() and region.bs_m[2] == 10


def test_users_in_rooms_keep_off_things_and_walls_and_the_bs_hangs_free(many_rooms):
    for region in many_rooms:
        size_m = region.scenario.scene.vertices_m.max(axis=0)
        assert distance_to_boxes_m(region).min() > 0.245
        assert (region.track_m[..., :2] >= 0.25).all() and (region.track_m[..., :2] <= size_m[:2] - 0.25).all()
        assert (region.track_m[..., 2] == 1.2).all()
        assert region.bs_m[2] == pytest.approx(size_m[2] - 0.3)
        assert max((box.height_m for box in region.scenario.boxes), default=0.0) < region.bs_m[2]
        assert np.hypot(*(region.track_m - region.bs_m)[..., :2].reshape(-1, 2).T).min() > 0.49


def test_things_in_the_lowest_rooms_end_below_the_bs(monkeypatch):
    """Rooms of 2.8 m: a cabinet of 2.6 m could otherwise enclose the BS, which hangs at 2.5 m."""

    class Low:
        def __init__(self, rng):
            self.rng = rng

        def uniform(self, low, high, *shape):
            return np.array(low) if np.shape(low) == (3,) else self.rng.uniform(low, high, *shape)

        def __getattr__(self, name):
            return getattr(self.rng, name)

    monkeypatch.setattr(regions, "generator", lambda seed: Low(np.random.default_rng(seed)))
    monkeypatch.setattr(regions, "_walks", lambda *_: np.array([[[1.0, 1.0, 1.2]]]))
    monkeypatch.setattr(regions, "_reported", lambda track_m, *_: track_m)
    heights_m = [box.height_m for region in room_regions(20, 0) for box in region.scenario.boxes]
    assert len(heights_m) > 40 and 2.3 < max(heights_m) < 2.5


def test_who_walks_makes_the_promised_metres_a_second_from_the_first_step_on(walkers, many_rooms):
    """A step that is refused is a turn on the spot; where there is room, the mean over the others is the mean speed."""
    for places, speed_m_s in ((walkers, 1.3), (many_rooms, 0.5)):
        steps_m = np.concatenate([np.linalg.norm(np.diff(r.track_m, axis=1), axis=-1) for r in places])
        taken = steps_m > 0
        assert taken.mean() > 0.8
        by_step = [steps_m[taken[:, i], i].mean() for i in range(steps_m.shape[1])]
        np.testing.assert_allclose(by_step, speed_m_s, rtol=0.12)
        assert steps_m.max() < 3 * speed_m_s


def test_reported_places_err_by_the_standard_deviation_in_the_plane_alone(walkers):
    error_m = np.concatenate([(region.reported_m - region.track_m).reshape(-1, 3) for region in walkers])
    n = len(error_m)
    assert not error_m[:, 2].any() and n == 2 * 150 * 8
    assert np.abs(error_m[:, :2].mean(axis=0)).max() < 4 * 0.5 / np.sqrt(n)
    np.testing.assert_allclose(error_m[:, :2].std(axis=0), 0.5, rtol=4 / np.sqrt(2 * n))
    assert abs(np.corrcoef(error_m[:-1, 0], error_m[1:, 0])[0, 1]) < 4 / np.sqrt(n)
    exact = street_regions(1, seed=8, n_tracks=2, n_steps=2, error_m=0.0)[0]
    np.testing.assert_array_equal(exact.reported_m, exact.track_m)


@pytest.mark.parametrize("draw", [partial(street_regions, cities=("florence",)), room_regions])
def test_a_seed_names_its_regions_and_more_of_them_change_none(draw):
    few, many, other = draw(1, 5, n_tracks=3), draw(2, 5, n_tracks=3), draw(1, 6, n_tracks=3)
    for a, b in zip(few, many, strict=False):
        np.testing.assert_array_equal(a.reported_m, b.reported_m)
        np.testing.assert_array_equal(a.raster.height_m, b.raster.height_m)
        np.testing.assert_array_equal(a.scenario.scene.vertices_m, b.scenario.scene.vertices_m)
        assert a.name == b.name and a.freq_hz == b.freq_hz
    assert not np.array_equal(few[0].track_m, other[0].track_m)
    assert draw(0, 5) == []


def test_a_generator_goes_on_where_it_stands():
    rng = np.random.default_rng(4)
    first, second = room_regions(1, rng, n_tracks=2), room_regions(1, rng, n_tracks=2)
    np.testing.assert_array_equal(first[0].track_m, room_regions(1, 4, n_tracks=2)[0].track_m)
    assert not np.array_equal(first[0].track_m, second[0].track_m)


def test_cities_and_carriers_take_turns_so_that_each_city_has_both():
    streets = street_regions(4, seed=2, cities=("munich", "florence"), n_tracks=1, n_steps=1)
    assert [region.name for region in streets] == ["munich-0", "florence-1", "munich-2", "florence-3"]
    assert [region.freq_hz for region in streets] == [28e9, 28e9, 140e9, 140e9]
    assert [region.freq_hz for region in room_regions(3, 2, n_tracks=1)] == [28e9, 140e9, 28e9]
    assert repr(streets[2]) == "Region(munich-2: street, 140 GHz, 1 tracks of 1 steps)" and CARRIERS_HZ == (28e9, 140e9)


def test_a_street_has_houses_around_and_its_raster_is_its_map(streets):
    for region in streets:
        n_y, n_x = region.raster.height_m.shape
        assert n_y == n_x == 360
        middle = region.raster.height_m[90:270, 90:270]
        assert (middle > 0).any()
        cell = region.raster.cells(*region.bs_m[:2, None])
        assert region.raster.heights[cell] < region.bs_m[2]
        assert region.raster.ceiling_m == region.raster.outside_m == 0


def test_a_rooms_raster_has_its_walls_its_ceiling_and_its_things(rooms):
    for region in rooms:
        size_m = region.scenario.scene.vertices_m.max(axis=0)
        raster = region.raster
        assert raster.ceiling_m == raster.outside_m == size_m[2] and raster.outside_reflectivity > 0
        assert raster.height_m.shape == tuple(np.ceil(size_m[[1, 0]] / 0.05 - 1e-9))
        area_m2 = sum(box.length_m * box.width_m for box in region.scenario.boxes)
        assert (raster.height_m > 0).sum() * 0.05**2 == pytest.approx(area_m2, rel=0.03)


def test_other_things_in_a_room_are_as_if_it_had_been_built_with_them(rooms):
    one, other = rooms[0], rooms[1]
    boxes = (
        Box("obstacle", 4.0, 3.0, 1.0, 2.0, 1.8, 30.0, "wood"),
        Box("obstacle", 6.5, 2.0, 0.5, 0.5, 2.2, 0.0, "metal"),
    )
    changed = with_boxes(one, boxes)
    size_m = one.scenario.scene.vertices_m.max(axis=0)
    west = one.scenario.scene.objects.index("wall-west")
    walls = one.scenario.scene.materials[one.scenario.scene.face_material[one.scenario.scene.face_object == west][0]]
    built = Scene.room(size_m, {"walls": walls, "floor": "concrete"})
    for i, box in enumerate(boxes):
        built = built + box.scene(f"obstacle-{i}")
    scene = changed.scenario.scene
    np.testing.assert_array_equal(scene.vertices_m[scene.faces], built.vertices_m[built.faces])
    assert len(scene.vertices_m) == len(built.vertices_m) and scene.objects == built.objects
    user_m = one.track_m[:2, 0]
    paths, expected = (trace(s, one.bs_m, user_m, one.freq_hz, 1, extrapolate=True) for s in (scene, built))
    np.testing.assert_allclose(paths.gain, expected.gain)
    assert changed.scenario.boxes == boxes and changed.track_m is one.track_m
    back = with_boxes(changed, one.scenario.boxes)
    np.testing.assert_array_equal(back.raster.height_m, one.raster.height_m)
    np.testing.assert_array_equal(back.raster.reflectivity, one.raster.reflectivity)
    assert len(back.trace()) == len(one.trace())
    bare = with_boxes(other, ())
    assert not bare.raster.height_m.any() and len(bare.scenario.scene) == 12


def test_tracing_takes_all_steps_one_track_after_the_other(rooms):
    room = rooms[0]
    paths = room.trace(max_order=0)
    np.testing.assert_array_equal(paths.rx_m, np.concatenate(list(room.track_m)))
    np.testing.assert_array_equal(paths.tx_m, room.bs_m[None])
    assert paths.freq_hz == room.freq_hz and room.trace(room.track_m[0], 1).order.max() <= 1


def test_bad_numbers_are_refused(streets):
    with pytest.raises(ValueError, match=r"n is -1, but must be 0 or more"):
        street_regions(-1, 0)
    with pytest.raises(TypeError, match=r"n is 1.5, but must be a whole number"):
        room_regions(1.5, 0)
    with pytest.raises(ValueError, match=r"n_tracks is 0, but must be 1 or more"):
        room_regions(1, 0, n_tracks=0)
    with pytest.raises(ValueError, match=r"n_steps is 0, but must be 1 or more"):
        room_regions(1, 0, n_steps=0)
    with pytest.raises(ValueError, match=r"error_m is -0.1, but it must be at least 0"):
        room_regions(1, 0, n_tracks=1, n_steps=1, error_m=-0.1)
    with pytest.raises(ValueError, match=r"The city is 'atlantis', but must be one of 'munich'"):
        street_regions(1, 0, cities=("atlantis",))
    with pytest.raises(TypeError, match=r"seed is 'one', but must be a whole number"):
        room_regions(1, "one")
    with pytest.raises(ValueError, match=r"munich-0 is a street, but only the things in a room can be replaced"):
        with_boxes(streets[0], ())


def test_a_person_of_no_material_of_the_itus_can_stand_in_a_room():
    room = room_regions(1, 5, n_tracks=2)[0]
    person = Box("blocker", 3.0, 3.0, 0.5, 0.3, 1.8, 0.0, BODY)
    raster = with_boxes(room, [person]).raster
    assert raster.height_m[raster.height_m > 0] == pytest.approx(1.8)
    assert raster.reflectivity.max() == pytest.approx(reflectivity_of(BODY, room.freq_hz), abs=1 / 255)
