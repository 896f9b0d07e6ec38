"""Features of base stations: the week against the calibration's fit, gaps in the week, and weights by their meaning."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import pdist

from dnt_lab.datasets import synthetic_traffic, weekly_fit
from dnt_lab.mapping import cluster_features, weekly_profiles

MONDAY = np.datetime64("2013-11-04T00", "h")


@pytest.fixture(scope="module")
def traffic():
    return synthetic_traffic((4, 4), days=21, seed=3, services=("sms",))


def test_full_weeks_give_the_fit_of_the_calibration_in_other_units(traffic):
    values = traffic.select(start="2013-11-04", stop="2013-11-18").service("sms").astype(float)
    relative = weekly_fit(values, MONDAY).profile
    expected = (relative - 1) * values.mean(axis=0) / values.std(axis=0)
    np.testing.assert_allclose(weekly_profiles(values, MONDAY), expected, rtol=1e-9, atol=1e-12)


def test_one_week_is_z_scored():
    values = np.random.default_rng(0).gamma(2.0, size=(168, 5))
    profiles = weekly_profiles(values, MONDAY)
    np.testing.assert_allclose(profiles.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(profiles.std(axis=0), 1, rtol=1e-12)


def test_a_series_that_begins_midweek_is_put_in_its_place():
    values = np.random.default_rng(0).random((168, 2))
    thursday_noon = MONDAY + np.timedelta64(3 * 24 + 12, "h")
    np.testing.assert_allclose(
        weekly_profiles(np.roll(values, -84, axis=0), thursday_noon), weekly_profiles(values, MONDAY), atol=1e-12
    )


def test_hours_that_do_not_occur_take_the_same_hour_of_the_days_that_do():
    values = np.random.default_rng(0).random((60, 3))  # Monday 00:00 to Wednesday 12:00
    days = weekly_profiles(values, MONDAY).reshape(7, 24, 3)
    z = (values - values.mean(axis=0)) / values.std(axis=0)
    np.testing.assert_allclose(days[:2].reshape(48, 3), z[:48])
    np.testing.assert_allclose(days[2, :12], z[48:])
    np.testing.assert_allclose(days[2, 12:], (z[12:24] + z[36:48]) / 2)
    for day in days[3:]:
        np.testing.assert_allclose(day[:12], (z[:12] + z[24:36] + z[48:]) / 3)
        np.testing.assert_allclose(day[12:], (z[12:24] + z[36:48]) / 2)


def test_a_holiday_counts_as_a_sunday():
    friday = np.datetime64("2013-11-01T00", "h")
    values = np.repeat([[9.0], [1.0], [5.0]], 24, axis=0)  # holiday, Saturday, Sunday
    days = weekly_profiles(values, friday)[::24, 0] * values.std() + 5
    np.testing.assert_allclose(days, [4, 4, 4, 4, 4, 1, 7])


@pytest.mark.parametrize("level", [0.0, 0.1, 1e9])
def test_constant_traffic_has_a_profile_of_zeros(level):
    values = np.column_stack([np.full(100, level), np.arange(100.0)])
    profiles = weekly_profiles(values, MONDAY)
    assert not profiles[:, 0].any()
    assert np.ptp(profiles[:, 1]) > 1


@given(st.floats(0.01, 100), st.floats(-50, 50), st.floats(0.01, 100), st.floats(-1e5, 1e5))
def test_units_and_offsets_do_not_matter(scale, offset, metre, origin):
    rng = np.random.default_rng(0)
    position_m, values = rng.random((6, 2)), rng.random((200, 6))
    features = cluster_features(position_m, values, MONDAY)
    same = cluster_features(metre * position_m + origin, scale * values + offset, MONDAY)
    np.testing.assert_allclose(same, features, atol=1e-6)


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0, 4.0])
def test_the_weight_is_a_share_of_the_mean_squared_distance(traffic, weight):
    features = cluster_features(traffic.centre_m, traffic.service("sms"), traffic.start, weight)
    assert features.shape == (16, 170)
    location, profile = (pdist(block, "sqeuclidean").mean() for block in (features[:, :2], features[:, 2:]))
    assert location / (location + profile) == pytest.approx(weight / (weight + 1))
    assert (features[:, 2:] ** 2).sum() / 16 == pytest.approx(1)
    np.testing.assert_allclose(features.mean(axis=0), 0, atol=1e-12)


def test_location_keeps_its_proportions():
    position_m = np.array([[0.0, 0], [3000, 0], [0, 40]])
    place = cluster_features(position_m, np.random.default_rng(0).random((48, 3)), MONDAY)[:, :2]
    assert np.linalg.norm(place[1] - place[0]) == pytest.approx(75 * np.linalg.norm(place[2] - place[0]))


def test_what_all_base_stations_share_is_left_out():
    week = np.random.default_rng(0).random((168, 1))
    features = cluster_features(np.full((4, 2), 0.1), week * [1.0, 2, 3, 0.7], MONDAY)
    assert not features.any()
    assert not cluster_features(np.zeros((1, 2)), week, MONDAY).any()


def test_any_time_numpy_reads_will_do(traffic):
    values = traffic.service("sms")
    np.testing.assert_array_equal(weekly_profiles(values, "2013-11-01"), weekly_profiles(values, traffic.start))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"values": np.ones(30)}, r"values has shape \(30,\) and type float64; numbers, \(hours, K\), are needed"),
        ({"values": np.full((30, 2), "a")}, "type <U1; numbers"),
        ({"values": np.ones((23, 2))}, "values cover 23 hours, but a profile needs 24 at least"),
        (
            {"values": np.where(np.eye(30, 2), np.nan, 1.0)},
            "values holds 2 numbers that are NaN or infinite; fill them",
        ),
        ({"position_m": [[0, 0], [0, np.inf]]}, "position_m holds 1 numbers that are NaN or infinite"),
        ({"position_m": np.zeros((3, 2))}, r"position_m has shape \(3, 2\) and values \(30, 2\); \(K, 2\) and"),
        ({"position_m": np.zeros((2, 3))}, r"position_m has shape \(2, 3\) and values"),
        ({"start": "noon"}, "start is 'noon', but must be a time such as '2013-11-01'"),
        ({"start": None}, "start is None, but must be a time"),
        ({"location_weight": -1.0}, "location_weight is -1.0, but it must be at least 0"),
    ],
)
def test_bad_input_is_refused(change, sentence):
    good = {"position_m": np.eye(2), "values": np.random.default_rng(0).random((30, 2)), "start": MONDAY}
    with pytest.raises(ValueError, match=sentence):
        cluster_features(**{**good, **change})
