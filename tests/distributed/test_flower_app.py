"""The app of docs/distributed.md for real: in Flower's simulation, and as a server and two nodes on loopback.

Too slow for every run of CI, and Flower is needed: ``make test-distributed``.
"""

import os
import runpy
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest

from dnt_lab import fl

pytest.importorskip("flwr", reason="Flower is not installed; `make test-distributed` installs it.")

APP = Path(__file__).parents[2] / "docs" / "flower_app"
BIN = Path(sys.executable).parent
ROUNDS = 3


def check(theirs, n_clients):
    """Compare weights with those of a `Federation` of the app's model, data, rule and compression."""
    app = runpy.run_path(str(APP / "bs_forecast.py"))
    parts = [app["data_of"](k) for k in range(n_clients)]
    data = fl.ClientData.stack([(part.x[0], part.y[0]) for part in parts])
    assert len(set(data.n_samples)) == n_clients
    model, rule, how, seed = (app[name] for name in ("MODEL", "STRATEGY", "HOW", "SEED"))
    ours = fl.Federation(model, data, rule, how, compression=app["COMPRESSION"], seed=seed)
    ours.run(ROUNDS)
    np.testing.assert_allclose(theirs, ours.weights[0], rtol=0, atol=1e-6)
    assert np.abs(theirs - model.init(seed)).max() > 0.01


@contextmanager
def processes(folder):
    """Give a function that starts a program of this environment; in the end, end all that those have started."""
    home, started = folder / "home", []
    home.mkdir()
    env = os.environ | {
        "FLWR_HOME": str(home),
        "FLWR_TELEMETRY_ENABLED": "0",
        "FLWR_DISABLE_UPDATE_CHECK": "1",
        "OMP_NUM_THREADS": "1",
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",  # they start their helpers by name
    }

    def start(name, program, *arguments):
        with (folder / f"{name}.log").open("w") as log:
            process = subprocess.Popen([BIN / program, *arguments], env=env, stdout=log, stderr=log)
        started.append(process)
        return process

    try:
        yield start
    finally:
        for process in started:
            process.terminate()
        try:
            wait_until(lambda: not family(home), 20, "some outlive SIGTERM")
        except TimeoutError:
            for process in family(home):
                print("killed:", *process.cmdline())
                process.kill()
        for process in started:
            process.wait(10)
        wait_until(lambda: not family(home), 10, f"still there: {family(home)}")


def family(home):
    """Return all processes that have this FLWR_HOME, whoever their parents are by now."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("FLWR_HOME") == str(home) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:  # it has ended, or is somebody else's
            continue
    return found


def wait_until(done, seconds, what):
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.2)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return str(s.getsockname()[1])


def answers(link, port):
    assert link.poll() is None, "the SuperLink has ended"
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1).close()
    except OSError:
        return False
    return True


def logs(folder):
    return "\n".join(f"===== {log.name}\n{log.read_text()[-4000:]}" for log in sorted(folder.glob("*.log")))


@pytest.mark.slow
def test_the_simulation_ends_with_the_weights_of_a_federation(tmp_path):
    out = tmp_path / "weights.npy"
    with processes(tmp_path) as start:
        # not in this process: Ray leaves sockets to the garbage collector, which pytest takes for errors
        run = start("simulation", "python", str(APP / "simulate.py"), "3", str(ROUNDS), str(out))
        assert run.wait(600) == 0 and out.exists(), logs(tmp_path)
    check(np.load(out), 3)


@pytest.mark.slow
def test_a_server_and_two_nodes_end_with_the_weights_of_a_federation(tmp_path):
    port, out = free_port(), tmp_path / "weights.npy"
    with processes(tmp_path) as start:
        address = f"127.0.0.1:{port}"
        (tmp_path / "home" / "config.toml").write_text(
            f'[superlink.loopback]\naddress = "{address}"\ninsecure = true\n'
        )
        link = start("superlink", "flower-superlink", "--insecure", "--host", "127.0.0.1", "--port", port,
                     "--disable-runtime-dependency-installation")  # fmt: skip
        wait_until(lambda: answers(link, port), 120, f"no SuperLink\n{logs(tmp_path)}")
        for i in range(2):
            start(f"supernode{i}", "flower-supernode", "--insecure", "--superlink", address, "--host", "127.0.0.1",
                  "--port", free_port(), "--node-config", f"partition-id={i} num-partitions=2")  # fmt: skip
        run = start("run", "flwr", "run", str(APP), "loopback", "--stream",
                    "--run-config", f'rounds={ROUNDS} clients=2 out="{out}"')  # fmt: skip
        run.wait(600)
        assert out.exists(), logs(tmp_path)  # `flwr run` returns 0 for a run that has failed, too
        assert len(family(tmp_path / "home")) >= 3
    assert not family(tmp_path / "home")
    check(np.load(out), 2)
