"""Federated learning: many small models trained together, in virtual time, without their data leaving them.

>>> from dnt_lab import fl
>>> model = fl.gru(n_in=4, hidden=16)
>>> federation = fl.Federation(model, data, fl.fedavg(), fl.LocalTraining(lr=0.03), seed=1)
>>> federation.run(until_round=30)
"""

from dnt_lab.fl.async_federation import AsyncFederation
from dnt_lab.fl.asynchronous import AsyncStrategy, Staleness, constant, fedasync, fedbuff, hinge, polynomial
from dnt_lab.fl.client_data import ClientData
from dnt_lab.fl.compression import Compression, qsgd, sign, top_k
from dnt_lab.fl.devices import Connection, Devices
from dnt_lab.fl.federation import Federation
from dnt_lab.fl.local_training import LocalTraining, squared_error, train
from dnt_lab.fl.models import Model, cnn, mlp
from dnt_lab.fl.recurrent import gru, lstm
from dnt_lab.fl.strategies import Strategy, fedadam, fedavg, fedavgm, fedprox, weighted_mean

__all__ = [
    "AsyncFederation",
    "AsyncStrategy",
    "ClientData",
    "Compression",
    "Connection",
    "Devices",
    "Federation",
    "LocalTraining",
    "Model",
    "Staleness",
    "Strategy",
    "cnn",
    "constant",
    "fedadam",
    "fedasync",
    "fedavg",
    "fedavgm",
    "fedbuff",
    "fedprox",
    "gru",
    "hinge",
    "lstm",
    "mlp",
    "polynomial",
    "qsgd",
    "sign",
    "squared_error",
    "top_k",
    "train",
    "weighted_mean",
]
