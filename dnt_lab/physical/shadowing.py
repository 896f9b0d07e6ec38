r"""Shadow fading that depends on where one stands, not on when one asks.

A Gaussian field with autocorrelation :math:`e^{-d/d_0}` (Gudmundson 1991) is a sum of plane waves
:math:`\sqrt{2/N}\sum_n \cos(k_n \cdot x + \varphi_n)`. The wave numbers follow the field's spectrum: in the plane
:math:`P(|k| \le k) = 1 - 1/\sqrt{1 + (k d_0)^2}` with a uniform direction. The field is a pure function of the
position, so a physical network and its twin, or a user who comes back, find the same value at the same spot.

Source: X. Cai and G. B. Giannakis, "A two-dimensional channel simulation model for shadowing processes", IEEE Trans.
Veh. Technol. 52(6), 2003; decorrelation distances from TR 38.901, Tables 7.5-6 and 7.6.3.1-2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, repr=False)
class GaussianField:
    """Independent standard normal fields over the plane, one per site.

    Attributes
    ----------
    wave_1_m : ndarray, shape (S, N, 2)
        Wave vectors in rad/m.
    phase_rad : ndarray, shape (S, N)
        Phases.
    """

    wave_1_m: np.ndarray
    phase_rad: np.ndarray

    @classmethod
    def draw(cls, n_sites: int, decorrelation_m: float, seed, n_waves: int = 32) -> GaussianField:
        """Draw the waves of `n_sites` fields with autocorrelation ``exp(-d / decorrelation_m)``."""
        if not 0 < decorrelation_m < np.inf:
            raise ValueError(f"decorrelation_m is {decorrelation_m}, but a finite distance over 0 m is needed")
        rng = np.random.default_rng(seed)
        # stratified radii: one per quantile, so that 32 waves already follow the spectrum closely
        quantile = (np.arange(n_waves) + rng.random((n_sites, n_waves))) / n_waves
        radius = np.sqrt((1 - quantile) ** -2 - 1) / decorrelation_m
        angle = rng.uniform(0, 2 * np.pi, (n_sites, n_waves))
        wave = radius[..., None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
        return cls(wave, rng.uniform(0, 2 * np.pi, (n_sites, n_waves)))

    def at(self, site: np.ndarray, xy_m: np.ndarray) -> np.ndarray:
        """Value of field ``site[i, k]`` at ``xy_m[i]``; shapes (n, k) and (n, 2) give (n, k)."""
        wave = self.wave_1_m[site]
        phase = wave[..., 0] * xy_m[:, None, None, 0] + wave[..., 1] * xy_m[:, None, None, 1] + self.phase_rad[site]
        return np.sqrt(2 / self.phase_rad.shape[1]) * np.cos(phase).sum(axis=-1)

    def __repr__(self):
        return f"GaussianField({self.phase_rad.shape[0]} sites, {self.phase_rad.shape[1]} waves)"
