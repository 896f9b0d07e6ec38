"""Virtual time: how long training and messages take, from operations, bytes, speeds and rates. No clock is read.

With F the floating-point operations of a job (`LocalTraining.flops`) and M bytes of a message::

    t_train = F / speed        t_up = 8 M / up_bps + latency        t_down = 8 M / down_bps + latency
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from dnt_lab.datasets._checks import generator, whole
from dnt_lab.datasets._numbers import real, reals


@dataclass(frozen=True, eq=False)
class Connection:
    """The way from one node to another and back; numbers, or arrays with one number a node.

    Attributes
    ----------
    up_bps, down_bps : float or numpy.ndarray
        Rates in bit/s.
    latency_s : float or numpy.ndarray
        Delay of every message, in either direction.

    Raises
    ------
    ValueError
        If a rate is not above 0, or a latency is negative.
    """

    up_bps: float | np.ndarray
    down_bps: float | np.ndarray
    latency_s: float | np.ndarray = 0.0

    def __post_init__(self):
        checked = {name: reals(name, getattr(self, name), strict=True) for name in ("up_bps", "down_bps")}
        checked["latency_s"] = reals("latency_s", self.latency_s)
        for name, value in checked.items():
            object.__setattr__(self, name, value if value.ndim else float(value))

    def up_s(self, n_bytes: float) -> float | np.ndarray:
        """Seconds of a message of so many bytes upwards."""
        return 8 * n_bytes / self.up_bps + self.latency_s

    def down_s(self, n_bytes: float) -> float | np.ndarray:
        """Seconds of a message of so many bytes downwards."""
        return 8 * n_bytes / self.down_bps + self.latency_s

    def parts(self) -> tuple[np.ndarray, ...]:
        """All numbers, for a checkpoint's digest."""
        return tuple(np.asarray(getattr(self, f.name), dtype=float) for f in fields(self))


@dataclass(frozen=True, eq=False)
class Devices:
    """What the K clients run on. Stragglers are slow ones; who joins late or leaves has a time; some lose jobs.

    Attributes
    ----------
    speed_flops : numpy.ndarray, shape (K,)
        Floating-point operations a second.
    connection : Connection
        From each client to the server it talks to: its cluster's head where there are clusters, else the cloud.
    joins_s, leaves_s : numpy.ndarray, shape (K,)
        Virtual time from which, and until which, a client takes part.
    drop_probability : numpy.ndarray, shape (K,)
        How likely a job is trained and paid for, but never arrives.

    Every attribute may be given as one number for all, once `speed_flops` is an array.

    Raises
    ------
    ValueError
        If a number is out of range, an array has another length than `speed_flops`, or a client leaves before it joins.
    """

    speed_flops: np.ndarray
    connection: Connection
    joins_s: np.ndarray | float = 0.0
    leaves_s: np.ndarray | float = np.inf
    drop_probability: np.ndarray | float = 0.0

    def __post_init__(self):
        speed = np.atleast_1d(reals("speed_flops", self.speed_flops, strict=True))
        checked = {"speed_flops": speed, "joins_s": reals("joins_s", self.joins_s)}
        checked["leaves_s"] = reals("leaves_s", self.leaves_s)
        checked["drop_probability"] = reals("drop_probability", self.drop_probability, high=1.0)
        checked |= {name: _per_client(name, value, len(speed)) for name, value in checked.items()}
        early = np.flatnonzero(checked["leaves_s"] < checked["joins_s"])
        if len(early):
            raise ValueError(f"client {early[0]} leaves before it joins; leaves_s must not be below joins_s.")
        links = {f.name: _per_client(f.name, getattr(self.connection, f.name), len(speed)) for f in fields(Connection)}
        checked["connection"] = Connection(**links)
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.speed_flops)

    @classmethod
    def drawn(
        cls,
        n: int,
        connection: Connection,
        *,
        speed_flops: float,
        spread: float = 0.5,
        seed: int | np.random.Generator = 0,
    ) -> Devices:
        """Draw lognormal speeds around a median: the usual mix of a few slow, a few fast, most in between.

        Parameters
        ----------
        n : int
            Number of clients.
        connection : Connection
            Of each.
        speed_flops : float
            Median speed.
        spread : float
            Standard deviation of ln(speed), 0 or more; at .5 one in six is slower than .61 of the median.
        seed : int or numpy.random.Generator
            Decides the speeds.
        """
        n, rng = whole("n", n, 1), generator(seed)
        median, spread = real("speed_flops", speed_flops), real("spread", spread, strict=False)
        return cls(median * np.exp(spread * rng.standard_normal(n)), connection)

    def present(self, time_s: float) -> np.ndarray:
        """Whether each client takes part at a time, shape (K,)."""
        return (self.joins_s <= time_s) & (time_s < self.leaves_s)


def _per_client(name: str, value, k: int) -> np.ndarray:
    value = np.asarray(value, dtype=float)
    if value.shape not in ((), (1,), (k,)):
        raise ValueError(f"{name} has shape {value.shape}, but must be one number or ({k},), one a client.")
    return np.broadcast_to(value, (k,))
