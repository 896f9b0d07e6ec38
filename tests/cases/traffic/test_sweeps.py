"""Sweeps return what single runs give, and costs that move the way they must."""

import numpy as np

from dnt_lab.cases import traffic
from tests.cases.traffic.tasks import QUICK, milan, task

EQUIPMENT = traffic.Equipment()


def test_one_cluster_or_another_kind_of_one_is_the_same():
    table = traffic.sweep_clusters(task, [1, 3], [1], QUICK, EQUIPMENT)
    assert table.groupby("k")["cost_s"].nunique().eq(1).all()  # the cost does not ask who is in which cluster
    one = table[table["k"] == 1]["mse"]
    assert one.nunique() == 1
    assert table[table["k"] == 3]["mse"].nunique() == 2


def test_faster_updates_cost_more():
    table = traffic.sweep_updates(task, [24, 84], [1], QUICK, EQUIPMENT).set_index("period_h")
    assert table["cost_s"].loc[[24, 84, 168]].is_monotonic_decreasing
    built = traffic.v_twin(task(1), QUICK, EQUIPMENT, 1)
    assert table.loc[168, "mse"] == traffic.scores(task(1).test_truth, built.forecast)["mse"]


def test_more_sites_cost_more():
    def some(seed, n):
        return traffic.forecast_task(traffic.sample_sites(milan(seed), n, seed), "sms")

    table = traffic.sweep_sites(some, [2, 8], [1], QUICK, EQUIPMENT)
    assert list(table["system"]) == ["V-twin", "H-twin"] * 2
    cost = table.pivot(index="sites", columns="system", values="cost_s")
    ratio = cost.loc[8] / cost.loc[2]
    assert (ratio > 2).all() and (ratio < 8).all()
    assert np.isfinite(table["mse"]).all()
