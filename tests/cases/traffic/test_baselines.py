"""Forecasts without a neural network, against pandas shifts and a least-squares solver."""

import numpy as np
import scipy.linalg

from dnt_lab.cases import traffic
from tests.cases.traffic.tasks import milan, task


def test_naive_forecasts_are_shifted_series():
    city, found = milan(), task()
    table = city.to_frame("sms").astype(float)
    z = (table - table.iloc[:-168].mean()) / table.iloc[:-168].std()
    lines = traffic.baselines(found)
    for name, hours in (("last hour", 1), ("same hour yesterday", 24), ("same hour last week", 168)):
        np.testing.assert_allclose(lines[name], z.shift(hours).iloc[-168:].to_numpy().T, atol=2e-5, err_msg=name)


def test_ridge_solves_the_regularised_least_squares_problem():
    found, penalty = task(), 3.0
    lines = traffic.baselines(found, penalty)
    switches = np.eye(24)[found.hours.hour.to_numpy()]
    lags = np.concatenate([found.x[..., 0], found.x[..., 1]], axis=2).astype(float)
    rows = [np.hstack([lags[k], switches]) for k in range(found.n_sites)]
    n, width = found.n_train, rows[0].shape[1]

    def solved(features, target):
        stacked = np.vstack([features, np.sqrt(penalty) * np.eye(width)])
        return scipy.linalg.lstsq(stacked, np.concatenate([target, np.zeros(width)]))[0]

    pooled = solved(np.vstack([r[:n] for r in rows]), found.truth[:, :n].ravel().astype(float))
    for k in (0, 4):
        np.testing.assert_allclose(lines["ridge, pooled"][k], rows[k][n:] @ pooled, atol=1e-6)
        own = solved(rows[k][:n], found.truth[k, :n].astype(float))
        np.testing.assert_allclose(lines["ridge, per BS"][k], rows[k][n:] @ own, atol=1e-6)


def test_ridge_beats_persistence_on_milan_like_traffic():
    found = task()
    mse = {name: traffic.scores(found.test_truth, f)["mse"] for name, f in traffic.baselines(found).items()}
    assert mse["ridge, pooled"] < 0.8 * mse["last hour"]
