"""Incremental updates of a twin against computing everything afresh, and how an event's cost grows with the network.

Peers in one process, one thread, CPU time, the same handovers:

- *incremental*: `twin.NetworkTwin.apply`;
- *all afresh*: `physical.evaluate`, what a twin without memory must do: link budgets, loads, interference, SINR, rates;
- *kept budgets*: `physical.kpis.derive`, for a twin that remembers the link budgets and derives the rest afresh.
"""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from dnt_lab import physical, twin, viz
from dnt_lab.physical.kpis import derive

SITE_SPACING_M = 200.0
USERS_PER_SITE = 100
N_HEARD = 19
PICTURE = Path(__file__).parent / "twin.png"


def main() -> None:
    """Print the tables, save the plot, print the JSON line."""
    sizes = [1_000, 10_000, 100_000]
    rows = [json.loads(_fresh_process(n)) for n in sizes]
    table = pd.DataFrame(
        {
            "users": [f"{row['users']:,}" for row in rows],
            "BSs": [row["cells"] for row in rows],
            "touched users": [f"{row['touched']:.0f}" for row in rows],
            "handover (us)": [f"{row['handover_s'] * 1e6:.0f}" for row in rows],
            "move (us)": [f"{row['move_s'] * 1e6:.0f}" for row in rows],
            "all afresh (ms)": [f"{row['evaluate_s'] * 1e3:.0f}" for row in rows],
            "ratio": [f"{row['evaluate_s'] / row['handover_s']:.0f}x" for row in rows],
            "kept budgets (ms)": [f"{row['derive_s'] * 1e3:.1f}" for row in rows],
            "ratio of those": [f"{row['derive_s'] / row['handover_s']:.0f}x" for row in rows],
            "max rel. error": [f"{row['max_rel_error']:g}" for row in rows],
            "memory (MiB)": [f"{row['memory_mib']:.0f}" for row in rows],
        }
    )
    print(f"{USERS_PER_SITE} users a site, sites {SITE_SPACING_M:g} m apart, {N_HEARD} heard, 3 channels, 1 thread\n")
    print(table.to_string(index=False))
    _plot(rows)
    by_users = {row["users"]: row for row in rows}
    ten = by_users[10_000]
    print(f"\nsites not heard would add {ten['neglected_db']:.2f} dB to noise and interference (median, 10,000 users)")
    result = {
        "handover_ratio": round(ten["evaluate_s"] / ten["handover_s"], 1),
        "handover_ratio_kept_budgets": round(ten["derive_s"] / ten["handover_s"], 1),
        "max_rel_error": max(row["max_rel_error"] for row in rows),
        "growth_100k_over_1k": round(by_users[100_000]["handover_s"] / by_users[1_000]["handover_s"], 2),
        "memory_100k_over_10k": round(by_users[100_000]["memory_mib"] / ten["memory_mib"], 2),
        "import_s": round(import_seconds(), 3),
    }
    print(json.dumps(result))


def _fresh_process(n_users: int) -> str:
    """Measure one size in a process of its own, so that peak memory is that size's."""
    code = f"from benchmarks.twin import measure; measure({n_users})"
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.splitlines()[
        -1
    ]


def measure(n_users: int, n_events: int = 400) -> None:
    """Measure one network and print a JSON line."""
    before_mib = _peak_mib()
    network = physical.PhysicalNetwork.open_field(
        n_sites=n_users // USERS_PER_SITE,
        n_users=n_users,
        n_heard=min(N_HEARD, n_users // USERS_PER_SITE),
        seed=1,
        n_sectors=1,
        spacing_m=SITE_SPACING_M,
        freq_hz=(3.50e9, 3.51e9, 3.52e9),
    )
    dnt = twin.NetworkTwin.mirror(network)
    memory_mib = _peak_mib() - before_mib
    rng = np.random.default_rng(1)
    state, radio = dnt.state, dnt.radio
    handovers, moves = [], []
    for user in rng.choice(n_users, n_events, replace=False).tolist():
        heard = radio.tile_cells[dnt.kpis.tile[user]]
        handovers.append(physical.Handover(0.0, user, int(rng.choice(heard)), int(state.channel[user])))
        goal = state.position_m[user] + np.append(rng.normal(0, 20, 2), 0.0)
        moves.append(physical.Move(0.0, user, tuple(goal.tolist())))
    handover_s, touched = _apply(dnt, handovers)
    move_s, _ = _apply(dnt, moves)
    kept = (dnt.kpis.tile, dnt.kpis.heard_q, dnt.kpis.off_boresight_deg)
    derive_s = _cpu(lambda: derive(state, radio, *kept), 5)
    evaluate_s = _cpu(lambda: physical.evaluate(state, radio), 2 if n_users <= 10_000 else 1)
    afresh = physical.evaluate(state, radio)
    errors = [
        _relative(getattr(dnt.kpis, name), getattr(afresh, name))
        for name in ("load", "interference_q", "sinr", "rate_bps")
    ]
    row = {
        "users": n_users, "cells": state.n_cells, "touched": touched, "handover_s": handover_s, "move_s": move_s,
        "derive_s": derive_s, "evaluate_s": evaluate_s, "max_rel_error": max(errors), "memory_mib": memory_mib,
        "neglected_db": _neglected_db(dnt, rng) if n_users == 10_000 else None,
    }  # fmt: skip
    print(json.dumps(row))


def _apply(dnt: twin.NetworkTwin, events) -> tuple[float, float]:
    """CPU seconds and touched users an event."""
    for event in events[:50]:  # warm up
        dnt.apply(event)
    touched = 0
    start = time.process_time()
    for event in events[50:]:
        touched += len(dnt.apply(event).users)
    return (time.process_time() - start) / (len(events) - 50), touched / (len(events) - 50)


def _cpu(call, repeats: int) -> float:
    start = time.process_time()
    for _ in range(repeats):
        call()
    return (time.process_time() - start) / repeats


def _relative(value, truth) -> float:
    truth = truth.astype(float)
    return float(np.max(np.abs(value - truth) / np.maximum(np.abs(truth), 1e-30)))


def _neglected_db(dnt: twin.NetworkTwin, rng) -> float:
    """Median rise of noise plus interference if all sites were heard, over 200 users."""
    users = rng.choice(dnt.state.n_users, 200, replace=False)
    state, radio = dnt.state, dnt.radio
    everyone = np.tile(np.arange(state.n_cells), (len(users), 1))
    power_q = radio.received_q(state, state.position_m[users], state.freq_hz[state.channel[users]], everyone)
    part_q = dnt.kpis.load[everyone, state.channel[users][:, None]] * power_q
    part_q[everyone == state.serving[users][:, None]] = 0.0
    noise_q = (radio.noise_mw(state) / radio.quantum_mw(state))[state.channel[users]]
    return float(np.median(10 * np.log10((noise_q + part_q.sum(axis=1)) / (noise_q + dnt.kpis.interference_q[users]))))


def _plot(rows: list[dict]) -> None:
    viz.use_style()
    fig, (left, right) = plt.subplots(1, 2, figsize=(9.0, 3.6))
    users = [row["users"] for row in rows]
    left.loglog(users, [row["evaluate_s"] * 1e3 for row in rows], label="all afresh", **viz.role_style("isolated"))
    left.loglog(users, [row["derive_s"] * 1e3 for row in rows], label="kept budgets", **viz.role_style("baseline"))
    left.loglog(users, [row["handover_s"] * 1e3 for row in rows], label="incremental", **viz.role_style("twin"))
    left.set(xlabel="users (count)", ylabel="CPU time of one handover (ms)")
    left.set_title("The cost of a handover stays flat")
    left.legend()
    right.loglog(users, [row["memory_mib"] for row in rows], **viz.role_style("twin"))
    right.set(xlabel="users (count)", ylabel="memory (MiB)")
    right.set_title("Memory grows with the users")
    fig.savefig(PICTURE, dpi=90, metadata={"Software": None})


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def import_seconds(repeats: int = 7) -> float:
    """Median seconds that ``import dnt_lab`` adds to a bare Python."""

    def median(code):
        times = []
        for _ in range(repeats):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            times.append(time.perf_counter() - start)
        return float(np.median(times))

    return median("import dnt_lab") - median("pass")
