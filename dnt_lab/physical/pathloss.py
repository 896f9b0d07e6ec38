r"""Path loss in dB: free space and 3GPP TR 38.901 (urban microcell, indoor hotspot).

=================  ========================================  =====
symbol             meaning                                   unit
=================  ========================================  =====
``d2d_m``          ground distance between BS and user        m
``d3d_m``          straight distance                          m
``freq_hz``        carrier frequency                          Hz
``h_bs_m``         antenna height of the base station         m
``h_ut_m``         antenna height of the user terminal        m
``los``            True where the direct ray is free          --
=================  ========================================  =====

Source: 3GPP TR 38.901, Table 7.4.1-1 (path loss) and Table 7.4.2-1 (LOS probability).
"""

from __future__ import annotations

import numpy as np

SPEED_OF_LIGHT_M_S = 299_792_458.0
SHADOWING_DB = {"umi": (4.0, 7.82), "inh": (3.0, 8.03), "free_space": (0.0, 0.0)}
"""Standard deviation of shadow fading (LOS, NLOS) per scenario; TR 38.901, Table 7.4.1-1."""

_C_38901_M_S = 3.0e8  # the standard rounds the speed of light in its breakpoint distance
_H_E_M = 1.0  # effective environment height of UMi


def _checked(d2d_m, freq_hz, h_bs_m, h_ut_m):
    d2d_m, freq_hz = np.asarray(d2d_m, float), np.asarray(freq_hz, float)
    h_bs_m, h_ut_m = np.asarray(h_bs_m, float), np.asarray(h_ut_m, float)
    if np.any(~np.isfinite(d2d_m) | (d2d_m < 0)):
        raise ValueError("d2d_m holds a value that is not finite or below 0 m, but it must be a distance in metres")
    if np.any(~((freq_hz >= 0.5e9) & (freq_hz <= 100e9))):
        raise ValueError(f"freq_hz holds {np.min(freq_hz):g}, but TR 38.901 holds from 0.5e9 to 100e9 Hz")
    if not (np.all((h_ut_m >= 1.0) & (h_ut_m < np.inf)) and np.all((h_bs_m >= 1.0) & (h_bs_m < np.inf))):
        raise ValueError("an antenna height is not finite or below 1 m, but TR 38.901 starts there: give metres")
    if np.any((d2d_m == 0) & (h_bs_m == h_ut_m)):
        raise ValueError("an antenna stands where the user does, but a distance over 0 m is needed")
    return d2d_m, freq_hz, h_bs_m, h_ut_m


def _checked_distance(d2d_m):
    d2d_m = np.asarray(d2d_m, float)
    if not np.all(d2d_m >= 0):
        raise ValueError(f"d2d_m holds {np.min(d2d_m)}, but a distance is at least 0 m")
    return d2d_m


def free_space_db(d3d_m, freq_hz):
    r"""Free-space path loss, :math:`20\log_{10}(4\pi d f/c)`.

    Parameters
    ----------
    d3d_m : array_like
        Distance in metres, greater than 0.
    freq_hz : array_like
        Carrier frequency in Hz, broadcast against `d3d_m`.

    Returns
    -------
    ndarray
        Loss in dB.

    Raises
    ------
    ValueError
        If a distance or a frequency is not positive.

    Examples
    --------
    >>> round(float(free_space_db(100.0, 28e9)), 2)
    101.39
    """
    d3d_m, freq_hz = np.asarray(d3d_m, float), np.asarray(freq_hz, float)
    if not (np.all((d3d_m > 0) & (d3d_m < np.inf)) and np.all((freq_hz > 0) & (freq_hz < np.inf))):
        raise ValueError("free_space_db needs finite d3d_m > 0 and freq_hz > 0")
    return 20 * np.log10(4 * np.pi * d3d_m * freq_hz / SPEED_OF_LIGHT_M_S)


def umi_db(d2d_m, freq_hz, los, h_bs_m=10.0, h_ut_m=1.5):
    r"""Urban microcell (street canyon) path loss.

    LOS up to the breakpoint :math:`d_{BP} = 4 (h_{BS}-1)(h_{UT}-1) f/c`:
    :math:`32.4 + 21\lg d_{3D} + 20\lg f`; beyond it
    :math:`32.4 + 40\lg d_{3D} + 20\lg f - 9.5\lg(d_{BP}^2 + (h_{BS}-h_{UT})^2)`. NLOS: the larger of LOS and
    :math:`35.3\lg d_{3D} + 22.4 + 21.3\lg f - 0.3 (h_{UT}-1.5)`; f in GHz.

    Parameters
    ----------
    d2d_m, freq_hz, los, h_bs_m, h_ut_m : array_like
        As in the table at the top of this module; broadcast together. `h_bs_m` and `h_ut_m` must differ where `d2d_m`
        is 0.

    Returns
    -------
    ndarray
        Loss in dB, without shadow fading.

    Raises
    ------
    ValueError
        If a distance is 0 or negative, a frequency outside 0.5-100 GHz or a height below 1 m.

    Examples
    --------
    >>> umi_db([10.0, 100.0], 5e9, [True, False]).round(4)
    array([ 69.8591, 107.9432])
    """
    d2d_m, freq_hz, h_bs_m, h_ut_m = _checked(d2d_m, freq_hz, h_bs_m, h_ut_m)
    drop_m = h_bs_m - h_ut_m
    lg_d3d = np.log10(np.hypot(d2d_m, drop_m))
    lg_f = np.log10(freq_hz / 1e9)
    breakpoint_m = 4 * (h_bs_m - _H_E_M) * (h_ut_m - _H_E_M) * freq_hz / _C_38901_M_S
    if np.any((breakpoint_m == 0) & (drop_m == 0)):
        raise ValueError("both antennas are at 1 m, but the UMi model needs one above the traffic")
    near = 32.4 + 21 * lg_d3d + 20 * lg_f
    far = 32.4 + 40 * lg_d3d + 20 * lg_f - 9.5 * np.log10(breakpoint_m**2 + drop_m**2)
    los_db = np.where(d2d_m <= breakpoint_m, near, far)
    nlos_db = 35.3 * lg_d3d + 22.4 + 21.3 * lg_f - 0.3 * (h_ut_m - 1.5)
    return np.where(los, los_db, np.maximum(los_db, nlos_db))


def inh_db(d2d_m, freq_hz, los, h_bs_m=3.0, h_ut_m=1.5):
    r"""Indoor hotspot path loss: LOS :math:`32.4 + 17.3\lg d_{3D} + 20\lg f`.

    NLOS: the larger of LOS and :math:`38.3\lg d_{3D} + 17.3 + 24.9\lg f`; f in GHz. Parameters, result and errors as in
    `umi_db`.

    Examples
    --------
    >>> inh_db([10.0, 50.0], 5e9, [True, False]).round(4)
    array([63.763 , 99.7824])
    """
    d2d_m, freq_hz, h_bs_m, h_ut_m = _checked(d2d_m, freq_hz, h_bs_m, h_ut_m)
    lg_d3d = np.log10(np.hypot(d2d_m, h_bs_m - h_ut_m))
    lg_f = np.log10(freq_hz / 1e9)
    los_db = 32.4 + 17.3 * lg_d3d + 20 * lg_f
    return np.where(los, los_db, np.maximum(los_db, 38.3 * lg_d3d + 17.3 + 24.9 * lg_f))


def umi_los_probability(d2d_m):
    r"""Probability that the direct ray is free: 1 up to 18 m, then :math:`18/d + e^{-d/36}(1 - 18/d)`.

    Parameters
    ----------
    d2d_m : array_like
        Ground distance in metres.

    Returns
    -------
    ndarray
        Probability in [0, 1].

    Raises
    ------
    ValueError
        If a distance is negative.
    """
    d_m = np.maximum(_checked_distance(d2d_m), 18.0)
    return 18 / d_m + np.exp(-d_m / 36) * (1 - 18 / d_m)


def inh_los_probability(d2d_m):
    r"""Probability of LOS in a mixed office: 1 up to 1.2 m, then :math:`e^{-(d-1.2)/4.7}`.

    From 6.5 m on it is :math:`0.32 e^{-(d-6.5)/32.6}`. Parameters, result and errors as in `umi_los_probability`.
    """
    d_m = _checked_distance(d2d_m)
    near = np.exp(-(np.maximum(d_m, 1.2) - 1.2) / 4.7)
    return np.where(d_m < 6.5, near, 0.32 * np.exp(-(d_m - 6.5) / 32.6))
