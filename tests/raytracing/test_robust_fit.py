"""Robust fit: against least squares and a grid search, with outliers, at bounds, and the noise it reports."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnt_lab.raytracing.robust_fit import robust_fit

WIDE = np.array([-1e6, -1e6]), np.array([1e6, 1e6])


def line(n=60, noise=1.0, seed=0):
    """Errors of a line a + b x against noisy points, in units so small that the belief hardly counts."""
    x = np.linspace(-1, 1, n)
    y = 3 + 5 * x + noise * np.random.default_rng(seed).normal(size=n)
    return x, y, lambda u, y=y: 1e4 * (u[0] + u[1] * x) - y


def test_without_outliers_it_is_nearly_least_squares():
    x, y, error_db = line()
    fit = robust_fit(error_db, *WIDE, expected_noise_db=3.0)
    ordinary, *_ = np.linalg.lstsq(np.stack([np.ones_like(x), x], axis=1), y, rcond=None)
    np.testing.assert_allclose(1e4 * fit.u, ordinary, atol=0.08)  # standard errors are 0.13 and 0.22
    assert fit.noise_db == pytest.approx(np.sqrt(np.sum(fit.error_db**2) / 58), rel=0.2)
    covariance = 1e8 * np.linalg.inv(fit.information)
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), [1 / np.sqrt(60), 1 / np.sqrt(np.sum(x**2))], rtol=0.25)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([-40.0, 25.0, 1000.0]))
def test_one_in_five_wrong_on_one_side_moves_nothing(seed, wrong_db):
    _, y, error_db = line(seed=seed)
    clean = robust_fit(error_db, *WIDE, 3.0)
    bad = np.random.default_rng(seed).permutation(60)[:12]
    spoilt = y.copy()
    spoilt[bad] += wrong_db
    fit = robust_fit(lambda u: error_db(u, spoilt), *WIDE, 3.0)
    assert np.all(np.abs(1e4 * (fit.u - clean.u)) < [0.5, 0.7])  # a mean of the errors would be off by 5 or more
    assert clean.noise_db / 2 < fit.noise_db < 2 * clean.noise_db
    plain, *_ = np.linalg.lstsq(np.stack([np.ones(60), np.linspace(-1, 1, 60)], axis=1), spoilt, rcond=None)
    assert abs(plain[0] - 3) > 3


def test_one_measurement_and_a_belief_against_a_grid_search():
    # one parameter, one error of 4 - 2 u: noise stays as expected, the last stage is Cauchy's loss
    fit = robust_fit(lambda u: 2 * u - 4, np.array([-9.0]), np.array([9.0]), expected_noise_db=1.5)
    u = np.linspace(-9, 9, 1_800_001)
    cost = 2.385**2 * np.log(1 + ((2 * u - 4) / 1.5 / 2.385) ** 2) + u**2
    assert fit.noise_db == 1.5
    assert fit.u[0] == pytest.approx(u[cost.argmin()], abs=1e-3)
    assert 0 < fit.u[0] < 2  # between belief and measurement


def test_it_leaves_a_bound_it_starts_from_and_stops_at_one_it_meets():
    inwards = robust_fit(lambda u: 10 * u - 8 * np.ones(20), np.array([0.0]), np.array([2.0]), 1.0)
    assert inwards.u[0] == pytest.approx(0.8, abs=0.02)
    outwards = robust_fit(lambda u: 10 * u + 8 * np.ones(20), np.array([0.0]), np.array([2.0]), 1.0)
    assert outwards.u[0] == 0.0


def test_expected_noise_counts_where_nothing_else_is_known_and_fades():
    rng = np.random.default_rng(0)
    for n, low, high in ((1, 3.0, 3.0), (4, 0.3, 2.0), (40, 0.07, 0.2), (400, 0.09, 0.12)):
        y = 0.1 * rng.normal(size=n)
        fit = robust_fit(lambda u, y=y: 1e3 * u - y, np.array([-9.0]), np.array([9.0]), 3.0)
        assert low <= fit.noise_db <= high, n


def test_what_no_error_depends_on_stays_where_it_was_believed():
    fit = robust_fit(lambda u: u[0] - np.ones(5) + 0 * u[1], *WIDE, 0.1)
    assert fit.u[0] == pytest.approx(1, abs=0.01)
    assert fit.u[1] == 0
    assert not fit.slopes[:, 1].any()
