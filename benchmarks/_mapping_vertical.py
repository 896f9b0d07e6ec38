"""Vertical mapping: error on unseen regions beside every baseline, what transfer saves, what a prediction costs.

Each seed draws regions, tracks and first weights of its own. Intervals are Student's t over seeds, at 95 %.
"""

from __future__ import annotations

import time
import tracemalloc

import numpy as np
import pandas as pd

from dnt_lab.datasets import load_city
from dnt_lab.mapping import vertical
from dnt_lab.raytracing import Scene, trace

RECIPE = vertical.Recipe(rounds=30, own_rounds=8)
REGIONS = (8, 20, 50, 120)  # of each kind
TRACKS = (1, 2, 4, 8, 16, 24)
USERS = (100, 1_000, 10_000, 100_000)


def run(quick: bool) -> dict:
    """Return tables and scores over seeds, transfer curves, and CPU times."""
    seeds, n_train, n_test = (range(1, 3), 8, 6) if quick else (range(1, 6), 60, 24)
    tracks = TRACKS[:3] if quick else TRACKS
    tables, scores, curves = {}, {}, {}
    for seed in seeds:
        train, held_out, test = vertical.draw_tasks(n_train, n_test, seed, n_tracks=8 if quick else 12)
        twins = vertical.train_twins(train, 2, seed, RECIPE)
        tables[seed], scores[seed] = vertical.vertical_scores(twins, train, held_out, test)
        for name, source, task in _moves(twins, train, seed, 2 * tracks[-1]):
            curves[seed, name] = vertical.transfer_curve(
                twins.model, source, task, TRACKS[: 3 if quick else None], seed
            )
    ratios = {key: vertical.sample_ratio(curve) for key, curve in curves.items()}
    return {
        "errors": pd.concat(tables, names=["seed"]),
        "scores": pd.DataFrame(scores).T.rename_axis("seed"),
        "curves": pd.concat(curves, names=["seed", "move"]),
        "sample_ratios": pd.Series(ratios).rename_axis(["seed", "move"]),
        "places": _places(twins),
        "regions": _more_regions(REGIONS[:2] if quick else REGIONS),
        "growth": _growth(twins, USERS[:2] if quick else USERS),
    }


def _more_regions(sizes) -> pd.DataFrame:
    """Error on the same unseen regions of twins that learned from more and more regions; one seed."""
    rows = {}
    train, held_out, test = vertical.draw_tasks(max(sizes), 24, 1)
    for n in sizes:
        some = train[np.r_[:n, max(sizes) : max(sizes) + n]]
        table, scores = vertical.vertical_scores(vertical.train_twins(some, 2, 1, RECIPE), some, held_out, test)
        rows[n] = table["all"].to_dict() | {name: scores[name] for name in ("ratio", "los_f1", "clone_rmse_db")}
    return pd.DataFrame(rows).T.rename_axis("regions_of_each_kind")


def _moves(twins, train, seed: int, n_tracks: int):
    """Yield what is carried where: the twin of streets to a third city, and a twin of streets alone to rooms."""
    paris = vertical.mapping_task(vertical.street_regions(6, 1000 + seed, cities=("etoile",), n_tracks=n_tracks))
    rooms = vertical.mapping_task(vertical.room_regions(6, 1000 + seed, n_tracks=n_tracks))
    streets = vertical.train_twins(train[[region.kind == "street" for region in train.regions]], 1, seed, RECIPE)
    yield "two cities to a third", twins.serving(paris)[0], paris
    yield "streets to rooms", streets.weights[0], rooms


def _places(twins) -> pd.DataFrame:
    """CPU time a link of predicting and of tracing the same users, least of three, in places of growing size."""
    room, street = vertical.room_regions(1, 1, n_tracks=128)[0], vertical.street_regions(2, 1, n_tracks=128)[1]
    rows = {}
    for name, region, scene in (
        ("room", room, room.scenario.scene),
        ("street, 180 m square", street, street.scenario.scene),
        ("the same street, whole city", street, Scene.from_city(load_city("florence"))),
    ):
        user_m = region.track_m.reshape(-1, 3)
        predict_s = _least(lambda region=region: vertical.predict(twins.model, twins.weights[0], region))
        trace_s = _least(
            lambda region=region, scene=scene, user_m=user_m: trace(
                scene, region.bs_m, user_m, region.freq_hz, 2, extrapolate=True
            )
        )
        rows[name] = {"faces": len(scene), "users": len(user_m), "predict_us": predict_s / len(user_m) * 1e6,
                      "trace_us": trace_s / len(user_m) * 1e6, "ratio": trace_s / predict_s}  # fmt: skip
    return pd.DataFrame(rows).T.rename_axis("place")


def _growth(twins, users) -> pd.DataFrame:
    """CPU time and memory of predicting more and more users of one street, and of tracing them."""
    region, rows = vertical.street_regions(2, 1, n_tracks=max(users) // 8 + 1)[1], {}
    for n in users:
        tracks = slice(0, n // 8)
        user_m = region.track_m[tracks].reshape(-1, 3)

        def predicted(reported_m=region.reported_m[tracks]):
            return vertical.predict(twins.model, twins.weights[0], region, reported_m)

        predict_s = _least(predicted, 1)
        tracemalloc.start()
        predicted()
        peak_mib = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
        trace_s = _least(lambda user_m=user_m: region.trace(user_m), 1)
        rows[len(user_m)] = {"predict_s": predict_s, "trace_s": trace_s, "ratio": trace_s / predict_s,
                             "peak_mib": peak_mib}  # fmt: skip
    return pd.DataFrame(rows).T.rename_axis("links")


def _least(what, times: int = 3) -> float:
    seconds = []
    for _ in range(times):
        start = time.process_time()
        what()
        seconds.append(time.process_time() - start)
    return min(seconds)
