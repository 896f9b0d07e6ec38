"""A stadium: only its neighbourhood, only its evenings, only from its day on."""

import numpy as np
import pytest

from dnt_lab.cases import traffic
from tests.cases.traffic.tasks import milan, task

PLACE = tuple(milan().centre_m[4])


def test_stadium_multiplies_evenings_by_distance_from_its_day_on():
    city = milan()
    opened = traffic.open_stadium(city, PLACE, "2013-11-15", radius_m=500.0, gain=2.0)
    factor = opened.service("sms") / city.service("sms")
    evening = city.time.hour.isin([18, 19, 20, 21, 22]) & (city.time >= "2013-11-15")
    assert (factor[~evening] == 1).all()
    distance_m = np.linalg.norm(city.centre_m - PLACE, axis=1)
    wanted = 1 + 2 * np.exp(-((distance_m / 500) ** 2))
    np.testing.assert_allclose(factor[evening], np.broadcast_to(wanted, factor[evening].shape), rtol=1e-5)
    assert factor[evening][0, 4] == pytest.approx(3.0)
    assert "stadium" in opened.source and "stadium" not in city.source


def test_mse_by_day_is_the_mean_of_its_hours():
    found = task()
    forecast = found.test_truth + np.repeat(np.arange(7.0), 24)
    np.testing.assert_allclose(traffic.mse_by_day(found, forecast), np.arange(7.0) ** 2, atol=1e-4)
    near = np.zeros(9, bool)
    near[2] = True
    forecast[3:] += 10
    np.testing.assert_allclose(traffic.mse_by_day(found, forecast, near), np.arange(7.0) ** 2, atol=1e-4)


def test_bad_input_is_refused():
    city = milan()
    with pytest.raises(ValueError, match="at_m is 3, but must be two numbers"):
        traffic.open_stadium(city, 3, "2013-11-15")
    with pytest.raises(ValueError, match="gain is 0, but it must be over 0"):
        traffic.open_stadium(city, PLACE, "2013-11-15", gain=0)
    with pytest.raises(ValueError, match="radius_m is -1 m"):
        traffic.open_stadium(city, PLACE, "2013-11-15", radius_m=-1)
    with pytest.raises(ValueError, match="outside the data"):
        traffic.open_stadium(city, PLACE, "2014-11-15")
    with pytest.raises(ValueError, match="sites marks no BS"):
        traffic.mse_by_day(task(), task().test_truth, np.zeros(9, bool))
