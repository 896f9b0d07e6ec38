"""Exhaustive ray tracing against Sionna RT: CPU time, memory and the paths themselves, and how our time grows.

Both get the same triangles, materials and users, LOS and specular reflections only, isotropic vertical antennas.
Every measurement is a process of its own, CPU time is that of all threads, calls are warm, our image tree is built
anew in each. Sionna RT samples, so it runs at several numbers of rays and sizes of its table of candidates:

- *cheapest*: the least CPU time among the settings that find as many of our paths as any of its settings;
- *default*: 1,000,000 rays;
- *equal paths* (city): the cheapest that finds as many as we do, or else the one that finds most.

A path is valid if it stands before an exhaustive check in float64, whoever found it (`_path_check`).
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from benchmarks._path_check import has, is_copy, verdicts
from benchmarks._raytracing_runs import DEFAULT, Job, Setting, has_sionna, in_own_process, scene
from dnt_lab import viz
from dnt_lab.raytracing import Paths

CANYON = [Job("canyon", users, order) for users in (128, 1024) for order in (2, 3)]
CANYON_SETTINGS = [*(Setting(n, table) for table in (10**6, 10**7) for n in (1_000, 2_000, 3_000, 10_000)),
                   Setting(100_000), DEFAULT]  # fmt: skip
CITY = Job("city", 1000, 2)
CITY_SETTINGS = [Setting(10_000), Setting(100_000), Setting(100_000, 10_000_000), DEFAULT, Setting(10**6, 10**7)]
GROWTH = {
    "users": [Job("canyon", users, 3) for users in (64, 256, 1024, 4096)],
    "reflections": [Job("canyon", 1024, order) for order in (0, 1, 2, 3)],
    "triangles": [Job("city", 100, 2, crop_m) for crop_m in (100, 150, 225, 350, 525, 800)],
}
PICTURE = Path(__file__).parent / "raytracing.png"


def main() -> None:
    """Print the tables, save the plot, print the JSON line."""
    sionna = has_sionna()
    if not sionna:
        print("Sionna RT is not installed (pip install 'dnt-lab[bench]'), so only our side is measured.\n")
    canyon = [compare(job, CANYON_SETTINGS if sionna else []) for job in CANYON]
    city = compare(CITY, CITY_SETTINGS if sionna else [])
    growth = {axis: _growth(axis, jobs) for axis, jobs in GROWTH.items()}
    _plot(growth, canyon)
    result = dict.fromkeys(["ratio_cheapest_min", "ratio_default_min", "paths_only_in_sionna", "city_ratio"])
    result |= {"city_paths_ours": int(city.valid[0]), "city_paths_sionna": None}
    if sionna:
        equal = equal_paths(city)
        result |= {
            "ratio_cheapest_min": round(min(rows.ratio[cheapest(rows)] for rows in canyon), 1),
            "ratio_default_min": round(min(rows.ratio[rows.name == DEFAULT.name].item() for rows in canyon), 1),
            "paths_only_in_sionna": int(sum(rows.extra.sum() for rows in [*canyon, city])),
            "city_ratio": round(city.ratio[equal], 1),
            "city_paths_sionna": int(city.valid[equal]),
        }
    print(json.dumps(result))


def compare(job: Job, settings: list[Setting]) -> pd.DataFrame:
    """Measure our tracer and then Sionna RT at every setting.

    Returns
    -------
    DataFrame
        A row each, ours first: who, seconds, MiB, `ratio` of CPU time to ours, and numbers of paths: `valid` (each
        once), `shared` (ours that it has too), `missed` (ours that it lacks), `extra` (valid, but not ours),
        `on_edge` (right or wrong by less than a millimetre; not ours), `invalid`, `copies` (listed twice).
    """
    place = scene(job.place)
    print(f"{place.name}: {len(place):,} triangles, {job.users:,} users, up to {job.order} reflections", flush=True)
    row, ours = _measured(job, None)
    true, copy = verdicts(place, ours) != "invalid", is_copy(ours)
    n_valid = int((true & ~copy).sum())
    counts = {"valid": n_valid, "shared": n_valid, "missed": 0, "extra": 0, "on_edge": 0}
    rows = [row | counts | {"invalid": int((~true).sum()), "copies": int(copy.sum())}]
    for setting in settings:
        row, found = _measured(job, setting)
        copy, shared = is_copy(found), int((has(ours, found) & true & ~is_copy(ours)).sum())
        kinds = verdicts(place, found[~copy & ~has(found, ours)]).tolist()
        extra, on_edge = kinds.count("valid"), kinds.count("on an edge")
        counts = {"valid": shared + extra + on_edge, "shared": shared, "missed": n_valid - shared, "extra": extra}
        counts |= {"on_edge": on_edge, "invalid": kinds.count("invalid"), "copies": int(copy.sum())}
        rows.append(row | counts)
    table = pd.DataFrame(rows)
    table["ratio"] = table.cpu_s / table.cpu_s[0]
    print(_shown(table), "\n")
    return table


def cheapest(table: pd.DataFrame) -> int:
    """Row of the cheapest setting of Sionna RT that finds as many of our paths as any of its settings."""
    peers = table[1:]
    return peers.cpu_s[peers.shared == peers.shared.max()].idxmin()


def equal_paths(table: pd.DataFrame) -> int:
    """Row of the cheapest setting of Sionna RT that finds as many paths as we do, or that comes nearest."""
    peers = table[1:]
    return peers.cpu_s[peers.valid >= min(table.valid[0], peers.valid.max())].idxmin()


def _measured(job: Job, setting: Setting | None) -> tuple[dict, Paths]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "paths.npz")
        row = {"name": setting.name if setting else "ours"} | in_own_process(job, setting, file)
        return row, Paths.load(file)


def _shown(table: pd.DataFrame) -> str:
    marks = np.full(len(table), "", object)
    if len(table) > 1:
        marks[cheapest(table)] = "  <- cheapest"
    columns = {
        "tracer": table.name,
        "CPU (ms)": [f"{s * 1e3:.1f}" for s in table.cpu_s],
        "ratio": [f"{r:.1f}x" for r in table.ratio],
        "wall (ms)": [f"{s * 1e3:.1f}" for s in table.wall_s],
        "first (s)": [f"{s:.1f}" for s in table.prepare_s],
        "memory (MiB)": [f"{m:.0f}" for m in table.memory_mib],
    }
    counts = table[["valid", "missed", "extra", "on_edge", "invalid", "copies"]].rename(columns={"valid": "paths"})
    return pd.concat([pd.DataFrame(columns), counts, pd.Series(marks, name="")], axis=1).to_string(index=False)


def _growth(axis: str, jobs: list[Job]) -> pd.DataFrame:
    """Our CPU time along one axis, printed with the fitted growth: an exponent, or a factor a reflection."""
    sizes = [{"users": job.users, "reflections": job.order, "triangles": len(scene(job.place, job.crop_m))}[axis]
             for job in jobs]  # fmt: skip
    rows = [_measured(job, None) for job in jobs]
    table = pd.DataFrame({
        axis: sizes,
        "cpu_ms": [row["cpu_s"] * 1e3 for row, _ in rows],
        "memory_mib": [row["memory_mib"] for row, _ in rows],
        "paths": [len(paths) for _, paths in rows],
    })  # fmt: skip
    along = np.array(sizes, float) if axis == "reflections" else np.log(sizes)
    slope = np.polyfit(along, np.log(table.cpu_ms), 1)[0]
    fitted = f"x {np.exp(slope):.1f} a reflection" if axis == "reflections" else f"with {axis} to the power {slope:.2f}"
    table.attrs["growth"] = fitted
    job = jobs[-1]
    rest = {"users": f"{job.order} reflections", "reflections": f"{job.users:,} users",
            "triangles": f"{job.users} users, {job.order} reflections"}[axis]  # fmt: skip
    print(f"time grows {fitted} ({job.place}, {rest})")
    print(table.round(1).to_string(index=False), "\n")
    return table


def _plot(growth: dict[str, pd.DataFrame], canyon: list[pd.DataFrame]) -> None:
    viz.use_style()
    fig, axes = plt.subplots(1, len(growth), figsize=(10.0, 3.4), sharey=True)
    for ax, (axis, table) in zip(axes, growth.items(), strict=True):
        ax.plot(table[axis], table.cpu_ms, label="ours", **viz.role_style("twin") | {"markevery": 1})
        ax.set(yscale="log", xlabel=f"{axis} (count)", title=table.attrs["growth"])
        if axis != "reflections":
            ax.set_xscale("log")
    peers = [(job.users, rows.cpu_s[cheapest(rows)] * 1e3) for job, rows in zip(CANYON, canyon, strict=True)
             if job.order == GROWTH["users"][0].order and len(rows) > 1]  # fmt: skip
    if peers:
        axes[0].plot(*zip(*peers, strict=True), label="Sionna RT, cheapest", **viz.role_style("isolated"))
    axes[0].legend()
    axes[0].set_ylabel("CPU time (ms)")
    fig.savefig(PICTURE, dpi=90, metadata={"Software": None})
