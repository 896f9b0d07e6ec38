"""The two sides of synchronous learning, each for a process of its own: what a client computes, and what the server.

Together they are a `Federation` of all its clients, without virtual time: client k in round r takes its samples in the
same order, and the server takes the same step. Between them travel weights one way, and updates the other. What
carries them is not decided here; `dnt_lab.fl.flower` does it with Flower.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from dnt_lab.datasets._checks import whole
from dnt_lab.fl._random import ROUND_OFF, stream
from dnt_lab.fl.client_data import ClientData
from dnt_lab.fl.clients import trained_updates
from dnt_lab.fl.compression import Compression
from dnt_lab.fl.local_training import LocalTraining
from dnt_lab.fl.models import Model
from dnt_lab.fl.strategies import Strategy


@dataclass(frozen=True)
class ClientSide:
    """What a client does in a round.

    Attributes
    ----------
    model : Model
        What is trained.
    how : LocalTraining
        A job.
    seed : int
        Of shuffling and rounding.
    compression : Compression or None
        Of the update.
    """

    model: Model
    how: LocalTraining
    seed: int
    compression: Compression | None

    def reply(
        self, client: int, data: ClientData, weights: np.ndarray, job: int, prox: float, residual: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Train, and return what travels and what stays.

        Parameters
        ----------
        client, job : int
            Numbers that decide the order of the samples, and the rounding.
        data : ClientData
            Samples of this client only.
        weights : numpy.ndarray, shape (P,)
            As the server sent them.
        prox : float
            mu of the server's strategy.
        residual : numpy.ndarray, shape (P,), or None
            What compression has left out so far.

        Returns
        -------
        message : numpy.ndarray
            The update (P,), or its bytes.
        residual : numpy.ndarray, shape (P,), or None
            What compression has left out now; None where nothing has to be kept.

        Raises
        ------
        ValueError
            If the data are not those of one client or not all known from the start, `how` has another mu, or training
            diverges.
        """
        if len(data) != 1:
            raise ValueError(f"data_of({client}) holds {len(data)} clients; it must hold the samples of one.")
        if data.known_s is not None and (data.known_s > 0).any():
            raise ValueError(
                f"data_of({client}) holds samples known after 0 s, but rounds use every sample; give those known now."
            )
        if prox and self.how.prox not in (0.0, prox):
            raise ValueError(f"how.prox is {self.how.prox:g}, but the server wants {prox:g}; leave it at 0.")
        how, who = replace(self.how, prox=prox or self.how.prox), np.array([client])
        (update,) = trained_updates(self.model, weights, data, how, self.seed, who, job)
        if self.compression is None:
            return update, None
        if residual is not None:
            update = update + residual
        message = self.compression.encode(update[None], [stream(self.seed, ROUND_OFF, client, job)])
        left_out = update - self.compression.decode(message, self.model.n_parameters)[0]
        return message[0], left_out.astype(np.float32) if self.compression.feedback else None


class ServerSide:
    """What the server does in a round.

    Parameters
    ----------
    model : Model
        What is trained.
    strategy : Strategy
        How updates are combined.
    seed : int
        Decides the weights to start from.
    initial : numpy.ndarray, shape (P,), optional
        Weights to start from; ``model.init(seed)`` if left out.
    compression : Compression, optional
        That of the clients.

    Attributes
    ----------
    weights : numpy.ndarray, shape (P,)
        Of the model now.

    Raises
    ------
    ValueError, TypeError
        If an argument does not fit.
    """

    def __init__(
        self,
        model: Model,
        strategy: Strategy,
        seed: int = 0,
        initial: np.ndarray | None = None,
        compression: Compression | None = None,
    ):
        if not isinstance(strategy, Strategy):
            name = getattr(strategy, "name", strategy)
            raise TypeError(f"strategy is {name!s:.60}, but rounds need a Strategy such as fedavg().")
        weights = model.init(whole("seed", seed, 0, 2**64 - 1)) if initial is None else model.checked(initial, 1)
        if not np.isfinite(weights).all():
            raise ValueError("initial holds NaN or infinity; finite weights are needed.")
        self.weights, self.strategy, self.compression = weights.reshape(-1), strategy, compression
        self._state = strategy.init(self.weights)

    def step(self, replies: Sequence[tuple[int, int, np.ndarray]]) -> None:
        """Take in a round's (client, n_samples, message), in any order.

        Raises
        ------
        ValueError
            If a client is there twice, or a message does not fit.
        """
        clients, n_samples, messages = zip(*sorted(replies, key=lambda reply: reply[0]), strict=True)
        twice = [a for a, b in pairwise(clients) if a == b]
        if twice:
            raise ValueError(f"two nodes are client {twice[0]}; every node needs a partition-id of its own.")
        p = len(self.weights)
        n, kind = (p, self.weights.dtype) if self.compression is None else (self.compression.n_bytes(p), np.uint8)
        for client, message in zip(clients, messages, strict=True):
            if message.shape != (n,) or message.dtype != kind:
                raise ValueError(
                    f"client {client} sent {message.dtype} of shape {message.shape}, but {np.dtype(kind)} of shape "
                    f"({n},) is needed; give both apps the same model and compression."
                )
        updates = np.stack(messages)
        if self.compression is not None:
            updates = self.compression.decode(updates, p).astype(self.weights.dtype)
        self.weights, self._state = self.strategy.step(self.weights, updates, np.array(n_samples), self._state)
