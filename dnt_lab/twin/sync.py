"""Synchronisation: a physical network, a link, a twin, and a policy that decides what is worth its bytes.

Each step the network's events reach the telemetry agent; the policy ranks what could be reported; reports go out as far
as the byte budget allows; what the link delivers is applied to the twin. Pace (how often) and scope (what) of mirroring
are set as draft-irtf-nmrg-network-digital-twin-arch asks. Only the evaluation at the end of a step looks at the
physical state.

>>> from dnt_lab import physical, twin
>>> pn = physical.PhysicalNetwork.open_field(n_users=20, seed=2)
>>> sync = twin.Synchroniser(pn, twin.NetworkTwin.mirror(pn), twin.EventTriggered(5.0))
>>> history = sync.run(n_steps=5, dt_s=1.0)
>>> float(history.serving_mismatch.iloc[-1])
0.0
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from operator import attrgetter

import numpy as np
import pandas as pd

from dnt_lab.physical import Configure, Event, State, encode
from dnt_lab.twin.agent import Agent, Scope
from dnt_lab.twin.freshness import absolute_errors
from dnt_lab.twin.link import Link
from dnt_lab.twin.policies import POSITION, PROPERTIES, Policy
from dnt_lab.twin.receiver import Receiver

_LONGEST_MESSAGE_BYTES = 512
_ERROR_COLUMNS = {
    "position": "position_error_m",
    "serving": "serving_mismatch",
    "demand": "demand_error_bps",
    "sinr": "sinr_error_db",
}


class Synchroniser:
    """Keeps a twin in step with a physical network through a link.

    Parameters
    ----------
    network : PhysicalNetwork or Recording
        What happens.
    twin : NetworkTwin or DigitalNetworkTwin
        Who is told.
    policy : Policy
        What is reported first; see `dnt_lab.twin.policies`.
    link : Link or sequence of Link, optional
        The way to the twin; of several, a user's reports take that of its serving cell's region. By default a link
        without delay.
    budget_bytes_s : float, optional
        Bytes per second that may be sent. What a step leaves over is saved up to the length of one message only.
    scope : Scope, optional
        Which properties of which users are mirrored; all by default.
    pace_s : float
        Reports are considered at most this often; 0: every step.
    dead_reckoning : bool
        Whether the twin moves users on at their last reported velocity between reports.
    timeout_s : float
        A report not acknowledged for so long counts as lost; should exceed delay and jitter.
    seed : int or Generator
        For policies that draw lots.

    Attributes
    ----------
    agent : Agent
        The network's side.
    receiver : Receiver
        The twin's side.

    Raises
    ------
    ValueError
        If network and twin have different users, or a setting is out of its range.
    """

    def __init__(
        self,
        network,
        twin,
        policy: Policy,
        link: Link | Sequence[Link] | None = None,
        *,
        budget_bytes_s: float = math.inf,
        scope: Scope | None = None,
        pace_s: float = 0.0,
        dead_reckoning: bool = False,
        timeout_s: float = 2.0,
        seed=0,
    ):
        if not budget_bytes_s > 0:
            raise ValueError(f"budget_bytes_s is {budget_bytes_s}, but a budget is over 0 bytes/s (inf for no limit)")
        for name, value in (("pace_s", pace_s), ("timeout_s", timeout_s)):
            if not 0 <= value < math.inf:
                raise ValueError(f"{name} is {value}, but it is a finite number of seconds from 0 on")
        inventory = network.snapshot()
        if inventory.n_users != twin.state.n_users:
            raise ValueError(f"the network has {inventory.n_users} users, but the twin {twin.state.n_users}")
        self.network, self.twin, self.policy, self.scope = network, twin, policy, scope or Scope()
        self.scope.check(inventory)
        self.links = list(link) if isinstance(link, Sequence) else [link or Link()]
        if 1 < len(self.links) != int(inventory.region.max()) + 1 or not self.links:
            raise ValueError(
                f"{len(self.links)} links are given, but one is needed, or one for each of the "
                f"{int(inventory.region.max()) + 1} regions"
            )
        self._delivery = 1 - np.array([getattr(way, "loss", 0.0) for way in self.links])
        self._route = np.zeros(inventory.n_users, np.int64)
        self.budget_bytes_s, self.pace_s = budget_bytes_s, pace_s
        self.agent = Agent(inventory, twin.state, timeout_s, dead_reckoning, np.random.default_rng(seed))
        self.receiver = Receiver(twin, self.scope, dead_reckoning)
        self._settings: list[Configure] = []
        self._saved_bytes, self._considered_s = 0.0, inventory.t_s
        self._rows: list[dict] = []

    def run(self, n_steps: int, dt_s: float = 1.0) -> pd.DataFrame:
        """Take `n_steps` steps; return the history so far."""
        if isinstance(n_steps, bool) or not isinstance(n_steps, int) or n_steps < 1:
            raise ValueError(f"n_steps is {n_steps!r}, but a whole number from 1 on is needed")
        for _ in range(n_steps):
            self.step(dt_s)
        return self.history

    def step(self, dt_s: float) -> None:
        """Let `dt_s` seconds pass in the network, the link and the twin."""
        events = self.network.step(dt_s)
        t_s = self.network.state.t_s
        self._settings += [event for event in events if isinstance(event, Configure)]
        self.agent.observe(t_s, events)
        self._reroute(self.agent.known)
        sent_bytes, sent = self._send()
        arrivals = sorted((a for link in self.links for a in link.deliver(t_s)), key=attrgetter("t_s"))
        self.agent.acknowledge(self.receiver.receive(arrivals, t_s))
        self._rows.append({"t_s": t_s, "bytes": sent_bytes, "messages": sent, **self._freshness(t_s), **self._errors()})

    @property
    def history(self) -> pd.DataFrame:
        """One row a step.

        ``t_s``; ``bytes`` and ``messages`` sent; over the users in scope ``aoi_mean_s`` (exact mean over the step),
        ``aoi_p95_s`` (95th percentile at its end) and ``aoi_peak_s`` (the highest reached by anyone) of positions;
        over all users the means ``position_error_m``, ``serving_mismatch``, ``demand_error_bps``, ``sinr_error_db``.
        """
        return pd.DataFrame(self._rows)

    @property
    def age_s(self) -> pd.DataFrame:
        """Age of what the twin believes now, by user and property."""
        age_s = self.agent.now_s - self.receiver.generated_s
        users = [f"ue-{u}" for u in range(self.agent.n_users)]
        return pd.DataFrame(age_s.T, index=pd.Index(users, name="object"), columns=list(PROPERTIES))

    def _send(self) -> tuple[int, int]:
        """Send the most urgent reports within the budget; return bytes and messages."""
        agent = self.agent
        elapsed_s = agent.now_s - self._considered_s
        if elapsed_s < self.pace_s * (1 - 1e-9):
            return 0, 0
        self._considered_s = agent.now_s
        agent.slot_s, agent.delivery_probability = elapsed_s, self._delivery[self._route]
        credit = min(self._saved_bytes, _LONGEST_MESSAGE_BYTES) + self.budget_bytes_s * elapsed_s
        sent_bytes = messages = 0
        for event in self._wanted():
            data = encode(event)
            if sent_bytes + len(data) > credit:
                break
            self.links[self._way(event)].send(agent.now_s, data)
            self._note_sent(event)
            sent_bytes, messages = sent_bytes + len(data), messages + 1
        self._saved_bytes = credit - sent_bytes
        return sent_bytes, messages

    def _wanted(self) -> Iterator[Event]:
        """What the policy would send, most urgent first; settings of cells before all else."""
        yield from list(self._settings)
        urgency = np.where(self.scope.mask(self.agent.known), self.policy.urgency(self.agent), -np.inf).ravel()
        wanted = np.flatnonzero(urgency > -np.inf)
        for report in wanted[np.argsort(-urgency[wanted], kind="stable")].tolist():
            yield self.agent.report(*divmod(report, self.agent.n_users))

    def _note_sent(self, event: Event) -> None:
        if isinstance(event, Configure):
            self._settings.remove(event)
        else:
            self.agent.note_sent(event)

    def _way(self, event: Event) -> int:
        """Link a message takes."""
        if isinstance(event, Configure):
            return int(self.agent.known.region[event.cell]) if len(self.links) > 1 else 0
        return int(self._route[event.user])

    def _reroute(self, known: State) -> None:
        """Send a user's reports by the link of its region; a user without a cell keeps the link it had."""
        if len(self.links) > 1:
            self._route = np.where(known.serving >= 0, known.region[known.serving], self._route)

    def _freshness(self, t_s: float) -> dict[str, float]:
        mean_s, peak_s = self.receiver.ages.advance(t_s)
        mine = self.scope.mask(self.agent.known)[POSITION]
        if not mine.any():  # nobody's position is mirrored, so none has an age
            return dict.fromkeys(("aoi_mean_s", "aoi_p95_s", "aoi_peak_s"), math.nan)
        age_s = t_s - self.receiver.generated_s[POSITION, mine]
        return {
            "aoi_mean_s": float(mean_s[mine].mean()),
            "aoi_p95_s": float(np.percentile(age_s, 95)),
            "aoi_peak_s": float(peak_s[mine].max()),
        }

    def _errors(self) -> dict[str, float]:
        errors = absolute_errors(self.network, self.twin)
        return {column: float(errors[group].mean()) for group, column in _ERROR_COLUMNS.items()}

    def __repr__(self):
        budget = "no budget" if math.isinf(self.budget_bytes_s) else f"{self.budget_bytes_s:g} bytes/s"
        return f"Synchroniser({self.policy}, {budget}, {len(self.links)} link(s), t = {self.agent.now_s:g} s)"
