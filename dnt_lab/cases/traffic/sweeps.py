"""Beyond Fig. 4: what the number of clusters, the density of BSs and the pace of updates change.

Each sweep runs the twins anew for every value and seed and returns a long table for a figure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import pandas as pd

from dnt_lab import mapping
from dnt_lab.cases.traffic.scores import scores
from dnt_lab.cases.traffic.setting import Equipment, Learning
from dnt_lab.cases.traffic.study import clusters_of
from dnt_lab.cases.traffic.task import ForecastTask
from dnt_lab.cases.traffic.twins import Outcome, h_twin, v_twin


def sweep_clusters(
    make_task: Callable[[int], ForecastTask],
    counts: Iterable[int],
    seeds: Iterable[int],
    learning: Learning,
    equipment: Equipment,
) -> pd.DataFrame:
    """Run the H-twin with k clusters of BSs that are alike, and with k groups drawn at random.

    Returns
    -------
    pandas.DataFrame
        A row a seed, count and kind: ``seed``, ``k``, ``clusters`` ("alike" or "random"), ``mse``, ``cost_s``.
    """
    rows = []
    for seed in seeds:
        task = make_task(seed)
        for k in counts:
            kinds = {"alike": clusters_of(task, k, seed), "random": mapping.random_clusters(task.n_sites, k, seed)}
            for kind, groups in kinds.items():
                run = _h(task, learning, equipment, seed, groups)
                rows.append({"seed": seed, "k": k, "clusters": kind} | _result(task, run))
    return pd.DataFrame(rows)


def sweep_sites(
    make_task: Callable[[int, int], ForecastTask],
    counts: Iterable[int],
    seeds: Iterable[int],
    learning: Learning,
    equipment: Equipment,
) -> pd.DataFrame:
    """Run V-twin and H-twin without clusters for several numbers of BSs; ``make_task(seed, n)``.

    Returns
    -------
    pandas.DataFrame
        A row a seed, count and system: ``seed``, ``sites``, ``system``, ``mse``, ``cost_s``.
    """
    rows = []
    for seed in seeds:
        for n in counts:
            task = make_task(seed, n)
            built = v_twin(task, learning, equipment, seed)
            runs = {"V-twin": built, "H-twin": h_twin(task, learning, equipment, seed, built)}
            rows += [{"seed": seed, "sites": n, "system": name} | _result(task, run) for name, run in runs.items()]
    return pd.DataFrame(rows)


def sweep_updates(
    make_task: Callable[[int], ForecastTask],
    periods_h: Iterable[int],
    seeds: Iterable[int],
    learning: Learning,
    equipment: Equipment,
) -> pd.DataFrame:
    """Run the H-twin without clusters at several paces.

    Returns
    -------
    pandas.DataFrame
        A row a seed and pace: ``seed``, ``period_h`` (168, never within the week: the V-twin), ``mse``, ``cost_s``.
    """
    rows = []
    for seed in seeds:
        task = make_task(seed)
        built = v_twin(task, learning, equipment, seed)
        rows.append({"seed": seed, "period_h": 168} | _result(task, built))
        for period_h in periods_h:
            run = h_twin(task, replace(learning, update_period_h=period_h), equipment, seed, built)
            rows.append({"seed": seed, "period_h": period_h} | _result(task, run))
    return pd.DataFrame(rows)


def _h(task: ForecastTask, learning: Learning, equipment: Equipment, seed: int, groups) -> Outcome:
    return h_twin(task, learning, equipment, seed, v_twin(task, learning, equipment, seed, groups), groups)


def _result(task: ForecastTask, run: Outcome) -> dict[str, float]:
    return {"mse": scores(task.test_truth, run.forecast)["mse"], "cost_s": run.cost_s}
