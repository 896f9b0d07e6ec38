"""A round of federated learning: stacked clients against one after the other in PyTorch and against Flower.

Same batches, same start, one thread, CPU time, least of some repeats:

- *stacked*: a round of `fl.Federation`;
- *one by one*: `torch.nn` modules and `torch.optim.SGD`, client after client, then averaged; ours and this one take
  turns;
- *Flower*: its simulation on Ray in steady state (from the second round on), CPU time of all its processes.

Then how time and memory of a round grow up to 10,000 cells, each number of cells in a fresh process.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch

from benchmarks._federation_runs import STEPS, Setting, federation, next_round, one_by_one
from dnt_lab import viz

SETTINGS = [Setting.of(kind, hidden, n) for hidden in (16, 64) for kind in ("gru", "lstm") for n in (50, 500)]
REPEATS = {(16, 50): 5, (16, 500): 2, (64, 50): 2, (64, 500): 1}  # hidden units, clients
FLOWER_ROUNDS = {
    Setting.of("gru", 16, 50): 5,
    Setting.of("lstm", 16, 50): 5,
    Setting.of("gru", 64, 50): 3,
    Setting.of("lstm", 64, 50): 3,
    Setting.of("lstm", 16, 500): 2,  # half a minute a round or more
}
OPTIONS = {"for-loop (default)": {}, "foreach": {"foreach": True}, "fused": {"fused": True}}
CELLS, CELLS_ONE_BY_ONE = (10, 30, 100, 300, 1_000, 3_000, 10_000), (10, 30, 100)
PICTURE = Path(__file__).parent / "federation.png"


def main() -> None:
    """Print the tables, save the plot, print the JSON line."""
    torch.set_num_threads(1)
    rounds, simulated = compare(), flower()
    options()
    cells = growth()
    _plot(rounds, simulated, cells)
    small, small_simulated = (table[table.hidden == 16] for table in (rounds, simulated))
    result = {
        "ratio_sequential_h16": round(small.ratio.min(), 1),
        "ratio_flower_h16": round(small_simulated.ratio.min(), 1) if len(simulated) else None,
        "max_abs_diff": rounds.difference.max(),
        "max_abs_diff_flower": simulated.difference.max() if len(simulated) else None,
        "cells_10k_round_s": round(cells.round_s.iloc[-1], 1),
        "cells_10k_peak_mib": round(cells.peak_mib.iloc[-1]),
    }
    print(json.dumps(result))


def compare() -> pd.DataFrame:
    """Measure a round in every setting, print the table, and return it with the largest difference of weights."""
    print(f"CPU time of a round, {STEPS} steps a client, one thread", flush=True)
    rows = []
    for setting in SETTINGS:
        stacked_s, one_by_one_s = [], []
        for _ in range(REPEATS[setting.hidden, setting.clients]):
            ours = federation(setting)
            stacked_s.append(next_round(ours))
            seconds, weights = one_by_one(setting)
            one_by_one_s.append(seconds)
        difference = float(np.abs(ours.weights[0] - weights).max())
        rows.append(_named(setting) | {"stacked_s": min(stacked_s), "one_by_one_s": min(one_by_one_s),
                                       "difference": difference})  # fmt: skip
    table = pd.DataFrame(rows).assign(ratio=lambda rows: rows.one_by_one_s / rows.stacked_s)
    print(_shown(table), "\n", flush=True)
    return table


def flower() -> pd.DataFrame:
    """Measure Flower in steady state, our rounds beside it; print and return the table, empty without Flower."""
    rows = []
    if not all(importlib.util.find_spec(name) for name in ("flwr", "ray")):
        print("Flower and Ray are not installed (pip install 'dnt-lab[distributed]'), so they are left out.\n")
        return pd.DataFrame(rows, columns=["kind", "hidden", "clients", "ratio", "difference"])
    print("Flower's simulation: CPU time of all its processes in a round in steady state", flush=True)
    for clients in sorted({setting.clients for setting in FLOWER_ROUNDS}):
        jobs = {setting: rounds for setting, rounds in FLOWER_ROUNDS.items() if setting.clients == clients}
        arguments = json.dumps([(asdict(setting), rounds) for setting, rounds in jobs.items()])
        found = _own_process(f"from benchmarks._federation_flower import measure; measure({arguments!r})")
        rows += [_named(setting) | row for setting, row in zip(jobs, found, strict=True)]
    table = pd.DataFrame(rows).assign(ratio=lambda rows: rows.flower_s / rows.stacked_s)
    print(_shown(table), "\n", flush=True)
    return table


def options() -> None:
    """Print what the implementations of `torch.optim.SGD` change for the loop over clients."""
    print("one by one with other implementations of torch.optim.SGD, hidden 16, 50 clients: CPU time (s)")
    rows = {}
    for kind in ("gru", "lstm"):
        runs = [[one_by_one(Setting.of(kind, 16, 50), **sgd)[0] for sgd in OPTIONS.values()] for _ in range(2)]
        rows[kind] = [f"{s:.2f}" for s in np.min(runs, axis=0)]
    print(pd.DataFrame(rows, OPTIONS).T.to_string(), "\n", flush=True)


def growth() -> pd.DataFrame:
    """Measure a round of 10 to 10,000 cells, print and return the table; fits start at 100 cells."""
    code = "from benchmarks._federation_runs import measure_cells; measure_cells({})"
    table = pd.DataFrame([_own_process(code.format(n)) for n in CELLS])
    table["one_by_one_s"] = [one_by_one(Setting.cells(n))[0] if n in CELLS_ONE_BY_ONE else np.nan for n in CELLS]
    many = table[table.clients >= 100]
    table.attrs["time"] = np.polyfit(np.log(many.clients), np.log(many.round_s), 1)[0]
    table.attrs["kib"] = 1024 * np.polyfit(many.clients, many.peak_mib, 1)[0]
    print("GRU, 4 inputs, 16 hidden units, 3 steps, 480 samples a cell in batches of 20, one pass a round")
    print(f"from 100 cells on, time grows to the power {table.attrs['time']:.2f}, "
          f"memory by {table.attrs['kib']:.0f} KiB a cell")  # fmt: skip
    print(table.round(3).to_string(index=False), "\n", flush=True)
    return table


def _own_process(code: str):
    done = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def _named(setting: Setting) -> dict:
    return {"kind": setting.kind, "hidden": setting.hidden, "clients": setting.clients}


def _shown(table: pd.DataFrame) -> str:
    forms = {"stacked_s": "{:.3f}", "one_by_one_s": "{:.2f}", "flower_s": "{:.2f}", "ratio": "{:.1f}x",
             "difference": "{:.1e}"}  # fmt: skip
    forms = {name: form.format for name, form in forms.items()}
    return table.to_string(index=False, formatters=forms)


def _plot(rounds: pd.DataFrame, simulated: pd.DataFrame, cells: pd.DataFrame) -> None:
    viz.use_style()
    fig, (bars, time, memory) = plt.subplots(1, 3, figsize=(12.0, 3.6))
    place = np.arange(len(rounds))
    beside = rounds.merge(simulated, "left", ["kind", "hidden", "clients"], suffixes=("", "_flower"))
    for name, column, shift, role in (("Flower", "ratio_flower", -0.2, "isolated"),
                                      ("one by one", "ratio", 0.2, "baseline")):  # fmt: skip
        bars.barh(place + shift, beside[column], 0.4, label=name, color=viz.role_style(role)["color"])
    bars.axvline(1.0, color=viz.role_style("twin")["color"], label="stacked")
    names = [f"{row.kind.upper()} {row.hidden}, {row.clients} clients" for row in rounds.itertuples()]
    bars.set_yticks(place, names)
    bars.invert_yaxis()
    bars.set(xscale="log", xlabel="CPU time of a round / stacked (ratio)", title="Small models gain most")
    bars.legend()
    time.loglog(cells.clients, cells.one_by_one_s, label="one by one", **viz.role_style("baseline"))
    time.loglog(cells.clients, cells.round_s, label="stacked", **viz.role_style("twin") | {"markevery": 1})
    time.set(xlabel="cells (count)", ylabel="CPU time of a round (s)",
             title=f"Time grows to the power {cells.attrs['time']:.2f}")  # fmt: skip
    time.legend()
    above_mib = cells.peak_mib - cells.imports_mib
    memory.loglog(cells.clients, above_mib, label="round", **viz.role_style("twin") | {"markevery": 1})
    memory.loglog(cells.clients, cells.data_mib, label="samples alone", **viz.role_style("baseline"))
    memory.set(xlabel="cells (count)", ylabel=f"peak memory above imports' {cells.imports_mib.mean():.0f} (MiB)",
               title=f"Memory grows by {cells.attrs['kib']:.0f} KiB a cell")  # fmt: skip
    memory.legend()
    fig.savefig(PICTURE, dpi=90, metadata={"Software": None})
