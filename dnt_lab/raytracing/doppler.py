r"""Motion: a moving antenna stretches its paths, and each turns with its own Doppler shift.

Walking with velocity v towards where a wave comes from shortens its path by v t. To first order the unit vectors
:math:`\hat u` of arrival and departure tell it all, reflections or not:

.. math:: \nu = \frac{f}{c} (v_{rx} \cdot \hat u_{aoa} + v_{tx} \cdot \hat u_{aod}), \qquad
          \tau(t) = \tau - \frac{\nu}{f} t.

The scene stands still, and so do a path's angles, amplitude and existence: good for a few wavelengths of motion
towards walls far away; trace again after that.
"""

from __future__ import annotations

import numpy as np

from dnt_lab.physical.pathloss import SPEED_OF_LIGHT_M_S
from dnt_lab.raytracing.angles import unit_vector
from dnt_lab.raytracing.channel import absolute_hz
from dnt_lab.raytracing.link_sums import link_sum_by_columns
from dnt_lab.raytracing.paths import Paths

_AT_REST = (0.0, 0.0, 0.0)


def doppler_hz(paths: Paths, rx_velocity_m_s=_AT_REST, tx_velocity_m_s=_AT_REST) -> np.ndarray:
    """Doppler shift of each path at the carrier.

    Parameters
    ----------
    paths : Paths
        P paths, specular or diffuse.
    rx_velocity_m_s, tx_velocity_m_s : array_like, shape (3,), or (R, 3) and (T, 3)
        Velocities in m/s, one for all receivers (transmitters) or one each.

    Returns
    -------
    ndarray, shape (P,)
        Shift in Hz, above 0 where the path gets shorter.

    Raises
    ------
    ValueError
        If a velocity is not finite or has another shape.
    """
    rx_m_s = _velocities("rx_velocity_m_s", rx_velocity_m_s, len(paths.rx_m))[paths.rx]
    tx_m_s = _velocities("tx_velocity_m_s", tx_velocity_m_s, len(paths.tx_m))[paths.tx]
    closing_m_s = np.sum(rx_m_s * unit_vector(paths.aoa_deg) + tx_m_s * unit_vector(paths.aod_deg), axis=1)
    return paths.freq_hz / SPEED_OF_LIGHT_M_S * closing_m_s


def time_evolution(
    paths: Paths, time_s, rx_velocity_m_s=_AT_REST, tx_velocity_m_s=_AT_REST, *, offsets_hz=0.0
) -> np.ndarray:
    r"""Channel of moving ends, :math:`h(f, t) = \sum_i a_i e^{-j 2\pi f (\tau_i - \nu_i t / f_c)}`.

    Parameters
    ----------
    paths : Paths
        Any number of links, traced at time 0.
    time_s : array_like, shape (N,)
        Times in seconds.
    rx_velocity_m_s, tx_velocity_m_s : array_like
        As in `doppler_hz`.
    offsets_hz : array_like, shape (F,)
        Distances from the carrier in Hz; a wide band drifts with time, as each frequency has its own shift.

    Returns
    -------
    ndarray of complex, shape (T, R, F, N)
        0 where there is no path.

    Raises
    ------
    ValueError
        If a time, velocity or offset is not finite or of a wrong shape.
    """
    freq_hz = absolute_hz(paths, offsets_hz)
    time_s = np.atleast_1d(np.asarray(time_s, float))
    if time_s.ndim != 1 or not len(time_s) or not np.isfinite(time_s).all():
        raise ValueError(f"time_s has shape {time_s.shape}, but must be a list of finite times in seconds")
    per_second = doppler_hz(paths, rx_velocity_m_s, tx_velocity_m_s)[:, None] / paths.freq_hz
    freq_of, time_of = (grid.ravel() for grid in np.meshgrid(freq_hz, time_s, indexing="ij"))

    def columns(which):
        delay_s = paths.delay_s[:, None] - per_second * time_of[which]
        return paths.gain[:, None] * np.exp(-2j * np.pi * freq_of[which] * delay_s)

    h = link_sum_by_columns(paths, columns, len(freq_of))
    return h.reshape(*h.shape[:2], len(freq_hz), len(time_s))


def _velocities(name: str, value, count: int) -> np.ndarray:
    velocity = np.asarray(value, float)
    if velocity.shape not in ((3,), (count, 3)) or not np.isfinite(velocity).all():
        raise ValueError(
            f"{name} has shape {velocity.shape}, but must be finite m/s of shape (3,) for all or ({count}, 3) for each"
        )
    return np.broadcast_to(velocity, (count, 3))
