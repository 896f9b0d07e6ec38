"""The whole comparison with one seed: regions, twins, unseen regions, every baseline."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dnt_lab.mapping.vertical.attributes import LinkAttributes
from dnt_lab.mapping.vertical.baselines import FORMULAS, baseline_gains_db
from dnt_lab.mapping.vertical.calibrate import calibration_gap, stretch_factor, stretched
from dnt_lab.mapping.vertical.predict import Prediction, predict
from dnt_lab.mapping.vertical.regions import room_regions, street_regions
from dnt_lab.mapping.vertical.scores import joined, link_scores, rmse_db
from dnt_lab.mapping.vertical.task import MappingTask, mapping_task
from dnt_lab.mapping.vertical.training import Recipe, VerticalTwins, train_twins

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
    serving = twins.serving(task)
    return [predict(twins.model, weights, region) for weights, region in zip(serving, task.regions, strict=True)]


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
        `link_scores` of the twins, ``ratio`` of their error to that of the best of `FORMULAS`, ``stretch``, and the
        calibration gap before and after it.
    """
    predicted, truth = joined(predictions(twins, test)), joined(test.truth)
    factor = stretch_factor(joined(predictions(twins, held_out)), joined(held_out.truth))
    honest = stretched(predicted, factor)
    gains_db = {"vertical": predicted.gain_db} | baseline_gains_db(train, test)
    table = pd.DataFrame({name: _by_kind(gain_db, truth, test) for name, gain_db in gains_db.items()}).T
    scores = link_scores(honest, truth) | {
        "ratio": float(table.loc["vertical", "all"] / table.loc[list(FORMULAS), "all"].min()),
        "stretch": factor,
        "gap_before": calibration_gap(predicted, truth),
        "gap_after": calibration_gap(honest, truth),
    }
    return table.rename_axis("system"), scores


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
