"""Reflection at half-spaces and slabs: closed forms, the matrix method for layers, energy and limits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnt_lab.raytracing.fresnel import complex_permittivity, half_space, slab

C_M_S = 299792458.0
COSINES = np.array([1.0, 0.9, 0.5, 0.1, 0.01])

cosine = st.floats(0, 1)
permittivity = st.builds(lambda real, loss: complex(real, -loss), st.floats(1, 80), st.floats(0, 1e7))
freq_hz = st.floats(1e8, 4e11)
thickness_m = st.floats(0, 1)


def slab_by_matrices(cos_incidence, eta, thickness, freq):
    """Characteristic matrix of a layer (Born and Wolf, 1.6) between fields E and H; free space has admittance 1."""
    sin2 = 1 - cos_incidence**2
    s = np.sqrt(complex(eta) - sin2)
    phase = 2 * np.pi * freq / C_M_S * thickness * s
    r = []
    for layer, outside in ((s, cos_incidence), (eta / s, 1 / cos_incidence)):  # E/H across: TE, TM
        matrix = np.array([[np.cos(phase), 1j / layer * np.sin(phase)], [1j * layer * np.sin(phase), np.cos(phase)]])
        e, h = matrix @ [1, outside]
        r.append((outside * e - h) / (outside * e + h))
    return r[0], -r[1]  # the sign of TM: by the field in the plane of incidence turned with the ray


def test_normal_incidence_is_that_of_the_refractive_index():
    r_te, r_tm = half_space(1.0, 2.25)
    assert r_te == pytest.approx((1 - 1.5) / (1 + 1.5))
    assert r_tm == -r_te


def test_nothing_of_tm_comes_back_at_brewsters_angle():
    eta = np.array([1.5, 4.0, 9.0])
    brewster = np.arctan(np.sqrt(eta))
    r_te, r_tm = half_space(np.cos(brewster), eta)
    np.testing.assert_allclose(r_tm, 0, atol=1e-15)
    np.testing.assert_allclose(r_te, (1 - eta) / (1 + eta), rtol=1e-12)
    np.testing.assert_allclose(slab(np.cos(brewster), eta, 0.037, 28e9)[1], 0, atol=1e-15)


@pytest.mark.parametrize("walls", [lambda eta: half_space(0.0, eta), lambda eta: slab(0.0, eta, 0.1, 28e9)])
def test_along_the_wall_all_comes_back_turned_round(walls):
    np.testing.assert_allclose(walls(5.24 - 0.4j), [-1, -1], rtol=1e-12)


def test_vacuum_and_a_resonant_slab_reflect_nothing_even_along_the_wall():
    cosines = [1.0, 0.3, 1e-12, 0.0]
    assert np.abs(half_space(cosines, 1.0)).max() < 1e-15
    assert np.abs(slab(cosines, 1.0, 0.1, 28e9)).max() < 1e-15
    resonant_m = C_M_S / 28e9 / np.sqrt(3) / 2
    assert np.abs(slab(1e-7, 4.0, resonant_m, 28e9)).max() < 1e-6 < 0.99 < np.abs(slab(1e-7, 4.0, 0.1, 28e9)).min()


@given(cosine, permittivity)
def test_half_space_returns_no_more_than_comes(cos_incidence, eta):
    assert np.abs(half_space(cos_incidence, eta)).max() <= 1 + 1e-12


@given(cosine, permittivity, thickness_m, freq_hz)
def test_slab_returns_no_more_than_comes(cos_incidence, eta, thickness, freq):
    r = np.array(slab(cos_incidence, eta, thickness, freq))
    assert np.isfinite(r).all()
    assert np.abs(r).max() <= 1 + 1e-9


@given(
    st.floats(0.01, 1), st.builds(lambda e, x: complex(e, -x), st.floats(1.01, 20), st.floats(0, 3)),
    st.floats(1e-5, 0.02), st.floats(1e9, 1e11),
)  # fmt: skip
def test_slab_equals_the_matrix_method(cos_incidence, eta, thickness, freq):
    np.testing.assert_allclose(
        slab(cos_incidence, eta, thickness, freq), slab_by_matrices(cos_incidence, eta, thickness, freq), atol=1e-9
    )


def test_slab_is_the_sum_of_all_bounces_inside():
    eta, thickness, freq = 4 - 0.3j, 0.01, 28e9
    s = np.sqrt(eta - (1 - COSINES**2))
    once = np.exp(-2j * 2 * np.pi * thickness * freq / C_M_S * s)
    for r, r_slab in zip(half_space(COSINES, eta), slab(COSINES, eta, thickness, freq), strict=True):
        bounces = sum((1 - r**2) * -r * once * (r**2 * once) ** n for n in range(2000))
        np.testing.assert_allclose(r_slab, r + bounces, rtol=1e-9)


def test_a_slab_that_vanishes_reflects_nothing():
    eta = 5.24 - 0.4j
    assert np.array_equal(slab(COSINES, eta, 0.0, 28e9), np.zeros((2, 5)))
    thin = np.abs(slab(COSINES, eta, np.array([[1e-12], [1e-13]]), 28e9))
    np.testing.assert_allclose(thin[:, 0] / thin[:, 1], 10, rtol=1e-4)  # in proportion to its thickness, to the end
    assert thin.max() < 1e-6


@pytest.mark.parametrize("quarters", [1, 3, 5])
def test_odd_quarter_waves_reflect_most_and_half_waves_nothing(quarters):
    eta, freq = 4.0, 28e9
    quarter_m = C_M_S / freq / np.sqrt(eta) / 4
    r_te, r_tm = slab(1.0, eta, quarters * quarter_m, freq)
    assert r_te == pytest.approx((1 - eta) / (1 + eta), abs=1e-12)
    assert r_tm == pytest.approx(-r_te, abs=1e-12)
    assert np.abs(slab(1.0, eta, (quarters + 1) * quarter_m, freq)).max() < 1e-12


@pytest.mark.parametrize(  # metal, a thick wall, and a lossless medium in which the wave fades away from the surface
    ("eta", "thickness", "cosines"), [(1 - 6.4e6j, 1e-3, COSINES), (5.24 - 0.4j, 1.0, COSINES), (0.5, 1.0, COSINES[2:])]
)
def test_what_lets_nothing_through_reflects_as_a_half_space(eta, thickness, cosines):
    np.testing.assert_allclose(slab(cosines, eta, thickness, 28e9), half_space(cosines, eta), atol=1e-12)


def test_permittivity_follows_the_rounded_formula_of_the_itu():
    assert complex_permittivity(5.24, 0.626, 28e9) == pytest.approx(5.24 - 17.98j * 0.626 / 28, rel=1e-4)


def test_shapes_broadcast():
    assert slab(COSINES, 4.0, np.full((3, 1), 0.1), 28e9)[0].shape == (3, 5)
    assert half_space(np.empty((2, 0)), 4.0)[1].shape == (2, 0)


def test_a_cosine_that_rounding_took_over_one_is_one():
    assert np.array_equal(half_space(1 + 1e-12, 4.0), half_space(1.0, 4.0))


@pytest.mark.parametrize("wrong", [1.1, -0.5, np.nan])
@pytest.mark.parametrize("wall", [half_space, lambda c, eta: slab(c, eta, 0.1, 28e9)])
def test_what_is_no_cosine_is_refused(wall, wrong):
    with pytest.raises(ValueError, match=rf"cos_incidence holds {wrong}, but the cosine .* is in 0..1"):
        wall([0.5, wrong], 4.0)
