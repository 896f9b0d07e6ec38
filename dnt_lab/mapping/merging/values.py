r"""The value of a coalition of twins: how much better than nothing their fused belief foretells measurements.

A twin's owner has a few measurements of its own. A part of them teaches how to fuse (`fit_errors`), the rest is
foretold; each part has its turn. The value is the mean gain in log-likelihood, in nats a measurement,

.. math:: v(S) = \frac{1}{N} \sum_k \left[\ln p_S(z_k) - \ln p_\emptyset(z_k)\right],

where the empty coalition knows mean and deviation of the measurements that teach. One nat is a factor e in density, as
much as an error e times as small (at a deviation that fits). A twin that claims too much costs its coalition dearly.

>>> values = coalition_values([twin.belief(reports.xy_m, now_h) for twin in twins], reports)
>>> shapley(values)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dnt_lab.datasets._checks import one_of, whole
from dnt_lab.mapping.merging.belief import Belief, Samples
from dnt_lab.mapping.merging.coalition import MAX_PLAYERS, members
from dnt_lab.mapping.merging.fusion import as_claimed, fit_errors, fused_by_coalition

RULES = ("average", "claimed", "calibrated")


def coalition_values(
    beliefs: Sequence[Belief], samples: Samples, rule: str = "calibrated", *, weight=None, folds: int = 5
) -> np.ndarray:
    """Return the value of every coalition of n twins.

    Parameters
    ----------
    beliefs : sequence of n Belief
        About the positions of the samples, without having seen them; n up to 20, and memory grows with 2^n.
    samples : Samples
        N measurements, in no order that matters.
    rule : str
        How coalitions fuse: ``"average"`` (`averaged`), ``"claimed"`` (`fuse` as claimed) or ``"calibrated"`` (`fuse`
        with the error model of the other samples).
    weight : array_like, shape (N,), optional
        How much each sample counts, as in `fit_errors`.
    folds : int
        Parts of the samples, 2 or more; each is foretold from the others.

    Returns
    -------
    ndarray, shape (2^n,)
        In nats, in the order of `members`; 0 for the empty coalition.

    Raises
    ------
    ValueError, TypeError
        If there are too few samples for so many parts, or as in `fit_errors`.
    """
    one_of("rule", rule, RULES)
    n_twins = whole("The number of twins", len(beliefs), 1, MAX_PLAYERS)
    folds = whole("folds", folds, 2)
    if len(samples) < 4 * folds:
        raise ValueError(f"there are {len(samples)} samples, but {folds} parts need at least {4 * folds}")
    weight = np.ones(len(samples)) if weight is None else np.asarray(weight, float)
    part = np.arange(len(samples)) % folds
    who = members(n_twins)[1:]
    gain = np.empty((len(who), len(samples)))
    for k in range(folds):
        rest, held = part != k, part == k
        mean_db, variance = _foretold(beliefs, samples, rule, who, weight, rest, held)
        average_db = np.average(samples.gain_db[rest], weights=weight[rest])
        spread = np.average((samples.gain_db[rest] - average_db) ** 2, weights=weight[rest])
        z_db = samples.gain_db[held]
        gain[:, held] = _log_density(z_db, mean_db, variance + samples.noise_db**2) - _log_density(
            z_db, average_db, spread
        )
    return np.append(0.0, gain @ weight / weight.sum())


def _foretold(beliefs, samples, rule, who, weight, rest, held) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of the gain at the held samples in each coalition, shapes (M, H)."""
    mean_db, std_db = (np.array([getattr(b, name)[held] for b in beliefs]) for name in ("mean_db", "std_db"))
    if rule == "average":
        share = who / who.sum(axis=1, keepdims=True)
        average = share @ mean_db
        return average, share @ (std_db**2 + mean_db**2) - average**2
    errors = as_claimed(len(beliefs))
    if rule == "calibrated":
        errors = fit_errors([belief[rest] for belief in beliefs], samples[rest], weight[rest])
    fused_db, deviation_db = fused_by_coalition(mean_db, std_db, errors, who)
    return fused_db, deviation_db**2


def _log_density(z, mean, variance) -> np.ndarray:
    return -0.5 * ((z - mean) ** 2 / variance + np.log(2 * np.pi * variance))
