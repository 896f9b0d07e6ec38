r"""Alignment: the feedback loop that moves a whole distribution of scenarios to a few measurements.

Weighing scenarios drawn from a wrong prior leaves one or two that are least wrong, and they look certain. So the
likelihood L is let in by steps, :math:`L = L^{\beta_1} L^{\beta_2} \cdots`, each so small that half of the scenarios
still speak after it. Between steps new scenarios are drawn around these, and traced.

Source: P. Del Moral, A. Doucet and A. Jasra, "Sequential Monte Carlo samplers", J. R. Stat. Soc. B 68(3), 2006; moves
between steps as in `Scenarios.resample`, which keep mean and covariance: the result is approximate in its finer shape.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from dnt_lab.datasets._checks import generator, whole
from dnt_lab.raytracing.reweighting import Scenarios

_KEEP = 0.5  # share of the effective number that a step leaves
_BISECTIONS = 30


def align(
    scenarios: Scenarios,
    predict_db: Callable[[pd.DataFrame], np.ndarray],
    measured_db,
    *,
    seed,
    jitter: float = 0.5,
    most_rounds: int = 30,
    **likelihood,
) -> tuple[Scenarios, pd.DataFrame]:
    """Move scenarios to where the measurements are likely.

    Parameters
    ----------
    scenarios : Scenarios
        Drawn from what is believed, S of them. Floating-point columns of the table may take new values, others not.
    predict_db : callable
        Predicted measurements (S, n) in dB of a table of scenarios: it builds and traces them.
    measured_db : array_like, shape (n,)
        The measurements in dB.
    seed : int or Generator
        For the draws between rounds.
    jitter : float
        As in `Scenarios.resample`. Small values keep the shape of what was drawn, large ones find new values sooner.
    most_rounds : int
        Rounds after which to give up.
    **likelihood
        Settings of `Scenarios.reweight`: noise_db, dof, floor_db.

    Returns
    -------
    scenarios : Scenarios
        After the last step, with weights.
    history : DataFrame, a row a round
        ``exponent`` (sum of the steps until then, 1 at last), ``effective_number``, and the mean of every numeric
        column.

    Raises
    ------
    ValueError
        If the likelihood is not all in after `most_rounds`, or `reweight` or `resample` refuses.
    """
    rng, most_rounds = generator(seed), whole("most_rounds", most_rounds, 1)
    left, history = 1.0, []
    for _ in range(most_rounds):
        predicted_db = predict_db(scenarios.table)

        def weighed(exponent, scenarios=scenarios, predicted_db=predicted_db):
            return scenarios.reweight(predicted_db, measured_db, exponent=exponent, **likelihood)

        step = _step(weighed, left, _KEEP * scenarios.effective_number)
        scenarios, left = weighed(step), left - step
        history.append({"exponent": 1 - left, "effective_number": scenarios.effective_number, **scenarios.mean()})
        if left <= 0:
            return scenarios, pd.DataFrame(history)
        scenarios = scenarios.resample(len(scenarios), rng, jitter=jitter)
    raise ValueError(
        f"after {most_rounds} rounds only {1 - left:.0%} of the likelihood is in, since no scenario comes near the "
        "measurements: give a wider prior or a larger noise_db"
    )


def _step(weighed: Callable[[float], Scenarios], left: float, fewest: float) -> float:
    """Largest exponent up to `left` that leaves an effective number of `fewest`, by bisection."""
    if weighed(left).effective_number >= fewest:
        return left
    low, high = 0.0, left
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if weighed(middle).effective_number >= fewest else (low, middle)
    return low
