"""Case study A (article IV-A, Fig. 4): V-twin and H-twin forecast the traffic of Milan.

>>> from dnt_lab.cases import traffic
>>> task = traffic.forecast_task(traffic.sample_sites(milan, 25, seed=1), "sms")
>>> runs = traffic.run_systems(task, traffic.Learning(), traffic.Equipment(), seed=1)
>>> traffic.scores(task.test_truth, runs["H-twin"].forecast)
"""

from dnt_lab.cases.traffic.baselines import baselines
from dnt_lab.cases.traffic.cost import SYSTEMS, TWINS, cost_table, saving
from dnt_lab.cases.traffic.drift import mse_by_day, open_stadium
from dnt_lab.cases.traffic.scores import nrmse, scores
from dnt_lab.cases.traffic.setting import Equipment, Learning
from dnt_lab.cases.traffic.study import (
    claims_of_figure_4,
    clusters_of,
    figure_4,
    interval,
    ratios,
    run_systems,
    score_table,
    summary,
)
from dnt_lab.cases.traffic.sweeps import sweep_clusters, sweep_sites, sweep_updates
from dnt_lab.cases.traffic.task import ForecastTask, forecast_task, sample_sites
from dnt_lab.cases.traffic.twins import Outcome, centralised, h_federation, h_twin, local_only, v_twin, v_twin_longer

__all__ = [
    "SYSTEMS",
    "TWINS",
    "Equipment",
    "ForecastTask",
    "Learning",
    "Outcome",
    "baselines",
    "centralised",
    "claims_of_figure_4",
    "clusters_of",
    "cost_table",
    "figure_4",
    "forecast_task",
    "h_federation",
    "h_twin",
    "interval",
    "local_only",
    "mse_by_day",
    "nrmse",
    "open_stadium",
    "ratios",
    "run_systems",
    "sample_sites",
    "saving",
    "score_table",
    "scores",
    "summary",
    "sweep_clusters",
    "sweep_sites",
    "sweep_updates",
    "v_twin",
    "v_twin_longer",
]
