"""How good a prediction is: error of the gain, F1 of line of sight, delay spread, beam, and honesty about its doubt."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pandas as pd

from dnt_lab.mapping.vertical.attributes import LinkAttributes
from dnt_lab.mapping.vertical.predict import Prediction
from dnt_lab.mapping.vertical.task import SPREAD_FLOOR_S

LEVELS = (0.5, 0.8, 0.9, 0.95)


def rmse_db(gain_db: np.ndarray, truth: LinkAttributes, among: np.ndarray | None = None) -> float:
    """Root mean square error of the gain in dB over links on which anything arrives (and that are in `among`).

    NaN if there is none.
    """
    where = truth.path if among is None else truth.path & among
    return _mean((gain_db - truth.gain_db)[where] ** 2) ** 0.5


def f1(said: np.ndarray, true: np.ndarray) -> float:
    """Harmonic mean of precision and recall, ``2 TP / (2 TP + FP + FN)``; NaN if nothing was said and nothing true."""
    said, true = np.asarray(said, bool), np.asarray(true, bool)
    hits, misses = np.count_nonzero(said & true), np.count_nonzero(said != true)
    return float(2 * hits / (2 * hits + misses)) if hits + misses else float("nan")


def coverage(predicted: Prediction, truth: LinkAttributes, levels=LEVELS) -> pd.Series:
    """Share of measured gains inside the central intervals of the given probabilities; index ``level``.

    A twin is calibrated if the share is the level. Links without a path have no gain and are left out.
    """
    inside = np.abs(2 * predicted.place(truth.gain_db)[truth.path] - 1)
    shares = [_mean(inside <= level) for level in levels]
    return pd.Series(shares, pd.Index(levels, name="level"), name="coverage")


def link_scores(predicted: Prediction, truth: LinkAttributes) -> dict[str, float]:
    """Score a prediction.

    Returns
    -------
    dict
        ``rmse_db`` and, with and without line of sight, ``los_rmse_db`` and ``nlos_rmse_db``; ``los_f1``,
        ``path_f1``; ``spread_rmse_lg``, root mean square error of the delay spread's
        logarithm to the base 10 (spreads below 0.1 ns count as that); ``beam_hit``, share of links whose
        best beam is found, and ``beam_loss_db``, mean loss in dB through the predicted beam; ``coverage_90``. NaN where
        no link is of the kind.
    """
    heard = np.flatnonzero(truth.path)
    chosen = truth.beam_gain_db[heard, predicted.best_beam[heard]]
    best = truth.beam_gain_db[heard, truth.best_beam[heard]]
    spreads_s = (predicted.delay_spread_s[heard], truth.delay_spread_s[heard])
    spread_error = np.subtract(*(np.log10(np.maximum(s, SPREAD_FLOOR_S)) for s in spreads_s))
    return {
        "rmse_db": rmse_db(predicted.gain_db, truth),
        "los_rmse_db": rmse_db(predicted.gain_db, truth, truth.los),
        "nlos_rmse_db": rmse_db(predicted.gain_db, truth, ~truth.los),
        "los_f1": f1(predicted.los, truth.los),
        "path_f1": f1(predicted.path, truth.path),
        "spread_rmse_lg": _mean(spread_error**2) ** 0.5,
        "beam_hit": _mean((predicted.best_beam == truth.best_beam)[heard]),
        "beam_loss_db": _mean(best - chosen),
        "coverage_90": float(coverage(predicted, truth, (0.9,)).iloc[0]),
    }


def joined(parts: list) -> Prediction | LinkAttributes:
    """Join predictions, or truths, of several regions."""
    kind = type(parts[0])
    return kind(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(kind)))


def _mean(values: np.ndarray) -> float:
    """Mean, and NaN without a warning if there is nothing: in an empty room every link is in line of sight."""
    return float(np.mean(values)) if len(values) else float("nan")
