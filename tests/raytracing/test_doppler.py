"""Doppler: closed forms, and the same channel traced again where the user has moved to."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnt_lab.physical.pathloss import SPEED_OF_LIGHT_M_S
from dnt_lab.raytracing.channel import frequency_response
from dnt_lab.raytracing.doppler import doppler_hz, time_evolution
from dnt_lab.raytracing.scene import Scene
from dnt_lab.raytracing.trace import trace

from .path_tables import path_table

TX, RX, FREQ_HZ = np.array([1.3, 1.1, 2.2]), np.array([6.2, 3.4, 1.5]), 28e9
ROOM = Scene.room((8.0, 5.0, 3.0), "concrete")


def test_head_on_and_sideways():
    """1.5 m/s at 60 GHz is 300.2 Hz: v f / c."""
    paths = path_table([1e-8, 2e-8], order=[0, 1], aoa_deg=[[90.0, 180.0], [90.0, 90.0]])
    full = 1.5 * 60e9 / SPEED_OF_LIGHT_M_S
    assert full == pytest.approx(300.2, abs=0.01)
    np.testing.assert_allclose(doppler_hz(paths, (-1.5, 0, 0)), [full, 0], atol=1e-9)
    np.testing.assert_allclose(doppler_hz(paths, (1.5, 0, 0)), [-full, 0], atol=1e-9)
    np.testing.assert_allclose(doppler_hz(paths, (0, 1.5, 0)), [0, full], atol=1e-9)
    np.testing.assert_allclose(doppler_hz(paths, tx_velocity_m_s=(1.5, 0, 0)), [full, full], atol=1e-9)
    np.testing.assert_allclose(doppler_hz(paths, (0, 0, 9.0)), 0, atol=1e-9)
    np.testing.assert_array_equal(doppler_hz(paths), 0)


def test_each_node_has_its_own_velocity():
    paths = path_table([1e-8] * 3, rx=[0, 1, 2], n_rx=3, aoa_deg=(90.0, 0.0))
    per_m_s = 60e9 / SPEED_OF_LIGHT_M_S
    np.testing.assert_allclose(
        doppler_hz(paths, [[1, 0, 0], [2, 0, 0], [-3, 0, 0]]), np.array([1, 2, -3]) * per_m_s, rtol=1e-12
    )


@given(st.tuples(*[st.floats(-1, 1)] * 6))
def test_shift_is_what_tracing_again_says(velocities):
    """All paths up to order 2 in a room: -f d(delay)/dt by a central difference of traced delays."""
    rx_velocity, tx_velocity = np.array(velocities[:3]), np.array(velocities[3:])
    paths = trace(ROOM, TX, RX, FREQ_HZ, 2)
    step_s = 1e-4
    later, before = (trace(ROOM, TX + s * tx_velocity, RX + s * rx_velocity, FREQ_HZ, 2) for s in (step_s, -step_s))
    assert len(paths) == len(later) == len(before) == 25

    def by_wall(found):  # sorted by what was hit, as delays may swap places
        hit = [tuple(row) for row in found.object_index]
        return found.delay_s[np.array(sorted(range(len(found)), key=hit.__getitem__))]

    order = sorted(range(len(paths)), key=[tuple(row) for row in paths.object_index].__getitem__)
    rate = (by_wall(later) - by_wall(before)) / (2 * step_s)
    np.testing.assert_allclose(
        doppler_hz(paths, rx_velocity, tx_velocity)[order], -FREQ_HZ * rate, atol=2e-5 * FREQ_HZ / SPEED_OF_LIGHT_M_S
    )


def test_evolution_agrees_with_tracing_again_to_first_order():
    """Halving the way quarters the error: what is left out is of second order."""
    velocity, offsets_hz = np.array([1.0, -0.5, 0.2]), [-200e6, 0.0, 300e6]
    paths = trace(ROOM, TX, RX, FREQ_HZ, 2)
    errors = []
    for time_s in (2e-3, 1e-3):
        predicted = time_evolution(paths, [time_s], velocity, offsets_hz=offsets_hz)[..., 0]
        moved = trace(ROOM, TX, RX + time_s * velocity, FREQ_HZ, 2)
        # amplitudes change to first order as well, phases a thousand times faster: compare phases only
        moved = replace(moved, transfer=nearest(moved, paths))
        errors.append(np.abs(predicted - frequency_response(moved, offsets_hz)).max())
    still = np.abs(frequency_response(paths, offsets_hz) - frequency_response(moved, offsets_hz)).max()
    assert errors[1] < 0.01 * still
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.1)


def nearest(moved, paths):
    """Jones matrices of `paths` in the order of `moved`."""
    place = {tuple(row): number for number, row in enumerate(paths.object_index)}
    return paths.transfer[[place[tuple(row)] for row in moved.object_index]]


def test_a_standing_wave_fades_every_half_wavelength():
    """Between two equal waves from both sides |h| = 2 |cos(2 pi x / lambda)|."""
    wave = SPEED_OF_LIGHT_M_S / 60e9
    paths = path_table([100 / 60e9, 200 / 60e9], 1.0, [0, 1], aoa_deg=[[90.0, 180.0], [90.0, 0.0]])
    time_s = np.linspace(0, 2, 81)
    h = time_evolution(paths, time_s, (wave, 0, 0))
    assert h.shape == (1, 1, 1, 81)
    np.testing.assert_allclose(np.abs(h[0, 0, 0]), 2 * np.abs(np.cos(2 * np.pi * time_s)), atol=1e-6)


def test_evolution_starts_with_the_frequency_response_and_stays_without_motion():
    paths, offsets_hz = trace(ROOM, TX, [RX, RX + 0.5], FREQ_HZ, 1), np.array([-1e8, 0, 2e8])
    h = time_evolution(paths, [0.0, 0.1], (1, 2, 0), offsets_hz=offsets_hz)
    assert h.shape == (1, 2, 3, 2)
    np.testing.assert_allclose(h[..., 0], frequency_response(paths, offsets_hz), rtol=1e-12)
    np.testing.assert_array_equal(time_evolution(paths, [0.0, 5.0])[..., 0], time_evolution(paths, [0.0, 5.0])[..., 1])


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda p: doppler_hz(p, (1, 2)), r"rx_velocity_m_s has shape \(2,\), but must be finite m/s of shape \(3,\)"),
        (lambda p: doppler_hz(p, tx_velocity_m_s=np.ones((2, 3))), r"tx_velocity_m_s has shape \(2, 3\)"),
        (lambda p: doppler_hz(p, (np.nan, 0, 0)), r"rx_velocity_m_s has shape \(3,\), but must be finite"),
        (lambda p: time_evolution(p, [np.nan]), r"time_s has shape \(1,\), but must be a list of finite times"),
        (lambda p: time_evolution(p, []), r"time_s has shape \(0,\)"),
        (lambda p: time_evolution(p, [0.0], offsets_hz=[-1e12]), r"offsets_hz around 6e\+10 Hz"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call(path_table([1e-8]))
