"""The twin of one region: the same objects and properties as the physical network, kept alive by events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from dnt_lab.physical import (
    NOWHERE,
    Configure,
    Event,
    Kpis,
    Move,
    NetworkObject,
    PhysicalNetwork,
    Radio,
    State,
    describe,
)
from dnt_lab.twin.incremental import Incremental


@dataclass(frozen=True, eq=False)
class Touched:
    """The objects an update touched.

    Attributes
    ----------
    users : ndarray of int
        Users whose properties were brought up to date, sorted.
    cells : ndarray of int
        Cells whose load or settings were.
    """

    users: np.ndarray
    cells: np.ndarray

    def __repr__(self):
        def names(prefix, numbers):
            shown = ", ".join(f"{prefix}-{i}" for i in numbers[:6])
            return shown + (f", ... ({len(numbers)} in all)" if len(numbers) > 6 else "")

        parts = [names("ue", self.users), names("bs", self.cells)]
        return f"Touched({'; '.join(p for p in parts if p) or 'nothing'})"


class NetworkTwin:
    """A digital network twin of one region.

    Parameters
    ----------
    state : State
        What the twin believes at first, for example ``pn.snapshot()``.
    radio : Radio
        The twin's model of propagation: the city map it has and its path-loss law.
    name : str
        What to call it.

    Examples
    --------
    >>> from dnt_lab import physical, twin
    >>> pn = physical.PhysicalNetwork.open_field(n_users=30, seed=3)
    >>> dnt = twin.NetworkTwin.mirror(pn)
    >>> touched = dnt.apply(physical.Handover(1.0, user=4, cell=2, channel=0))
    >>> 4 in touched.users
    True
    """

    def __init__(self, state: State, radio: Radio, name: str = "twin"):
        self.name = name
        self._engine = Incremental(state, radio)

    @classmethod
    def mirror(cls, network: PhysicalNetwork, name: str = "twin") -> NetworkTwin:
        """Twin that starts from the network's inventory and knows its propagation; from then on it lives on events."""
        return cls(network.snapshot(), network.radio, name)

    @property
    def state(self) -> State:
        """What the twin believes; change it through `apply` only."""
        return self._engine.state

    @property
    def kpis(self) -> Kpis:
        """Indicators of that state."""
        return self._engine.kpis

    @property
    def radio(self) -> Radio:
        """The twin's model of propagation."""
        return self._engine.radio

    def __getitem__(self, name: str) -> NetworkObject:
        """Card of ``"ue-<number>"`` or ``"bs-<number>"``."""
        return describe(name, self.state, self.kpis, self.radio.quantum_mw(self.state))

    def apply(self, event: Event) -> Touched:
        """Update the object an event is about and every object its change touches, and nothing else.

        Raises
        ------
        TypeError, ValueError
            If the event does not fit the network; the twin is as before.
        """
        self._engine.check(event)
        cells = self._cells_of(event)
        users = self._engine.apply(event)
        cells |= self._cells_of(event)
        return Touched(np.sort(users), np.array(sorted(cells - {NOWHERE}), np.int64))

    def _cells_of(self, event: Event) -> set[int]:
        """Cells whose load or settings hang on what `event` changes, as things stand."""
        if isinstance(event, Configure):
            return {int(event.cell)}
        return set() if isinstance(event, Move) else {int(self.state.serving[event.user])}

    def apply_all(self, events: Iterable[Event]) -> None:
        """Apply many events in order; runs of moves of distinct users go in one batch, with the same result.

        Raises
        ------
        TypeError, ValueError
            If an event does not fit the network; those before it are applied, it and those after it are not.
        """
        batch: list[Move] = []
        users: set[int] = set()
        for event in events:
            if not isinstance(event, Move) or event.user in users:
                self._apply_moves(batch)
                batch, users = [], set()
            if isinstance(event, Move):
                batch.append(event)
                users.add(event.user)
            else:
                self._engine.apply(event)
        self._apply_moves(batch)

    def _apply_moves(self, moves: list[Move]) -> None:
        if not moves:
            return
        try:
            for move in moves:
                self._engine.check(move)
            self._engine.move(
                np.array([m.user for m in moves]),
                np.array([m.position_m for m in moves], float),
                np.array([m.velocity_m_s for m in moves], float),
            )
        except ValueError:  # nothing has changed: one by one up to the move that does not fit
            for move in moves:
                self._engine.apply(move)
        else:
            self.state.t_s = max(self.state.t_s, *(m.t_s for m in moves))

    def branch(self, name: str = "branch") -> NetworkTwin:
        """Independent copy: what happens to it never reaches this twin, let alone the physical network."""
        return NetworkTwin(self.state, self.radio, name)

    def simulator(self, mobility=None, demand=None, handover=None, seed=0) -> PhysicalNetwork:
        """Let the twin's present state run into a possible future: a simulator of its own, with models of one's choice.

        Who is silent at first with an `OnOff` demand is drawn anew; None keeps users, demands and the rule as they are.
        """
        return PhysicalNetwork(self.state, self.radio, mobility, demand, handover, seed)

    def __repr__(self):
        return f"NetworkTwin({self.name!r}, {self.state})"
