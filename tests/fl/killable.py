"""Federations for tests of checkpoints, and a process that starts runs of them and kills each.

``python killable.py`` imports once. For each line on standard input, ``KIND SECONDS FILE``, it forks a run that goes on
from that file, kills it after that time, and prints its exit code: 0 if it had ended by then.
"""

import os
import signal
import sys
import time

import numpy as np

from dnt_lab import fl

GROUPS = np.array([0, 0, 1, 1, 0, 1])
UNTIL = {"rounds": 30, "arrivals": 60.0}


def data():
    """Return six clients with a few samples."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(6, 30, 3)).astype(np.float32)
    return fl.ClientData(x, np.abs(x).sum(axis=2, keepdims=True), np.array([30, 12, 25, 7, 18, 21]))


def devices():
    """Return unequal devices that lose a job now and then."""
    speed = 1000.0 * np.array([1.0, 3.0, 2.0, 1.5, 0.7, 2.5])
    return fl.Devices(speed, fl.Connection(4000.0, 8000.0, 0.1), drop_probability=0.1)


def build(kind, **change):
    """Return a federation with everything that has a state."""
    setting = {"devices": devices(), "groups": GROUPS, "merge_every": 2, "backhaul": fl.Connection(1e4, 1e4, 0.5)}
    setting |= {"compression": fl.top_k(0.2), "how": fl.LocalTraining(batch_size=8, lr=0.01), "seed": 5}
    if kind == "rounds":
        setting |= {"strategy": fl.fedadam(0.05), "fraction": 0.7, "deadline_s": 30.0}
        federation = fl.Federation
    else:
        setting |= {"strategy": fl.fedbuff(2)}
        federation = fl.AsyncFederation
    return federation(**{"model": fl.mlp(3, 8, 1), "data": data()} | setting | change)


if __name__ == "__main__":
    for line in sys.stdin:
        kind, delay_s, path = line.rstrip("\n").split(" ", 2)
        pid = os.fork()
        if pid == 0:
            build(kind).run(UNTIL[kind], checkpoint=path)
            os._exit(0)
        time.sleep(float(delay_s))
        os.kill(pid, signal.SIGKILL)  # whether it still runs, or has just ended
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
