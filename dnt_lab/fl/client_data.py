"""The samples of K clients in one array, which may hold different numbers of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class ClientData:
    """Samples of K clients, each in its own row, padded to the longest.

    Attributes
    ----------
    x : numpy.ndarray, shape (K, N, *input_shape)
        Inputs; what stands behind a client's last sample is never read.
    y : numpy.ndarray, shape (K, N, outputs)
        Targets.
    n_samples : numpy.ndarray of int, shape (K,)
        How many of the N belong to the client; 0 for a client that has none.
    known_s : numpy.ndarray, shape (K, N), optional
        Virtual time from which a client knows each sample, never falling along a row; from the start if left out.

    Raises
    ------
    ValueError, TypeError
        If shapes do not fit, x or y holds no numbers, a sample is not finite, or the samples are not in the order of
        their times.
    """

    x: np.ndarray
    y: np.ndarray
    n_samples: np.ndarray
    known_s: np.ndarray | None = None

    def __post_init__(self):
        for name in ("x", "y", "n_samples"):
            object.__setattr__(self, name, np.asarray(getattr(self, name)))
        n = self.n_samples
        if self.x.ndim < 3 or self.y.ndim != 3 or self.x.shape[:2] != self.y.shape[:2]:
            raise ValueError(
                f"x has shape {self.x.shape} and y {self.y.shape}; they must be (K, N, ...) and (K, N, outputs)."
            )
        if n.shape != self.x.shape[:1] or not np.issubdtype(n.dtype, np.integer):
            raise ValueError(f"n_samples is {n!r:.60}; it must hold {len(self.x)} whole numbers, one a client.")
        if n.size and (n.min() < 0 or n.max() > self.x.shape[1]):
            raise ValueError(f"n_samples runs from {n.min()} to {n.max()}; it must be within 0 to {self.x.shape[1]}.")
        object.__setattr__(self, "n_samples", n.astype(np.int64))  # unsigned numbers have no negatives to sort by
        real = np.arange(self.x.shape[1]) < n[:, None]
        for name, values in (("x", self.x), ("y", self.y)):
            if values.dtype.kind not in "biuf":
                raise TypeError(f"{name} holds {values.dtype}; real numbers are needed.")
            bad = real & ~np.isfinite(values).all(axis=tuple(range(2, values.ndim)))
            if bad.any():
                client = np.nonzero(bad)[0][0]
                raise ValueError(f"{name} of client {client} holds NaN or infinity; fill or drop such samples first.")
        if self.known_s is not None:
            self._check_times(real)

    def _check_times(self, real: np.ndarray) -> None:
        times = np.asarray(self.known_s, dtype=float)
        if times.shape != self.x.shape[:2]:
            raise ValueError(f"known_s has shape {times.shape}; it must be {self.x.shape[:2]}, one a sample.")
        if np.isnan(times[real]).any():
            raise ValueError("known_s holds NaN; every sample needs the time from which its client knows it.")
        if (times[:, 1:] < times[:, :-1])[real[:, 1:]].any():
            raise ValueError(
                "known_s falls along a row; samples must be in the order in which their client learns them."
            )
        object.__setattr__(self, "known_s", times)

    @classmethod
    def stack(cls, clients: Sequence[tuple[np.ndarray, np.ndarray]]) -> ClientData:
        """Lay clients with different numbers of samples on one axis.

        Parameters
        ----------
        clients : sequence of (x, y)
            x of shape (n_k, *input_shape) and y of shape (n_k, outputs) of each client.

        Raises
        ------
        ValueError
            If there is no client, or shapes do not fit one another.
        """
        if not clients:
            raise ValueError("there is no client; give at least one pair (x, y).")
        xs, ys = ([np.asarray(part) for part in parts] for parts in zip(*clients, strict=True))
        if len({x.shape[1:] for x in xs}) > 1 or len({y.shape[1:] for y in ys}) > 1:
            raise ValueError("the clients' samples differ in shape; every x and every y must look alike.")
        n = np.array([len(x) for x in xs])
        if any(len(y) != m for y, m in zip(ys, n, strict=True)):
            raise ValueError("a client has not as many targets as inputs; each x needs one y.")
        types = [np.result_type(*{part.dtype for part in parts}) for parts in (xs, ys)]
        x, y = (np.zeros((len(n), n.max(), *p[0].shape[1:]), t) for p, t in zip((xs, ys), types, strict=True))
        for k, m in enumerate(n):
            x[k, :m], y[k, :m] = xs[k], ys[k]
        return cls(x, y, n)

    def __len__(self) -> int:
        return len(self.x)

    def __repr__(self) -> str:
        return f"ClientData({len(self)} clients, {self.n_samples.sum():,} samples of shape {self.x.shape[2:]})"

    def __getitem__(self, clients) -> ClientData:
        """Return some clients (numbers, mask or slice), in that order; all of them without a copy."""
        everyone = np.arange(len(self))
        clients = np.atleast_1d(everyone[clients])
        if np.array_equal(clients, everyone):
            return self
        known_s = None if self.known_s is None else self.known_s[clients]
        return ClientData(self.x[clients], self.y[clients], self.n_samples[clients], known_s)

    def newest(self, clients: np.ndarray, time_s: np.ndarray, n: int | None = None) -> ClientData:
        """Return what some clients know at a time of their own, or the newest `n` samples of that.

        Parameters
        ----------
        clients : numpy.ndarray of int, shape (M,)
            Their numbers.
        time_s : numpy.ndarray, shape (M,)
            Virtual time of each.
        n : int, optional
            At most so many, the newest.
        """
        m, n_used = self._n_known(clients, time_s), self.n_newest(clients, time_s, n)
        first = m - n_used
        columns = np.minimum(first[:, None] + np.arange(n_used.max(initial=0)), self.x.shape[1] - 1)
        rows = np.asarray(clients)[:, None]
        return ClientData(self.x[rows, columns], self.y[rows, columns], n_used)

    def n_newest(self, clients: np.ndarray, time_s: np.ndarray, n: int | None = None) -> np.ndarray:
        """Return how many samples `newest` would give each client, shape (M,)."""
        m = self._n_known(clients, time_s)
        return m if n is None else np.minimum(m, n)

    def _n_known(self, clients, time_s) -> np.ndarray:
        m = self.n_samples[clients]
        if self.known_s is None:
            return m
        in_row = np.arange(self.x.shape[1]) < m[:, None]
        return np.count_nonzero((self.known_s[clients] <= np.asarray(time_s)[:, None]) & in_row, axis=1)

    def pooled(self) -> ClientData:
        """Return all samples as those of one client: what a central server would hold."""
        real = np.arange(self.x.shape[1]) < self.n_samples[:, None]
        return ClientData(self.x[real][None], self.y[real][None], np.array([real.sum()]))
