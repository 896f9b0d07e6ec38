"""The K clients as a server sees them: it sends weights, an update comes back, and both cost time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dnt_lab.datasets._checks import whole
from dnt_lab.fl._random import DROP_OUT, ROUND_OFF, stream
from dnt_lab.fl.client_data import ClientData
from dnt_lab.fl.compression import Compression
from dnt_lab.fl.devices import Connection, Devices
from dnt_lab.fl.local_training import LocalTraining, train
from dnt_lab.fl.models import Model


@dataclass(frozen=True)
class JobCost:
    """Seconds of M jobs, each an array of shape (M,)."""

    down_s: np.ndarray
    train_s: np.ndarray
    up_s: np.ndarray

    @property
    def total_s(self) -> np.ndarray:
        """From the download's start to the update's arrival."""
        return self.down_s + self.train_s + self.up_s


def trained_updates(
    model: Model, sent: np.ndarray, data: ClientData, how: LocalTraining, seed: int, who: np.ndarray, jobs: np.ndarray
) -> np.ndarray:
    """Train M clients and return trained minus sent weights, shape (M, P), or say whose training has diverged."""
    update = train(model, sent, data, how, seed=seed, clients=who, jobs=jobs) - sent
    diverged = ~np.isfinite(update).all(axis=1)
    if diverged.any():
        raise ValueError(
            f"training of client {who[diverged][0]} diverged to NaN or infinity; a smaller lr than "
            f"{how.lr:g} is needed."
        )
    return update


class Clients:
    """K clients of one model with their samples and devices.

    Parameters
    ----------
    model : Model
        What they train.
    data : ClientData
        Samples of each.
    how : LocalTraining
        What a job is.
    devices : Devices, optional
        Where they run; without, everything takes no time.
    compression : Compression, optional
        Of the updates on their way up; downwards the weights travel as float32.
    seed : int
        Of shuffling, rounding and drop-outs.

    Raises
    ------
    ValueError, TypeError
        If data or devices do not fit.
    """

    def __init__(
        self,
        model: Model,
        data: ClientData,
        how: LocalTraining,
        devices: Devices | None = None,
        compression: Compression | None = None,
        seed: int = 0,
    ):
        if data.x.shape[2:] != model.input_shape:
            raise ValueError(f"a sample has shape {data.x.shape[2:]}, but {model.name} takes {model.input_shape}.")
        if devices is None:
            devices = Devices(np.full(len(data), np.inf), Connection(np.inf, np.inf))
        if len(devices) != len(data):
            raise ValueError(f"there are {len(devices)} devices for {len(data)} clients; each needs one.")
        self.model, self.data, self.how = model, data, how
        self.devices, self.compression, self.seed = devices, compression, whole("seed", seed, 0, 2**64 - 1)
        feedback = compression is not None and compression.feedback
        self.residual = np.zeros((len(data), model.n_parameters), np.float32) if feedback else None

    def __len__(self) -> int:
        return len(self.data)

    @property
    def up_bytes(self) -> int:
        """Bytes of one update on its way up."""
        return self.model.n_bytes if self.compression is None else self.compression.n_bytes(self.model.n_parameters)

    def start(self, initial: np.ndarray | None, n_servers: int) -> np.ndarray:
        """Return the weights from which G servers start, shape (G, P): `initial`, or drawn by the seed.

        Raises
        ------
        ValueError, TypeError
            If `initial` is neither (P,) nor (G, P), neither float32 nor float64, or not finite.
        """
        start = self.model.init(self.seed) if initial is None else self.model.checked(initial, n_servers)
        if not np.isfinite(start).all():
            raise ValueError("initial holds NaN or infinity; finite weights are needed.")
        return np.array(np.broadcast_to(start, (n_servers, self.model.n_parameters)))

    def cost(self, who: np.ndarray, n_samples: np.ndarray) -> JobCost:
        """Return the seconds of a job of each of M clients with so many samples."""
        link = self.devices.connection
        return JobCost(
            8 * self.model.n_bytes / link.down_bps[who] + link.latency_s[who],
            self.how.flops(self.model, n_samples) / self.devices.speed_flops[who],
            8 * self.up_bytes / link.up_bps[who] + link.latency_s[who],
        )

    def lost(self, who: np.ndarray, jobs: np.ndarray) -> np.ndarray:
        """Whether each client's job never arrives, shape (M,); decided by seed, client and job."""
        chance = self.devices.drop_probability[who]
        drawn = [p > 0 and stream(self.seed, DROP_OUT, k, j).random() < p for k, j, p in _triples(who, jobs, chance)]
        return np.array(drawn, dtype=bool)

    def updates(self, who: np.ndarray, sent: np.ndarray, jobs: np.ndarray, data: ClientData) -> np.ndarray:
        """Train M clients and return their updates as the server receives them.

        Parameters
        ----------
        who, jobs : numpy.ndarray of int, shape (M,)
            Number of each client and of its job.
        sent : numpy.ndarray, shape (M, P)
            Weights each was sent.
        data : ClientData
            Samples of the M clients.

        Returns
        -------
        numpy.ndarray, shape (M, P)
            Trained minus sent weights, after compression.

        Raises
        ------
        ValueError
            If training diverges.
        """
        update = trained_updates(self.model, sent, data, self.how, self.seed, who, jobs)
        if self.compression is None:
            return update
        if self.residual is not None:
            update = update + self.residual[who]
        rngs = [stream(self.seed, ROUND_OFF, k, j) for k, j, _ in _triples(who, jobs, who)]
        received = self.compression.decode(self.compression.encode(update, rngs), self.model.n_parameters)
        if self.residual is not None:
            self.residual[who] = update - received
        return received.astype(update.dtype)

    def identity(self) -> tuple:
        """All that decides results, for a checkpoint's digest."""
        how, devices, data = self.how, self.devices, self.data
        name = None if self.compression is None else self.compression.name
        loss = getattr(how.loss, "__qualname__", type(how.loss).__qualname__)
        training = (how.epochs, how.batch_size, how.lr, how.momentum, how.prox, loss)
        arrays = (data.x, data.y, data.n_samples, devices.speed_flops, devices.joins_s, devices.leaves_s,
                  devices.drop_probability, *devices.connection.parts())  # fmt: skip
        return (self.model.name, training, name, self.seed, data.known_s, *arrays)


def _triples(who, jobs, third):
    return zip(who.tolist(), np.broadcast_to(jobs, who.shape).tolist(), third.tolist(), strict=True)
