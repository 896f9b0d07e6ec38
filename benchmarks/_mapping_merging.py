"""Multi-twin merging: what selecting and fusing candidate twins brings, what a source twin saves, and what both cost.

Each seed is a quarter of its own: Florence, Munich and Etoile take turns. Intervals are Student's t over seeds, at
95 %; those of ratios are of their logarithms.
"""

from __future__ import annotations

import time
import tracemalloc

import numpy as np
import pandas as pd

from benchmarks._intervals import interval_of_ratios
from dnt_lab.datasets.maps import CITIES
from dnt_lab.mapping import merging

NOW_H, HOURS = 15.0, range(5, 16)
AT = 20  # samples of a new twin with a source
POSITIONS, TWINS, PLAYERS = (100, 1_000, 10_000, 100_000), (2, 4, 6, 8, 10, 12), (5, 10, 15, 20)
PRICES = (0.0, 0.02, 0.05, 0.1, 0.2)  # nats per kB


def run(quick: bool) -> dict:
    """Return tables and the two numbers ``fused_over_best_rmse`` and ``transfer_sample_ratio``."""
    seeds = range(3 if quick else 15)
    scenarios = [merging.draw_scenario(seed, CITIES[seed % 3]) for seed in seeds]
    ways = [merging.compare(scenario, NOW_H) for scenario in scenarios]
    curves = [merging.transfer_curve(seed, CITIES[seed % 3]) for seed in seeds]
    held = [merging.gather(scenario, NOW_H) for scenario in scenarios]
    ratios, transfer = pd.concat([_ratios(ways), _stricter(held, scenarios)]), _transfer(curves)
    return {
        "ways": _mean([table.drop(columns="uses") for table in ways]).assign(uses=ways[0].uses),
        "ratios": ratios,
        "shapley": _worth(held),
        "sight": _mean([merging.compare_sight(h, s.truth(NOW_H)) for h, s in zip(held, scenarios, strict=True)]),
        "prices": _prices(held, scenarios),
        "history": _mean([merging.over_time(scenario, HOURS) for scenario in scenarios]),
        "curve": _mean(curves),
        "transfer": transfer,
        "sampled": _sampled(),
        "growth": _growth(scenarios[0], POSITIONS[: 3 if quick else None]),
        "coalitions": _coalitions(TWINS[: 4 if quick else None]),
        "fused_over_best_rmse": ratios.loc["all calibrated / best twin", "ratio"],
        "transfer_sample_ratio": transfer.loc[("other band", AT), "ratio"],
    }


def _mean(tables: list[pd.DataFrame]) -> pd.DataFrame:
    return sum(tables[1:], tables[0]) / len(tables)


def _ratios(ways: list[pd.DataFrame]) -> pd.DataFrame:
    rmse_db = pd.DataFrame([table.rmse_db for table in ways]).reset_index(drop=True)
    twins = list(rmse_db.columns[:6])
    rmse_db["best twin"] = rmse_db[twins].min(axis=1)
    rmse_db["best with samples"] = rmse_db[["kriging alone", "radio map + samples", "other band + samples"]].min(axis=1)
    pairs = (
        ("all calibrated", "best twin"),
        ("all calibrated", "single calibrated"),
        ("all calibrated", "average of all"),
        ("best as claimed", "all as claimed"),
        ("all calibrated", "best as claimed"),
        ("best calibrated", "all calibrated"),
        ("greedy calibrated", "all calibrated"),
        ("random calibrated", "all calibrated"),
        ("hindsight calibrated", "all calibrated"),
        ("all + reports", "best twin"),
        ("all + reports", "single + reports"),
        ("maps + samples", "kriging alone"),
        ("maps + samples", "radio map + samples"),
        ("maps + samples", "best with samples"),
    )
    return pd.DataFrame({f"{a} / {b}": interval_of_ratios(rmse_db[a] / rmse_db[b]) for a, b in pairs}).T


def _stricter(held, scenarios) -> pd.DataFrame:
    """Two harder questions, each against the best twin in hindsight.

    Without the positions that get scattered power only, which every map knows but for a constant; and with every twin
    corrected by the same reports before it is compared.
    """
    lit, fresh, share = [], [], []
    for known, scenario in zip(held, scenarios, strict=True):
        truth = scenario.truth(NOW_H)
        some = np.isfinite(truth.turn_deg)
        everyone, alone = np.ones(len(known.twins), bool), np.eye(len(known.twins), dtype=bool)
        fused, *each = (_rmse_db(known.fused(taken)[some], truth.gain_db[some]) for taken in (everyone, *alone))
        lit.append(fused / min(each))
        fused, *each = (_rmse_db(known.fresh(taken, known.reports), truth.gain_db) for taken in (everyone, *alone))
        fresh.append(fused / min(each))
        share.append(some.mean())
    return pd.DataFrame(
        {
            f"all calibrated / best twin, the {np.mean(share):.0%} with a path": interval_of_ratios(lit),
            "all + reports / best twin + reports": interval_of_ratios(fresh),
        }
    ).T


def _rmse_db(belief, truth_db) -> float:
    return merging.score(belief, truth_db)["rmse_db"]


def _worth(held) -> pd.DataFrame:
    """Mean Shapley values in nats a report, as twins are fused as claimed and calibrated."""
    rules = ("average", "claimed", "calibrated")
    found = {rule: np.mean([merging.shapley(h.values(rule)) for h in held], axis=0) for rule in rules}
    return pd.DataFrame(found, index=held[0].names)


def _prices(held, scenarios) -> pd.DataFrame:
    """What the best coalition costs and errs when bytes have a price."""
    rows = {}
    for price in PRICES:
        row = []
        for known, scenario in zip(held, scenarios, strict=True):
            kbytes = np.array([twin.n_bytes for twin in known.twins]) / 1000
            taken = merging.choose(known.values(), cost=price * kbytes)
            score = merging.score(known.fused(taken), scenario.truth(NOW_H).gain_db)
            row.append((taken.sum(), kbytes @ taken, score["rmse_db"]))
        rows[price] = np.mean(row, axis=0)
    return pd.DataFrame(rows, index=["twins", "kbytes", "rmse_db"]).T.rename_axis("nats_per_kbyte")


def _transfer(curves: list[pd.DataFrame]) -> pd.DataFrame:
    """Times as many samples as the standard needs, by source and number of samples with it."""
    rows = {
        (source, at): interval_of_ratios([merging.sample_ratio(curve, source, at) for curve in curves])
        for source in ("other band", "before the change", "another place")
        for at in (10, AT, 40)
    }
    return pd.DataFrame(rows).T.rename_axis(["source", "samples"])


def _sampled() -> pd.DataFrame:
    """Exact and sampled Shapley values of the airport game with n planes: errors in shares of the mean, and times."""
    rows = {}
    for n in PLAYERS:
        costs = np.arange(1.0, n + 1)

        def airport(who, costs=costs):
            return (who * costs).max(axis=1, initial=0.0)

        start = time.process_time()
        exact = merging.shapley(airport(merging.members(n)))
        row = {"exact_s": time.process_time() - start}
        for kind, both in (("plain", False), ("antithetic", True)):
            start = time.process_time()
            found = [merging.shapley_sampled(airport, n, 200, seed, antithetic=both) for seed in range(10)]
            row[f"{kind}_s"] = (time.process_time() - start) / 10
            row[f"{kind}_error"] = np.sqrt(np.mean([(f.value - exact) ** 2 for f in found])) / exact.mean()
            row[f"{kind}_claimed"] = np.sqrt(np.mean([f.standard_error**2 for f in found])) / exact.mean()
        rows[n] = row
    return pd.DataFrame(rows).T.rename_axis("players")


def _growth(scenario, positions) -> pd.DataFrame:
    """CPU time of asking six twins, of fusing and of assimilating, and the peak memory of all, over positions."""
    held = merging.gather(scenario, NOW_H)
    samples = held.reports + held.samples
    believed = merging.fuse([twin.belief(samples.xy_m, NOW_H) for twin in held.twins], held.errors)
    low_m, high_m = np.reshape(scenario.place.bounds_m, (2, 2))
    rows = {}
    for n in positions:
        xy_m = np.random.default_rng(0).uniform(low_m, high_m, (n, 2))
        for traced in (False, True):  # which slows everything down
            if traced:
                tracemalloc.start()
            beliefs, ask_s = _timed(lambda xy_m=xy_m: [twin.belief(xy_m, NOW_H) for twin in held.twins])
            fused, fuse_s = _timed(lambda beliefs=beliefs: merging.fuse(beliefs, held.errors))
            _, fresh_s = _timed(lambda f=fused, xy_m=xy_m: merging.assimilate(f, xy_m, believed, samples, NOW_H))
            if not traced:
                rows[n] = {"ask_s": ask_s, "fuse_s": fuse_s, "assimilate_s": fresh_s}
        rows[n]["peak_mib"] = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
    return pd.DataFrame(rows).T.rename_axis("positions")


def _coalitions(numbers) -> pd.DataFrame:
    """CPU time of valuing all coalitions of n twins by 128 reports and of their Shapley values."""
    rng = np.random.default_rng(0)
    truth_db = rng.normal(-100, 10, 128)
    reports = merging.Samples(np.zeros((128, 2)), np.zeros(128), truth_db, truth_db > -100, np.full(128, np.nan), 2.0)
    rows = {}
    for n in numbers:
        beliefs = [merging.Belief(truth_db + s * rng.normal(size=128), np.full(128, s)) for s in rng.uniform(2, 9, n)]
        values, values_s = _timed(lambda beliefs=beliefs: merging.coalition_values(beliefs, reports))
        _, shapley_s = _timed(lambda values=values: merging.shapley(values))
        rows[n] = {"coalitions": 2**n, "values_s": values_s, "shapley_s": shapley_s}
    return pd.DataFrame(rows).T.rename_axis("twins")


def _timed(what) -> tuple:
    start = time.process_time()
    return what(), time.process_time() - start
