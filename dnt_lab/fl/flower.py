"""Our clients and strategies as Flower's `ClientApp` and `ServerApp`: the nodes may be machines of their own.

Round r in Flower is round r of a `Federation` of all clients, in which a node is the client with the number of its
`partition-id`. So both end with the same weights, up to the rounding of stacked products. Flower has no asynchronous
strategies, and time is not virtual there.

>>> client = client_app(model, data_of, how, seed=1)                # data_of(7): the samples of client 7, on its node
>>> server = server_app(model, fedadam(), rounds=30, n_clients=50, seed=1, on_end=save)

Flower is optional: ``pip install 'dnt-lab[distributed]'``. ``docs/distributed.md`` shows how to run the two apps.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np

from dnt_lab.datasets._checks import whole
from dnt_lab.fl.client_data import ClientData
from dnt_lab.fl.compression import Compression
from dnt_lab.fl.local_training import LocalTraining
from dnt_lab.fl.models import Model
from dnt_lab.fl.sides import ClientSide, ServerSide
from dnt_lab.fl.strategies import Strategy


def client_app(
    model: Model,
    data_of: Callable[[int], ClientData],
    how: LocalTraining = LocalTraining(),
    *,
    seed: int = 0,
    compression: Compression | None = None,
):
    """Make the app that every node runs.

    Parameters
    ----------
    model : Model
        What is trained.
    data_of : callable
        ``data_of(client)``: the samples of one client, loaded on its node; called in every round.
    how : LocalTraining
        A job; `fedprox` on the server sets its `prox`.
    seed : int
        Decides shuffling and rounding.
    compression : Compression, optional
        Of the updates; its bytes are what is sent. What it leaves out stays in the node's state.

    Returns
    -------
    flwr.clientapp.ClientApp
        Replies with the update, the number of samples as ``num-examples``, and the client's number.

    Raises
    ------
    ImportError
        If Flower is not installed.
    """
    _need_flower()
    from flwr.app import ArrayRecord, Message, MetricRecord, RecordDict
    from flwr.clientapp import ClientApp

    app, side = ClientApp(), ClientSide(model, how, whole("seed", seed, 0, 2**64 - 1), compression)

    @app.train()
    def train(message, context):
        if "partition-id" not in context.node_config:
            raise ValueError("this node has no partition-id; start it with --node-config 'partition-id=0', or 1, 2 ...")
        client, config = int(context.node_config["partition-id"]), message.content["config"]
        (weights,), data = message.content["arrays"].to_numpy_ndarrays(), data_of(client)
        kept = context.state["residual"].to_numpy_ndarrays()[0] if "residual" in context.state else None
        sent, left_out = side.reply(client, data, weights, config["server-round"], config["proximal-mu"], kept)
        if left_out is not None:
            context.state["residual"] = ArrayRecord([left_out])
        metrics = MetricRecord({"num-examples": int(data.n_samples[0]), "client": client})
        return Message(RecordDict({"arrays": ArrayRecord([sent]), "metrics": metrics}), reply_to=message)

    return app


def server_app(
    model: Model,
    strategy: Strategy,
    rounds: int,
    n_clients: int,
    *,
    seed: int = 0,
    initial: np.ndarray | None = None,
    compression: Compression | None = None,
    on_end: Callable[[np.ndarray, dict], None],
):
    """Make the app of the server.

    Parameters
    ----------
    model : Model
        What is trained.
    strategy : Strategy
        How updates are combined: `fedavg`, `fedprox`, `fedavgm` or `fedadam`.
    rounds : int
        Rounds to do; ``rounds`` in the configuration of a run goes before it.
    n_clients : int
        Before every round the server waits until at least so many nodes are there, and then takes all of them;
        ``clients`` in the configuration of a run goes before it. Nodes that fail are left out of a round.
    seed : int
        Decides the weights to start from.
    initial : numpy.ndarray, shape (P,), optional
        Weights to start from; ``model.init(seed)`` if left out.
    compression : Compression, optional
        That of the clients.
    on_end : callable
        ``on_end(weights (P,), config)`` after the last round, with the configuration of the run.

    Returns
    -------
    flwr.serverapp.ServerApp

    Raises
    ------
    ImportError
        If Flower is not installed.
    ValueError, TypeError
        If an argument does not fit.
    """
    _need_flower()
    from flwr.app import ArrayRecord
    from flwr.serverapp import ServerApp
    from flwr.serverapp.strategy import FedAvg

    # refuses here, and not in a process of Flower's
    rounds, n_clients = whole("rounds", rounds, 1), whole("n_clients", n_clients, 1)
    ServerSide(model, strategy, seed, initial, compression)

    class Rounds(FedAvg):
        """Messages as Flower's FedAvg has them, steps as ours."""

        def __init__(self, n):
            super().__init__(fraction_evaluate=0.0, min_train_nodes=n, min_available_nodes=n)
            self.side = ServerSide(model, strategy, seed, initial, compression)

        def configure_train(self, server_round, arrays, config, grid):
            config["proximal-mu"] = strategy.prox
            messages = list(super().configure_train(server_round, arrays, config, grid))
            self.n_sent = len(messages)
            return messages

        def aggregate_train(self, server_round, replies):
            replies = list(replies)
            arrived = [reply.content for reply in replies if reply.has_content()]
            if len(arrived) < self.n_sent:
                reasons = [reply.error.reason for reply in replies if reply.has_error()] or ["no answer in time"]
                told = f"round {server_round}: {len(arrived)} of {self.n_sent} updates arrived ({reasons[0].strip()})"
                if not arrived:
                    raise RuntimeError(told)
                logging.getLogger("flwr").warning(told)
            self.side.step([read(content["metrics"], content["arrays"]) for content in arrived])
            return ArrayRecord([self.side.weights]), None

    def read(metrics, arrays):
        return metrics["client"], metrics["num-examples"], arrays.to_numpy_ndarrays()[0]

    app = ServerApp()

    @app.main()
    def main(grid, context):
        n = whole("clients", context.run_config.get("clients", n_clients), 1)
        n_rounds = whole("rounds", context.run_config.get("rounds", rounds), 1)
        rule = Rounds(n)
        rule.start(grid, ArrayRecord([rule.side.weights]), num_rounds=n_rounds)
        on_end(rule.side.weights, dict(context.run_config))

    return app


def _need_flower() -> None:
    try:
        import flwr  # noqa: F401
    except ModuleNotFoundError:
        raise ImportError(
            "Flower is not installed, but this function makes an app for it; "
            "install it with: pip install 'dnt-lab[distributed]'"
        ) from None
