"""Questions asked of numbers at the door: each refuses with one sentence that says what is wrong and what is right."""

from __future__ import annotations

import math
from numbers import Integral, Real

import numpy as np


def real(name: str, value, low: float = 0.0, high: float = math.inf, *, strict: bool = True) -> float:
    """Return `value` as a float if it is finite, over `low` (at least `low` if not `strict`) and at most `high`."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} is {value!r}, but a number is needed")
    if not math.isfinite(value) or value < low or (strict and value == low) or value > high:
        upto = "" if math.isinf(high) else f" and at most {high:g}"
        raise ValueError(f"{name} is {value}, but it must be {'over' if strict else 'at least'} {low:g}{upto}")
    return float(value)


def inner_share(name: str, value) -> float:
    """Return `value` as a float if it is a number between 0 and 1, both excluded."""
    if real(name, value, 0.0, 1.0) == 1:
        raise ValueError(f"{name} is {value}, but it must be over 0 and below 1")
    return float(value)


def whole(name: str, value, low: int = 1) -> int:
    """Return `value` as an int if it is a whole number from `low` on."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} is {value!r}, but a whole number is needed")
    if value < low:
        raise ValueError(f"{name} is {value}, but it must be at least {low}")
    return int(value)


def reals(name: str, values, low: float = 0.0, high: float = math.inf, *, strict: bool = False) -> np.ndarray:
    """Return `values` as floats if all lie between `low` (excluded if `strict`) and `high`; NaN is refused."""
    values = np.asarray(values, float)
    wrong = ~((values > low if strict else values >= low) & (values <= high))
    if wrong.any():
        limits = f"{'over' if strict else 'at least'} {low:g}" + ("" if math.isinf(high) else f" and at most {high:g}")
        raise ValueError(f"{name} holds {values[wrong].flat[0]}, but every value must be {limits}")
    return values
