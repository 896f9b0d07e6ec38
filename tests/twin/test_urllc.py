"""Finite blocklength: against the meta-converse computed with scipy's noncentral chi-square, Monte Carlo and limits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ncx2

from dnt_lab.twin.urllc import capacity_bits, dispersion_bits2, max_bits, packet_error, required_sinr


def meta_converse_bits(sinr, n_symbols, error):
    """Upper bound of Polyanskiy, Poor, Verdu (2010), Theorem 41, for n complex = 2n real symbols of equal energy.

    Under the channel and under N(0, 1 + sinr) the log-likelihood ratio falls with a noncentral chi-square variable.
    """
    df = 2 * n_symbols
    threshold = ncx2.isf(error, df, df / sinr)
    return -ncx2.logcdf(threshold / (1 + sinr), df, df * (1 + sinr) / sinr) / np.log(2)


@pytest.mark.parametrize("sinr", [0.5, 1.0, 4.0])
@pytest.mark.parametrize("error", [1e-3, 1e-5])
def test_bits_follow_the_meta_converse_up_to_a_constant(sinr, error):
    n = np.array([64, 128, 256])
    gap = np.array([meta_converse_bits(sinr, k, error) for k in n]) - max_bits(sinr, n, error)
    assert (gap > 0).all() and (gap < 10).all()  # a bound from above, within O(1) bits
    assert np.ptp(gap) < 0.6  # without the (log2 n)/2 term it would drift by one bit, with a wrong dispersion by more


def test_dispersion_is_the_variance_of_information_density():
    rng, sinr = np.random.default_rng(1), 3.0
    noise = (rng.normal(size=400_000) + 1j * rng.normal(size=400_000)) / np.sqrt(2)
    y = np.sqrt(sinr) + noise  # symbols of constant energy, as on the power sphere
    density = np.log2(1 + sinr) + (np.abs(y) ** 2 / (1 + sinr) - np.abs(noise) ** 2) * np.log2(np.e)
    assert density.mean() == pytest.approx(capacity_bits(sinr), rel=2e-3)
    assert density.var() == pytest.approx(dispersion_bits2(sinr), rel=1e-2)


def test_dispersion_of_the_paper():
    # the real channel of the paper has V = P (P + 2) / (2 (P + 1)^2) log2(e)^2; a complex symbol is two real ones
    p = np.array([0.1, 1.0, 10.0])
    assert dispersion_bits2(p) == pytest.approx(2 * p * (p + 2) / (2 * (p + 1) ** 2) * np.log2(np.e) ** 2)


def test_long_packets_know_only_capacity():
    n = 10**9
    assert packet_error(1.0, 0.999 * n, n) < 1e-12
    assert packet_error(1.0, 1.001 * n, n) > 1 - 1e-12
    assert max_bits(1.0, n, 1e-5) / n == pytest.approx(1.0, abs=2e-3)


def test_no_signal_loses_every_packet():
    assert packet_error([0.0, 1e-12], 256, 100) == pytest.approx([1.0, 1.0])


@given(st.floats(16, 1000), st.integers(50, 1000), st.floats(1e-9, 0.1))
def test_required_sinr_inverts_packet_error(n_bits, n_symbols, error):
    assert packet_error(required_sinr(n_bits, n_symbols, error), n_bits, n_symbols) == pytest.approx(error, rel=1e-4)


@given(st.floats(0.01, 100), st.integers(50, 500))
def test_more_symbols_and_more_sinr_never_hurt(sinr, n_symbols):
    error = packet_error([sinr, 1.1 * sinr, sinr], 256, [n_symbols, n_symbols, 2 * n_symbols])
    assert error[1] <= error[0] and error[2] <= error[0]


@pytest.mark.parametrize(
    ("call", "kind", "sentence"),
    [
        (lambda: packet_error(-0.1, 256, 100), ValueError, "sinr holds -0.1"),
        (lambda: packet_error(np.nan, 256, 100), ValueError, "sinr holds nan"),
        (lambda: packet_error(1.0, 0, 100), ValueError, "n_bits is 0, but it must be over 0"),
        (lambda: packet_error(1.0, 256, [100, 0]), ValueError, "n_symbols holds 0.0"),
        (lambda: required_sinr("256", 100, 1e-5), TypeError, "n_bits is '256', but a number is needed"),
        (lambda: required_sinr(256, 100, 0.7), ValueError, "error is 0.7, but it must be over 0 and at most 0.5"),
        (lambda: required_sinr(1e6, 100, 1e-5), ValueError, "no SINR from -40 to 100 dB"),
        (lambda: max_bits(1.0, 100, 0.0), ValueError, "error is 0.0"),
    ],
)
def test_wrong_calls(call, kind, sentence):
    with pytest.raises(kind, match=sentence):
        call()
