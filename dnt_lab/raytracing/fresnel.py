r"""Reflection coefficients of a flat wall: a half-space and a slab of one layer (Fresnel; ITU-R P.2040-4).

=====================  ========================================================  =====
symbol                 meaning                                                   unit
=====================  ========================================================  =====
``cos_incidence`` c    cosine of the angle between the ray and the wall's normal  --
``eta``                complex relative permittivity                             --
s                      :math:`\sqrt{\eta - \sin^2\theta}`, inside the wall        --
``thickness_m`` d      thickness of the slab                                     m
q                      :math:`(2\pi d/\lambda)\,s`, phase across the slab         rad
=====================  ========================================================  =====

The time factor is exp(+j 2 pi f t), so losses make the imaginary part of `eta` negative. TE is the field across the
plane of incidence, TM the field in it; at normal incidence ``r_te = -r_tm``, since the axis of TM turns with the ray.
Where a formula is 0/0 (vacuum, or a slab of no thickness, seen along the wall) the result is the limit, 0.
"""

from __future__ import annotations

import numpy as np

from dnt_lab.physical.pathloss import SPEED_OF_LIGHT_M_S

EPSILON_0_F_PER_M = 8.8541878128e-12
"""Permittivity of vacuum (CODATA 2018)."""

_ROUNDING = 1e-9  # a cosine from unit vectors may leave 0..1 by this much


def complex_permittivity(relative_permittivity, conductivity_s_per_m, freq_hz):
    r"""Complex relative permittivity :math:`\eta = \varepsilon_r - j\sigma/(2\pi f\varepsilon_0)`.

    Parameters
    ----------
    relative_permittivity, conductivity_s_per_m, freq_hz : array_like
        Real part, conductivity in S/m and frequency in Hz; broadcast together.

    Returns
    -------
    ndarray of complex
        The permittivity, of the broadcast shape.

    Examples
    --------
    >>> complex(complex_permittivity(5.24, 0.62605, 28e9).round(4))
    (5.24-0.4019j)
    """
    loss = np.asarray(conductivity_s_per_m) / (2 * np.pi * np.asarray(freq_hz) * EPSILON_0_F_PER_M)
    return np.asarray(relative_permittivity) - 1j * loss


def half_space(cos_incidence, eta):
    r"""Reflection at a wall without a back: :math:`r_{TE} = (c-s)/(c+s)`, :math:`r_{TM} = (\eta c-s)/(\eta c+s)`.

    Parameters
    ----------
    cos_incidence : array_like
        Cosine of the angle of incidence, 0 (along the wall) to 1 (head-on).
    eta : array_like of complex
        Complex relative permittivity, broadcast against `cos_incidence`.

    Returns
    -------
    r_te, r_tm : ndarray of complex
        Ratio of the reflected to the incident field, of the broadcast shape.

    Raises
    ------
    ValueError
        If a cosine is not in 0..1.

    Examples
    --------
    >>> r_te, r_tm = half_space([1.0, 0.5], 4.0)
    >>> r_te.real.round(4), r_tm.real.round(4)
    (array([-0.3333, -0.5657]), array([0.3333, 0.0519]))
    """
    c, eta, s = _parts(cos_incidence, eta)
    return _ratio(c - s, c + s), _ratio(eta * c - s, eta * c + s)


def slab(cos_incidence, eta, thickness_m, freq_hz):
    r"""Reflection at a wall of one layer with air behind it, all bounces inside the layer summed.

    :math:`r' = r (1 - e^{-2jq}) / (1 - r^2 e^{-2jq})` with the half-space's r (ITU-R P.2040-4, eqs. 43-44), written
    here so that neither a thin layer nor a ray along the wall loses digits.

    Parameters
    ----------
    cos_incidence, eta : array_like
        As in `half_space`.
    thickness_m : array_like
        Thickness in metres, 0 (reflects nothing) to infinity (the half-space); broadcast.
    freq_hz : array_like
        Frequency in Hz; broadcast.

    Returns
    -------
    r_te, r_tm : ndarray of complex
        Ratio of the reflected to the incident field, of the broadcast shape.

    Raises
    ------
    ValueError
        If a cosine is not in 0..1.

    Examples
    --------
    A quarter of a wavelength thick, the layer reflects most; half a wavelength thick, nothing.

    >>> quarter_m = SPEED_OF_LIGHT_M_S / 28e9 / 2 / 4
    >>> r_te, r_tm = slab(1.0, 4.0, [quarter_m, 2 * quarter_m], 28e9)
    >>> np.abs(r_te).round(6)
    array([0.6, 0. ])
    """
    c, eta, s = _parts(cos_incidence, eta)
    endless = np.isinf(thickness_m)  # no echo from the rear
    q = 2 * np.pi * np.where(endless, 0.0, thickness_m) * np.asarray(freq_hz) / SPEED_OF_LIGHT_M_S * s
    through = np.where(endless, 1.0, -np.expm1(-2j * q))  # 1 - e^{-2jq}
    r = []
    for front in (c, eta * c):
        # r = (front - s)/(front + s), so 1 - r^2 = 4 front s/(front + s)^2
        r.append(_ratio((front - s) * (front + s) * through, 4 * front * s + (front - s) ** 2 * through))
    return tuple(r)


def _parts(cos_incidence, eta):
    """Cosine in 0..1, permittivity, and s on the branch that decays into the wall."""
    c = np.asarray(cos_incidence, float)
    outside = ~((c >= -_ROUNDING) & (c <= 1 + _ROUNDING))
    if outside.any():
        raise ValueError(f"cos_incidence holds {c[outside].flat[0]}, but the cosine of an incidence is in 0..1")
    c, eta = np.clip(c, 0.0, 1.0), np.asarray(eta, complex)
    s = np.sqrt((eta - 1) + c**2)  # not eta - (1 - c**2), which takes vacuum for glass along the wall
    return c, eta, np.where(s.imag > 0, -s, s)


def _ratio(above, below):
    """Quotient; 0 where both are 0, or so close to it that no digits are left."""
    here = np.abs(below) > np.finfo(float).tiny / np.finfo(float).eps
    return np.divide(above, below, out=np.zeros(here.shape, complex), where=here)
