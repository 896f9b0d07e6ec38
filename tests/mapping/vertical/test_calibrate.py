"""Doubt that is wrong by a known factor is set right, and doubt that is right is left alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnt_lab.mapping.vertical import calibration_gap, coverage, stretch_factor, stretched
from tests.mapping.vertical.made import drawn_gains_db, measured, prediction


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.0, 1.5, 3.0])
def test_the_factor_by_which_doubt_is_wrong_is_found(factor):
    """States far apart, so that a link's doubt is that of one state; the factors tried are 5 % apart."""
    belief = prediction(4000, 1, p_los=np.round(np.random.default_rng(0).uniform(size=4000)))
    truth = measured(drawn_gains_db(belief, 2))
    said = stretched(belief, 1 / factor)
    assert stretch_factor(said, truth) == pytest.approx(factor, rel=0.06)
    assert calibration_gap(stretched(said, stretch_factor(said, truth)), truth) < 0.02


def test_what_is_right_has_hardly_a_gap_and_what_is_too_sure_a_large_one():
    belief = prediction(4000, 3)
    truth = measured(drawn_gains_db(belief, 4))
    assert calibration_gap(belief, truth) < 0.015
    assert calibration_gap(stretched(belief, 0.3), truth) > 0.1
    assert calibration_gap(stretched(belief, 4.0), truth) > 0.1


def test_the_gap_is_the_mean_over_levels_by_hand():
    """Gains at the places 0.5 and 0.95 of a Gaussian lie in central intervals of 0 and 90 %."""
    belief = prediction(2, 0, p_los=np.ones(2), state_gain_db=np.full((2, 2), -80.0), state_std_db=np.ones((2, 2)))
    truth = measured([-80.0, -80.0 + 1.6448])
    levels = np.arange(0.05, 0.96, 0.05)
    expected = np.mean([abs((0.5 if level < 0.8999 else 1.0) - level) for level in levels])
    assert calibration_gap(belief, truth) == pytest.approx(expected)


@settings(max_examples=10)
@given(st.integers(0, 10**6), st.floats(0.3, 3.0))
def test_stretching_moves_no_mean_and_widens_by_the_factor(seed, factor):
    belief = prediction(5, seed)
    wider = stretched(belief, factor)
    np.testing.assert_allclose(wider.gain_db, belief.gain_db)
    np.testing.assert_allclose(wider.state_std_db, factor * belief.state_std_db)
    np.testing.assert_allclose(stretched(wider, 1 / factor).std_db, belief.std_db)


def test_links_without_a_path_say_nothing_of_doubt():
    belief = prediction(300, 5)
    gain_db = drawn_gains_db(belief, 6)
    path = np.arange(300) % 3 > 0
    kept = prediction(300, 5)
    some = type(kept)(*(getattr(kept, name)[path] for name in vars(kept)))
    truth, among = measured(gain_db, path=path), measured(gain_db[path])
    assert calibration_gap(belief, truth) == calibration_gap(some, among)
    np.testing.assert_array_equal(coverage(belief, truth), coverage(some, among))
    assert stretch_factor(belief, truth) == stretch_factor(some, among)


def test_a_place_where_nothing_arrives_is_refused():
    with pytest.raises(ValueError, match="nothing arrives on any of 2 links, but doubt is compared"):
        stretch_factor(prediction(2), measured([-80.0, -90.0], path=[False, False]))
