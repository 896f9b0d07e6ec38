r"""Antennas: the 3GPP sector pattern and a codebook of beams.

A sector radiates with the TR 38.901 element pattern. A served user may in addition be given one beam of the
sector's codebook. Interfering sectors point their beams at their own users, anywhere in the sector; averaged over
those directions a beam radiates the element pattern, so interference is computed with the element pattern alone.
"""

from __future__ import annotations

import numpy as np

MAX_GAIN_DBI = 8.0
_HALF_POWER_DEG = 65.0
_FLOOR_DB = 30.0


def wrap_deg(angle_deg):
    """Fold an angle into [-180, 180) degrees."""
    return (np.asarray(angle_deg, float) + 180.0) % 360.0 - 180.0


def sector_gain_dbi(azimuth_deg, depression_deg, boresight_deg, tilt_deg):
    r"""Gain of a 65-degree sector antenna.

    .. math:: G = 8 - \min(A_H + A_V, 30), \quad A_H = \min(12 (\phi/65)^2, 30), \quad A_V = \min(12 (\theta/65)^2, 30)

    with :math:`\phi` the azimuth off boresight and :math:`\theta` the angle below the horizon minus the downtilt.

    Parameters
    ----------
    azimuth_deg, depression_deg : array_like
        Direction to the user: azimuth (counter-clockwise from +x) and angle below the horizon.
    boresight_deg : array_like
        Azimuth of the sector; NaN stands for an omnidirectional antenna of 0 dBi.
    tilt_deg : array_like
        Downtilt of the sector.

    Returns
    -------
    ndarray
        Gain in dBi, broadcast over the arguments.

    Notes
    -----
    TR 38.901, Table 7.3-1; the tilt shifts the vertical cut (TR 36.814, Table A.2.1.1-2).
    """
    off_deg = wrap_deg(np.asarray(azimuth_deg, float) - np.asarray(boresight_deg, float))
    horizontal = np.minimum(12 * (off_deg / _HALF_POWER_DEG) ** 2, _FLOOR_DB)
    vertical = np.minimum(12 * ((np.asarray(depression_deg) - tilt_deg) / _HALF_POWER_DEG) ** 2, _FLOOR_DB)
    gain = MAX_GAIN_DBI - np.minimum(horizontal + vertical, _FLOOR_DB)
    return np.where(np.isnan(boresight_deg), 0.0, gain)


def _beam_sines(n_beams: int) -> np.ndarray:
    return (2 * np.arange(n_beams) + 1) / n_beams - 1


def beam_gain(off_boresight_deg, beam, n_beams: int):
    r"""Power gain of a DFT beam, over the element pattern (linear).

    A uniform linear array of :math:`N` half-wavelength elements with beam :math:`b` towards
    :math:`\sin\phi_b = (2b+1)/N - 1` gains :math:`\frac1N |\sum_n e^{j\pi n(\sin\phi - \sin\phi_b)}|^2`: N at the
    beam's centre, 0 at the centres of the others. The codebook covers the half-plane before the sector.

    Parameters
    ----------
    off_boresight_deg : array_like
        Azimuth off the sector's boresight; NaN (an omnidirectional cell) gives gain 1.
    beam : array_like of int
        Beam index in 0 ... n_beams - 1.
    n_beams : int
        Number of elements and of beams.

    Returns
    -------
    ndarray
        Linear gain between 0 and `n_beams`.

    Raises
    ------
    ValueError
        If there is no such beam.
    """
    off_deg, beam = np.asarray(off_boresight_deg, float), np.asarray(beam)
    if n_beams == 1:
        return np.ones(np.broadcast(off_deg, beam).shape)
    if np.any((beam < 0) | (beam >= n_beams)):
        raise ValueError(f"beam is {beam.max()}, but a codebook of {n_beams} has beams 0 ... {n_beams - 1}")
    phase = np.pi * (np.sin(np.deg2rad(off_deg)) - _beam_sines(n_beams)[beam])
    half = np.sin(phase / 2)
    ahead = np.abs(half) < 1e-9
    gain = np.where(ahead, n_beams, (np.sin(n_beams * phase / 2) / np.where(ahead, 1.0, half)) ** 2 / n_beams)
    return np.where(np.isnan(off_deg), 1.0, gain)


def best_beam(off_boresight_deg, n_beams: int):
    """Index of the beam whose centre is nearest to the user, int array."""
    if n_beams < 1:
        raise ValueError(f"n_beams is {n_beams}, but a codebook has at least one beam")
    sine = np.sin(np.deg2rad(np.nan_to_num(np.asarray(off_boresight_deg, float))))
    return np.clip(np.floor((sine + 1) / 2 * n_beams), 0, n_beams - 1).astype(np.int64)
