"""The same clients in Flower's simulation, in a process of its own; imported only where Flower and Ray are installed.

CPU time is that of this process and of all it started (Ray's servers and its worker), from the start of one round to
its end. Our rounds take turns with Flower's. The worker keeps samples and module from one message to the next, which
favours Flower.
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import asdict, fields
from functools import cache

# read when Flower and Ray are imported
os.environ |= {"FLWR_TELEMETRY_ENABLED": "0", "FLWR_DISABLE_UPDATE_CHECK": "1", "RAY_USAGE_STATS_ENABLED": "0",
               "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}  # fmt: skip

import numpy as np
import psutil
import torch
from flwr.app import ArrayRecord, ConfigRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg
from flwr.simulation import run_simulation
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from benchmarks._federation_runs import SEED, Forecaster, Setting, federation, next_round, order, samples, train_module

BACKEND = {
    "client_resources": {"num_cpus": 1, "num_gpus": 0.0},
    "init_args": {"num_cpus": 1, "_node_ip_address": "127.0.0.1", "include_dashboard": False,
                  "object_store_memory": 100_000_000, "log_to_driver": False},
}  # fmt: skip
client_app = ClientApp()


@cache
def _kept(setting: Setting) -> tuple[Forecaster, torch.Tensor, torch.Tensor]:
    torch.set_num_threads(1)
    return Forecaster(setting), *(torch.from_numpy(part) for part in samples(setting))


@client_app.train()
def train(message: Message, context: Context) -> Message:
    """Train one client and send its weights back."""
    config = message.content["config"]
    setting = Setting(**{field.name: config[field.name] for field in fields(Setting)})
    client = int(context.node_config["partition-id"])
    module, x, y = _kept(setting)
    module.load_state_dict(message.content["arrays"].to_torch_state_dict())
    rows = order(setting, client, int(config["server-round"]))
    train_module(module, x[client], y[client], rows, setting.batch)
    metrics = MetricRecord({"num-examples": setting.n_samples})
    content = {"arrays": ArrayRecord(module.state_dict()), "metrics": metrics}
    return Message(content=RecordDict(content), reply_to=message)


class Stopwatch(FedAvg):
    """FedAvg that lets our side do each round first, and notes the CPU seconds of both."""

    def __init__(self, setting: Setting):
        n = setting.clients
        super().__init__(fraction_train=1.0, fraction_evaluate=0.0, min_train_nodes=n, min_available_nodes=n)
        self.ours, self.stacked_s, self.flower_s = federation(setting), [], []

    def configure_train(self, *arguments):
        """Start a round."""
        self.stacked_s.append(next_round(self.ours))
        self.flower_s.append(-_cpu_s())
        return super().configure_train(*arguments)

    def aggregate_train(self, *arguments):
        """End a round."""
        result = super().aggregate_train(*arguments)
        self.flower_s[-1] += _cpu_s()
        return result


def measure(arguments: str) -> None:
    """Run settings of equally many clients for some rounds each and print a JSON line.

    `arguments` is JSON, pairs (setting, rounds); so is the answer, a dict each.
    """
    jobs = [(Setting(**setting), rounds) for setting, rounds in json.loads(arguments)]
    logging.getLogger("flwr").setLevel(logging.ERROR)
    torch.set_num_threads(1)
    server_app, rows = ServerApp(), []

    @server_app.main()
    def main(grid: Grid, context: Context) -> None:
        for setting, rounds in jobs:
            strategy, module = Stopwatch(setting), Forecaster(setting)
            vector_to_parameters(torch.from_numpy(setting.model.init(SEED)), module.parameters())
            start, config = ArrayRecord(module.state_dict()), ConfigRecord(asdict(setting))
            result = strategy.start(grid, start, num_rounds=rounds, train_config=config)
            module.load_state_dict(result.arrays.to_torch_state_dict())
            weights = parameters_to_vector(module.parameters()).detach().numpy()
            rows.append({
                "rounds": rounds,
                "stacked_s": min(strategy.stacked_s),
                "flower_s": min(strategy.flower_s[1:]),  # processes import torch in the first
                "difference": float(np.abs(strategy.ours.weights[0] - weights).max()),
            })  # fmt: skip

    run_simulation(server_app, client_app, num_supernodes=jobs[0][0].clients, backend_config=BACKEND)
    print(json.dumps(rows))


def _cpu_s() -> float:
    """CPU seconds of this process and of those it started."""
    here = psutil.Process()
    return sum(sum(process.cpu_times()[:2]) for process in [here, *here.children(recursive=True)])
