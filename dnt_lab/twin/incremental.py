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

Interference is kept in whole quanta (see `dnt_lab.physical.radio`), so adding and removing contributions leaves no
rounding behind: the result equals `dnt_lab.physical.evaluate` to the last bit after any sequence of events.
"""

from __future__ import annotations

import numpy as np

from dnt_lab.physical import Configure, Demand, Event, Handover, Move, Radio, State
from dnt_lab.physical.events import check_type
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
        self._n_tiles_seen = -1

    def apply(self, event: Event) -> np.ndarray:
        """Apply one event.

        Returns
        -------
        ndarray of int
            The users whose properties may have changed: the touched ones.

        Raises
        ------
        TypeError, ValueError
            If the event does not fit the network; nothing is changed then.
        """
        self.check(event)
        if isinstance(event, Move):
            touched = self.move(np.array([event.user]), np.array([event.position_m]), np.array([event.velocity_m_s]))
        else:
            touched = self._access(event) if isinstance(event, (Handover, Demand)) else self._configure(event)
        self.state.t_s = max(self.state.t_s, event.t_s)
        return touched

    def check(self, event: Event) -> None:
        """Raise TypeError or ValueError if `event` is none or does not fit the network."""
        check_type(event)
        event.check(self.state)
        if isinstance(event, Handover):
            self.radio.check_beam(event.beam)

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
        tile_cells = self.radio.tile_cells
        if self._n_tiles_seen < len(tile_cells):
            self._n_tiles_seen = len(tile_cells)
            self._by_cell = np.argsort(tile_cells, axis=None, kind="stable")
            self._first = np.searchsorted(tile_cells.ravel()[self._by_cell], np.arange(self.state.n_cells + 1))
        tiles, columns = divmod(self._by_cell[self._first[cell] : self._first[cell + 1]], tile_cells.shape[1])
        return self._rooms.members(tiles * self.state.n_channels + channel, columns)


class _Rooms:
    """Who is where: users by room, a room being a tile and a channel; moving one user costs the same in any network.

    Row r of ``_users`` lists the users in room r in its first ``_count[r]`` places.
    """

    def __init__(self, room: np.ndarray):
        n_rooms = int(room.max(initial=-1)) + 1
        self._room, self._count = room.copy(), np.bincount(room, minlength=n_rooms)
        order = np.argsort(room, kind="stable")
        self._slot = np.empty(len(room), np.int64)
        self._slot[order] = np.arange(len(room)) - np.repeat(np.cumsum(self._count) - self._count, self._count)
        self._users = np.full((n_rooms, int(self._count.max(initial=0)) + 1), -1)
        self._users[room, self._slot] = np.arange(len(room))

    def members(self, rooms: np.ndarray, tag: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Users in `rooms`, and for each of them the tag of its room."""
        known = rooms < len(self._count)
        rooms, tag = rooms[known], tag[known]
        count = self._count[rooms]
        present = np.arange(self._users.shape[1]) < count[:, None]
        return self._users[rooms][present], np.repeat(tag, count)

    def put(self, users: np.ndarray, rooms: np.ndarray) -> None:
        """Move users (n,) to rooms (n,)."""
        for i in np.flatnonzero(self._room[users] != rooms):
            self._leave(users[i])
            self._enter(users[i], rooms[i])

    def _leave(self, user: int) -> None:
        room, slot = self._room[user], self._slot[user]
        self._count[room] -= 1
        last = self._users[room, self._count[room]]
        self._users[room, slot] = last
        self._slot[last] = slot

    def _enter(self, user: int, room: int) -> None:
        new_rooms = room + 1 - len(self._count)
        if new_rooms > 0:
            self._count = np.append(self._count, np.zeros(new_rooms, np.int64))
            self._users = np.pad(self._users, ((0, new_rooms), (0, 0)), constant_values=-1)
        slot = self._count[room]
        if slot == self._users.shape[1]:
            self._users = np.pad(self._users, ((0, 0), (0, slot)), constant_values=-1)
        self._users[room, slot] = user
        self._count[room] += 1
        self._room[user], self._slot[user] = room, slot
