"""Errors by hand, and by definitions written out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dnt_lab.cases import traffic

numbers = arrays(float, (3, 7), elements=st.floats(-5, 5, width=32), unique=True)


def test_known_answers_by_hand():
    truth = np.array([[0.0, 1.0, 2.0, 3.0], [10.0, 10.0, 14.0, 14.0]])
    forecast = truth + np.array([[1.0, -1.0, 1.0, -1.0], [2.0, 2.0, 2.0, 2.0]])
    found = traffic.scores(truth, forecast)
    assert found == {"mse": 2.5, "mae": 1.5, "nrmse": pytest.approx((1 / 3 + 2 / 4) / 2)}
    assert traffic.nrmse(truth, forecast, divisor="mean") == pytest.approx((1 / 1.5 + 2 / 12) / 2)


def test_the_two_divisors_can_rank_two_forecasts_differently():
    truth = np.array([[0.0, 0.1, 20.0, 0.1], [9.0, 10.0, 11.0, 10.0]])
    good_on_first = truth + np.array([[0.0], [1.0]])
    good_on_second = truth + np.array([[2.0], [0.0]])
    by_range = [traffic.nrmse(truth, f, divisor="range") for f in (good_on_first, good_on_second)]
    by_mean = [traffic.nrmse(truth, f, divisor="mean") for f in (good_on_first, good_on_second)]
    assert by_range[0] > by_range[1] and by_mean[0] < by_mean[1]


@given(numbers, numbers)
def test_scores_are_their_definitions(truth, forecast):
    found = traffic.scores(truth, forecast)
    loops = [[(f - t) for f, t in zip(fs, ts, strict=True)] for fs, ts in zip(forecast, truth, strict=True)]
    flat = [e for row in loops for e in row]
    assert found["mse"] == pytest.approx(sum(e * e for e in flat) / 21)
    assert found["mae"] == pytest.approx(sum(map(abs, flat)) / 21)
    each = [(sum(e * e for e in row) / 7) ** 0.5 / (max(t) - min(t)) for row, t in zip(loops, truth, strict=True)]
    assert found["nrmse"] == pytest.approx(sum(each) / 3)


@given(numbers, numbers, st.floats(0.5, 100), st.floats(-50, 50))
def test_nrmse_by_range_does_not_mind_scaling_and_shift(truth, forecast, scale, shift):
    before = traffic.nrmse(truth, forecast, divisor="range")
    after = traffic.nrmse(scale * truth + shift, scale * forecast + shift, divisor="range")
    assert after == pytest.approx(before, rel=1e-3, abs=1e-9)


def test_bad_input_is_refused():
    truth = np.arange(6.0).reshape(2, 3)
    with pytest.raises(ValueError, match=r"truth has shape \(2, 3\) and forecast \(3,\)"):
        traffic.scores(truth, truth[0])
    with pytest.raises(ValueError, match="a model has diverged"):
        traffic.scores(truth, truth * np.nan)
    with pytest.raises(ValueError, match="the range of cell number 1 is 0"):
        traffic.scores([[0.0, 1.0], [2.0, 2.0]], [[0.0, 1.0], [2.0, 2.0]])
    with pytest.raises(ValueError, match="the mean of cell number 0 is -1"):
        traffic.nrmse([[-1.0, -1.0]], [[0.0, 0.0]], divisor="mean")
    with pytest.raises(ValueError, match="divisor is 'max', but must be one of"):
        traffic.nrmse(truth, truth, divisor="max")
