"""The statistics themselves: against closed forms, and against numbers that others computed on the real cells."""

from pathlib import Path

import numpy as np
import pytest

from dnt_lab.datasets import (
    autocorrelation,
    block_facts,
    block_statistics,
    correlation_by_distance,
    mean_week,
    milan_facts,
    no_learning_errors,
    read_hourly_csv,
    synthetic_traffic,
    weekly_fit,
    weekly_profile,
)

START = np.datetime64("2013-11-01T00", "h")


def test_autocorrelation_of_a_short_series_by_hand():
    series = np.array([[1.0], [2.0], [4.0], [5.0]])  # centred: -2 -1 1 2; lag 1: 2 - 1 + 2 = 3 over 10
    assert autocorrelation(series, 1) == pytest.approx([0.3])


def test_autocorrelation_of_an_ar1_series_decays_as_its_power():
    rng, x = np.random.default_rng(0), np.zeros((40_000, 1))
    for t in range(1, len(x)):
        x[t] = 0.8 * x[t - 1] + rng.standard_normal()
    for lag in (1, 2, 5):
        assert autocorrelation(x, lag)[0] == pytest.approx(0.8**lag, abs=0.03)


def test_moran_of_a_chess_board_is_minus_one_and_of_halves_nearly_one():
    row, col = np.mgrid[:20, :20]
    assert correlation_by_distance(((row + col) % 2).astype(float), 1) == pytest.approx(-1)
    assert correlation_by_distance(((row + col) % 2).astype(float), 2) == pytest.approx(1)
    # 20 of the 380 pairs across the middle differ in one direction, none in the other: 1 - 2 * 20 / 760
    assert correlation_by_distance((row < 10).astype(float), 1) == pytest.approx(1 - 40 / 760)


def test_forecast_errors_of_a_sine_follow_from_its_correlation():
    hours = np.arange(24 * 28)
    series = 5 + np.sin(2 * np.pi * hours / 24)[:, None]
    mse, mae = no_learning_errors(series, 24)
    assert mse == pytest.approx([0], abs=1e-20)
    assert mae == pytest.approx([0], abs=1e-10)
    assert no_learning_errors(series, 6)[0] == pytest.approx([2])  # 2 (1 - cos 90 degrees), in units of the variance


def test_weekly_fit_returns_the_week_it_was_given():
    week = 1 + np.arange(168.0)[:, None] / 168
    monday = np.datetime64("2013-11-04T00", "h")
    fit = weekly_fit(np.tile(week, (3, 2)), monday)
    assert fit.profile == pytest.approx(np.tile(week / week.mean(), (1, 2)))
    assert fit.ratio_to_mean == pytest.approx(np.ones((504, 2)))
    assert fit.ratio_to_median == pytest.approx(np.ones((504, 2)))


def test_mean_week_is_the_mean_of_the_cells_own_profiles():
    rng = np.random.default_rng(0)
    series = rng.uniform(1, 2, (24 * 21, 4)) * [1, 10, 100, 1000]
    assert mean_week(series, START) == pytest.approx(weekly_fit(series, START).profile.mean(axis=1))


def test_weekly_fit_refuses_less_than_a_week():
    with pytest.raises(ValueError, match="needs at least a full week beside holidays, but there are 100 hours"):
        weekly_fit(np.ones((100, 2)), START)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda x: autocorrelation(x, 0), "lag is 0, but must be 1 to 9"),
        (lambda x: autocorrelation(x, 10), "lag is 10, but must be 1 to 9"),
        (lambda x: correlation_by_distance(x, 4), "distance is 4, but must be 1 to 3"),
        (lambda x: no_learning_errors(x, 1), "test_hours is 168, but must be 1 to 9"),
        (lambda x: no_learning_errors(x, 6, test_hours=5), "lag is 6, but must be 1 to 5"),
    ],
)
def test_a_lag_beyond_the_data_is_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call(np.ones((10, 4)))


def test_block_statistics_and_facts_have_the_same_names():
    assert block_statistics(synthetic_traffic((5, 5), 30)).keys() == block_facts().keys()


@pytest.fixture(scope="module")
def real_block():
    """The 25 cells whose statistics the facts are, where they lie beside the checkout."""
    path = Path(__file__).parents[2].parent / "shared" / "data" / "milan_25cells_hourly.csv.gz"
    if not path.is_file():
        pytest.skip("the real Milan cells are not beside the checkout (shared/data)")
    return read_hourly_csv(path)


def test_the_definitions_give_the_published_facts_on_the_real_cells(real_block):
    # rounded as printed: shares to the last digit given, the others to four digits
    digits = {"share_over_1.5": 5e-4, "share_over_2": 5e-4, "share_over_3": 5e-5, "share_under_0.5": 5e-4}
    digits["residual_excess_kurtosis"] = 6e-3
    found = block_statistics(real_block)
    for name, fact in block_facts().items():
        assert found[name] == pytest.approx(
            fact, abs=digits.get(name, 6e-4 if name != "residual_excess_kurtosis" else 6e-3)
        )


def test_the_weekly_profile_is_that_of_the_real_cells(real_block):
    profile = mean_week(real_block.service("internet"), START)
    assert profile == pytest.approx(weekly_profile("internet"), abs=0.01)


def test_the_real_cells_have_the_stated_means(real_block):
    assert real_block.service("internet").mean() > milan_facts()["cell_mean_internet_per_hour"]["median"]
    assert real_block.cell_ids[[0, -1]].tolist() == [4142, 4546]
