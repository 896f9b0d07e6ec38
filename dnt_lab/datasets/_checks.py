"""Questions asked of an argument at the door: each answers with the value, or one sentence that says what is right."""

from __future__ import annotations

import math
from numbers import Integral, Real

import numpy as np


def whole(name: str, value, low: int, high: int | None = None) -> int:
    """Return `value` as an int if it is a whole number in ``low..high``, else say so."""
    upto = f"{low} or more" if high is None else f"{low} to {high}"
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} is {value!r}, but must be a whole number, {upto}.")
    if value < low or (high is not None and value > high):
        raise ValueError(f"{name} is {value}, but must be {upto}.")
    return int(value)


def metres(name: str, value) -> float:
    """Return `value` as a float if it is a finite length above zero, else say so."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} is {value!r}, but must be a length in metres, a number above 0.")
    if not math.isfinite(value) or value <= 0:
        raise ValueError(f"{name} is {value} m, but must be a finite length above 0 m.")
    return float(value)


def one_of(name: str, value, known) -> str:
    """Return `value` if it is among `known`, else list what is known."""
    if value not in known:
        raise ValueError(f"{name} is {value!r}, but must be one of {', '.join(map(repr, known))}.")
    return value


def generator(seed) -> np.random.Generator:
    """Return a Generator from a whole number or from a Generator (used as it is)."""
    if isinstance(seed, np.random.Generator):
        return seed
    if isinstance(seed, bool) or not isinstance(seed, Integral) or seed < 0:
        raise TypeError(f"seed is {seed!r}, but must be a whole number, 0 or more, or a numpy.random.Generator.")
    return np.random.default_rng(int(seed))
