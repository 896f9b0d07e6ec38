"""The legs of paths that were traced before, rebuilt from their table: directions, walls and angles at each bounce."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dnt_lab.raytracing.field import incidence_cosine, travel
from dnt_lab.raytracing.paths import Paths


class Legs(NamedTuple):
    """N paths with k bounces: what `field.transfer_matrix` wants to know of them.

    `k` (N, k + 1, 3) and `length_m` (N, k + 1) are directions and lengths of the segments, `normal` (N, k, 3) and
    `cosine` (N, k) the walls' normals and the cosines of incidence, `material` (N, k) numbers of the scene's materials.
    `wavelength_m` (N,) is that of the trace: delay and length tell which speed of light it took.
    """

    k: np.ndarray
    length_m: np.ndarray
    normal: np.ndarray
    cosine: np.ndarray
    material: np.ndarray
    wavelength_m: np.ndarray


def legs_of(paths: Paths, rows: np.ndarray, order: int) -> Legs:
    """Rebuild the legs of specular paths, by their rows (N,), which all have `order` bounces."""
    ends = paths.tx_m[paths.tx[rows], None], paths.rx_m[paths.rx[rows], None]
    k, length_m = travel(np.concatenate([ends[0], paths.points_m[rows, :order], ends[1]], axis=1))
    turn = np.diff(k, axis=1)  # a mirror turns a ray along its normal
    normal = turn / np.linalg.norm(turn, axis=2, keepdims=True)
    wavelength_m = length_m.sum(axis=1) / paths.delay_s[rows] / paths.freq_hz
    return Legs(
        k, length_m, normal, incidence_cosine(k[:, :-1], normal), paths.material_index[rows, :order], wavelength_m
    )
