"""Changes happen when and where they are said to, and nothing but the links shows them."""

from dataclasses import replace

import numpy as np
import pytest

from dnt_lab.mapping import continual as c
from dnt_lab.mapping.vertical import LinkAttributes, link_scalars, reflectivity_of, room_regions
from dnt_lab.physical import pathloss

HOUR_S = 3600.0


@pytest.fixture(scope="module")
def campuses():
    return {drift: c.draw_campus(drift, 3, n_buildings=3, n_rooms=2, n_tracks=6) for drift in c.DRIFTS}


def test_what_is_drawn_does_not_hang_on_the_drift(campuses):
    none = campuses["none"]
    for other in campuses.values():
        for name in ("building", "inputs", "before_db", "held_out"):
            np.testing.assert_array_equal(getattr(other, name), getattr(none, name))


def test_no_room_changes_or_those_of_one_building_or_one_building_after_the_other(campuses):
    assert np.isinf(campuses["none"].changes_s).all()
    one, wave = campuses["one"], campuses["wave"]
    changed = np.isfinite(one.changes_s)
    assert len(set(one.building[changed])) == 1 and changed.sum() == 2
    np.testing.assert_array_equal(one.changes_s[changed], wave.changes_s[changed])
    by_turn = np.sort(wave.changes_s).reshape(3, 2)
    assert (by_turn >= HOUR_S * np.array([[6], [12], [18]])).all()
    assert (by_turn <= HOUR_S * np.array([[10], [16], [22]])).all()
    assert all(len(set(wave.building[np.argsort(wave.changes_s)][i : i + 2])) == 1 for i in (0, 2, 4))


@pytest.mark.parametrize("drift", c.DRIFTS)
def test_links_change_at_their_rooms_time_and_nowhere_else(campuses, drift):
    campus = campuses[drift]
    for k, change_s in enumerate(campus.changes_s):
        np.testing.assert_array_equal(campus.excess_db(min(change_s, 1e9) - 1)[k], campus.before_db[k])
        if np.isfinite(change_s):
            moved = np.abs(campus.excess_db(change_s)[k] - campus.before_db[k])
            assert np.nanmean(moved > 0.1) > 0.9
        else:
            np.testing.assert_array_equal(campus.excess_db(c.HORIZON_S)[k], campus.before_db[k])
            np.testing.assert_array_equal(campus.after_db[k], campus.before_db[k])


def test_no_link_loses_power_when_its_walls_become_mirrors(campuses):
    wave = campuses["wave"]
    assert np.nanmax(wave.after_db - wave.before_db) < 1e-9
    assert (np.isfinite(wave.after_db) >= np.isfinite(wave.before_db)).all()


def test_excess_loss_and_inputs_are_those_of_the_drawn_rooms(campuses):
    campus = campuses["one"]
    for k, room in enumerate(campus.regions):
        reported_m = room.reported_m.reshape(-1, 3)
        free_db = pathloss.free_space_db(np.linalg.norm(reported_m - room.bs_m, axis=1), room.freq_hz)
        np.testing.assert_allclose(-LinkAttributes.of(room.trace()).gain_db, free_db + campus.before_db[k], atol=1e-9)
        np.testing.assert_array_equal(campus.inputs[k], link_scalars(room.raster, room.bs_m, reported_m, room.freq_hz))


def test_held_out_links_are_those_of_the_last_users():
    campus = c.draw_campus("none", 0, n_buildings=1, n_rooms=1, n_tracks=10)
    np.testing.assert_array_equal(campus.held_out.reshape(10, 8), np.repeat([[False]] * 6 + [[True]] * 4, 8, axis=1))


def test_rooms_of_a_building_have_walls_of_one_material(campuses):
    for room, building in zip(campuses["none"].regions, campuses["none"].building, strict=True):
        scene = room.scenario.scene
        walls = {scene.objects.index(f"wall-{side}") for side in ("west", "east", "north", "south")}
        faces = zip(scene.face_material, scene.face_object, strict=True)
        assert {scene.materials[m].name for m, which in faces if which in walls} == {
            ("concrete", "brick", "plasterboard")[building]
        }


@pytest.mark.parametrize("material", ["metal", "concrete", "wood"])
def test_lining_walls_leaves_floor_ceiling_and_things_alone(material):
    room = c.with_walls(room_regions(1, 4, n_tracks=1)[0], "concrete")  # like its floor
    lined = c.with_walls(room, material)
    old, new = room.scenario.scene, lined.scenario.scene
    names = [[scene.materials[m].name for m in scene.face_material] for scene in (old, new)]
    for before, after, which in zip(*names, old.face_object, strict=True):
        assert after == (material if old.objects[which].startswith("wall-") else before)
    np.testing.assert_array_equal(lined.raster.height_m, room.raster.height_m)
    assert lined.raster.outside_reflectivity == reflectivity_of(material, room.freq_hz)


def test_the_seed_decides_everything():
    one, same, other = (c.draw_campus("wave", s, n_buildings=2, n_rooms=1, n_tracks=2) for s in (1, 1, 2))
    np.testing.assert_array_equal(one.after_db, same.after_db)
    np.testing.assert_array_equal(one.changes_s, same.changes_s)
    assert one.changes_s[0] != other.changes_s[0]


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="drift is 'flood', but must be one of 'none', 'one', 'wave'"):
        c.draw_campus("flood", 0)
    with pytest.raises(ValueError, match="n_buildings is 0, but must be 1 or more"):
        c.draw_campus("one", 0, n_buildings=0)
    with pytest.raises(ValueError, match="n_rooms is 0, but must be 1 or more"):
        c.draw_campus("one", 0, n_rooms=0)
    with pytest.raises(ValueError, match="n_tracks is 1, but must be 2 or more"):
        c.draw_campus("one", 0, n_tracks=1)
    street = replace(room_regions(1, 4, n_tracks=1)[0], kind="street", name="alley")
    with pytest.raises(ValueError, match="alley is a street, but only a room has walls to line"):
        c.with_walls(street, "metal")
