r"""Antenna arrays: how elements add up in a direction, beams, and a codebook to choose them from.

A wave from direction :math:`\hat u` reaches the element at :math:`p` (in wavelengths from the array's centre) early by
the phase :math:`2\pi\, p \cdot \hat u`, so an array answers with

.. math:: a_n(\hat u) = g(\hat u)\, e^{j 2\pi\, p_n \cdot \hat u},

g being an element's amplitude. A beam is a vector w of length 1, and in direction :math:`\hat u` its amplitude is
:math:`w^H a(\hat u)`. The same number holds for sending, where element n is fed with conj(w_n): antennas are
reciprocal. Path delays are those of the centres.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from dnt_lab.datasets._checks import one_of, whole
from dnt_lab.physical.antenna import sector_gain_dbi
from dnt_lab.raytracing.angles import unit_vector
from dnt_lab.raytracing.link_sums import link_sum, link_sum_by_columns
from dnt_lab.raytracing.paths import Paths

ELEMENTS = ("isotropic", "38.901")


@dataclass(frozen=True)
class AntennaArray:
    """Elements in `rows` and `columns` on a plane; one row (column) is a linear array, one element an antenna.

    Attributes
    ----------
    rows, columns : int
        Elements upwards and sideways; element ``row * columns + column`` counts from the lower right corner, seen from
        behind the array.
    spacing : float
        Distance of neighbours in wavelengths.
    azimuth_deg, downtilt_deg : float
        Where the array looks: 0, 0 is along +x with columns along +y; the array is turned, then tipped.
    element : {"isotropic", "38.901"}
        0 dBi everywhere, or the 65-degree, 8 dBi pattern of TR 38.901, Table 7.3-1. Only gains turn with the array:
        polarisation stays that of the path.
    """

    rows: int = 1
    columns: int = 1
    spacing: float = 0.5
    azimuth_deg: float = 0.0
    downtilt_deg: float = 0.0
    element: str = "isotropic"

    def __post_init__(self):
        whole("rows", self.rows, 1)
        whole("columns", self.columns, 1)
        one_of("element", self.element, ELEMENTS)
        if not 0 < self.spacing < np.inf:
            raise ValueError(f"spacing is {self.spacing}, but must be a finite number of wavelengths above 0")
        if not np.isfinite([self.azimuth_deg, self.downtilt_deg]).all():
            raise ValueError(f"the array looks at {self.azimuth_deg}, {self.downtilt_deg}, but both must be degrees")

    def __len__(self) -> int:
        return self.rows * self.columns

    @property
    def frame(self) -> np.ndarray:
        """Unit vectors ahead, left and up of the array, shape (3, 3), a row each."""
        (sin_az, cos_az), (sin_tilt, cos_tilt) = (
            (np.sin(a), np.cos(a)) for a in np.deg2rad([self.azimuth_deg, self.downtilt_deg])
        )
        ahead = (cos_az * cos_tilt, sin_az * cos_tilt, -sin_tilt)
        up = (cos_az * sin_tilt, sin_az * sin_tilt, cos_tilt)
        return np.array([ahead, (-sin_az, cos_az, 0.0), up])

    @property
    def positions(self) -> np.ndarray:
        """Positions of elements from the array's centre in wavelengths, shape (N, 3)."""
        up, left = (part.ravel() for part in np.meshgrid(_centred(self.rows), _centred(self.columns), indexing="ij"))
        return self.spacing * np.stack([0 * up, left, up], axis=1) @ self.frame

    def response(self, angle_deg) -> np.ndarray:
        """Amplitude of each element in directions (zenith, azimuth).

        Parameters
        ----------
        angle_deg : array_like, shape (..., 2)
            Directions in degrees.

        Returns
        -------
        ndarray of complex, shape (..., N)
            The a of this module's head.
        """
        towards = unit_vector(angle_deg)
        phase = np.exp(2j * np.pi * (towards @ self.positions.T))
        if self.element == "isotropic":
            return phase
        ahead, left, up = np.moveaxis(towards @ self.frame.T, -1, 0)
        depression_deg = -np.rad2deg(np.arctan2(up, np.hypot(ahead, left)))
        gain_dbi = sector_gain_dbi(np.rad2deg(np.arctan2(left, ahead)), depression_deg, 0.0, 0.0)
        return phase * 10 ** (gain_dbi / 20)[..., None]

    def steered(self, angle_deg) -> np.ndarray:
        """Beams (..., N) with all elements in phase towards directions (..., 2): N times an element's gain there."""
        return np.exp(2j * np.pi * (unit_vector(angle_deg) @ self.positions.T)) / np.sqrt(len(self))

    def codebook(self) -> np.ndarray:
        r"""Return the N orthogonal DFT beams, shape (N, N), a row a beam.

        Beam ``row * columns + column`` advances the phase by :math:`\pi((2c + 1)/C - 1)` from column to column, C of
        them, and likewise upwards. Half a wavelength apart, a row of elements then points to that sine, over pi, of
        the azimuth off ahead. Corner beams of a plane may ask for more than all phase there is, and point nowhere.
        """
        return np.kron(_dft_beams(self.rows), _dft_beams(self.columns))

    def beam_gain_db(self, beams, angle_deg) -> np.ndarray:
        """Gain of beams in directions.

        Parameters
        ----------
        beams : array_like of complex, shape (N,) or (B, N)
            Vectors of length 1.
        angle_deg : array_like, shape (..., 2)
            Directions in degrees.

        Returns
        -------
        ndarray, shape (...,) or (..., B)
            Gain in dBi, -inf in a null.

        Raises
        ------
        ValueError
            If a beam has not N entries or is not of length 1.
        """
        with np.errstate(divide="ignore"):
            return 20 * np.log10(np.abs(self.amplitude(beams, angle_deg)))

    def amplitude(self, beams, angle_deg) -> np.ndarray:
        """Complex amplitude ``w^H a`` of beams in directions; parameters, shape and errors as in `beam_gain_db`."""
        beams = np.asarray(beams, complex)
        lengths = np.linalg.norm(np.atleast_1d(beams), axis=-1)
        if beams.ndim not in (1, 2) or beams.shape[-1] != len(self) or not np.allclose(lengths, 1.0, atol=1e-6):
            raise ValueError(
                f"beams have shape {beams.shape} and lengths from {lengths.min(initial=np.inf):.6g} to "
                f"{lengths.max(initial=0.0):.6g}, but must be vectors of {len(self)} entries and length 1"
            )
        return self.response(angle_deg) @ beams.conj().T


def _centred(count: int) -> np.ndarray:
    return np.arange(count) - (count - 1) / 2


def _dft_beams(count: int) -> np.ndarray:
    cycles = (2 * np.arange(count) + 1) / (2 * count) - 0.5
    return np.exp(2j * np.pi * np.outer(cycles, _centred(count))) / np.sqrt(count)


def through_beams(paths: Paths, tx: AntennaArray, tx_beam, rx: AntennaArray | None = None, rx_beam=None) -> Paths:
    """Return the paths as two beams see them: gains times the beams' amplitudes in their directions.

    Parameters
    ----------
    paths : Paths
        P paths between isotropic antennas.
    tx, rx : AntennaArray
        Arrays of all transmitters and receivers; no `rx` is an isotropic antenna.
    tx_beam, rx_beam : array_like of complex, shape (N,)
        Beams of length 1.

    Returns
    -------
    Paths
        The same paths with other gains: everything in `dnt_lab.raytracing.channel` works on them.

    Raises
    ------
    ValueError
        If a beam does not fit its array, or only one of `rx` and `rx_beam` is given.
    """
    if (rx is None) != (rx_beam is None):
        raise ValueError("only one of rx and rx_beam is given, but a receiving beam needs its array and its weights")
    factor = tx.amplitude(tx_beam, paths.aod_deg)
    if rx is not None:
        factor = factor * rx.amplitude(rx_beam, paths.aoa_deg)
    if factor.shape != (len(paths),):
        raise ValueError("tx_beam or rx_beam holds several beams, but paths are seen through one beam an end")
    return replace(paths, transfer=paths.transfer * factor[:, None, None])


def channel_matrix(paths: Paths, tx: AntennaArray, rx: AntennaArray) -> np.ndarray:
    r"""Narrowband channel between all elements, :math:`H = \sum_i a_i e^{-j 2\pi f_c \tau_i} a_{rx} a_{tx}^T`.

    Returns
    -------
    ndarray of complex, shape (T, R, N_rx, N_tx)
        At the carrier; 0 where a link has no path. Beams give ``rx_beam.conj() @ H @ tx_beam.conj()``.
    """
    at_carrier = paths.gain * np.exp(-2j * np.pi * paths.freq_hz * paths.delay_s)
    arriving, leaving = at_carrier[:, None] * rx.response(paths.aoa_deg), tx.response(paths.aod_deg)
    by_receiver, by_sender = np.divmod(np.arange(len(rx) * len(tx)), len(tx))

    def columns(which):
        return arriving[:, by_receiver[which]] * leaving[:, by_sender[which]]

    h = link_sum_by_columns(paths, columns, len(by_sender))
    return h.reshape(*h.shape[:2], len(rx), len(tx))


class BestBeams(NamedTuple):
    """Beams of each link, arrays (T, R): rows of the codebooks (-1 without a path), and the power they gain."""

    tx_beam: np.ndarray
    rx_beam: np.ndarray
    power: np.ndarray


def best_beams(paths: Paths, tx: AntennaArray, rx: AntennaArray | None = None) -> BestBeams:
    r"""Search the pair of codebook beams with the greatest power, for each link.

    Power is :math:`\sum_i |a_i|^2 G_{tx} G_{rx}`: paths add by power, as they do averaged over a wide band.

    Parameters
    ----------
    paths : Paths
        Any number of links.
    tx, rx : AntennaArray
        Arrays of all transmitters and receivers; no `rx` is an isotropic antenna.

    Returns
    -------
    BestBeams
        Where two pairs are equal, the first of them.
    """
    power = np.abs(paths.gain) ** 2
    ends = ((tx, paths.aod_deg), (rx or AntennaArray(), paths.aoa_deg))
    tx_gain, rx_gain = (np.abs(array.amplitude(array.codebook(), angle_deg)) ** 2 for array, angle_deg in ends)
    by_tx, by_rx = np.divmod(np.arange(tx_gain.shape[1] * rx_gain.shape[1]), rx_gain.shape[1])

    def columns(which):
        return power[:, None] * tx_gain[:, by_tx[which]] * rx_gain[:, by_rx[which]]

    pairs = link_sum_by_columns(paths, columns, len(by_tx))
    best = pairs.argmax(axis=-1)
    lit = link_sum(paths, np.ones(len(paths))) > 0
    return BestBeams(np.where(lit, by_tx[best], -1), np.where(lit, by_rx[best], -1), pairs.max(axis=-1))
