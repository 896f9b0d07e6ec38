"""Small tasks that the tests of the case study share."""

import functools

import numpy as np

from dnt_lab import datasets, fl
from dnt_lab.cases import traffic

QUICK = traffic.Learning(
    hidden=4,
    rounds=3,
    training=fl.LocalTraining(batch_size=80, lr=0.05),
    update=fl.LocalTraining(batch_size=80, lr=0.02),
    update_period_h=48,
    n_clusters=2,
    merge_every=2,
)


@functools.cache
def milan(seed: int = 0, days: int = 20, side: int = 3) -> datasets.Traffic:
    return datasets.synthetic_traffic((side, side), days=days, seed=seed, services=("sms",))


@functools.cache
def task(seed: int = 0) -> traffic.ForecastTask:
    return traffic.forecast_task(milan(seed), "sms")


def made_up(values: np.ndarray) -> datasets.Traffic:
    """Traffic with given hours (hours, cells)."""
    ids = np.arange(1, values.shape[1] + 1)
    start = np.datetime64("2013-11-04T00", "h")
    return datasets.Traffic(values[None].astype(np.float32), ("sms",), start, ids, "made up")
