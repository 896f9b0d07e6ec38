"""The systems of Fig. 4: V-twin and H-twin, with and without clusters; the centralised twin; BSs on their own.

- *V-twin*: synchronous federated learning on the training part. Built once, then left alone.
- *H-twin*: starts from the V-twin and goes on through the test week by asynchronous federated learning. It is tested
  before it learns: the forecast of an hour is made with what was known when that hour began.
- *with clusters*: each cluster of BSs has a head nearby with a local twin; heads meet in the cloud, the global twin.
- *centralised*: raw data are uploaded once, one model is trained on the server.
- *local only*: each BS trains by itself and nothing is sent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd

from dnt_lab import fl
from dnt_lab.cases.traffic.setting import Equipment, Learning
from dnt_lab.cases.traffic.task import TEST_HOURS, ForecastTask


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a system forecast and what it cost.

    Attributes
    ----------
    forecast : numpy.ndarray, shape (K, 168)
        Of the test week, z-scored.
    weights : numpy.ndarray, shape (K, P)
        Model that serves each BS at the end.
    training_s, communication_s : float
        Sums over all nodes, of virtual time.
    makespan_s : float
        Virtual time that passes while the system is built; of the H-twin, plus the time in which updates are under way.
    history : pandas.DataFrame
        What its federation logged; empty for others.
    """

    forecast: np.ndarray
    weights: np.ndarray
    training_s: float
    communication_s: float
    makespan_s: float
    history: pd.DataFrame

    @property
    def cost_s(self) -> float:
        """Training plus communication time: the cost of the article."""
        return self.training_s + self.communication_s


def v_twin(
    task: ForecastTask, learning: Learning, equipment: Equipment, seed: int, groups: np.ndarray | None = None
) -> Outcome:
    """Build a twin in rounds on the training part, with clusters if `groups` (K,) names the cluster of each BS."""
    return _in_rounds(
        task, learning, task.training_data(), learning.training, learning.rounds,
        **_layout(task, learning, equipment, seed, groups),
    )  # fmt: skip


def h_twin(
    task: ForecastTask,
    learning: Learning,
    equipment: Equipment,
    seed: int,
    start: Outcome,
    groups: np.ndarray | None = None,
) -> Outcome:
    """Keep a twin alive through the test week; it goes on from the V-twin `start`, whose cost is part of its own."""
    federation = h_federation(task, learning, equipment, seed, start, groups)
    models = {}  # by the first hour they forecast; most hours see no new one
    for hour in range(TEST_HOURS):
        versions = federation.heads.versions.copy()
        federation.run(until_s=3600.0 * hour)
        if hour == 0 or (federation.heads.versions != versions).any():
            models[hour] = federation.client_weights
    hours = [task.n_train + hour for hour in (*models, TEST_HOURS)]
    spans = [slice(first, last) for first, last in pairwise(hours)]
    parts = [task.forecast(federation.clients.model, w, span) for w, span in zip(models.values(), spans, strict=True)]
    forecast = np.concatenate(parts, axis=1)
    history = federation.history
    updates = history[history["client"] >= 0]
    started_s = updates["time_s"] // (3600.0 * learning.update_period_h)
    busy_s = (updates["time_s"] - started_s * 3600.0 * learning.update_period_h).groupby(started_s).max().sum()
    return _added(start, _outcome(forecast, federation.client_weights, history, busy_s))


def v_twin_longer(
    task: ForecastTask,
    learning: Learning,
    equipment: Equipment,
    seed: int,
    start: Outcome,
    groups: np.ndarray | None = None,
) -> Outcome:
    """Train a V-twin on as long as the H-twin would, with its small steps, but on the old data and in rounds.

    The control of `h_twin`: what that has over this one comes from fresh data and arrivals, not from more training.
    """
    data = task.growing_data().newest(np.arange(task.n_sites), np.zeros(task.n_sites), learning.update_hours)
    own = _in_rounds(
        task, learning, data, learning.update, learning.n_updates,
        initial=_model_of_each_head(start, groups), **_layout(task, learning, equipment, seed, groups),
    )  # fmt: skip
    return _added(start, own)


def h_federation(
    task: ForecastTask,
    learning: Learning,
    equipment: Equipment,
    seed: int,
    start: Outcome,
    groups: np.ndarray | None = None,
) -> fl.AsyncFederation:
    """Return the H-twin before its first update, to be run hour by hour."""
    return fl.AsyncFederation(
        learning.model(),
        task.growing_data(),
        learning.rule,
        learning.update,
        period_s=3600.0 * learning.update_period_h,
        newest=learning.update_hours,
        initial=_model_of_each_head(start, groups),
        **_layout(task, learning, equipment, seed, groups),
    )


def centralised(task: ForecastTask, learning: Learning, equipment: Equipment, seed: int) -> Outcome:
    """Upload all raw data once and train one model on the server, with as many epochs as the V-twin has rounds.

    A batch holds what all BSs together take in a step, so that server and V-twin take as many steps.
    """
    model, how, pooled = learning.model(), learning.training, task.training_data().pooled()
    how = fl.LocalTraining(
        epochs=learning.rounds * how.epochs, batch_size=how.batch_size * task.n_sites, lr=how.lr, momentum=how.momentum
    )
    weights = fl.train(model, model.init(seed), pooled, how, seed=seed)
    upload_s = equipment.cloud().up_s(equipment.record_bytes * task.n_train)
    training_s = float(how.flops(model, pooled.n_samples).sum() / equipment.server_flops)
    everywhere = np.repeat(weights, task.n_sites, axis=0)
    forecast = task.forecast(model, everywhere)
    return Outcome(forecast, everywhere, training_s, task.n_sites * upload_s, training_s + upload_s, pd.DataFrame())


def local_only(task: ForecastTask, learning: Learning, equipment: Equipment, seed: int) -> Outcome:
    """Let each BS train by itself, with as many epochs as the V-twin has rounds."""
    model, how, data = learning.model(), learning.training, task.training_data()
    how = fl.LocalTraining(
        epochs=learning.rounds * how.epochs, batch_size=how.batch_size, lr=how.lr, momentum=how.momentum
    )
    weights = fl.train(model, model.init(seed), data, how, seed=seed)
    speed = equipment.devices(task.n_sites, seed, clustered=False).speed_flops
    each_s = how.flops(model, data.n_samples) / speed
    return Outcome(task.forecast(model, weights), weights, each_s.sum(), 0.0, each_s.max(), pd.DataFrame())


def _layout(task: ForecastTask, learning: Learning, equipment: Equipment, seed: int, groups: np.ndarray | None) -> dict:
    """Return who talks to whom over what, as both kinds of federation take it."""
    return {
        "devices": equipment.devices(task.n_sites, seed, clustered=groups is not None),
        "groups": groups,
        "merge_every": None if groups is None else learning.merge_every,
        "backhaul": equipment.cloud(),
        "seed": seed,
    }


def _in_rounds(
    task: ForecastTask, learning: Learning, data: fl.ClientData, how: fl.LocalTraining, rounds: int, **setting
) -> Outcome:
    """Train in synchronous rounds, then forecast the whole test week."""
    federation = fl.Federation(learning.model(), data, fl.fedavg(), how, **setting)
    history = federation.run(rounds)
    forecast = task.forecast(federation.clients.model, federation.client_weights)
    return _outcome(forecast, federation.client_weights, history, federation.clock_s.max())


def _outcome(forecast, weights, history: pd.DataFrame, makespan_s: float) -> Outcome:
    communication_s = history["access_s"].sum() + history["backhaul_s"].sum()
    return Outcome(forecast, weights, history["training_s"].sum(), communication_s, float(makespan_s), history)


def _added(start: Outcome, own: Outcome) -> Outcome:
    """Return an outcome that also pays for what it started from."""
    return replace(
        own,
        training_s=own.training_s + start.training_s,
        communication_s=own.communication_s + start.communication_s,
        makespan_s=own.makespan_s + start.makespan_s,
    )


def _model_of_each_head(start: Outcome, groups: np.ndarray | None) -> np.ndarray:
    return start.weights[0] if groups is None else start.weights[np.unique(groups, return_index=True)[1]]
