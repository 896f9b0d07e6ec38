r"""From paths to what a receiver sees: frequency and impulse response, spreads and K-factor of every link.

A path of amplitude :math:`a` and delay :math:`\tau` adds :math:`a\,e^{-j 2\pi f \tau}` to the channel at frequency f.
All functions take the vertical amplitude, ``paths.gain``, and return arrays with a row a transmitter and a column a
receiver, shape (T, R, ...). A response is 0 where a link has no path; a spread is NaN there. Weights of all means are
path powers :math:`P = |a|^2`.
"""

from __future__ import annotations

import numpy as np

from dnt_lab.raytracing.angles import wrapped
from dnt_lab.raytracing.link_sums import link_sum, link_sum_by_columns
from dnt_lab.raytracing.paths import Paths

ANGLES = ("aod_zenith", "aod_azimuth", "aoa_zenith", "aoa_azimuth")
_MARGIN_TAPS = 8


def frequency_response(paths: Paths, offsets_hz=0.0) -> np.ndarray:
    r"""Transfer function :math:`h(f) = \sum_i a_i e^{-j 2\pi f \tau_i}` at the carrier plus `offsets_hz`.

    Parameters
    ----------
    paths : Paths
        Any number of links.
    offsets_hz : array_like, shape (F,)
        Distances from the carrier ``paths.freq_hz`` in Hz; amplitudes are taken to be those of the carrier.

    Returns
    -------
    ndarray of complex, shape (T, R, F)
        0 where there is no path.

    Raises
    ------
    ValueError
        If an offset is not finite or leads to a frequency not above 0.
    """
    freq_hz = absolute_hz(paths, offsets_hz)

    def columns(which):
        return paths.gain[:, None] * np.exp(-2j * np.pi * paths.delay_s[:, None] * freq_hz[which])

    return link_sum_by_columns(paths, columns, len(freq_hz))


def absolute_hz(paths: Paths, offsets_hz) -> np.ndarray:
    """Frequencies (F,) at `offsets_hz` from the carrier; raise ValueError unless they are finite and above 0."""
    freq_hz = paths.freq_hz + np.atleast_1d(np.asarray(offsets_hz, float))
    if freq_hz.ndim != 1 or not len(freq_hz) or not ((freq_hz > 0) & np.isfinite(freq_hz)).all():
        raise ValueError(
            f"offsets_hz around {paths.freq_hz:g} Hz have shape {np.shape(offsets_hz)} and lowest value "
            f"{np.min(offsets_hz, initial=np.inf):g}, but must be a list of finite Hz that keeps the frequency above 0"
        )
    return freq_hz


def impulse_response(paths: Paths, bandwidth_hz: float, delay_s=None) -> tuple[np.ndarray, np.ndarray]:
    r"""Band-limited impulse response :math:`h(t) = \sum_i a_i e^{-j 2\pi f_c \tau_i}\,\mathrm{sinc}(B (t - \tau_i))`.

    This is what a receiver of bandwidth B around the carrier :math:`f_c` measures. Sampled at 1/B, the taps carry the
    power of the band: :math:`\sum |h|^2` equals the mean of :math:`|h(f)|^2` over B.

    Parameters
    ----------
    paths : Paths
        Any number of links.
    bandwidth_hz : float
        Bandwidth B in Hz.
    delay_s : array_like, shape (N,), optional
        Times since the wave left, in seconds. By default taps 1/B apart from 8 before the first path of all links to
        8 behind the last: a path between two taps has 2 % of its power outside of that.

    Returns
    -------
    delay_s : ndarray, shape (N,)
        Time of each tap in seconds.
    taps : ndarray of complex, shape (T, R, N)
        Amplitudes; a lone path on a tap shows its gain there.

    Raises
    ------
    ValueError
        If the bandwidth is not above 0 or a time is not finite.
    """
    if not 0 < bandwidth_hz < np.inf:
        raise ValueError(f"bandwidth_hz is {bandwidth_hz}, but must be a finite number of Hz above 0")
    if delay_s is None:
        first, last = (f(paths.delay_s) * bandwidth_hz if len(paths) else 0.0 for f in (np.min, np.max))
        delay_s = np.arange(np.floor(first) - _MARGIN_TAPS, np.ceil(last) + _MARGIN_TAPS + 1) / bandwidth_hz
    delay_s = np.asarray(delay_s, float)
    if delay_s.ndim != 1 or not len(delay_s) or not np.isfinite(delay_s).all():
        raise ValueError(f"delay_s has shape {delay_s.shape}, but must be a list of finite times in seconds")
    at_carrier = paths.gain * np.exp(-2j * np.pi * paths.freq_hz * paths.delay_s)

    def columns(which):
        return at_carrier[:, None] * np.sinc(bandwidth_hz * (delay_s[which] - paths.delay_s[:, None]))

    return delay_s, link_sum_by_columns(paths, columns, len(delay_s))


def delay_spread_s(paths: Paths) -> np.ndarray:
    r"""Root mean square delay spread :math:`\sqrt{\sum P (\tau - \bar\tau)^2 / \sum P}` in seconds, shape (T, R)."""
    from_mean_s = paths.delay_s - _power_mean(paths, paths.delay_s)[paths.tx, paths.rx]
    return np.sqrt(_power_mean(paths, from_mean_s**2))


def angle_spread_deg(paths: Paths, angle: str = "aoa_azimuth") -> np.ndarray:
    r"""Circular angle spread of TR 38.901, Annex A: :math:`\sqrt{-2 \ln |\sum P e^{j\varphi} / \sum P|}`.

    It has no cut at 180 degrees and needs no mean angle. For narrow clusters it equals `rms_angle_spread_deg`; it
    grows without limit as directions fill the circle.

    Parameters
    ----------
    paths : Paths
        Any number of links.
    angle : {"aoa_azimuth", "aoa_zenith", "aod_azimuth", "aod_zenith"}
        Which angle of a path.

    Returns
    -------
    ndarray, shape (T, R)
        Spread in degrees; infinite where directions cancel.

    Raises
    ------
    ValueError
        If there is no such angle.
    """
    length = np.abs(_mean_direction(paths, _angle_deg(paths, angle)))
    with np.errstate(divide="ignore"):
        return np.rad2deg(np.sqrt(-2 * np.log(np.minimum(length, 1.0))))


def rms_angle_spread_deg(paths: Paths, angle: str = "aoa_azimuth") -> np.ndarray:
    r"""Root mean square of angles around their mean: :math:`\sqrt{\sum P\,[\varphi - \bar\varphi]^2 / \sum P}`.

    The mean :math:`\bar\varphi` is the direction of :math:`\sum P e^{j\varphi}`, and differences [.] are brought to
    -180..180 degrees. Parameters, result and errors as in `angle_spread_deg`; it is never above 180 degrees.
    """
    angle_deg = _angle_deg(paths, angle)
    mean_deg = np.rad2deg(np.angle(_mean_direction(paths, angle_deg)))
    return np.sqrt(_power_mean(paths, wrapped(angle_deg - mean_deg[paths.tx, paths.rx]) ** 2))


def rician_k_db(paths: Paths) -> np.ndarray:
    """Power of the line of sight over that of all other paths, in dB, shape (T, R).

    It is ``-inf`` without a line of sight, ``inf`` where there is nothing else, NaN where nothing arrives.
    """
    power = np.abs(paths.gain) ** 2
    direct = link_sum(paths, np.where(paths.order == 0, power, 0.0))
    rest = link_sum(paths, np.where(paths.order == 0, 0.0, power))
    with np.errstate(divide="ignore", invalid="ignore"):
        return 10 * np.log10(direct / rest)


def _angle_deg(paths: Paths, angle: str) -> np.ndarray:
    if angle not in ANGLES:
        raise ValueError(f"angle is {angle!r}, but must be one of {', '.join(map(repr, ANGLES))}")
    end, which = angle.split("_")
    return getattr(paths, f"{end}_deg")[:, ("zenith", "azimuth").index(which)]


def _mean_direction(paths: Paths, angle_deg: np.ndarray) -> np.ndarray:
    return _power_mean(paths, np.exp(1j * np.deg2rad(angle_deg)))


def _power_mean(paths: Paths, values: np.ndarray) -> np.ndarray:
    """Mean of `values` (P,) over each link's paths, weighted by power; NaN where there is none."""
    power = np.abs(paths.gain) ** 2
    with np.errstate(invalid="ignore"):  # 0 / 0 without a path
        return link_sum(paths, power * values) / link_sum(paths, power)
