r"""Doubt set right: an interval of 90 % that holds 80 % of what is measured is stretched until it holds 90 %.

A model is surer of links like those it learned from than it ought to be of links elsewhere. Regions that took no part
in the learning say by how much: the standard deviations are multiplied by the factor :math:`s` for which the places
:math:`F(g)` of their gains are closest to uniform (least mean gap between coverage and level; Kuleshov et al., ICML
2018, with one parameter in place of a curve).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dnt_lab.mapping.vertical.attributes import LinkAttributes
from dnt_lab.mapping.vertical.predict import Prediction

_FACTORS = np.geomspace(0.4, 4.0, 47)
_LEVELS = np.linspace(0.05, 0.95, 19)


def stretch_factor(predicted: Prediction, truth: LinkAttributes) -> float:
    """Factor for the standard deviations that makes central intervals hold what they promise.

    Parameters
    ----------
    predicted : Prediction
        Of links that took no part in the learning.
    truth : LinkAttributes
        What was measured on them.

    Raises
    ------
    ValueError
        If nothing arrives on any link.
    """
    return float(min(_FACTORS, key=lambda factor: calibration_gap(stretched(predicted, factor), truth)))


def stretched(predicted: Prediction, factor: float) -> Prediction:
    """Return a prediction with its standard deviations multiplied."""
    return replace(predicted, state_std_db=predicted.state_std_db * factor)


def calibration_gap(predicted: Prediction, truth: LinkAttributes) -> float:
    """Mean absolute gap between coverage and level over levels 5 %, 10 %, ..., 95 %.

    Raises
    ------
    ValueError
        If nothing arrives on any link.
    """
    if not truth.path.any():
        raise ValueError(f"nothing arrives on any of {len(truth)} links, but doubt is compared with measured gains.")
    inside = np.abs(2 * predicted.place(truth.gain_db)[truth.path] - 1)
    return float(np.mean(np.abs((inside[:, None] <= _LEVELS).mean(axis=0) - _LEVELS)))
