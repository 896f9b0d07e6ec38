"""The servers of an asynchronous federation: the heads with their local twins, and the cloud with the global one.

A head is to the cloud what a client is to a head: it downloads, changes its copy, sends it back, and finds that the
cloud has moved on. Both take updates in by the same rule.
"""

from __future__ import annotations

import numpy as np

from dnt_lab.fl.asynchronous import AsyncStrategy


class Heads:
    """G heads and a cloud.

    Parameters
    ----------
    strategy : AsyncStrategy
        How each takes an update in.
    start : numpy.ndarray, shape (G, P)
        Models of the heads; the cloud starts from their mean.

    Attributes
    ----------
    models : numpy.ndarray, shape (G + 1, P)
        Row g is head g's, the last the cloud's.
    versions : numpy.ndarray of int, shape (G + 1,)
        How many models each has made.
    """

    def __init__(self, strategy: AsyncStrategy, start: np.ndarray):
        self.strategy = strategy
        self.models = np.vstack([start, start.mean(axis=0, dtype=float).astype(start.dtype)])
        self.versions = np.zeros(len(self.models), dtype=int)
        self._states = [strategy.init(w) for w in self.models]
        # of each head: what it had downloaded, what it sent, what comes back, the cloud's version in that
        self._downloaded, self._pushed, self._reply = (start.copy() for _ in range(3))
        self._cloud_version = np.zeros(len(start), dtype=int)

    @property
    def cloud(self) -> int:
        """Row of the cloud."""
        return len(self.models) - 1

    def take_in(self, server: int, sent: np.ndarray, update: np.ndarray, staleness: int) -> None:
        """Let a server take in an update of a model it had sent."""
        taken = self.strategy.arrive(self.models[server], sent, update, staleness, self._states[server])
        self.models[server], self._states[server], new = taken
        self.versions[server] += new

    def push(self, head: int) -> None:
        """Note what a head sends to the cloud."""
        self._pushed[head] = self.models[head]

    def reach_cloud(self, head: int) -> int:
        """Let the cloud take in what a head sent; it answers with its model. Return the staleness."""
        staleness = int(self.versions[self.cloud] - self._cloud_version[head])
        down = self._downloaded[head]
        self.take_in(self.cloud, down, self._pushed[head] - down, staleness)
        self._reply[head], self._cloud_version[head] = self.models[self.cloud], self.versions[self.cloud]
        return staleness

    def come_back(self, head: int) -> None:
        """The global twin replaces a head's local one; what has arrived since that was sent is added to it."""
        self.models[head] = self._reply[head] + (self.models[head] - self._pushed[head])
        self._downloaded[head] = self._reply[head]
        self.versions[head] += 1

    _KEPT = ("models", "versions", "_states", "_downloaded", "_pushed", "_reply", "_cloud_version")

    def state(self) -> dict:
        """Return what a checkpoint has to keep."""
        return {name: getattr(self, name) for name in self._KEPT}

    def set_state(self, state: dict) -> None:
        """Go to a state that `state` returned."""
        for name in self._KEPT:
            setattr(self, name, state[name])
