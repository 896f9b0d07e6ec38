r"""How reliable is a short packet? The normal approximation of finite-blocklength coding.

A URLLC packet is too short for Shannon's capacity to tell its errors. For `n` complex symbols at SINR :math:`\gamma`

.. math::

    C = \log_2(1+\gamma), \qquad V = \frac{\gamma(2+\gamma)}{(1+\gamma)^2} \log_2^2 e, \qquad
    \epsilon \approx Q\!\left(\frac{nC - k + \tfrac12 \log_2 n}{\sqrt{nV}}\right)

where `k` is the number of information bits, C the capacity and V the dispersion of the complex AWGN channel (in bits
and bits squared a symbol).

Source: Y. Polyanskiy, H. V. Poor, S. Verdu, "Channel coding rate in the finite blocklength regime", IEEE Trans. Inf.
Theory 56(5), 2010, Theorem 54; for complex symbols G. Durisi, T. Koch, P. Popovski, Proc. IEEE 104(9), 2016.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from dnt_lab.datasets._numbers import real, reals

_LOG2_E = np.log2(np.e)


def capacity_bits(sinr) -> np.ndarray:
    """Capacity of the complex AWGN channel in bits a symbol; `sinr` is linear."""
    return np.log2(1 + reals("sinr", sinr))


def dispersion_bits2(sinr) -> np.ndarray:
    """Dispersion of the complex AWGN channel in bits squared a symbol; `sinr` is linear.

    Examples
    --------
    >>> round(float(dispersion_bits2(1.0)), 4)
    1.561
    """
    sinr = reals("sinr", sinr)
    return (1 - (1 + sinr) ** -2.0) * _LOG2_E**2


def packet_error(sinr, n_bits: float, n_symbols) -> np.ndarray:
    """Probability that a packet is lost.

    Parameters
    ----------
    sinr : array_like
        Signal to interference and noise ratio, linear, constant over the packet.
    n_bits : float
        Information bits, such as 256 for 32 bytes.
    n_symbols : array_like
        Complex symbols spent on the packet; broadcast against `sinr`.

    Returns
    -------
    ndarray
        Probability in [0, 1]; 1 without a signal.

    Raises
    ------
    ValueError
        If a SINR is negative or no number, or bits or symbols are not positive.

    Examples
    --------
    >>> f"{packet_error(2.0, n_bits=256, n_symbols=256):.1e}"
    '8.0e-13'
    """
    n_bits = real("n_bits", n_bits)
    n = reals("n_symbols", n_symbols, strict=True)
    capacity, dispersion = capacity_bits(sinr), dispersion_bits2(sinr)
    with np.errstate(divide="ignore"):
        surplus = (n * capacity - n_bits + np.log2(n) / 2) / np.sqrt(n * dispersion)
    return np.where(dispersion > 0, ndtr(-surplus), 1.0)


def max_bits(sinr, n_symbols, error: float) -> np.ndarray:
    """Information bits that `n_symbols` symbols carry at packet error `error`: the formula solved for the bits."""
    n, error = reals("n_symbols", n_symbols, strict=True), real("error", error, 0.0, 0.5)
    back_off = np.sqrt(n * dispersion_bits2(sinr)) * -ndtri(error)
    return np.maximum(n * capacity_bits(sinr) - back_off + np.log2(n) / 2, 0.0)


def required_sinr(n_bits: float, n_symbols: float, error: float) -> float:
    """SINR (linear) at which a packet of `n_bits` in `n_symbols` symbols is lost with probability `error`.

    Raises
    ------
    ValueError
        If an argument is out of range, or no SINR from -40 to 100 dB will do.

    Examples
    --------
    >>> np.round([10 * np.log10(required_sinr(256, n, 1e-5)) for n in (128, 256, 512)], 2)
    array([ 6.71,  1.84, -2.  ])
    """
    n_bits, n_symbols = real("n_bits", n_bits), real("n_symbols", n_symbols)
    error = real("error", error, 0.0, 0.5)

    def lacking_bits(sinr_db):
        return n_bits - float(max_bits(10 ** (sinr_db / 10), n_symbols, error))

    if lacking_bits(-40.0) <= 0 or lacking_bits(100.0) >= 0:
        packet = f"{n_bits:g} bits in {n_symbols:g} symbols"
        raise ValueError(f"no SINR from -40 to 100 dB makes {packet} fail with probability {error:g}")
    return 10 ** (brentq(lacking_bits, -40.0, 100.0, xtol=1e-9) / 10)
