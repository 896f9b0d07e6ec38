"""Reweighting: Bayes by hand and in closed form, wrong readings, silence, and draws that keep what is known."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from dnt_lab.raytracing.reweighting import Scenarios


def drawn(n=4000, seed=0, mean=0.0, std=1.0):
    return Scenarios(pd.DataFrame({"x": np.random.default_rng(seed).normal(mean, std, n)}))


def predicted(scenarios, n):
    return np.repeat(scenarios.table["x"].to_numpy()[:, None], n, axis=1)


def test_bayes_by_hand():
    prior = Scenarios(pd.DataFrame({"loss_db": [6.0, 8.0, 10.0]}), [0.5, 0.25, 0.25])
    predicted_db, measured_db = np.array([[-66.0, 1], [-68, 2], [-70, 3]]), np.array([-69.0, 2.5])
    posterior = prior.reweight(predicted_db, measured_db, noise_db=2.0, dof=3.0)
    likelihood = stats.t.pdf((measured_db - predicted_db) / 2.0, 3.0).prod(axis=1)
    expected = likelihood * [0.5, 0.25, 0.25] / np.sum(likelihood * [0.5, 0.25, 0.25])
    np.testing.assert_allclose(posterior.weight, expected, rtol=1e-12)
    assert posterior.mean()["loss_db"] == pytest.approx(expected @ [6, 8, 10])
    assert posterior.effective_number == pytest.approx(1 / np.sum(expected**2))
    assert repr(posterior).startswith("Scenarios(3 of loss_db; effective number ")


@settings(max_examples=10, deadline=None)
@given(st.floats(-2, 2), st.floats(0.5, 3), st.integers(1, 5))
def test_a_gaussian_posterior_in_closed_form(measured_db, noise_db, n):
    scenarios = drawn(20_000)
    posterior = scenarios.reweight(predicted(scenarios, n), np.full(n, measured_db), noise_db=noise_db, dof=np.inf)
    precision = 1 + n / noise_db**2
    assert posterior.mean()["x"] == pytest.approx(measured_db * n / noise_db**2 / precision, abs=0.1)
    assert posterior.std()["x"] == pytest.approx(precision**-0.5, abs=0.06)


def test_the_order_of_measurements_does_not_matter():
    scenarios = drawn(50)
    both = scenarios.reweight(predicted(scenarios, 2), [0.5, -0.2])
    one = predicted(scenarios, 1)
    np.testing.assert_allclose(scenarios.reweight(one, [-0.2]).reweight(one, [0.5]).weight, both.weight, rtol=1e-9)


def test_the_likelihood_comes_in_parts():
    scenarios = drawn(50)
    whole, half = (scenarios.reweight(predicted(scenarios, 2), [0.5, -0.2], exponent=e) for e in (1.0, 0.5))
    np.testing.assert_allclose(half.reweight(predicted(scenarios, 2), [0.5, -0.2], exponent=0.5).weight, whole.weight)
    assert scenarios.reweight(predicted(scenarios, 1), [9.0], exponent=0.0).effective_number == pytest.approx(50)


def test_one_reading_in_five_may_be_wrong():
    scenarios, readings = drawn(std=5.0), np.array([2.0, 2.3, 1.8, 2.1, -30.0])
    robust = scenarios.reweight(predicted(scenarios, 5), readings, noise_db=0.5)
    fragile = scenarios.reweight(predicted(scenarios, 5), readings, noise_db=0.5, dof=np.inf)
    assert robust.mean()["x"] == pytest.approx(2.05, abs=0.15)
    assert fragile.mean()["x"] < -3


def test_silence_counts_as_the_noise_floor():
    scenarios = Scenarios(pd.DataFrame({"blocked": [True, False]}))
    predicted_db = [[-np.inf], [-70.0]]
    weight = scenarios.reweight(predicted_db, [-np.inf], floor_db=-95.0).weight
    np.testing.assert_allclose(weight, scenarios.reweight([[-95.0], [-70.0]], [-95.0]).weight)
    assert weight[0] > 0.99
    assert scenarios.reweight(predicted_db, [-72.0], floor_db=-95.0).share("blocked").index[0] is np.False_


def test_resampling_is_systematic_and_seeded():
    scenarios = Scenarios(pd.DataFrame({"name": ["a", "b", "c"], "x": [1.0, 2.0, 3.0]}), [0.5, 0.3, 0.2])
    copies = scenarios.resample(10, seed=3)
    assert copies.table["name"].value_counts().to_dict() == {"a": 5, "b": 3, "c": 2}
    assert copies.effective_number == pytest.approx(10)
    pd.testing.assert_frame_equal(
        scenarios.resample(7, seed=1, jitter=0.5).table, scenarios.resample(7, 1, jitter=0.5).table
    )
    assert scenarios.resample(1, seed=0).table.shape == (1, 2)


@pytest.mark.parametrize("jitter", [0.0, 0.3, 1.0])
def test_jitter_keeps_mean_and_covariance(jitter):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(5000, 2)) @ [[2.0, 1.0], [0.0, 0.5]] + [10.0, -3.0]
    table = pd.DataFrame(values, columns=["x", "y"]).assign(count=np.arange(5000), wall="brick")
    weight = np.exp(-0.2 * values[:, 1] ** 2)
    scenarios = Scenarios(table, weight)
    again = scenarios.resample(20_000, seed=1, jitter=jitter)
    expected = np.cov(values.T, aweights=weight / weight.sum(), bias=True)
    np.testing.assert_allclose(again.mean()[["x", "y"]], scenarios.mean()[["x", "y"]], atol=0.05)
    np.testing.assert_allclose(np.cov(again.table[["x", "y"]].T), expected, atol=0.1)
    assert np.isin(again.table["x"], values[:, 0]).all() == (jitter == 0)
    assert again.table["count"].isin(table["count"]).all()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"predicted_db": np.zeros((2, 2))}, r"predicted_db has shape \(2, 2\) and measured_db \(2,\), but \(3, n\)"),
        ({"measured_db": np.zeros(3)}, r"a row a scenario, a column a measurement"),
        ({"measured_db": 0.0}, "are needed"),
        ({"measured_db": [0.0, np.nan]}, "holds a value that is not finite"),
        ({"measured_db": [0.0, -np.inf]}, "give the receiver's noise floor as floor_db"),
        ({"predicted_db": np.full((3, 2), np.inf)}, "holds a value that is not finite"),
        ({"noise_db": 0.0}, "noise_db is 0.0, dof 4.0 and exponent 1.0, but the first two must be over 0"),
        ({"dof": -1.0}, "dof -1.0 and exponent"),
        ({"exponent": 2.0}, "and the exponent from 0 to 1"),
    ],
)
def test_bad_measurements_are_refused(change, sentence):
    scenarios = Scenarios(pd.DataFrame({"x": [1, 2, 3]}))
    with pytest.raises(ValueError, match=sentence):
        scenarios.reweight(**{"predicted_db": np.zeros((3, 2)), "measured_db": np.zeros(2), **change})


def test_bad_scenarios_and_draws_are_refused():
    table = pd.DataFrame({"x": [1.0, 2.0]})
    with pytest.raises(ValueError, match="table holds no scenario"):
        Scenarios(table[:0])
    for weight in ([1.0], [1.0, -1.0], [0.0, 0.0], [np.nan, 1.0]):
        with pytest.raises(ValueError, match="weight must hold 2 finite numbers, 0 or more, that are not all 0"):
            Scenarios(table, weight)
    with pytest.raises(ValueError, match="n is 0, but must be 1 or more"):
        Scenarios(table).resample(0, seed=0)
    with pytest.raises(ValueError, match=r"jitter is 1\.5, but must be from 0 \(copies\) to 1"):
        Scenarios(table).resample(1, seed=0, jitter=1.5)
    with pytest.raises(TypeError, match="seed is None"):
        Scenarios(table).resample(1, seed=None)
