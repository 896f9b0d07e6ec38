"""Fig. 4: all systems on the same traffic, over seeds, with intervals, and the article's claims held to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd
from scipy import stats

from dnt_lab import mapping
from dnt_lab.cases.traffic.baselines import baselines
from dnt_lab.cases.traffic.cost import SYSTEMS, TWINS
from dnt_lab.cases.traffic.scores import scores
from dnt_lab.cases.traffic.setting import Equipment, Learning
from dnt_lab.cases.traffic.task import ForecastTask
from dnt_lab.cases.traffic.twins import Outcome, centralised, h_twin, local_only, v_twin


def clusters_of(task: ForecastTask, k: int, seed: int) -> np.ndarray:
    """Return the cluster of each BS, shape (K,), from location and mean weekly profile of the training part."""
    known = task.truth[:, : task.n_train].T
    features = mapping.cluster_features(task.position_m, known, task.hours[0].to_datetime64())
    return mapping.cluster(features, k, seed).labels


def run_systems(task: ForecastTask, learning: Learning, equipment: Equipment, seed: int) -> dict[str, Outcome]:
    """Run the six systems on one task; keys are those of `SYSTEMS`."""
    runs = {}
    for name, groups in ((" w/o clusters", None), ("", clusters_of(task, learning.n_clusters, seed))):
        built = v_twin(task, learning, equipment, seed, groups)
        runs[f"V-twin{name}"] = built
        runs[f"H-twin{name}"] = h_twin(task, learning, equipment, seed, built, groups)
    runs["centralised"] = centralised(task, learning, equipment, seed)
    runs["local only"] = local_only(task, learning, equipment, seed)
    return {name: runs[name] for name in SYSTEMS}


def figure_4(
    make_task: Callable[[int], ForecastTask],
    seeds: Iterable[int],
    learning: Learning,
    equipment: Equipment,
) -> pd.DataFrame:
    """Run everything for several seeds.

    Parameters
    ----------
    make_task : callable
        ``make_task(seed)``: the traffic of a seed, or always the same where it is real.
    seeds : iterable of int
        Of traffic, BSs, speeds, weights and shuffling.
    learning, equipment : Learning, Equipment
        What is done, and on what.

    Returns
    -------
    pandas.DataFrame
        A row a seed and system (baselines among them): ``seed``, ``system``, ``mse``, ``mae``, ``nrmse`` (by range, on
        z-scores), and for the six systems ``training_s``, ``communication_s``, ``cost_s``, ``makespan_s``.
    """
    tables = []
    for seed in seeds:
        task = make_task(seed)
        tables.append(score_table(task, run_systems(task, learning, equipment, seed), seed))
    return pd.concat(tables, ignore_index=True)


def score_table(task: ForecastTask, runs: dict[str, Outcome], seed: int) -> pd.DataFrame:
    """Return the rows of `figure_4` of one seed: the baselines, and what `run_systems` returned."""
    rows = [
        {"seed": seed, "system": name} | scores(task.test_truth, forecast) for name, forecast in baselines(task).items()
    ]
    for name, run in runs.items():
        cost = {"training_s": run.training_s, "communication_s": run.communication_s, "cost_s": run.cost_s}
        row = {"seed": seed, "system": name} | scores(task.test_truth, run.forecast) | cost
        rows.append(row | {"makespan_s": run.makespan_s})
    return pd.DataFrame(rows)


def interval(values) -> tuple[float, float, float]:
    """Return mean and 95 % interval (Student's t) over seeds: (mean, low, high).

    Raises
    ------
    ValueError
        If there are fewer than two values.
    """
    values = np.asarray(values, float)
    if values.size < 2:
        raise ValueError(f"there is {values.size} value; an interval over seeds needs at least two.")
    half = stats.t.ppf(0.975, values.size - 1) * values.std(ddof=1) / np.sqrt(values.size)
    return float(values.mean()), float(values.mean() - half), float(values.mean() + half)


def summary(results: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return mean, low and high over seeds of one column of `figure_4`, a row a system, in its order."""
    by_system = results.dropna(subset=column).groupby("system", sort=False)[column]
    rows = {name: interval(values) for name, values in by_system}
    return pd.DataFrame(rows, index=["mean", "low", "high"]).T


def ratios(results: pd.DataFrame, column: str, system: str, over: str) -> np.ndarray:
    """Return a column of one system over that of another, seed by seed (they share its traffic): (seeds,)."""
    table = results.pivot(index="seed", columns="system", values=column)
    return (table[system] / table[over]).to_numpy()


def claims_of_figure_4(results: pd.DataFrame) -> pd.DataFrame:
    """Hold the article's sentences on Fig. 4 to the results.

    Returns
    -------
    pandas.DataFrame
        A row a claim: ``claim``, ``value`` with ``low`` and ``high`` over seeds, ``wanted`` in words, ``holds``.
    """
    mse = results.pivot(index="seed", columns="system", values="mse")
    spread = (mse[list(TWINS)].max(axis=1) / mse[list(TWINS)].min(axis=1) - 1).to_numpy()
    h_over_v = ratios(results, "mse", "H-twin", "V-twin")
    dearer = ratios(results, "cost_s", "H-twin", "V-twin")
    saved = 1 - ratios(results, "cost_s", "H-twin", "H-twin w/o clusters")
    central = ratios(results, "cost_s", "centralised", "H-twin")
    rows = [
        ("the four twins' errors are comparable", spread, "largest MSE at most 10 % over smallest", _below(0.1)),
        ("the H-twin's error is slightly lower", h_over_v, "MSE over the V-twin's below 1", _below(1.0)),
        ("the H-twin costs more than the V-twin", dearer, "cost over the V-twin's above 1", _above(1.0)),
        ("clusters cut the H-twin's cost by about 43.8 %", saved, "38.8 % to 48.8 %", _between(0.388, 0.488)),
        ("the centralised twin costs much more", central, "cost over the H-twin's above 1", _above(1.0)),
    ]
    found = [(text, *interval(values), wanted, rule(*interval(values))) for text, values, wanted, rule in rows]
    return pd.DataFrame(found, columns=["claim", "value", "low", "high", "wanted", "holds"])


def _below(limit: float) -> Callable[[float, float, float], bool]:
    return lambda mean, low, high: high <= limit


def _above(limit: float) -> Callable[[float, float, float], bool]:
    return lambda mean, low, high: low >= limit


def _between(least: float, most: float) -> Callable[[float, float, float], bool]:
    return lambda mean, low, high: low >= least and high <= most
