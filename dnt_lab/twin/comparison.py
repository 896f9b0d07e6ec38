"""The article's Fig. 1 as a measurement: isolated digital twins against a network of twins, on the same events.

Two questions, two experiments on the same network of two regions:

- `others_error`: users move and hand over; how wrong are the SINRs the twins believe in, of users who did nothing
  themselves?
- `crowd`: a crowd walks from the west to the east and stays there. The twins run the spectrum: isolated ones keep
  half of the channels each and must discover a user who comes across the border; the network of twins hands the
  user's record over and moves channels after the crowd.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from dnt_lab.physical import Handover, PhysicalNetwork, TraceReplay
from dnt_lab.twin.digital_network_twin import DigitalNetworkTwin
from dnt_lab.twin.isolated import IsolatedTwins

SYSTEMS = ("isolated DTs", "DNT, spectrum fixed", "DNT")


def others_error(network: PhysicalNetwork, n_steps: int = 60, dt_s: float = 1.0) -> pd.DataFrame:
    """Error of believed SINRs while users move and hand over; demands stay as they are.

    Parameters
    ----------
    network : PhysicalNetwork
        It is run for `n_steps` steps of `dt_s` seconds.

    Returns
    -------
    DataFrame
        One row a step: ``t_s``, ``handovers`` so far, and for each system the mean absolute error in dB of the SINR
        of the users who did not hand over in this step, in the columns ``isolated DTs`` and ``DNT``.
    """
    network.demand = None
    twins = {"isolated DTs": IsolatedTwins.mirror(network), "DNT": DigitalNetworkTwin.mirror(network)}
    rows, handovers = [], 0
    for _ in range(n_steps):
        events = network.step(dt_s)
        changed = [e.user for e in events if isinstance(e, Handover)]
        handovers += len(changed)
        others = np.setdiff1d(np.flatnonzero(network.state.serving >= 0), changed)
        row = {"t_s": network.state.t_s, "handovers": handovers}
        for name, twin in twins.items():
            twin.apply_all(events)
            row[name] = float(np.abs(twin.kpis.sinr_db[others] - network.kpis.sinr_db[others]).mean())
        rows.append(row)
    return pd.DataFrame(rows)


def crowd(
    seed: int, system: str, *, n_users=120, n_steps=60, dt_s=1.0, discovery_s=3.0, transfer_s=0.05
) -> dict[str, float]:
    """Let a crowd walk east under one of the systems.

    Parameters
    ----------
    seed : int
        Seed of network and walk; all systems see the same.
    system : {"isolated DTs", "DNT, spectrum fixed", "DNT"}
        Who runs the spectrum; the middle one hands records over but moves no channel, so that the two effects can be
        told apart.
    n_users, n_steps, dt_s
        Size of the network and of the run.
    discovery_s : float
        How long an isolated twin needs to find an unknown user and map it from nothing.
    transfer_s : float
        How long a record takes from twin to twin.

    Returns
    -------
    dict
        ``worst_5_percent_mbps`` (mean over the steps of the 5th percentile of rates), ``median_mbps``, ``crossings``
        (handovers across the border), ``interruption_s`` (mean time without service at a crossing), ``bytes_between``
        twins.
    """
    if system not in SYSTEMS:
        raise ValueError(f"system is {system!r}, but it must be one of {', '.join(SYSTEMS)}")
    network = _crowded_network(seed, n_users, n_steps * dt_s)
    dnt = DigitalNetworkTwin.mirror(network)
    dnt.move_channels(np.ones(len(dnt.local)))
    _command(network, dnt)
    unknown_until_s = np.zeros(n_users)
    crossings, interruption_s, rates = 0, 0.0, []
    for _ in range(n_steps):
        owner = dnt.owner.copy()
        dnt.apply_all(network.step(dt_s))
        now_s = network.state.t_s
        crossed = np.flatnonzero(dnt.owner != owner)
        pause_s = discovery_s if system == "isolated DTs" else transfer_s
        unknown_until_s[crossed] = now_s + pause_s
        crossings, interruption_s = crossings + len(crossed), interruption_s + pause_s * len(crossed)
        if system == "DNT":
            dnt.move_channels()
        _command(network, dnt, known=unknown_until_s - now_s < dt_s)
        served = 1 - np.clip(
            (unknown_until_s - now_s) / dt_s, 0, 1
        )  # share of the coming step in which the user is served
        rates.append(np.percentile(served * network.kpis.rate_bps, [5, 50]) / 1e6)
    low, median = np.mean(rates, axis=0)
    return {
        "worst_5_percent_mbps": float(low),
        "median_mbps": float(median),
        "crossings": crossings,
        "interruption_s": interruption_s / max(crossings, 1),
        "bytes_between": 0 if system == "isolated DTs" else dnt.bytes_between,
    }


def _command(network: PhysicalNetwork, dnt: DigitalNetworkTwin, known=None) -> None:
    for command in dnt.retune(network.state.t_s):
        if known is None or known[command.user]:
            network.apply(command)
            dnt.apply(command)


def _crowded_network(seed: int, n_users: int, duration_s: float) -> PhysicalNetwork:
    """Two regions, six narrow channels; four fifths of the western users walk to the east's middle in half the time."""
    network = PhysicalNetwork.open_field(
        n_users=n_users, seed=seed, n_regions=2, freq_hz=tuple(3.5e9 + 5e6 * i for i in range(6)), bandwidth_hz=5e6
    )
    rng = np.random.default_rng([seed, 2])
    start = network.state.position_m[:, :2]
    xmin, ymin, xmax, ymax = network.bounds_m
    goal = start.copy()
    walkers = np.flatnonzero((start[:, 0] < (xmin + xmax) / 2) & (rng.random(n_users) < 0.8))
    goal[walkers] = rng.normal([xmin + 0.75 * (xmax - xmin), (ymin + ymax) / 2], 40.0, (len(walkers), 2))
    network.mobility = TraceReplay(np.array([0.0, duration_s / 2]), np.stack([start, goal]))
    return network


def compare(seeds, **settings) -> pd.DataFrame:
    """Run `crowd` for all systems on every seed; one row a run with the columns ``seed`` and ``system`` first."""
    return pd.DataFrame([{"seed": s, "system": name, **crowd(s, name, **settings)} for s in seeds for name in SYSTEMS])
