"""Radio map: the tracer's own numbers at every point, free space, SINR by hand, houses, and chunks that do not show."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from dnt_lab.raytracing.materials import FixedLoss
from dnt_lab.raytracing.radio_map import RadioMap, radio_map
from dnt_lab.raytracing.scene import Scene
from dnt_lab.raytracing.trace import trace

FREQ_HZ = 28e9
BOUNDS_M = (-20.0, -10.0, 21.0, 10.0)
TX_M = np.array([[-15.0, 0.3, 4.0], [18.0, -6.2, 6.0]])
HOUSE = Scene.box((-4.0, -3.0, 0.0), (5.0, 4.0, 8.0), "concrete", name="house")


@pytest.fixture(scope="module")
def mapped():
    return radio_map(HOUSE, TX_M, FREQ_HZ, BOUNDS_M, 2.5, tx_power_dbm=[30.0, 24.0])


def test_points_are_the_centres_of_whole_cells(mapped):
    np.testing.assert_allclose(mapped.x_m, -20 + 2.5 * (np.arange(16) + 0.5))
    np.testing.assert_allclose(mapped.y_m, -10 + 2.5 * (np.arange(8) + 0.5))
    assert mapped.power_dbm.shape == (2, 8, 16)
    assert mapped.height_m == 1.5


@pytest.mark.parametrize("coherent", [False, True])
def test_every_value_is_exactly_that_of_a_single_trace(coherent):
    settings = {"max_order": 2, "extrapolate": True}
    chunked = radio_map(HOUSE, TX_M, 130e9, BOUNDS_M, 4.0, coherent=coherent, chunk=7, **settings)
    for y, x in np.argwhere(~chunked.indoor):
        for t in range(2):
            paths = trace(HOUSE, TX_M[t], [chunked.x_m[x], chunked.y_m[y], 1.5], 130e9, **settings)
            fading = np.abs(np.sum(paths.gain * np.exp(-2j * np.pi * 130e9 * paths.delay_s))) ** 2
            with np.errstate(divide="ignore"):
                expected_dbm = 30.0 + 10 * np.log10(fading if coherent else np.sum(np.abs(paths.gain) ** 2))
            tolerance_db = 1e-9 if coherent else 0.0  # sums of complex numbers may be added in another order
            np.testing.assert_allclose(chunked.power_dbm[t, y, x], expected_dbm, rtol=0, atol=tolerance_db)


def test_chunks_and_other_points_change_nothing(mapped):
    again = radio_map(HOUSE, TX_M, FREQ_HZ, BOUNDS_M, 2.5, tx_power_dbm=[30.0, 24.0], chunk=5)
    np.testing.assert_array_equal(mapped.power_dbm, again.power_dbm)
    alone = radio_map(HOUSE, TX_M[1], FREQ_HZ, BOUNDS_M, 2.5, tx_power_dbm=24.0)
    np.testing.assert_array_equal(mapped.power_dbm[1], alone.power_dbm[0])


def test_free_space_in_closed_form():
    far = Scene.box((900, 900, 0), (901, 901, 1), "concrete")
    field = radio_map(far, [0.0, 0.0, 11.5], FREQ_HZ, (-40, -40, 40, 40), 10.0, tx_power_dbm=20.0, max_order=0)
    x_m, y_m = np.meshgrid(field.x_m, field.y_m)
    distance_m = np.sqrt(x_m**2 + y_m**2 + 100)
    expected_dbm = 20 - 20 * np.log10(4 * np.pi * distance_m * FREQ_HZ / 299792458)
    np.testing.assert_allclose(field.power_dbm[0], expected_dbm, atol=1e-9)
    noise_dbm = -174 + 7 + 80
    assert field.noise_dbm == pytest.approx(noise_dbm, abs=0.03)
    np.testing.assert_allclose(field.sinr_db, expected_dbm - noise_dbm, atol=0.03)


def test_inside_a_house_is_flagged_and_its_shadow_is_not(mapped):
    x_m, y_m = np.meshgrid(mapped.x_m, mapped.y_m)
    np.testing.assert_array_equal(mapped.indoor, (abs(x_m - 0.5) < 4.5) & (abs(y_m - 0.5) < 3.5))
    assert np.isnan(mapped.power_dbm[:, mapped.indoor]).all()
    assert not np.isnan(mapped.power_dbm[:, ~mapped.indoor]).any()
    shadow = (y_m > -3) & (y_m < 4) & (x_m > 6) & (x_m < 9)
    assert np.isneginf(mapped.power_dbm[0][shadow]).any()


def test_a_transmitter_indoors_makes_its_house_a_room():
    inside = radio_map(HOUSE, [0.0, 0.0, 3.0], FREQ_HZ, (-4, -3, 5, 4), 1.0, max_order=1)
    assert not inside.indoor.any()
    assert np.isfinite(inside.power_dbm).all()


def by_hand(power_dbm, indoor=None):
    power_dbm = np.asarray(power_dbm, float)
    indoor = np.zeros(power_dbm.shape[1:], bool) if indoor is None else np.array(indoor)
    return RadioMap(
        np.arange(power_dbm.shape[2]), np.arange(power_dbm.shape[1]), 1.5, np.zeros((3, 3)), power_dbm, indoor, -90.0
    )


def test_best_server_and_sinr_by_hand():
    nothing, unknown = -np.inf, np.nan
    powers = [
        [[-60, -70, nothing, -90, unknown]],
        [[-70, -60, nothing, nothing, unknown]],
        [[-70, -60, nothing, nothing, unknown]],
    ]
    made = by_hand(powers, [[False, False, False, False, True]])
    assert made.best_server.tolist() == [[0, 1, -1, 0, -1]]
    expected_db = [
        10 * np.log10(1e-6 / (2e-7 + 1e-9)),
        10 * np.log10(1e-6 / (1e-7 + 1e-6 + 1e-9)),
        -np.inf,
        0.0,
        np.nan,
    ]
    np.testing.assert_allclose(made.sinr_db[0], expected_db, atol=1e-9)
    assert repr(made) == "RadioMap(5 x 1 points, 3 transmitters, 75% of outdoor points served)"


def test_table(mapped):
    table = mapped.to_frame()
    assert len(table) == 128
    row = table.iloc[3 * 16 + 2]
    assert (row.x_m, row.y_m) == (mapped.x_m[2], mapped.y_m[3])
    assert row.power_dbm_1 == mapped.power_dbm[1, 3, 2]
    assert row.best_server == mapped.best_server[3, 2]
    assert table["indoor"].sum() == mapped.indoor.sum()


@pytest.mark.parametrize(
    ("what", "label"), [("power", "received power (dBm)"), ("sinr", "SINR (dB)"), ("server", "best server")]
)
def test_plot(mapped, what, label):
    figure, ax = plt.subplots()
    try:
        assert mapped.plot(what, ax) is ax
        assert figure.axes[1].get_ylabel() == label
        shown = ax.collections[0].get_array()
        assert np.ma.getmaskarray(shown)[mapped.indoor].all()
        assert not np.ma.getmaskarray(shown).all()
    finally:
        plt.close(figure)


def test_walls_of_fixed_loss_and_scalar_paths_are_passed_on():
    room = Scene.room((20, 20, 6), FixedLoss(6.0))
    scalar = radio_map(room, [5.0, 5.0, 5.0], 60e9, (0, 0, 20, 20), 5.0, max_order=1, polarised=False)
    paths = trace(room, [5.0, 5.0, 5.0], [2.5, 2.5, 1.5], 60e9, 1, polarised=False)
    assert scalar.power_dbm[0, 0, 0] == 30.0 + 10 * np.log10(paths.power()[0, 0])


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"bounds_m": (0, 0, 1, 9)}, ValueError, r"bounds_m \(0, 0, 1, 9\) hold no cell of 2.5 m"),
        ({"bounds_m": (9, 0, 1, 9)}, ValueError, "with min below max is needed"),
        ({"spacing_m": 0.0}, ValueError, "spacing_m is 0.0 m, but must be a finite length above 0 m"),
        ({"chunk": 0}, ValueError, "chunk is 0, but must be 1 or more"),
        ({"tx_m": [[0.0, 1.0]]}, ValueError, r"tx_m is \[\[0.0, 1.0\]\], but transmitters need finite coordinates"),
        ({"tx_m": [0.0, np.nan, 1.0]}, ValueError, "but transmitters need finite coordinates"),
        ({"tx_m": [[-18.75, -8.75, 1.5]]}, ValueError, "stands where tx 0 does"),
        ({"tx_power_dbm": [1.0, 2.0, 3.0]}, ValueError, "but one finite power, or one a transmitter, is needed"),
        ({"tx_power_dbm": np.inf}, ValueError, "tx_power_dbm is inf"),
        ({"bandwidth_hz": 0.0}, ValueError, "bandwidth_hz is 0.0 and noise_figure_db 7.0, but a finite bandwidth"),
        ({"max_order": 4}, ValueError, "max_order is 4, but must be 0 to 3"),
    ],
)
def test_bad_input_is_refused(change, error, sentence):
    arguments = {"scene": HOUSE, "tx_m": TX_M, "freq_hz": FREQ_HZ, "bounds_m": BOUNDS_M, "spacing_m": 2.5}
    with pytest.raises(error, match=sentence):
        radio_map(**{**arguments, **change})


def test_bad_plot_is_refused(mapped):
    with pytest.raises(ValueError, match="what is 'rain', but must be one of 'power', 'sinr', 'server'"):
        mapped.plot("rain")
