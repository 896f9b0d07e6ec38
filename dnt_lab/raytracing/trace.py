"""Trace: line of sight and specular reflections between transmitters and receivers, by the method of images.

>>> from dnt_lab.raytracing import Scene, trace
>>> room = Scene.room((8.0, 5.0, 3.0), "concrete")
>>> trace(room, tx=[1.0, 2.5, 2.5], rx=[6.0, 2.0, 1.5], freq_hz=28e9, max_order=1)
Paths(7 at 28 GHz: 1 of order 0, 6 of order 1; 1 of 1 links have one)

The search is exhaustive and exact: no path is sampled, none is missed, and a link's paths do not depend on which other
links are asked for. Three steps for each transmitter: an image tree (`image_tree`), the receivers that lie in each
beam, and for those the path traced back and held against all obstacles (`back_trace`, `occlusion`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dnt_lab.datasets._checks import whole
from dnt_lab.physical.pathloss import SPEED_OF_LIGHT_M_S
from dnt_lab.raytracing.back_trace import specular_paths
from dnt_lab.raytracing.field import (
    angles_deg,
    incidence_cosine,
    reflection_coefficients,
    transfer_matrix,
    travel,
)
from dnt_lab.raytracing.paths import NO_PATHS, Paths, joined
from dnt_lab.raytracing.scene import Scene

MAX_ORDER = 3


def trace(
    scene, tx, rx, freq_hz, max_order=2, *, polarised=True, extrapolate=False, speed_of_light_m_s=SPEED_OF_LIGHT_M_S
) -> Paths:
    """Return all paths with up to `max_order` specular reflections.

    Parameters
    ----------
    scene : Scene
        Triangles and their materials.
    tx, rx : array_like, shapes (3,) or (T, 3), and (3,) or (R, 3)
        Positions of transmitters and receivers in metres.
    freq_hz : float
        Carrier frequency in Hz.
    max_order : int
        Most reflections a path may have, 0 to 3.
    polarised : bool
        False for the scalar model of NIST's tool: see `field.transfer_matrix`.
    extrapolate : bool
        Use a material beyond the frequencies for which it was measured.
    speed_of_light_m_s : float
        3e8 reproduces tools that round it.

    Returns
    -------
    Paths
        Sorted by transmitter, receiver, delay and order.

    Raises
    ------
    TypeError, ValueError
        If `scene` is none, a position is not finite, a transmitter stands where a receiver does, or a number is out of
        range; if a material is unknown at `freq_hz` and `extrapolate` is False.

    Notes
    -----
    A node on a face neither reflects there nor is it blocked by it. A reflection exactly on an edge counts, once.
    """
    if not isinstance(scene, Scene):
        raise TypeError(f"scene is {scene!r}, but must be a Scene; Scene.from_city takes the name of a city")
    tx_m, rx_m = checked_positions("tx", tx), checked_positions("rx", rx)
    freq_hz = checked_positive("freq_hz", freq_hz)
    speed_of_light_m_s = checked_positive("speed_of_light_m_s", speed_of_light_m_s)
    max_order = whole("max_order", max_order, 0, MAX_ORDER)
    for t in range(len(tx_m)):
        same = (rx_m == tx_m[t]).all(axis=1)
        if same.any():
            raise ValueError(
                f"rx {np.flatnonzero(same)[0]} stands where tx {t} does, {tx_m[t].tolist()}; move one of them"
            )
    nothing = Paths(freq_hz, tx_m, rx_m, *NO_PATHS, scene.objects, tuple(material.name for material in scene.materials))
    wave = {"freq_hz": freq_hz, "speed_of_light_m_s": speed_of_light_m_s}
    settings = wave | {"polarised": polarised, "extrapolate": extrapolate}
    parts = []
    for t in range(len(tx_m)):
        row, *found = specular_paths(scene.occluders, tx_m[t], rx_m, max_order)
        parts.append(replace(nothing, tx=np.full(len(row), t), rx=row, **_described(scene, *found, **settings)))
    return joined(parts)


def _described(scene, order, corners_m, polygon, *, freq_hz, speed_of_light_m_s, polarised, extrapolate) -> dict:
    """What paths are, given their numbers of bounces (P,), corners (P, k + 2, 3) and polygons (P, k)."""
    met = polygon >= 0
    k, length_m = travel(corners_m)
    normal, material = scene.polygons.normal[polygon], np.where(met, scene.polygons.material_index[polygon], -1)
    r = np.zeros((2, *polygon.shape), complex)
    if polygon.shape[1]:
        cosine = incidence_cosine(k[:, :-1][met], normal[met])
        r[:, met] = reflection_coefficients(scene.materials, material[met], cosine, freq_hz, extrapolate=extrapolate)
    wavelength_m = speed_of_light_m_s / freq_hz
    transfer = transfer_matrix(k, length_m, normal, *r, wavelength_m, order=order, polarised=polarised)
    return {
        "order": order,
        "delay_s": length_m.sum(axis=1) / speed_of_light_m_s,
        "transfer": transfer,
        "aod_deg": angles_deg(k[:, 0]),
        "aoa_deg": angles_deg(-k[np.arange(len(k)), order]),
        "points_m": np.where(met[..., None], corners_m[:, 1:-1], np.nan),
        "object_index": np.where(met, scene.polygons.object_index[polygon], -1),
        "material_index": material,
        "diffuse": np.zeros(len(k), bool),
    }


def checked_positions(name: str, values) -> np.ndarray:
    """Return positions as an array (N, 3) of finite metres, or say what is wrong."""
    try:
        positions = np.atleast_2d(np.asarray(values, float))
    except (TypeError, ValueError):
        raise TypeError(f"{name} is {values!r}, but positions are numbers of metres, (3,) or (N, 3)") from None
    if positions.ndim != 2 or positions.shape[1] != 3 or len(positions) == 0:
        raise ValueError(f"{name} has shape {np.shape(values)}, but positions in metres need (3,) or (N, 3)")
    if not np.isfinite(positions).all():
        wrong = positions[~np.isfinite(positions).all(axis=1)][0]
        raise ValueError(f"{name} holds {wrong.tolist()}, but a position has finite coordinates in metres")
    return positions


def checked_positive(name: str, value) -> float:
    """Return a finite number over 0 as a float, or say what is wrong."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"{name} is {value!r}, but a number over 0 is needed")
    if not 0 < value < np.inf:
        raise ValueError(f"{name} is {value}, but must be a finite number over 0")
    return float(value)
