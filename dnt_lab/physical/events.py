"""Events: the only way a state changes.

The physical network emits them, telemetry carries them, a twin applies them, a repository stores them. An event says what
is true from ``t_s`` on (a position, not a displacement), so applying it twice does no harm.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass

from dnt_lab.physical.state import NOWHERE, State


def _member(what: str, index: int, size: int, lowest: int = 0) -> None:
    if isinstance(index, bool) or not isinstance(index, int) or not lowest <= index < size:
        raise ValueError(f"{what} is {index!r}, but this network has {what}s {lowest} ... {size - 1}")


@dataclass(frozen=True)
class Move:
    """A user is at a new position."""

    t_s: float
    user: int
    position_m: tuple[float, float, float]
    velocity_m_s: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def check(self, state: State) -> None:
        """Raise ValueError if the event does not fit `state`."""
        _member("user", self.user, state.n_users)
        for name in ("position_m", "velocity_m_s"):
            vector = getattr(self, name)
            if len(vector) != 3 or not all(math.isfinite(x) for x in vector):
                raise ValueError(f"{name} of user {self.user} is {vector}, but three finite numbers are needed")

    def write(self, state: State) -> None:
        """Write the event into `state`."""
        state.position_m[self.user] = self.position_m
        state.velocity_m_s[self.user] = self.velocity_m_s


@dataclass(frozen=True)
class Handover:
    """A user's access changes: cell (-1: none), channel and beam. A channel or beam switch names the same cell again."""

    t_s: float
    user: int
    cell: int
    channel: int
    beam: int = 0

    def check(self, state: State) -> None:
        """Raise ValueError if the event does not fit `state`."""
        _member("user", self.user, state.n_users)
        _member("cell", self.cell, state.n_cells, NOWHERE)
        _member("channel", self.channel, state.n_channels)
        if not (isinstance(self.beam, int) and self.beam >= 0):
            raise ValueError(f"beam is {self.beam!r}, but a beam is a whole number from 0 on")

    def write(self, state: State) -> None:
        """Write the event into `state`."""
        state.serving[self.user], state.channel[self.user], state.beam[self.user] = self.cell, self.channel, self.beam


@dataclass(frozen=True)
class Demand:
    """A user offers another amount of traffic."""

    t_s: float
    user: int
    demand_bps: int

    def check(self, state: State) -> None:
        """Raise ValueError if the event does not fit `state`."""
        _member("user", self.user, state.n_users)
        if not isinstance(self.demand_bps, int) or self.demand_bps < 0:
            raise ValueError(
                f"demand_bps is {self.demand_bps!r}, but a whole number of bits per second from 0 on is needed"
            )

    def write(self, state: State) -> None:
        """Write the event into `state`."""
        state.demand_bps[self.user] = self.demand_bps


@dataclass(frozen=True)
class Configure:
    """A cell's settings change; None leaves a setting as it is."""

    t_s: float
    cell: int
    tx_power_dbm: float | None = None
    tilt_deg: float | None = None
    azimuth_deg: float | None = None
    on: bool | None = None

    def check(self, state: State) -> None:
        """Raise ValueError if the event does not fit `state`."""
        _member("cell", self.cell, state.n_cells)
        limits = {"tx_power_dbm": (-30.0, 60.0), "tilt_deg": (-90.0, 90.0), "azimuth_deg": (-360.0, 360.0)}
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise ValueError(f"{name} of cell {self.cell} is {value!r}, but it must lie in {low:g} ... {high:g}")

    def write(self, state: State) -> None:
        """Write the event into `state`."""
        for name in ("tx_power_dbm", "tilt_deg", "azimuth_deg", "on"):
            if getattr(self, name) is not None:
                getattr(state, name)[self.cell] = getattr(self, name)


Event = Move | Handover | Demand | Configure
_TYPES = {cls.__name__: cls for cls in (Move, Handover, Demand, Configure)}


def encode(event: Event) -> bytes:
    """Event as compact JSON: what telemetry puts on the wire and the repository into its log.

    Examples
    --------
    >>> encode(Handover(1.5, user=17, cell=2, channel=0))
    b'{"event":"Handover","t_s":1.5,"user":17,"cell":2,"channel":0,"beam":0}'
    """
    settings = {name: value for name, value in asdict(event).items() if value is not None}
    return json.dumps({"event": type(event).__name__, **settings}, separators=(",", ":")).encode()


def decode(data: bytes) -> Event:
    """Event from what `encode` returned.

    Raises
    ------
    ValueError
        If `data` is no JSON object, names an unknown event, or has missing or foreign fields.
    """
    try:
        settings = json.loads(data)
        cls = _TYPES[settings.pop("event")]
        return cls(**{name: tuple(v) if isinstance(v, list) else v for name, v in settings.items()})
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{bytes(data[:60])!r} is not an event ({', '.join(_TYPES)}): {error}") from error
