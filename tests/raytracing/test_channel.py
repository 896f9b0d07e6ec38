"""Channel responses and spreads against closed forms: two rays, Parseval, angle spreads of known laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dnt_lab.physical.pathloss import SPEED_OF_LIGHT_M_S
from dnt_lab.raytracing import link_sums
from dnt_lab.raytracing.channel import (
    ANGLES,
    angle_spread_deg,
    delay_spread_s,
    frequency_response,
    impulse_response,
    rician_k_db,
    rms_angle_spread_deg,
)
from dnt_lab.raytracing.scene import Scene
from dnt_lab.raytracing.trace import trace

from .path_tables import path_table


def some_paths(seed=0, n=40, n_tx=2, n_rx=3, **columns):
    rng = np.random.default_rng(seed)
    return path_table(
        rng.uniform(10e-9, 60e-9, n),
        rng.normal(size=n) + 1j * rng.normal(size=n),
        rng.integers(0, 3, n),
        tx=rng.integers(0, n_tx, n),
        rx=rng.integers(0, n_rx - 1, n),  # the last receiver is in the dark
        n_tx=n_tx,
        n_rx=n_rx,
        aod_deg=np.column_stack([rng.uniform(0, 180, n), rng.uniform(-180, 180, n)]),
        aoa_deg=np.column_stack([rng.uniform(0, 180, n), rng.uniform(-180, 180, n)]),
        **columns,
    )


# --- responses -----------------------------------------------------------------------------------------------------


def test_frequency_response_is_the_sum_over_paths():
    paths, offsets_hz = some_paths(), np.linspace(-1e9, 1e9, 7)
    h = frequency_response(paths, offsets_hz)
    assert h.shape == (2, 3, 7)
    for t in range(2):
        for r in range(3):
            link = paths.link(r, t)
            for f, offset in enumerate(offsets_hz):
                expected = sum(
                    a * np.exp(-2j * np.pi * (60e9 + offset) * tau)
                    for a, tau in zip(link.gain, link.delay_s, strict=True)
                )
                assert h[t, r, f] == pytest.approx(expected, abs=1e-9)
    assert (h[:, 2] == 0).all()


def test_two_rays_fade_where_they_are_half_a_wave_apart():
    """Equal rays 5 ns apart: |h| = 2 |cos(pi f 5 ns)|, nulls every 200 MHz."""
    paths = path_table([10e-9, 15e-9], 0.5, [0, 1], freq_hz=60e9)
    offsets_hz = np.linspace(-400e6, 400e6, 801)
    np.testing.assert_allclose(
        np.abs(frequency_response(paths, offsets_hz)[0, 0]), np.abs(np.cos(np.pi * offsets_hz * 5e-9)), atol=1e-9
    )
    nulls = np.array([-300e6, -100e6, 100e6, 300e6])
    assert np.abs(frequency_response(paths, nulls)).max() < 1e-9


def test_two_ray_ground_of_a_traced_scene_has_the_textbook_fading():
    """Metal ground, antennas well above it: h = lambda/(4 pi) (e^-jkd1/d1 + r e^-jkd2/d2)."""
    ground = Scene.box([-5.0, -5.0, -1.0], [105.0, 5.0, 0.0], "metal")
    rx = np.column_stack([np.linspace(20, 80, 121), np.zeros(121), np.full(121, 1.5)])
    paths = trace(ground, [0.0, 0.0, 10.0], rx, 28e9, 1)
    assert len(paths) == 242
    wave = SPEED_OF_LIGHT_M_S / 28e9
    d1, d2 = np.hypot(rx[:, 0], 8.5), np.hypot(rx[:, 0], 11.5)
    # the vertical field's part along the antenna's theta is that of the mirror image: r_tm = +1
    expected = wave / (4 * np.pi) * np.abs(np.exp(-2j * np.pi * d1 / wave) / d1 + np.exp(-2j * np.pi * d2 / wave) / d2)
    np.testing.assert_allclose(np.abs(frequency_response(paths)[0, :, 0]), expected, rtol=0.01, atol=2e-7)


@given(st.integers(0, 1000))
def test_taps_and_transfer_function_are_a_fourier_pair(seed):
    paths, bandwidth_hz = some_paths(seed, n=12), 500e6
    delay_s = np.arange(-4000, 4000) / bandwidth_hz
    _, taps = impulse_response(paths, bandwidth_hz, delay_s)
    offsets_hz = np.linspace(-0.4, 0.4, 9) * bandwidth_hz  # the band's edge converges slowest
    from_taps = taps @ np.exp(-2j * np.pi * offsets_hz * delay_s[:, None])
    np.testing.assert_allclose(from_taps, frequency_response(paths, offsets_hz), atol=2e-3 * np.abs(paths.gain).sum())


def test_taps_hold_the_power_of_the_band():
    """Parseval: the sum of |taps|^2 is the mean of |h(f)|^2 over the band."""
    paths, bandwidth_hz = some_paths(3), 500e6
    _, taps = impulse_response(paths, bandwidth_hz, np.arange(-20_000, 20_000) / bandwidth_hz)
    midpoints_hz = ((np.arange(4000) + 0.5) / 4000 - 0.5) * bandwidth_hz
    band = (np.abs(frequency_response(paths, midpoints_hz)) ** 2).mean(axis=-1)
    np.testing.assert_allclose((np.abs(taps) ** 2).sum(axis=-1), band, rtol=1e-3)


def test_default_taps_surround_all_paths_and_hold_nearly_all_power():
    paths = path_table([10.25e-9, 33e-9], [1.0, 0.5], [0, 1], rx=[0, 1], n_rx=2)
    delay_s, taps = impulse_response(paths, 2e9)
    np.testing.assert_allclose(delay_s, np.arange(20 - 8, 66 + 8 + 1) / 2e9, atol=1e-20)
    power = (np.abs(taps[0]) ** 2).sum(axis=-1)
    assert 0.97 < power[0] < 1.0  # half a tap off
    assert power[1] == pytest.approx(0.25, rel=1e-9)  # on a tap
    assert np.abs(taps[0, 1, 8 + 66 - 20]) == pytest.approx(0.5)
    lone = impulse_response(path_table([10.25e-9]), 2e9)[1]
    assert 0.975 < (np.abs(lone) ** 2).sum() < 0.98


def test_no_path_at_all_is_silence():
    nothing = some_paths()[:0]
    delay_s, taps = impulse_response(nothing, 1e9)
    assert taps.shape == (2, 3, 17) == (2, 3, len(delay_s))
    assert not taps.any()
    assert not frequency_response(nothing, [0.0, 1e6]).any()
    for spread in (delay_spread_s, angle_spread_deg, rms_angle_spread_deg, rician_k_db):
        assert np.isnan(spread(nothing)).all()


def test_a_table_too_large_for_memory_is_summed_in_pieces(monkeypatch):
    paths, offsets_hz = some_paths(), np.linspace(-1e9, 1e9, 33)
    whole = frequency_response(paths, offsets_hz)
    monkeypatch.setattr(link_sums, "_ENTRIES", 200)  # five columns of 40 paths
    np.testing.assert_array_equal(frequency_response(paths, offsets_hz), whole)


def test_batch_and_single_links_give_identical_numbers():
    paths = some_paths()
    for t, r in ((0, 0), (1, 1)):
        alone = paths.link(r, t)
        assert frequency_response(alone, [1e8])[t, r, 0] == frequency_response(paths, [1e8])[t, r, 0]
        assert delay_spread_s(alone)[t, r] == delay_spread_s(paths)[t, r]
        assert angle_spread_deg(alone)[t, r] == angle_spread_deg(paths)[t, r]


# --- spreads -------------------------------------------------------------------------------------------------------


def test_delay_spread_of_two_rays_is_known():
    equal = path_table([10e-9, 30e-9, 5e-9], 0.1j, [0, 1, 0], rx=[0, 0, 1], n_rx=3)
    np.testing.assert_allclose(delay_spread_s(equal)[0], [10e-9, 0.0, np.nan])
    # shares p and 1 - p of the power: T sqrt(p (1 - p))
    unequal = path_table([10e-9, 30e-9], [2.0, 1.0], [0, 1])
    assert delay_spread_s(unequal)[0, 0] == pytest.approx(20e-9 * np.sqrt(0.8 * 0.2))


@given(st.floats(-1e-6, 1e-6), st.floats(0.1, 10), st.integers(0, 50))
def test_delay_spread_shifts_with_nothing_and_scales_with_delays(shift_s, scale, seed):
    rng = np.random.default_rng(seed)
    delay_s, gain = rng.uniform(1e-6, 2e-6, 20), rng.normal(size=20)
    base = delay_spread_s(path_table(delay_s, gain))
    np.testing.assert_allclose(delay_spread_s(path_table(delay_s + shift_s, 3 * gain)), base, rtol=1e-6)
    np.testing.assert_allclose(delay_spread_s(path_table(delay_s * scale, gain)), base * scale, rtol=1e-9)


def at_azimuths(azimuth_deg, power):
    azimuth_deg = np.asarray(azimuth_deg, float)
    angles = np.column_stack([np.full(len(azimuth_deg), 90.0), azimuth_deg])
    return path_table(np.full(len(azimuth_deg), 1e-8), np.sqrt(power), aoa_deg=angles)


@pytest.mark.parametrize("half_deg", [0.5, 10.0, 60.0, 80.0])
def test_circular_spread_of_two_equal_rays(half_deg):
    """|mean of e^(+-j a)| = cos a, so the spread is sqrt(-2 ln cos a); the rms definition gives a itself."""
    for centre in (0.0, 180.0):
        paths = at_azimuths(centre + np.array([-half_deg, half_deg]), [1.0, 1.0])
        expected = np.rad2deg(np.sqrt(-2 * np.log(np.cos(np.deg2rad(half_deg)))))
        assert angle_spread_deg(paths)[0, 0] == pytest.approx(expected)
        assert rms_angle_spread_deg(paths)[0, 0] == pytest.approx(half_deg)


def test_circular_spread_of_a_wrapped_gaussian_is_its_standard_deviation():
    """The first moment of a wrapped normal law is exp(-s^2/2): TR 38.901's formula inverts it exactly."""
    for sigma_deg in (5.0, 40.0, 90.0):
        azimuth = np.linspace(-8, 8, 4001) * sigma_deg
        paths = at_azimuths((azimuth + 170 + 180) % 360 - 180, stats.norm.pdf(azimuth, scale=sigma_deg))
        assert angle_spread_deg(paths)[0, 0] == pytest.approx(sigma_deg, rel=1e-6)


def test_circular_spread_of_a_uniform_sector():
    """|mean| = sin(w)/w for directions within +-w."""
    w = np.deg2rad(70)
    paths = at_azimuths(np.rad2deg((np.arange(20_000) + 0.5) / 10_000 - 1) * w, np.ones(20_000))
    assert angle_spread_deg(paths)[0, 0] == pytest.approx(np.rad2deg(np.sqrt(-2 * np.log(np.sin(w) / w))), rel=1e-6)
    assert rms_angle_spread_deg(paths)[0, 0] == pytest.approx(70 / np.sqrt(3), rel=1e-6)


@given(st.floats(-360, 360), st.integers(0, 100))
def test_turning_the_room_changes_no_spread(turn_deg, seed):
    rng = np.random.default_rng(seed)
    azimuth, power = rng.normal(0, 30, 15), rng.uniform(0.1, 1, 15)
    for spread in (angle_spread_deg, rms_angle_spread_deg):
        np.testing.assert_allclose(
            spread(at_azimuths(azimuth + turn_deg, power)), spread(at_azimuths(azimuth, power)), rtol=1e-7
        )


def test_each_angle_is_its_own():
    paths = path_table(
        [1e-8, 1e-8],
        aod_deg=[[90.0, 0.0], [100.0, 2.0]],
        aoa_deg=[[30.0, -3.0], [36.0, 5.0]],
    )
    spreads = {angle: rms_angle_spread_deg(paths, angle)[0, 0] for angle in ANGLES}
    assert spreads == pytest.approx({"aod_zenith": 5.0, "aod_azimuth": 1.0, "aoa_zenith": 3.0, "aoa_azimuth": 4.0})
    narrow = {angle: angle_spread_deg(paths, angle)[0, 0] for angle in ANGLES}
    assert narrow == pytest.approx(spreads, rel=2e-3)


def test_one_ray_has_no_spread_and_opposite_rays_an_endless_one():
    assert angle_spread_deg(at_azimuths([33.0], [2.0]))[0, 0] == pytest.approx(0, abs=1e-5)
    assert angle_spread_deg(at_azimuths([0.0, 180.0], [1.0, 1.0]))[0, 0] > 400
    assert np.isnan(angle_spread_deg(path_table([1e-8], 0.0)))  # a path without power is none


def test_k_factor_known_answers():
    paths = path_table(
        [1e-8, 2e-8, 3e-8, 1e-8, 2e-8, 3e-8],
        [1.0, 0.3j, 0.1, 1.0, 0.7, 0.2],
        [0, 1, 2, 0, 1, 2],
        rx=[0, 0, 0, 1, 2, 2],
        n_rx=4,
    )
    assert rician_k_db(paths)[0] == pytest.approx([10.0, np.inf, -np.inf, np.nan], nan_ok=True)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda p: frequency_response(p, [-61e9]), r"offsets_hz .* lowest value -6.1e\+10, but must be a list"),
        (lambda p: frequency_response(p, [np.nan]), r"offsets_hz around 6e\+10 Hz"),
        (lambda p: frequency_response(p, [[0.0]]), r"offsets_hz .* shape \(1, 1\)"),
        (lambda p: frequency_response(p, []), r"offsets_hz .* shape \(0,\)"),
        (lambda p: impulse_response(p, 0.0), r"bandwidth_hz is 0.0, but must be a finite number of Hz above 0"),
        (lambda p: impulse_response(p, np.inf), r"bandwidth_hz is inf"),
        (lambda p: impulse_response(p, 1e9, [np.inf]), r"delay_s has shape \(1,\), but must be a list of finite times"),
        (lambda p: impulse_response(p, 1e9, 3.0), r"delay_s has shape \(\)"),
        (lambda p: angle_spread_deg(p, "azimuth"), r"angle is 'azimuth', but must be one of 'aod_zenith'"),
        (lambda p: rms_angle_spread_deg(p, "aoa"), r"angle is 'aoa', but must be one of"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call(some_paths())
