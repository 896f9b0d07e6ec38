"""The app in Flower's simulation, all nodes on one machine: ``python docs/flower_app/simulate.py CLIENTS ROUNDS FILE``.

Two of Ray's processes share the work of all nodes. `run_simulation` is deprecated in Flower 1.41, and says so, but
nothing else runs two apps from Python.
"""

import os
import sys

os.environ |= {  # read when Flower and Ray are imported
    "FLWR_TELEMETRY_ENABLED": "0",
    "FLWR_DISABLE_UPDATE_CHECK": "1",
    "OMP_NUM_THREADS": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # Ray's servers listen on 127.0.0.1 only
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # else a FutureWarning
    "RAY_worker_niceness": "0",  # 15, the default, starves the nodes on a busy machine
}

import bs_forecast as app
import numpy as np
import ray
from flwr.simulation import run_simulation

from dnt_lab.fl import flower

n_clients, rounds, file = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
server = flower.server_app(
    app.MODEL,
    app.STRATEGY,
    rounds,
    n_clients,
    seed=app.SEED,
    compression=app.COMPRESSION,
    on_end=lambda weights, config: np.save(file, weights),
)
# Ray is started here: where its start fails inside run_simulation, the server waits for its nodes for ever.
ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=100_000_000)
run_simulation(server, app.client, n_clients, backend_config={"client_resources": {"num_cpus": 1, "num_gpus": 0.0}})
