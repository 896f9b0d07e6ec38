r"""Synchronisation policies: which report to send next when not all can be sent.

A policy maps what the telemetry agent knows to an urgency for every property of every user, an array shaped
``(len(PROPERTIES), U)``; the most urgent reports go first, as far as the budget reaches, and ``-inf`` is held back.

====================  ==============================================================================================
policy                sends
====================  ==============================================================================================
`Periodic`            everything every T seconds, changed or not; if the budget is short, whatever waited longest
`EventTriggered`      what changed; a position once the twin's belief of it is off by more than a threshold
`AgeOptimal`          positions by Whittle's index of their age, other properties when they change
`Randomised`          positions at random, other properties when they change: the baseline of the literature
====================  ==============================================================================================

For links of equal loss Whittle's index sorts like the age itself: the oldest first, which minimises the mean age.
Source: I. Kadota, A. Sinha, E. Uysal-Biyikoglu, R. Singh, E. Modiano, "Scheduling policies for minimizing age of
information in broadcast wireless networks", IEEE/ACM Trans. Netw. 26(6), 2018 (greedy policy in symmetric networks).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

PROPERTIES = ("access", "demand", "position")
"""What is mirrored of a user, one report each: `Handover`, `Demand`, `Move`. In case of a tie the first goes first."""
ACCESS, DEMAND, POSITION = range(3)
_HOLD = -np.inf


class Policy(Protocol):
    """What `Synchroniser` asks of a policy."""

    def urgency(self, agent) -> np.ndarray:
        """Urgency ``(len(PROPERTIES), U)`` of each report at ``agent.now_s``; ``-inf``: do not send."""


@dataclass(frozen=True)
class Periodic:
    """Report everything every `period_s` seconds."""

    period_s: float

    def __post_init__(self):
        if not 0 < self.period_s < np.inf:
            raise ValueError(f"period_s is {self.period_s}, but a period is a finite number of seconds over 0")

    def urgency(self, agent) -> np.ndarray:
        """Time since the last report, once it reaches the period."""
        silent_s = agent.now_s - agent.sent_s
        return np.where(silent_s >= self.period_s * (1 - 1e-9), silent_s, _HOLD)


@dataclass(frozen=True)
class EventTriggered:
    """Report what the twin would get wrong: changes of access and demand always, a position beyond `threshold_m`."""

    threshold_m: float = 5.0

    def __post_init__(self):
        if not 0 <= self.threshold_m < np.inf:
            raise ValueError(f"threshold_m is {self.threshold_m}, but it is a finite number of metres from 0 on")

    def urgency(self, agent) -> np.ndarray:
        """Changes first, then positions by their error."""
        error_m = agent.position_error_m
        return _changes_first(agent, np.where(error_m > self.threshold_m, error_m, _HOLD))


@dataclass(frozen=True, eq=False)
class AgeOptimal:
    """Report the position with the highest Whittle index of its age.

    Attributes
    ----------
    weights : array_like, shape (U,), optional
        How much each user's age matters; all the same by default.
    """

    weights: np.ndarray | None = None

    def __post_init__(self):
        if self.weights is not None and not (np.asarray(self.weights, float) > 0).all():
            raise ValueError("weights hold a value that is not over 0; leave users out by a Scope instead")

    def urgency(self, agent) -> np.ndarray:
        """Changes first, then positions by their index."""
        weights = np.ones(agent.n_users) if self.weights is None else np.asarray(self.weights, float)
        if weights.shape != (agent.n_users,):
            raise ValueError(f"weights have shape {weights.shape}, but there are {agent.n_users} users")
        age_slots = agent.age_s[POSITION] / agent.slot_s
        return _changes_first(agent, whittle_index(age_slots, agent.delivery_probability, weights))


@dataclass(frozen=True)
class Randomised:
    """Report positions in random order."""

    def urgency(self, agent) -> np.ndarray:
        """Changes first, then positions by lot."""
        return _changes_first(agent, agent.rng.random(agent.n_users))


def whittle_index(age_slots, delivery_probability=1.0, weight=1.0):
    r"""Price per transmission at which sending and waiting are equally good for a user of age h.

    .. math:: C(h) = \frac{\alpha p h}{2} \Bigl(h + \frac{2 - p}{p}\Bigr)

    for a user that can report something fresh in every slot, at success probability p and weight :math:`\alpha`. It
    follows from the threshold policy "send from age h on": its cycle has mean length m = h - 1 + 1/p and variance
    (1 - p)/p^2, and C(h) is the price that makes the thresholds h and h + 1 cost the same.

    Parameters
    ----------
    age_slots : array_like
        Age h of the newest delivered report, in slots.
    delivery_probability, weight : array_like
        p and alpha.

    Returns
    -------
    ndarray
        Index, broadcast over the arguments; 0 where nothing is ever delivered.

    Notes
    -----
    The index of Kadota et al. 2018 (see the module); the tests hold it against dynamic programming.
    """
    h, p = np.asarray(age_slots, float), np.asarray(delivery_probability, float)
    return weight * h / 2 * (p * h + 2 - p) * (p > 0)


def _changes_first(agent, position) -> np.ndarray:
    urgency = np.where(agent.wrong, np.inf, _HOLD)
    urgency[POSITION] = position
    return urgency
