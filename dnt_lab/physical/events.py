"""Events: the only way a state changes.

The physical network emits them, telemetry carries them, a twin applies them, a repository stores them. An event says
what is true from ``t_s`` on (a position, not a displacement), so applying it twice does no harm.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import numpy as np

from dnt_lab.physical.state import MAX_DEMAND_BPS, NOWHERE, State

_LARGEST = 2**63 - 1
_WHOLE, _NUMBER = (int, np.integer), (int, float, np.number)
_LONGEST = 1e12  # no time in seconds and no length in metres is longer; far below where floats lose the centimetre


def _is_whole(value, low: int, high: int) -> bool:
    return isinstance(value, _WHOLE) and not isinstance(value, bool) and low <= value <= high


def _is_number(value, low: float = -_LONGEST, high: float = _LONGEST) -> bool:
    return isinstance(value, _NUMBER) and not isinstance(value, bool) and bool(low <= value <= high)


def _member(what: str, index: int, size: int, lowest: int = 0) -> None:
    if not _is_whole(index, lowest, size - 1):
        raise ValueError(f"{what} is {index!r}, but this network has {what}s {lowest} ... {size - 1}")


def _time(t_s: float) -> None:
    if not _is_number(t_s):
        raise ValueError(f"t_s is {t_s!r}, but a time is a finite number of seconds")


@dataclass(frozen=True)
class Move:
    """A user is at a new position."""

    t_s: float
    user: int
    position_m: tuple[float, float, float]
    velocity_m_s: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def check(self, state: State) -> None:
        """Raise ValueError if the event does not fit `state`."""
        _time(self.t_s)
        _member("user", self.user, state.n_users)
        for name in ("position_m", "velocity_m_s"):
            vector = getattr(self, name)
            if np.shape(vector) != (3,) or not all(_is_number(x) for x in vector):
                raise ValueError(f"{name} of user {self.user} is {vector!r}, but three finite numbers are needed")

    def write(self, state: State) -> None:
        """Write the event into `state`."""
        state.position_m[self.user] = self.position_m
        state.velocity_m_s[self.user] = self.velocity_m_s


@dataclass(frozen=True)
class Handover:
    """A user's access changes: cell (-1: none), channel, beam. To switch channel or beam, name the same cell again."""

    t_s: float
    user: int
    cell: int
    channel: int
    beam: int = 0

    def check(self, state: State) -> None:
        """Raise ValueError if the event does not fit `state`."""
        _time(self.t_s)
        _member("user", self.user, state.n_users)
        _member("cell", self.cell, state.n_cells, NOWHERE)
        _member("channel", self.channel, state.n_channels)
        if not _is_whole(self.beam, 0, _LARGEST):
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
        _time(self.t_s)
        _member("user", self.user, state.n_users)
        if not _is_whole(self.demand_bps, 0, MAX_DEMAND_BPS):
            raise ValueError(
                f"demand_bps is {self.demand_bps!r}, but a whole number of bits per second in "
                f"0 ... {MAX_DEMAND_BPS:g} is needed"
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
        _time(self.t_s)
        _member("cell", self.cell, state.n_cells)
        for name, (low, high) in SETTINGS.items():
            value = getattr(self, name)
            if value is not None and not _is_number(value, low, high):
                raise ValueError(f"{name} of cell {self.cell} is {value!r}, but it must lie in {low:g} ... {high:g}")
        if self.on is not None and not isinstance(self.on, bool | np.bool):
            raise ValueError(f"on of cell {self.cell} is {self.on!r}, but a cell is on (True) or off (False)")

    def write(self, state: State) -> None:
        """Write the event into `state`."""
        for name in (*SETTINGS, "on"):
            if getattr(self, name) is not None:
                getattr(state, name)[self.cell] = getattr(self, name)


SETTINGS = {"tx_power_dbm": (-30.0, 60.0), "tilt_deg": (-90.0, 90.0), "azimuth_deg": (-360.0, 360.0)}
"""Settings of a cell that are numbers: lowest and highest value."""

Event = Move | Handover | Demand | Configure
_TYPES = {cls.__name__: cls for cls in (Move, Handover, Demand, Configure)}


def check_type(event: Event) -> None:
    """Raise TypeError if `event` is no event."""
    if not isinstance(event, Event):
        raise TypeError(f"{event!r} is not an event; events are {', '.join(_TYPES)}")


def encode(event: Event) -> bytes:
    """Event as compact JSON: what telemetry puts on the wire and the repository into its log.

    Raises
    ------
    TypeError
        If `event` is no event or holds what is no number, truth value or tuple of numbers.

    Examples
    --------
    >>> encode(Handover(1.5, user=17, cell=2, channel=0))
    b'{"event":"Handover","t_s":1.5,"user":17,"cell":2,"channel":0,"beam":0}'
    """
    check_type(event)
    settings = {name: value for name, value in asdict(event).items() if value is not None}
    message = {"event": type(event).__name__, **settings}
    return json.dumps(message, separators=(",", ":"), default=_plain).encode()


def _plain(value):
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"an event holds {value!r}, but only numbers, truth values and tuples of numbers can be encoded")


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
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise ValueError(f"{str(data)[:60]!r} is not an event ({', '.join(_TYPES)}): {error}") from error
