"""Intervals, paired ratios and the verdicts on the article's sentences."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from dnt_lab.cases import traffic
from tests.cases.traffic.tasks import QUICK, task


@pytest.fixture(scope="module")
def results():
    return traffic.figure_4(task, [1, 2], QUICK, traffic.Equipment())


def test_every_system_and_baseline_has_a_row_a_seed(results):
    counted = results.groupby("system").size()
    assert set(counted.index) == {*traffic.SYSTEMS, *traffic.baselines(task(1))}
    assert counted.eq(2).all()
    assert results.dropna()["system"].nunique() == len(traffic.SYSTEMS)


def test_rows_are_the_scores_of_the_runs(results):
    row = results.set_index(["seed", "system"]).loc[(2, "H-twin")]
    run = traffic.run_systems(task(2), QUICK, traffic.Equipment(), 2)["H-twin"]
    for name, value in traffic.scores(task(2).test_truth, run.forecast).items():
        assert row[name] == value
    assert row["cost_s"] == run.training_s + run.communication_s


def test_interval_is_students():
    values = np.array([1.0, 2.0, 4.0, 8.0])
    mean, low, high = traffic.interval(values)
    expected = stats.t.interval(0.95, 3, loc=values.mean(), scale=stats.sem(values))
    assert mean == 3.75 and (low, high) == pytest.approx(expected)
    with pytest.raises(ValueError, match="there is 1 value; an interval over seeds needs at least two"):
        traffic.interval([1.0])


def made_up_results(h_mse=(0.96, 0.95, 0.96), h_cost=150.0, h_alone=260.0, central=300.0, worst=1.0):
    rows = []
    for seed, h in enumerate(h_mse):
        mse = {"V-twin w/o clusters": worst, "V-twin": 1.0, "H-twin w/o clusters": 1.0, "H-twin": h, "centralised": 1.0}
        cost = {"V-twin w/o clusters": 1.0, "V-twin": 100.0 + seed, "H-twin w/o clusters": h_alone + seed,
                "H-twin": h_cost + seed, "centralised": central + seed}  # fmt: skip
        rows += [{"seed": seed, "system": s, "mse": mse[s], "cost_s": cost[s]} for s in mse]
    return pd.DataFrame(rows)


def verdicts(results):
    return traffic.claims_of_figure_4(results)["holds"].tolist()


def test_claims_hold_where_they_should_and_fail_where_they_should():
    assert verdicts(made_up_results()) == [True] * 5
    assert verdicts(made_up_results(worst=1.2))[0] is False
    assert verdicts(made_up_results(h_mse=(0.98, 1.05, 0.97)))[1] is False  # the interval reaches over 1
    assert verdicts(made_up_results(h_cost=90.0))[2] is False
    assert verdicts(made_up_results(h_alone=200.0))[3] is False  # saves 25 %
    assert verdicts(made_up_results(central=20.0))[4] is False


def test_ratios_are_paired_by_seed(results):
    by_hand = [
        results.query("seed == @s and system == 'H-twin'")["mse"].item()
        / results.query("seed == @s and system == 'V-twin'")["mse"].item()
        for s in (1, 2)
    ]
    np.testing.assert_allclose(traffic.ratios(results, "mse", "H-twin", "V-twin"), by_hand)


def test_summary_keeps_the_order_and_leaves_out_what_has_no_cost(results):
    table = traffic.summary(results, "cost_s")
    assert list(table.index) == list(traffic.SYSTEMS)
    assert (table["low"] <= table["mean"]).all() and (table["mean"] <= table["high"]).all()


def test_clusters_use_the_training_part_alone():
    found = task()
    labels = traffic.clusters_of(found, 3, seed=0)
    assert set(labels) == {0, 1, 2}
    truth = found.truth.copy()
    truth[:, found.n_train :] = 0
    np.testing.assert_array_equal(traffic.clusters_of(replace(found, truth=truth), 3, seed=0), labels)
