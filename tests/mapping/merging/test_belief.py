"""Beliefs: their shapes, how they age (a Kalman filter's closed form), and what samples cost."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnt_lab.mapping.merging import Belief, Samples, aged, fuse


def samples(n=4, noise_db=2.0):
    return Samples(np.zeros((n, 2)), np.arange(n), np.zeros(n), np.zeros(n, bool), np.zeros(n), noise_db)


@settings(max_examples=25, deadline=None)
@given(st.floats(0.3, 5.0), st.floats(0.3, 9.0))
def test_a_position_measured_every_day_settles_where_a_kalman_filter_does(drift_db, noise_db):
    belief, seen = Belief([-90.0], [20.0]), Belief([-100.0], [noise_db])
    for _ in range(400):
        belief = fuse([aged(belief, 24.0, drift_db), seen])
    q, r = drift_db**2, noise_db**2
    before = (q + np.sqrt(q**2 + 4 * q * r)) / 2  # solves P = P r / (P + r) + q
    assert belief.std_db[0] ** 2 == pytest.approx(before * r / (before + r))
    assert belief.mean_db[0] == pytest.approx(-100.0, abs=0.01)


def test_variance_grows_with_age_and_nothing_else_changes():
    young = Belief([-90.0, -99.0], [3.0, 4.0], los=[0.2, 0.9])
    old = aged(young, 48.0, 2.0)
    np.testing.assert_allclose(old.std_db**2, [9 + 8, 16 + 8])
    assert old.mean_db is young.mean_db
    assert old.los is young.los
    np.testing.assert_array_equal(aged(young, 0.0, 5.0).std_db, young.std_db)
    split = aged(aged(young, 20.0, 2.0), 28.0, 2.0)
    np.testing.assert_allclose(split.std_db, old.std_db)


def test_rows_of_a_belief_keep_what_it_has():
    belief = Belief(np.arange(4.0), np.ones(4), departure=np.ones((4, 2)))
    part = belief[[2, 0]]
    np.testing.assert_array_equal(part.mean_db, [2, 0])
    assert part.departure.shape == (2, 2)
    assert part.los is None
    assert len(belief) == 4


def test_samples_are_taken_apart_joined_and_paid_for():
    some = samples()
    early, late = some[some.time_h < 1], some[some.time_h >= 1]
    np.testing.assert_array_equal((late + early).time_h, [1, 2, 3, 0])
    assert (early.n_bytes, some.n_bytes) == (9, 36)
    with pytest.raises(ValueError, match="only equal noise is joined"):
        some + samples(noise_db=3.0)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"mean_db": [np.nan, 0.0]}, "mean_db holds nan, but gains are finite dB"),
        ({"std_db": [1.0, 0.0]}, "std_db holds 0.0, but every value must be over 0"),
        ({"std_db": [1.0]}, r"std_db has shape \(1,\) beside mean_db's \(2,\)"),
        ({"los": [0.2, 1.2]}, "los holds 1.2"),
        ({"departure": [0.1, 0.1]}, r"departure has shape \(2,\)"),
    ],
)
def test_a_wrong_belief_is_refused_in_one_sentence(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        replace(Belief([-90.0, -80.0], [1.0, 1.0]), **change)


def test_wrong_ages_and_samples_are_refused():
    belief = Belief([0.0], [1.0])
    with pytest.raises(ValueError, match="age_h is -1"):
        aged(belief, -1.0, 2.0)
    with pytest.raises(ValueError, match="drift_db is inf"):
        aged(belief, 1.0, np.inf)
    with pytest.raises(ValueError, match=r"xy_m has shape \(3, 2\), but \(4, 2\) is needed"):
        replace(samples(), xy_m=np.zeros((3, 2)))
    with pytest.raises(ValueError, match="noise_db is 0"):
        samples(noise_db=0.0)
