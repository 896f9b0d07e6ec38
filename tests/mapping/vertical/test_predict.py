"""Predictions as probabilities: moments and places by integrals, intervals of their own draws, beams back to north."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special, stats

from dnt_lab.mapping.vertical import direct_azimuth_deg, joined, link_model, predict
from dnt_lab.mapping.vertical.attributes import beam_towards, turned
from dnt_lab.mapping.vertical.model import EXCESS_SCALE_DB, N_OUTPUTS
from dnt_lab.mapping.vertical.predict import prediction_of
from dnt_lab.mapping.vertical.task import TARGETS
from tests.mapping.vertical.made import drawn_gains_db, prediction

seeds = st.integers(0, 10**6)


def density(belief, link, gain_db):
    """The mixture's density written with scipy's normal distribution."""
    of_states = stats.norm.pdf(gain_db, belief.state_gain_db[link], belief.state_std_db[link])
    return belief.p_los[link] * of_states[0] + (1 - belief.p_los[link]) * of_states[1]


def integral(belief, link, function, upto=np.inf):
    low_db = (belief.state_gain_db - 12 * belief.state_std_db)[link].min()
    high_db = min(upto, (belief.state_gain_db + 12 * belief.state_std_db)[link].max())
    points = [p for p in belief.state_gain_db[link] if low_db < p < high_db]
    return integrate.quad(
        lambda g: function(g) * density(belief, link, g), low_db, high_db, points=points or None, limit=300
    )[0]


@settings(max_examples=15)
@given(seeds, st.floats(-130, -50))
def test_the_place_of_a_gain_is_the_integral_of_the_density(seed, gain_db):
    belief = prediction(2, seed)
    expected = [integral(belief, link, lambda _: 1.0, upto=gain_db) for link in range(2)]
    np.testing.assert_allclose(belief.place(np.full(2, gain_db)), np.clip(expected, 0, 1), atol=1e-6)


@settings(max_examples=15)
@given(seeds)
def test_mean_and_standard_deviation_are_moments_of_the_density(seed):
    belief = prediction(2, seed)
    for link in range(2):
        mean_db = integral(belief, link, lambda g: g)
        variance = integral(belief, link, lambda g, mean_db=mean_db: (g - mean_db) ** 2)
        assert belief.gain_db[link] == pytest.approx(mean_db, abs=1e-5)
        assert belief.std_db[link] == pytest.approx(np.sqrt(variance), rel=1e-5)


@settings(max_examples=30)
@given(seeds, st.floats(0.001, 0.999))
def test_quantiles_undo_places(seed, level):
    belief = prediction(4, seed)
    quantile_db = belief.quantile_db(level)
    np.testing.assert_allclose(belief.place(quantile_db), level, atol=1e-6)
    assert (belief.quantile_db(np.full(4, level)) == quantile_db).all()
    assert (belief.quantile_db(min(level + 0.01, 0.9999)) > quantile_db).all()


def test_a_mixture_of_one_state_is_a_gaussian():
    belief = prediction(3, 1, p_los=np.array([1.0, 0.0, 1.0]))
    state = [0, 1, 0]
    mean_db, std_db = belief.state_gain_db[range(3), state], belief.state_std_db[range(3), state]
    np.testing.assert_allclose(belief.gain_db, mean_db)
    np.testing.assert_allclose(belief.std_db, std_db, rtol=1e-6)
    for level in (0.025, 0.5, 0.975):
        np.testing.assert_allclose(belief.quantile_db(level), stats.norm.ppf(level, mean_db, std_db), atol=1e-6)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.95])
def test_intervals_hold_their_share_of_what_is_drawn_from_the_mixture(share):
    n = 4000
    belief = prediction(n, 3)
    gain_db = drawn_gains_db(belief, 4)
    low_db, high_db = belief.interval_db(share)
    inside = ((gain_db >= low_db) & (gain_db <= high_db)).mean()
    assert inside == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / n))
    assert abs((gain_db < low_db).mean() - (gain_db > high_db).mean()) < 4 * np.sqrt((1 - share) / n)
    assert stats.kstest(belief.place(gain_db), "uniform").pvalue > 0.01


def test_what_is_likelier_than_not():
    belief = prediction(3, 0, p_los=np.array([0.4, 0.6, 0.5]), p_path=np.array([0.9, 0.2, 0.51]))
    assert belief.los.tolist() == [False, True, False] and belief.path.tolist() == [True, False, True]
    np.testing.assert_array_equal(belief.best_beam, [row.tolist().index(max(row)) for row in belief.p_beam])
    np.testing.assert_allclose(belief.weights, [[0.4, 0.6], [0.6, 0.4], [0.5, 0.5]])


def outputs_that_say(targets, doubt=-1.0):
    """Outputs of a model that is sure of targets (R, 5); the states' means are both the excess."""
    out = np.zeros((len(targets), N_OUTPUTS))
    out[:, 0:2] = targets[:, :1] / EXCESS_SCALE_DB
    out[:, 2:4] = doubt
    out[:, 4:6] = np.where(targets[:, 1:3] > 0, 30.0, -30.0)
    out[:, 6] = targets[:, 3]
    out[np.arange(len(targets)), 7 + targets[:, 4].astype(int)] = 30.0
    return out


def test_a_model_that_says_the_targets_predicts_the_truth(task):
    """Gain over free space, delay spread in decades and beams off the line are undone: the truth comes back."""
    for k, (region, truth) in enumerate(zip(task.regions, task.truth, strict=True)):
        user_m = region.reported_m.reshape(-1, 3)
        said = prediction_of(outputs_that_say(task.targets(k).reshape(-1, len(TARGETS))), region, user_m)
        heard = truth.path
        np.testing.assert_allclose(said.gain_db[heard], truth.gain_db[heard], atol=1e-4)
        np.testing.assert_allclose(said.delay_spread_s[heard], truth.delay_spread_s[heard], rtol=1e-4, atol=1e-15)
        np.testing.assert_array_equal(said.best_beam[heard], truth.best_beam[heard])
        np.testing.assert_array_equal(said.los, truth.los)
        np.testing.assert_array_equal(said.path, truth.path)
        np.testing.assert_allclose(said.state_std_db, np.exp(-1.0) * np.tile(EXCESS_SCALE_DB, (len(truth), 1)))
        np.testing.assert_allclose(said.p_beam.sum(axis=1), 1)


def test_beams_count_from_north_as_turned_ones_do_from_the_line(rooms):
    """Whatever the choice, each beam's probability stands at the beam that is turned so far from the line."""
    region = rooms[0]
    user_m = region.reported_m.reshape(-1, 3)
    out = np.random.default_rng(2).normal(size=(len(user_m), N_OUTPUTS))
    said, of_line = prediction_of(out, region, user_m), special.softmax(out[:, 7:], axis=1)
    direct_deg = direct_azimuth_deg(region.bs_m, user_m)
    assert len(np.unique(beam_towards(direct_deg))) > 3
    for beam in range(16):
        left = turned(np.full(len(user_m), beam), direct_deg)
        np.testing.assert_allclose(said.p_beam[:, beam], of_line[np.arange(len(user_m)), left])


def test_doubt_and_spread_stay_within_reason(rooms):
    out = np.zeros((1, N_OUTPUTS))
    out[0, 2:4], out[0, 6] = (-99.0, 99.0), -99.0
    said = prediction_of(out, rooms[0], rooms[0].reported_m[0, :1])
    np.testing.assert_allclose(said.state_std_db, [[3 * np.exp(-4), 10 * np.exp(3)]])
    assert said.delay_spread_s == 0


def test_a_twin_that_knows_nothing_is_free_space(task):
    model = link_model(3, (1, 1), 1)
    region = task.regions[0]
    said = predict(model, np.zeros(model.n_parameters, np.float32), region)
    np.testing.assert_allclose(said.gain_db, -task.regions[0].free_space_db())
    assert (said.p_los == 0.5).all() and (said.p_path == 0.5).all() and len(said) == 18


def test_other_tracks_may_be_asked_about(task):
    model, region = link_model(3, (2, 2), 4), task.regions[3]
    weights = model.init(1)
    of_all = predict(model, weights, region)
    of_two = predict(model, weights, region, region.reported_m[[4, 1]])
    np.testing.assert_allclose(of_two.gain_db, of_all.gain_db.reshape(6, 3)[[4, 1]].ravel(), rtol=1e-5)
    again = predict(model, weights, region, region.reported_m.tolist())
    np.testing.assert_array_equal(again.p_beam, of_all.p_beam)


def test_many_tracks_are_asked_about_in_parts_and_none_are_no_answer(task):
    model, region = link_model(3, (1, 1), 2), task.regions[2]
    weights = model.init(1)
    many = predict(model, weights, region, np.tile(region.reported_m, (60, 1, 1)))
    np.testing.assert_allclose(many.gain_db, np.tile(predict(model, weights, region).gain_db, 60), rtol=1e-5)
    assert len(predict(model, weights, region, region.reported_m[:0])) == 0


def test_only_place_and_carrier_of_the_physical_side_are_read(task):
    """The twin does not peek: with another scene behind it, and tracks it was not told of, it says the same."""
    model, region, other = link_model(3, (2, 2), 4), task.regions[2], task.regions[4]
    hidden = replace(region.scenario, scene=other.scenario.scene, boxes=(), rx_m=other.scenario.rx_m, walls=())
    blind = replace(region, scenario=hidden, track_m=np.full_like(region.track_m, np.nan))
    weights = model.init(2)
    np.testing.assert_array_equal(predict(model, weights, blind).gain_db, predict(model, weights, region).gain_db)


def test_joined_predictions_are_all_of_them_in_order():
    first, second = prediction(2, 1), prediction(3, 2)
    both = joined([first, second])
    assert len(both) == 5
    np.testing.assert_array_equal(both.gain_db, np.concatenate([first.gain_db, second.gain_db]))


def test_bad_input_is_refused(task):
    belief, model, region = prediction(2), link_model(3, (1, 1), 1), task.regions[2]
    for share in (0.0, 1.0, 1.5):
        with pytest.raises(ValueError, match=f"share is {share}, but it must be"):
            belief.interval_db(share)
    with pytest.raises(TypeError, match="share is 'all', but a number is needed"):
        belief.interval_db("all")
    with pytest.raises(ValueError, match=r"x has shape .* but link_model\(3 steps.* takes"):
        predict(model, model.init(0), region, region.reported_m[:, :2])
    with pytest.raises(ValueError, match=r"tracks have shape \(6, 3\), but must be \(N, T, 3\)"):
        predict(model, model.init(0), region, region.reported_m[:, 0])
    with pytest.raises(ValueError, match=r"weights have shape \(3,\), but link_model"):
        predict(model, np.zeros(3), region)
