"""Angles: a folded direction is the same direction."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dnt_lab.raytracing.angles import folded, unit_vector, wrapped
from dnt_lab.raytracing.field import angles_deg


@given(st.floats(-1000, 1000), st.floats(-1000, 1000))
def test_folding_keeps_the_direction(zenith, azimuth):
    angle_deg = folded([zenith, azimuth])
    assert 0 <= angle_deg[0] <= 180
    assert -180 < angle_deg[1] <= 180
    np.testing.assert_allclose(unit_vector(angle_deg), unit_vector([zenith, azimuth]), atol=1e-9)


@given(st.floats(0.01, 179.99), st.floats(-179.99, 180))
def test_unit_vectors_undo_the_tracers_angles(zenith, azimuth):
    np.testing.assert_allclose(angles_deg(unit_vector([zenith, azimuth])), [zenith, azimuth], atol=1e-6)
    np.testing.assert_allclose(folded([zenith, azimuth]), [zenith, azimuth], atol=1e-9)


def test_the_cut_lies_at_minus_180():
    np.testing.assert_array_equal(wrapped([-180.0, 180.0, 540.0, 181.0, 0.0]), [180.0, 180.0, 180.0, -179.0, 0.0])
