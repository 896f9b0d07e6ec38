"""Path loss: the vectors of TR 38.901 from the ns-3 tests and from the formula, LOS probabilities, free space."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnt_lab.physical import pathloss

LOS, NLOS = True, False


@pytest.mark.parametrize(
    ("model", "freq_hz", "heights_m", "d2d_m", "los", "expected_db"),
    [
        (pathloss.umi_db, 5e9, (10, 1.5), (10, 100, 1000, 5000), LOS, (69.8591, 88.4122, 119.3114, 147.2696)),
        (pathloss.umi_db, 5e9, (10, 1.5), (10, 100, 1000, 5000), NLOS, (76.7563, 107.9432, 143.1886, 167.8617)),
        (pathloss.inh_db, 5e9, (3, 1.5), (1, 10, 50, 100), LOS, (50.8072, 63.7630, 75.7750, 80.9802)),
        (pathloss.inh_db, 5e9, (3, 1.5), (1, 10, 50, 100), NLOS, (50.8072, 73.1894, 99.7824, 111.3062)),
        (pathloss.umi_db, 28e9, (10, 1.5), (10, 50, 100, 200), LOS, (84.8228, 97.1514, 103.3760, 109.6730)),
        (pathloss.umi_db, 28e9, (10, 1.5), (10, 50, 100, 200), NLOS, (92.6927, 113.4165, 123.8796, 134.4647)),
    ],
)
def test_vectors_of_tr_38901(model, freq_hz, heights_m, d2d_m, los, expected_db):
    np.testing.assert_allclose(model(d2d_m, freq_hz, los, *heights_m), expected_db, rtol=0, atol=1e-4)


def test_free_space_at_28_ghz():
    d3d_m = np.hypot(100.0, 8.5)
    assert pathloss.free_space_db(d3d_m, 28e9) == pytest.approx(101.4222, abs=1e-4)


def test_free_space_grows_by_20_db_a_decade_in_distance_and_frequency():
    loss = pathloss.free_space_db([[1.0], [10.0]], [1e9, 10e9])
    np.testing.assert_allclose(loss - loss[0, 0], [[0, 20], [20, 40]], atol=1e-9)
    assert loss[0, 0] == pytest.approx(32.4478, abs=1e-4)  # the textbook's 32.45 dB at 1 km and 1 MHz


def test_umi_is_continuous_at_the_breakpoint_and_steeper_beyond():
    breakpoint_m = 4 * 9 * 0.5 * 5e9 / 3e8
    at, after, far = pathloss.umi_db([breakpoint_m, breakpoint_m + 1e-6, 10 * breakpoint_m], 5e9, True)
    assert after == pytest.approx(at, abs=1e-3)
    assert far - at == pytest.approx(40, abs=0.1)


@pytest.mark.parametrize(("d_m", "expected"), [(10, 1.0), (18, 1.0), (50, 0.519585), (100, 0.230985), (200, 0.093518)])
def test_umi_los_probability(d_m, expected):
    assert pathloss.umi_los_probability(d_m) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("d_m", "expected"),  # TR 38.901, Table 7.4.2-1, "InH - mixed office", worked out by hand
    [(0.0, 1.0), (1.2, 1.0), (5.9, np.exp(-1)), (6.5, 0.32), (39.1, 0.32 * np.exp(-1)), (71.7, 0.32 * np.exp(-2))],
)
def test_inh_los_probability(d_m, expected):
    assert pathloss.inh_los_probability(d_m) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("probability", [pathloss.umi_los_probability, pathloss.inh_los_probability])
def test_los_probability_falls_with_distance(probability):
    p = probability(np.linspace(0, 500, 5001))
    assert p[0] == 1
    assert ((p >= 0) & (p <= 1)).all()
    assert (np.diff(p) <= 0).all()


@given(st.floats(1, 5000), st.floats(0.5e9, 100e9), st.sampled_from(["umi_db", "inh_db"]))
def test_nlos_never_loses_less_than_los_and_both_grow_with_distance(d_m, freq_hz, model):
    loss = getattr(pathloss, model)
    los, nlos = loss(d_m, freq_hz, LOS), loss(d_m, freq_hz, NLOS)
    assert nlos >= los
    assert loss(1.1 * d_m, freq_hz, LOS) > los
    assert loss(1.1 * d_m, freq_hz, NLOS) > nlos


def test_arguments_broadcast():
    loss = pathloss.umi_db(np.array([[10.0], [20.0]]), [3.5e9, 28e9], [[True], [False]], 10.0, [1.5, 2.0])
    assert loss.shape == (2, 2)
    assert loss[1, 1] == pathloss.umi_db(20.0, 28e9, False, 10.0, 2.0)
