"""The task: targets written out link by link, what a link without a path gets, and samples in the mirror."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnt_lab.mapping.vertical import ACROSS, link_inputs, link_scalars, link_views, mapping_task, mirrored, room_regions
from dnt_lab.mapping.vertical.attributes import BEAM_DEG, beam_towards, turned
from dnt_lab.mapping.vertical.task import N_FEATURES, TARGETS
from dnt_lab.mapping.vertical.views import SCALARS, SHAPE

LIGHT_M_S = 299_792_458.0


def test_targets_by_hand(task):
    """Excess loss over 20 log10(4 pi d f / c) at the reported distance, delay spread in decades, turned beams."""
    for k, (region, truth) in enumerate(zip(task.regions, task.truth, strict=True)):
        targets = task.targets(k)
        assert targets.shape == (6, 3, len(TARGETS)) and targets.dtype == np.float32
        for n in range(6):
            for t in range(3):
                link, got = 3 * n + t, targets[n, t]
                if not truth.path[link]:
                    assert not got.any()
                    continue
                east_m, north_m, up_m = region.reported_m[n, t] - region.bs_m
                distance_m = np.sqrt(east_m**2 + north_m**2 + up_m**2)
                free_db = 20 * np.log10(4 * np.pi * distance_m * region.freq_hz / LIGHT_M_S)
                assert task.regions[k].free_space_db()[link] == pytest.approx(free_db)
                assert got[0] == pytest.approx(-truth.gain_db[link] - free_db, abs=1e-4)
                assert got[1] == truth.los[link] and got[2] == 1
                assert got[3] == pytest.approx(np.log10(truth.delay_spread_s[link] * 1e9 + 0.1), abs=1e-6)
                towards = round(np.rad2deg(np.arctan2(north_m, east_m)) / 22.5)
                assert got[4] == (truth.best_beam[link] - towards) % 16


def test_in_free_sight_the_excess_is_about_none_and_never_far_below(task):
    """All paths together may be stronger than the straight one, by no more than a few dB."""
    for k, truth in enumerate(task.truth):
        excess_db = task.targets(k)[..., 0].ravel()[truth.los]
        assert (excess_db > -6).all() and (excess_db < 1).all()


def test_inputs_are_views_and_scalars_of_reported_places(task):
    region, x = task.regions[3], task.inputs[3]
    assert x.shape == (6, 3, N_FEATURES) and x.dtype == np.float32 and N_FEATURES == 4 * 17 * 24 + 6
    one_m = region.reported_m[4, 1][None]
    np.testing.assert_array_equal(x[4, 1, :-6], link_views(region.raster, region.bs_m, one_m).ravel())
    np.testing.assert_array_equal(x[4, 1, -6:], link_scalars(region.raster, region.bs_m, one_m, region.freq_hz)[0])


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(1, 3))
def test_a_mirror_image_of_a_mirror_image_is_the_sample(seed, n, t):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, t, N_FEATURES)).astype(np.float32)
    y = np.concatenate([rng.normal(size=(n, t, 4)), rng.integers(0, 16, (n, t, 1))], axis=2).astype(np.float32)
    before = x.copy(), y.copy()
    once = mirrored(x, y)
    for original, there, back in zip(before, once, mirrored(*once), strict=True):
        np.testing.assert_array_equal(back, original)
        assert there.shape == original.shape and there.dtype == original.dtype
    np.testing.assert_array_equal(x, before[0])  # what was given is left alone
    np.testing.assert_array_equal(y, before[1])
    assert once[1][..., 4].min() >= 0 and once[1][..., 4].max() < 16


def test_in_the_mirror_left_is_right_and_the_rest_stays():
    x, y = np.zeros((1, 1, N_FEATURES), np.float32), np.array([[[7.0, 1.0, 1.0, 0.5, 3.0]]], np.float32)
    view = x[0, 0, : -len(SCALARS)].reshape(SHAPE)
    view[1, 2, 5], x[0, 0, -1] = 1.0, 9.0
    there, targets = mirrored(x, y)
    assert np.argwhere(there[0, 0, : -len(SCALARS)].reshape(SHAPE)).tolist() == [[1, len(ACROSS) - 1 - 2, 5]]
    assert there[0, 0, -1] == 9
    assert targets.ravel().tolist() == [7.0, 1.0, 1.0, 0.5, 13.0]


@given(st.integers(0, 15), st.floats(-170, 170))
def test_beams_in_the_mirror_are_those_of_paths_in_the_mirror(towards, off_deg):
    """Exactly so for a user in the middle of a beam: a path so far to the left is as far to the right."""
    direct_deg = towards * BEAM_DEG
    beam, image = (beam_towards(np.array([direct_deg + side * off_deg])) for side in (1, -1))
    on_border = abs((abs(off_deg) / BEAM_DEG) % 1 - 0.5) < 1e-6
    y = np.zeros((1, 1, 5), np.float32)
    y[..., 4] = turned(beam, np.array([direct_deg]))
    expected = turned(image, np.array([direct_deg]))[0]
    assert on_border or mirrored(np.zeros((1, 1, N_FEATURES), np.float32), y)[1][0, 0, 4] == expected


def test_some_regions_of_many(task):
    assert len(task) == 5 and task.n_links == 5 * 6 * 3
    assert repr(task) == "MappingTask(2 streets, 3 rooms, 90 links)"
    assert task[2:].regions == task.regions[2:] and task[[4, 0]].truth == [task.truth[4], task.truth[0]]
    kinds = np.array([region.kind == "room" for region in task.regions])
    assert repr(task[kinds]) == "MappingTask(0 streets, 3 rooms, 54 links)"
    assert task[1].regions == [task.regions[1]] and task[-1].inputs == [task.inputs[-1]]
    assert [len(one) for one in task] == [1] * 5


def test_what_cannot_be_a_task_is_refused(rooms):
    with pytest.raises(ValueError, match="there is no region, but a task needs one at least"):
        mapping_task([])
    longer = room_regions(1, 0, n_tracks=1, n_steps=4)
    with pytest.raises(ValueError, match="tracks differ in length, but a model takes one number of steps"):
        mapping_task([*rooms, *longer])
    with pytest.raises(ValueError, match=r"tracks have shape \(6, 3\), but must be \(N, T, 3\)"):
        link_inputs(rooms[0], rooms[0].reported_m[:, 0])
