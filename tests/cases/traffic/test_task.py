"""Windows, scaling and what is known when."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dnt_lab import datasets, fl
from dnt_lab.cases import traffic
from tests.cases.traffic.tasks import made_up, milan, task

HOURS = 20 * 24


def test_windows_hold_the_hours_they_should_when_values_are_their_own_hour():
    ramp = np.arange(HOURS, dtype=float)[:, None] * (1.0, 2.0)
    found = traffic.forecast_task(made_up(ramp), "sms")
    hour = (found.truth * found.std[:, None] + found.mean[:, None]) / [[1.0], [2.0]]
    np.testing.assert_allclose(hour, np.broadcast_to(np.arange(72, HOURS), hour.shape), rtol=1e-5)
    values = (found.x[..., :2] * found.std[:, None, None, None] + found.mean[:, None, None, None])[0]
    for target in (0, 100, HOURS - 73):
        np.testing.assert_allclose(values[target, :, 0], target + 72 - np.array([3, 2, 1]), atol=1e-3)
        np.testing.assert_allclose(values[target, :, 1], target + 72 - np.array([72, 48, 24]), atol=1e-3)


def test_scaling_is_pandas_z_score_of_the_training_part_alone():
    city = milan()
    table = city.to_frame("sms").astype(float)
    train = table.iloc[:-168]
    scaled = ((table - train.mean()) / train.std()).to_numpy()[72:].T
    np.testing.assert_allclose(task().truth, scaled, atol=2e-5)


def test_the_test_week_does_not_leak_into_inputs_scaling_or_training_data():
    values = milan().service("sms").copy()
    values[-168:] *= 100
    shaken, calm = (
        traffic.forecast_task(made_up(values), "sms"),
        traffic.forecast_task(made_up(milan().service("sms")), "sms"),
    )
    np.testing.assert_array_equal(shaken.mean, calm.mean)
    np.testing.assert_array_equal(shaken.training_data().x, calm.training_data().x)
    np.testing.assert_array_equal(shaken.training_data().y, calm.training_data().y)
    assert not np.array_equal(shaken.test_truth, calm.test_truth)


def test_clock_is_the_target_hour_on_a_circle():
    found = task()
    at_six = found.hours.hour == 6
    clock = found.x[:, at_six, :, 2:]
    np.testing.assert_allclose(clock, np.broadcast_to([1.0, 0.0], clock.shape), atol=1e-6)
    np.testing.assert_allclose((found.x[..., 2:] ** 2).sum(axis=-1), 1, atol=1e-6)


def test_hours_are_local_times_of_the_targets():
    found = task()
    assert found.hours[0] == pd.Timestamp("2013-11-04T00:00") and len(found.hours) == HOURS - 72
    assert found.n_train == HOURS - 72 - 168


def test_a_model_that_says_no_change_is_persistence():
    found = task()
    model = fl.gru(4, 4)
    np.testing.assert_array_equal(
        found.forecast(model, np.zeros(model.n_parameters, np.float32)), found.last[:, found.n_train :]
    )


def test_change_plus_last_is_the_truth():
    found = task()
    np.testing.assert_allclose(found.change[..., 0] + found.last, found.truth, atol=1e-5)


def test_growing_data_gives_an_hour_only_when_it_has_passed():
    found = task()
    data, everyone = found.growing_data(), np.arange(found.n_sites)
    for hour in (0, 1, 24, 168):
        known = data.n_newest(everyone, np.full(found.n_sites, 3600.0 * hour))
        np.testing.assert_array_equal(known, found.n_train + hour)
    just_before = data.n_newest(everyone, np.full(found.n_sites, 3600.0 * 24 - 1))
    np.testing.assert_array_equal(just_before, found.n_train + 23)


def test_sample_sites_draws_different_cells_and_the_same_for_a_seed():
    drawn = traffic.sample_sites(milan(), 4, seed=3)
    assert len(set(drawn.cell_ids)) == 4
    np.testing.assert_array_equal(drawn.cell_ids, traffic.sample_sites(milan(), 4, seed=3).cell_ids)
    column = np.searchsorted(milan().cell_ids, drawn.cell_ids[0])
    np.testing.assert_array_equal(drawn.service("sms")[:, 0], milan().service("sms")[:, column])


def test_bad_traffic_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match=r"there are 384 hours; at least 408 \(17 days\)"):
        traffic.forecast_task(milan().select(stop="2013-11-17"), "sms")
    with pytest.raises(ValueError, match="The service is 'net', but must be one of"):
        traffic.forecast_task(milan(), "net")
    holes = milan().service("sms").copy()
    holes[7, 1] = np.nan
    with pytest.raises(ValueError, match="cell 2 has hours without a record"):
        traffic.forecast_task(made_up(holes), "sms")
    flat = milan().service("sms").copy()
    flat[:, 2] = 5
    with pytest.raises(ValueError, match="cell 3 never changes"):
        traffic.forecast_task(made_up(flat), "sms")
    with pytest.raises(ValueError, match="n is 10, but must be 1 to 9"):
        traffic.sample_sites(milan(), 10)


def test_real_cells_give_the_published_persistence():
    file = Path(__file__).parents[3].parent / "shared" / "data" / "milan_25cells_hourly.csv.gz"
    if not file.exists():
        pytest.skip("the real Milan cells are not beside the checkout (shared/data)")
    found = traffic.forecast_task(datasets.read_hourly_csv(file), "internet")
    lines = {name: traffic.scores(found.test_truth, f) for name, f in traffic.baselines(found).items()}
    assert [round(lines["last hour"][m], 3) for m in ("mse", "mae", "nrmse")] == [0.257, 0.360, 0.119]
    assert lines["ridge, pooled"]["mse"] == pytest.approx(0.174, abs=0.001)
    assert round(lines["same hour last week"]["mse"], 3) == 0.453
