"""Shadow fading: standard normal, exponentially correlated in space, independent between sites, a function of place."""

import numpy as np
import pytest
from scipy import stats

from dnt_lab.physical.shadowing import GaussianField

D0_M = 10.0


@pytest.fixture(scope="module")
def field():
    return GaussianField.draw(4000, D0_M, seed=1)


def values(field, *points_m):
    """Every field at every point: shape (points, sites)."""
    sites = np.tile(np.arange(len(field.phase_rad)), (len(points_m), 1))
    return field.at(sites, np.array(points_m, float))


def test_the_value_at_a_spot_is_standard_normal_over_sites(field):
    for spot in ((0, 0), (1234.5, -77.0)):
        assert stats.kstest(values(field, spot)[0], "norm").pvalue > 0.01
        assert values(field, spot).std() == pytest.approx(1, abs=0.04)


def test_one_field_is_nearly_standard_normal_over_the_plane():
    field = GaussianField.draw(1, D0_M, seed=2)
    xy = np.random.default_rng(0).uniform(-1e4, 1e4, (20_000, 2))
    x = field.at(np.zeros((len(xy), 1), int), xy)[:, 0]
    assert x.mean() == pytest.approx(0, abs=0.03)
    assert x.std() == pytest.approx(1, abs=0.03)
    assert stats.kurtosis(x) == pytest.approx(-1.5 / 32, abs=0.1)  # 32 cosines: -3/2 of the kurtosis of one over 32


@pytest.mark.parametrize("direction", [(1.0, 0.0), (0.6, 0.8), (0.0, -1.0)])
@pytest.mark.parametrize("d_m", [0.0, 1.0, 5.0, 10.0, 20.0, 40.0])
def test_autocorrelation_is_exponential(field, d_m, direction):
    at, there = values(field, (3.0, 4.0), np.array([3.0, 4.0]) + d_m * np.array(direction))
    assert np.mean(at * there) == pytest.approx(np.exp(-d_m / D0_M), abs=0.05)  # 3 / sqrt(4000)


def test_fields_of_different_sites_are_independent():
    field = GaussianField.draw(2, D0_M, seed=3)
    xy = np.random.default_rng(1).uniform(-1e4, 1e4, (20_000, 2))
    a, b = field.at(np.tile([0, 1], (len(xy), 1)), xy).T
    assert np.corrcoef(a, b)[0, 1] == pytest.approx(0, abs=0.03)


def test_a_spot_keeps_its_value_whoever_asks_and_how_many_ask(field):
    sites, xy = np.array([[0, 5, 7], [1, 2, 3]]), np.array([[1.0, 2.0], [300.0, -5.0]])
    both = field.at(sites, xy)
    np.testing.assert_array_equal(both[1:], field.at(sites[1:], xy[1:]))
    np.testing.assert_array_equal(both, field.at(sites, xy))


def test_seeds():
    assert (GaussianField.draw(3, D0_M, 1).phase_rad == GaussianField.draw(3, D0_M, 1).phase_rad).all()
    assert (GaussianField.draw(3, D0_M, 1).wave_1_m == GaussianField.draw(3, D0_M, 1).wave_1_m).all()
    assert (GaussianField.draw(3, D0_M, 1).phase_rad != GaussianField.draw(3, D0_M, 2).phase_rad).all()
    assert repr(GaussianField.draw(3, D0_M, 1)) == "GaussianField(3 sites, 32 waves)"
