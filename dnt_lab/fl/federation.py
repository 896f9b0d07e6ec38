"""Synchronous federated learning: rounds of sending, training and combining, in virtual time.

Without `groups` all clients answer to one server. With `groups` each group has a head with a model of its own (a local
twin), and its members only wait for one another; every `merge_every` rounds the heads meet in the cloud (the global
twin), as in hierarchical FedAvg (Liu et al., ICC 2020). Without `merge_every` the groups stay apart: clustered
federated learning.

>>> federation = Federation(model, data, fedavg(), LocalTraining(lr=0.03), seed=1)
>>> federation.run(until_round=30)
>>> federation.weights.shape                   # one row a group
(1, 1073)
>>> federation.history[["round", "time_s", "training_s", "access_s"]]
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from dnt_lab.datasets._checks import whole
from dnt_lab.datasets._numbers import real
from dnt_lab.fl import checkpoint as checkpoints
from dnt_lab.fl._random import SAMPLE_CLIENTS, stream
from dnt_lab.fl.client_data import ClientData
from dnt_lab.fl.clients import Clients
from dnt_lab.fl.compression import Compression
from dnt_lab.fl.devices import Connection, Devices
from dnt_lab.fl.groups import by_group, checked_backhaul, checked_groups
from dnt_lab.fl.local_training import LocalTraining
from dnt_lab.fl.models import Model
from dnt_lab.fl.strategies import Strategy, fedavg, weighted_mean


class Federation:
    """K clients of one small model, trained together in rounds.

    Parameters
    ----------
    model : Model
        What they train.
    data : ClientData
        Their samples, all known from the first round on.
    strategy : Strategy
        How a server combines updates.
    how : LocalTraining
        What a client does in a round; `fedprox` sets its `prox`.
    devices : Devices, optional
        Speeds, rates, comings and goings; without, nothing takes time. A server waits for the update of who drops out
        or leaves in the middle of a round until the moment at which it would have arrived.
    fraction : float
        Share of each group's present clients that is drawn in a round, in (0, 1]; at least one.
    deadline_s : float
        The server does not wait longer in a round; who is later has trained in vain.
    groups : array_like of int, shape (K,), optional
        Group of each client, 0 to G - 1.
    merge_every : int, optional
        Rounds from one meeting of the heads in the cloud to the next; they never meet if left out.
    backhaul : Connection, optional
        From each head to the cloud; without, meetings take no time.
    compression : Compression, optional
        Of the clients' updates.
    initial : numpy.ndarray, shape (P,) or (G, P), optional
        Weights to start from; ``model.init(seed)`` if left out.
    seed : int
        Decides weights, sampling, shuffling, rounding and drop-outs.

    Attributes
    ----------
    weights : numpy.ndarray, shape (G, P)
        Model of each group.
    clock_s : numpy.ndarray, shape (G,)
        Virtual time of each group.
    round : int
        Rounds done.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range or does not fit the others.
    """

    def __init__(
        self,
        model: Model,
        data: ClientData,
        strategy: Strategy = fedavg(),
        how: LocalTraining = LocalTraining(),
        *,
        devices: Devices | None = None,
        fraction: float = 1.0,
        deadline_s: float = np.inf,
        groups: np.ndarray | None = None,
        merge_every: int | None = None,
        backhaul: Connection | None = None,
        compression: Compression | None = None,
        initial: np.ndarray | None = None,
        seed: int = 0,
    ):
        if not isinstance(strategy, Strategy):
            name = getattr(strategy, "name", strategy)
            raise TypeError(f"strategy is {name!s:.60}, but rounds need a Strategy such as fedavg().")
        if data.known_s is not None and (data.known_s > 0).any():
            raise ValueError(
                "data.known_s reaches beyond 0 s, but rounds use every sample; AsyncFederation minds the time."
            )
        if strategy.prox and how.prox not in (0.0, strategy.prox):
            raise ValueError(f"how.prox is {how.prox:g}, but {strategy.name} wants {strategy.prox:g}; leave it at 0.")
        how = replace(how, prox=strategy.prox or how.prox)
        self.clients = Clients(model, data, how, devices, compression, seed)
        self.strategy, self.fraction = strategy, real("fraction", fraction, 0.0, 1.0)
        self.deadline_s = deadline_s if deadline_s == np.inf else real("deadline_s", deadline_s)
        self.groups = checked_groups(groups, len(data))
        self.merge_every = None if merge_every is None else whole("merge_every", merge_every, 1)
        if merge_every and groups is None:
            raise ValueError(f"merge_every is {merge_every}, but without groups no heads can meet; leave it out.")
        n_groups = self.groups.max() + 1
        self.backhaul = checked_backhaul(backhaul, n_groups)
        self._initial = self.clients.start(initial, n_groups)
        self.weights = self._initial.copy()
        self.clock_s, self.round = np.zeros(n_groups), 0
        self._states = [strategy.init(w) for w in self.weights]
        self._rows: list[dict] = []

    def __repr__(self) -> str:
        return (
            f"Federation({len(self.clients)} clients in {len(self.weights)} groups, {self.clients.model.name}, "
            f"{self.strategy.name}; {self.round} rounds, {self.clock_s.max():.1f} s of virtual time)"
        )

    @property
    def history(self) -> pd.DataFrame:
        """A row a round.

        ``time_s`` is the slowest group's clock at its end (the makespan so far); ``training_s``, ``access_s`` (clients'
        messages) and ``backhaul_s`` (heads' messages) are sums over the nodes; ``trained`` and ``arrived`` count
        clients; ``access_bytes`` and ``backhaul_bytes`` count both directions; then what `evaluate` returned.
        """
        return pd.DataFrame(self._rows)

    @property
    def global_weights(self) -> np.ndarray:
        """Mean of the groups' models, weighted by samples, shape (P,)."""
        return weighted_mean(self.weights, self._group_samples())

    @property
    def client_weights(self) -> np.ndarray:
        """The model that serves each client, that of its group, shape (K, P)."""
        return self.weights[self.groups]

    def run(
        self,
        until_round: int,
        *,
        evaluate: Callable[[Federation], dict] | None = None,
        checkpoint: str | Path | None = None,
    ) -> pd.DataFrame:
        """Go on until so many rounds are done, and return the history.

        Parameters
        ----------
        until_round : int
            Rounds done at the end; nothing happens if there are as many already.
        evaluate : callable, optional
            ``evaluate(federation)`` after each round; its dictionary goes into the history.
        checkpoint : str or Path, optional
            File that is read first, if it is there, and written after each round. A run that is killed and started
            again gives what one that was not killed gives.

        Raises
        ------
        ValueError
            If the checkpoint is damaged or belongs to another federation.
        """
        whole("until_round", until_round, 0)
        if checkpoint is not None:
            checkpoints.restore(self, checkpoint)
        while self.round < until_round:
            row = self._one_round()
            if evaluate is not None:
                row |= evaluate(self)
            # a plain number is the same before and after a checkpoint, a numpy float32 is not
            self._rows.append({name: v.item() if isinstance(v, np.generic) else v for name, v in row.items()})
            if checkpoint is not None:
                checkpoints.save(self, checkpoint)
        return self.history

    def _one_round(self) -> dict:
        number = self.round + 1
        who = self._drawn(number)
        n = self.clients.data.n_samples[who]
        cost = self.clients.cost(who, n)
        stays = self.clock_s[self.groups[who]] + cost.total_s < self.clients.devices.leaves_s[who]
        arrived = stays & ~self.clients.lost(who, number) & (cost.total_s <= self.deadline_s)
        ok = who[arrived]
        sent = self.weights[self.groups[ok]]
        updates = self.clients.updates(ok, sent, number, self.clients.data[ok])
        self.round = number  # from here on nothing can be refused
        for g, mine in by_group(self.groups[ok]):
            step = self.strategy.step(self.weights[g], updates[mine], n[arrived][mine], self._states[g])
            self.weights[g], self._states[g] = step
        waited_s = np.zeros_like(self.clock_s)
        np.maximum.at(waited_s, self.groups[who], np.minimum(cost.total_s, self.deadline_s))
        self.clock_s += waited_s
        row = {
            "round": number,
            "time_s": 0.0,
            "trained": len(who),
            "arrived": len(ok),
            "training_s": cost.train_s.sum(),
            "access_s": (cost.down_s + cost.up_s).sum(),
            "backhaul_s": 0.0,
            "access_bytes": len(who) * (self.clients.model.n_bytes + self.clients.up_bytes),
            "backhaul_bytes": 0,
        }
        if self.merge_every and number % self.merge_every == 0:
            self._merge(row)
        return row | {"time_s": self.clock_s.max()}

    def _drawn(self, number: int) -> np.ndarray:
        """Return the clients of this round, ascending; a group in which nobody is present waits for who joins next."""
        devices, able = self.clients.devices, self.clients.data.n_samples > 0
        now_s = self.clock_s[self.groups]
        present = np.flatnonzero(devices.present(now_s) & able)
        drawn = [np.zeros(0, dtype=int)]
        for g, places in by_group(self.groups[present]):
            rng = stream(self.clients.seed, SAMPLE_CLIENTS, g, number)
            drawn.append(rng.choice(present[places], max(1, round(self.fraction * len(places))), replace=False))
        coming = able & (devices.joins_s > now_s)
        next_s = np.full_like(self.clock_s, np.inf)
        np.minimum.at(next_s, self.groups[coming], devices.joins_s[coming])
        empty = np.bincount(self.groups[present], minlength=len(next_s)) == 0
        self.clock_s = np.where(empty & np.isfinite(next_s), next_s, self.clock_s)
        return np.sort(np.concatenate(drawn))

    def _group_samples(self) -> np.ndarray:
        return np.bincount(self.groups, self.clients.data.n_samples, len(self.weights))

    def _merge(self, row: dict) -> None:
        """Let the heads meet: all leave with the mean of their models, weighted by samples."""
        self.weights[:] = self.global_weights
        n_bytes = self.clients.model.n_bytes
        trip_s = self.backhaul.up_s(n_bytes) + self.backhaul.down_s(n_bytes)
        self.clock_s[:] = (self.clock_s + trip_s).max()
        row |= {"backhaul_s": trip_s.sum(), "backhaul_bytes": 2 * n_bytes * len(self.weights)}

    def _identity(self) -> tuple:
        """Return all that decides results."""
        settings = (self.strategy.name, self.fraction, self.deadline_s, self.merge_every, self.groups, self._initial)
        return (*self.clients.identity(), *settings, *self.backhaul.parts())

    def _state(self) -> dict:
        """Return what `checkpoint` has to keep."""
        return {"weights": self.weights, "clock_s": self.clock_s, "round": self.round, "states": self._states,
                "residual": self.clients.residual, "rows": self._rows}  # fmt: skip

    def _set_state(self, state: dict) -> None:
        self.weights, self.clock_s, self.round = state["weights"], state["clock_s"], int(state["round"])
        self._states, self.clients.residual, self._rows = state["states"], state["residual"], state["rows"]
