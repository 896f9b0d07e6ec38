"""Local twins and a global twin kept alive while walls change: what each way errs, how soon it recovers, what it sends.

Each seed is a campus of its own. Intervals are Student's t over seeds, at 95 %, also those of differences and ratios,
which are taken seed by seed.
"""

from __future__ import annotations

import time
import tracemalloc

import numpy as np
import pandas as pd

from benchmarks._intervals import interval
from dnt_lab import fl
from dnt_lab.mapping import continual

WEIGHTS = (0.05, 0.1, 0.15)
STEP_WEIGHTS = (0.05, 0.15, 0.3, 0.6)
PAIRS = (
    ("local", "frozen", "all"),
    ("local", "frozen, corrected", "all"),
    ("local", "frozen, corrected", "later"),
    ("local", "frozen, corrected", "late"),
    ("local, corrected", "frozen, corrected", "later"),
    ("local, corrected", "frozen, corrected", "all"),
    ("local", "global", "all"),
    ("local", "alone", "all"),
    ("local", "alone", "quiet"),
    ("local + global", "local", "all"),
    ("local + global", "local", "waiting"),
    ("local + global", "local", "late"),
    ("global", "frozen", "waiting"),
    ("global", "local", "soon"),
    ("global", "rounds", "all"),
    ("global", "rounds", "later"),
    ("local + global", "rounds, local + global", "all"),
    ("local + global", "rounds, local + global", "later"),
    ("global, buffered", "global", "all"),
    ("best by reports", "local", "all"),
    ("best by reports", "local", "later"),
)


def run(quick: bool) -> dict:
    """Return tables, keyed by drift and system, and what they cost."""
    seeds = range(1, 3 if quick else 9)
    tables, rules, steps, spent_s = {}, {}, {}, []
    for drift in continual.DRIFTS:
        for seed in seeds:
            world, drawn_s = _timed(lambda drift=drift, seed=seed: continual.draw_world(drift, seed))
            tables[drift, seed], compared_s = _timed(lambda world=world: continual.compare(world))
            spent_s.append((drawn_s, compared_s))
            if drift != "none":
                for weight in WEIGHTS[-1:] if quick else WEIGHTS:
                    rules[drift, seed, weight] = continual.compare_rules(world, weight)
                steps[drift, seed] = _step_sizes(world)
    return {
        "systems": _summary(_joined(tables, ["drift", "seed"])),
        "ratios": _ratios(_joined(tables, ["drift", "seed"])),
        "rules": _summary(_joined(rules, ["drift", "seed", "mean_weight"])),
        "rule_ratios": _rule_ratios(_joined(rules, ["drift", "seed", "mean_weight"])),
        "step_sizes": _summary(_joined(steps, ["drift", "seed"])),
        "growth": _growth((6,) if quick else (6, 24, 96)),
        "cpu_s": dict(zip(("draw_world", "compare"), np.mean(spent_s, axis=0), strict=True)),
    }


def _joined(tables: dict, names: list[str]) -> pd.DataFrame:
    return pd.concat(tables, names=names).astype(float)


def _summary(table: pd.DataFrame) -> pd.DataFrame:
    """Mean, low and high over seeds, a row a system. The median stands for recovery times, of which some are inf."""
    by = [name for name in table.index.names if name != "seed"]
    groups = table.groupby(by, sort=False)
    rows = groups.agg(lambda values: values.mean())
    rows["recovery_h"] = groups["recovery_h"].median()
    for name in ("later", "late", "all"):
        ends = groups[name].agg(lambda values: interval(values)["high"] - values.mean())
        rows.insert(rows.columns.get_loc(name) + 1, f"{name}_pm", ends)
    return rows


def _ratios(table: pd.DataFrame) -> pd.DataFrame:
    """Error of one system over that of another, seed by seed."""
    rows = {}
    for drift in continual.DRIFTS:
        for a, b, column in PAIRS:
            error = table.xs(drift)[column].unstack("system")
            if error[a].notna().all():
                rows[drift, f"{a} / {b}", column] = interval(error[a] / error[b])
    return pd.DataFrame(rows).T


def _rule_ratios(table: pd.DataFrame) -> pd.DataFrame:
    """Error of each discount over that of the constant one of the same mean weight."""
    rows = {}
    for column in ("waiting", "later", "sleepy", "late", "all"):
        error = table[column].unstack("system")
        for name in list(continual.RULES)[1:]:
            for (drift, weight), ratio in (error[name] / error["constant()"]).groupby(["drift", "mean_weight"]):
                rows[drift, weight, name, column] = interval(ratio)
    return pd.DataFrame(rows).T


def _step_sizes(world: continual.World) -> pd.DataFrame:
    """The constant weight alone, small to large."""
    runs = {f"{alpha:g}": continual.asynchronous(world, fl.fedasync(alpha, fl.constant())) for alpha in STEP_WEIGHTS}
    return continual.phases(world, runs)


def _growth(rooms_each) -> pd.DataFrame:
    """CPU time and memory of keeping twins alive for 36 hours, over the number of BSs."""
    rows, rule = {}, fl.fedasync(0.6, fl.polynomial(0.5))
    for n in rooms_each:
        world, drawn_s = _timed(lambda n=n: continual.draw_world("one", 1, n_rooms=n))
        run, run_s = _timed(lambda world=world: continual.asynchronous(world, rule, "buildings", 4))
        tracemalloc.start()
        continual.asynchronous(world, rule, "buildings", 4)
        peak = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
        rows[4 * n] = {"draw_s": drawn_s, "run_s": run_s, "arrivals": len(run.history), "peak_mib": peak}
    return pd.DataFrame(rows).T.rename_axis("BSs")


def _timed(what) -> tuple:
    start = time.process_time()
    return what(), time.process_time() - start
