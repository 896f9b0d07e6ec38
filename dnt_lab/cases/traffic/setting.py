"""All numbers of the case study that are a choice, with what each rests on."""

from __future__ import annotations

from dataclasses import dataclass

from dnt_lab import fl
from dnt_lab.cases.traffic.task import TEST_HOURS


@dataclass(frozen=True)
class Learning:
    """How the twins learn.

    Attributes
    ----------
    hidden : int
        Units of the GRU.
    rounds : int
        Rounds of the V-twin; epochs of the local-only and the centralised model.
    training : fl.LocalTraining
        A BS's job in a round of the V-twin.
    update_period_h : int
        Hours from one update of the H-twin to the next.
    update_hours : int
        An update learns from the newest so many hours (three weeks by default).
    update : fl.LocalTraining
        A BS's job in an update of the H-twin.
    rule : fl.AsyncStrategy
        How the H-twin takes updates in.
    n_clusters : int
        Clusters of BSs where there are clusters.
    merge_every : int
        Rounds from one meeting of the cluster heads in the cloud to the next, in both twins.
    """

    hidden: int = 16
    rounds: int = 30
    training: fl.LocalTraining = fl.LocalTraining(lr=0.03)
    update_period_h: int = 12
    update_hours: int = 504
    update: fl.LocalTraining = fl.LocalTraining(lr=0.01)
    rule: fl.AsyncStrategy = fl.fedasync(0.6, fl.polynomial(0.5))
    n_clusters: int = 4
    merge_every: int = 5

    @property
    def n_updates(self) -> int:
        """Updates of the H-twin that arrive in time for a forecast of the test week."""
        return -(-(TEST_HOURS - 1) // self.update_period_h)

    def model(self) -> fl.Model:
        """Return the model that all systems share: 3 steps of (close, period, sine, cosine)."""
        return fl.gru(n_in=4, hidden=self.hidden, n_steps=3)


@dataclass(frozen=True)
class Equipment:
    """What the systems run on; assumptions, since the article names none.

    Attributes
    ----------
    speed_flops : float
        Median operations a second of a BS's computer in such small models (its peak is far higher).
    speed_spread : float
        Standard deviation of ln(speed) over the BSs.
    server_flops : float
        Of the central server.
    cloud_bps, cloud_latency_s : float
        From a BS, or a cluster head, to the cloud, either way.
    edge_bps, edge_latency_s : float
        From a BS to its cluster head, either way.
    record_bytes : float
        Bytes of raw data a BS and hour that the centralised twin uploads.
    """

    speed_flops: float = 1e8
    speed_spread: float = 0.5
    server_flops: float = 1e10
    cloud_bps: float = 2e6
    cloud_latency_s: float = 0.02
    edge_bps: float = 1e8
    edge_latency_s: float = 0.002
    record_bytes: float = 4.0

    def cloud(self) -> fl.Connection:
        """Return the way to the cloud."""
        return fl.Connection(self.cloud_bps, self.cloud_bps, self.cloud_latency_s)

    def edge(self) -> fl.Connection:
        """Return the way to a cluster head."""
        return fl.Connection(self.edge_bps, self.edge_bps, self.edge_latency_s)

    def devices(self, n: int, seed: int, *, clustered: bool) -> fl.Devices:
        """Draw the BSs' computers; the same ones with and without clusters."""
        link = self.edge() if clustered else self.cloud()
        return fl.Devices.drawn(n, link, speed_flops=self.speed_flops, spread=self.speed_spread, seed=seed)
