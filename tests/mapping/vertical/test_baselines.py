"""Baselines by hand: formulas link by link, the nearest link in a plain search, and means of the training links."""

import numpy as np
import pytest

from dnt_lab.mapping.vertical import (
    TO_BEAT,
    MappingTask,
    baseline_gains_db,
    clear_of_obstacles,
    link_inputs,
    link_scalars,
    rmse_db,
)
from dnt_lab.mapping.vertical.baselines import _SCALE
from dnt_lab.physical import pathloss
from tests.mapping.vertical.made import houses, measured, region


def users(task):
    """Region, reported place and whether the raster says the straight ray is free, link by link."""
    for place in task.regions:
        user_m = place.reported_m.reshape(-1, 3)
        clear = clear_of_obstacles(place.raster, place.bs_m, user_m)
        yield from ((place, one, free) for one, free in zip(user_m, clear, strict=True))


@pytest.fixture(scope="module")
def halves(task):
    return task[[0, 2, 3]], task[[1, 4]]


@pytest.fixture(scope="module")
def gains_db(halves):
    return baseline_gains_db(*halves)


def test_free_space_by_hand(halves, gains_db):
    for (place, user_m, _), gain_db in zip(users(halves[1]), gains_db["free_space"], strict=True):
        distance_m = np.linalg.norm(user_m - place.bs_m)
        assert -gain_db == pytest.approx(20 * np.log10(4 * np.pi * distance_m * place.freq_hz / 299_792_458))


def test_the_standard_takes_line_of_sight_off_the_raster_and_ends_at_100_ghz(task):
    """Street: TR 38.901 UMi; room: indoor hotspot; 140 GHz is what it says at 100 GHz and 2.92 dB of free space."""
    gains_db = baseline_gains_db(task, task)["tr_38_901"]
    seen = set()
    for (place, user_m, free), gain_db in zip(users(task), gains_db, strict=True):
        formula = pathloss.umi_db if place.kind == "street" else pathloss.inh_db
        ground_m, bs_m = np.hypot(*(user_m - place.bs_m)[:2]), place.bs_m
        freq_hz = min(place.freq_hz, 100e9)
        loss_db = formula(ground_m, freq_hz, free, h_bs_m=bs_m[2], h_ut_m=user_m[2])
        if place.freq_hz > 100e9:
            loss_db += 20 * np.log10(1.4)
        assert -gain_db == pytest.approx(loss_db)
        seen.add((place.kind, place.freq_hz, bool(free)))
    assert {("street", 28e9, True), ("room", 28e9, False), ("room", 140e9, True)} <= seen


def test_the_nearest_training_link_is_that_of_a_plain_search(halves, gains_db):
    train, test = halves
    of_train, of_test = (
        np.concatenate([link_scalars(r.raster, r.bs_m, r.reported_m.reshape(-1, 3), r.freq_hz) for r in one.regions])
        for one in halves
    )
    heard = np.concatenate([truth.path for truth in train.truth])
    excess_db = np.concatenate([-t.gain_db - train.regions[k].free_space_db() for k, t in enumerate(train.truth)])
    free_db = np.concatenate([test.regions[k].free_space_db() for k in range(len(test))])
    for link, (asked, gain_db) in enumerate(zip(of_test, gains_db["nearest"], strict=True)):
        distance = np.where(heard, np.linalg.norm((of_train - asked) * _SCALE, axis=1), np.inf)
        nearest = np.flatnonzero(distance <= distance.min() + 1e-6)
        assert np.abs(-gain_db - free_db[link] - excess_db[nearest]).min() < 1e-3


def test_whoever_asks_about_a_training_link_is_told_its_gain(task):
    gains_db = baseline_gains_db(task, task)["nearest"]
    truth_db = np.concatenate([truth.gain_db for truth in task.truth])
    heard = ~np.isnan(truth_db)
    np.testing.assert_allclose(gains_db[heard], truth_db[heard], atol=1e-3)


def test_two_constants_are_the_means_of_the_training_links_of_a_kind(halves, gains_db):
    train, test = halves
    excess_db = np.concatenate([-t.gain_db - train.regions[k].free_space_db() for k, t in enumerate(train.truth)])
    groups = {}
    for (place, _, free), one in zip(users(train), excess_db, strict=True):
        if not np.isnan(one):
            groups.setdefault((place.kind, bool(free)), []).append(one)
    free_db = np.concatenate([test.regions[k].free_space_db() for k in range(len(test))])
    everyone = np.concatenate(list(groups.values()))
    for (place, _, free), gain_db, loss_db in zip(users(test), gains_db["two_constants"], free_db, strict=True):
        expected_db = np.mean(groups.get((place.kind, bool(free)), everyone))
        assert -gain_db == pytest.approx(loss_db + expected_db, abs=1e-3)


def test_what_was_never_seen_gets_the_mean_of_everything(task):
    """Trained in rooms alone, a street has no constants of its own."""
    gains_db = baseline_gains_db(task[2:], task[:2])["two_constants"]
    excess_db = np.concatenate(
        [-t.gain_db - task.regions[k].free_space_db() for k, t in enumerate(task.truth) if k >= 2]
    )
    free_db = np.concatenate([task.regions[k].free_space_db() for k in (0, 1)])
    np.testing.assert_allclose(-gains_db - free_db, np.nanmean(excess_db), atol=1e-3)


def test_no_baseline_sees_what_it_is_asked(halves, gains_db):
    train, test = halves
    rng = np.random.default_rng(1)
    other = [measured(rng.normal(-90, 20, len(truth))) for truth in test.truth]
    again = baseline_gains_db(train, MappingTask(test.regions, test.inputs, other))
    assert set(again) == {*TO_BEAT, "two_constants"}
    for name, gain_db in gains_db.items():
        np.testing.assert_array_equal(again[name], gain_db)


def test_constants_are_right_where_walls_cost_the_same_everywhere():
    """Behind a block every link loses 25 dB, elsewhere nothing: two numbers say it all."""
    blocks = houses((12, 5, 14, 25, 9.0))
    rng = np.random.default_rng(2)
    track_m = np.column_stack([rng.uniform(1, 39, (40, 1)), rng.uniform(1, 29, (40, 1)), np.full(40, 1.5)])[None]
    place = region(blocks, (5.0, 15.0, 10.0), track_m)
    clear = clear_of_obstacles(place.raster, place.bs_m, track_m[0])
    free_db = pathloss.free_space_db(np.linalg.norm(track_m[0] - place.bs_m, axis=1), 28e9)
    task = MappingTask([place], [link_inputs(place, track_m)], [measured(-free_db - np.where(clear, 0.0, 25.0), clear)])
    gains_db = baseline_gains_db(task, task)
    assert 5 < clear.sum() < 35
    assert rmse_db(gains_db["two_constants"], task.truth[0]) < 1e-3 < rmse_db(gains_db["free_space"], task.truth[0])
