"""Incremental evaluation: one event updates the object and every object it touches, and nothing else.

Who is touched by what (article, II-A, "must also update the properties for other affected user devices"):

====================  ==================================================================================
event                 recomputed
====================  ==================================================================================
move                  the user's own link budget, interference, SINR, rate
demand, handover      the load of the cells involved; the interference of all users on those channels that
                      hear those cells; the share, so the rate, of the users attached to them; the user itself
settings of a cell    the link budget from that cell of all users that hear it, and their interference
====================  ==================================================================================

Interference is kept in whole quanta (see `dnt_lab.physical.radio`), so adding and removing contributions leaves no rounding behind: the
result equals `dnt_lab.physical.evaluate` to the last bit after any sequence of events.
"""

from __future__ import annotations

import numpy as np

from dnt_lab.physical import Configure, Demand, Event, Handover, Move, Radio, State
from dnt_lab.physical.kpis import contribution_q, evaluate, load_of, serving_angle_deg, sinr_and_rate


class Incremental:
    """A state and its indicators, kept equal event by event.

    Parameters
    ----------
    state : State
        Start; copied.
    radio : Radio
        Physics.

    Attributes
    ----------
    state : State
        Current state; change it through `apply` only.
    kpis : Kpis
        Its indicators.
    """

    def __init__(self, state: State, radio: Radio):
        self.state, self.radio = state.copy(), radio
        self.kpis = evaluate(self.state, radio)
        self._rooms = _Rooms(self._room(np.arange(state.n_users)))
        self._listening: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._n_tiles_seen = 0

    def apply(self, event: Event) -> np.ndarray:
        """Apply one event.

        Returns
        -------
        ndarray of int
            The users whose properties may have changed: the touched ones.

        Raises
        ------
        ValueError
            If the event does not fit the network; nothing is changed then.
        """
        event.check(self.state)
        if isinstance(event, Move):
            touched = self.move(np.array([event.user]), np.array([event.position_m]), np.array([event.velocity_m_s]))
        else:
            touched = self._access(event) if isinstance(event, (Handover, Demand)) else self._configure(event)
        self.state.t_s = max(self.state.t_s, event.t_s)
        return touched

    def move(self, users: np.ndarray, position_m: np.ndarray, velocity_m_s: np.ndarray) -> np.ndarray:
        """Move distinct users (n,) to positions (n, 3) at once: a move touches nobody else, so batching is exact."""
        tile = self.radio.tile(position_m)
        freq_hz = self.state.freq_hz[self.state.channel[users]]
        heard_q = self.radio.received_q(self.state, position_m, freq_hz, self.radio.tile_cells[tile])
        self.state.position_m[users], self.state.velocity_m_s[users] = position_m, velocity_m_s
        self.kpis.tile[users], self.kpis.heard_q[users] = tile, heard_q
        self._rooms.put(users, self._room(users))
        return self._refresh(users)

    def _access(self, event: Handover | Demand) -> np.ndarray:
        """Handover or demand: loads of the cells before and after change, and all that hangs on them."""
        state, user = self.state, event.user
        row = np.array([user])
        before = (int(state.serving[user]), int(state.channel[user]))
        after = (event.cell, event.channel) if isinstance(event, Handover) else before
        if after[1] != before[1]:  # another carrier has another path loss
            cells = self.radio.tile_cells[self.kpis.tile[row]]
            self.kpis.heard_q[row] = self.radio.received_q(
                state, state.position_m[row], state.freq_hz[[after[1]]], cells
            )
        self._attach(user, -1)
        event.write(state)
        self._attach(user, +1)
        self._rooms.put(row, self._room(row))
        self._refresh_own(row)
        touched = [self._reload(cell, channel) for cell, channel in {before, after} if cell >= 0]
        touched = np.unique(np.concatenate([*touched, row]))
        self._rerate(touched)
        return touched

    def _attach(self, user: int, sign: int) -> None:
        cell, channel = self.state.serving[user], self.state.channel[user]
        if cell >= 0:
            self.kpis.attached[cell, channel] += sign
            self.kpis.demand_sum_bps[cell, channel] += sign * self.state.demand_bps[user]

    def _reload(self, cell: int, channel: int) -> np.ndarray:
        """Bring the load of a cell and channel up to date; return the users touched by it."""
        state, kpis = self.state, self.kpis
        users, column = self._listeners(cell, channel)
        old = kpis.load[cell, channel]
        new = load_of(kpis.demand_sum_bps[cell, channel], state.bandwidth_hz[channel], state.on[cell])
        kpis.load[cell, channel] = new
        mine = state.serving[users] == cell
        if new == old:
            return users[mine]
        heard_q = kpis.heard_q[users, column]
        change = contribution_q(new, heard_q) - contribution_q(old, heard_q)
        kpis.interference_q[users] += np.where(mine, 0, change)
        return users[(change != 0) | mine]

    def _configure(self, event: Configure) -> np.ndarray:
        """Settings of a cell: its column of link budgets anew for all that hear it."""
        state, cell = self.state, event.cell
        parts = [self._listeners(cell, channel) for channel in range(state.n_channels)]
        users, column = (np.concatenate(p) for p in zip(*parts, strict=True))
        before = Configure(
            event.t_s, cell, state.tx_power_dbm[cell], state.tilt_deg[cell], state.azimuth_deg[cell], state.on[cell]
        )
        event.write(state)
        try:
            cells = self.radio.tile_cells[self.kpis.tile[users]]
            heard_q = self.radio.received_q(state, state.position_m[users], state.freq_hz[state.channel[users]], cells)
        except ValueError:
            before.write(state)
            raise
        self.kpis.heard_q[users, column] = heard_q[np.arange(len(users)), column]
        self.kpis.load[cell] = load_of(self.kpis.demand_sum_bps[cell], state.bandwidth_hz, state.on[cell])
        return self._refresh(np.union1d(users, np.flatnonzero(state.serving == cell)))

    def _refresh(self, users: np.ndarray) -> np.ndarray:
        """Interference, SINR and rate of `users` from their link budgets."""
        self._refresh_own(users)
        self._rerate(users)
        return users

    def _refresh_own(self, users: np.ndarray) -> None:
        state, kpis = self.state, self.kpis
        kpis.off_boresight_deg[users] = serving_angle_deg(state, self.radio, users)
        cells = self.radio.tile_cells[kpis.tile[users]]
        part_q = contribution_q(kpis.load[cells, state.channel[users][:, None]], kpis.heard_q[users])
        kpis.interference_q[users] = np.where(cells == state.serving[users][:, None], 0, part_q).sum(axis=1)

    def _rerate(self, users: np.ndarray) -> None:
        self.kpis.sinr[users], self.kpis.rate_bps[users] = sinr_and_rate(self.state, self.radio, self.kpis, users)

    def _room(self, users: np.ndarray) -> np.ndarray:
        return self.kpis.tile[users] * self.state.n_channels + self.state.channel[users]

    def _listeners(self, cell: int, channel: int) -> tuple[np.ndarray, np.ndarray]:
        """Users on `channel` that hear `cell`, and the column of `heard_q` in which they do."""
        if self._n_tiles_seen < len(self.radio.tile_cells):
            self._n_tiles_seen, self._listening = len(self.radio.tile_cells), {}
        if cell not in self._listening:
            self._listening[cell] = np.nonzero(self.radio.tile_cells == cell)
        tiles, columns = self._listening[cell]
        parts = [self._rooms.members(room) for room in tiles * self.state.n_channels + channel]
        sizes = [len(p) for p in parts]
        return (np.concatenate(parts) if parts else np.empty(0, np.int64)), np.repeat(columns, sizes)


class _Rooms:
    """Who is where: users by room, a room being a tile and a channel; moving one user costs O(1)."""

    def __init__(self, room: np.ndarray):
        order = np.argsort(room, kind="stable")
        rooms, start = np.unique(room[order], return_index=True)
        self._members = {int(r): users.copy() for r, users in zip(rooms, np.split(order, start[1:]), strict=True)}
        self._count = {r: len(users) for r, users in self._members.items()}
        self._room, self._slot = room.copy(), np.empty(len(room), np.int64)
        for users in self._members.values():
            self._slot[users] = np.arange(len(users))

    def members(self, room: int) -> np.ndarray:
        """Users in a room."""
        return self._members[room][: self._count[room]] if room in self._members else _NOBODY

    def put(self, users: np.ndarray, rooms: np.ndarray) -> None:
        """Move users (n,) to rooms (n,)."""
        for i in np.flatnonzero(self._room[users] != rooms):
            self._leave(int(users[i]))
            self._enter(int(users[i]), int(rooms[i]))

    def _leave(self, user: int) -> None:
        room = int(self._room[user])
        last = self._count[room] - 1
        self._count[room] = last
        moved = self._members[room][last]
        self._members[room][self._slot[user]] = moved
        self._slot[moved] = self._slot[user]

    def _enter(self, user: int, room: int) -> None:
        members, count = self._members.get(room, _NOBODY), self._count.get(room, 0)
        if count == len(members):
            members = np.concatenate([members, np.empty(max(4, count), np.int64)])
        members[count] = user
        self._members[room], self._count[room] = members, count + 1
        self._room[user], self._slot[user] = room, count


_NOBODY = np.empty(0, np.int64)
