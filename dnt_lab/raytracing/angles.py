"""Directions as angles: zenith (0 upwards, 180 downwards) and azimuth, atan2(y, x) in (-180, 180], in degrees."""

from __future__ import annotations

import numpy as np


def unit_vector(angle_deg) -> np.ndarray:
    """Unit vectors (..., 3) of directions (zenith, azimuth), an array (..., 2) in degrees.

    Examples
    --------
    >>> unit_vector([90.0, 180.0]).round(9) + 0.0
    array([-1.,  0.,  0.])
    """
    zenith, azimuth = np.moveaxis(np.deg2rad(np.asarray(angle_deg, float)), -1, 0)
    return np.stack([np.sin(zenith) * np.cos(azimuth), np.sin(zenith) * np.sin(azimuth), np.cos(zenith)], axis=-1)


def folded(angle_deg) -> np.ndarray:
    """Bring any (zenith, azimuth) (..., 2) to a zenith in [0, 180] and an azimuth in (-180, 180].

    Who goes on over the pole comes down on its other side: the azimuth turns by 180 degrees, the direction is the same.

    Examples
    --------
    >>> folded([[-10.0, 30.0], [200.0, -170.0]])
    array([[  10., -150.],
           [ 160.,   10.]])
    """
    zenith, azimuth = np.moveaxis(np.asarray(angle_deg, float), -1, 0)
    zenith = zenith % 360
    beyond = zenith > 180
    return np.stack([np.where(beyond, 360 - zenith, zenith), wrapped(azimuth + 180 * beyond)], axis=-1)


def wrapped(angle_deg) -> np.ndarray:
    """Bring angles in degrees to (-180, 180]."""
    return 180 - (180 - np.asarray(angle_deg, float)) % 360
