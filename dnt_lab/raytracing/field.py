r"""The field along a path: free space, then each wall, with its full polarisation.

.. math:: a = \frac{\lambda}{4 \pi L}\; \hat e_{rx}^T \prod_k R_k \; \hat e_{tx}, \qquad
          R_k = r_{TE}\, \hat e_s \hat e_s^T + r_{TM}\, \hat e_{p,r} \hat e_{p,i}^T

=================  ==============================================================  ====
symbol             meaning                                                         unit
=================  ==============================================================  ====
``L``              unfolded length of the path                                     m
``k_in``           unit vector of travel before a wall, ``k_out`` behind it        --
``e_s``            direction across the plane of incidence (TE)                    --
``e_p``            direction in the plane of incidence, across the travel (TM)     --
``r_te``, ``r_tm``  reflection coefficients of the wall's material                  --
=================  ==============================================================  ====

Source: ITU-R P.2040; the basis vectors of an antenna are those of spherical coordinates, as in 3GPP TR 38.901.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from dnt_lab.raytracing.fresnel import slab
from dnt_lab.raytracing.vectors import cross, dot

_POLE = 1e-12  # sine of the zenith angle below which a direction has no azimuth


def travel(points_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return unit vectors (..., n - 1, 3) and lengths (..., n - 1) of the segments of polylines (..., n, 3).

    A segment without length has no direction, but zeros.
    """
    step_m = np.diff(points_m, axis=-2)
    length_m = np.sqrt(dot(step_m, step_m))
    return step_m / np.where(length_m > 0, length_m, 1.0)[..., None], length_m


def spherical_basis(direction: np.ndarray) -> np.ndarray:
    """Unit vectors of theta and phi (..., 2, 3) at a direction of travel (..., 3); azimuth 0 at the poles."""
    across = np.hypot(direction[..., 0], direction[..., 1])
    pole = across < _POLE
    cos, sin = (np.divide(direction[..., i], across, out=np.full_like(across, 1.0 - i), where=~pole) for i in (0, 1))
    up = direction[..., 2]
    theta = np.stack([up * cos, up * sin, -across], axis=-1)
    return np.stack([theta, np.stack([-sin, cos, np.zeros_like(cos)], axis=-1)], axis=-2)


def angles_deg(direction: np.ndarray) -> np.ndarray:
    """Zenith (0 to 180) and azimuth (-180 to 180], 0 at the poles, of unit vectors (..., 3), in degrees (..., 2)."""
    across = np.hypot(direction[..., 0], direction[..., 1])
    zenith = np.degrees(np.arctan2(across, direction[..., 2]))
    azimuth = np.degrees(np.arctan2(direction[..., 1], direction[..., 0]))
    azimuth = np.where(azimuth > -180, azimuth, 180.0)  # y may be -0.0
    return np.stack([zenith, np.where(across < _POLE, 0.0, azimuth)], axis=-1)


def incidence_cosine(k_in: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Cosine of the angle of incidence, 0 to 1, of travel (..., 3) at walls with normals (..., 3)."""
    return np.minimum(np.abs(dot(k_in, normal)), 1.0)


def reflection_coefficients(materials, material_index, cos_incidence, freq_hz, *, extrapolate=False):
    """Coefficients r_te and r_tm, shape (2, N), of bounces at materials of a list, by their numbers (N,)."""
    r = np.zeros((2, len(material_index)), complex)
    eta, thickness_m = np.ones(len(materials), complex), np.zeros(len(materials))  # of what is no layer: vacuum
    for number, material in enumerate(materials):  # also those that nothing met: whether they are known is no chance
        if hasattr(material, "layer"):
            eta[number], thickness_m[number] = _layer(material, freq_hz, extrapolate)
        else:
            rows = material_index == number
            r[:, rows] = material.reflection(cos_incidence[rows], freq_hz, extrapolate=extrapolate)
    # all layers at once; where there was none, vacuum adds nothing
    return r + np.array(slab(cos_incidence, eta[material_index], thickness_m[material_index], freq_hz))


@lru_cache(maxsize=256)
def _layer(material, freq_hz, extrapolate):
    return material.layer(freq_hz, extrapolate=extrapolate)


def transfer_matrix(k, length_m, normal, r_te, r_tm, wavelength_m, *, order=None, polarised=True) -> np.ndarray:
    """Return the Jones matrices (N, 2, 2) of paths with up to k bounces.

    Parameters
    ----------
    k, length_m : ndarray, shapes (N, k + 1, 3) and (N, k + 1)
        Directions and lengths in metres of the segments, as `travel` gives them; behind the last they do not count.
    normal : ndarray, shape (N, k, 3)
        Unit normals of the walls; either side.
    r_te, r_tm : ndarray of complex, shape (N, k)
        Reflection coefficients.
    wavelength_m : float or ndarray, shape (N,)
        Wavelength in metres.
    order : ndarray of int, shape (N,), optional
        Number of bounces, k for all if left out.
    polarised : bool
        False for the scalar model: each bounce multiplies the amplitude by the root of the mean of ``|r_te|^2`` and
        ``|r_tm|^2``, and antennas receive whatever the polarisation (the NIST Q-D model).

    Returns
    -------
    ndarray of complex, shape (N, 2, 2)
        From (theta, phi) at the transmitter, columns, to (theta, phi) at the receiver, rows; without the phase of
        travelling.
    """
    n_paths, most = normal.shape[:2]
    order = np.full(n_paths, most) if order is None else order
    free_space = wavelength_m / (4 * np.pi * length_m.sum(axis=1))
    if not polarised:
        bounces = np.where(np.arange(most) < order[:, None], (np.abs(r_te) ** 2 + np.abs(r_tm) ** 2) / 2, 1.0)
        return (free_space * np.sqrt(bounces.prod(axis=1)))[:, None, None] * np.eye(2, dtype=complex)
    basis = spherical_basis(k[:, 0])  # the field is jones[:, :, i] in this basis, for unit input i
    jones = np.broadcast_to(np.eye(2, dtype=complex), (n_paths, 2, 2)).copy()
    for i in range(most):
        rows = np.flatnonzero(order > i)
        into, out = _wall_bases(k[rows, i], k[rows, i + 1], normal[rows, i])
        r = np.stack([r_te[rows, i], r_tm[rows, i]], axis=1)
        jones[rows] = r[:, :, None] * _product(into @ basis[rows].transpose(0, 2, 1), jones[rows])
        basis[rows] = out
    arrived = spherical_basis(-k[np.arange(n_paths), order]) @ basis.transpose(0, 2, 1)
    return free_space[:, None, None] * _product(arrived, jones)


def _product(a, b):
    """Matrix products (N, 2, 2), written out: ten times faster than the general one for so small matrices."""
    return a[:, :, :1] * b[:, :1] + a[:, :, 1:] * b[:, 1:]


def _wall_bases(k_in, k_out, normal):
    """Unit vectors of TE and TM (N, 2, 3) before and behind a wall."""
    e_s = cross(k_in, normal)
    length = np.sqrt(dot(e_s, e_s))
    straight = np.flatnonzero(length < 1e-9)  # head on there is no plane of incidence, and any direction across will do
    e_s /= np.where(length > 0, length, 1.0)[:, None]
    e_s[straight] = spherical_basis(k_in[straight])[:, 0]
    return np.stack([e_s, cross(e_s, k_in)], axis=1), np.stack([e_s, cross(e_s, k_out)], axis=1)
