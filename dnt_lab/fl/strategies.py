"""How a server combines the updates of a round: pure functions over `(K, P)`.

With w the server's weights, w_k a client's, n_k its samples and d_k = w_k - w its update, all rules start from the
pseudo-gradient d = sum_k (n_k / n) d_k of the round's clients:

- `fedavg` (McMahan et al., AISTATS 2017): w <- w + lr d; with lr = 1 it is the weighted mean of the w_k.
- `fedprox` (Li et al., MLSys 2020): the same; clients train with mu/2 ||w_k - w||^2 added to their loss.
- `fedavgm` (Hsu et al., 2019): v <- beta v + d; w <- w + lr v.
- `fedadam` (Reddi et al., ICLR 2021, without bias correction, as there): m <- b1 m + (1 - b1) d;
  v <- b2 v + (1 - b2) d^2; w <- w + lr m / (sqrt(v) + tau).

A strategy keeps nothing: what has to live from round to round is a dictionary of arrays that goes in and out.

>>> rule = fedavg()
>>> w, state = rule.step(w, updates, n_samples, rule.init(w))
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dnt_lab.datasets._numbers import real

State = dict[str, np.ndarray]


@dataclass(frozen=True)
class Strategy:
    """A synchronous rule.

    Attributes
    ----------
    name : str
        With its parameters; a checkpoint is only resumed by a strategy of the same name.
    init : callable
        ``init(weights (P,)) -> state``.
    step : callable
        ``step(weights (P,), updates (K, P), n_samples (K,), state) -> (weights (P,), state)``; changes none of them.
    prox : float
        mu that the clients' `LocalTraining` has to take over; 0 for none.
    """

    name: str
    init: Callable[[np.ndarray], State]
    step: Callable[[np.ndarray, np.ndarray, np.ndarray, State], tuple[np.ndarray, State]]
    prox: float = 0.0


def weighted_mean(updates: np.ndarray, n_samples: np.ndarray) -> np.ndarray:
    """Return sum_k (n_k / n) d_k, shape (P,), in the updates' precision; summed in float64.

    Raises
    ------
    ValueError
        If there is no update, shapes differ, a number of samples is negative or not finite, or all are zero.
    """
    updates, n = np.asarray(updates), np.asarray(n_samples, dtype=float)
    if updates.ndim != 2 or n.shape != updates.shape[:1] or not len(n):
        raise ValueError(f"updates have shape {updates.shape} and n_samples {n.shape}; (K, P) and (K,) are needed.")
    if not ((n >= 0) & (n < np.inf)).all() or n.sum() == 0:
        raise ValueError(f"n_samples is {n!s:.60}, but must hold finite numbers, 0 or more, and one above 0.")
    return cast(np.einsum("k,kp->p", n / n.sum(), updates, dtype=float), updates)  # without a copy in float64


def fedavg(server_lr: float = 1.0) -> Strategy:
    """Federated averaging: w <- w + server_lr sum_k (n_k / n) d_k."""
    lr = real("server_lr", server_lr)

    def step(weights, updates, n_samples, state):
        return cast(weights + lr * weighted_mean(updates, n_samples), weights), state

    return Strategy(f"fedavg({lr:g})", lambda weights: {}, step)


def fedprox(mu: float, server_lr: float = 1.0) -> Strategy:
    """FedAvg whose clients are held back to the model they were sent by mu/2 ||w_k - w||^2."""
    plain = fedavg(server_lr)
    mu = real("mu", mu, strict=False)
    return Strategy(f"fedprox({mu:g}, {server_lr:g})", plain.init, plain.step, prox=mu)


def fedavgm(server_lr: float = 1.0, momentum: float = 0.9) -> Strategy:
    """FedAvg with momentum on the server: v <- momentum v + d; w <- w + server_lr v."""
    lr, beta = real("server_lr", server_lr), real("momentum", momentum, 0.0, 1.0, strict=False)

    def step(weights, updates, n_samples, state):
        v = beta * state["v"] + weighted_mean(updates, n_samples)
        return cast(weights + lr * v, weights), {"v": cast(v, weights)}

    return Strategy(f"fedavgm({lr:g}, {beta:g})", lambda weights: {"v": np.zeros_like(weights)}, step)


def fedadam(server_lr: float = 0.01, beta_1: float = 0.9, beta_2: float = 0.99, tau: float = 1e-3) -> Strategy:
    """Adam on the server, with d as the gradient; `tau` keeps its steps finite."""
    lr, tau = real("server_lr", server_lr), real("tau", tau)
    b1, b2 = (real(n, b, 0.0, 1.0, strict=False) for n, b in (("beta_1", beta_1), ("beta_2", beta_2)))

    def step(weights, updates, n_samples, state):
        d = weighted_mean(updates, n_samples)
        m = b1 * state["m"] + (1 - b1) * d
        v = b2 * state["v"] + (1 - b2) * d**2
        moved = weights + lr * m / (np.sqrt(v) + tau)
        return cast(moved, weights), {"m": cast(m, weights), "v": cast(v, weights)}

    def init(weights):
        return {"m": np.zeros_like(weights), "v": np.zeros_like(weights)}

    return Strategy(f"fedadam({lr:g}, {b1:g}, {b2:g}, {tau:g})", init, step)


def cast(values: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Return `values` in the precision of `like`, but float64 for the integers that one writes by hand."""
    return values.astype(np.result_type(like, np.float32), copy=False)
