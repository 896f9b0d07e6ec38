"""An asynchronous federation the slow and simple way, for tests.

It shares no code with `dnt_lab.fl`: a sorted list of events, exact fractions as times, one client trained at a time at
the moment it starts, and the rules written out.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil

import numpy as np

from .linear import gradient, samples

ARRIVAL, AT_CLOUD, BACK_AT_HEAD, START = range(4)  # the order of events at one time


@dataclass
class Server:
    """A head or the cloud, with the rule ``("fedasync", alpha, p)`` or ``("fedbuff", size, lr, p)``."""

    w: np.ndarray
    rule: tuple
    version: int = 0
    buffer: list = field(default_factory=list)

    def weight(self, tau):
        kind, first, *_, p = self.rule
        discount = (tau + 1.0) ** -p
        return first * discount if kind == "fedasync" else discount / first

    def take(self, sent, model, tau):
        if self.rule[0] == "fedasync":
            self.w = (1 - self.weight(tau)) * self.w + self.weight(tau) * model
            self.version += 1
            return
        _, size, lr, p = self.rule
        self.buffer.append((tau + 1.0) ** -p * (model - sent))
        if len(self.buffer) == size:
            self.w = self.w + lr * np.mean(self.buffer, axis=0)
            self.version, self.buffer = self.version + 1, []


@dataclass
class World:
    """All that is given; times in seconds, one number a client or a head."""

    data: object
    start: np.ndarray
    rule: tuple
    lr: float
    groups: list
    sample_s: list
    down_s: list
    up_s: list
    joins_s: list
    leaves_s: list
    lost: object
    period_s: float | None = None
    newest: int | None = None
    merge_every: int | None = None
    cloud_up_s: float = 0.0
    cloud_down_s: float = 0.0


def simulate(world, until_s):
    """Return heads, cloud and a list of (time_s, client, group, arrived, staleness, weight, training_s, access_s)."""
    heads = [Server(w, world.rule) for w in world.start]
    cloud = Server(np.mean(world.start, axis=0), world.rule)
    k = len(world.groups)
    jobs, since, away = [0] * k, [0] * len(heads), [False] * len(heads)
    flight = {}
    downloaded = [(w, 0) for w in world.start]  # of each head: the cloud's model it builds on, and its version
    pushed, reply = {}, {}
    rows = []
    events = []
    for c in range(k):
        if world.data.n_samples[c]:
            known = 0.0 if world.data.known_s is None else world.data.known_s[c, 0]
            events.append((_tick(world, max(world.joins_s[c], known), None), START, c))

    def push_if_due(g, now):
        if world.merge_every and not away[g] and since[g] >= world.merge_every * world.groups.count(g):
            pushed[g], since[g], away[g] = heads[g].w, 0, True
            events.append((now + Fraction(world.cloud_up_s), AT_CLOUD, g))

    while events:
        events.sort()
        now, kind, who = events.pop(0)
        if now > until_s:
            break
        if kind == START and now < world.leaves_s[who]:
            head, x, y = heads[world.groups[who]], *samples(world.data, who)
            if world.data.known_s is not None:
                known = world.data.known_s[who, : len(y)] <= now
                x, y = x[known], y[known]
            if world.newest:
                x, y = x[-world.newest :], y[-world.newest :]
            training = len(y) * Fraction(world.sample_s[who])
            access = Fraction(world.down_s[who]) + Fraction(world.up_s[who])
            end = now + training + access
            lost = end >= world.leaves_s[who] or world.lost(who, jobs[who])
            model = head.w - world.lr * gradient(head.w, x, y)
            flight[who] = (now, head.w, head.version, model, lost, training, access)
            events.append((end, ARRIVAL, who))
        elif kind == ARRIVAL:
            g = world.groups[who]
            started, sent, version, model, lost, training, access = flight.pop(who)
            tau = heads[g].version - version
            rows.append((now, who, g, not lost, tau, 0.0 if lost else heads[g].weight(tau), training, access))
            if not lost:
                heads[g].take(sent, model, tau)
                since[g] += 1
                push_if_due(g, now)
            jobs[who] += 1
            events.append((_tick(world, now, started), START, who))
        elif kind == AT_CLOUD:
            base, version = downloaded[who]
            tau = cloud.version - version
            rows.append((now, -1, who, True, tau, cloud.weight(tau), 0, 0))
            cloud.take(base, pushed[who], tau)
            reply[who] = (cloud.w, cloud.version)
            events.append((now + Fraction(world.cloud_down_s), BACK_AT_HEAD, who))
        elif kind == BACK_AT_HEAD:
            arrived_since = heads[who].w - pushed[who]
            heads[who].w = reply[who][0] + arrived_since
            heads[who].version += 1
            downloaded[who], away[who] = reply[who], False
            push_if_due(who, now)
    return heads, cloud, rows


def _tick(world, time_s, started_s):
    """When a client starts: now, or at the next multiple of the period at which it has not started already."""
    if world.period_s is None:
        return Fraction(time_s)
    period = Fraction(world.period_s)
    number = ceil(Fraction(time_s) / period)
    if started_s is not None and number * period <= started_s:
        number += 1
    return number * period
