"""Antennas: anchor values of the sector pattern, and what makes DFT beams a codebook."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnt_lab.physical import antenna

angles = st.floats(-1e4, 1e4)


@pytest.mark.parametrize(
    ("azimuth", "depression", "expected_dbi"),
    [
        (30.0, 6.0, 8.0),  # boresight
        (30.0 + 32.5, 6.0, 8.0 - 3.0),  # half-power beam width: 3 dB down at half of it
        (30.0 - 65.0, 6.0, 8.0 - 12.0),
        (30.0, 6.0 + 32.5, 8.0 - 3.0),
        (30.0 + 20.0, 6.0 - 13.0, 8.0 - 12 * (20 / 65) ** 2 - 12 * (13 / 65) ** 2),
        (30.0 + 180.0, 6.0, 8.0 - 30.0),  # front-to-back ratio
        (30.0 + 90.0, 90.0, 8.0 - 30.0),  # both cuts together fall no deeper than 30 dB
    ],
)
def test_sector_pattern_anchors(azimuth, depression, expected_dbi):
    assert antenna.sector_gain_dbi(azimuth, depression, 30.0, 6.0) == pytest.approx(expected_dbi, abs=1e-12)


@given(angles, st.floats(-90, 90), angles, st.floats(-90, 90))
def test_sector_gain_lies_between_floor_and_maximum_and_is_symmetric(azimuth, depression, boresight, tilt):
    gain = antenna.sector_gain_dbi(azimuth, depression, boresight, tilt)
    assert -22 <= gain <= 8
    mirrored = antenna.sector_gain_dbi(2 * boresight - azimuth, depression, boresight, tilt)
    assert mirrored == pytest.approx(gain, abs=1e-6)


def test_omnidirectional_cells_gain_0_dbi_everywhere_and_only_they():
    assert (antenna.sector_gain_dbi([0.0, 77.0], [0.0, 50.0], np.nan, 6.0) == 0).all()
    assert np.isnan(antenna.sector_gain_dbi(np.nan, 0.0, 30.0, 6.0))


@given(angles)
def test_wrap(angle):
    wrapped = antenna.wrap_deg(angle)
    assert -180 <= wrapped < 180
    turns = (wrapped - angle) / 360
    assert turns == pytest.approx(np.round(turns), abs=1e-9)


@pytest.mark.parametrize("n", [1, 2, 3, 8, 16, 64])
def test_beams_gain_n_at_their_centre_and_nothing_at_the_others(n):
    centre_deg = np.rad2deg(np.arcsin((2 * np.arange(n) + 1) / n - 1))
    gain = antenna.beam_gain(centre_deg[:, None], np.arange(n)[None, :], n)
    np.testing.assert_allclose(gain, n * np.eye(n), atol=1e-9)


@pytest.mark.parametrize("n", [2, 3, 8, 16])
def test_beams_equal_the_sum_over_elements(n):
    rng = np.random.default_rng(n)
    off_deg, beam = rng.uniform(-180, 180, 200), rng.integers(n, size=200)
    phase = np.pi * (np.sin(np.deg2rad(off_deg)) - ((2 * beam + 1) / n - 1))
    expected = np.abs(np.exp(1j * phase[:, None] * np.arange(n)).sum(axis=1)) ** 2 / n
    np.testing.assert_allclose(antenna.beam_gain(off_deg, beam, n), expected, atol=1e-9 * n)


@pytest.mark.parametrize("n", [2, 8, 16])
def test_a_beam_radiates_on_average_what_the_element_does(n):
    sine = (np.arange(64 * n) + 0.5) / (32 * n) - 1  # midpoints: exact for a trigonometric polynomial of this degree
    for beam in range(n):
        assert antenna.beam_gain(np.rad2deg(np.arcsin(sine)), beam, n).mean() == pytest.approx(1, abs=1e-9)


@given(st.floats(-180, 180), st.integers(1, 64))
def test_the_best_beam_gains_most_and_at_least_what_the_worst_case_promises(off_deg, n):
    gain = antenna.beam_gain(off_deg, np.arange(n), n)
    best = gain[antenna.best_beam(off_deg, n)]
    assert best == pytest.approx(gain.max(), rel=1e-9)
    assert best >= n * (2 / np.pi) ** 2 * (1 - 1e-9)  # crossover of neighbouring beams: 3.9 dB below the peak


def test_omnidirectional_cells_have_no_beams():
    assert antenna.beam_gain(np.nan, 3, 8) == 1
    assert antenna.best_beam(np.nan, 8) in range(8)
    assert (antenna.beam_gain([10.0, 50.0], [0, 0], 1) == 1).all()
