"""Attributes against each row of the table of paths, beams against the formula of the antenna, and turned beams."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnt_lab.mapping.vertical import LinkAttributes, beam_towards, direct_azimuth_deg
from dnt_lab.mapping.vertical.attributes import BEAM_DEG, N_BEAMS, beam_pattern, turned
from dnt_lab.raytracing import Scene, trace
from tests.mapping.vertical.made import measured

angles = st.floats(-180, 180)


def slow_pattern(azimuth_deg, beam):
    """TR 38.901, Table 7.3-1, horizontal cut with a half-power width of 22.5 degrees and a floor of 20 dB."""
    off_deg = abs(azimuth_deg - 22.5 * beam) % 360
    off_deg = min(off_deg, 360 - off_deg)
    return 10 ** (-min(12 * (off_deg / 22.5) ** 2, 20.0) / 10)


def test_attributes_are_those_of_the_rows_of_the_table(task):
    """Every number again from `Paths.to_frame`, link by link, path by path."""
    for region, truth in zip(task.regions, task.truth, strict=True):
        frame = region.trace().to_frame()
        for link in range(0, len(truth), 3):
            rows = frame[frame.rx == link]
            if rows.empty:
                assert np.isnan(truth.gain_db[link]) and np.isnan(truth.delay_spread_s[link])
                assert np.isnan(truth.beam_gain_db[link]).all()
                assert not truth.los[link] and not truth.path[link] and truth.best_beam[link] == -1
                continue
            power = 10 ** (rows.gain_db.to_numpy() / 10)
            delay_s = rows.delay_ns.to_numpy() * 1e-9
            mean_s = (power * delay_s).sum() / power.sum()
            beams = [
                sum(p * slow_pattern(a, beam) for p, a in zip(power, rows.aod_azimuth_deg, strict=True))
                for beam in range(16)
            ]
            assert truth.path[link] and truth.los[link] == (rows.order == 0).any()
            assert truth.gain_db[link] == pytest.approx(10 * np.log10(power.sum()))
            spread_s = np.sqrt((power * (delay_s - mean_s) ** 2).sum() / power.sum())
            assert truth.delay_spread_s[link] == pytest.approx(spread_s, rel=1e-6, abs=1e-15)
            np.testing.assert_allclose(truth.beam_gain_db[link], 10 * np.log10(beams), rtol=1e-9)
            assert truth.best_beam[link] == np.argmax(beams)
    assert not np.concatenate([truth.path for truth in task.truth]).all()  # both cases occurred


@given(angles)
def test_a_beam_has_the_pattern_of_the_standard(azimuth_deg):
    expected = [slow_pattern(azimuth_deg, beam) for beam in range(16)]
    np.testing.assert_allclose(beam_pattern(np.array([azimuth_deg]))[0], expected, rtol=1e-9)


def test_a_beam_is_full_in_its_middle_half_at_its_edge_and_a_hundredth_behind():
    pattern = beam_pattern(np.array([0.0, 11.25, 180.0]))
    assert pattern[0, 0] == 1 and pattern[1, 0] == pytest.approx(pattern[1, 1]) == pytest.approx(0.5, abs=0.002)
    assert pattern[2, 0] == 0.01 and pattern[2, 8] == 1 and BEAM_DEG * N_BEAMS == 360


@given(angles)
def test_the_beam_towards_a_direction_is_the_strongest_there(azimuth_deg):
    gain = beam_pattern(np.array([azimuth_deg]))[0]
    assert gain[beam_towards(azimuth_deg)] == pytest.approx(gain.max())


@given(st.integers(0, 15), angles)
def test_turned_and_towards_undo_each_other(best_beam, direct_deg):
    left = turned(np.array([best_beam]), np.array([direct_deg]))
    assert 0 <= left[0] < 16
    assert (left + beam_towards(np.array([direct_deg]))) % 16 == best_beam


@given(angles, st.floats(1, 1e3), st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
def test_a_user_is_seen_where_it_was_put(azimuth_deg, distance_m, east_m, north_m):
    bs_m = np.array([east_m, north_m, 10.0])
    away = np.array([np.cos(np.deg2rad(azimuth_deg)), np.sin(np.deg2rad(azimuth_deg)), 0.0])
    seen_deg = direct_azimuth_deg(bs_m, (bs_m + distance_m * away)[None])[0]
    assert (seen_deg - azimuth_deg + 180) % 360 - 180 == pytest.approx(0, abs=1e-6)


def test_in_line_of_sight_the_best_beam_is_the_one_towards_the_user(task):
    """With walls around, a strong reflection may turn the choice at the border of two beams, by one beam."""
    turns = []
    for region, truth in zip(task.regions, task.truth, strict=True):
        direct_deg = direct_azimuth_deg(region.bs_m, region.track_m.reshape(-1, 3))
        turns.append(turned(truth.best_beam, direct_deg)[truth.los])
    turns = np.concatenate(turns)
    assert (turns == 0).mean() > 0.85
    assert np.isin(turns, (15, 0, 1)).mean() > 0.97


def test_some_links_of_many():
    truth = measured([-80.0, -90.0, -100.0], path=[True, False, True])
    some = truth[[2, 0]]
    assert len(some) == 2 and some.gain_db.tolist() == [-100.0, -80.0] and some.path.all()
    assert len(truth[~truth.path]) == 1 and truth[~truth.path].best_beam.tolist() == [-1]


def test_paths_of_two_transmitters_are_refused():
    room = Scene.room((8.0, 6.0, 3.0))
    paths = trace(room, [[1.0, 1.0, 2.5], [2.0, 1.0, 2.5]], [[4.0, 3.0, 1.0]], 28e9, 0)
    with pytest.raises(ValueError, match="the paths start at 2 transmitters, but attributes are those of one BS"):
        LinkAttributes.of(paths)
