"""Arrays against closed forms: the Dirichlet kernel, orthogonal codebooks, steering, and reciprocity."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnt_lab.physical import antenna
from dnt_lab.raytracing.arrays import AntennaArray, best_beams, channel_matrix, through_beams
from dnt_lab.raytracing.channel import frequency_response

from .path_tables import path_table

azimuths = st.floats(-180, 180)
zeniths = st.floats(0, 180)
arrays = st.builds(
    AntennaArray,
    rows=st.integers(1, 4),
    columns=st.integers(1, 5),
    spacing=st.floats(0.3, 1.0),
    azimuth_deg=azimuths,
    downtilt_deg=st.floats(-90, 90),
    element=st.sampled_from(["isotropic", "38.901"]),
)


def horizon(azimuth_deg):
    azimuth_deg = np.asarray(azimuth_deg, float)
    return np.stack([np.full_like(azimuth_deg, 90.0), azimuth_deg], axis=-1)


def some_paths(seed=0, n=30):
    rng = np.random.default_rng(seed)
    return path_table(
        rng.uniform(10e-9, 60e-9, n),
        rng.normal(size=n) + 1j * rng.normal(size=n),
        tx=rng.integers(0, 2, n),
        rx=rng.integers(0, 2, n),
        n_tx=2,
        n_rx=3,
        aod_deg=np.column_stack([rng.uniform(30, 150, n), rng.uniform(-180, 180, n)]),
        aoa_deg=np.column_stack([rng.uniform(30, 150, n), rng.uniform(-180, 180, n)]),
    )


# --- patterns ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "spacing"), [(2, 0.5), (8, 0.5), (8, 0.25), (5, 1.0), (16, 0.7)])
def test_a_linear_array_has_the_dirichlet_pattern(n, spacing):
    """|sum_n e^(j psi n)|^2 / n = sin^2(n psi/2) / (n sin^2(psi/2)), psi = 2 pi d (sin phi - sin phi_0)."""
    azimuth_deg, towards_deg = np.linspace(-179.3, 179.1, 400), 25.0
    array = AntennaArray(columns=n, spacing=spacing)
    gain = 10 ** (array.beam_gain_db(array.steered(horizon(towards_deg)), horizon(azimuth_deg)) / 10)
    psi = 2 * np.pi * spacing * (np.sin(np.deg2rad(azimuth_deg)) - np.sin(np.deg2rad(towards_deg)))
    expected = np.sin(n * psi / 2) ** 2 / (n * np.sin(psi / 2) ** 2)
    np.testing.assert_allclose(gain, expected, atol=1e-9 * n)


def test_a_column_forms_beams_in_elevation():
    array, zenith_deg = AntennaArray(rows=8), np.linspace(0.5, 179.5, 90)
    angle_deg = np.column_stack([zenith_deg, np.full(90, 77.0)])
    gain = 10 ** (array.beam_gain_db(array.steered([90.0, 0.0]), angle_deg) / 10)
    psi = np.pi * np.cos(np.deg2rad(zenith_deg))
    np.testing.assert_allclose(gain, np.sin(4 * psi) ** 2 / (8 * np.sin(psi / 2) ** 2), atol=1e-9)


@given(arrays, zeniths, azimuths)
def test_steering_gains_n_elements_and_no_beam_gains_more(array, zenith, azimuth):
    angle_deg = np.array([zenith, azimuth])
    element = np.abs(array.response(angle_deg))
    best = 20 * np.log10(element[0] * np.sqrt(len(array)))
    np.testing.assert_allclose(element, element[0])
    assert array.beam_gain_db(array.steered(angle_deg), angle_deg) == pytest.approx(best, abs=1e-9)
    others = array.codebook()
    assert array.beam_gain_db(others, angle_deg).max() <= best + 1e-9


@given(arrays)
def test_codebooks_are_orthonormal(array):
    book = array.codebook()
    np.testing.assert_allclose(book @ book.conj().T, np.eye(len(array)), atol=1e-12)


@given(arrays, zeniths, azimuths)
def test_codebooks_together_hold_all_power_of_a_direction(array, zenith, azimuth):
    gain = np.abs(array.amplitude(array.codebook(), [zenith, azimuth])) ** 2
    assert gain.sum() == pytest.approx((np.abs(array.response([zenith, azimuth])) ** 2).sum())


@pytest.mark.parametrize("n", [2, 4, 16])
def test_codebook_of_a_row_is_that_of_the_sector_antenna(n):
    """`dnt_lab.physical.antenna.beam_gain` is the same array, written down in closed form."""
    azimuth_deg, array = np.linspace(-89, 89, 200), AntennaArray(columns=n, azimuth_deg=30.0)
    gain = np.abs(array.amplitude(array.codebook(), horizon(azimuth_deg + 30.0))) ** 2
    np.testing.assert_allclose(gain, antenna.beam_gain(azimuth_deg[:, None], np.arange(n), n), atol=1e-9)


def test_beams_of_a_planar_array_point_to_their_sines():
    array = AntennaArray(rows=3, columns=2)
    for row in range(3):
        for column in range(2):
            up, left = (2 * row + 1) / 3 - 1, (2 * column + 1) / 2 - 1
            ahead = np.sqrt(1 - up**2 - left**2)
            angle_deg = np.rad2deg([np.arccos(up), np.arctan2(left, ahead)])
            gain = np.abs(array.amplitude(array.codebook(), angle_deg)) ** 2
            expected = np.zeros(6)
            expected[row * 2 + column] = 6
            np.testing.assert_allclose(gain, expected, atol=1e-9)


def test_the_mean_gain_over_the_sphere_is_that_of_one_antenna():
    """Half-wave spaced isotropic elements on a line do not couple: any beam radiates what it is fed."""
    cosine, azimuth_deg = np.polynomial.legendre.leggauss(40), np.arange(0, 360, 5.0)
    zenith_deg = np.rad2deg(np.arccos(cosine[0]))
    angle_deg = np.stack(np.meshgrid(zenith_deg, azimuth_deg, indexing="ij"), axis=-1)
    array = AntennaArray(columns=6, azimuth_deg=20.0, downtilt_deg=35.0)
    gain = np.abs(array.amplitude(array.codebook(), angle_deg)) ** 2
    np.testing.assert_allclose((gain.mean(axis=1) * cosine[1][:, None]).sum(axis=0) / 2, 1.0, rtol=1e-6)


def test_elements_of_38901():
    sector = AntennaArray(element="38.901", azimuth_deg=40.0, downtilt_deg=10.0)
    gain_db = 20 * np.log10(np.abs(sector.response([[100.0, 40.0], [67.5, 40.0], [80.0, -140.0]])[:, 0]))
    np.testing.assert_allclose(gain_db, [8.0, 8.0 - 3.0, 8.0 - 30.0], atol=1e-9)
    level = AntennaArray(element="38.901")
    angle_deg = np.random.default_rng(0).uniform([0, -180], [180, 180], (200, 2))
    gain_db = 20 * np.log10(np.abs(level.response(angle_deg)[:, 0]))
    np.testing.assert_allclose(
        gain_db, antenna.sector_gain_dbi(angle_deg[:, 1], angle_deg[:, 0] - 90, 0.0, 0.0), atol=1e-9
    )


@given(azimuths, st.floats(-80, 80))
def test_turning_array_and_world_together_changes_nothing(turn_deg, downtilt_deg):
    angle_deg = np.array([[70.0, 10.0], [120.0, -50.0]])
    still = AntennaArray(2, 3, downtilt_deg=downtilt_deg, element="38.901")
    turned = replace(still, azimuth_deg=turn_deg)
    np.testing.assert_allclose(
        turned.response(angle_deg + np.array([0.0, turn_deg])), still.response(angle_deg), atol=1e-8
    )


def test_positions_lie_on_the_plane_as_described():
    array = AntennaArray(rows=2, columns=3, spacing=0.5)
    np.testing.assert_allclose(
        array.positions,
        [[0, y, z] for z in (-0.25, 0.25) for y in (-0.5, 0.0, 0.5)],
        atol=1e-15,
    )
    tipped = replace(array, downtilt_deg=90.0)  # looking at the ground, its top ahead
    np.testing.assert_allclose(tipped.frame, [[0, 0, -1], [0, 1, 0], [1, 0, 0]], atol=1e-15)


# --- arrays on paths -----------------------------------------------------------------------------------------------


def test_an_element_sees_the_path_as_from_its_own_place():
    """A far source at u: the element at p is closer by u . p, so its path is shorter by that many wavelengths."""
    array = AntennaArray(3, 2, spacing=0.7, azimuth_deg=33.0, downtilt_deg=12.0)
    u = np.array([0.36, -0.48, 0.8])
    angle_deg = np.rad2deg([np.arccos(0.8), np.arctan2(-0.48, 0.36)])
    distance = np.linalg.norm(1e7 * u - array.positions, axis=1)
    np.testing.assert_allclose(array.response(angle_deg), np.exp(-2j * np.pi * (distance - 1e7)), atol=1e-6)


def test_beams_on_the_channel_matrix_are_beams_on_paths():
    paths = some_paths()
    tx, rx = AntennaArray(2, 4, azimuth_deg=20.0, element="38.901"), AntennaArray(1, 3, downtilt_deg=-30.0)
    h = channel_matrix(paths, tx, rx)
    assert h.shape == (2, 3, 3, 8)
    assert not h[:, 2].any()
    tx_beam, rx_beam = tx.codebook()[5], rx.steered([80.0, 20.0])
    seen = frequency_response(through_beams(paths, tx, tx_beam, rx, rx_beam))[..., 0]
    np.testing.assert_allclose(rx_beam.conj() @ h @ tx_beam.conj(), seen, rtol=1e-9)


def test_a_single_antenna_changes_nothing():
    paths = some_paths()
    np.testing.assert_allclose(
        channel_matrix(paths, AntennaArray(), AntennaArray())[..., 0], frequency_response(paths), atol=1e-12
    )
    np.testing.assert_array_equal(through_beams(paths, AntennaArray(), [1.0]).transfer, paths.transfer)


def test_the_channel_is_reciprocal():
    """Swapping the ends transposes the matrix, and beams keep their gain."""
    paths = some_paths()
    back = replace(
        paths, tx=paths.rx, rx=paths.tx, tx_m=paths.rx_m, rx_m=paths.tx_m, aod_deg=paths.aoa_deg, aoa_deg=paths.aod_deg,
        transfer=paths.transfer.swapaxes(1, 2),
    )  # fmt: skip
    one, other = AntennaArray(2, 2, azimuth_deg=50.0, element="38.901"), AntennaArray(1, 3)
    np.testing.assert_allclose(
        channel_matrix(back, other, one), channel_matrix(paths, one, other).transpose(1, 0, 3, 2), atol=1e-12
    )
    there, here = best_beams(paths, one, other), best_beams(back, other, one)
    np.testing.assert_array_equal(there.tx_beam, here.rx_beam.T)
    np.testing.assert_allclose(there.power, here.power.T)


def test_best_beams_are_the_best_of_all_pairs():
    paths, tx, rx = some_paths(1), AntennaArray(2, 3), AntennaArray(1, 4)
    found = best_beams(paths, tx, rx)
    for t in range(2):
        for r in range(2):
            power = np.array(
                [
                    [through_beams(paths.link(r, t), tx, a, rx, b).power()[t, r] for b in rx.codebook()]
                    for a in tx.codebook()
                ]
            )
            assert found.power[t, r] == pytest.approx(power.max())
            assert (found.tx_beam[t, r], found.rx_beam[t, r]) == np.unravel_index(power.argmax(), power.shape)
    assert found.tx_beam[:, 2].tolist() == found.rx_beam[:, 2].tolist() == [-1, -1]
    assert found.power[:, 2].tolist() == [0, 0]


def test_the_best_beam_points_to_the_strongest_path():
    centre_deg = np.rad2deg(np.arcsin((2 * np.arange(8) + 1) / 8 - 1))
    paths = path_table([1e-8] * 8, 0.1, rx=np.arange(8), n_rx=8, aod_deg=horizon(centre_deg))
    found = best_beams(paths, AntennaArray(columns=8))
    assert found.tx_beam.tolist() == [list(range(8))]
    assert (found.rx_beam == 0).all()
    np.testing.assert_allclose(found.power, 8 * 0.01)


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: AntennaArray(rows=0), ValueError, r"rows is 0, but must be 1 or more"),
        (lambda: AntennaArray(columns=2.0), TypeError, r"columns is 2.0, but must be a whole number"),
        (lambda: AntennaArray(spacing=0), ValueError, r"spacing is 0, but must be a finite number of wavelengths"),
        (lambda: AntennaArray(element="horn"), ValueError, r"element is 'horn', but must be one of 'isotropic'"),
        (lambda: AntennaArray(downtilt_deg=np.nan), ValueError, r"the array looks at 0.0, nan, but both must"),
        (lambda: AntennaArray(2, 2).amplitude(np.ones(4), [90, 0]), ValueError, r"lengths from 2 to 2, but must be"),
        (lambda: AntennaArray(2, 2).amplitude(np.eye(3), [90, 0]), ValueError, r"beams have shape \(3, 3\)"),
        (lambda: AntennaArray().amplitude(1.0, [90, 0]), ValueError, r"beams have shape \(\)"),
        (
            lambda: through_beams(some_paths(), AntennaArray(), [1.0], AntennaArray()),
            ValueError,
            r"only one of rx and rx_beam is given",
        ),
        (
            lambda: through_beams(some_paths(), AntennaArray(1, 2), np.eye(2)),
            ValueError,
            r"holds several beams, but paths are seen through one beam an end",
        ),
    ],
)  # fmt: skip
def test_bad_input_is_refused_in_one_sentence(call, error, sentence):
    with pytest.raises(error, match=sentence):
        call()
