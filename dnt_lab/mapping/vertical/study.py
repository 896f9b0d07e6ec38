"""The whole comparison with one seed: regions, twins, unseen regions, every baseline."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dnt_lab.mapping.vertical.attributes import LinkAttributes, beam_towards, direct_azimuth_deg
from dnt_lab.mapping.vertical.baselines import TO_BEAT, baseline_gains_db
from dnt_lab.mapping.vertical.calibrate import calibration_gap, stretch_factor, stretched
from dnt_lab.mapping.vertical.clusters import N_PILOTS
from dnt_lab.mapping.vertical.predict import Prediction, predict
from dnt_lab.mapping.vertical.regions import room_regions, street_regions
from dnt_lab.mapping.vertical.scores import f1, joined, link_scores, rmse_db
from dnt_lab.mapping.vertical.task import MappingTask, mapping_task
from dnt_lab.mapping.vertical.training import Recipe, VerticalTwins, train_twins
from dnt_lab.mapping.vertical.views import clear_of_obstacles

TRAINING_CITIES, UNSEEN_CITY = ("munich", "florence"), "etoile"


def draw_tasks(
    n_train: int, n_test: int, seed: int, n_tracks: int = 12
) -> tuple[MappingTask, MappingTask, MappingTask]:
    """Draw regions to learn from, to set doubt right on, and unseen ones; half streets, half rooms.

    Streets to learn from and to set doubt right on are in Munich and Florence, unseen ones in the third city, Paris.

    Parameters
    ----------
    n_train, n_test : int
        Regions of each kind to learn from, and of each kind that are unseen; a third as many (6 at least) set doubt
        right.
    seed : int
        Of everything.
    n_tracks : int
        Tracks a region.
    """
    rng = np.random.default_rng(seed)
    counts = (n_train, max(6, n_test // 3), n_test)
    cities = (TRAINING_CITIES, TRAINING_CITIES, (UNSEEN_CITY,))
    return tuple(
        mapping_task(street_regions(n, rng, cities=where, n_tracks=n_tracks) + room_regions(n, rng, n_tracks=n_tracks))
        for n, where in zip(counts, cities, strict=True)
    )


def predictions(twins: VerticalTwins, task: MappingTask) -> list[Prediction]:
    """Predict all regions of a task, each by the twin of its cluster."""
    return _served(twins.model, twins.serving(task), task)


def _served(model, serving: np.ndarray, task: MappingTask) -> list[Prediction]:
    return [predict(model, weights, region) for weights, region in zip(serving, task.regions, strict=True)]


def vertical_scores(
    twins: VerticalTwins, train: MappingTask, held_out: MappingTask, test: MappingTask
) -> tuple[pd.DataFrame, dict[str, float]]:
    """Compare twins on unseen regions with every baseline.

    Parameters
    ----------
    twins : VerticalTwins
        Made from `train`.
    train, held_out, test : MappingTask
        From `draw_tasks`: learned from, to set doubt right on, unseen.

    Returns
    -------
    table : DataFrame
        Index ``system``; columns ``all``, ``street``, ``room``: root mean square error of the gain in dB.
    scores : dict
        `link_scores` of the twins; ``los_f1_raster`` and ``beam_hit_direct``, what the raster and the direction of the
        user say without learning; ``path_f1_always``, of saying that something always arrives;
        ``clone_rmse_db`` and ``los_f1_clone``, of tracing the whole scene at the reported positions, which is as good
        as the positions let anyone be; ``ratio``
        of the twins' error to that of the best of `TO_BEAT`; ``stretch``, and the calibration gap before and after it.

    Notes
    -----
    The pilot tracks, which choose the twin of an unseen region, are left out of the scores.
    """
    factor = stretch_factor(joined(predictions(twins, held_out)), joined(held_out.truth))
    asked = test.tracks(slice(N_PILOTS, None))
    predicted, truth = joined(_served(twins.model, twins.serving(test), asked)), joined(asked.truth)
    honest = stretched(predicted, factor)
    gains_db = {"vertical": predicted.gain_db} | baseline_gains_db(train, asked)
    table = pd.DataFrame({name: _by_kind(gain_db, truth, asked) for name, gain_db in gains_db.items()}).T
    scores = link_scores(honest, truth) | _without_learning(asked, truth) | {
        "ratio": float(table.loc["vertical", "all"] / table.loc[list(TO_BEAT), "all"].min()),
        "stretch": factor,
        "gap_before": calibration_gap(predicted, truth),
        "gap_after": calibration_gap(honest, truth),
    }  # fmt: skip
    return table.rename_axis("system"), scores


def _without_learning(task: MappingTask, truth: LinkAttributes) -> dict[str, float]:
    """Score what geometry alone says: a clone's tracer, the raster's straight ray, the beam that points at the user."""
    ends = [(region, region.reported_m.reshape(-1, 3)) for region in task.regions]
    cloned = joined([LinkAttributes.of(region.trace(user_m)) for region, user_m in ends])
    clear = np.concatenate([clear_of_obstacles(region.raster, region.bs_m, user_m) for region, user_m in ends])
    beam = np.concatenate([beam_towards(direct_azimuth_deg(region.bs_m, user_m)) for region, user_m in ends])
    return {
        "clone_rmse_db": rmse_db(cloned.gain_db, truth, cloned.path),
        "los_f1_clone": f1(cloned.los, truth.los),
        "los_f1_raster": f1(clear, truth.los),
        "beam_hit_direct": float((beam == truth.best_beam)[truth.path].mean()),
        "path_f1_always": f1(np.ones(len(truth), bool), truth.path),
    }


def vertical_study(
    n_train: int = 24, n_test: int = 12, seed: int = 1, *, k: int = 2, recipe: Recipe = Recipe(), n_tracks: int = 12
) -> tuple[pd.DataFrame, dict[str, float]]:
    """Draw tasks, let twins learn, and compare them: `draw_tasks`, `train_twins` and `vertical_scores` in one."""
    train, held_out, test = draw_tasks(n_train, n_test, seed, n_tracks)
    return vertical_scores(train_twins(train, k, seed, recipe), train, held_out, test)


def _by_kind(gain_db: np.ndarray, truth: LinkAttributes, task: MappingTask) -> dict[str, float]:
    kinds = np.concatenate([[region.kind] * len(part) for region, part in zip(task.regions, task.truth, strict=True)])
    among = {"all": None, "street": kinds == "street", "room": kinds == "room"}
    return {name: rmse_db(gain_db, truth, which) for name, which in among.items()}
