"""Checks shared by maps and charts: arrays of the right shape, made of finite numbers."""

import numpy as np


def points(name: str, position_m) -> np.ndarray:
    """Return x and y, (N, 2), of positions (N, 2) or (N, 3) in metres."""
    array = numbers(name, position_m, allow_nan=False)
    if array.ndim != 2 or array.shape[1] not in (2, 3):
        raise ValueError(f"{name} has shape {array.shape}; it must be (N, 2) or (N, 3), metres.")
    return array[:, :2]


def numbers(name: str, values, shape: tuple | None = None, *, allow_nan: bool = True) -> np.ndarray:
    """Return an array of floats; NaN may stand for "no value", infinities never."""
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise TypeError(f"{name} is not numeric ({type(values).__name__}); it must be an array of numbers.") from None
    if shape is not None and array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}; it must be {shape}.")
    if np.isinf(array).any() or (not allow_nan and np.isnan(array).any()):
        raise ValueError(f"{name} contains {'infinities' if allow_nan else 'NaN or infinities'}; it must be finite.")
    return array


def with_unit(name: str, label) -> str:
    """Return a label that ends with its unit in brackets."""
    if not isinstance(label, str) or not label.rstrip().endswith((")", "]")):
        raise ValueError(f"{name} is {label!r}; it must end with its unit in brackets, such as 'SINR (dB)'.")
    return label
