"""Transfer: a new place starts from a twin made elsewhere, not from nothing. It saves measurements; here is how many.

Both starts learn from the same few tracks of the new regions and are asked about the other tracks there. The saving is
read off the two curves at one height: samples from nothing over samples after transfer, to the same error. What was
learned elsewhere is held by a pull towards it (the proximal term of FedProx), which fades as measurements come in.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from dnt_lab.datasets._checks import whole
from dnt_lab.fl import ClientData, LocalTraining, Model, train
from dnt_lab.mapping.vertical.model import link_loss
from dnt_lab.mapping.vertical.predict import predict
from dnt_lab.mapping.vertical.scores import joined, link_scores
from dnt_lab.mapping.vertical.task import MappingTask
from dnt_lab.mapping.vertical.training import client_data

_BATCH = 8
_STEPS = {"transfer": 200, "scratch": 400}
_LR = {"transfer": 0.02, "scratch": 0.05}
_PULL = 10.0  # towards the twin from elsewhere, as if it had been seen on so many samples more


def transfer_curve(model: Model, source: np.ndarray, task: MappingTask, counts: Sequence[int], seed: int):
    """Error in new regions over the number of measured tracks, with and without transfer.

    Parameters
    ----------
    model : Model
        From `link_model`.
    source : ndarray, shape (P,)
        Weights of a twin made elsewhere.
    task : MappingTask
        The new regions; the last half of the tracks of each is what both are asked about.
    counts : sequence of int
        Numbers of tracks of each region to learn from, up to half of what there are.
    seed : int
        Of the first weights of whoever starts from nothing, and of the shuffling.

    Returns
    -------
    DataFrame
        A row a start and number: ``start`` ("transfer" or "scratch"), ``tracks`` of each region, ``links`` in all,
        ``rmse_db`` and ``los_f1``. With 0 tracks there is only the twin from elsewhere as it is.

    Raises
    ------
    ValueError, TypeError
        If a number of tracks is not 1 to half of what there are.
    """
    half = min(len(region.track_m) for region in task.regions) // 2
    counts = [whole("Each of counts", n, 1, half) for n in counts]
    asked = task.tracks(slice(-half, None))
    starts = {"transfer": np.asarray(source, np.float32), "scratch": model.init(seed)}
    rows = [{"start": "transfer", "tracks": 0, "links": 0} | _scores(model, starts["transfer"], asked)]
    for n in counts:
        data = client_data(task.tracks(slice(n))).pooled()
        for name, weights in starts.items():
            learned = _learned(model, weights, data, name, seed)
            links = n * task.regions[0].track_m.shape[1] * len(task)
            rows.append({"start": name, "tracks": n, "links": links} | _scores(model, learned, asked))
    return pd.DataFrame(rows)


def _learned(model: Model, weights: np.ndarray, data: ClientData, start: str, seed: int) -> np.ndarray:
    """Train from a start; the last quarter of the steps at a quarter of the learning rate."""
    n = int(data.n_samples[0])
    pull = _PULL / n if start == "transfer" else 0.0
    for job, (share, lr) in enumerate(((0.75, _LR[start]), (0.25, _LR[start] / 4))):
        epochs = max(1, round(share * _STEPS[start] * _BATCH / n))
        how = LocalTraining(epochs, _BATCH, lr, 0.9, prox=pull, loss=link_loss)
        weights = train(model, weights, data, how, seed=seed, jobs=job)[0]
    return weights


def sample_ratio(curve: pd.DataFrame) -> float:
    """Samples from nothing over samples after transfer, to the error that starting from nothing ends at.

    The curve of transfer is read linearly between its points over the logarithm of the number of links. If the twin
    from elsewhere is as good without any sample, the ratio is that to the smallest number tried: at least that.
    """
    scratch, transfer = (curve[(curve["start"] == name) & (curve["tracks"] > 0)] for name in ("scratch", "transfer"))
    goal_db, most = scratch["rmse_db"].min(), scratch.loc[scratch["rmse_db"].idxmin(), "links"]
    links, error_db = transfer["links"].to_numpy(float), np.minimum.accumulate(transfer["rmse_db"].to_numpy())
    if error_db[-1] > goal_db:
        return float(most / links[-1]) if most > links[-1] else float("nan")
    reached = int(np.argmax(error_db <= goal_db))
    if reached == 0:
        return float(most / links[0])
    share = (error_db[reached - 1] - goal_db) / (error_db[reached - 1] - error_db[reached])
    needed = np.exp(np.interp(share, [0, 1], np.log(links[reached - 1 : reached + 1])))
    return float(most / needed)


def _scores(model: Model, weights: np.ndarray, task: MappingTask) -> dict[str, float]:
    predicted = joined([predict(model, weights, region) for region in task.regions])
    scores = link_scores(predicted, joined(task.truth))
    return {name: scores[name] for name in ("rmse_db", "los_f1")}
