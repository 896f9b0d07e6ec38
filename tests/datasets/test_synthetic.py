from dataclasses import replace

import numpy as np
import pytest

from dnt_lab.datasets import SERVICES, block_facts, calibration_table, hour_of_week, synthetic_traffic, weekly_profile
from dnt_lab.datasets.milan import is_holiday


@pytest.fixture(scope="module")
def city():
    return synthetic_traffic(days=30, seed=0)


@pytest.fixture(scope="module")
def table(city):
    return calibration_table(city)


def test_shape_names_and_numbering(city):
    assert city.values.shape == (3, 720, 10_000)
    assert city.values.dtype == np.float32
    assert (city.services, str(city.start)) == (SERVICES, "2013-11-01T00")
    assert city.cell_ids.tolist() == list(range(1, 10_001))


def test_activity_is_positive_and_finite(city):
    assert np.isfinite(city.values).all()
    assert city.values.min() > 0


def test_every_fact_of_milan_is_met_within_its_tolerance(table):
    assert table[~table["holds"]].to_string() == table.iloc[:0].to_string()
    assert len(table) >= 30


def test_the_tolerances_are_narrow_enough_to_refuse_another_city(table):
    """A statistic at twice or half its fact must fail, so that no band is wide enough to hold anything."""
    fact = table["milan"][table["milan"] != 0]
    tolerance = table["tolerance"][fact.index]
    loose = fact.index[(tolerance >= fact)]
    # the two whose fact is close to 0 in its own unit, and the shares that rest on two of the 25 cells
    assert set(loose) <= {
        "ln mean: Kolmogorov distance to the normal",
        "correlation of ln mean, 30 cells apart",
        "share_over_3",
    }


def test_the_real_cells_would_be_an_ordinary_block(table):
    rank = table["rank"].dropna()
    assert len(rank) == len(block_facts())
    assert rank.between(0.02, 0.98).all(), rank.to_string()


def test_persistence_scores_about_as_well_as_on_the_real_cells(table):
    here = table["here"]
    assert here["last_hour_mse"] == pytest.approx(0.257, abs=0.1)
    assert here["last_hour_mse"] < here["yesterday_mse"]
    assert here["last_hour_mse"] < here["last_week_mse"]


def test_shuffled_hours_break_the_table(city):
    """The table can fail: the same numbers in another order have no memory."""
    order = np.random.default_rng(0).permutation(city.n_hours)
    shuffled = calibration_table(replace(city, values=city.values[:, order]))
    assert not shuffled.loc[["acf_1h", "acf_24h", "last_hour_mse", "weekly profile: mean difference"], "holds"].any()
    assert shuffled.loc[["ln mean: mu", "Moran's I of ln mean"], "holds"].all()


def test_same_seed_same_city():
    a, b, c = (synthetic_traffic((4, 5), 2, seed) for seed in (7, 7, 8))
    assert np.array_equal(a.values, b.values)
    assert not np.array_equal(a.values, c.values)
    rng = np.random.default_rng(7)
    first, second = synthetic_traffic((4, 5), 2, rng), synthetic_traffic((4, 5), 2, rng)
    assert np.array_equal(first.values, a.values)
    assert not np.array_equal(second.values, a.values)


def test_a_shorter_run_is_the_beginning_of_a_longer_one():
    short, long = synthetic_traffic((6, 6), 3, 1), synthetic_traffic((6, 6), 9, 1)
    assert np.array_equal(short.values, long.values[:, : 3 * 24])


def test_services_can_be_chosen_and_ordered():
    everything, two = synthetic_traffic((3, 3), 2, 1), synthetic_traffic((3, 3), 2, 1, services=("internet", "sms"))
    assert two.services == ("internet", "sms")
    assert np.array_equal(two.service("internet"), everything.service("internet"))
    assert np.array_equal(two.values[1], everything.values[0])


def test_blocks_lie_around_the_centre_or_where_asked():
    assert synthetic_traffic((1, 1), 1).cell_ids.tolist() == [5061]
    assert synthetic_traffic((5, 5), 1, corner=(41, 41)).cell_ids[[0, -1]].tolist() == [4142, 4546]
    assert synthetic_traffic((2, 100), 1).cell_ids[0] == 4901


def test_a_block_is_a_piece_of_the_same_city(city):
    block = synthetic_traffic((10, 10), 30, seed=0, corner=(20, 20))
    here, there = block.service("internet").mean(axis=0), city.select(block.cell_ids).service("internet").mean(axis=0)
    assert np.corrcoef(np.log(here), np.log(there))[0, 1] > 0.9  # the same cell means under other noise


def test_hours_of_the_week_and_holidays():
    hours = hour_of_week(24 * 60)
    assert hours[:24].tolist() == list(range(144, 168))  # Friday 1 November counts as a Sunday
    assert hours[24] == 120  # Saturday
    assert hours[72] == 0  # Monday 4 November
    assert np.flatnonzero(is_holiday(24 * 60))[::24].tolist() == [0, 54 * 24, 55 * 24]


@pytest.mark.parametrize("service", SERVICES)
def test_weekly_profiles_have_mean_one_and_a_night(service):
    profile = weekly_profile(service)
    assert profile.shape == (168,)
    assert profile.mean() == pytest.approx(1)
    assert np.all(profile.reshape(7, 24)[:, 2:5].max(axis=1) < profile.reshape(7, 24)[:, 10:20].min(axis=1))


bad_input = [
    ({"shape": 10}, TypeError, r"shape is 10, but must be \(rows, columns\)"),
    ({"shape": (0, 5)}, ValueError, "rows is 0, but must be 1 to 100"),
    ({"shape": (5, 101)}, ValueError, "columns is 101, but must be 1 to 100"),
    ({"shape": (5.0, 5)}, TypeError, "rows is 5.0, but must be a whole number"),
    ({"days": 0}, ValueError, "days is 0, but must be 1 to 366"),
    ({"days": 1.5}, TypeError, "days is 1.5"),
    ({"seed": 1.5}, TypeError, "seed is 1.5, but must be a whole number"),
    ({"seed": None}, TypeError, "seed is None"),
    ({"corner": (97, 0)}, ValueError, "The corner's row is 97, but must be 0 to 95"),
    ({"corner": (0, -1)}, ValueError, "The corner's column is -1"),
    ({"corner": 5}, TypeError, "corner is 5, but must be"),
    ({"services": "internet"}, ValueError, "services is 'internet', but must be a tuple"),
    ({"services": ()}, ValueError, r"services is \(\)"),
    ({"services": ("sms", "sms")}, ValueError, "different names"),
    ({"services": ("sms", "mms")}, ValueError, "The service is 'mms'"),
]


@pytest.mark.parametrize(("arguments", "kind", "sentence"), bad_input)
def test_a_wrong_call_is_refused(arguments, kind, sentence):
    with pytest.raises(kind, match=sentence):
        synthetic_traffic(**({"shape": (5, 5), "days": 1} | arguments))


def test_the_table_needs_a_whole_city():
    with pytest.raises(ValueError, match="needs 100 x 100 cells, three services and 30 days"):
        calibration_table(synthetic_traffic((5, 5), 30))
