"""The twin's end of telemetry: opens messages and lets only newer information through.

One rule makes delay, loss, duplicates and reordering harmless: for each property of each object the newest generation
time wins. So telemetry never moves a twin back in time, and the same messages in any order leave the same twin.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import fields, replace

import numpy as np

from dnt_lab.physical import Configure, Demand, Event, Handover, Move, decode
from dnt_lab.twin.agent import ROW, Scope
from dnt_lab.twin.freshness import AgeMeter
from dnt_lab.twin.link import Arrival
from dnt_lab.twin.policies import POSITION, PROPERTIES


class Receiver:
    """The twin's side: opens messages, lets only newer information through, meters its age.

    Parameters
    ----------
    twin : NetworkTwin or DigitalNetworkTwin
        Twin to keep alive; what it believes at first is as old as ``twin.state.t_s``.
    scope : Scope
        Users outside of it are not moved by dead reckoning.
    dead_reckoning : bool
        Move users on at their last reported velocity between reports.

    Attributes
    ----------
    generated_s : ndarray, shape (len(PROPERTIES), U)
        Generation time of what the twin believes.
    ages : AgeMeter
        Age of positions.
    applied : list of Event
        What the twin applied last time, the log a `Repository` keeps.
    outdated, refused : int
        Messages that brought nothing newer, and messages that made no sense.
    last_refusal : str
        Why the last one was refused.
    """

    def __init__(self, twin, scope: Scope, dead_reckoning: bool):
        state = twin.state
        self.twin, self.scope, self.dead_reckoning = twin, scope, dead_reckoning
        self.generated_s = np.full((len(PROPERTIES), state.n_users), state.t_s)
        self.ages = AgeMeter(state.n_users, state.t_s)
        self.outdated, self.refused, self.last_refusal = 0, 0, ""
        self.applied: list[Event] = []
        self._position_m, self._settings_s = state.position_m.copy(), {}

    def receive(self, arrivals: Iterable[Arrival], t_s: float) -> list[tuple[int, int, float]]:
        """Bring the twin to time `t_s` by what arrived.

        Returns
        -------
        list of (int, int, float)
            Acknowledgements: property, user and generation time of every report understood.
        """
        self.applied, newest, acknowledged = [], {}, []
        for arrival in arrivals:
            event = self._open(arrival)
            if isinstance(event, Configure):
                self._configure(event)
            elif event is not None:
                row = ROW[type(event)]
                acknowledged.append((row, event.user, event.t_s))
                if event.t_s > self.generated_s[row, event.user]:
                    newest[row, event.user] = event
                    self.generated_s[row, event.user] = event.t_s
                    if row == POSITION:
                        self._position_m[event.user] = event.position_m
                        self.ages.update(event.user, arrival.t_s, event.t_s)
                else:
                    self.outdated += 1
        # properties of users are independent of each other, so moves may go first, in one batch
        ordered = sorted(newest.items(), key=lambda item: -item[0][0])
        self._apply([event for _, event in ordered if self._is_news(event)])
        if self.dead_reckoning:
            self._apply(self._moves_on(t_s))
        return acknowledged

    def _apply(self, events: list[Event]) -> None:
        self.twin.apply_all(events)
        self.applied += events

    def _open(self, arrival: Arrival) -> Event | None:
        """Event in a message, or None if it is none, does not fit the network or claims to come from the future."""
        try:
            event = decode(arrival.data)
            event.check(self.twin.state)
            if event.t_s > arrival.t_s:
                raise ValueError(f"t_s is {event.t_s}, but the message arrived at {arrival.t_s} s")
        except ValueError as error:
            self.refused, self.last_refusal = self.refused + 1, str(error)
            return None
        return event

    def _is_news(self, event: Event) -> bool:
        """Whether the twin believes otherwise; a periodic report mostly confirms what is known."""
        state, user = self.twin.state, event.user
        if isinstance(event, Demand):
            return event.demand_bps != state.demand_bps[user]
        if isinstance(event, Handover):
            believed = (state.serving[user], state.channel[user], state.beam[user])
            return (event.cell, event.channel, event.beam) != believed
        return True

    def _configure(self, event: Configure) -> None:
        """Settings of a cell are guarded one by one: a late event may still bring the newest tilt."""
        names = [f.name for f in fields(event)[2:] if getattr(event, f.name) is not None]
        old = [n for n in names if event.t_s <= self._settings_s.get((event.cell, n), -math.inf)]
        if len(old) == len(names):
            self.outdated += 1
            return
        event = replace(event, **dict.fromkeys(old))
        try:
            self.twin.apply(event)
        except ValueError as error:
            self.refused, self.last_refusal = self.refused + 1, str(error)
            return
        self.applied.append(event)
        self._settings_s.update({(event.cell, n): event.t_s for n in names if n not in old})

    def _moves_on(self, t_s: float) -> list[Move]:
        state, since_s = self.twin.state, t_s - self.generated_s[POSITION]
        moving = self.scope.mask(state)[POSITION] & (state.velocity_m_s != 0).any(axis=1) & (since_s > 0)
        users = np.flatnonzero(moving)
        position_m = self._position_m[users] + state.velocity_m_s[users] * since_s[users, None]
        rows = zip(users.tolist(), position_m.tolist(), state.velocity_m_s[users].tolist(), strict=True)
        return [Move(t_s, user, tuple(position), tuple(velocity)) for user, position, velocity in rows]
