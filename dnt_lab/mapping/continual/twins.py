"""Twins that are kept alive, hour by hour, on the same clock and the same reports.

==================  ===================================================================================
`frozen`            the first twin, never touched again
`asynchronous`      each BS at its own pace; heads in the cloud, in buildings or in rooms
`in_rounds`         synchronous rounds that wait for the slowest; heads in the cloud or in buildings
`central`           all reports go to the cloud, which trains one model on them
==================  ===================================================================================

A head in the cloud holds the *global twin*. A head in a building holds a *local twin*, and may meet the global one.
With a head in each room every BS is on its own, and nothing is sent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from dnt_lab import fl
from dnt_lab.datasets._checks import one_of
from dnt_lab.mapping.continual.measurements import REPORT_BYTES
from dnt_lab.mapping.continual.world import HOURS_S, World

HEADS = ("cloud", "buildings", "rooms")


@dataclass(frozen=True, eq=False)
class Run:
    """What a system predicted, hour by hour, and what it sent.

    Attributes
    ----------
    predicted_db : ndarray, shape (37, K, R)
        Excess loss of every link at every full hour, by the twin that served its room then.
    history : DataFrame
        A row an arrival or a round, as its federation logs it; empty where there is none.
    cloud_bytes, edge_bytes : int
        Sent to and from the cloud, and between BSs and heads in their own building; user reports, the same for all,
        are left out.
    """

    predicted_db: np.ndarray
    history: pd.DataFrame
    cloud_bytes: int
    edge_bytes: int


def frozen(world: World) -> Run:
    """Serve all rooms by the first twin for ever."""
    predicted_db = np.broadcast_to(world.predict_db(world.first), (len(HOURS_S), *world.campus.before_db.shape))
    return Run(predicted_db, pd.DataFrame(), 0, 0)


def asynchronous(world: World, rule: fl.AsyncStrategy, heads: str = "cloud", merge_every: int | None = None) -> Run:
    """Let BSs send updates at their own pace.

    Parameters
    ----------
    world : World
        Rooms, reports, devices and the first twin.
    rule : fl.AsyncStrategy
        How a head takes an update in; the cloud takes in what heads bring by the same rule.
    heads : str
        One of `HEADS`.
    merge_every : int, optional
        Rounds' worth of arrivals from one meeting of a building's head with the cloud to the next; never if left out.

    Raises
    ------
    ValueError, TypeError
        If there are no such heads, or heads that cannot meet are told to.
    """
    groups = _groups(world, heads)
    if merge_every is not None and heads != "buildings":
        raise ValueError(f"merge_every is {merge_every}, but only heads in buildings can meet, not in {heads}.")
    devices = world.devices
    if heads == "rooms":  # who is its own head waits for nobody and loses nothing on the way
        devices = fl.Devices(devices.speed_flops, fl.Connection(np.inf, np.inf))
    federation = fl.AsyncFederation(
        world.model, world.measured.client_data(world.campus), rule, world.learning.update, devices=devices,
        period_s=world.learning.period_s, newest=world.learning.newest, groups=groups, merge_every=merge_every,
        initial=world.first, seed=world.seed,
    )  # fmt: skip
    predicted_db = []
    for time_s in HOURS_S:
        federation.run(time_s)
        predicted_db.append(world.predict_db(federation.client_weights))
    return _run(np.stack(predicted_db), federation.history, heads)


def in_rounds(world: World, heads: str = "cloud", merge_every: int | None = None) -> Run:
    """Train in rounds of federated averaging; a round learns from what is known at its start.

    Parameters, and errors, are those of `asynchronous`; `merge_every` counts rounds.
    """
    one_of("heads", heads, HEADS[:2])
    groups = _groups(world, heads)
    reports = world.measured.client_data(world.campus)
    rooms, newest = np.arange(len(world.campus)), world.learning.newest
    of_group = np.zeros(len(rooms), int) if groups is None else groups
    federation = fl.Federation(
        world.model, reports.newest(rooms, np.zeros(len(rooms)), newest), fl.fedavg(), world.learning.update,
        devices=world.devices, groups=groups, merge_every=merge_every, initial=world.first, seed=world.seed,
    )  # fmt: skip
    done_s, weights = [federation.clock_s.copy()], [federation.weights.copy()]
    while federation.clock_s.min() < HOURS_S[-1]:
        # a federation in rounds knows no time, so it is handed, round by round, what its clients know by then
        federation.clients.data = reports.newest(rooms, federation.clock_s[of_group], newest)
        federation.run(federation.round + 1)
        done_s.append(federation.clock_s.copy())
        weights.append(federation.weights.copy())
    done_s, weights = np.stack(done_s), np.stack(weights)
    predicted_db = []
    for time_s in HOURS_S:
        last = (done_s <= time_s).sum(axis=0) - 1
        serving = weights[last, np.arange(len(last))]
        predicted_db.append(world.predict_db(serving[of_group]))
    history = federation.history
    return _run(np.stack(predicted_db), history[history["time_s"] <= HOURS_S[-1]], heads)


def central(world: World) -> Run:
    """Send every report to the cloud at once, where one model learns from the newest of all rooms.

    A batch holds as many samples as those of all BSs together, so that it takes as many steps as one BS does.
    """
    learning, reports = world.learning, world.measured.client_data(world.campus)
    k = len(world.campus)
    order = np.argsort(reports.known_s, axis=None, kind="stable")[: reports.n_samples.sum()]
    pooled = fl.ClientData(
        *(part.reshape(-1, part.shape[-1])[order][None] for part in (reports.x, reports.y)),
        np.array([len(order)]), reports.known_s.ravel()[order][None],
    )  # fmt: skip
    how = replace(learning.update, batch_size=k * learning.update.batch_size)
    federation = fl.AsyncFederation(
        world.model, pooled, fl.fedasync(1.0, fl.constant()), how, period_s=learning.period_s,
        newest=k * learning.newest, initial=world.first, seed=world.seed,
    )  # fmt: skip
    predicted_db = []
    for time_s in HOURS_S:
        federation.run(time_s)
        predicted_db.append(world.predict_db(federation.weights[0]))
    n_bytes = REPORT_BYTES * int((pooled.known_s >= 0).sum())
    return Run(np.stack(predicted_db), federation.history, cloud_bytes=n_bytes, edge_bytes=0)


def _groups(world: World, heads: str) -> np.ndarray | None:
    one_of("heads", heads, HEADS)
    return {"cloud": None, "buildings": world.campus.building, "rooms": np.arange(len(world.campus))}[heads]


def _run(predicted_db: np.ndarray, history: pd.DataFrame, heads: str) -> Run:
    """Without heads nearby, what BSs send goes all the way to the cloud."""
    access, backhaul = (int(history[f"{part}_bytes"].sum()) for part in ("access", "backhaul"))
    sent = {"cloud": (access, 0), "buildings": (backhaul, access), "rooms": (0, 0)}[heads]
    return Run(predicted_db, history, *sent)
