"""A network of twins: local twins, one a region, under a global twin.

A local twin owns the users its region's cells serve and does the work of updating them. Local twins are coupled
through one small table, the loads of cells and channels: whatever a region changes, the others need to know nothing
but that. So the global twin keeps

- the table of loads (published when it changes),
- the directory of who owns which user (a handover across a border moves the user's record from twin to twin),
- the resources: computing power of the local twins, and the channels each region may use. It moves both to where they
  are needed.

In one process the rows of all local twins lie in the same arrays; what would cross the wires between twins is counted
in bytes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np

from dnt_lab.physical import Event, Handover, Move, PhysicalNetwork, Radio, State
from dnt_lab.twin.network_twin import NetworkTwin, Touched

_LOAD_UPDATE_BYTES = 16  # cell, channel, load
_RECORD_BYTES = 3 * 3 * 8 + 4 * 8  # one row of a state: size, position, velocity; serving, channel, beam, demand


def share_out(total: int, need: np.ndarray, least: int = 1) -> np.ndarray:
    """Divide `total` whole units in proportion to `need`, giving everyone at least `least`.

    Parameters
    ----------
    total : int
        Units to give away.
    need : array_like, shape (R,)
        Needs, at least 0; if all are 0 they count as equal.
    least : int
        Smallest share.

    Returns
    -------
    ndarray of int, shape (R,)
        Shares that add up to `total` (largest remainders; ties go to the first).

    Raises
    ------
    ValueError
        If `total` is too small for `least` each, or a need is negative or not finite.

    Examples
    --------
    >>> share_out(6, [10.0, 2.0])
    array([4, 2])
    """
    need = np.asarray(need, float)
    if not (np.isfinite(need).all() and (need >= 0).all()):
        raise ValueError(f"need is {need.tolist()}, but needs are finite and at least 0")
    spare = total - least * len(need)
    if spare < 0:
        raise ValueError(f"{total} units cannot give {len(need)} twins at least {least} each")
    weight = need / need.sum() if need.sum() > 0 else np.full(len(need), 1 / len(need))
    exact = spare * weight
    shares = np.floor(exact).astype(np.int64)
    order = np.argsort(-(exact - shares), kind="stable")
    shares[order[: spare - shares.sum()]] += 1
    return shares + least


@dataclass(eq=False)
class LocalTwin:
    """The twin of one region.

    Attributes
    ----------
    region : int
        Which region.
    compute_per_s : float
        Object updates it can do a second.
    channels : ndarray of int
        Channels its cells may use.
    work : int
        Object updates done so far.
    """

    region: int
    compute_per_s: float
    channels: np.ndarray
    work: int = 0
    _queue: deque = field(default_factory=deque, repr=False)
    _credit: float = field(default=0.0, repr=False)

    @property
    def backlog(self) -> int:
        """Events that wait."""
        return len(self._queue)


class DigitalNetworkTwin:
    """Local twins under a global twin.

    Parameters
    ----------
    state : State
        What the twins are told at the start; ``state.region`` says which cell belongs to which local twin.
    radio : Radio
        Their model of propagation.
    compute_per_s : float
        Object updates a second that all local twins can do together; inf for as many as come.

    Attributes
    ----------
    twin : NetworkTwin
        The global twin: the union of the local ones.
    local : list of LocalTwin
        One a region.
    owner : ndarray of int, shape (U,)
        Region whose twin holds a user.
    bytes_between : int
        Bytes that went from twin to twin: load updates and records of users handed over.
    handed_over : int
        Users that went from twin to twin.

    Examples
    --------
    >>> from dnt_lab import physical, twin
    >>> pn = physical.PhysicalNetwork.open_field(n_users=40, n_regions=2, seed=5)
    >>> dnt = twin.DigitalNetworkTwin.mirror(pn)
    >>> dnt
    DigitalNetworkTwin(2 local twins with 19, 21 users)
    """

    def __init__(self, state: State, radio: Radio, compute_per_s: float = np.inf):
        if not compute_per_s > 0:
            raise ValueError(f"compute_per_s is {compute_per_s}, but twins need over 0 updates a second to live")
        self.twin = NetworkTwin(state, radio, "global")
        n_regions = int(state.region.max()) + 1
        channels = np.arange(state.n_channels)
        self.local = [LocalTwin(r, compute_per_s / n_regions, channels) for r in range(n_regions)]
        self.compute_per_s = compute_per_s
        self.owner = np.where(state.serving >= 0, state.region[state.serving], 0)
        self.bytes_between = self.handed_over = 0

    @classmethod
    def mirror(cls, network: PhysicalNetwork, compute_per_s: float = np.inf) -> DigitalNetworkTwin:
        """Twins that start from the network's inventory."""
        return cls(network.snapshot(), network.radio, compute_per_s)

    @property
    def state(self) -> State:
        """What the twins believe together."""
        return self.twin.state

    @property
    def kpis(self):
        """Indicators of that state."""
        return self.twin.kpis

    def users_of(self, region: int) -> np.ndarray:
        """Users that the local twin of `region` owns."""
        if not 0 <= region < len(self.local):
            raise ValueError(f"region is {region}, but there are regions 0 ... {len(self.local) - 1}")
        return np.flatnonzero(self.owner == region)

    def region_of(self, event: Event) -> int:
        """Region whose twin an event goes to."""
        return int(self.owner[event.user] if hasattr(event, "user") else self.state.region[event.cell])

    def apply(self, event: Event) -> Touched:
        """Update the object and every object it touches in any region; move the user's record if it crossed a border.

        Raises
        ------
        ValueError
            If the event does not fit the network; nothing is changed then.
        """
        event.check(self.state)
        region = self.region_of(event)
        touched = self.twin.apply(event)
        work = np.bincount(self.owner[touched.users], minlength=len(self.local))
        for local, n in zip(self.local, work, strict=True):
            local.work += int(n)
        told = np.flatnonzero(work > 0)
        self.bytes_between += _LOAD_UPDATE_BYTES * len(touched.cells) * int((told != region).sum())
        if isinstance(event, Handover) and event.cell >= 0:
            self._hand_over(event.user, int(self.state.region[event.cell]))
        return touched

    def apply_all(self, events: Iterable[Event]) -> None:
        """Apply many events in order; runs of moves go in one batch, with the same result."""
        for moving, run in groupby(events, key=lambda event: isinstance(event, Move)):
            if moving:
                moves = list(run)
                self.twin.apply_all(moves)
                work = np.bincount(self.owner[[m.user for m in moves]], minlength=len(self.local))
                for local, n in zip(self.local, work, strict=True):
                    local.work += int(n)
            else:
                for event in run:
                    self.apply(event)

    def _hand_over(self, user: int, region: int) -> None:
        old = int(self.owner[user])
        if old == region:
            return
        self.owner[user] = region
        self.handed_over += 1
        self.bytes_between += _RECORD_BYTES
        waiting = [e for e in self.local[old]._queue if getattr(e, "user", None) == user]
        if waiting:  # what is still to be done for the user goes with it
            self.local[old]._queue = deque(e for e in self.local[old]._queue if getattr(e, "user", None) != user)
            self.local[region]._queue.extend(waiting)

    def receive(self, events: Iterable[Event]) -> None:
        """Queue events at the local twins they belong to; `work` applies them."""
        for event in events:
            event.check(self.state)
            self.local[self.region_of(event)]._queue.append(event)

    def work(self, dt_s: float) -> int:
        """Let every local twin work for `dt_s` seconds through its queue; return how many events wait afterwards.

        One object update is one unit of work: an event that touches 14 users costs 14.
        """
        for local in self.local:
            local._credit += local.compute_per_s * dt_s
            while local._queue and local._credit > 0:
                event = local._queue.popleft()
                local._credit -= max(len(self.apply(event).users), 1)
            if not local._queue:
                local._credit = min(local._credit, 0.0)  # idle time cannot be saved up
        return sum(local.backlog for local in self.local)

    def move_compute(self, need: np.ndarray | None = None) -> None:
        """Give computing power to local twins in proportion to `need` (default: events waiting plus users owned)."""
        if np.isinf(self.compute_per_s):
            return
        if need is None:
            need = [local.backlog + len(self.users_of(local.region)) for local in self.local]
        shares = share_out(1000, need, least=10) / 1000
        for local, share in zip(self.local, shares, strict=True):
            local.compute_per_s = self.compute_per_s * float(share)

    def move_channels(self, need: np.ndarray | None = None) -> None:
        """Give channels to the regions in proportion to `need` (default: the users each twin owns).

        Every region gets at least one. A region keeps as many of its present channels as it can, so that few users
        must retune.
        """
        n_channels = self.state.n_channels
        if need is None:
            need = np.bincount(self.owner, minlength=len(self.local))
        shares = share_out(n_channels, need)
        keep = [local.channels[:n] for local, n in zip(self.local, shares, strict=True)]
        taken = np.zeros(n_channels, bool)
        for i, channels in enumerate(keep):
            keep[i] = channels[~taken[channels]]
            taken[keep[i]] = True
        free = deque(np.flatnonzero(~taken))
        for local, kept, n in zip(self.local, keep, shares, strict=True):
            local.channels = np.sort(np.append(kept, [free.popleft() for _ in range(n - len(kept))])).astype(np.int64)

    def retune(self, t_s: float) -> list[Handover]:
        """Commands that put every user on a channel its region may use, a cell's users spread evenly over them."""
        state, commands = self.state, []
        for local in self.local:
            mine = self.users_of(local.region)
            for cell in np.unique(state.serving[mine]):
                if cell < 0:
                    continue
                users = mine[state.serving[mine] == cell]
                counts = {int(c): 0 for c in local.channels}
                rest = []
                most = -(-len(users) // len(counts))
                for u in users:
                    c = int(state.channel[u])
                    if c in counts and counts[c] < most:
                        counts[c] += 1
                    else:
                        rest.append(int(u))
                for u in rest:
                    c = min(counts, key=counts.get)
                    counts[c] += 1
                    commands.append(Handover(t_s, u, int(cell), c, int(state.beam[u])))
        return commands

    def __repr__(self):
        users = ", ".join(str(len(self.users_of(local.region))) for local in self.local)
        return f"DigitalNetworkTwin({len(self.local)} local twins with {users} users)"
