"""Compression: packed by hand, real bytes, unbiased where it says so, and how far the server's view may be off."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dnt_lab.fl import qsgd, sign, top_k

ALL = {"qsgd(1)": qsgd(1), "qsgd(8)": qsgd(8), "qsgd(16)": qsgd(16), "top_k(0.1)": top_k(0.1), "top_k(1)": top_k(1.0)}
ALL["sign()"] = sign()
each = pytest.mark.parametrize("compression", ALL.values(), ids=ALL.keys())
updates = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=40),
    elements=st.floats(-1e4, 1e4, width=32, allow_subnormal=False),
)


def streams(k, seed=0):
    return [np.random.default_rng([seed, i]) for i in range(k)]


def sent(compression, v, seed=0):
    """Return the update as the server sees it."""
    v = np.asarray(v)
    return compression.decode(compression.encode(v, streams(len(v), seed)), v.shape[1])


class Fixed:
    """Stands in for a generator whose draws are known."""

    def __init__(self, *draws):
        self.draws = draws

    def random(self, n):
        return np.array(self.draws[:n])


def as_bytes(number):
    return list(np.float32(number).tobytes())


def test_qsgd_by_hand():
    """The norm of (3, -4, 0) is 5; with 2 bits s = 3, and 3 |v| / 5 = 1.8, 2.4, 0."""
    payload = qsgd(2).encode(np.array([[3.0, -4.0, 0.0]]), [Fixed(0.1, 0.7, 0.999)])
    # floor(1.9) = 1, floor(3.1) = 3, floor(.999) = 0: sign and level are 0 01, 1 11, 0 00, then padding
    assert payload.tolist() == [[*as_bytes(5), 0b00111100, 0b00000000]]
    np.testing.assert_allclose(qsgd(2).decode(payload, 3), [[5 / 3, -5, 0]], rtol=1e-6)
    rounded_up = qsgd(2).encode(np.array([[3.0, -4.0, 0.0]]), [Fixed(0.3, 0.5, 0.0)])
    np.testing.assert_allclose(qsgd(2).decode(rounded_up, 3), [[10 / 3, -10 / 3, 0]], rtol=1e-6)


def test_qsgd_never_rounds_beyond_its_highest_level():
    """255 plus the largest draw below 1 is 256 in floating point, which 8 bits cannot hold."""
    payload = qsgd(8).encode(np.array([[-2.0]]), [Fixed(np.nextafter(1.0, 0.0))])
    assert qsgd(8).decode(payload, 1).tolist() == [[-2.0]]


def test_top_k_by_hand():
    update = np.array([[0.5, -3.0, 0.0, 2.0, -0.1]])
    payload = top_k(0.4).encode(update, streams(1))
    assert payload.tolist() == [[*as_bytes(-3), *as_bytes(2), 1, 0, 3, 0]]
    assert top_k(0.4).decode(payload, 5).tolist() == [[0, -3, 0, 2, 0]]
    assert sent(top_k(0.01), update).tolist() == [[0, -3, 0, 0, 0]]


def test_sign_by_hand():
    update = np.array([[1.0, -2.0, 0.0, 3.0, -4.0, 0.0, 0.0, 0.0, -8.0]])
    payload = sign().encode(update, streams(1))
    assert payload.tolist() == [[*as_bytes(2), 0b01001000, 0b10000000]]
    assert sign().decode(payload, 9).tolist() == [[2, -2, 2, 2, -2, 2, 2, 2, -2]]


@each
@settings(max_examples=40)
@given(p=st.one_of(st.integers(1, 300), st.sampled_from([2**16 - 1, 2**16, 2**16 + 1])), k=st.integers(0, 3))
def test_payloads_are_exactly_as_long_as_counted(compression, p, k):
    payload = compression.encode(np.random.default_rng(p).normal(size=(k, p)), streams(k))
    assert payload.dtype == np.uint8 and payload.shape == (k, compression.n_bytes(p))
    decoded = compression.decode(payload, p)
    assert decoded.dtype == np.float32 and decoded.shape == (k, p)


def test_bytes_by_hand():
    # 1,073 weights: 4 + 1073 x 9 / 8 = 4 + 1207.1, 107 x (4 + 2), 4 + 1073 / 8 = 4 + 134.1
    assert [c.n_bytes(1073) for c in (qsgd(8), top_k(0.1), sign())] == [1212, 642, 139]
    assert [top_k(1.0).n_bytes(p) for p in (2**16, 2**16 + 1)] == [6 * 2**16, 8 * (2**16 + 1)]


def test_places_beyond_16_bits_arrive():
    update = np.zeros((1, 2**16 + 2))
    update[0, [3, 2**16, 2**16 + 1]] = [1.0, -2.0, 3.0]
    np.testing.assert_array_equal(sent(top_k(3 / update.size), update), update)
    np.testing.assert_array_equal(sent(top_k(3 / 2**16), update[:, -(2**16) :]), update[:, -(2**16) :])


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_qsgd_is_unbiased(bits):
    v = np.random.default_rng(3).normal(size=40) * 10.0 ** np.linspace(-3, 0, 40)
    seen = sent(qsgd(bits), np.tile(v, (4000, 1)), seed=bits).astype(float)
    # rounding up or down by a step of norm / s with probability q has the deviation step sqrt(q (1 - q))
    step = np.linalg.norm(v) / (2**bits - 1)
    q = np.abs(v) / step % 1
    deviation = step * np.sqrt(q * (1 - q))
    assert (np.abs(seen.mean(axis=0) - v) < 4.5 * deviation / np.sqrt(4000) + 1e-6 * np.abs(v)).all()
    np.testing.assert_allclose(seen.var(axis=0), deviation**2, rtol=0.2, atol=4 * step**2 / np.sqrt(4000))
    # the bound of the paper, min(n / s^2, sqrt(n) / s) ||v||^2
    s, error = 2**bits - 1, ((seen - v) ** 2).sum(axis=1).mean()
    assert error <= min(v.size / s**2, math.sqrt(v.size) / s) * (v @ v)


@settings(max_examples=100)
@given(updates, st.integers(1, 16), st.integers(0, 2**32))
def test_qsgd_is_off_by_less_than_a_level_a_weight(v, bits, seed):
    seen, norm = sent(qsgd(bits), v, seed).astype(float), np.linalg.norm(v.astype(float), axis=1)
    step = norm / (2**bits - 1)
    off = np.abs(seen - v)
    assert (off <= (step + 2e-7 * norm)[:, None]).all()
    assert (np.linalg.norm(off, axis=1) <= math.sqrt(v.shape[1]) * (step + 2e-7 * norm)).all()
    assert (seen * v >= 0).all() and (np.abs(seen).max(axis=1) <= norm * (1 + 1e-6)).all()
    levels = np.abs(seen) / np.where(step > 0, step, 1)[:, None]
    np.testing.assert_allclose(levels, np.round(levels), rtol=1e-5, atol=1e-5)


@settings(max_examples=100)
@given(updates, st.floats(0, 1, exclude_min=True))
def test_top_k_keeps_the_largest_and_leaves_out_the_rest(v, share):
    seen = sent(top_k(share), v)
    kept = max(1, round(share * v.shape[1]))
    for row, out in zip(v, seen, strict=True):
        largest = sorted(range(len(row)), key=lambda i: (-abs(row[i]), i))[:kept]
        expected = np.zeros_like(row)
        expected[largest] = row[largest]
        np.testing.assert_array_equal(out, expected)
    # what is left out is at most the share that is not kept, in energy
    energy = (v.astype(float) ** 2).sum(axis=1)
    assert (((seen - v).astype(float) ** 2).sum(axis=1) <= (1 - kept / v.shape[1]) * energy * (1 + 1e-6)).all()
    np.testing.assert_array_equal(sent(top_k(share), seen), seen)


def test_ties_go_to_the_first_weights():
    assert sent(top_k(0.5), [[1.0, -1.0, 1.0, -1.0]]).tolist() == [[1, -1, 0, 0]]


@settings(max_examples=100)
@given(updates)
def test_sign_keeps_signs_and_the_mean_size(v):
    seen = sent(sign(), v)
    scale = np.abs(v).mean(axis=1, dtype=float, keepdims=True)
    np.testing.assert_allclose(seen, np.where(v < 0, -scale, scale), rtol=1e-6)
    # the mean |v| is the scale that is closest: ||v||^2 - ||v||_1^2 / P is left out
    one_norm, energy = v.shape[1] * scale[:, 0], (v.astype(float) ** 2).sum(axis=1)
    left_out = ((seen.astype(float) - v) ** 2).sum(axis=1)
    np.testing.assert_allclose(left_out, energy - one_norm**2 / v.shape[1], rtol=1e-4, atol=1e-5 * energy.max())


@each
def test_nothing_stays_nothing(compression):
    np.testing.assert_array_equal(sent(compression, np.zeros((2, 9))), np.zeros((2, 9)))


def test_what_is_exact_arrives_exactly():
    v = np.random.default_rng(0).normal(size=(3, 50)).astype(np.float32)
    np.testing.assert_array_equal(sent(top_k(1.0), v), v)
    alone = np.zeros((1, 7), np.float32)
    alone[0, 2] = -0.3
    np.testing.assert_array_equal(sent(qsgd(3), alone), alone)
    assert np.abs(sent(qsgd(16), v) - v).max() < 2e-4 * np.abs(v).max()


@each
def test_each_update_is_packed_by_itself_with_its_own_draws(compression):
    v = np.random.default_rng(1).normal(size=(4, 30))
    together = compression.encode(v, streams(4))
    for k in range(4):
        np.testing.assert_array_equal(compression.encode(v[k : k + 1], streams(4)[k : k + 1])[0], together[k])
    np.testing.assert_array_equal(compression.encode(v, streams(4)), together)
    differs = (compression.encode(v, streams(4, seed=9)) != together).any()
    assert differs == compression.name.startswith("qsgd")


@each
def test_sizes_from_tiny_to_huge_survive(compression):
    v = np.random.default_rng(1).normal(size=(1, 20)).astype(np.float32)
    for scale in (np.float32(1e-36), np.float32(1e36)):
        np.testing.assert_allclose(sent(compression, v * scale) / scale, sent(compression, v), rtol=1e-5, atol=1e-6)


def test_only_biased_ones_ask_for_feedback():
    assert not qsgd().feedback and top_k().feedback and sign().feedback
    assert [c.name for c in (qsgd(), top_k(), sign())] == ["qsgd(8)", "top_k(0.1)", "sign()"]


@pytest.mark.parametrize("compression", [top_k(0.2), sign()], ids=["top_k", "sign"])
def test_feedback_makes_up_for_what_was_left_out(compression):
    """Error feedback: what the server has seen after T rounds is off by what is still kept back, which is bounded."""
    rng, kept_back, seen, total = np.random.default_rng(0), np.zeros((1, 50)), np.zeros((1, 50)), np.zeros((1, 50))
    bias = rng.normal(size=(1, 50))
    for _ in range(300):
        update = bias + 0.1 * rng.normal(size=(1, 50))
        out = sent(compression, update + kept_back)
        kept_back = update + kept_back - out
        seen, total = seen + out, total + update
    np.testing.assert_allclose(total - seen, kept_back, atol=1e-3)
    assert np.linalg.norm(total - seen) < 0.2 * np.linalg.norm(total)


@pytest.mark.parametrize(
    ("make", "error", "sentence"),
    [
        (lambda: qsgd(0), ValueError, "bits is 0, but must be 1 to 16"),
        (lambda: qsgd(17), ValueError, "bits is 17"),
        (lambda: qsgd(8.0), TypeError, r"bits is 8\.0, but must be a whole number, 1 to 16"),
        (lambda: top_k(0.0), ValueError, r"share is 0\.0, but it must be over 0 and at most 1"),
        (lambda: top_k(1.1), ValueError, r"share is 1\.1"),
        (lambda: top_k(np.nan), ValueError, "share is nan"),
        (lambda: top_k("most"), TypeError, "share is 'most', but a number is needed"),
    ],
)
def test_bad_settings_are_refused(make, error, sentence):
    with pytest.raises(error, match=sentence):
        make()


@each
def test_bad_updates_and_payloads_are_refused(compression):
    for wrong in (np.nan, -np.inf, 1e39, 1e200):
        with pytest.raises(ValueError, match=r"update 1 has the norm .*; a finite one is needed"):
            compression.encode(np.array([[1.0, 2.0], [0.0, wrong]]), streams(2))
    with pytest.raises(ValueError, match=r"updates have shape \(3,\); \(K, P\) is needed, a row an update"):
        compression.encode(np.ones(3), streams(1))
    payload = compression.encode(np.ones((2, 40)), streams(2))
    n = compression.n_bytes(50)
    with pytest.raises(ValueError, match=rf"payload is uint8 of shape \(2, \d+\); uint8 of \(K, {n}\) is needed"):
        compression.decode(payload, 50)
    with pytest.raises(ValueError, match="payload is int64"):
        compression.decode(payload.astype(int), 40)
