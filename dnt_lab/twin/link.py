"""The telemetry link: the only way from the physical network to a twin.

A message is bytes (`dnt_lab.physical.encode`). The link delays it, may lose it, may deliver it twice, and counts.
With jitter a later message can overtake an earlier one. Whatever has ``send``, ``deliver`` and ``stats`` can stand in
a link's place: an attacker, a recorder, a tunnel.

>>> link = Link(delay_s=0.2)
>>> link.send(1.0, b"hello")
>>> link.deliver(1.1), link.deliver(1.2)
([], [Arrival(t_s=1.2, data=b'hello')])
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from numbers import Real
from typing import NamedTuple

import numpy as np

from dnt_lab.physical import Event, encode


class Arrival(NamedTuple):
    """A message that came out of a link, and when."""

    t_s: float
    data: bytes


@dataclass(frozen=True)
class LinkStats:
    """What a link has carried so far.

    Attributes
    ----------
    messages_sent, messages_delivered, messages_lost, messages_duplicated : int
        Messages; delivered counts every copy.
    bytes_sent, bytes_delivered, bytes_lost : int
        Their lengths; what costs rate is what is sent.
    """

    messages_sent: int = 0
    messages_delivered: int = 0
    messages_lost: int = 0
    messages_duplicated: int = 0
    bytes_sent: int = 0
    bytes_delivered: int = 0
    bytes_lost: int = 0

    @property
    def messages_in_flight(self) -> int:
        """Copies sent that neither arrived nor were lost yet."""
        return self.messages_sent + self.messages_duplicated - self.messages_delivered - self.messages_lost

    def __repr__(self):
        return (
            f"LinkStats(sent {self.messages_sent} messages, {self.bytes_sent} bytes; "
            f"delivered {self.messages_delivered}, {self.bytes_delivered} bytes; lost {self.messages_lost}; "
            f"duplicated {self.messages_duplicated}; "
            f"in flight {self.messages_in_flight})"
        )


class Link:
    """A one-way channel with delay, jitter, loss and duplication.

    Parameters
    ----------
    delay_s : float
        Least delay of a message.
    jitter_s : float
        Further delay, uniform between 0 and `jitter_s`, drawn for each message.
    loss : float
        Probability that a message is lost.
    duplicate : float
        Probability that a message that is not lost arrives twice, the copy with a jitter of its own.
    seed : int or Generator
        Randomness. Four numbers are drawn for every message whatever the settings are, so links of one seed lose the
        same messages at any delay.

    Raises
    ------
    ValueError
        If a setting is out of its range.
    """

    def __init__(self, delay_s: float = 0.0, jitter_s: float = 0.0, loss: float = 0.0, duplicate: float = 0.0, seed=0):
        for name, value in (("delay_s", delay_s), ("jitter_s", jitter_s)):
            if not (isinstance(value, Real) and 0 <= value < math.inf):
                raise ValueError(f"{name} is {value!r}, but a link's {name} is a finite number of seconds from 0 on")
        for name, value in (("loss", loss), ("duplicate", duplicate)):
            if not (isinstance(value, Real) and 0 <= value <= 1):
                raise ValueError(f"{name} is {value!r}, but it is a probability between 0 and 1")
        self.delay_s, self.jitter_s, self.loss, self.duplicate = delay_s, jitter_s, loss, duplicate
        self._rng = np.random.default_rng(seed)
        self._flying: list[tuple[float, int, bytes]] = []
        self._delivered_until_s = -math.inf
        self._counts = dict.fromkeys(LinkStats.__dataclass_fields__, 0)

    def send(self, t_s: float, message: Event | bytes) -> None:
        """Put a message on the link.

        Parameters
        ----------
        t_s : float
            When it is sent; not before the time up to which `deliver` has been asked.
        message : Event or bytes
            An event is encoded.

        Raises
        ------
        ValueError
            If `t_s` is not finite or lies in the past of the link.
        TypeError
            If the message is neither an event nor bytes.
        """
        if not math.isfinite(t_s) or t_s < self._delivered_until_s:
            raise ValueError(
                f"a message is sent at t_s = {t_s}, but this link has delivered up to {self._delivered_until_s} s"
            )
        if not isinstance(message, (bytes, Event)):
            raise TypeError(f"a link carries events or bytes, not {type(message).__name__}: {message!r}")
        data = message if isinstance(message, bytes) else encode(message)
        lost, doubled, first, second = self._rng.random(4).tolist()
        self._count("sent", data)
        if lost < self.loss:
            self._count("lost", data)
            return
        self._fly(t_s + self.delay_s + first * self.jitter_s, data)
        if doubled < self.duplicate:
            self._counts["messages_duplicated"] += 1
            self._fly(t_s + self.delay_s + second * self.jitter_s, data)

    def deliver(self, until_s: float) -> list[Arrival]:
        """Hand over what arrives up to and at `until_s`, in order of arrival.

        Raises
        ------
        ValueError
            If `until_s` is before an earlier call's.
        """
        if not until_s >= self._delivered_until_s:
            raise ValueError(f"until_s is {until_s}, but this link has delivered up to {self._delivered_until_s} s")
        self._delivered_until_s = until_s
        arrived = []
        while self._flying and self._flying[0][0] <= until_s:
            t_s, _, data = heapq.heappop(self._flying)
            self._count("delivered", data)
            arrived.append(Arrival(t_s, data))
        return arrived

    @property
    def stats(self) -> LinkStats:
        """Counts so far."""
        return LinkStats(**self._counts)

    def _fly(self, t_s: float, data: bytes) -> None:
        # the count breaks ties: of two messages that arrive together the one sent first comes out first
        heapq.heappush(self._flying, (t_s, self._counts["messages_sent"], data))

    def _count(self, what: str, data: bytes) -> None:
        self._counts[f"messages_{what}"] += 1
        self._counts[f"bytes_{what}"] += len(data)

    def __repr__(self):
        return (
            f"Link(delay_s={self.delay_s:g}, jitter_s={self.jitter_s:g}, loss={self.loss:g}, "
            f"duplicate={self.duplicate:g}; {self.stats.messages_sent} messages, {self.stats.bytes_sent} bytes sent)"
        )
