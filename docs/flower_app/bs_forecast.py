"""Base stations that learn to forecast their traffic together: the app of `docs/distributed.md`.

Every node imports this file, and so does the server; `data_of` runs on the nodes only. Put your own data there.
"""

import numpy as np

from dnt_lab import fl
from dnt_lab.cases.traffic.task import forecast_task
from dnt_lab.datasets import synthetic_traffic
from dnt_lab.fl import flower

MODEL = fl.gru(n_in=4, hidden=16, n_steps=3)
STRATEGY = fl.fedadam(server_lr=0.02)
HOW = fl.LocalTraining(lr=0.03)
COMPRESSION = fl.top_k(0.1)  # of the updates; what it leaves out waits on the node for the next one
SEED = 1


def data_of(client: int) -> fl.ClientData:
    """Return the samples of one base station; those that were built later know fewer days."""
    traffic = synthetic_traffic(
        (1, 1), days=21 - client % 4, seed=SEED, corner=(50, 60 + client), services=("internet",)
    )
    return forecast_task(traffic, "internet").training_data()


def save(weights: np.ndarray, config: dict) -> None:
    """Write the weights to the file that the run names."""
    if config["out"]:
        np.save(config["out"], weights)


client = flower.client_app(MODEL, data_of, HOW, seed=SEED, compression=COMPRESSION)
server = flower.server_app(MODEL, STRATEGY, rounds=3, n_clients=2, seed=SEED, compression=COMPRESSION, on_end=save)
