"""Flower's apps, called message by message in this process, end with the weights of a `Federation`.

What the two sides compute is tested in test_sides.py, without Flower; tests/distributed runs the apps for real.
"""

import logging
import sys

import numpy as np
import pytest

from dnt_lab import fl
from dnt_lab.fl import flower

from . import linear

RULES = [fl.fedavg(0.7), fl.fedprox(0.3), fl.fedavgm(0.5, 0.8), fl.fedadam(0.05)]
HOW = fl.LocalTraining(epochs=2, batch_size=4, lr=0.05)
N_SAMPLES = (20, 1, 7, 12, 0)
SEED, ROUNDS = 3, 5


def federation(model, data, rule, compression=None, how=HOW, initial=None, rounds=ROUNDS):
    federated = fl.Federation(model, data, rule, how, compression=compression, initial=initial, seed=SEED)
    federated.run(rounds)
    return federated.weights[0]


def test_without_flower_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "flwr", None)
    for make in (
        lambda: flower.client_app(linear.MODEL, linear.clients),
        lambda: flower.server_app(linear.MODEL, fl.fedavg(), 1, 1, on_end=print),
    ):
        with pytest.raises(
            ImportError, match=r"^Flower is not installed, but .*: pip install 'dnt-lab\[distributed\]'$"
        ):
            make()


@pytest.fixture
def run_apps(monkeypatch):
    """Give a function that runs both apps in this process, message by message."""
    monkeypatch.setenv("FLWR_TELEMETRY_ENABLED", "0")
    app = pytest.importorskip("flwr.app", reason="Flower is not installed; `make test-distributed` installs it.")
    from flwr.supercore.task_identity import TaskIdentity

    for name in ("_run_id", "_node_id", "_task_id"):  # what a process of Flower's knows before it makes messages
        monkeypatch.setattr(TaskIdentity, name, 1)

    class Grid:
        def __init__(self, client, partitions):
            self.client, self.asked = client, 0
            self.nodes = {
                1000 + i: app.Context(1, 1000 + i, {} if k is None else {"partition-id": k}, app.RecordDict(), {})
                for i, k in enumerate(partitions)
            }

        def get_node_ids(self):
            self.asked += 1
            assert self.asked < 3 * ROUNDS, "the server waits for nodes that never come"
            return list(self.nodes)

        def send_and_receive(self, messages, timeout):
            return [self.answer(message) for message in messages]

        def answer(self, message):
            try:
                return self.client(message, self.nodes[message.metadata.dst_node_id])
            except ValueError as error:
                return app.Message(app.Error(0, str(error)), reply_to=message)

    def run(client, server, partitions, config=None):
        server(Grid(client, partitions), app.Context(1, 1, {}, app.RecordDict(), config or {}))

    return run


def gru_clients():
    rng = np.random.default_rng(SEED)
    return fl.ClientData.stack(
        [(rng.normal(size=(n, 4, 2)).astype("f4"), rng.normal(size=(n, 1)).astype("f4")) for n in N_SAMPLES]
    )


@pytest.mark.parametrize("compression", [None, fl.top_k(0.2)], ids=["plain", "top_k"])
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_rounds_in_flower_are_rounds_of_a_federation(run_apps, rule, compression):
    data, model, found = gru_clients(), fl.gru(2, 8, n_steps=4), []
    client = flower.client_app(model, lambda k: data[k], HOW, seed=SEED, compression=compression)
    server = flower.server_app(
        model, rule, ROUNDS, len(data), seed=SEED, compression=compression, on_end=lambda w, config: found.append(w)
    )
    run_apps(client, server, [3, 0, 4, 1, 2])
    (weights,) = found
    np.testing.assert_allclose(weights, federation(model, data, rule, compression), rtol=0, atol=1e-6)
    assert np.abs(weights - model.init(SEED)).max() > 0.1


def test_a_run_sets_rounds_and_clients_and_is_told_at_the_end(run_apps):
    data, found = linear.clients((5, 3)), []
    client = flower.client_app(linear.MODEL, lambda k: data[k], HOW, seed=SEED)
    server = flower.server_app(
        linear.MODEL, fl.fedavg(), 1, 9, seed=SEED, initial=linear.START, on_end=lambda *told: found.append(told)
    )
    for _ in range(2):  # an app keeps nothing from run to run
        run_apps(client, server, [0, 1], {"rounds": 2, "clients": 2, "out": "x"})
    expected = federation(linear.MODEL, data, fl.fedavg(), initial=linear.START, rounds=2)
    assert len(found) == 2
    for weights, config in found:
        np.testing.assert_allclose(weights, expected, rtol=1e-12)
        assert config["out"] == "x"
    with pytest.raises(ValueError, match="rounds is 0, but must be 1 or more"):
        run_apps(client, server, [0, 1], {"rounds": 0, "clients": 2})


def test_a_server_app_refuses_what_no_run_could_use(run_apps):
    for arguments, told in (((fl.fedavg(), 0, 2), "rounds is 0"), ((fl.fedavg(), 1, 0), "n_clients is 0")):
        with pytest.raises(ValueError, match=f"{told}, but must be 1 or more"):
            flower.server_app(linear.MODEL, *arguments, on_end=print)
    with pytest.raises(TypeError, match=r"strategy is fedasync\("):
        flower.server_app(linear.MODEL, fl.fedasync(), 1, 2, on_end=print)


def test_a_node_that_fails_is_left_out_with_a_warning_and_no_update_at_all_ends_the_run(run_apps, caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("flwr"), "propagate", True)
    data, found = linear.clients((5, 3)), []
    client = flower.client_app(linear.MODEL, lambda k: data[k], HOW, seed=SEED)
    server = flower.server_app(
        linear.MODEL, fl.fedavg(), 1, 2, seed=SEED, initial=linear.START, on_end=lambda w, config: found.append(w)
    )
    run_apps(client, server, [0, None])
    expected = federation(linear.MODEL, data[[0]], fl.fedavg(), initial=linear.START, rounds=1)
    np.testing.assert_allclose(found[0], expected, rtol=1e-12)
    (warning,) = [r.message for r in caplog.records if "updates arrived" in r.message]
    assert warning.startswith("round 1: 1 of 2 updates arrived (this node has no partition-id; start it with --node-")
    with pytest.raises(RuntimeError, match=r"round 1: 0 of 2 updates arrived \(this node has no partition-id"):
        run_apps(client, server, [None, None])
