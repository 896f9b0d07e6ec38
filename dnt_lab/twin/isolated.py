"""Isolated digital twins: what one gets without the network in "digital network twin".

Every object has a twin of its own that follows its own object faithfully, and is told nothing of the others (article,
II-A: "continuous data exchange between isolated digital models and physical systems"). So when user 17 hands over,
the twin of user 17 knows; the twins of all those who hear the two cells go on believing in yesterday's interference.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from dnt_lab.physical import Event, Kpis, PhysicalNetwork, Radio, State, evaluate
from dnt_lab.physical.kpis import contribution_q, serving_angle_deg, sinr_and_rate


class IsolatedTwins:
    """One twin an object; each event updates the object it is about and no other.

    Parameters
    ----------
    state : State
        What all twins are told at the start.
    radio : Radio
        Their model of propagation.
    """

    def __init__(self, state: State, radio: Radio):
        self.state, self.radio = state.copy(), radio
        self.kpis: Kpis = evaluate(self.state, radio)

    @classmethod
    def mirror(cls, network: PhysicalNetwork) -> IsolatedTwins:
        """Twins that start from the network's inventory."""
        return cls(network.snapshot(), network.radio)

    def apply(self, event: Event) -> np.ndarray:
        """Update the object `event` is about; return its user number as an array (empty for a cell).

        Raises
        ------
        ValueError
            If the event does not fit the network; nothing is changed then.
        """
        return self.apply_all([event])

    def apply_all(self, events: Iterable[Event]) -> np.ndarray:
        """Apply many events; return the users updated. No order among users matters, as no twin hears of another."""
        users = set()
        for event in events:
            event.check(self.state)
            event.write(self.state)
            users |= {event.user} if hasattr(event, "user") else set()
        users = np.array(sorted(users), np.int64)
        if len(users):
            self._look_again(users)
        return users

    def _look_again(self, users: np.ndarray) -> None:
        """Link budget, interference, SINR and rate of `users` from their own state and the loads of the start."""
        state, kpis = self.state, self.kpis
        kpis.tile[users] = self.radio.tile(state.position_m[users])
        cells = self.radio.tile_cells[kpis.tile[users]]
        freq_hz = state.freq_hz[state.channel[users]]
        kpis.heard_q[users] = self.radio.received_q(state, state.position_m[users], freq_hz, cells)
        kpis.off_boresight_deg[users] = serving_angle_deg(state, self.radio, users)
        part_q = contribution_q(kpis.load[cells, state.channel[users][:, None]], kpis.heard_q[users])
        kpis.interference_q[users] = np.where(cells == state.serving[users][:, None], 0, part_q).sum(axis=1)
        kpis.sinr[users], kpis.rate_bps[users] = sinr_and_rate(state, self.radio, kpis, users)

    def __repr__(self):
        return f"IsolatedTwins({self.state.n_users + self.state.n_cells} twins, {self.state})"
