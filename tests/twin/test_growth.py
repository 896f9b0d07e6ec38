"""Growth: closed form, regression by scipy, the interval against its definition, and its coverage by simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dnt_lab.twin.growth import Growth, estimate_growth


@given(st.floats(1.0, 100.0), st.floats(0.001, 0.5))
def test_closed_form(factor, growth):
    months = np.array(Growth(growth).months_to(factor))
    assert months == pytest.approx(np.log(factor) / np.log(1 + growth), rel=1e-9, abs=1e-9)


def test_edges():
    assert np.array(Growth(0.05).months_to([0.5, 1.0, np.inf])).T.tolist() == [[0] * 3, [0] * 3, [np.inf] * 3]
    for shrinking in (0.0, -0.02):
        assert np.array(Growth(shrinking).months_to([0.5, 2.0])).T.tolist() == [[0] * 3, [np.inf] * 3]


def test_estimate_is_the_regression_of_scipy():
    history = 50 * 1.04 ** np.arange(18) * np.random.default_rng(3).lognormal(0, 0.1, 18)
    month = np.arange(-17, 1)
    line = stats.linregress(month, np.log(history))
    growth = estimate_growth(history)
    assert np.log1p(growth.per_month) == pytest.approx(line.slope)
    assert np.log(growth.level) == pytest.approx(line.intercept)
    assert growth.covariance[0] == pytest.approx(line.intercept_stderr**2)
    assert growth.covariance[2] == pytest.approx(line.stderr**2)


@pytest.mark.parametrize(("seed", "noise"), [(0, 0.05), (1, 0.1), (4, 0.3)])
def test_interval_is_where_the_band_meets_the_limit(seed, noise):
    history = 1.03 ** np.arange(24) * np.random.default_rng(seed).lognormal(0, noise, 24)
    growth = estimate_growth(history)
    _, earliest, latest = growth.months_to(3.0, 0.9)
    a, c, b = growth.covariance
    t = np.linspace(0, 2000, 2_000_001)
    line = np.log1p(growth.per_month) * t
    half = stats.t.ppf(0.95, 22) * np.sqrt(a + 2 * c * t + b * t**2)
    inside = np.flatnonzero(np.abs(line - np.log(3.0)) <= half)
    assert earliest == pytest.approx(t[inside[0]], abs=2e-3)
    assert latest == pytest.approx(t[inside[-1]], abs=2e-3) or (latest == np.inf and inside[-1] == len(t) - 1)


def test_interval_covers_the_truth_as_often_as_it_says():
    rng, slope, limit, n = np.random.default_rng(11), np.log(1.03), np.log(2.5), 1500
    truth = limit / slope
    covered = 0
    for _ in range(n):
        growth = estimate_growth(np.exp(slope * np.arange(-23, 1) + rng.normal(0, 0.08, 24)))
        _, earliest, latest = growth.months_to(np.exp(limit) / growth.level, 0.9)
        covered += earliest <= truth <= latest
    assert covered / n == pytest.approx(0.9, abs=3 * np.sqrt(0.09 / n))


def test_a_flat_noisy_history_promises_nothing():
    growth = estimate_growth([100, 104, 97, 101, 99, 102])
    expected, earliest, latest = growth.months_to(2.0)
    assert 0 < earliest < np.inf and latest == np.inf and expected >= earliest


@pytest.mark.parametrize(
    ("call", "kind", "sentence"),
    [
        (lambda: Growth(-1.5), ValueError, "per_month is -1.5, but it must be over -1"),
        (lambda: Growth.of("fast"), TypeError, "growth per month is 'fast', but a number is needed"),
        (lambda: Growth(0.1).months_to(0.0), ValueError, "factor holds 0.0"),
        (lambda: Growth(0.1).months_to(2.0, confidence=95), ValueError, "confidence is 95"),
        (lambda: estimate_growth([1.0, 2.0, 3.0]), ValueError, "needs 4 months or more"),
        (
            lambda: estimate_growth([1.0, 2.0, 0.0, 4.0]),
            ValueError,
            "history holds 0.0, but every value must be over 0",
        ),
    ],
)
def test_wrong_calls(call, kind, sentence):
    with pytest.raises(kind, match=sentence):
        call()
