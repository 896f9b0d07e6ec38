"""How a server takes updates one by one, as they arrive, and how little it trusts an old one.

The *staleness* tau of an update is the number of versions the server has made since the client downloaded its model.

- `fedasync` (Xie, Koyejo, Gupta 2019): w <- (1 - a) w + a w_k with a = alpha s(tau), and s one of

  - `constant`: s = 1
  - `polynomial`: s = (tau + 1)^-p
  - `hinge`: s = 1 if tau <= b, else 1 / (p (tau - b) + 1)

- `fedbuff` (Nguyen et al., AISTATS 2022): waits for K updates d_k, then w <- w + lr (1/K) sum_k s(tau_k) d_k.

With alpha = 1 and s = 1 `fedasync` returns the client's model; with all clients, none stale and lr = 1 `fedbuff` is a
round of equal-weight `fedavg`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dnt_lab.datasets._checks import whole
from dnt_lab.datasets._numbers import real
from dnt_lab.fl.strategies import State, cast


@dataclass(frozen=True)
class Staleness:
    """A discount ``s(tau)`` with its name; ``s(0) = 1`` and never rises."""

    name: str
    of: Callable[[np.ndarray], np.ndarray]

    def __call__(self, tau):
        """Return the discount of a staleness, 0 or more: a float, or an array of the shape of `tau`."""
        tau = np.asarray(tau, dtype=float)
        if not (tau >= 0).all():
            raise ValueError(f"tau is {tau}, but a staleness is 0 or more versions.")
        return self.of(tau)[()]


def constant() -> Staleness:
    """No discount: s = 1."""
    return Staleness("constant()", np.ones_like)


def polynomial(p: float = 0.5) -> Staleness:
    """S = (tau + 1)^-p."""
    p = real("p", p, strict=False)
    return Staleness(f"polynomial({p:g})", lambda tau: (tau + 1) ** -p)


def hinge(p: float = 10.0, b: float = 4.0) -> Staleness:
    """S = 1 up to b versions, then 1 / (p (tau - b) + 1)."""
    p, b = real("p", p, strict=False), real("b", b, strict=False)
    return Staleness(f"hinge({p:g}, {b:g})", lambda tau: 1 / (p * np.maximum(tau - b, 0) + 1))


@dataclass(frozen=True)
class AsyncStrategy:
    """An asynchronous rule.

    Attributes
    ----------
    name : str
        With its parameters.
    init : callable
        ``init(weights (P,)) -> state``.
    arrive : callable
        ``arrive(weights (P,), sent (P,), update (P,), tau, state) -> (weights (P,), state, versions)``: `sent` is the
        model the client had downloaded, ``sent + update`` the one it made of it, and `versions` 1 if the server's model
        is a new one now, else 0.
    weight : callable
        ``weight(tau)``: the share or factor an update of that staleness gets.
    """

    name: str
    init: Callable[[np.ndarray], State]
    arrive: Callable[[np.ndarray, np.ndarray, np.ndarray, int, State], tuple[np.ndarray, State, int]]
    weight: Callable[[np.ndarray], np.ndarray]


def fedasync(alpha: float = 0.6, staleness: Staleness = polynomial()) -> AsyncStrategy:
    """Mix each arriving model in at once: w <- (1 - a) w + a w_k, a = alpha s(tau), alpha in (0, 1]."""
    alpha, staleness = real("alpha", alpha, 0.0, 1.0), _checked(staleness)

    def weight(tau):
        return alpha * staleness(tau)

    def arrive(weights, sent, update, tau, state):
        a = cast(weight(tau), weights)
        return (1 - a) * weights + a * (sent + update), state, 1

    return AsyncStrategy(f"fedasync({alpha:g}, {staleness.name})", lambda weights: {}, arrive, weight)


def fedbuff(size: int, server_lr: float = 1.0, staleness: Staleness = polynomial()) -> AsyncStrategy:
    """Wait for `size` updates, then move by their discounted mean: w <- w + lr (1/size) sum_k s(tau_k) d_k."""
    size, lr, staleness = whole("size", size, 1), real("server_lr", server_lr), _checked(staleness)

    def init(weights):
        return {"sum": np.zeros(weights.shape), "count": np.array(0)}

    def arrive(weights, sent, update, tau, state):
        total, count = state["sum"] + staleness(tau) * update, int(state["count"]) + 1
        if count < size:
            return weights, {"sum": total, "count": np.array(count)}, 0
        return cast(weights + lr / size * total, weights), init(weights), 1

    return AsyncStrategy(f"fedbuff({size}, {lr:g}, {staleness.name})", init, arrive, lambda tau: staleness(tau) / size)


def _checked(staleness: Staleness) -> Staleness:
    if not isinstance(staleness, Staleness):
        raise TypeError(f"staleness is {staleness!r:.60}, but must be a Staleness such as polynomial(0.5).")
    return staleness
