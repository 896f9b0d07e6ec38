"""Reports: what is known at a time is what was measured until then, of the walls as they were."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnt_lab.mapping import continual as c
from tests.mapping.continual.planted import HOUR_S, campus


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.floats(-13, 37))
def test_what_is_known_at_a_time_is_what_was_measured_until_then(seed, hour):
    measured = c.measure(campus(), seed)
    data = measured.client_data(campus())
    known = data.newest(np.arange(2), np.full(2, hour * HOUR_S))
    for k in range(2):
        until = measured.time_s[k] <= hour * HOUR_S
        assert (np.diff(measured.time_s[k, until]) >= 0).all()
        assert known.n_samples[k] == until.sum()
        n = known.n_samples[k]
        np.testing.assert_allclose(5 * known.y[k, :n, 0], measured.excess_db[k, until], rtol=1e-6)
        np.testing.assert_array_equal(known.x[k, :n], campus().inputs[k, measured.link[k, until]])
        np.testing.assert_array_equal(measured.newest(k, hour * HOUR_S, 5), np.flatnonzero(until)[-5:])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32))
def test_without_noise_a_report_is_the_truth_of_its_time(seed):
    place = campus(changes_h=(np.inf, 10.5, -3.0))
    measured = c.measure(place, seed, noise_db=0.0)
    for k, n in enumerate(measured.n_reports):
        reports = (part[k, :n] for part in (measured.time_s, measured.link, measured.excess_db))
        for time_s, link, excess_db in zip(*reports, strict=True):
            assert excess_db == place.excess_db(time_s)[k, link]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32))
def test_no_report_tells_of_a_change_to_come(seed):
    place = campus()
    spared = replace(place, changes_s=np.full(2, np.inf), after_db=place.before_db)
    with_change, without = (c.measure(p, seed) for p in (place, spared))
    before = with_change.time_s < place.changes_s[:, None]
    assert before.any() and not before.all()
    for name in ("time_s", "link", "excess_db"):
        np.testing.assert_array_equal(getattr(with_change, name)[before], getattr(without, name)[before])
    after = np.isfinite(with_change.time_s) & ~before
    np.testing.assert_allclose((without.excess_db - with_change.excess_db)[after], 6)


def test_held_out_links_and_those_on_which_nothing_arrives_are_never_reported():
    measured = c.measure(campus(), 0, rates_per_h=(50.0, 50.0))
    for k, n in enumerate(measured.n_reports):
        assert set(measured.link[k, :n]) == set(range(1 if k == 0 else 0, 12))


def test_rates_times_and_noise_are_as_asked():
    place = campus(changes_h=[np.inf] * 40)
    measured = c.measure(place, 1, rates_per_h=(2.0, 50.0), noise_db=3.0)
    assert measured.rate_per_h.min() >= 2 and measured.rate_per_h.max() <= 50
    expected = 48 * measured.rate_per_h
    assert (np.abs(measured.n_reports - expected)[1:] < 5 * np.sqrt(expected[1:])).all()
    assert np.abs(np.log(measured.rate_per_h).mean() - np.log(10)) < 4 * np.log(25) / np.sqrt(12 * 40)
    real = np.isfinite(measured.time_s)
    assert measured.time_s[real].min() >= -12 * HOUR_S and measured.time_s[real].max() <= 36 * HOUR_S
    off_db = measured.excess_db - place.before_db[np.arange(40)[:, None], measured.link]
    assert off_db[real].std() == pytest.approx(3.0, rel=0.03) and abs(off_db[real].mean()) < 0.1
    assert measured.quiet.sum() == 20


def test_a_report_is_known_from_its_very_moment_on():
    measured = c.measure(campus(), 5)
    time_s = measured.time_s[1, 7]
    assert measured.newest(1, time_s, 2).tolist() == [6, 7]
    assert measured.newest(1, np.nextafter(time_s, -np.inf), 2).tolist() == [5, 6]


def test_behind_the_last_report_nothing_is_known():
    measured = c.measure(campus(), 5)
    data = measured.client_data(campus())
    np.testing.assert_array_equal(data.n_samples, measured.n_reports)
    padded = np.arange(measured.time_s.shape[1]) >= measured.n_reports[:, None]
    assert np.isinf(measured.time_s[padded]).all()


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"noise_db is -1\.0, but it must be at least 0"):
        c.measure(campus(), 0, noise_db=-1.0)
    with pytest.raises(ValueError, match=r"the lower of rates_per_h is 0\.0, but it must be over 0"):
        c.measure(campus(), 0, rates_per_h=(0.0, 1.0))
    with pytest.raises(ValueError, match=r"the higher of rates_per_h is 1\.0, but it must be at least 2"):
        c.measure(campus(), 0, rates_per_h=(2.0, 1.0))
