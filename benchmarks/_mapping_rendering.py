"""GNN rendering: who notices injected changes, what keeping nodes saves, and how both grow with the graph.

Everything is measured in living cities of `dnt_lab.mapping.rendering`, one city a seed. The operating point of
keep-or-update (a false update for 40 % of the nodes after 15 s of ordinary life) is fixed beforehand, on change-free
history; the baselines may use the setting that suits them best.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from dnt_lab.cases import traffic
from dnt_lab.mapping import rendering
from dnt_lab.physical import PhysicalNetwork

OPERATING_SHARE = 0.4
NOISE_DB = (1.0, 2.0, 3.0, 5.0)
NODES = (100, 1_000, 10_000, 100_000)


def run(quick: bool = False) -> dict:
    """Measure everything; the quick form takes two seeds, smaller cities and graphs up to 10,000 nodes.

    Returns
    -------
    dict
        ``change_auc``, ``updates_saved``, ``fidelity_loss`` and ``bytes_saved`` of the trained encoder at its operating
        point, each (mean, half width of the 95 % interval over seeds). Tables: ``changes`` (AUC by method and kind, all
        reasons), ``noise`` (mean AUC by noise and method), ``silent`` (half of the devices
        send no report), ``elsewhere`` (encoder trained in another city), ``savings``
        (every run), ``saved_at_5_percent`` and ``bytes_saved_at_5_percent`` (by method), ``growth``.
    """
    torch.set_num_threads(1)
    seeds, n_users = (range(2), 300) if quick else (range(6), 1000)
    changes = rendering.change_study(seeds, n_users)
    savings = rendering.saving_study(seeds[:5], 200 if quick else 600, 20 if quick else 60)
    point = savings[(savings["method"] == "dgi") & (savings["setting"] == OPERATING_SHARE)]
    found = {"change_auc": changes[changes["method"] == "dgi"].groupby("seed")["auc"].mean()}
    found |= {name: point[name] for name in ("updates_saved", "fidelity_loss", "bytes_saved")}
    return {name: interval(values) for name, values in found.items()} | {
        "changes": by_method(changes),
        "noise": noise_table(range(2) if quick else range(3), 300 if quick else 600),
        "silent": silent_table(range(2) if quick else range(6), 300 if quick else 600),
        "elsewhere": elsewhere_table(seeds[:1] if quick else seeds[:3], n_users),
        "savings": savings,
        "saved_at_5_percent": intervals(rendering.saved_at_loss(savings)),
        "bytes_saved_at_5_percent": intervals(rendering.saved_at_loss(savings, column="bytes_saved")),
        "growth": growth(NODES[:3] if quick else NODES),
    }


def interval(values) -> tuple[float, float]:
    """Mean and half width of its 95 % interval over seeds; NaN for the width of a single one."""
    if len(values) < 2:
        return float(np.mean(values)), float("nan")
    mean, _, high = traffic.interval(values)
    return mean, high - mean


def intervals(by_seed: pd.DataFrame) -> pd.DataFrame:
    """Mean and half width of every column of a table with one row a seed."""
    rows = {name: interval(column.dropna()) for name, column in by_seed.items()}
    return pd.DataFrame(rows, index=["mean", "half_width"]).T.sort_values("mean", ascending=False)


def by_method(changes: pd.DataFrame) -> pd.DataFrame:
    """AUC of each method: mean over seeds by kind, mean over kinds with interval, and with all nodes and reasons."""
    table = changes.pivot_table("auc", "method", "kind")
    per_seed = changes.groupby(["method", "seed"])[["auc", "auc_all"]].mean()
    for name, column in (("auc", "all kinds"), ("auc_all", "all reasons")):
        spread = per_seed[name].groupby("method").apply(interval)
        table[column], table[f"{column} +-"] = spread.str[0], spread.str[1]
    return table.sort_values("all kinds", ascending=False)


def noise_table(seeds, n_users: int) -> pd.DataFrame:
    """Mean AUC over kinds and seeds by method, a column for each noise of the reports."""
    studies = {noise_db: rendering.change_study(seeds, n_users, noise_db) for noise_db in NOISE_DB}
    return pd.DataFrame({noise_db: study.groupby("method")["auc"].mean() for noise_db, study in studies.items()})


def silent_table(seeds, n_users: int) -> pd.DataFrame:
    """AUC over kinds by method where half of the devices send no report: of those that do, and of the silent ones."""
    study = rendering.change_study(seeds, n_users, silent_share=0.5)
    per_seed = study.groupby(["method", "seed"])[["auc", "auc_silent"]].mean()
    return pd.concat({name: intervals(column.unstack("method")) for name, column in per_seed.items()}, axis=1)


def elsewhere_table(seeds, n_users: int) -> pd.DataFrame:
    """Mean AUC by method where the encoders were trained in Florence and the changes happen elsewhere."""
    cities = ("munich", "etoile")
    studies = {city: rendering.change_study(seeds, n_users, city=city, learn_in="florence") for city in cities}
    return pd.DataFrame({city: study.groupby("method")["auc"].mean() for city, study in studies.items()})


def growth(sizes=NODES) -> pd.DataFrame:
    """CPU time of building both graphs and of scoring, and peak memory, each size in a process of its own."""
    code = "from benchmarks._mapping_rendering import measure_size; measure_size({})"
    rows = []
    for size in sizes:
        done = subprocess.run([sys.executable, "-c", code.format(size)], check=True, stdout=subprocess.PIPE, text=True)
        rows.append(json.loads(done.stdout.splitlines()[-1]))
    table = pd.DataFrame(rows)
    large = table[table["nodes"] >= 900]
    table.attrs["power"] = float(np.polyfit(np.log(large["nodes"]), np.log(large["build_s"] + large["score_s"]), 1)[0])
    return table


def measure_size(n_nodes: int) -> None:
    """Time one graph of about so many nodes in this process, which must be fresh, and print a JSON line."""
    torch.set_num_threads(1)
    n_sites = max(1, round(n_nodes / 100))  # a site's three cells serve 97 users
    pn = PhysicalNetwork.open_field(
        n_sites, n_nodes - 3 * n_sites, 1, n_heard=min(7, n_sites), freq_hz=(3.5e9,), bandwidth_hz=40e6
    )
    record, report, place_m = rendering.full_record(pn), rendering.cheap_report(pn), pn.snapshot().cell_position_m
    small = rendering.graph_pair(record, report, place_m)
    encoder = rendering.train_encoder(small, "dgi", seed=1, epochs=1)
    detector = rendering.fit_detector(encoder.embed, [small])
    before_mib, build_s, score_s = _peak_mib(), [], []
    for _ in range(3):
        start_s = time.process_time()
        pair = rendering.graph_pair(record, report, place_m)
        built_s = time.process_time()
        detector.score(*pair)
        build_s.append(built_s - start_s)
        score_s.append(time.process_time() - built_s)
    row = {"nodes": pair[0].n_nodes, "edges": pair[0].edge_index.shape[1], "build_s": min(build_s)}
    print(json.dumps(row | {"score_s": min(score_s), "peak_mib": max(before_mib, _peak_mib())}))


def _peak_mib() -> float:
    """Peak resident memory of this process in MiB; ru_maxrss would count the parent's up to here."""
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
