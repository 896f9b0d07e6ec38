"""The network's end of telemetry: an agent that hears every event, knows what it has sent and what was confirmed.

So it can tell, without asking, what the twin believes by now, how old that is and how wrong. A policy ranks reports by
that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from dnt_lab.physical import Demand, Event, Handover, Move, State
from dnt_lab.twin.policies import ACCESS, DEMAND, POSITION, PROPERTIES

ROW = {Handover: ACCESS, Demand: DEMAND, Move: POSITION}
"""Row of `PROPERTIES` a report is about."""


@dataclass(frozen=True)
class Scope:
    """What is mirrored.

    Attributes
    ----------
    properties : tuple of str
        Some of ``"access"``, ``"demand"``, ``"position"``.
    users : tuple of int, optional
        Only these users.
    regions : tuple of int, optional
        Only users whose serving cell lies in these regions.
    """

    properties: tuple[str, ...] = PROPERTIES
    users: tuple[int, ...] | None = None
    regions: tuple[int, ...] | None = None

    def __post_init__(self):
        if isinstance(self.properties, str) or not self.properties or not set(self.properties) <= set(PROPERTIES):
            raise ValueError(f"properties is {self.properties!r}, but a scope names some of {', '.join(PROPERTIES)}")

    def check(self, state: State) -> None:
        """Raise ValueError if the scope names users or regions that `state` does not have."""
        if self.users is not None and not set(self.users) <= set(range(state.n_users)):
            raise ValueError(f"scope names users {self.users}, but there are users 0 ... {state.n_users - 1}")
        if self.regions is not None and not set(self.regions) <= set(state.region.tolist()):
            raise ValueError(f"scope names regions {self.regions}, but there are {sorted(set(state.region.tolist()))}")

    def mask(self, state: State) -> np.ndarray:
        """Which reports are within the scope, bool ``(len(PROPERTIES), U)``."""
        who = np.ones(state.n_users, bool)
        if self.users is not None:
            who = np.isin(np.arange(state.n_users), self.users)
        if self.regions is not None:
            who &= (state.serving >= 0) & np.isin(state.region[state.serving], self.regions)
        return np.array([name in self.properties for name in PROPERTIES])[:, None] & who


class Agent:
    """The network's side: what is true, what the twin was told, what it confirmed.

    Parameters
    ----------
    inventory : State
        The network as it is.
    believed : State
        What the twin starts from.
    timeout_s : float
        A report not acknowledged for so long counts as lost. Acknowledgements cost nothing and are never lost, as in
        Kadota et al. 2018.
    dead_reckoning : bool
        Whether the twin moves users on between reports.
    rng : Generator
        For policies that draw lots.

    Attributes
    ----------
    now_s : float
        Present time.
    slot_s : float
        Time between two looks of the policy.
    delivery_probability : ndarray, shape (U,)
        Probability that a report of a user gets through.
    known, believed : State
        The network now, and what the twin believes if everything sent since has arrived.
    sent_s, acknowledged_s : ndarray, shape (len(PROPERTIES), U)
        Generation time of the newest report sent, and confirmed.
    """

    def __init__(self, inventory: State, believed: State, timeout_s: float, dead_reckoning: bool, rng):
        self.known, self.believed, self.rng = inventory.copy(), believed.copy(), rng
        self.now_s, self.slot_s, self.n_users = inventory.t_s, 1.0, inventory.n_users
        self.timeout_s, self.dead_reckoning = timeout_s, dead_reckoning
        self.delivery_probability = np.ones(self.n_users)
        self.sent_s = np.full((len(PROPERTIES), self.n_users), believed.t_s)
        self.acknowledged_s = self.sent_s.copy()

    def observe(self, t_s: float, events: Iterable[Event]) -> None:
        """Take in what the network says up to `t_s`."""
        for event in events:
            event.write(self.known)
        self.now_s = t_s

    def acknowledge(self, received: Iterable[tuple[int, int, float]]) -> None:
        """Note that reports (property, user, generation time) arrived."""
        for row, user, generated_s in received:
            self.acknowledged_s[row, user] = max(self.acknowledged_s[row, user], generated_s)

    def report(self, row: int, user: int) -> Event:
        """Report of one property of one user as it is now."""
        known = self.known
        if row == ACCESS:
            return Handover(self.now_s, user, int(known.serving[user]), int(known.channel[user]), int(known.beam[user]))
        if row == DEMAND:
            return Demand(self.now_s, user, int(known.demand_bps[user]))
        return Move(self.now_s, user, tuple(known.position_m[user].tolist()), tuple(known.velocity_m_s[user].tolist()))

    def note_sent(self, report: Event) -> None:
        """From here on the twin is assumed to believe `report`, until the timeout says otherwise."""
        report.write(self.believed)
        self.sent_s[ROW[type(report)], report.user] = report.t_s

    @property
    def lost(self) -> np.ndarray:
        """Reports that should have been acknowledged by now, bool ``(len(PROPERTIES), U)``."""
        return (self.sent_s > self.acknowledged_s) & (self.now_s - self.sent_s >= self.timeout_s)

    @property
    def wrong(self) -> np.ndarray:
        """Where the twin's belief differs from the network, as far as the agent can tell; bool, shaped as `sent_s`."""
        known, believed, wrong = self.known, self.believed, self.lost
        for column in ("serving", "channel", "beam"):
            wrong[ACCESS] |= getattr(known, column) != getattr(believed, column)
        wrong[DEMAND] |= known.demand_bps != believed.demand_bps
        wrong[POSITION] |= self.position_error_m > 0
        return wrong

    @property
    def position_error_m(self) -> np.ndarray:
        """Distance (U,) between where users are and where the twin has them; inf where the last report was lost."""
        belief_m = self.believed.position_m
        if self.dead_reckoning:
            belief_m = belief_m + self.believed.velocity_m_s * (self.now_s - self.sent_s[POSITION])[:, None]
        error_m = np.linalg.norm(self.known.position_m - belief_m, axis=1)
        return np.where(self.lost[POSITION], np.inf, error_m)

    @property
    def age_s(self) -> np.ndarray:
        """Age ``(len(PROPERTIES), U)`` that the twin's information will have once what is in flight has arrived."""
        return self.now_s - np.where(self.lost, self.acknowledged_s, self.sent_s)
