"""One round of federated averaging: ours, and `torch.nn` modules trained client after client in a plain loop.

Samples, start weights and the order of the samples are the same, so the weights after a round must be too.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from dnt_lab import fl
from dnt_lab.fl._random import SHUFFLE, stream

STEPS, LR, MOMENTUM, SEED = 20, 0.01, 0.9, 1


@dataclass(frozen=True)
class Setting:
    """Clients with their model (`kind` is "gru" or "lstm") and their samples, which they go through once a round."""

    kind: str
    hidden: int
    clients: int
    n_in: int
    window: int
    batch: int
    n_samples: int

    @classmethod
    def of(cls, kind: str, hidden: int, clients: int) -> Setting:
        """Return a setting with 16 or 64 hidden units and 20 steps a round."""
        window, batch = {16: (6, 16), 64: (12, 32)}[hidden]
        return cls(kind, hidden, clients, 1, window, batch, batch * STEPS)

    @classmethod
    def cells(cls, clients: int) -> Setting:
        """Return the setting of a traffic forecast: 20 days of hourly samples, 24 steps a round."""
        return cls("gru", 16, clients, n_in=4, window=3, batch=20, n_samples=480)

    @property
    def model(self) -> fl.Model:
        """The model of `dnt_lab.fl`."""
        return getattr(fl, self.kind)(self.n_in, self.hidden, n_steps=self.window)


@cache
def samples(setting: Setting) -> tuple[np.ndarray, np.ndarray]:
    """Return noise x (K, N, window, n_in) in float32 and, as y (K, N, 1), its mean times a factor of each client."""
    rng = np.random.default_rng(SEED)
    shape = (setting.clients, setting.n_samples, setting.window, setting.n_in)
    x = rng.standard_normal(shape, dtype=np.float32)
    factor = rng.uniform(0.0, 2.0, (setting.clients, 1, 1)).astype(np.float32)
    return x, factor * x.mean(axis=(2, 3))[..., None]


def federation(setting: Setting) -> fl.Federation:
    """Return our side before its first round."""
    x, y = samples(setting)
    how = fl.LocalTraining(epochs=1, batch_size=setting.batch, lr=LR, momentum=MOMENTUM)
    data = fl.ClientData(x, y, np.full(setting.clients, setting.n_samples))
    return fl.Federation(setting.model, data, fl.fedavg(), how, seed=SEED)


def next_round(ours: fl.Federation) -> float:
    """Do one more round and return its CPU seconds."""
    start_s = time.process_time()
    ours.run(ours.round + 1)
    return time.process_time() - start_s


def order(setting: Setting, client: int, round_: int) -> torch.Tensor:
    """Return the order in which `dnt_lab.fl` gives a client its samples in a round."""
    return torch.from_numpy(stream(SEED, SHUFFLE, client, round_).permutation(setting.n_samples))


class Forecaster(torch.nn.Module):
    """`torch.nn.GRU` or `torch.nn.LSTM` and an affine layer on its last state."""

    def __init__(self, setting: Setting):
        super().__init__()
        cell = {"gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[setting.kind]
        self.cell = cell(setting.n_in, setting.hidden, batch_first=True)
        self.head = torch.nn.Linear(setting.hidden, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (B, 1) for x of shape (B, window, n_in)."""
        return self.head(self.cell(x)[0][:, -1])


def train_module(module: Forecaster, x, y, rows: torch.Tensor, batch: int, **sgd) -> None:
    """Train one client as PyTorch's tutorials do; `sgd` are options of `torch.optim.SGD`."""
    optimiser = torch.optim.SGD(module.parameters(), lr=LR, momentum=MOMENTUM, **sgd)
    for some in rows.split(batch):
        optimiser.zero_grad()
        torch.nn.functional.mse_loss(module(x[some]), y[some]).backward()
        optimiser.step()


def one_by_one(setting: Setting, **sgd) -> tuple[float, np.ndarray]:
    """Return the CPU seconds of the first round, client after client, and the weights (P,) after it."""
    x, y = (torch.from_numpy(part) for part in samples(setting))
    orders = [order(setting, client, 1) for client in range(setting.clients)]
    sent, module = torch.from_numpy(setting.model.init(SEED)), Forecaster(setting)
    start_s = time.process_time()
    total = torch.zeros_like(sent, dtype=torch.float64)
    for client, rows in enumerate(orders):
        vector_to_parameters(sent.clone(), module.parameters())  # the parameters become views of what they are given
        train_module(module, x[client], y[client], rows, setting.batch, **sgd)
        total += parameters_to_vector(module.parameters()).detach()
    mean = (total / setting.clients).float().numpy()
    return time.process_time() - start_s, mean


def measure_cells(clients: int) -> None:
    """Time rounds of so many cells in this process, which must be fresh, and print a JSON line."""
    torch.set_num_threads(1)
    before_mib = _peak_mib()
    ours = federation(Setting.cells(clients))
    round_s = min(next_round(ours) for _ in range(max(2, min(20, 2_000 // clients))))
    x, y = samples(Setting.cells(clients))
    sizes = {"data_mib": (x.nbytes + y.nbytes) / 2**20, "imports_mib": before_mib, "peak_mib": _peak_mib()}
    print(json.dumps({"clients": clients, "round_s": round_s} | sizes))


def _peak_mib() -> float:
    """Peak resident memory of this process in MiB; ru_maxrss would count the parent's up to here."""
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
