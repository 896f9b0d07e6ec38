"""Asynchronous federated learning: every client at its own pace, a queue of events ordered by virtual time.

A client downloads its head's model, trains, uploads; the head takes the update in at once. How many versions the head
made in the meantime is the update's staleness. Without `groups` there is one head, the cloud itself. With `groups`
each head holds a local twin, and after every `merge_every` rounds' worth of arrivals sends it to the cloud, where it is
taken into the global twin by the same rule; the global twin comes back, and what arrived at the head in between is
added to it.

Training is lazy: an update is computed when the first one that is in flight arrives, and all that are in flight by then
are computed in one stack, since what each was sent is settled. The result is that of computing them one by one.
"""

from __future__ import annotations

import heapq
from pathlib import Path

import numpy as np
import pandas as pd

from dnt_lab.datasets._checks import whole
from dnt_lab.datasets._numbers import real
from dnt_lab.fl import checkpoint as checkpoints
from dnt_lab.fl.asynchronous import AsyncStrategy, fedasync
from dnt_lab.fl.client_data import ClientData
from dnt_lab.fl.clients import Clients
from dnt_lab.fl.compression import Compression
from dnt_lab.fl.devices import Connection, Devices
from dnt_lab.fl.groups import checked_backhaul, checked_groups
from dnt_lab.fl.heads import Heads
from dnt_lab.fl.local_training import LocalTraining
from dnt_lab.fl.models import Model
from dnt_lab.fl.strategies import weighted_mean

# Kinds of events. Of two at one time the lower comes first: what has arrived counts for who downloads now.
ARRIVE, AT_CLOUD, BACK, START = range(4)


class AsyncFederation:
    """K clients of one small model, each at its own pace.

    Parameters
    ----------
    model, data, how, devices, compression, seed
        As for `Federation`. With ``data.known_s`` a job uses what its client knows when it starts.
    strategy : AsyncStrategy
        How a server takes in an update.
    period_s : float, optional
        A client starts its jobs at multiples of this, one at each at most; as soon as it is done with the last one if
        left out.
    newest : int, optional
        A job uses the newest so many samples; all known ones if left out.
    groups, merge_every, backhaul
        As for `Federation`; here a round's worth is as many arrivals as the group has members.
    initial : numpy.ndarray, shape (P,) or (G, P), optional
        Weights to start from; ``model.init(seed)`` if left out. The cloud starts from their mean over the groups.

    Attributes
    ----------
    heads : Heads
        The servers and their models.
    now_s : float
        Virtual time up to which everything has happened.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range or does not fit the others; if jobs would take no time and so never end.
    """

    def __init__(
        self,
        model: Model,
        data: ClientData,
        strategy: AsyncStrategy = fedasync(),
        how: LocalTraining = LocalTraining(),
        *,
        devices: Devices | None = None,
        period_s: float | None = None,
        newest: int | None = None,
        groups: np.ndarray | None = None,
        merge_every: int | None = None,
        backhaul: Connection | None = None,
        compression: Compression | None = None,
        initial: np.ndarray | None = None,
        seed: int = 0,
    ):
        if not isinstance(strategy, AsyncStrategy):
            name = getattr(strategy, "name", strategy)
            raise TypeError(f"strategy is {name!s:.60}, but single arrivals need an AsyncStrategy such as fedasync().")
        self.clients = Clients(model, data, how, devices, compression, seed)
        self.strategy = strategy
        self.period_s = None if period_s is None else real("period_s", period_s)
        self.newest = None if newest is None else whole("newest", newest, 1)
        self.groups = checked_groups(groups, len(data))
        self.merge_every = None if merge_every is None else whole("merge_every", merge_every, 1)
        if merge_every and groups is None:
            raise ValueError(f"merge_every is {merge_every}, but without groups no heads can meet; leave it out.")
        k, p = len(data), model.n_parameters
        self._members = np.bincount(self.groups)
        g = len(self._members)
        self.backhaul = checked_backhaul(backhaul, g)
        self._initial = self.clients.start(initial, g)
        if self.period_s is None and not self._least_job_s() > 0:
            raise ValueError("a job takes no time on some device, so it would be repeated for ever; set period_s.")
        self.heads = Heads(strategy, self._initial)
        self._since, self._away = np.zeros(g, dtype=int), np.zeros(g, dtype=bool)
        # of each client: what it was sent, which job of it is in flight, and whether that has been computed
        self._sent = np.zeros((k, p), self._initial.dtype)
        self._update = np.zeros_like(self._sent)
        self._version, self._job, self._n = (np.zeros(k, dtype=int) for _ in range(3))
        self._started_s, self._to_compute, self._lost = np.zeros(k), np.zeros(k, dtype=bool), np.zeros(k, dtype=bool)
        self.now_s, self._rows, self._frame, self._unsaved = 0.0, [], pd.DataFrame(), False
        self._queue = [(self._tick(t), START, c) for c, t in enumerate(self._first_s()) if np.isfinite(t)]
        heapq.heapify(self._queue)

    def __repr__(self) -> str:
        return (
            f"AsyncFederation({len(self.clients)} clients in {len(self.weights)} groups, {self.clients.model.name}, "
            f"{self.strategy.name}; {len(self._rows)} arrivals in {self.now_s:.1f} s of virtual time)"
        )

    @property
    def weights(self) -> np.ndarray:
        """Model of each head, shape (G, P)."""
        return self.heads.models[:-1]

    @property
    def global_weights(self) -> np.ndarray:
        """Model of the cloud, shape (P,); where heads never meet it, their models' mean weighted by samples."""
        if self.merge_every:
            return self.heads.models[self.heads.cloud]
        return weighted_mean(self.weights, np.bincount(self.groups, self.clients.data.n_samples))

    @property
    def client_weights(self) -> np.ndarray:
        """The model that serves each client, that of its head, shape (K, P)."""
        return self.weights[self.groups]

    @property
    def history(self) -> pd.DataFrame:
        """A row an arrival, in the order of virtual time.

        ``time_s`` of the arrival, ``client`` (-1: the head of `group` at the cloud), ``arrived`` (False: lost on the
        way), ``staleness`` in versions, ``weight`` that the rule gave it; ``training_s``, ``access_s``, ``backhaul_s``,
        ``access_bytes``, ``backhaul_bytes`` of that job or meeting, as in `Federation.history`.
        """
        if len(self._frame) != len(self._rows):  # who asks hour by hour shall not pay for the same rows every time
            self._frame = pd.DataFrame(self._rows)
        return self._frame.copy()

    def run(self, until_s: float, *, checkpoint: str | Path | None = None) -> pd.DataFrame:
        """Go on until a virtual time, that time included, and return the history.

        Parameters
        ----------
        until_s : float
            Virtual time in seconds.
        checkpoint : str or Path, optional
            File that is read first, if it is there, and written after each stack that was trained and at the end.

        Raises
        ------
        ValueError
            If the checkpoint is damaged or belongs to another federation.
        """
        until_s = real("until_s", until_s, 0.0, strict=False)
        if checkpoint is not None:
            checkpoints.restore(self, checkpoint)
        act = {ARRIVE: self._arrive, AT_CLOUD: self._at_cloud, BACK: self._back, START: self._start}
        while self._queue and self._queue[0][0] <= until_s:
            time_s, kind, who = heapq.heappop(self._queue)
            self.now_s = time_s
            act[kind](who)
            if checkpoint is not None and self._unsaved:
                checkpoints.save(self, checkpoint)
                self._unsaved = False
        self.now_s = max(self.now_s, until_s)
        if checkpoint is not None:
            checkpoints.save(self, checkpoint)
        return self.history

    def _first_s(self) -> np.ndarray:
        """When each client can start first, shape (K,); never (inf) without samples."""
        data = self.clients.data
        known_s = 0.0 if data.known_s is None else data.known_s[:, :1].min(axis=1, initial=np.inf)
        return np.where(data.n_samples > 0, np.maximum(self.clients.devices.joins_s, known_s), np.inf)

    def _tick(self, time_s: float) -> float:
        if self.period_s is None:
            return time_s
        # a time that rounding put just behind a multiple still counts as that multiple, yet no event lies in the past
        return max(time_s, float(np.ceil(time_s / self.period_s - 1e-9) * self.period_s))

    def _least_job_s(self) -> float:
        everyone = np.arange(len(self.clients))
        return self.clients.cost(everyone, np.ones(len(everyone))).total_s.min()

    def _start(self, client: int) -> None:
        """A client downloads its head's model; when its update will arrive is settled now."""
        if self.now_s >= self.clients.devices.leaves_s[client]:
            return
        who, group = np.array([client]), self.groups[client]
        self._sent[client], self._version[client] = self.heads.models[group], self.heads.versions[group]
        self._started_s[client] = self.now_s
        self._n[client] = self.clients.data.n_newest(who, self._started_s[who], self.newest)[0]
        end_s = self.now_s + self.clients.cost(who, self._n[who]).total_s[0]
        leaves = end_s >= self.clients.devices.leaves_s[client]
        self._lost[client] = leaves or self.clients.lost(who, self._job[who])[0]
        self._to_compute[client] = not self._lost[client]
        heapq.heappush(self._queue, (end_s, ARRIVE, client))

    def _arrive(self, client: int) -> None:
        who, group = np.array([client]), int(self.groups[client])
        cost = self.clients.cost(who, self._n[who])
        row = self._row(client, group, int(self.heads.versions[group] - self._version[client]))
        row |= {"training_s": cost.train_s[0], "access_s": cost.down_s[0] + cost.up_s[0],
                "access_bytes": self.clients.model.n_bytes + self.clients.up_bytes}  # fmt: skip
        if self._lost[client]:
            row |= {"arrived": False, "weight": 0.0}
        else:
            if self._to_compute[client]:
                self._compute()
            self.heads.take_in(group, self._sent[client], self._update[client], row["staleness"])
            self._since[group] += 1
            self._push_if_due(group)
        self._rows.append(row)
        self._job[client] += 1
        earliest_s = max(self.now_s, self._started_s[client] + (self.period_s or 0.0))
        heapq.heappush(self._queue, (self._tick(earliest_s), START, client))

    def _compute(self) -> None:
        """Train all clients that are in flight in one stack."""
        who = np.flatnonzero(self._to_compute)
        data = self.clients.data.newest(who, self._started_s[who], self.newest)
        self._update[who] = self.clients.updates(who, self._sent[who], self._job[who], data)
        self._to_compute[who], self._unsaved = False, True

    def _push_if_due(self, head: int) -> None:
        due = self.merge_every and self._since[head] >= self.merge_every * self._members[head]
        if due and not self._away[head]:
            self.heads.push(head)
            self._since[head], self._away[head] = 0, True
            up_s = self.backhaul.up_s(self.clients.model.n_bytes)[head]
            heapq.heappush(self._queue, (self.now_s + up_s, AT_CLOUD, head))

    def _at_cloud(self, head: int) -> None:
        n_bytes = self.clients.model.n_bytes
        up_s, down_s = self.backhaul.up_s(n_bytes)[head], self.backhaul.down_s(n_bytes)[head]
        row = self._row(-1, head, self.heads.reach_cloud(head))
        self._rows.append(row | {"backhaul_s": up_s + down_s, "backhaul_bytes": 2 * n_bytes})
        heapq.heappush(self._queue, (self.now_s + down_s, BACK, head))

    def _back(self, head: int) -> None:
        self.heads.come_back(head)
        self._away[head] = False
        self._push_if_due(head)

    def _row(self, client: int, group: int, staleness: int) -> dict:
        return {"time_s": self.now_s, "client": client, "group": group, "arrived": True, "staleness": staleness,
                "weight": float(self.strategy.weight(staleness)), "training_s": 0.0, "access_s": 0.0,
                "backhaul_s": 0.0, "access_bytes": 0, "backhaul_bytes": 0}  # fmt: skip

    _KEPT = ("_since", "_away", "_sent", "_update", "_version", "_job", "_n", "_started_s", "_to_compute", "_lost",
             "now_s", "_rows", "_queue")  # fmt: skip

    def _state(self) -> dict:
        own = {name: getattr(self, name) for name in self._KEPT}
        return own | {"heads": self.heads.state(), "residual": self.clients.residual}

    def _set_state(self, state: dict) -> None:
        for name in self._KEPT:
            setattr(self, name, state[name])
        self._frame = pd.DataFrame()
        self.heads.set_state(state["heads"])
        self.clients.residual = state["residual"]
        self._queue = [tuple(event) for event in self._queue]  # JSON made lists of them

    def _identity(self) -> tuple:
        settings = (self.strategy.name, self.period_s, self.newest, self.merge_every, self.groups, self._initial)
        return (*self.clients.identity(), *settings, *self.backhaul.parts())
